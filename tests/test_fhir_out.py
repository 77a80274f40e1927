import datetime as dt
import json
from operator import itemgetter
from pathlib import Path

import pytest

import labinterp as li
from labinterp.messages import fhir

DATA = Path(__file__).parents[1] / "examples" / "data" / "fhir"
V3 = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
INVARIANTS = {
    "Bundle": [
        "entry.where(fullUrl.exists()).select(fullUrl).isDistinct()",
        "type = 'collection'",
        "entry.all(resource.exists())",
    ],
    "Observation": [
        "referenceRange.all(low.exists() or high.exists() or text.exists())",
        "dataAbsentReason.empty() or value.empty()",
        "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()",
        "category.coding.where(code = 'laboratory').exists()",
        "value.exists() or dataAbsentReason.exists()",
        "referenceRange.all(low.comparator.empty() and high.comparator.empty())",
        "valueQuantity.system.empty() or valueQuantity.code.exists()",
        "valueQuantity.exists() implies valueQuantity.system = 'http://unitsofmeasure.org'",
        "referenceRange.low.all(system = 'http://unitsofmeasure.org')",
        "hasMember.empty()",
    ],
    "DetectedIssue": [
        "status = 'preliminary'",
        "severity in ('high' | 'moderate' | 'low')",
        "detail.exists() and code.coding.exists() and author.exists()",
    ],
    "Provenance": ["target.exists() and agent.who.exists()", "recorded.exists() or _recorded.exists()"],
    "Device": ["deviceName.all(name.exists() and type.exists())", "version.all(value.exists())"],
}


def resources(bundle, kind):
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


@pytest.fixture(scope="module")
def derived():
    return fhir.interpret_fhir(DATA / "bundle.json")


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def odd_reports():
    patient = li.Patient(id="no valid id!", age=54)
    results = [
        li.LabResult("magnesium", "hemolyzed", "mg/dL", id="LAB 7"),
        li.LabResult("magnesium", "1,2", "mg/dL", collected_at="2026-03-02", id="LAB 8"),
        li.LabResult("nonsense", 3, "mg/dL"),
        li.LabResult("calcium", None),
        li.LabResult("vitamin_d", "<8", "ng/mL", collected_at=dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC)),
        li.LabResult("calcium", 7.9, "furlong"),
    ]
    yield li.interpret(results, patient)
    yield li.interpret([])
    yield li.interpret([li.LabResult("nonsense", 3)])
    yield li.interpret(results, ranges=[])


def bundles():
    yield fhir.interpret_fhir(DATA / "bundle.json")
    yield fhir.interpret_fhir(DATA / "diagnostic-report.json", recorded="2026-03-03T10:00:00+01:00")
    yield fhir.interpret_fhir({"resourceType": "Bundle", "type": "searchset"})
    for report in odd_reports():
        yield report.to_fhir()


def test_what_is_written_is_valid_r4b():
    """Every resource that is written is accepted by the models of fhir.resources, and is plain JSON."""
    module = pytest.importorskip("fhir.resources.R4B.bundle")
    for bundle in bundles():
        module.Bundle.model_validate(json.loads(json.dumps(bundle, allow_nan=False)))


def test_what_is_written_keeps_the_invariants():
    """Every resource that is written keeps the invariants of FHIR and of US Core that a schema cannot express."""
    fhirpathpy = pytest.importorskip("fhirpathpy")
    model = pytest.importorskip("fhirpathpy.models").models["r4"]
    for bundle in bundles():
        for resource in [bundle, *(entry["resource"] for entry in bundle.get("entry", ()))]:
            for expression in INVARIANTS.get(resource["resourceType"], ()):
                answer = fhirpathpy.evaluate(resource, expression, {"resource": resource}, model)
                assert answer == [True], (resource["resourceType"], expression)


def test_references_inside_the_bundle_resolve():
    """Every urn:uuid that is referred to is an entry of the Bundle, and no reference is local to a resource."""
    for bundle in bundles():
        urls = {entry["fullUrl"] for entry in bundle.get("entry", ())}
        for reference in references(bundle):
            assert not reference.startswith("#")
            assert reference in urls or not reference.startswith("urn:uuid:")


def test_observation_has_both_units_the_flag_and_its_source(derived):
    """A derived Observation has the canonical and the reported value, the flag, the range, and where it comes from."""
    calcium = resources(derived, "Observation")[0]
    assert calcium["valueQuantity"]["code"] == "mmol/L"
    assert calcium["valueQuantity"]["value"] == pytest.approx(1.971, abs=0.001)
    assert calcium["component"][0]["valueQuantity"] == {
        "value": 7.9, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL",
    }  # fmt: skip
    assert calcium["interpretation"][0]["coding"][0] == {"system": V3, "code": "L", "display": "Low"}
    assert calcium["derivedFrom"] == [{"reference": "Observation/ca"}]
    assert calcium["subject"] == {"reference": "Patient/anna"}
    assert calcium["referenceRange"][0]["low"]["value"] == pytest.approx(2.1458, abs=0.0001)
    assert calcium["code"]["coding"][0]["code"] == "2000-8"


def test_censored_value_keeps_its_comparator(derived):
    """A value such as <8 keeps its comparator in both units."""
    [vitamin] = [
        o for o in resources(derived, "Observation") if o["code"]["coding"][0]["code"] in ("68438-1", "14635-7")
    ]
    assert vitamin["valueQuantity"]["comparator"] == vitamin["component"][0]["valueQuantity"]["comparator"] == "<"


