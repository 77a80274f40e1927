import copy
import json
from pathlib import Path

import pytest

import labinterp as li
from labinterp.messages import fhir

DATA = Path(__file__).parents[1] / "examples" / "data" / "fhir"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


def observation(**more):
    made = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "17861-6"}], "text": "Calcium"},
        "effectiveDateTime": "2026-03-02",
        "valueQuantity": {"value": 9.1, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"},
    }
    made.update(more)
    return {key: value for key, value in made.items() if value is not None}


def row(source):
    frame = fhir.to_frame(source)
    assert len(frame) == 1
    return frame.iloc[0].to_dict()


def only(source):
    [(patient, results)] = fhir.to_results(source)
    [result] = results
    return patient, result


def quantity(value=9.1, **more):
    return {"valueQuantity": {"value": value, "unit": "mg/dL", **more}}


def span(low, high, **more):
    return {"low": {"value": low, "unit": "mg/dL"}, "high": {"value": high, "unit": "mg/dL"}, **more}


def concept(text):
    return {"coding": [{"system": "http://hl7.org/fhir/administrative-gender", "code": text}]}


def bundle(*resources, **more):
    entries = [{"fullUrl": f"https://a.example/fhir/{r['resourceType']}/{r['id']}", "resource": r} for r in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries, **more}


ANNA = {"resourceType": "Patient", "id": "anna", "gender": "female", "birthDate": "1971-05-14"}
OF_ANNA = {"subject": {"reference": "Patient/anna"}}


def test_bundle_gives_one_row_per_observation_in_order():
    """Every Observation of a Bundle gives one row, in order, with what its Patient and Specimen say."""
    frame = fhir.to_frame(DATA / "bundle.json")
    assert list(frame["loinc"]) == ["17861-6", "1751-7", "19123-9", "62292-8", "2132-9", "2823-3", "13965-9"]
    assert list(frame["patient_id"]) == ["anna"] * 6 + ["bert"]
    assert frame["value"].tolist() == ["7.9", "4.1", "1.4", "<8", None, None, "22"]
    assert frame.loc[0, ["specimen", "sex", "birth_date", "reported_flag"]].tolist() == [
        "Serum",
        "female",
        "1971-05-14",
        "L",
    ]


@pytest.mark.parametrize("kind", ["text", "bytes", "path", "dict", "ndjson", "list"])
def test_every_form_of_a_source_reads_alike(kind):
    """A path, text, bytes, parsed JSON, NDJSON and a list of resources give the same results."""
    path = DATA / "bundle.json"
    parsed = json.loads(path.read_text("utf-8"))
    sources = {
        "text": path.read_text("utf-8"),
        "bytes": b"\xef\xbb\xbf" + path.read_bytes(),
        "path": path,
        "dict": parsed,
        "ndjson": (DATA / "observations.ndjson").read_bytes(),
        "list": [entry["resource"] for entry in parsed["entry"]],
    }
    columns = ["patient_id", "test", "value", "unit", "reference_low", "sex", "note"]
    left, right = fhir.to_frame(sources[kind])[columns], fhir.to_frame(path)[columns]
    assert left.astype(object).where(left.notna(), None).equals(right.astype(object).where(right.notna(), None))


@pytest.mark.parametrize("version", ["R4B", "R5"])
def test_models_of_fhir_resources_read_like_dicts(version):
    """Model objects of fhir.resources, R4B and R5, give what their dicts give."""
    module = pytest.importorskip("fhir.resources.R4B.observation" if version == "R4B" else "fhir.resources.observation")
    plain = json.loads((DATA / "us-core-calcium.json").read_text("utf-8"))
    assert row(module.Observation.model_validate(plain)) == row(plain)


def test_model_object_that_fails_is_refused_without_its_message():
    """A model object that cannot be turned into JSON is refused, and its own message is not shown."""

    class Broken:
        def as_json(self):
            raise ValueError("12345 secret")

    with pytest.raises(li.errors.InputError) as caught:
        fhir.to_frame(Broken())
    assert "12345" not in str(caught.value)


def test_published_calcium_example_is_flagged_low():
    """US Core's calcium example, 7.7 mg/dL with a range from 8.5 to 10.5, is read and flagged low."""
    _, result = only(DATA / "us-core-calcium.json")
    [interpretation] = li.interpret([result]).interpretations
    assert (interpretation.analyte, interpretation.flag, interpretation.range_id) == ("calcium", "L", "reported")


