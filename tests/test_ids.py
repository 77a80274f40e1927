"""One rule for ids on every face."""

import pandas as pd
import pytest

import labinterp as li
from engines_helpers import assert_same

COLUMNS = ["patient_id", "test", "value", "unit", "age", "collected_at"]


@pytest.mark.parametrize("sorted_by_patient", [True, False])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_ids_with_white_space_around_are_one_patient_in_streams(tmp_path, kind, sorted_by_patient):
    """`5`, ` 5 ` and `5` with a tab are one patient, whatever pieces of a file they lie in."""
    first = [(str(i), "vitamin_d", "9", "ng/mL", 50, "2026-01-01") for i in range(200)]
    second = [(f" {i} " if i % 2 else f"{i}\t", "calcium", "9.4", "mg/dL", 50, "2026-01-01") for i in range(200)]
    frame = pd.DataFrame([*first, *second], columns=COLUMNS)
    if sorted_by_patient:
        frame = frame.sort_values("patient_id", key=lambda ids: ids.str.strip(), kind="stable", ignore_index=True)
    path = tmp_path / f"a.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    li.interpret_files(path, tmp_path / "out", block_bytes=1 << 10)
    report = li.interpret_frame(frame)
    assert_same(tmp_path / "out", report)
    assert set(report.pathways["support"]) == {"interrupted"}


NOBODY = ["NA", "n/a", "None", "null", "nan", "-", "--", "***", "___", "?", "unknown", "UNKNOWN ", "Anonymous", "[REDACTED]",
          "<NA>", "–", "XXXX", "xx-xx", "de-identified", "***REMOVED***", "inconnu", "неизвестно", "不明"]  # fmt: skip


@pytest.mark.parametrize("name", NOBODY)
def test_what_stands_in_place_of_an_id_joins_nobody(tmp_path, name):
    """The albumin of one unnamed patient never adjusts the calcium of another, on any face."""
    rows = [(name, "calcium", "7.5", "mg/dL", 50, "2026-01-01"), (name, "albumin", "2.5", "g/dL", 50, "2026-01-01")]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    report = li.interpret_frame(frame)
    assert report.results["patient_id"].isna().all()
    assert "uncorrected_calcium" in report.results["notes"][0]
    assert report.findings[["panel", "finding", "status"]].to_numpy().tolist() == [
        ["row-0", "hypocalcemia", "possible"]
    ]
    frame.to_csv(tmp_path / "a.csv", index=False)
    li.interpret_files(tmp_path / "a.csv", tmp_path / "out")
    assert_same(tmp_path / "out", report)
    assert li.Patient(id=name).id is None
    assert li.LabResult("magnesium", 1, id=name).id == name.strip()


@pytest.mark.parametrize(
    "name",
    ["0", "00", "A", "N1", "x", "NAN7", "X-1", "-1", "***1", "unknown-7", "Nadia", "AN", "nobody@home", "🧪", "x" * 40],
)
def test_what_may_be_an_id_is_one(name):
    """An odd id still keeps the rows of one patient together."""
    rows = [(name, "calcium", "7.5", "mg/dL", 50, "2026-01-01"), (name, "albumin", "2.5", "g/dL", 50, "2026-01-01")]
    report = li.interpret_frame(pd.DataFrame(rows, columns=COLUMNS))
    assert set(report.results["patient_id"]) == {name}
    assert "uncorrected_calcium" not in report.results["notes"][0]


@pytest.mark.parametrize("panel", ["collection", "patient", "30D"])
@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ({"birth_date": "1970-01-01"}, {"birth_date": "1980-01-01"}, False),
        ({"sex": "F"}, {"sex": "male"}, False),
        ({"birth_date": "1970-01-01", "sex": "F"}, {"birth_date": "01.01.1970", "sex": "female"}, True),
        ({"birth_date": "1970-01-01"}, {}, True),
        ({"sex": "F"}, {"sex": "unknown"}, True),
        ({"birth_date": "1970"}, {"birth_date": "1970-05-01"}, True),
    ],
)
def test_two_people_of_one_name_are_two_patients(tmp_path, panel, one, other, together):
    """Rows of one id that tell different birth dates or sexes are of two people, whose results are not seen together."""
    common = {"patient_id": "Doe J", "collected_at": "2026-01-01", "age": 50}
    calcium = {**common, "test": "calcium", "value": "7.5", "unit": "mg/dL", **one}
    albumin = {**common, "test": "albumin", "value": "2.5", "unit": "g/dL", **other}
    third = {
        **common,
        "patient_id": "B",
        "test": "calcium",
        "value": "9.5",
        "unit": "mg/dL",
        "birth_date": "1960-01-01",
        "sex": "F",
    }
    frame = pd.DataFrame([calcium, third, albumin])
    report = li.interpret_frame(frame, panel=panel, layout="labinterp")
    assert ("uncorrected_calcium" not in report.results["notes"][0]) is together
    assert list(report.findings["patient_id"]) == ([] if together else ["Doe J"])
    assert list(report.results["patient_id"]) == ["Doe J", "B", "Doe J"]
    frame.to_csv(tmp_path / "a.csv", index=False)
    li.interpret_files(tmp_path / "a.csv", tmp_path / "out", panel=panel, layout="labinterp")
    for name in ("results", "findings"):
        streamed = pd.read_parquet(tmp_path / "out" / name).astype(str).to_dict("list")
        assert streamed == getattr(report, name).astype(str).to_dict("list")
