"""Severity: from where on a result is severe, in every profile, unit and face, and what a reader is told first."""

from __future__ import annotations

import math

import pandas as pd
import pytest

import labinterp as li
import ranges_samples as samples
from labinterp.cli import main
from labinterp.errors import ReferenceSetError
from labinterp.messages.hl7_out import to_obx
from labinterp.ranges import reference_set, shipped
from labinterp.ranges.exchange.csv import export_csv, import_csv
from labinterp.ranges.exchange.fhir import export_fhir, import_fhir
from labinterp.ranges.severity import JUDGED
from labinterp.reading import flags, units
from labinterp.reasoning import essentials

PROFILES = list(shipped().profiles())
ADULT = li.Patient(age=50, sex="female", pregnancy="none")
LEVELS = {"very_low": "LU", "low": "L", "normal": "N", "high": "H", "very_high": "HU"}
# canonical values: severely low, low, normal, high, severely high
VALUES = {
    "magnesium": (0.2, 0.5, 0.85, 1.5, 2.5),
    "calcium": (1.3, 1.8, 2.3, 2.8, 3.8),
    "calcium_adjusted": (1.6, 2.0, 2.35, 2.8, 3.8),
    "calcium_ionized": (0.7, 1.0, 1.2, 1.5, 1.9),
}


def one(analyte, value, unit="mmol/L", person=ADULT, ranges="us", **more):
    return li.interpret([li.LabResult(analyte, value, unit, **more)], person, ranges=ranges)


@pytest.mark.parametrize("analyte", JUDGED)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_reaches_every_level(profile, analyte):
    """In each profile and each accepted unit, magnesium and calcium in each of its forms come to all five levels."""
    for unit in units.accepted(analyte):
        scale = units.scale(analyte, unit)
        for value, level in zip(VALUES[analyte], LEVELS, strict=True):
            item = one(analyte, value * scale.div / scale.mul, unit, ADULT, profile).interpretations[0]
            assert (item.level, item.flag) == (level, LEVELS[level]), (unit, value)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("analyte", "value", "unit", "tetany"),
    [
        ("calcium", 5.0, "mg/dL", True),
        ("magnesium", 0.5, "mg/dL", True),
        ("calcium", 15.2, "mg/dL", False),
        ("calcium_adjusted", 1.85, "mmol/L", True),
        ("calcium_ionized", 0.85, "mmol/L", True),
        ("magnesium", 7, "mg/dL", False),
    ],
)
def test_danger_is_severe_in_every_profile(profile, analyte, value, unit, tetany):
    """A life-threatening value heads the report with severity high; severe low calcium and magnesium name tetany."""
    for person in (ADULT, li.Patient(age=50), li.Patient(age=50, sex="male")):
        report = one(analyte, value, unit, person, profile)
        finding = report.findings[0]
        assert finding.severity == "high"
        assert ("tetany" in finding.accompanying_symptoms) == tetany
        assert not any("often benign" in text for text in report.guidance.advice)


@pytest.mark.parametrize("value", [2.0, 2.1, 1.91])
def test_mild_hypocalcemia_is_not_severe(value):
    """Adjusted calcium above 1.9 mmol/L is low, and its finding moderate."""
    report = one("calcium_adjusted", value, ranges="uk")
    assert report.interpretations[0].flag == "L"
    assert report.findings[0].severity == "moderate"
    assert any("often benign" in text for text in report.guidance.advice)


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "flag"),
    [
        ("magnesium", 0.40, "mmol/L", "L"),
        ("magnesium", math.nextafter(0.40, 0), "mmol/L", "LU"),
        ("magnesium", 5.0, "mg/dL", "H"),
        ("magnesium", 5.01, "mg/dL", "HU"),
        ("calcium", 6.6, "mg/dL", "L"),
        ("calcium", 6.59, "mg/dL", "LU"),
        ("calcium", 3.5, "mmol/L", "HU"),
        ("calcium", 3.49, "mmol/L", "H"),
        ("calcium_adjusted", 1.9, "mmol/L", "L"),
        ("calcium_adjusted", 3.5, "mmol/L", "H"),
        ("calcium_adjusted", 3.51, "mmol/L", "HU"),
        ("calcium_ionized", 0.9, "mmol/L", "L"),
        ("calcium_ionized", 3.6, "mg/dL", "L"),
        ("calcium_ionized", 3.59, "mg/dL", "LU"),
        ("calcium_ionized", 1.6, "mmol/L", "HU"),
        ("calcium_ionized", 6.4, "mg/dL", "HU"),
        ("calcium", "<6.6", "mg/dL", "LU"),
        ("calcium", "≤6.6", "mg/dL", "L"),
        ("calcium", "<8.0", "mg/dL", "L"),
        ("calcium", "<9.0", "mg/dL", "IND"),
        ("magnesium", ">5.0", "mg/dL", "HU"),
        ("magnesium", "≥5.0", "mg/dL", "H"),
    ],
)  # fmt: skip
def test_a_value_on_a_limit_of_severity_takes_the_side_that_is_printed(analyte, value, unit, flag):
    """On a limit of severity the strictness of the source decides; a censored value is severe only if all of it is."""
    assert one(analyte, value, unit).interpretations[0].flag == flag


