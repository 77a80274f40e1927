"""Names that mean two analytes, settled by the range that came with the result."""

import pandas as pd
import pytest

import labinterp as li

CASES = [
    ("Ca++", "1.02", "mmol/L", "1.15-1.33", "calcium_ionized"),
    ("Ca2+", "2.02", "mmol/L", "2.15-2.55", "calcium"),
    ("Ca++", "7.9", "mg/dL", "8.6-10.2", "calcium"),
    ("Ca 2+", "4.1", "mg/dL", "4.6-5.3", "calcium_ionized"),
    ("Ca2+", "2,02", "mmol/L", "2,15 - 2,55", "calcium"),
    ("Ca++", "2.02", "mmol/L", "< 2.55", None),
    ("Ca++", "2.02", "mmol/L", "1.2-2.55", None),
    ("Ca++", "2.02", "mmol/L", None, None),
    ("Ca++", "2.02", None, "2.15-2.55", None),
    ("magnesium", "0.8", "mmol/L", "0.7-1.0", "magnesium"),
]


def test_a_name_of_two_meanings_is_settled_by_a_range_that_fits_one_alone(tmp_path):
    """`Ca++` with 1.15-1.33 mmol/L is ionized, with 2.15-2.55 total, else refused; on every face alike."""
    rows = [
        {"test": test, "value": value, "unit": unit, "reference_range": text, "age": 50}
        for test, value, unit, text, _ in CASES
    ]
    frame = pd.DataFrame(rows)
    found = li.interpret_frame(frame).results
    assert [None if pd.isna(analyte) else analyte for analyte in found["analyte"]] == [case[-1] for case in CASES]
    frame.to_csv(tmp_path / "a.csv", index=False)
    li.interpret_files(tmp_path / "a.csv", tmp_path / "out")
    streamed = pd.read_parquet(tmp_path / "out" / "results")
    for row, (_, table), (_, stream) in zip(rows, found.iterrows(), streamed.iterrows(), strict=True):
        one = li.interpret([row]).interpretations[0]
        for name in ("analyte", "flag", "problem"):
            seen = [None if pd.isna(each) else each for each in (table[name], stream[name])]
            assert seen == [getattr(one, name)] * 2
        assert ";".join(one.notes) == (table["notes"] or "")
        assert ("test_by_range" in one.notes) == (one.analyte in ("calcium", "calcium_ionized"))


def test_ends_in_columns_of_their_own_settle_it_too():
    """`reference_low` and `reference_high` are a range as the text is."""
    row = {"test": "Ca++", "value": 1.02, "unit": "mmol/L", "reference_low": 1.15, "reference_high": 1.33}
    assert li.interpret([row], li.Patient(age=50)).interpretations[0].flag == "L"


@pytest.mark.parametrize("tests", [{"Ca++": "calcium"}, {"Ca++": ""}])
def test_the_callers_own_list_comes_before_the_range(tests):
    """What the caller says of a name holds whatever its range."""
    row = {"test": "Ca++", "value": 1.02, "unit": "mmol/L", "reference_range": "1.15-1.33"}
    assert li.interpret([row], li.Patient(age=50), tests=tests).interpretations[0].analyte == (tests["Ca++"] or None)


def test_ends_of_a_range_without_a_hash_settle_nothing_and_stop_nothing():
    """Whatever object came as the end of a range, a name of two meanings is answered, and the same when asked again."""
    result = li.LabResult("Ca++", "1.02", "mmol/L", reference_low=[1.15], reference_high=[1.33])
    for _ in range(2):
        assert li.interpret([result], {"age": 50}).interpretations[0].problem == "unknown_test"
