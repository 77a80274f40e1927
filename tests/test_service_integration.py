"""What integrators send and ask for: HL7 v2, packed bodies, FHIR operations, probes and counts."""

import gzip
import json
import logging

import pytest

import labinterp as li
from labinterp.errors import InputError
from labinterp.messages import hl7v2
from labinterp.service import logs, operations
from service_client import PANEL, TABLE, Client, bundle, observation

CLIENT = Client()
HEAD = "MSH|^~\\&|||||||ORU^R01|1|P|2.5\rPID|||7||||19700131|F\rOBR|1\r"
HL7 = f"{HEAD}OBX|1|NM|19123-9^Magnesium^LN||1.1|mg/dL|1.6-2.6|L|||F\rOBX|2|NM|17861-6^Ca^LN||7.9||8.6-10.2|L|||F\r"
OTHER = HL7.replace("PID|||7", "PID|||8")
FHIR = "application/fhir+json"


@pytest.mark.parametrize(
    "kind",
    ["application/hl7-v2", "x-application/hl7-v2+er7", "application/hl7-v2; charset=utf-8", "text/plain",
     "application/octet-stream", "application/x-www-form-urlencoded"],
)  # fmt: skip
def test_hl7_is_answered_as_the_library_answers(kind):
    """HL7 v2 gives the report of `interpret_hl7v2`, whether its type or its content says what it is."""
    answer = CLIENT.interpret(HL7, kind)
    assert answer.json() == li.interpret_hl7v2(HL7).to_dict()


def test_hl7_in_an_older_charset_is_read_as_msh_says():
    """MSH-18 decides about bytes; a charset in the type decides before it."""
    text = HL7.replace("|2.5\r", "|2.5||||||8859/1\r").replace("Magnesium", "Magn\u00e9sium")
    for kind in ("application/hl7-v2", "application/hl7-v2; charset=iso-8859-1"):
        answer = CLIENT.interpret(text.encode("latin-1"), kind)
        assert answer.json()["interpretations"][0]["result"]["test"] == "Magn\u00e9sium"


def test_hl7_comes_back_in_every_form():
    """The answer to HL7 can be had as JSON, FHIR, a page, or HL7 with OBX and NTE."""
    made = CLIENT.interpret(HL7, "application/hl7-v2", "application/hl7-v2")
    assert made.headers["content-type"] == "application/hl7-v2"
    assert [line[:3] for line in made.text.split("\r")][:5] == ["MSH", "PID", "OBR", "OBX", "NTE"]
    assert "|7\r" in made.text
    assert "hypomagnesemia" in made.text
    assert hl7v2.to_frame(made.text)["test"][0].startswith("Magnesium")
    assert CLIENT.interpret(HL7, "application/hl7-v2", FHIR).json()["type"] == "collection"
    assert "Hypomagnesemia" in CLIENT.interpret(HL7, "application/hl7-v2", "text/html").text


def test_hl7_of_several_patients_keeps_them_apart():
    """Several patients give several reports, entries, messages."""
    assert len(CLIENT.interpret(HL7 + OTHER, "application/hl7-v2").json()["reports"]) == 2
    assert CLIENT.interpret(HL7 + OTHER, "application/hl7-v2", "application/hl7-v2").text.count("PID|1||") == 2
    found = CLIENT.interpret(HL7 + OTHER, "application/hl7-v2", FHIR).json()["entry"]
    assert sum(entry["resource"]["resourceType"] == "DetectedIssue" for entry in found) == 2
    assert "2 patients" in CLIENT.interpret(HL7 + OTHER, "application/hl7-v2", "text/html").text.replace(
        "<strong>", ""
    ).replace("</strong>", "")