def test_the_source_of_severity_stands_with_severe_results_alone():
    """A severe result names the entry that says so beside the range that says low; a normal one does not."""
    assert one("magnesium", 0.2).interpretations[0].range_id.split("|")[1] == "severity/2026-11#magnesium-low"
    assert one("magnesium", 3.0).interpretations[0].range_id.split("|")[1] == "severity/2026-11#magnesium-high-adult"
    assert "severity" not in one("magnesium", 0.8).interpretations[0].range_id
    assert "severity" not in one("magnesium", 0.5).interpretations[0].range_id


def test_a_reported_range_keeps_severity():
    """The laboratory's own range says what is low; the band of severity says how far."""
    item = one("magnesium", 0.5, "mg/dL", reference_low=1.6, reference_high=2.6).interpretations[0]
    assert (item.flag, item.level, item.range_id) == ("LU", "very_low", "reported|severity/2026-11#magnesium-low")
    upper = one("magnesium", 0.5, "mg/dL", reference_high=2.6).interpretations[0]
    assert upper.flag == "LU"


@pytest.mark.parametrize(
    ("value", "ends"), [(0.5, (0.2, 2.6)), (0.5, (0.3, 2.6)), (0.5, (0.1, 0.4)), (8, (1.6, 15)), (8, (9, 20))]
)
def test_a_reported_range_that_contradicts_severity_is_never_a_silent_normal(value, ends):
    """Where the laboratory's range calls normal what is far off, nothing is said, and it is noted that they disagree."""
    low, high = ends
    report = one("magnesium", value, "mg/dL", reference_low=low, reference_high=high)
    item = report.interpretations[0]
    assert (item.flag, item.level, item.band) == ("IND", "indeterminate", None)
    assert "severity_disagrees" in item.notes
    assert report.states["magnesium_deficiency"] == "undetermined"


def test_calcium_adjusted_here_is_judged_by_adjusted_limits():
    """Total calcium adjusted by the panel's albumin meets severity and critical limits of adjusted calcium."""
    results = [li.LabResult("calcium", 1.85, "mmol/L"), li.LabResult("albumin", 40, "g/L")]
    report = li.interpret(results, ADULT, ranges="uk")
    assert report.interpretations[0].flag == "L"
    assert (report.findings[0].severity, report.findings[0].evidence[0].level) == ("high", "very_low")
    raised = [li.LabResult("calcium", 3.1, "mmol/L"), li.LabResult("albumin", 40, "g/L")]
    assert li.interpret(raised, ADULT, ranges="uk").findings[0].severity == "moderate"
    critical = li.interpret(raised, ADULT, ranges=["uk", "homerton/critical"])
    assert (critical.findings[0].severity, critical.findings[0].evidence[0].level) == ("high", "very_high")
    own = [li.LabResult("calcium", 1.85, "mmol/L", reference_low=2.2, reference_high=2.6), results[1]]
    assert li.interpret(own, ADULT, ranges="uk").findings[0].severity == "high"


def test_children_have_their_own_limits_where_a_source_speaks():
    """Magnesium of a child is severely high above 4.0 mg/dL, and severely low where that of an adult is."""
    child = li.Patient(age=10)
    found = {
        value: one("magnesium", value, "mg/dL", child, ranges="anz").interpretations[0].flag
        for value in (0.9, 1.2, 3.9, 4.1)
    }
    assert found == {0.9: "LU", 1.2: "L", 3.9: "H", 4.1: "HU"}


