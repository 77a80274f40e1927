import runpy
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from labinterp.service import create_app
from service_client import PANEL, Client, call

EXAMPLE = Path(__file__).parents[1] / "examples" / "service_fastapi.py"


def home(_):
    return PlainTextResponse("host")


def test_service_mounts_inside_another_application():
    """Mounted under a path, the service answers there, keeps its token there, and leaves the host alone."""
    inner = create_app(token="s3cret")  # noqa: S106 - of this test alone
    client = Client(Starlette(routes=[Route("/", home), Mount("/lab", inner)]))
    allowed = {"authorization": "Bearer s3cret"}
    assert client.get("/").text == "host"
    assert "x-frame-options" not in client.get("/").headers
    assert client.get("/lab/health").status_code == 200
    assert client.get("/health").status_code == 404
    assert client.get("/lab/openapi.json").status_code == 401
    assert client.get("/lab/openapi.json", headers=allowed).json()["servers"] == [{"url": "/lab"}]
    assert client.interpret(PANEL, path="/lab/interpret", **allowed).status_code == 200
    assert client.post("/lab/cds-services/labinterp-patient-view", json=call(), headers=allowed).status_code == 200


def test_two_services_with_other_settings_stand_side_by_side():
    """Two services in one process each keep their own ranges: there is no global state."""
    client = Client(Starlette(routes=[Mount(f"/{name}", create_app(ranges=name)) for name in ("us", "uk")]))
    profiles = [client.interpret(PANEL, path=f"/{name}/interpret").json() for name in ("us", "uk", "us")]
    assert [report["provenance"]["settings"]["profile"] for report in profiles] == ["us", "uk", "us"]


def test_example_mounts_into_fastapi():
    """The application of `examples/service_fastapi.py` answers for the host and for the service."""
    pytest.importorskip("fastapi")
    client = Client(runpy.run_path(str(EXAMPLE))["app"])
    assert client.get("/").json() == {"host": "mine"}
    assert client.get("/labinterp/health").json()["status"] == "ok"
    refused = client.interpret({"results": [{"test": "MRN-1"}]}, path="/labinterp/interpret")
    assert refused.status_code == 422
    assert "MRN-1" not in refused.text