def test_problem_gives_a_reason_instead_of_a_value(derived):
    """A result that was not interpreted has a dataAbsentReason, no value and no flag, and its problem is listed."""
    absent = [o for o in resources(derived, "Observation") if "dataAbsentReason" in o]
    assert len(absent) == 2
    assert not any("valueQuantity" in o or "interpretation" in o for o in absent)
    [outcome] = resources(derived, "OperationOutcome")
    assert [issue["details"]["coding"][0]["code"] for issue in outcome["issue"]] == ["missing_value"] * 2


def test_notes_of_the_reader_are_carried(derived):
    """What the reader noticed, such as a result entered in error, stands in the derived Observation's note."""
    texts = [o["note"][0]["text"] for o in resources(derived, "Observation") if "note" in o]
    assert any("entered_in_error" in text for text in texts)


def test_finding_is_a_detected_issue_and_never_a_condition(derived):
    """Findings are DetectedIssues of status preliminary that point at their Observations; no Condition is made."""
    assert not resources(derived, "Condition")
    assert {issue["code"]["coding"][-1]["code"] for issue in resources(derived, "DetectedIssue")} >= {
        "hypocalcemia", "hypomagnesemia", "vitamin-d-deficiency", "hyperhomocysteinemia",
    }  # fmt: skip
    ids = {entry["fullUrl"] for entry in derived["entry"]}
    for issue in resources(derived, "DetectedIssue"):
        assert {link["reference"] for link in issue["implicated"]} <= ids
        assert issue["code"]["coding"][0]["code"].startswith("HP:")


def test_provenance_names_versions_and_hashes(derived):
    """Provenance and Device name the versions and the SHA-256 of every edition that was available."""
    report = li.interpret([li.LabResult("magnesium", 1.4, "mg/dL")])
    [device] = resources(derived, "Device")
    values = {version["value"] for version in device["version"]}
    assert {report.provenance.library_version, report.provenance.knowledge_sha256} <= values
    assert {edition.sha256 for edition in report.provenance.editions} <= values
    for made in resources(derived, "Provenance"):
        assert made["recorded"] == "2026-03-02T07:10:00Z"
        assert len(made["entity"]) >= len(report.provenance.editions)


def test_same_input_gives_the_same_bundle(derived):
    """Ids follow from the content: no clock and no chance."""
    assert fhir.interpret_fhir(DATA / "bundle.json") == derived


def test_time_of_recording_can_be_given():
    """The time of recording is the caller's where it is given, and said to be unknown where nothing is known."""
    report = li.interpret([li.LabResult("magnesium", 1.4, "mg/dL")])
    [made] = resources(report.to_fhir(recorded=dt.datetime(2026, 3, 3, tzinfo=dt.UTC)), "Provenance")
    assert made["recorded"] == "2026-03-03T00:00:00Z"
    [made] = resources(report.to_fhir(), "Provenance")
    assert made["_recorded"]["extension"][0]["valueCode"] == "unknown"


def test_equal_results_of_two_patients_stay_two():
    """Two results that are equal in all but their place give two Observations."""
    plain = {
        "resourceType": "Observation", "status": "final", "code": {"text": "Magnesium"},
        "valueQuantity": {"value": 1.4, "unit": "mg/dL"},
    }  # fmt: skip
    assert len(resources(fhir.interpret_fhir([plain, plain]), "Observation")) == 2


@pytest.mark.parametrize("subject", ["Patient/7", {"reference": "Patient/7"}])
def test_subject_can_be_given(subject):
    """The caller may name the patient that the derived resources belong to."""
    bundle = li.interpret([li.LabResult("magnesium", 1.4, "mg/dL")]).to_fhir(subject=subject)
    assert resources(bundle, "Observation")[0]["subject"] == {"reference": "Patient/7"}


def test_what_is_written_can_be_read_again(derived):
    """The reader takes back what the writer wrote, with the same values in the canonical unit."""
    values = fhir.to_frame(derived)
    [calcium] = values.loc[values["loinc"] == "2000-8", "value"]
    assert float(calcium) == resources(derived, "Observation")[0]["valueQuantity"]["value"]


def test_narratives_say_results_in_the_unit_that_was_sent():
    """Whoever reads the narrative alone sees the unit that was sent first, the canonical one second, level and range."""
    report = li.interpret(
        [
            li.LabResult("25OHD", 9, "ng/mL"),
            li.LabResult("Ca", "7,9", "mg/dL", reference_low=8.6, reference_high=10.2),
            li.LabResult("homocysteine", 22, "umol/L"),
            li.LabResult("Mg", "QNS", "mg/dL"),
        ],
        li.Patient(age=54),
    )
    told = [
        resource["text"]["div"]
        for resource in map(itemgetter("resource"), report.to_fhir()["entry"])
        if "text" in resource
    ]
    head = '<div xmlns="http://www.w3.org/1999/xhtml">'
    assert told[:4] == [
        f"{head}25-hydroxyvitamin D 9 ng/mL (22.46 nmol/L): low, range 20 to 50 ng/mL</div>",
        f"{head}Calcium, total 7.9 mg/dL (1.971 mmol/L): low, range 8.6 to 10.2 mg/dL</div>",
        f"{head}Homocysteine, total 22 umol/L: high, range up to 15 umol/L</div>",
        f"{head}Magnesium: could not be judged, and does not count as normal</div>",
    ]
    assert len(told) == 4 + len(report.findings)
    assert all("ng/mL (22.46 nmol/L)" in text for text in told[4:] if "Vitamin D deficiency (present)" in text)
    assert any("Rests on: Calcium, total 7.9 mg/dL (1.971 mmol/L): low" in text for text in told)