@pytest.mark.parametrize(
    "text",
    ["MSH", "MSH|^~\\&|", HL7.replace("ORU^R01", "ADT^A01"), HL7[:-20], "\x0b" + HL7, "PID|1\r", HEAD * 2 + "SECRET"],
)
def test_broken_hl7_is_refused_with_its_segment(text):
    """HL7 that is broken, cut short or of another kind gets a problem document, which repeats nothing."""
    answer = CLIENT.interpret(text, "application/hl7-v2")
    assert answer.status_code == 422
    assert answer.json()["place"]
    assert "SECRET" not in answer.text


@pytest.mark.parametrize(
    ("body", "kind"), [(TABLE, "text/csv"), (json.dumps(PANEL), "application/json"), (HL7, "text/plain")]
)
def test_packed_bodies_are_read(body, kind):
    """A gzipped body is read as if it came unpacked, in several members as well."""
    whole = CLIENT.interpret(body, kind).json()
    half = len(body) // 2
    packed = gzip.compress(body[:half].encode()) + gzip.compress(body[half:].encode())
    assert CLIENT.interpret(packed, kind, **{"content-encoding": "gzip"}).json() == whole


def test_body_without_a_type_is_told_by_content():
    """Without a type, a table, JSON, FHIR, HL7 and any of them packed are told apart."""
    for body in (TABLE, json.dumps(PANEL), json.dumps(observation("19123-9", 1.1, "mg/dL")), HL7):
        for sent in (body.encode(), gzip.compress(body.encode())):
            assert CLIENT.post("/interpret", content=sent).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b"\0" * 20_000_000), 413),
        (gzip.compress(TABLE.encode())[:-9], 400),
        (b"\x1f\x8bSECRET", 400),
        (TABLE.encode(), 400),
    ],
)
@pytest.mark.parametrize("path", ["/interpret", "/Observation/$interpret", "/cds-services/labinterp-patient-view"])
def test_bombs_and_damaged_packs_are_refused(body, status, path):
    """What unpacks to more than the limit is 413, what is damaged 400."""
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    answer = CLIENT.post(path, content=body, headers=headers)
    assert answer.status_code == status
    assert "SECRET" not in answer.text


def test_a_bomb_in_a_pack_is_refused():
    """A packed file that is packed again for the way is held to the limit as well."""
    packed = gzip.compress(gzip.compress(b"\0" * 20_000_000))
    assert CLIENT.interpret(packed, "text/csv", **{"content-encoding": "gzip"}).status_code == 413


def test_ready_says_whether_an_answer_can_be_had():
    """`/ready` is 200 where an answer can be made, 503 where the queue is full; it needs no token."""
    client = Client(token="s3cret", max_pending=1)  # noqa: S106 - of this test alone
    assert client.get("/ready").json() == {"status": "ready"}
    client.app.state.workers.pending = 1
    assert client.get("/ready").status_code == 503
    client.app.state.workers.pending = 0
    assert client.get("/ready").status_code == 200


def test_metrics_count_and_never_tell():
    """Requests, times, results and problems by code are counted, for each application by itself."""
    client = Client()
    client.interpret(HL7, "application/hl7-v2")
    client.interpret(HL7, "application/hl7-v2", FHIR)
    client.interpret(TABLE, "text/csv")
    client.interpret("SECRET", "text/csv")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = answer.text.splitlines()
    for line in (
        'labinterp_requests_total{method="POST",route="interpret",status="200"} 3.0',
        'labinterp_requests_total{method="POST",route="interpret",status="422"} 1.0',
        "labinterp_results_total 7.0",
        'labinterp_problems_total{code="missing_unit"} 2.0',
        'labinterp_problems_total{code="not_numeric"} 1.0',
        'labinterp_request_seconds_count{route="interpret"} 4.0',
        "labinterp_pending 0.0",
    ):
        assert line in lines
    assert "SECRET" not in answer.text
    assert "labinterp_results_total 0.0" in Client().get("/metrics").text
    assert Client(token="s3cret").get("/metrics").status_code == 401  # noqa: S106 - of this test alone


