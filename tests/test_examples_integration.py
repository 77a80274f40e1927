"""The examples for integrators run against what they are made for: a FHIR server, a folder of HL7, a warehouse."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

import labinterp as li
from labinterp.codes import FLAGS
from labinterp.messages import hl7v2

EXAMPLES = Path(__file__).parents[1] / "examples"
PANELS = EXAMPLES / "data" / "panels.csv"
MESSAGES = EXAMPLES / "data" / "hl7v2"
BUNDLE = EXAMPLES / "data" / "fhir" / "bundle.json"


def example(name):
    """Load a file of `examples/` as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name, *arguments, cwd):
    """Run an example as its user would, warnings counted as errors, and return what it prints."""
    done = subprocess.run(  # noqa: S603 - our own files
        [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class Store:
    """What a FHIR server holds, with the searches and the transaction that the example asks for; pages of two."""

    page = 2

    def __init__(self, bundle):
        self.held, self.clock, self.foreign, self.posts = {}, 0, False, 0
        for entry in bundle["entry"]:
            self.put(entry["resource"])

    def put(self, resource):
        """Keep a resource, unless nothing of it has changed."""
        key = f"{resource['resourceType']}/{resource['id']}"
        before = self.held.get(key, {})
        if {**before, "meta": None} == {**resource, "meta": None}:
            return
        self.clock += 1
        time = f"2026-03-03T00:00:{self.clock:02d}Z"
        self.held[key] = {**resource, "meta": {**resource.get("meta", {}), "lastUpdated": time}}

    def find(self, kind, asked):
        """Return the resources that a search means."""
        found = [resource for key, resource in self.held.items() if key.startswith(f"{kind}/")]
        for name, (value, *_) in asked.items():
            if name in ("_tag", "_tag:not"):
                found = [r for r in found if tagged(r, value) == (name == "_tag")]
            elif name == "patient":
                found = [r for r in found if value == r.get("subject", r.get("patient", {})).get("reference")]
            elif name == "_lastUpdated":
                found = [r for r in found if r["meta"]["lastUpdated"] >= value.removeprefix("ge")]
            elif name == "category":
                found = [r for r in found if value in json.dumps(r.get("category"))]
            else:
                assert name in ("_count", "_include", "_page"), name
        return found

    def answer(self, base, path, asked):
        """Return a page of a search with what it includes."""
        found, start = self.find(path, asked), int(asked.get("_page", ["0"])[0])
        shown = found[start : start + self.page]
        if "_include" in asked:
            shown = shown + [self.held[link] for r in shown for link in links(r) if link in self.held]
        entries = [{"fullUrl": f"{base}/{r['resourceType']}/{r['id']}", "resource": r} for r in shown]
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": []}
        if start + self.page < len(found):
            query = "&".join(f"{k}={v}" for k, vs in {**asked, "_page": [start + self.page]}.items() for v in vs)
            host = "http://elsewhere.invalid/fhir" if self.foreign else base
            bundle["link"].append({"relation": "next", "url": f"{host}/{path}?{query}"})
        return bundle

    def take(self, bundle):
        """Take a transaction: the names of its entries become those of the server."""
        assert bundle["type"] == "transaction"
        self.posts += 1
        names = {entry["fullUrl"]: entry["request"]["url"] for entry in bundle["entry"]}
        text = json.dumps([entry["resource"] for entry in bundle["entry"]])
        for full, name in names.items():
            text = text.replace(f'"{full}"', f'"{name}"')
        for resource in json.loads(text):
            self.put(resource)


def tagged(resource, token):
    return any(f"{tag['system']}|{tag['code']}" == token for tag in resource["meta"].get("tag", []))


def links(resource):
    return [resource.get(name, {}).get("reference") for name in ("subject", "specimen")]


@contextmanager
def serving(store):
    """Serve a store on loopback; give the address of its base."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self, document):
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            parts = urlsplit(self.path)
            self.respond(store.answer(base, parts.path.removeprefix("/fhir/"), parse_qs(parts.query)))

        def do_POST(self):
            assert self.path.rstrip("/") == "/fhir"
            store.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.respond({"resourceType": "Bundle", "type": "transaction-response"})

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        base = f"http://127.0.0.1:{server.server_port}/fhir"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield base
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def store():
    return Store(json.loads(BUNDLE.read_text(encoding="utf-8")))


@pytest.fixture
def client(store):
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    with serving(store) as base, httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
        yield client


def issues(store, patient):
    """Return the findings that stand on the server and that hold."""
    found = [r for key, r in store.held.items() if key.startswith("DetectedIssue/")]
    mine = [r for r in found if r["patient"]["reference"] == patient and r["status"] != "entered-in-error"]
    return sorted(coding["code"] for r in mine for coding in r["code"]["coding"] if coding["system"].startswith("urn:"))


def test_fhir_loop_puts_back_what_the_bundle_gives(store, client):
    """Page by page, the loop puts back the findings of the whole bundle, and a round without news changes nothing."""
    loop = example("fhir_server_loop")
    whole = li.interpret_fhir(BUNDLE)
    expected = [e["resource"]["id"] for e in whole["entry"] if e["resource"]["resourceType"] == "DetectedIssue"]
    count, since = loop.one_round(client)
    assert count == 2
    assert issues(store, "Patient/anna") == ["hypocalcemia", "hypomagnesemia", "vitamin-d-deficiency"]
    assert len([key for key in store.held if key.startswith("DetectedIssue/")]) == len(expected)
    before = copy.deepcopy(store.held)
    loop.one_round(client)
    loop.one_round(client, since)
    assert store.held == before


def test_fhir_loop_takes_back_what_a_correction_overtakes(store, client):
    """A corrected calcium makes the old finding and the old derived result `entered-in-error`."""
    loop = example("fhir_server_loop")
    _, since = loop.one_round(client)
    calcium = copy.deepcopy(store.held["Observation/ca"])
    calcium["status"], calcium["valueQuantity"]["value"] = "corrected", 9.4
    calcium.pop("interpretation", None)
    store.put(calcium)
    loop.one_round(client, since)
    assert issues(store, "Patient/anna") == ["hypomagnesemia", "vitamin-d-deficiency"]
    assert issues(store, "Patient/bert") == ["hyperhomocysteinemia"]
    derived = [r for r in store.held.values() if r.get("derivedFrom") == [{"reference": "Observation/ca"}]]
    assert sorted(r["status"] == "entered-in-error" for r in derived) == [False, True]


def test_fhir_loop_tells_of_results_that_it_cannot_answer(store, client, capsys):
    """Results that name no patient of the server are counted aloud, and hold back nobody else's."""
    calcium = copy.deepcopy(store.held["Observation/ca"])
    store.put({**calcium, "id": "elsewhere", "subject": {"reference": "http://elsewhere.invalid/Patient/canary"}})
    store.put({**{name: value for name, value in calcium.items() if name != "subject"}, "id": "nobody"})
    assert example("fhir_server_loop").one_round(client)[0] == 2
    assert capsys.readouterr().err == "2 results name no patient of this server\n"


def test_fhir_loop_does_not_leave_the_server(store, client):
    """A next page on another server is refused before anything is sent there or written here."""
    store.foreign = True
    with pytest.raises(li.InputError, match="another server"):
        example("fhir_server_loop").one_round(client)
    assert store.posts == 0


def test_hl7_folder_answers_moves_and_refuses(tmp_path):
    """Each message is answered and moved, junk is refused with a reason, and what is still being written is left."""
    pytest.importorskip("hl7", reason="the extra 'hl7v2' brings hl7")
    for name in ("oru_r01.hl7", "batch.hl7"):
        (tmp_path / name).write_bytes((MESSAGES / name).read_bytes())
    (tmp_path / "junk.hl7").write_bytes(b"CANARY-417|calcium 7.9")
    (tmp_path / ".late.hl7").write_bytes(b"MSH")
    (tmp_path / "late.hl7.part").write_bytes(b"MSH")
    assert run("hl7_folder.py", tmp_path, "--once", cwd=tmp_path) == "2 answered, 1 refused\n"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [".late.hl7", "late.hl7.part"]
    answers = sorted((tmp_path / "answers").iterdir())
    assert [path.name.split(".")[0] for path in answers] == ["batch", "oru_r01"]
    assert [path.name for path in sorted((tmp_path / "done").iterdir())] == [path.name for path in answers]
    assert "|M1|" not in answers[1].read_text(encoding="utf-8").split("\r")[0]
    assert answers[0].read_bytes().count(b"MSH|") == 2
    again = [finding.code for finding in hl7v2.interpret_hl7v2_batch(answers[1])[0].findings]
    assert {"hypocalcemia", "hypomagnesemia"} <= set(again)
    (reason,) = (tmp_path / "refused").glob("*.txt")
    assert "417" not in reason.read_text(encoding="utf-8")
    assert reason.with_suffix(".hl7").read_bytes() == b"CANARY-417|calcium 7.9"


def test_hl7_folder_keeps_a_message_that_cannot_be_answered_now(tmp_path, monkeypatch, capsys):
    """A full disk costs no message: it stays, nothing half is seen, and the next round answers it once."""
    pytest.importorskip("hl7", reason="the extra 'hl7v2' brings hl7")
    folder = example("hl7_folder")
    (tmp_path / "a.hl7").write_bytes((MESSAGES / "oru_r01.hl7").read_bytes())

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(folder.os, "fsync", full)
        assert folder.one_round(tmp_path) == (0, 0)
    assert (tmp_path / "a.hl7").exists()
    assert not list((tmp_path / "answers").glob("*.hl7"))
    assert capsys.readouterr().err == "a message waits: OSError\n"
    assert folder.one_round(tmp_path) == (1, 0)
    assert [len(list((tmp_path / name).iterdir())) for name in ("answers", "done", "refused")] == [1, 1, 0]


def test_duckdb_function_judges_as_the_frame_does():
    """The function of SQL gives each result of the example the canonical value, flag and problem of the frame."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    module = example("duckdb_udf")
    with duckdb.connect() as connection:
        module.register(connection)
        connection.read_csv(str(PANELS), all_varchar=True).create("panels")
        rows = connection.sql(f"SELECT unnest(result({module.SENT})) FROM panels").df()  # noqa: S608 - names of ours
        connection.execute("CREATE TABLE many AS FROM panels, range(1000) WHERE patient_id = 'P05'")
        many = connection.sql(f"SELECT result({module.SENT}).flag, test FROM many").fetchall()  # noqa: S608 - as above
        assert len(set(many)) == 6
        assert {test: flag for flag, test in many} == {
            "Mg": "L",
            "Ca": "L",
            "ALB": "N",
            "K": "L",
            "PTH, intact": "N",
            "creatinine": "N",
        }
        converted = connection.sql(
            "SELECT magnesium_mmol(v, u) FROM (VALUES (1.8, 'mg/dL'), (NULL, 'mg/dL'), (1, NULL), (1, 'furlong')) t(v, u)"
        ).fetchall()
    assert converted == [(li.convert(1.8, "mg/dL", "mmol/L", analyte="magnesium"),), (None,), (None,), (None,)]
    whole = li.interpret_frame(li.read(PANELS)).results
    columns = ["analyte", "comparator", "value", "unit", "flag", "problem"]
    pd.testing.assert_frame_equal(
        rows[columns].astype(object).where(rows[columns].notna(), None),
        whole[columns].astype(object).where(whole[columns].notna(), None).reset_index(drop=True),
        check_dtype=False,
    )


def test_duckdb_example_counts_every_flag():
    """Each flag that there is belongs to a column of the example's query, or is normal."""
    pytest.importorskip("duckdb", reason="duckdb is not installed")
    query = example("duckdb_udf").QUERY
    assert [flag for flag in FLAGS if f"'{flag}'" not in query] == ["N"]


def test_duckdb_example_runs(tmp_path):
    """The example prints a line for each analyte, and NULL for a unit that is not known."""
    pytest.importorskip("duckdb", reason="duckdb is not installed")
    lines = run("duckdb_udf.py", cwd=tmp_path).splitlines()
    assert len(lines) == 9
    assert lines[-1] == "(0.7405883563052871, None)"


def test_warehouse_batch_gives_the_tables_of_the_frame(tmp_path):
    """The warehouse holds the answer of the frame, a second run replaces it, and the marts are printed."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    printed = run("warehouse_batch.py", tmp_path / "w.duckdb", cwd=tmp_path)
    assert printed == run("warehouse_batch.py", tmp_path / "w.duckdb", cwd=tmp_path)
    assert "vitamin-d-deficiency\tpresent" in printed
    whole = li.interpret_frame(li.read(PANELS))
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        tables = {name: connection.table(name).df() for name in ("results", "findings", "pathways")}
    for name, table in tables.items():
        assert len(table) == len(getattr(whole, name)), name
    assert (
        tables["results"]["flag"].astype(str).value_counts().to_dict()
        == whole.results["flag"].astype(str).value_counts().to_dict()
    )


def test_warehouse_batch_that_fails_leaves_yesterdays_tables():
    """A test that fails rolls everything back; a batch without findings is one, too."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    module = example("warehouse_batch")
    with duckdb.connect() as connection:
        read = "CREATE OR REPLACE TABLE raw_results AS FROM read_csv(?, all_varchar = true)"
        connection.execute(read, [str(PANELS)])
        module.run(connection)
        before = connection.table("results").fetchall()
        module.TESTS["never"] = "SELECT 1"
        connection.execute("DELETE FROM raw_results WHERE patient_id IS DISTINCT FROM 'P04'")
        with pytest.raises(RuntimeError, match="never"):
            module.run(connection)
        assert connection.table("results").fetchall() == before
        del module.TESTS["never"]
        module.run(connection)
        assert connection.table("findings").fetchall() == []


@pytest.mark.parametrize("name", ["fhir_server_loop.py", "hl7_folder.py", "duckdb_udf.py", "warehouse_batch.py"])
def test_example_is_named_where_one_looks_for_it(name):
    """The README of the examples and the page on embedding name each of them."""
    root = EXAMPLES.parent
    assert f"`{name}`" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert f"`examples/{name}`" in (root / "docs" / "embedding.md").read_text(encoding="utf-8")