def test_contained_results_belong_to_the_report_and_missing_ones_show():
    """Contained Observations take the report's subject; a result that is named but not there is a row without value."""
    frame = fhir.to_frame(DATA / "diagnostic-report.json")
    assert frame["test"].tolist() == ["Phosphate", "Magnesium", "Calcium, ionized"]
    assert frame["note"].tolist()[0] == "result_not_found"
    assert set(frame["sex"]) == {"male"}
    assert len(fhir.to_results(DATA / "diagnostic-report.json")) == 1


def test_components_are_rows_and_groupings_are_none():
    """Every component is a row; an Observation that only groups others is none."""
    part = {"code": {"text": "Magnesium"}, **quantity(1.9)}
    grouping = observation(id="g", valueQuantity=None, hasMember=[{"reference": "Observation/o1"}])
    panel = observation(id="p", valueQuantity=None, component=[part, {**part, "code": {"text": "Calcium"}}])
    both = observation(id="b", component=[part])
    assert fhir.to_frame([grouping, panel, both])["test"].tolist() == ["Magnesium", "Calcium", "Calcium", "Magnesium"]


@pytest.mark.parametrize(
    ("more", "value"),
    [
        (quantity(7.9, comparator="<"), "<7.9"),
        (quantity(7.9, comparator=">="), ">=7.9"),
        ({"valueQuantity": None, "valueInteger": 9}, "9"),
        ({"valueQuantity": None, "valueString": "7,9 mg/dL"}, "7,9 mg/dL"),
        (quantity("7.9"), "7.9"),
    ],
)
def test_values_are_read(more, value):
    """Quantities with a comparator, integers and texts are read; a number sent as text is read as that text."""
    assert row(observation(**more))["value"] == value


def test_a_number_that_is_sent_as_text_is_noted():
    """FHIR wants a number; a text in its place is read by the rules for texts, and the result says so."""
    for sent, problem in (("7.9", None), ("1,234", "ambiguous_number"), ("high", "not_numeric")):
        given = observation(valueQuantity={"value": sent, "unit": "ng/mL"}, code={"text": "25OHD"})
        [interpretation] = li.interpret([only(given)[1]], li.Patient(age=50)).interpretations
        assert interpretation.problem == problem
        assert problem or "number_cleaned" in interpretation.notes
    [plain] = li.interpret([only(observation(**quantity(7.9)))[1]], li.Patient(age=50)).interpretations
    assert "number_cleaned" not in plain.notes


@pytest.mark.parametrize(
    "more",
    [
        quantity(7.9, comparator="ad"),
        quantity(8, comparator="1"),
        quantity(True),
        quantity(10**400),
        {"valueQuantity": None, "valueRange": {"low": {"value": 1}}},
        {"valueQuantity": None, "valueSampledData": {"data": "1 2 3"}},
        {"valueQuantity": None, "valueBoolean": True},
        {"valueQuantity": None, "valueRatio": {}},
        {"valueQuantity": None, "valueCodeableConcept": {"text": "hemolyzed"}},
        {"valueInteger": 9},
    ],
)
def test_what_is_no_single_number_is_not_numeric(more):
    """Ranges, samples, ratios, codes, unknown comparators and several values are `not_numeric`, never a number."""
    _, result = only(observation(**more))
    [interpretation] = li.interpret([result]).interpretations
    assert interpretation.problem == "not_numeric"


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({"dataAbsentReason": {"text": "x"}}, "data_absent"),
        ({"status": "entered-in-error"}, "entered_in_error"),
        ({"status": "cancelled"}, "cancelled"),
        ({"modifierExtension": [{"url": "https://x.example"}]}, "modifier_extension"),
        ({"focus": [{"reference": "Patient/fetus"}]}, "not_of_a_patient"),
        ({"subject": {"reference": "Device/analyzer"}}, "not_of_a_patient"),
        ({"subject": {"reference": "https://a.example/Group/3"}}, "not_of_a_patient"),
    ],
)
def test_value_that_may_not_be_used_is_left_out_with_a_note(more, note):
    """A value that is withdrawn, modified, or not the patient's is left out, and the row says why."""
    found = row(observation(**more))
    assert found["value"] is None
    assert found["note"] == note


def test_withdrawn_report_withdraws_what_it_contains():
    """A report that was entered in error takes its contained results with it."""
    report = json.loads((DATA / "diagnostic-report.json").read_text("utf-8"))
    report["status"] = "entered-in-error"
    assert fhir.to_frame(report)["value"].isna().all()


