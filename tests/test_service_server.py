import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from labinterp.service import server, tables
from labinterp.service.body import Room
from labinterp.service.problems import RefusedError
from service_client import PANEL, TABLE, Client


@contextlib.contextmanager
def running(**options):
    """Serve on a free loopback port in a thread; yields the server and its address."""
    served = server.configured(port=0, **options)
    thread = threading.Thread(target=served.run)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not served.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield served, served.servers[0].sockets[0].getsockname()
    finally:
        served.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def raw(address, *parts, pause=0.0):
    """Send bytes over a socket and return what comes back until the other side closes."""
    with socket.create_connection(address, 10) as connection:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
        found = b""
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(1 << 16):
                found += part
        return found


def head(length=None, kind="application/json", extra=""):
    size = f"Content-Length: {length}\r\n" if length is not None else "Transfer-Encoding: chunked\r\n"
    return f"POST /interpret HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{size}{extra}\r\n".encode()


def test_real_server_answers_and_names_itself_nowhere():
    """The service on uvicorn answers on loopback, without a Server header."""
    with running() as (_, (host, port)):
        answer = httpx.post(f"http://{host}:{port}/interpret", json=PANEL)
        assert host == "127.0.0.1"
        assert answer.status_code == 200
        assert answer.json()["findings"][0]["code"] == "hypocalcemia"
        assert "server" not in answer.headers


def test_large_body_is_refused_while_it_is_being_sent():
    """100 MB sent to a real server are refused early, announced or not, and the server goes on."""
    with running(max_bytes=1000) as (_, address):
        announced = raw(address, head(100_000_000, extra="Expect: 100-continue\r\n"))
        assert announced.startswith(b"HTTP/1.1 413")
        started = time.monotonic()
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        assert raw(address, head(), *[chunk] * 1600)[:12] in (b"HTTP/1.1 413", b"")
        assert time.monotonic() - started < 8
        assert httpx.get(f"http://{address[0]}:{address[1]}/health").status_code == 200


def test_body_that_stops_arriving_is_given_up():
    """A client that announces a body and stops sending gets 408 and a closed connection."""
    with running(timeout=0.3) as (_, address):
        assert raw(address, head(100), b'{"results"').startswith(b"HTTP/1.1 408")


def test_client_that_goes_away_does_no_harm():
    """A connection that breaks off in the middle of a body leaves the service up."""
    with running() as (_, address):
        with socket.create_connection(address, 5) as connection:
            connection.sendall(head(100) + b'{"res')
        assert raw(address, b"\x00\xff nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert httpx.get(f"http://{address[0]}:{address[1]}/health").status_code == 200


def test_shutdown_waits_for_requests_that_were_begun(monkeypatch):
    """A request that is being answered when the service is told to stop still gets its answer."""
    begun = threading.Event()

    def slow(*_):
        begun.set()
        time.sleep(0.5)
        return b'{"slow": true}'

    monkeypatch.setattr("labinterp.service.answers.make", slow)
    found = []
    with running() as (served, (host, port)):
        asker = threading.Thread(target=lambda: found.append(httpx.post(f"http://{host}:{port}/interpret", json=PANEL)))
        asker.start()
        assert begun.wait(5)
        served.should_exit = True
        asker.join(10)
        assert found[0].json() == {"slow": True}


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_process_quietly(sent):
    """`serve` runs until a signal comes, takes its token from the environment, and logs neither path nor value."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"from labinterp.service import serve; serve(port={port})"
    environment = {**os.environ, "LABINTERP_TOKEN": "from-the-environment"}
    process = subprocess.Popen(  # noqa: S603 - this interpreter, our code
        [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{base}/health")
                break
            time.sleep(0.05)
        headers = {"authorization": "Bearer from-the-environment", "content-type": "text/csv"}
        answer = httpx.post(f"{base}/interpret?ranges=uk", content=TABLE, headers=headers)
        assert answer.status_code == 200
        assert httpx.post(f"{base}/interpret", content=TABLE).status_code == 401
    finally:
        process.send_signal(sent)
        _, log = process.communicate(timeout=20)
    assert process.returncode in (0, -sent)
    assert "POST interpret 200" in log
    assert "Traceback" not in log
    assert not any(word in log for word in ("ranges=", "hemolyzed", "25OHD", "from-the-environment"))


def test_open_door_to_the_network_is_warned_of(caplog):
    """Listening beyond loopback without a token is warned of; with one, or on loopback, it is not."""
    server.configured("0.0.0.0", token="s3cret")  # noqa: S104, S106 - nothing is started
    server.configured("127.0.0.1")
    server.configured("::1")
    server.configured("localhost")
    assert not [record for record in caplog.records if "without a token" in record.getMessage()]
    server.configured("0.0.0.0")  # noqa: S104 - nothing is started
    server.configured("lab.example.org")
    assert len([record for record in caplog.records if "without a token" in record.getMessage()]) == 2


def test_examples_of_cds_hooks_are_answered_by_a_real_server(request):
    """The example calls get cards over a real connection."""
    folder = request.config.rootpath / "examples" / "data" / "cds-hooks"
    with running() as (_, (host, port)):
        for path in folder.glob("*.json"):
            call = json.loads(path.read_text("utf-8"))
            url = f"http://{host}:{port}/cds-services/labinterp-{path.stem}"
            assert httpx.post(url, json=call).json()["cards"]


def test_silent_connections_do_not_take_the_service_down(monkeypatch):
    """Connections on which nothing comes leave `/health` and answers alone, and are closed after a while."""
    monkeypatch.setattr(server, "_HEAD_SECONDS", 1.0)
    with running() as (_, address), contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(address, 10)) for _ in range(150)]
        silent[0].sendall(b"POST /interpret HT")
        base = f"http://{address[0]}:{address[1]}"
        assert httpx.get(f"{base}/health").status_code == 200
        assert httpx.post(f"{base}/interpret", json=PANEL).status_code == 200
        silent[0].settimeout(10)
        silent[1].settimeout(10)
        assert silent[1].recv(1) == b""
        assert silent[0].recv(1) == b""


def test_many_clients_are_all_answered():
    """Clients beyond the threads wait for their turn instead of being sent away."""
    with running() as (_, address):
        url = f"http://{address[0]}:{address[1]}/interpret"
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(httpx.post(url, json=PANEL, timeout=30).status_code))
            for _ in range(64)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [200] * 64


def test_bodies_share_their_room():
    """Bodies that would together hold too much are sent away, and give their room back."""
    room = Room(10)
    with room.part() as first:
        first(6)
        with pytest.raises(RefusedError) as caught, room.part() as second:
            second(6)
        assert (caught.value.status, room.held) == (503, 6)
    assert room.held == 0


def test_a_table_of_too_many_rows_is_refused_before_it_is_read():
    """What a table costs grows with its rows: beyond a number of them it gets 413 with what to do."""
    lines = "test,value,unit\n" + "Mg,1,mg/dL\n" * (tables.MOST_ROWS + 1)
    answer = Client().post("/interpret", content=lines.encode(), headers={"content-type": "text/csv"})
    assert answer.status_code == 413
    assert "in parts" in answer.json()["hint"]