def test_log_in_json_is_a_line_per_record():
    """With the setting, each record is a line of JSON with route, status and time, and nothing of the request."""
    record = logging.makeLogRecord(
        {
            "name": "labinterp.service",
            "levelname": "INFO",
            "msg": "%s",
            "args": ("POST",),
            "route": "interpret",
            "status": 200,
        }
    )
    line = json.loads(logs.JsonFormatter().format(record))
    assert {"time", "level", "logger", "message", "route", "status"} == set(line)
    assert logs.config("json")["formatters"]["default"]["()"] is logs.JsonFormatter
    with pytest.raises(InputError):
        logs.config("xml")


def test_capability_names_the_operation_that_is_served():
    """The CapabilityStatement leads to the OperationDefinition, whose operation answers."""
    made = CLIENT.get("/metadata")
    assert made.headers["content-type"] == FHIR
    operation = made.json()["rest"][0]["resource"][0]["operation"][0]
    defined = CLIENT.get("/OperationDefinition/interpret").json()
    assert operation["definition"] == defined["url"]
    answer = CLIENT.post(f"/{defined['resource'][0]}/${defined['code']}", json=observation("19123-9", 1.1, "mg/dL"))
    assert answer.json()["resourceType"] == "Bundle"


def test_capability_and_definition_are_fhir():
    """Both are valid by the models of FHIR R4B."""
    models = pytest.importorskip("fhir.resources.R4B")
    models.get_fhir_model_class("CapabilityStatement").model_validate(CLIENT.get("/metadata").json())
    models.get_fhir_model_class("OperationDefinition").model_validate(operations.definition())


def test_operation_takes_resources_and_parameters():
    """The operation answers as `interpret_fhir` does, with the choices of its Parameters."""
    seen = observation("19123-9", 1.1, "mg/dL")
    given = [{"name": "resource", "resource": seen}, {"name": "assumeAdult", "valueBoolean": True}]
    given += [{"name": "ranges", "valueString": name} for name in ("uk", "us")]
    answer = CLIENT.post("/Observation/$interpret", json={"resourceType": "Parameters", "parameter": given})
    assert answer.json() == li.interpret_fhir(seen, assume_adult=True, ranges=["uk", "us"])
    assert CLIENT.post("/Observation/$interpret", json=bundle(seen)).json() == li.interpret_fhir(bundle(seen))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"resourceType": "Parameters"}, 422),
        ({"resourceType": "Parameters", "parameter": [{"name": ["SECRET"]}]}, 422),
        ({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": "SECRET"}]}, 422),
        ({"resourceType": "Parameters", "parameter": [{"name": "assumeAdult", "valueBoolean": True}] * 2}, 422),
        ({"resourceType": "Parameters", "parameter": [{"name": "assumeAdult", "valueBoolean": True}]}, 422),
        ({"resourceType": "Parameters", "parameter": [{"name": "ranges", "valueString": "SECRET"},
                                                      {"name": "resource", "resource": {}}]}, 422),
        ({"resourceType": "SECRET"}, 422),
        ([1], 422),
        ("{", 400),
    ],
)  # fmt: skip
def test_operation_refuses_with_an_outcome(body, status):
    """Every refusal of the operation is an OperationOutcome that repeats nothing."""
    sent = body if isinstance(body, str) else json.dumps(body)
    answer = CLIENT.post("/Observation/$interpret", content=sent, headers={"content-type": FHIR})
    assert answer.status_code == status
    assert answer.headers["content-type"] == FHIR
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "SECRET" not in answer.text


def test_operation_refuses_what_http_refuses_with_an_outcome():
    """A wrong type, form or query is an OperationOutcome as well."""
    seen = observation("19123-9", 1.1, "mg/dL")
    for more, status in (
        ({"headers": {"content-type": "text/csv"}}, 415),
        ({"headers": {"accept": "image/png"}}, 406),
        ({"params": {"ranges": "uk"}}, 422),
    ):
        answer = CLIENT.post("/Observation/$interpret", json=seen, **more)
        assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")