def test_an_unknown_age_is_severe_where_an_adult_is_assumed():
    """Without an age there is no range, and with an adult assumed a severe result is severe."""
    nobody = li.Patient()
    assert one("magnesium", 0.2, person=nobody).interpretations[0].problem == "no_reference_range"
    report = li.interpret([li.LabResult("magnesium", 0.2, "mmol/L")], nobody, assume_adult=True)
    assert (report.interpretations[0].flag, report.findings[0].severity) == ("LU", "high")
    assert one("calcium", 5, "mg/dL", nobody, reference_low=8.6, reference_high=10.2).findings[0].severity == "high"


def test_tables_say_severity_as_panels_do(tmp_path):
    """The frame and the streamed files give the level, flag and source of severity that one panel gives."""
    rows = [
        {"patient_id": f"{analyte}{i}", "test": analyte, "value": value, "unit": "mmol/L", "age": 50, "sex": "female",
         "reference_low": low, "reference_high": high}
        for analyte, values in VALUES.items()
        for i, value in enumerate(values)
        for low, high in ((None, None), (0.6, 2.2))
    ]  # fmt: skip
    names = ["flag", "level", "band", "range_id", "notes"]
    frame = pd.DataFrame(rows)
    found = li.interpret_frame(frame).results[names].astype(object)
    found = found.where(found.notna(), None)
    for row, item in zip(rows, found.itertuples(index=False), strict=True):
        ends = {"reference_low": row["reference_low"], "reference_high": row["reference_high"]}
        alone = one(row["test"], row["value"], person=li.Patient(age=50, sex="female"), **ends).interpretations[0]
        assert tuple(item[:4]) == (alone.flag, alone.level, alone.band, alone.range_id)
        assert ("severity_disagrees" in str(item[4])) == ("severity_disagrees" in alone.notes)
    frame.to_csv(tmp_path / "in.csv", index=False)
    li.interpret_files([tmp_path / "in.csv"], tmp_path / "out")
    streamed = pd.read_parquet(tmp_path / "out" / "results")[names].astype(object)
    streamed = streamed.where(streamed.notna(), None)
    assert streamed.equals(found.reset_index(drop=True))


CALLED = [
    # test, value, unit, the laboratory's own flag, severity, note
    ("magnesium", 1.4, "mg/dL", "L", "moderate", None),
    ("magnesium", 1.4, "mg/dL", "LL", "high", "flag_critical"),
    ("magnesium", 1.4, "mg/dL", "panic", "high", "flag_critical"),
    ("magnesium", "1.4 LL", "mg/dL", None, "high", "flag_critical"),
    ("magnesium", 1.4, "mg/dL", "HH", "moderate", "flag_disagrees"),
    ("magnesium", 0.5, "mg/dL", "LL", "high", None),
    ("magnesium", 3.5, "mg/dL", "HH", "high", "flag_critical"),
    ("calcium_ionized", 1.1, "mmol/L", "critical low", "high", "flag_critical"),
    ("vitamin_d", 9, "ng/mL", "LL", "moderate", "flag_critical"),  # as with every vitamin D, however low
    ("vitamin_b12", 150, "pg/mL", "LL", "high", "flag_critical"),
]


def test_a_result_that_its_laboratory_calls_critical_is_severe_on_every_face(tmp_path):
    """What the laboratory calls critical and we call low or high keeps our flag, is noted, and is as severe as very low."""
    rows = [
        {"patient_id": str(i), "test": test, "value": value, "unit": unit, "reported_flag": flag, "age": 50}
        for i, (test, value, unit, flag, _, _) in enumerate(CALLED)
    ]
    frame = li.interpret_frame(pd.DataFrame(rows))
    pd.DataFrame(rows).to_csv(tmp_path / "in.csv", index=False)
    li.interpret_files([tmp_path / "in.csv"], tmp_path / "out")
    streamed = pd.read_parquet(tmp_path / "out" / "findings").set_index("patient_id")
    for row, (test, value, unit, flag, severity, note), noted in zip(rows, CALLED, frame.results["notes"], strict=True):
        report = one(test, value, unit, li.Patient(age=50), reported_flag=flag)
        (item,), (finding,) = report.interpretations, report.findings
        assert finding.severity == severity
        assert ("calls the result critical" in finding.explanation) == (note == "flag_critical" and severity == "high")
        assert {note} - {None} == set(item.notes) & {"flag_critical", "flag_disagrees"}
        assert item.flag == one(test, str(value).removesuffix(" LL"), unit, li.Patient(age=50)).interpretations[0].flag
        assert set(str(noted).split(";")) - {"None", "nan", ""} == set(item.notes)
        for table in (frame.findings.set_index("patient_id"), streamed):
            told = table.loc[row["patient_id"]]
            assert (told["severity"], told["explanation"]) == (severity, finding.explanation)


