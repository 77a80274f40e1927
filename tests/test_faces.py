"""One reading for every face: a message comes to the same on the scalar, the table, the page and the service."""

import io
import json
import random

import pandas as pd
import pytest

import labinterp as li
from cli_tools import run
from labinterp.frames.single import report_of
from labinterp.messages import fhir
from labinterp.options import Options
from service_client import Client, bundle, observation

OPTIONS = {
    "ranges": "us", "grading": None, "reported_ranges": True, "assume_adult": False, "decimal": None,
    "default_units": None, "reference_albumin": None,
}  # fmt: skip
SAME = (
    "analyte", "comparator", "value", "unit", "low", "high", "range_id", "flag", "level", "band", "problem",
    "suspected_unit",
)  # fmt: skip
UCUM = "http://unitsofmeasure.org"
ANNA = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1971-05-14"}
CONFLICT = {"value": 1.8, "unit": "mmol/L", "system": UCUM, "code": "mg/dL"}
TESTS = ("19123-9", "17861-6", "2132-9", "62292-8", "13965-9", "2823-3", "1751-7", "2157-6")
UNITS = ("mg/dL", "mmol/L", "ng/mL", "pg/mL", "umol/L", "nmol/L", "g/dL", "furlong", "", None)


def dirty(seed):
    """Return an Observation as a sloppy sender would make it."""
    pick = random.Random(seed)  # noqa: S311 - no secret
    made = observation(pick.choice(TESTS), pick.choice((0.4, 1.8, 2, 9.1, 22, 150, 3000)), pick.choice(UNITS))
    quantity = made["valueQuantity"]
    quantity["code"], quantity["system"] = pick.choice(UNITS), pick.choice((UCUM, "urn:other", None))
    quantity["comparator"] = pick.choice((None, None, "<", ">=", "ad"))
    if pick.random() < 0.2:
        del made["valueQuantity"]
        made["valueString"] = pick.choice(("<8 ng/mL", "1,234", "hemolyzed", "9.1 mg/dL", "", "1.8 mmol/L (L)"))
    if pick.random() < 0.5:
        made["referenceRange"] = [
            pick.choice(({"text": "8.5-10.5"}, {"low": {"value": 1.6, "unit": "mg/dL"}}, {"text": "see note"}, {}))
        ]
    if pick.random() < 0.4:
        made["interpretation"] = [{"coding": [{"code": pick.choice("LHNA")}]}]
    made["status"] = pick.choice(("final", "final", "final", "entered-in-error", "preliminary", "new"))
    return made


def plain(record):
    found = {name: None if pd.isna(record[name]) else record[name] for name in SAME}
    notes = record["notes"]
    return {**found, "notes": notes.split(";") if isinstance(notes, str) and notes else []}


def of_report(report):
    return [
        {**{name: getattr(item, name) for name in SAME}, "notes": list(item.notes)} for item in report.interpretations
    ]


def faces(source):
    """Return what every face makes of the results of one patient, by the name of the face."""
    [(patient, results)] = fhir.to_results(source)
    report = li.interpret(results, patient)
    table = li.read(source)
    again = pd.read_csv(io.StringIO(table.to_csv(index=False)), dtype=str, keep_default_na=False)
    framed = li.interpret_frame(table)
    sent = json.dumps(source)
    posted = Client().interpret(sent, "application/fhir+json", "application/json")
    tabled = Client().interpret(table.to_csv(index=False), "text/csv", "application/json")
    assert posted.status_code == tabled.status_code == 200, (posted.text, tabled.text)
    return {
        "scalar": of_report(report),
        "report JSON": of_report(li.Report.from_json(report.to_json())),
        "frame": [plain(row) for row in framed.results.astype(object).to_dict("records")],
        "table": [plain(row) for row in li.interpret_frame(again).results.astype(object).to_dict("records")],
        "page": of_report(report_of(table, 1, Options.checked(**OPTIONS))),
        "service": of_report(li.Report.from_json(posted.text)),
        "service of a table": [plain({"notes": "", **row}) for row in tabled.json()["results"]],
    }


@pytest.mark.parametrize("seed", range(40))
def test_every_face_gives_the_same_answer_for_a_message(seed):
    """A dirty FHIR Bundle of one patient comes to the same in every face, unit conflicts included."""
    found = faces(bundle(ANNA, *(dirty(seed * 10 + i) for i in range(6))))
    first = found.pop("scalar")
    assert len(first) == 6
    for face, got in found.items():
        assert got == first, face


def test_two_units_for_one_number_are_none_on_the_page_as_well(tmp_path, capsys):
    """A code `mg/dL` beside a text `mmol/L` is `unknown_unit` in the table and on the page of one run."""
    source = bundle(ANNA, observation("19123-9", 1.8, "mg/dL", valueQuantity=CONFLICT))
    assert {(row[0]["problem"], row[0]["flag"]) for row in faces(source).values()} == {("unknown_unit", None)}
    (tmp_path / "in.json").write_text(json.dumps(source), "utf-8")
    page = tmp_path / "page.html"
    code, out, _ = run(capsys, "interpret", tmp_path / "in.json", "--report", page, "--format", "json")
    assert code == 0
    assert json.loads(out)["results"][0]["problem"] == "unknown_unit"
    made = fhir.interpret_fhir(source)
    kinds = [entry["resource"]["resourceType"] for entry in made["entry"]]
    assert "DetectedIssue" not in kinds
    text = page.read_text("utf-8")
    assert "unit is not known" in text or "unknown" in text