def test_unknown_status_is_noted():
    """A status that is not FHIR's does not stop a value but is noted."""
    assert row(observation(status="done"))["note"] == "status_unknown"


def test_latest_version_of_an_observation_counts():
    """Of two versions of one Observation the older one is left out as superseded."""
    old = observation(meta={"lastUpdated": "2026-03-02T08:00:00Z"}, **quantity(7.0))
    new = observation(meta={"lastUpdated": "2026-03-02T09:00:00Z"})
    assert fhir.to_frame(bundle(old, new))["note"].tolist() == ["superseded", None]
    assert fhir.to_frame(bundle(new, old, type="history"))["note"].tolist() == [None, "superseded"]


def test_foreign_loinc_code_decides_among_codings():
    """A LOINC code that isn't ours makes the test unknown, whatever stands beside it."""
    coding = [{"system": LOINC, "code": "19123-9"}, {"system": LOINC, "code": "2345-7"}]
    _, result = only(observation(code={"coding": coding, "text": "Magnesium"}))
    assert li.interpret([result]).interpretations[0].problem == "unknown_test"


@pytest.mark.parametrize(
    ("code", "analyte"),
    [
        (
            {
                "coding": [
                    {"system": "urn:local", "code": "7", "display": "Magnesium"},
                    {"system": LOINC, "code": "17861-6"},
                ]
            },
            "calcium",
        ),
        ({"coding": [{"system": "urn:local", "code": "7", "display": "Serum calcium"}]}, "calcium"),
        ({"text": "Magnesium"}, "magnesium"),
        ({"coding": [{"code": "x", "display": "Calcium"}], "text": "Magnesium"}, None),
        ({"coding": [{"display": "Vitamin D"}], "text": "1,25-dihydroxyvitamin D"}, None),
        ({}, None),
    ],
)
def test_test_is_found_by_code_then_by_name(code, analyte):
    """LOINC decides, then names; names that mean different analytes, and near misses, mean none."""
    _, result = only(observation(code=code))
    assert li.interpret([result]).interpretations[0].analyte == analyte


def test_unit_code_and_text_that_disagree_are_noted():
    """The UCUM code decides about the unit, and a text that names another unit is noted."""
    found = row(observation(**quantity(9.1, system=UCUM, code="mmol/L")))
    assert (found["unit"], found["note"]) == ("mmol/L", "unit_conflict")
    assert row(observation(**quantity(9.1, system="urn:local", code="U7")))["unit"] == "mg/dL"


def test_only_range_that_fits_the_patient_is_used():
    """Of several normal ranges the one for the patient's sex and age is used."""
    ranges = [
        span(8.0, 9.0, appliesTo=[concept("male")]),
        span(8.5, 10.5, appliesTo=[concept("female")], age={"low": {"value": 18, "code": "a"}}),
        span(8.8, 10.8, appliesTo=[concept("female")], age={"high": {"value": 17, "code": "a"}}),
        span(1.0, 2.0, type={"coding": [{"code": "treatment"}]}),
    ]
    found = fhir.to_frame(bundle(ANNA, observation(referenceRange=ranges, **OF_ANNA)))
    assert found.loc[0, ["reference_low", "reference_high"]].tolist() == ["8.5", "10.5"]


@pytest.mark.parametrize(
    "ranges",
    [
        [span(8.0, 9.0), span(8.5, 10.5)],
        [span(8.0, 9.0, appliesTo=[concept("male")])],
        [span(8.0, 9.0, appliesTo=[{"text": "trained athletes"}])],
        [span(8.0, 9.0, age={"high": {"value": 17, "code": "a"}})],
        [{"text": "see comment"}],
        [{"low": {"value": 2.1, "unit": "mmol/L"}}],
        [{"low": {"value": 8.1, "comparator": "ad"}}],
        [span(8.0, 9.0, type={"text": "a kind that is not known"})],
        [{"low": {"value": 8.5, "unit": "mmol/L", "system": UCUM, "code": "mg/dL"}}],
        [{"low": {"value": 8.5, "comparator": ">"}, "high": {"value": 10.5, "comparator": ">"}}],
        [{"low": {"unit": "mg/dL"}}],
    ],
)
def test_range_that_may_not_fit_is_unusable(ranges):
    """Where no range surely fits, none is used, and the interpretation says so."""
    source = bundle(ANNA, observation(referenceRange=ranges, **OF_ANNA))
    _, result = only(source)
    [interpretation] = li.interpret([result], li.Patient(age=54, sex="female")).interpretations
    assert "reported_range_unusable" in interpretation.notes
    assert interpretation.range_id != "reported"


