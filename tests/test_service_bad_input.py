import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_client import PANEL, TABLE, Client, bundle, call, observation

CLIENT = Client()
SECRET = "MRN-31415926"  # noqa: S105 - stands for an id or a value of a patient
ADVISE = "/cds-services/labinterp-patient-view"
FEEDBACK = f"{ADVISE}/feedback"


def nested(depth, inner="1"):
    return '{"a":' * depth + inner + "}" * depth


def cyclic():
    """A bundle whose resources refer to each other in a circle."""
    first = observation("19123-9", 1.1, "mg/dL", id="a", hasMember=[{"reference": "Observation/b"}])
    second = observation("17861-6", 9.4, "mg/dL", id="b", hasMember=[{"reference": "Observation/a"}])
    report = {"resourceType": "DiagnosticReport", "id": "r", "result": [{"reference": "DiagnosticReport/r"}]}
    return bundle(first, second, {**report, "subject": {"reference": "Patient/p1"}})


def refused(answer, status, place):
    problem = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert place in problem["place"]
    return problem


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ("", 400, "body"),
        ("   ", 400, "body"),
        ("nonsense", 400, "line 1, column 1"),
        ('{"results": [', 400, "line 1"),
        ('{"results": [],}', 400, "line 1"),
        ('{"results": [], "results": []}', 400, "/"),
        ('{"results": [{"test": "mg", "value": NaN}]}', 400, "character 37"),
        (nested(10_000), 400, "character"),
        ("[" * 10_000, 400, "character"),
        (nested(100), 400, "/*/*"),
        (b"\xff\xfe{", 400, "byte 0"),
        ('{"results": [{"test": "Magn\u00e9sium", "value": 1}]}'.encode("latin-1"), 400, "byte"),
        ('{"results": [{"test": "mg", "value": "\\ud800"}]}', 400, "/"),
        (b"\x1f\x8b\x08", 400, "body"),
        ("7", 422, "/"),
        ("null", 422, "/"),
        ("[]", 422, "/"),
        ("{}", 422, "/"),
        ('{"results": {}}', 422, "/results"),
        ('{"results": [7]}', 422, "/results/0"),
        ('{"results": [{"test": "mg"}]}', 422, "/results/0"),
        ('{"results": [{"test": 7, "value": 1}]}', 422, "/results/0/test"),
        ('{"results": [{"test": "mg", "value": true}]}', 422, "/results/0/value"),
        ('{"results": [{"test": "mg", "value": [1]}]}', 422, "/results/0/value"),
        ('{"results": [], "patient": {"age": [54]}}', 422, "/patient/age"),
        ('{"results": [], "patient": {"sex": 2}}', 422, "/patient/sex"),
        ('{"results": [], "options": {"ranges": 7}}', 422, "/options/ranges"),
        ('{"results": [], "options": {"ranges": "atlantis"}}', 422, "/options/ranges"),
        ('{"results": [], "options": {"ranges": "us@2026-99-99"}}', 422, "/options"),
        ('{"results": [], "options": {"ranges": "/etc/passwd"}}', 422, "/options/ranges"),
        ('{"results": [], "options": {"ranges": "pyproject.toml"}}', 422, "/options/ranges"),
        ('{"results": [], "options": {"ranges": "a/b.toml"}}', 422, "/options/ranges"),
        ('{"results": [], "options": {"grading": "a/b.toml"}}', 422, "/options/grading"),
        ('{"results": [], "options": {"decimal": ";"}}', 422, "/options/decimal"),
        ('{"results": [], "options": {"reference_albumin": 4}}', 422, "/options/reference_albumin"),
        ('{"results": [], "options": {"default_units": {"magnesium": "furlong"}}}', 422, "/options"),
        ('{"results": [], "options": {"default_units": {"magnesium": 7}}}', 422, "/options/default_units/*"),
        ('{"results": [], "presentation": {"symptoms": ["bliss"]}}', 422, "/presentation/symptoms"),
        ('{"resourceType": "Patient"}', 422, "/"),
        ('{"resourceType": "Bundle", "entry": 7}', 422, "/entry"),
        ('{"resourceType": "Observation", "code": 7}', 422, "/code"),
    ],
)
def test_unusable_json_is_refused_with_its_place(body, status, place):
    """JSON that cannot be read or used is refused as a problem document that names the place."""
    refused(CLIENT.interpret(body), status, place)


