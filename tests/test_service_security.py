import gzip
import json
import threading
import time

import anyio
import httpx
import pytest

import labinterp as li
from labinterp.errors import InputError
from labinterp.service import create_app
from labinterp.service.problems import RefusedError
from labinterp.service.workers import Workers
from service_client import PANEL, TABLE, Client

OPEN = Client()
LONG = {**PANEL, "results": PANEL["results"] * 20}
"""More than is answered in the event loop."""
LOCKED = Client(token="s3cret", cors=["https://ehr.example.org"])  # noqa: S106 - of this test alone
PATHS = ["/interpret", "/openapi.json", "/cds-services", "/cds-services/labinterp-patient-view", "/nowhere"]


class Endless:
    """A body that never ends, and counts what was taken from it."""

    def __init__(self, size, pause=0.0):
        self.size = size
        self.pause = pause
        self.taken = 0

    async def __aiter__(self):
        while self.taken < self.size:
            self.taken += 1 << 16
            await anyio.sleep(self.pause)
            yield b" " * (1 << 16)


def test_body_of_100_megabytes_is_refused_before_it_is_read():
    """A body whose length is announced as too large gets 413 without a byte of it being taken."""
    body = Endless(100_000_000)
    answer = OPEN.post("/interpret", content=body, headers={"content-length": "100000000", "content-type": "text/csv"})
    assert answer.status_code == 413
    assert body.taken <= 1 << 16
    assert answer.headers["connection"] == "close"