def test_range_without_numbers_is_read_from_its_text():
    """A range that is given as text alone is read like one with numbers."""
    found = row(observation(referenceRange=[{"text": "<= 10.5 mg/dL"}]))
    assert (found["reference_low"], found["reference_high"]) == (None, "10.5")


def test_specimen_from_reference_contained_or_display():
    """The specimen is found by reference, as a contained resource, and by the reference's display."""
    urine = {"resourceType": "Specimen", "id": "u", "type": {"text": "Urine"}}
    held = observation(contained=[urine], specimen={"reference": "#u"})
    apart = observation(specimen={"reference": "Specimen/u"})
    named = observation(specimen={"display": "Urine"})
    assert row(held)["specimen"] == row(named)["specimen"] == "Urine"
    assert fhir.to_frame(bundle(urine, apart))["specimen"].tolist() == ["Urine"]


def test_time_of_collection_is_found():
    """The time is that of the Observation, else that of the specimen's collection; a year alone is noted."""
    specimen = {"resourceType": "Specimen", "id": "s", "collection": {"collectedDateTime": "2026-03-01"}}
    late = observation(effectiveDateTime=None, contained=[specimen], specimen={"reference": "#s"})
    assert row(late)["collected_at"] == "2026-03-01"
    assert row(observation(effectiveDateTime=None, effectivePeriod={"start": "2026-03-01T08:00:00Z"}))["collected_at"]
    assert row(observation(effectiveDateTime="2026"))["collected_at"] == "2026"


def test_patients_of_two_servers_are_never_one():
    """Two patients with one id on different servers stay apart and get different ids."""
    refs = ["https://a.example/Patient/1", "https://b.example/Patient/1", "https://a.example/Patient/1/_history/2"]
    sources = [observation(id=f"o{i}", subject={"reference": ref}) for i, ref in enumerate(refs)]
    frame = fhir.to_frame(sources)
    assert frame["patient_id"].nunique() == 2
    assert [len(results) for _, results in fhir.to_results(sources)] == [2, 1]


def test_results_without_subject_stand_alone():
    """Observations without a subject are never put into one panel."""
    assert len(fhir.to_results([observation(id="a"), observation(id="b")])) == 2


def test_subject_by_identifier_and_by_urn():
    """A subject is recognized by its identifier, and by the fullUrl of its entry."""
    logical = observation(subject={"identifier": {"system": "urn:mrn", "value": "77"}})
    assert only(logical)[0].id == "77"
    urn = "urn:uuid:3fdc72f4-a11d-4a9d-9260-a9f745779e1d"
    entries = [{"fullUrl": urn, "resource": ANNA}, {"resource": observation(subject={"reference": urn})}]
    patient, _ = only({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert (patient.id, patient.sex) == ("anna", "female")


def test_input_is_not_changed():
    """Reading leaves the caller's dicts as they were."""
    source = json.loads((DATA / "bundle.json").read_text("utf-8"))
    before = copy.deepcopy(source)
    fhir.interpret_fhir(source)
    assert source == before


def test_references_in_a_circle_are_read():
    """Observations that name each other as members are read once each."""
    one = observation(id="a", hasMember=[{"reference": "Observation/b"}])
    two = observation(id="b", hasMember=[{"reference": "Observation/a"}])
    assert len(fhir.to_frame(bundle(one, two))) == 2


@pytest.mark.parametrize(
    "name", ["bundle.json", "diagnostic-report.json", "observations.ndjson", "us-core-calcium.json"]
)
def test_results_and_frame_agree(name):
    """Interpreting the results of a document says of each what the frame of the same document says."""
    results = li.interpret_frame(fhir.to_frame(DATA / name)).results
    pairs = fhir.to_results(DATA / name)
    items = [item for patient, found in pairs for item in li.interpret(found, patient).interpretations]
    shown = results[["flag", "problem"]].astype(object).where(results[["flag", "problem"]].notna(), None)
    assert [(item.flag, item.problem) for item in items] == list(shown.itertuples(index=False, name=None))
    assert [";".join(item.notes) for item in items] == results["notes"].tolist()