def test_every_fault_is_reported_at_once():
    """All faults of a request come in one answer, each with its place."""
    request = {"results": [{"test": 7, "value": {}}, {"value": 1}], "patient": {"age": {}}, "extra": 1}
    problem = refused(CLIENT.interpret(request), 422, "/")
    places = [fault["place"] for fault in problem["errors"]]
    assert sorted(places) == ["/", "/patient/age", "/results/0/test", "/results/0/value", "/results/1"]


def test_many_faults_are_listed_up_to_a_number():
    """A request with thousands of faults gets an answer of moderate size."""
    answer = CLIENT.interpret({"results": [7] * 5000})
    assert refused(answer, 422, "/results/0")["detail"].startswith("5000 things are wrong")
    assert len(answer.content) < 5000


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("nothing of use", "line 1"),
        ("test,value,unit\nmg,1", "line 2"),
        ("foo,bar\n1,2\n", "line 1"),
        ('test,value,unit\n"mg,1,mg/dL\n', "line 2"),
        ("test,value,unit\nmg,1\0,mg/dL\n", "line 2"),
        ("test,test,value,unit\nmg,mg,1,mg/dL\n", "line 1"),
        ("test,value,unit\nQu\u00e8ll,1,mg/dL\n".encode("latin-1"), "line 2"),
    ],
)
def test_unusable_table_is_refused_with_its_line(body, place):
    """A table that is ragged, of no known layout, or not in UTF-8 is refused with the line, and nothing is answered."""
    refused(CLIENT.interpret(body, "text/csv"), 422, place)


def test_an_unknown_table_is_refused_without_its_columns():
    """What is understood and missing is said in our words; no column name comes back."""
    answer = CLIENT.interpret("Test Name (of JOHN DOE),valeu JOHN,Units\nMg,1,mg/dL\n", "text/csv")
    refused(answer, 422, "line 1")
    assert "understood are test, unit; missing are value" in answer.text
    assert "JOHN" not in answer.text


@pytest.mark.parametrize(
    ("kind", "headers", "place"),
    [
        ("application/xml", {}, "Content-Type"),
        ("application/json; charset=latin-1", {}, "Content-Type"),
        ("text/csv; charset=utf-7", {}, "Content-Type"),
        ("nonsense", {}, "Content-Type"),
        ("text/csv", {}, "Content-Type"),
        ("application/json", {"content-encoding": "br"}, "Content-Encoding"),
    ],
)
def test_foreign_types_are_refused(kind, headers, place):
    """Types, charsets and encodings that are not read get 415 and the list of those that are."""
    answer = CLIENT.interpret(json.dumps(PANEL), kind, **headers)
    refused(answer, 415, place)


@pytest.mark.parametrize(
    "query",
    ["panels=1", "ranges=atlantis", "grading=x", "assume_adult=maybe", "decimal=;", "decimal=.&decimal=.",
     "panel=patient", "layout=omop", "default_units=x", "reference_albumin=1e999", "ranges=us&ranges=/etc/passwd"],
)  # fmt: skip
def test_unknown_choices_are_refused(query):
    """A parameter that is unknown, wrong, twice there or not for this kind of document is refused, never ignored."""
    refused(CLIENT.interpret(PANEL, path=f"/interpret?{query}"), 422, "query")


def test_option_that_stands_in_two_places_is_refused():
    """The same option in the query and in the body is refused, as none of them is the right one."""
    refused(CLIENT.interpret({**PANEL, "options": {"ranges": "us"}}, path="/interpret?ranges=uk"), 422, "/options")


def test_references_in_a_circle_are_read():
    """A bundle whose resources refer to each other in circles is answered."""
    answer = CLIENT.interpret(cyclic(), "application/fhir+json", path="/interpret?assume_adult=true")
    assert answer.status_code == 200
    assert answer.json()["interpretations"][0]["flag"] == "L"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "DELETE", 405),
        ("/nowhere", "POST", 404),
        ("/health/", "GET", 404),
        ("/cds-services/other", "POST", 404),
        ("/interpret", "GET", 405),
        ("/interpret", "DELETE", 405),
        ("/health", "POST", 405),
    ],
)
def test_wrong_paths_and_methods_are_problems(path, method, status):
    """Unknown paths and methods get problem documents, and 405 says what is allowed."""
    answer = CLIENT.request(method, path)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert status != 405 or answer.headers["allow"]


