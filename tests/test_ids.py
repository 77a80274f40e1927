"""One rule for ids on every face."""

from pathlib import Path

import pandas as pd
import pytest

import labinterp as li
from engines_helpers import assert_same, cells, read_parts

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


def kept(cell):
    return f'="{cell}"'


def told(results):
    return results.drop(columns=["collected_at", "notes"]).astype(object).fillna("").astype(str).to_numpy().tolist()


@pytest.mark.parametrize("times", [1, 400])
@pytest.mark.parametrize("bare", [True, False])
def test_cells_that_a_spreadsheet_is_to_keep_are_read_as_it_shows_them(tmp_path, times, bare):
    """`="007"` is 007 in every column: ids, tests, values, units, dates, ages, ranges and flags, in frames and streams."""
    columns = [*COLUMNS, "sex", "birth_date", "specimen", "reference_range", "reported_flag"]
    rows = [
        ("007", "Magnesium", "1.2", "mg/dL", "54", "2025-01-01", "f", "", "serum", "1.6-2.6 mg/dL", "L"),
        ("007", "17861-6", "9.4", "mg/dL", "54", "2025-01-01", "f", "", "urine", "8.6-10.2", ""),
        (" 8 ", "Calcium", "<8.1", "mg/dL", "", "03.04.2025 08:30", "m", "1971-02-03", "", "", "Low"),
        ("8", "albumin", "41", "g/L", "", "03.04.2025 08:30", "m", "1971-02-03", "", "", "N"),
        ("NA", "Mg", "0.8", "mmol/L", "", "", "", "", "", "", ""),
        ("NA", "Mg", "", "", "", "", "", "", "", "", ""),
    ]
    plain = pd.DataFrame(rows * times, columns=columns)
    wrapped = plain.map(kept)
    if bare:  # without the quotes of CSV around it
        text = "\n".join([",".join(columns), *(",".join(row) for row in wrapped.to_numpy().tolist()), ""])
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    else:
        wrapped.to_csv(tmp_path / "a.csv", index=False)
    report, expected = li.interpret_frame(wrapped), li.interpret_frame(plain)
    assert told(report.results) == told(expected.results)
    assert told(li.interpret_frame(wrapped.astype(object)).results) == told(expected.results)
    assert report.findings["finding"].tolist() == expected.findings["finding"].tolist()
    assert not report.results["notes"].str.contains("unreadable|unusable").any()
    li.interpret_files(tmp_path / "a.csv", tmp_path / "out")
    assert_same(tmp_path / "out", report)


def test_named_layouts_read_cells_as_a_spreadsheet_shows_them():
    """Codes, keys of tables beside, years and missing values are read alike where a spreadsheet is to keep them."""
    folder = Path(__file__).parents[1] / "examples" / "data" / "layouts"
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        beside = {each.stem: pd.read_csv(each, dtype=str) for each in sorted((folder / path.stem).glob("*.csv"))}
        results, expected = (
            li.interpret_frame(each, layout=path.stem, beside=beside).results for each in (table.map(kept), table)
        )
        assert told(results) == told(expected), path.stem


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
        assert cells(read_parts(tmp_path / "out", name)) == cells(getattr(report, name))