@pytest.mark.parametrize(
    ("albumin", "found"), [(42, [("hypocalcemia", "high")]), (25, []), (None, [("hypocalcemia", "high")])]
)
def test_calcium_adjusted_by_albumin_is_as_severe_as_its_total_is_called(albumin, found):
    """A total calcium called critical makes hypocalcemia severe where albumin leaves it low, and none where it does not."""
    sent = [{"test": "calcium", "value": 2.0, "unit": "mmol/L", "reported_flag": "LL"}]
    sent += [] if albumin is None else [{"test": "albumin", "value": albumin, "unit": "g/L"}]
    report = li.interpret(sent, ADULT)
    assert [(finding.code, finding.severity) for finding in report.findings] == found
    assert "flag_critical" in report.interpretations[0].notes
    assert all("tetany" in finding.accompanying_symptoms for finding in report.findings)


def test_the_flag_that_is_critical_speaks_for_several():
    """Of several flags of one result, as HL7 v2 and FHIR send them, the critical one counts."""
    for sent in (["L", "LL"], ["LL", "L"], ["see note", "LL", "N"]):
        assert flags.foremost(sent) == "LL"
    assert flags.combined("low", "critical") == flags.combined("critical", "low") == "critically low"


def test_fail_on_high_means_it(tmp_path, capsys):
    """`--fail-on high` ends with 1 for a severe result and with 0 for a low one, and the first line says so."""
    path = tmp_path / "in.csv"
    for value, code in ((5.0, 1), (8.0, 0)):
        path.write_text(f"test,value,unit,age\ncalcium,{value},mg/dL,50\n", encoding="utf-8")
        assert main(["interpret", str(path), "--fail-on", "high"]) == code
        out = capsys.readouterr().out
        what, how_soon = out.index("What:"), out.index("How soon:")
        assert what == 0
        assert ("severity high" in out[what:how_soon]) == bool(code)


def test_what_is_severe_is_said_first_everywhere():
    """Page, FHIR and HL7 v2 say the severe finding and that it is severe before all else."""
    report = one("calcium", 5.0, "mg/dL")
    sentence = "Severe: Hypocalcemia: low calcium."
    page = report.to_html()
    assert page.index("Hypocalcemia (possible, severity high).") < page.index("Not a diagnosis")
    assert "often benign" not in page
    issue = next(e["resource"] for e in report.to_fhir()["entry"] if e["resource"]["resourceType"] == "DetectedIssue")
    assert issue["severity"] == "high"
    assert issue["detail"].startswith(sentence)
    notes = [line for line in to_obx(report).split("\r") if line.startswith("NTE")]
    assert any(line.startswith(f"NTE|1|L|{sentence}") for line in notes)


def test_a_profile_without_severity_is_refused(tmp_path):
    """A profile that judges magnesium and does not say from where on it is severe names file, entry and analyte."""
    library = samples.library(tmp_path, samples.edition("lab/1", samples.entry("mg")), profiles={"mine": ["lab/1"]})
    with pytest.raises(ReferenceSetError, match=r"profiles\.toml: profile\[1\]\.editions \(in mine\)") as caught:
        reference_set("mine", library=library)
    assert "magnesium is severely low in adults" in caught.value.message
    assert "magnesium is severely high in adults" in caught.value.message


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ({"low": "0.71"}, "lab/1#severe: below 0.71 mmol/L is very_low, of which lab/1#mg calls a part normal"),
        ({"high": "0.99"}, "lab/1#severe: above 0.99 mmol/L is very_high, of which lab/1#mg calls a part normal"),
        ({"high": "0.65"}, "lab/1#severe: above 0.65 mmol/L is very_high, of which lab/1#mg calls a part low"),
    ],
)
def test_severity_that_contradicts_the_range_is_refused(tmp_path, ends, words):
    """A band of severity that reaches into what the profile's own range calls normal names both entries."""
    edition = samples.edition("lab/1", samples.entry("mg"), samples.severity(**ends))
    library = samples.library(tmp_path, edition, profiles={"mine": ["lab/1"]})
    with pytest.raises(ReferenceSetError) as caught:
        reference_set("mine", library=library)
    assert any(words in fault for fault in caught.value.faults)