BODIES = [
    ("/interpret", "application/json", '{"results": [{"test": "SECRET", "value": {"SECRET": "SECRET"}, "SECRET": 1}]}'),
    ("/interpret", "application/json", '{"results": [{"test": "mg", "value": "SECRET", "id": "SECRET"}], "patient": {"id": "SECRET", "age": ["SECRET"]}}'),
    ("/interpret", "application/json", '{"results": [], "options": {"ranges": "SECRET"}}'),
    ("/interpret", "application/json", '{"results": [], "options": {"default_units": {"SECRET": "SECRET"}}}'),
    ("/interpret", "application/json", '{"results": [], "presentation": {"symptoms": ["SECRET"]}}'),
    ("/interpret", "application/json", '{"results": [{"test": "SECRET"'),
    ("/interpret", "application/json", '{"SECRET": 1, "SECRET": 2}'),
    ("/interpret", "application/fhir+json", '{"resourceType": "Observation", "id": "SECRET", "code": "SECRET"}'),
    ("/interpret", "application/fhir+json", '{"resourceType": "SECRET"}'),
    ("/interpret", "application/fhir+json", '{"resourceType": "Observation", "id": "SECRET"}"SECRET'),
    ("/interpret", "text/csv", "SECRET,SECRET\nSECRET,1\n"),
    ("/interpret", "text/csv", "test,value,unit\nmg,SECRET\n"),
    ("/interpret?SECRET=SECRET", "application/json", '{"results": []}'),
    ("/interpret?ranges=SECRET", "application/json", '{"results": []}'),
    ("/SECRET", "application/json", "{}"),
    (ADVISE, "application/json", '{"hook": "SECRET", "hookInstance": "SECRET", "context": {"patientId": "SECRET/"}}'),
    (ADVISE, "application/json", json.dumps(call(labs={"resourceType": "SECRET"}, patientId="SECRET"))),
    ("/cds-services/SECRET", "application/json", "{}"),
    (FEEDBACK, "application/json", '{"feedback": [{"card": "SECRET", "outcome": "SECRET"}]}'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "kind", "body"), BODIES)
def test_neither_log_nor_error_holds_what_was_sent(path, kind, body, caplog, capfd):
    """No id and no value of a refused request comes back in the answer or stands in a log."""
    with caplog.at_level(logging.DEBUG):
        answer = CLIENT.interpret(
            body.replace("SECRET", SECRET), kind, path=path.replace("SECRET", SECRET), authorization=f"Bearer {SECRET}"
        )
    assert answer.status_code in (400, 404, 412, 422)
    logged = "".join(
        record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "asyncio"))
    )
    assert SECRET not in logged + answer.text + str(answer.headers) + "".join(capfd.readouterr())


@pytest.mark.parametrize(("body", "kind"), [(PANEL, "application/json"), (TABLE, "text/csv")])
def test_log_of_an_answer_holds_no_value(body, kind, caplog):
    """No id and no value of an answered request stands in a log."""
    text = json.dumps(body) if isinstance(body, dict) else body
    with caplog.at_level(logging.DEBUG):
        assert CLIENT.interpret(text.replace("mg/dL", SECRET), kind).status_code == 200
    logged = "".join(record.getMessage() for record in caplog.records)
    assert SECRET not in logged
    assert "7,9" not in logged


def test_unexpected_error_shows_nothing(monkeypatch, caplog):
    """A fault of the service's own gives 500 with neither message nor traceback, in answer and log."""

    def broken(*_):
        raise ValueError(SECRET)

    monkeypatch.setattr("labinterp.service.answers.make", broken)
    with caplog.at_level(logging.DEBUG):
        answer = CLIENT.interpret(PANEL)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    logged = "".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
    assert SECRET not in answer.text + logged
    assert "ValueError at" in logged
    monkeypatch.undo()
    assert CLIENT.interpret(PANEL).status_code == 200


@settings(max_examples=150)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["results", "patient", "test", "value", "resourceType", "entry"]), inner
                )
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    kind=st.sampled_from(["application/json", "application/fhir+json", "text/csv", "application/ndjson", "text/plain"]),
)
def test_junk_never_breaks_the_service(body, kind):
    """Any bytes under any type get an answer or a problem document, never a failure of the service."""
    answer = CLIENT.interpret(body, kind)
    assert answer.status_code in (200, 400, 413, 415, 422), answer.text
    assert answer.status_code == 200 or answer.json()["status"] == answer.status_code
