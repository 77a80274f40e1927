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