def test_severity_survives_exchange():
    """An edition of severity comes back from CSV and FHIR as it was, and no band of it is a reference interval."""
    edition = shipped().edition("severity/2026-11")
    assert import_csv(export_csv(edition)).entries == edition.entries
    bundle = export_fhir(edition)
    assert import_fhir(bundle).entries == edition.entries
    intervals = [i for e in bundle["entry"] for i in e["resource"]["qualifiedInterval"]]
    assert not any(interval.get("category") in ("reference", "critical") for interval in intervals)


def test_a_doubtful_result_with_which_another_agrees_is_not_weakened():
    """A value beyond the soft limits alone is possible at most; with a second result that agrees it is present."""
    doubtful = li.LabResult("magnesium", 0.05, "mmol/L")
    alone = li.interpret([doubtful], ADULT, ranges="anz")
    assert "soft_implausible" in alone.interpretations[0].notes
    assert alone.states["magnesium_deficiency"] == "possible"
    agreed = li.interpret([doubtful, li.LabResult("calcium", 1.73, "mmol/L")], ADULT, ranges="anz")
    assert agreed.states["magnesium_deficiency"] == "present"


@pytest.mark.parametrize(
    ("analyte", "value", "unit"),
    [
        ("magnesium", 0.09, "mmol/L"), ("magnesium", 6.8, "mmol/L"), ("magnesium", 0.17, "mmol/L"),
        ("calcium_adjusted", 6.5, "mmol/L"), ("vitamin_d", 3045, "nmol/L"), ("vitamin_d", 2, "nmol/L"),
        ("vitamin_b12", 15.1, "pg/mL"), ("methylmalonic_acid", 89000, "nmol/L"), ("homocysteine", 450, "umol/L"),
        ("calcium_ionized", 0.3, "mmol/L"),
    ],
)  # fmt: skip
def test_published_extremes_are_read_without_doubt(analyte, value, unit):
    """Values that real patients had are not called implausible."""
    item = one(analyte, value, unit).interpretations[0]
    assert item.problem in (None, "no_reference_range")
    assert "soft_implausible" not in item.notes


def test_mg_0_17_with_ca_1_73_is_present():
    """The published case of magnesium 0.17 mmol/L with calcium 1.73 is a deficiency that is present and severe."""
    results = [li.LabResult("magnesium", 0.17, "mmol/L"), li.LabResult("calcium", 1.73, "mmol/L")]
    report = li.interpret(results, ADULT, ranges="anz")
    assert report.states["magnesium_deficiency"] == "present"
    assert report.findings[0].code == "hypomagnesemia"
    assert report.findings[0].severity == "high"


def test_what_is_critical_and_not_settled_is_said_first(tmp_path, capsys):
    """A result that its laboratory calls critical and that makes no finding here is named at the top of every face."""
    row = {"test": "magnesium", "value": "0.60", "unit": "mmol/L", "reference_range": "0-1.0", "reported_flag": "LL"}
    report = li.interpret([row], ADULT)
    assert report.findings == ()
    assert "The laboratory calls serum magnesium critical" in report.to_html()
    assert "look at this today" in report.to_html()
    beside = li.interpret([row, {"test": "vitamin_d", "value": 9, "unit": "ng/mL"}], ADULT)
    assert "The laboratory calls serum magnesium critical" in essentials(beside).what
    assert essentials(beside).soon.startswith("A clinician should look at this today")
    quiet = li.interpret([{**row, "reported_flag": "L"}], ADULT)
    assert "critical" not in essentials(quiet).what
    head = "patient_id,test,value,unit,reference_range,reported_flag,age\n"
    path = tmp_path / "in.csv"
    path.write_text(
        f"{head}a7,magnesium,0.60,mmol/L,0-1.0,LL,50\nb,magnesium,0.9,mmol/L,,,50\n,creatinine,20,umol/L,,LL,1\n",
        encoding="utf-8",
    )
    assert main(["interpret", str(path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "no findings; 2 results called critical by the laboratory and not settled here." in out
    assert "look at this today" in out
    assert "Called critical: a7." in out