def test_body_of_unknown_length_is_refused_once_it_is_too_large():
    """A body of 100 MB sent in chunks is given up soon after the limit."""
    body = Endless(100_000_000)
    answer = OPEN.post("/interpret", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert body.taken < 10_300_000


def test_limit_can_be_set():
    """`max_bytes` is the longest body that is read."""
    client = Client(max_bytes=40)
    assert client.interpret('{"results": []}').status_code == 200
    assert client.interpret('{"results": []}' + " " * 26).status_code == 413


def test_slow_body_is_given_up():
    """A body that trickles in gets 408 when the time is over."""
    answer = Client(timeout=0.2).post("/interpret", content=Endless(10**7, 0.05), headers={"content-type": "text/csv"})
    assert answer.status_code == 408


def test_slow_answer_is_given_up(monkeypatch):
    """An answer that is not ready in time gives 503, and the service goes on."""
    release = threading.Event()
    monkeypatch.setattr("labinterp.service.answers.make", lambda *_: release.wait(5) and b"{}")
    client = Client(timeout=0.2)
    try:
        assert client.interpret(LONG).status_code == 503
        assert client.get("/health").status_code == 200
    finally:
        release.set()


def test_too_many_requests_are_sent_away():
    """Beyond `max_pending` requests get 503 with `Retry-After` at once; slow ones that were given up still count."""
    workers = Workers(1, 2, 0.1)
    release = threading.Event()

    async def run():
        found = []

        async def one():
            try:
                found.append(await workers.run(release.wait, 5))
            except RefusedError as error:
                found.append((error.status, bool(error.headers)))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(one)
        assert sorted(found) == [(503, False), (503, False), (503, True)]
        assert workers.pending == 1  # the one that runs; the one that waited was taken back
        release.set()

    anyio.run(run)
    time.sleep(0.05)
    assert workers.pending == 0


def threads_of_answers(monkeypatch):
    seen = []
    monkeypatch.setattr("labinterp.service.answers.make", lambda *_: seen.append(threading.current_thread()) or b"{}")
    return seen


@pytest.mark.parametrize(
    "sent",
    [
        {"body": LONG},
        {"body": {**PANEL, "options": {"ranges": "uk"}}},
        {"body": PANEL, "path": "/interpret?ranges=uk"},
        {"body": PANEL, "accept": "text/html"},
        {"body": TABLE, "kind": "text/csv"},
        {"body": gzip.compress(json.dumps(PANEL).encode()), "content_encoding": "gzip"},
        {"body": gzip.compress(json.dumps(PANEL).encode())},
    ],
)
def test_work_is_done_off_the_event_loop(monkeypatch, sent):
    """Answers that may take long are made in a worker thread, so that one request does not hold up another."""
    seen = threads_of_answers(monkeypatch)
    sent = {name.replace("_", "-"): value for name, value in sent.items()}
    assert OPEN.interpret(**sent).status_code == 200
    assert seen[0] is not threading.main_thread()


def test_a_short_request_is_answered_where_it_arrives(monkeypatch):
    """A few results as JSON cost no change of threads, unless other answers are being made."""
    seen = threads_of_answers(monkeypatch)
    client = Client()
    assert client.interpret(PANEL).status_code == 200
    client.app.state.workers.pending = 1
    assert client.interpret(PANEL).status_code == 200
    assert [thread is threading.main_thread() for thread in seen] == [True, False]


def test_many_at_once_give_each_its_own_answer():
    """Requests that overlap get the answers to their own results."""
    app = create_app(workers=4)

    async def run():
        found = {}

        async def one(client, value):
            request = {"results": [{"test": "mg", "value": value, "unit": "mg/dL"}], "patient": {"age": 50}}
            answer = await client.post("/interpret", json=request)
            found[value] = answer.json()["interpretations"][0]["result"]["value"]

        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")
        async with client, anyio.create_task_group() as group:
            for i in range(24):
                group.start_soon(one, client, 1 + i / 10)
        assert found == {key: key for key in found}
        assert len(found) == 24

    anyio.run(run)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic s3cret", "Bearer s3cret2", "s3cret", "Bearer s\u00e9cret"]
)
def test_token_opens_and_nothing_else_does(path, header):
    """Without the token every path but `/health` gives 401 with a challenge, whether it exists or not."""
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    answer = LOCKED.post(path, json={}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="labinterp"')
    assert answer.headers["content-type"] == "application/problem+json"


def test_token_lets_in():
    """With the token requests are answered, in any case of the word Bearer; `/health` needs none."""
    assert LOCKED.get("/openapi.json", headers={"authorization": "Bearer s3cret"}).json()["security"] == [
        {"bearer": []}
    ]
    assert LOCKED.get("/cds-services", headers={"authorization": "bearer  s3cret"}).status_code == 200
    assert LOCKED.get("/health").status_code == 200


@pytest.mark.parametrize("token", ["", " ", "a b", "t\u00f6ken", "a\n"])
def test_unusable_token_is_refused_when_the_service_is_made(token):
    """An empty token, as from an unset variable, is an error and never an open door."""
    with pytest.raises(InputError, match="token"):
        create_app(token=token)


@pytest.mark.parametrize("origin", ["ehr.example.org", "https://ehr.example.org/", "null", "https://*", ""])
def test_unusable_origin_is_refused_when_the_service_is_made(origin):
    """What is no origin is an error, as it would never match."""
    with pytest.raises(InputError, match="cors"):
        create_app(cors=[origin])


@pytest.mark.parametrize("option", [{"max_bytes": 0}, {"timeout": -1}, {"workers": "2"}, {"lookback_days": True}])
def test_unusable_limits_are_refused_when_the_service_is_made(option):
    """Limits that cannot be meant are errors."""
    with pytest.raises(InputError, match=next(iter(option))):
        create_app(**option)


def test_unknown_ranges_are_refused_when_the_service_is_made():
    """A profile that does not exist is found before serving."""
    with pytest.raises(li.ReferenceSetNotFound):
        create_app(ranges="atlantis")


def test_browsers_are_kept_out_unless_asked():
    """Without `cors` no answer allows another origin; with it, the origins named and no other."""
    preflight = {"origin": "https://ehr.example.org", "access-control-request-method": "POST"}
    allow = "access-control-allow-origin"
    assert allow not in OPEN.get("/health", headers=preflight).headers
    assert OPEN.request("OPTIONS", "/interpret", headers=preflight).status_code == 405
    assert LOCKED.request("OPTIONS", "/interpret", headers=preflight).headers[allow] == "https://ehr.example.org"
    assert LOCKED.post("/interpret", headers=preflight).headers[allow] == "https://ehr.example.org"
    other = {**preflight, "origin": "https://evil.example"}
    assert allow not in LOCKED.request("OPTIONS", "/interpret", headers=other).headers
    assert Client(cors="*").get("/health", headers=preflight).headers[allow] == "*"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/health"), ("POST", "/interpret"), ("GET", "/nowhere"), ("PUT", "/health")]
)
def test_every_answer_has_the_security_headers(method, path):
    """Answers and errors alike are not stored, not sniffed, not framed."""
    headers = OPEN.request(method, path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
