"""The page of the service, as a browser sends it."""

import base64
import gzip
import html
import re

import pytest

from labinterp.service import create_app
from service_client import TABLE, Client

CLIENT = Client()
LINES = 'test,value,unit\nMg,1.1,mg/dL\nCa,"7,9",mg/dL\n'
HL7 = (
    "MSH|^~\\&|||||||ORU^R01|1|P|2.5\rPID|||7||||19700131|F\rOBR|1\r"
    "OBX|1|NM|19123-9^Magnesium^LN||1.2|mg/dL|1.6-2.6|L|||F\r"
)
FHIR = (
    '{"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", '
    '"code": "19123-9"}]}, "valueQuantity": {"value": 1.1, "unit": "mg/dL"}}'
)


def send(file=None, client=CLIENT, **fields):
    """Send the form as a browser does: as parts, with an empty file where none was chosen."""
    return client.post("/", data=fields, files={"file": ("labs.csv", file) if file else ("", b"")})


def found(answer):
    """Return the findings that a report or the summary of many names."""
    return {name for name in ("Hypomagnesemia", "Hypocalcemia") if name in answer.text}


def words(answer):
    return html.unescape(re.sub(r"<[^>]+>", "", answer.text))


def fault(answer):
    shown = re.search(r'role="alert".*?</div>', answer.text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", shown[0])) if shown else None


def test_page_has_what_people_enter():
    """The page has a box to paste, a file, rows to type, one button, and no script."""
    page = CLIENT.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for part in ('<textarea name="results"', '<select name="test"', '<input name="value"', '<select name="unit"'):
        assert part in page.text
    assert page.text.count('type="submit"') == 1
    assert "<script" not in page.text
    assert "http" not in re.sub(r"<a [^>]*>", "", page.text)


def test_page_is_held_to_itself():
    """The policy of the page lets in our style sheets by hash, and lets the form go nowhere else."""
    policy = CLIENT.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert CLIENT.get("/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "text",
    [LINES, LINES.replace("\n", "\r\n"), HL7, FHIR, "Mg 1.1 mg/dL\nCa 7,9 mg/dL", "Mg 1.1 mg/dL (1.7-2.4) L"],
    ids=["csv", "crlf", "hl7v2", "fhir", "lines", "line"],
)
def test_pasted_results_come_back_as_a_report(text):
    """Pasted text of any kind that the library reads gives the report at once."""
    answer = send(results=text, age="54")
    assert answer.status_code == 200, fault(answer)
    assert "Hypomagnesemia" in answer.text


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_chosen_file_comes_back_as_a_report(pack):
    """A file is read as pasted text is, packed or not."""
    assert found(send(file=pack(LINES.encode()), age="54")) == {"Hypomagnesemia", "Hypocalcemia"}


def test_typed_results_come_back_as_a_report():
    """Rows that were filled in are results; rows with a test alone are not."""
    answer = send(test=["magnesium", "calcium"], value=["1,1", ""], unit=["mg/dL", ""], age="54", sex="female")
    assert "Hypomagnesemia" in found(answer)
    assert "1 result, 1 interpreted" in words(answer)


def test_row_without_a_value_is_said():
    """A row with a unit and no value is a result that is missing, never passed over."""
    assert "1 result, 0 interpreted" in words(send(test="magnesium", value="", unit="mg/dL", age="54"))


def test_form_without_parts_is_read():
    """The form may come urlencoded as well."""
    assert found(CLIENT.post("/", data={"results": LINES, "age": "54"})) == {"Hypomagnesemia", "Hypocalcemia"}


def test_symptoms_reach_the_report():
    """What the patient tells stands in the report."""
    assert "tetany" in re.search(r"Told:.*", send(results=LINES, age="54", symptoms=["tetany", "cramps"]).text)[0]


def test_symptoms_reach_every_visit():
    """Of one patient with several visits, what the patient tells reaches each."""
    text = "test,value,unit,collected_at\nMg,1.1,mg/dL,2026-01-05\nMg,1.2,mg/dL,2026-02-05\n"
    assert send(results=text, age="54", symptoms="tetany").status_code == 200


def test_ranges_can_be_chosen():
    """The profile that was chosen judges."""
    assert "pathology-harmony" in send(results=LINES, age="54", profile="uk").text


def test_many_patients_come_back_as_their_page():
    """A table of several patients gives the page of many."""
    answer = send(results=TABLE)
    assert answer.status_code == 200
    assert "2 patients" in words(answer)


UNUSABLE = [
    ({"results": "garbage <b>"}, "the columns fit no known layout", "results"),
    ({"results": "{"}, "not well-formed JSON", "results"),
    ({}, "There are no results yet", "results"),
    ({"results": "test,value,unit\n"}, "there is no result in it", "results"),
    ({"results": LINES, "age": "old"}, "age is not known", "age"),
    ({"results": LINES, "sex": "perhaps"}, "sex is not known", "sex"),
    ({"results": LINES, "profile": "/etc/passwd"}, "no profile or edition", "profile"),
    ({"results": TABLE, "age": "54"}, "of several", "results"),
    ({"results": "test,value,unit,age\nMg,1.1,mg/dL,30\n", "age": "54"}, "another age", "results"),
    ({"results": LINES, "symptoms": "plague"}, "symptom", "symptoms"),
    ({"results": TABLE, "symptoms": "cramps"}, "of several", "results"),
    ({"results": LINES, "test": "magnesium", "value": "1", "unit": "mg/dL"}, "more than one place", "rows"),
    ({"file": gzip.compress(b"\0" * 20_000_000)}, "unpacks to too much", "file"),
    ({"file": b"PAR1" + b"\0" * 20}, "Parquet", "file"),
    ({"results": "test,value,unit\n" + "Mg,1,mg/dL\n" * 50_010}, "more than 50000 rows", "results"),
]


@pytest.mark.parametrize(("fields", "words", "place"), UNUSABLE)
def test_what_cannot_be_used_is_said_and_kept(fields, words, place):
    """What cannot be read is said in the words of the library, beside its field, and stays in the form, escaped."""
    answer = send(**fields)
    assert answer.status_code == 422
    assert words in fault(answer)
    assert f'href="#{place}"' in answer.text
    for name in ("results", "age"):
        if name in fields:
            assert html.escape(fields[name].strip("\n"), quote=False) in answer.text.replace("&#34;", '"')
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("x", "text/plain", 415),
        ("x", "multipart/form-data", 400),
        ("x", "multipart/form-data; boundary=a", 400),
        ("a=1&" * 300, "application/x-www-form-urlencoded", 400),
        ("a=" + "x" * 10_000_001, "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_no_browser_sends_is_refused(body, kind, status):
    """Forms that are broken or too large are refused, on the page."""
    answer = CLIENT.post("/", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert fault(answer)


def test_page_reads_no_file_of_the_machine():
    """A text that is the name of a file is a text."""
    answer = send(results=__file__)
    assert answer.status_code == 422
    assert "there is no such file" not in fault(answer)


def test_log_of_the_page_holds_nothing_entered(caplog):
    """The log names the route, the status and the time."""
    with caplog.at_level("DEBUG", "labinterp"):
        send(results=LINES, age="54")
        send(results="SECRET", age="SECRET")
    assert [record.getMessage().rsplit(" ", 2)[0] for record in caplog.records] == ["POST page 200", "POST page 422"]


def test_page_is_left_out_without_its_extra(monkeypatch):
    """Where what the page needs is not installed, there is no page and the rest goes on."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    client = Client(create_app())
    assert client.get("/").status_code == 404
    assert client.get("/health").status_code == 200


def test_token_is_asked_for_as_a_password():
    """Under a token the browser asks its user for it; any name goes with it."""
    locked = Client(token="s3cret")  # noqa: S106 - of this test alone
    refused = locked.get("/")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    for given, status in ((":s3cret", 200), ("me:s3cret", 200), ("s3cret:", 401), ("me:guess", 401)):
        header = {"authorization": f"Basic {base64.b64encode(given.encode()).decode()}"}
        assert locked.get("/", headers=header).status_code == status
