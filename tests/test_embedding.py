"""labinterp inside other programs: the accessor and every example."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li

EXAMPLES = Path(__file__).parents[1] / "examples"
PANEL = {
    "results": [
        {"test": "calcium", "value": "7,9", "unit": "mg/dL"},
        {"test": "albumin", "value": 4.1, "unit": "g/dL"},
        {"test": "magnesium", "value": "QNS", "unit": "mg/dL"},
    ],
    "patient": {"age": 54, "sex": "female"},
}


def example(name):
    """Load a file of `examples/` as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def expected():
    return li.interpret([li.LabResult(**result) for result in PANEL["results"]], li.Patient(**PANEL["patient"]))


def test_accessor_is_registered_by_its_own_module_alone():
    """`df.labinterp` exists after `import labinterp.pandas`, not after `import labinterp`; importing again is silent."""
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "import importlib, pandas as pd, labinterp as li\n"
        "df = pd.DataFrame({'test': ['Mg'], 'value': [1.1], 'unit': ['mg/dL'], 'age': [54]})\n"
        "li.interpret_frame(df)\n"
        "print(hasattr(df, 'labinterp'))\n"
        "import labinterp.pandas\n"
        "importlib.reload(labinterp.pandas)\n"
        "print(df.labinterp.interpret().results['flag'].tolist())\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - words of ours
    assert out.stdout.split("\n")[:2] == ["False", "['L']"]


def test_accessor_takes_every_option():
    """The accessor gives what `interpret_frame` gives, leaves the frame alone, and refuses unknown options."""
    importlib.import_module("labinterp.pandas")
    frame = pd.DataFrame({"test": ["Mg", "B12"], "value": ["0,65", "170"], "unit": ["mmol/L", "ng/L"], "age": 40})
    before = frame.copy(deep=True)
    report = frame.labinterp.interpret(ranges="uk", panel="patient", delta=True)
    direct = li.interpret_frame(frame, ranges="uk", panel="patient", delta=True)
    pd.testing.assert_frame_equal(report.results, direct.results)
    pd.testing.assert_frame_equal(report.pathways, direct.pathways)
    pd.testing.assert_frame_equal(frame, before)
    assert "170" not in repr(frame.labinterp)
    with pytest.raises(TypeError, match="rangs"):
        frame.labinterp.interpret(rangs="uk")


async def post(app, path, document):
    """Send a document to an ASGI application as a server would; return status and body."""
    body = json.dumps(document).encode()
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    outgoing = []

    async def receive():
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message):
        outgoing.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers, "root_path": ""}
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    await app(scope, receive, send)
    return outgoing[0]["status"], b"".join(message.get("body", b"") for message in outgoing[1:])


def test_fastapi_application_answers_with_a_report():
    """The FastAPI route gives the report of `interpret`; faults of the request are a 422 that repeats no value."""
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    app = example("embed_fastapi").app
    status, body = asyncio.run(post(app, "/panels", PANEL))
    assert status == 200
    assert li.Report.from_json(body) == li.Report.from_json(expected().to_json())
    status, body = asyncio.run(post(app, "/panels", {**PANEL, "ranges": "canary-417"}))
    assert (status, json.loads(body)["error"]) == (422, "ReferenceSetNotFound")
    status, _ = asyncio.run(post(app, "/panels", {"results": [{"test": "Mg", "valeu": 1}]}))
    assert status == 422


class Stub:
    """A request or a response in the shape that Django gives them."""

    def __init__(self, body, method="POST", *, content_type="", status=200):
        self.body, self.method, self.content_type, self.status = body, method, content_type, status


BROKEN = [
    b"{",
    b"[" * 100_000,
    b"[]",
    b'{"results": {}}',
    b'{"results": [1]}',
    b'{"results": [{"test": "Mg"}]}',
    b'{"results": [{"test": "Mg", "value": 1, "values": 2}]}',
    b'{"results": [], "patient": []}',
    b'{"results": [], "patient": {"name": "x"}}',
    b'{"results": [], "ranges": ["us"]}',
    b"\xff",
]


def test_django_view_needs_no_django():
    """The view works with anything in the shape of a request; every broken body is a 422 with a reason."""
    view = example("embed_django_view").interpret_view(Stub)
    answer = view(Stub(json.dumps(PANEL).encode()))
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert [finding["code"] for finding in json.loads(answer.body)["findings"]] == ["hypocalcemia"]
    assert view(Stub(b"", "GET")).status == 405
    for body in BROKEN:
        refused = view(Stub(body))
        assert refused.status == 422
        assert json.loads(refused.body)["detail"]


def test_django_view_inside_django():
    """The view answers a real Django request."""
    pytest.importorskip("django", reason="django is not installed")
    from django.conf import settings
    from django.http import HttpResponse
    from django.test import RequestFactory

    if not settings.configured:
        settings.configure(DEFAULT_CHARSET="utf-8", ALLOWED_HOSTS=["testserver"])
    view = example("embed_django_view").interpret_view(HttpResponse)
    answer = view(RequestFactory().post("/panels/", PANEL, content_type="application/json"))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert li.Report.from_json(answer.content) == li.Report.from_json(expected().to_json())


def test_notebook_runs_from_top_to_bottom(capsys):
    """The notebook runs as a script and shows what it promises."""
    runpy.run_path(str(EXAMPLES / "notebook.py"))
    out = capsys.readouterr().out
    assert "upstream: vitamin_d_deficiency" in out
    assert "vitamin-b12-deficiency" in out


@pytest.mark.filterwarnings("ignore::FutureWarning")  # pandera looks at pyspark where that is installed
def test_pandera_step_checks_both_sides():
    """The step checks its input and its output, and counts what cannot be read by kind."""
    pytest.importorskip("pandera.pandas", reason="pandera is not installed")
    from pandera.errors import SchemaError

    step = example("pandera_step").interpret_step
    raw = pd.DataFrame({"patient_id": "a", "test": ["Mg", "Ca"], "value": ["1,1", 9.4], "unit": "mg/dL", "age": 50})
    assert step(raw)["flag"].tolist() == ["L", "N"]
    with pytest.raises(SchemaError):
        step(raw.drop(columns="unit"))
    with pytest.raises(ValueError, match=r"1 of 2 rows cannot be interpreted \(not_numeric: 1\)"):
        step(raw.assign(value=["417-canary", 9.4]))


def test_every_example_is_tested_here_or_is_data():
    """No example is left behind untested."""
    tested = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert path.stem in tested or any(
            path.stem in other.read_text(encoding="utf-8") for other in Path(__file__).parent.glob("test_*.py")
        )
