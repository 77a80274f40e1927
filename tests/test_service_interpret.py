import json
import logging
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource

import labinterp as li
from labinterp.schema import report_schema
from labinterp.service import schemas
from service_client import PANEL, TABLE, Client, bundle, observation

CLIENT = Client()
DATA = Path(__file__).parents[1] / "examples" / "data"
REGISTRY = Registry().with_resources([(report_schema()["$id"], Resource.from_contents(report_schema()))])
FHIR = bundle(observation("19123-9", 1.1, "mg/dL"), observation("17861-6", 9.4, "mg/dL"))


def codes(answer):
    return [finding["code"] for finding in answer.json()["findings"]]


def holds(schema, data):
    jsonschema.Draft202012Validator(schema, registry=REGISTRY).validate(data)


def test_own_request_gives_the_report_that_the_library_gives():
    """`POST /interpret` with our JSON answers with the very report of `interpret`."""
    answer = CLIENT.interpret(PANEL)
    results = [li.LabResult(**result) for result in PANEL["results"]]
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == li.interpret(results, li.Patient(**PANEL["patient"])).to_dict()
    assert li.Report.from_json(answer.text).to_dict() == answer.json()


def test_options_and_presentation_are_used():
    """Ranges, grading and symptoms of the request reach the interpretation."""
    request = {
        **PANEL,
        "options": {"ranges": ["uk", "us"], "grading": "ctcae/5.0"},
        "presentation": {"symptoms": ["cramps"]},
    }
    report = CLIENT.interpret(request).json()
    assert report["provenance"]["settings"]["profile"] == "uk+us"
    assert report["interpretations"][1]["grade"] is not None
    assert report["findings"][0]["matched_symptoms"] == ["cramps"]


@pytest.mark.parametrize(
    "kind", ["application/fhir+json", "application/json", "application/json; charset=UTF-8", "text/plain"]
)
def test_fhir_of_one_patient_gives_a_report(kind):
    """A Bundle is read whether its type or its content says that it is FHIR."""
    answer = CLIENT.interpret(json.dumps({**FHIR}), kind)
    holds(report_schema(), answer.json())
    assert answer.json()["interpretations"][0]["flag"] is None  # the age is unknown


def test_fhir_comes_back_as_a_bundle():
    """With `Accept: application/fhir+json` the answer is the Bundle of `interpret_fhir`."""
    answer = CLIENT.interpret(FHIR, accept="application/fhir+json", path="/interpret?assume_adult=true")
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.json() == li.interpret_fhir(FHIR, assume_adult=True)


@pytest.mark.parametrize("kind", ["application/fhir+ndjson", "application/x-ndjson", "application/ndjson"])
def test_ndjson_of_several_patients_gives_reports(kind):
    """NDJSON gives one report per patient, in order."""
    lines = [observation("19123-9", value, "mg/dL", patient=f"Patient/{value}") for value in (1.1, 2.0)]
    answer = CLIENT.interpret("\n".join(map(json.dumps, lines)) + "\n", kind, path="/interpret?assume_adult=1")
    holds(schemas.reports(), answer.json())
    assert [report["interpretations"][0]["flag"] for report in answer.json()["reports"]] == ["L", "N"]


def test_characters_beyond_the_first_plane_are_read():
    """Escaped pairs of surrogates are characters like any other."""
    request = {"results": [{"test": "mg", "value": 1.1, "unit": "mg/dL", "id": "\N{TEST TUBE}"}]}
    answer = CLIENT.interpret(json.dumps(request))
    assert answer.json()["interpretations"][0]["result"]["id"] == "\N{TEST TUBE}"


def test_table_gives_tables():
    """CSV gives results, findings and pathways as `interpret_frame` does, one row of results per row."""
    answer = CLIENT.interpret(TABLE, "text/csv")
    holds(schemas.tables(), answer.json())
    results = answer.json()["results"]
    assert [row["flag"] for row in results] == ["L", None, "L"]
    assert [row["problem"] for row in results] == [None, "not_numeric", None]
    assert {row["finding"] for row in answer.json()["findings"]} == {"hypomagnesemia", "vitamin-d-deficiency"}


def test_table_as_fhir_has_the_findings_of_the_table():
    """A table comes back as FHIR with the findings that it has as tables."""
    table = (DATA / "panels.csv").read_text("utf-8")
    rows = CLIENT.interpret(table, "text/csv").json()["findings"]
    made = CLIENT.interpret(table, "text/csv", "application/fhir+json").json()
    issues = [entry["resource"] for entry in made["entry"] if entry["resource"]["resourceType"] == "DetectedIssue"]
    found = sorted(issue["code"]["coding"][-1]["code"] for issue in issues)
    assert found == sorted(row["finding"] for row in rows)


def test_latin_1_table_is_read_if_its_charset_says_so():
    """`charset=iso-8859-1` is honored for tables, so that a micro sign is one."""
    table = "test,value,unit,age\nhomocysteine,30,µmol/L,40\n".encode("latin-1")
    answer = CLIENT.interpret(table, "text/csv; charset=ISO-8859-1")
    assert answer.json()["results"][0]["flag"] == "H"


@pytest.mark.parametrize(
    ("body", "kind"),
    [(PANEL, "application/json"), (FHIR, "application/fhir+json"), (TABLE, "text/csv")],
)
def test_page_is_for_people(body, kind):
    """With `Accept: text/html` the answer is a page without scripts, under a policy that allows none."""
    answer = CLIENT.interpret(body, kind, "text/html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/html; charset=utf-8"),
        ("text/html, application/json;q=0.9", "text/html; charset=utf-8"),
        ("text/html;q=0.1, application/json;q=0.2", "application/json"),
        ("application/json;q=0, */*;q=0.1", "application/fhir+json"),
        ("Application/FHIR+JSON; fhirVersion=4.0", "application/fhir+json"),
        ("image/png, application/fhir+json;q=0.001", "application/fhir+json"),
    ],
)
def test_accept_is_weighed(accept, kind):
    """The form of the answer follows `Accept` with its weights; the more exact range decides."""
    assert CLIENT.interpret(PANEL, accept=accept).headers["content-type"] == kind


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("image/png", 406),
        ("application/json;q=0", 406),
        ("application/fhir+json; fhirVersion=5.0", 406),
        ("application/json;q=2", 400),
        ("json", 400),
        ("a/" * 2000, 400),
    ],
)
def test_accept_that_cannot_be_met_is_refused(accept, status):
    """An `Accept` without any form of ours gives 406 with the forms, an unreadable one 400."""
    answer = CLIENT.interpret(PANEL, accept=accept)
    assert answer.status_code == status
    assert answer.json()["place"] == "header Accept"


def test_page_is_not_offered_without_its_extra(monkeypatch):
    """Where jinja2 is not installed, HTML is refused with 406 and the rest goes on."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    client = Client()
    assert client.interpret(PANEL, accept="text/html").status_code == 406
    assert client.interpret(PANEL).status_code == 200


def test_log_names_route_status_and_time_alone(caplog):
    """One line per request, with the route's name, the status and the time."""
    with caplog.at_level(logging.DEBUG, "labinterp"):
        CLIENT.interpret(PANEL, path="/interpret?ranges=uk")
    assert [record.getMessage().rsplit(" ", 2)[0] for record in caplog.records] == ["POST interpret 200"]


def test_health_and_description():
    """`/health` says what runs; `/openapi.json` describes what is served."""
    answer = CLIENT.get("/health")
    holds(schemas.health(), answer.json())
    described = CLIENT.get("/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    assert "/interpret" in described["paths"]
