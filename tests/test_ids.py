"""One rule for ids on every face."""

import pandas as pd
import pytest

import labinterp as li

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
    for name in ("results", "findings", "pathways"):
        streamed, expected = pd.read_parquet(tmp_path / "out" / name), getattr(report, name)
        assert streamed.astype(str).to_dict("list") == expected.astype(str).to_dict("list")
    assert set(report.pathways["support"]) == {"interrupted"}
