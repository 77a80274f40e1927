"""Frames of every kind and shape: same answers as the scalar face, and the user's frame untouched."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pint
import pyarrow as pa
import pytest

import labinterp as li
from labinterp.batch import arrow, core, encode
from labinterp.batch.columns import FrameColumns
from labinterp.batch.letters import Texts
from labinterp.batch.output import Coded, Whole
from labinterp.kernel.plan import Outcome, Plan
from labinterp.kernel.vector import Plans
from labinterp.options import Options
from labinterp.reading import times

ROWS = [
    {"patient_id": "a", "collected_at": "2026-01-01", "test": "Mg", "value": "1.1", "unit": "mg/dL", "age": "50"},
    {"patient_id": "a", "collected_at": "2026-01-01", "test": "Ca", "value": "<8", "unit": "mg/dL", "age": "50"},
    {"patient_id": "b", "collected_at": "2026-01-01", "test": "25(OH)D", "value": "9", "unit": "ng/mL", "age": "50"},
    {"patient_id": None, "collected_at": None, "test": "B12", "value": "QNS", "unit": "pg/mL", "age": None},
]
FLAGS = ["L", "L", "L", None]


def table():
    return pd.DataFrame(ROWS)


def flags(results):
    return [None if pd.isna(flag) else flag for flag in results["flag"].tolist()]


@pytest.mark.parametrize("dtype", ["object", "str", "category", "string"])
def test_text_of_any_dtype_is_read_alike(dtype):
    """Object, string and categorical columns give one answer, and the frame stays as it was."""
    frame = table().astype(dtype)
    before = frame.copy(deep=True)
    answer = li.interpret_frame(frame)
    assert flags(answer.results) == FLAGS
    pd.testing.assert_frame_equal(frame, before)


def test_text_in_chunks_is_read():
    """Text that lies in chunks, as after joining frames, is read like any other."""
    texts = [f"{300 + i / 7:.1f}" for i in range(3000)]
    halves = [pd.Series(part, dtype="string[pyarrow]") for part in (texts[:1500], texts[1500:])]
    frame = pd.DataFrame({"test": "vitamin_b12", "value": pd.concat(halves, ignore_index=True), "unit": "pmol/L"})
    assert li.interpret_frame(frame).results["value"].tolist() == [float(text) for text in texts]


def test_arrow_backed_columns_are_read_alike():
    """Columns of Arrow dtypes give the same answer."""
    pytest.importorskip("pyarrow", reason="the extra 'arrow' brings PyArrow")
    assert flags(li.interpret_frame(table().convert_dtypes(dtype_backend="pyarrow")).results) == FLAGS


@pytest.mark.parametrize("dtype", ["float64", "Float64", "float32"])
def test_numeric_columns_are_read_alike(dtype):
    """Numeric values need no text; a missing one is missing."""
    frame = pd.DataFrame({"test": "magnesium", "value": [1.0, 2.0, None], "unit": "mg/dL", "age": 50})
    frame["value"] = frame["value"].astype(dtype)
    results = li.interpret_frame(frame).results
    assert flags(results) == ["L", "N", None]
    assert results["problem"].tolist()[2] == "missing_value"


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_frame_of_another_library_comes_back_as_its_kind(kind):
    """A polars or PyArrow user gets polars or PyArrow back, with the same answers."""
    library = pytest.importorskip(kind, reason=f"{kind} is not installed")
    pytest.importorskip("narwhals", reason="the extra 'arrow' brings narwhals")
    frame = library.DataFrame(ROWS) if kind == "polars" else library.Table.from_pylist(ROWS)
    answer = li.interpret_frame(frame)
    for part in (answer.results, answer.findings, answer.pathways):
        assert type(part) is type(frame)
    column = answer.results["flag"]
    assert (column.to_list() if kind == "polars" else column.to_pylist()) == FLAGS


def test_polars_lazy_frame_is_read():
    """A lazy frame is collected."""
    pl = pytest.importorskip("polars", reason="polars is not installed")
    assert li.interpret_frame(pl.LazyFrame(ROWS)).results["flag"].to_list() == FLAGS


@pytest.mark.parametrize(
    "index", [[3, 3, 1, 1], [("x", 1), ("x", 1), ("y", 2), ("y", 3)], pd.date_range("2026-01-01", periods=4)]
)
def test_index_is_kept(index):
    """Results keep the index, duplicates, levels and all."""
    frame = table()
    frame.index = pd.MultiIndex.from_tuples(index) if isinstance(index, list) and isinstance(index[0], tuple) else index
    results = li.interpret_frame(frame).results
    assert results.index.equals(frame.index)
    assert flags(results) == FLAGS


def test_empty_and_missing_frames_have_all_columns():
    """A frame without rows, or with nothing but missing cells, is answered with the columns of the contract."""
    for frame in (table().iloc[:0], table().assign(test=None, value=None, unit=None)):
        answer = li.interpret_frame(frame)
        assert len(answer.results) == len(frame)
        assert "flag" in answer.results.columns
        assert len(answer.findings) == 0
        assert list(answer.pathways.columns)[:3] == ["patient_id", "panel", "finding"]


def test_duplicate_columns_are_named():
    """Two columns of one name cannot be told apart: the error names them."""
    frame = pd.concat([table(), table()[["unit"]]], axis=1)
    with pytest.raises(li.LayoutError, match="unit"):
        li.interpret_frame(frame)


def test_what_is_no_frame_is_refused():
    """A list or a text is no frame."""
    for junk in (None, [1, 2], "a.csv", {"test": ["Mg"]}):
        with pytest.raises(li.LayoutError):
            li.interpret_frame(junk)


def test_unused_categories_and_mixed_types_change_nothing():
    """Categories without rows, numbers among texts, and booleans are what the scalar face makes of them."""
    registry = pint.UnitRegistry()
    quantities = [registry.Quantity(1.1, "mg/dL"), registry.Quantity(0.8, "mmol/L"), registry.Quantity(1, "furlong")]
    values = ["1.1", 2.0, True, 1, None, b"1.1", ["1.1"], *quantities]
    frame = pd.DataFrame({"test": "magnesium", "value": pd.Series(values, dtype=object), "unit": "mg/dL", "age": 50})
    frame["test"] = frame["test"].astype(pd.CategoricalDtype(["calcium", "magnesium", "zinc"]))
    scalar = [
        li.interpret([li.LabResult("magnesium", value, "mg/dL")], li.Patient(age=50)).interpretations[0]
        for value in values
    ]
    results = li.interpret_frame(frame).results
    assert flags(results) == [item.flag for item in scalar]
    assert [None if pd.isna(p) else p for p in results["problem"].tolist()] == [item.problem for item in scalar]


def test_ten_megabytes_in_one_cell_are_refused_quietly():
    """A huge cell is no number, and no other row is lost to it."""
    frame = table()
    frame.loc[0, "value"] = "9" * 10_000_000
    frame.loc[1, "test"] = "x" * 10_000_000
    assert li.interpret_frame(frame).results["problem"].tolist()[:2] == ["not_numeric", "unknown_test"]


def test_times_with_zones_and_unreadable_ones_keep_panels_apart():
    """Equal instants are one panel whatever their zone; an unreadable time is a panel of its own."""
    frame = pd.DataFrame(
        {
            "patient_id": "a",
            "collected_at": ["2026-01-01T08:00+01:00", "2026-01-01T07:00Z", "around noon", "around one"],
            "test": ["Ca", "albumin", "Mg", "Mg"],
            "value": ["7.9", "4.1", "1.1", "1.0"],
            "unit": ["mg/dL", "g/dL", "mg/dL", "mg/dL"],
            "age": "50",
        }
    )
    findings = li.interpret_frame(frame).findings
    assert findings["finding"].tolist() == ["hypocalcemia", "hypomagnesemia", "hypomagnesemia"]
    assert findings["evidence"].tolist()[0] == "calcium=low (adjusted_by_albumin);albumin=normal"
    frame["collected_at"] = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-03"], utc=True)
    assert len(li.interpret_frame(frame).findings) == 3


@pytest.mark.parametrize(
    ("panel", "expected"),
    [("collection", "possible"), ("patient", "interrupted"), ("30D", "interrupted"), ("2D", "possible")],
)
def test_panels_see_what_they_should(panel, expected):
    """A calcium of ten days before settles the vitamin D pathway within a look-back of 30 days, not of two."""
    frame = pd.DataFrame(
        {
            "patient_id": "a",
            "collected_at": ["2026-01-01", "2026-01-01", "2026-01-11"],
            "test": ["Ca", "albumin", "25(OH)D"],
            "value": ["9.4", "4.1", "9"],
            "unit": ["mg/dL", "g/dL", "ng/mL"],
            "age": "50",
        }
    )
    assert set(li.interpret_frame(frame, panel=panel).pathways["support"]) == {expected}


def test_look_back_equals_asking_for_each_collection():
    """Each collection of a look-back is the panel of the latest earlier results, as the scalar face would see it."""
    days = ["2026-01-01", "2026-01-05", "2026-01-20", "2026-03-01"]
    frame = pd.DataFrame({
        "patient_id": "a", "collected_at": days, "test": ["Mg", "25(OH)D", "Mg", "B12"],
        "value": ["1.1", "9", "2.0", "150"], "unit": ["mg/dL", "ng/mL", "mg/dL", "pg/mL"], "age": "50",
    })  # fmt: skip
    answer = li.interpret_frame(frame, panel="30D")
    found = answer.findings.groupby("panel", observed=True)["finding"].agg(list).to_dict()
    assert found == {
        "2026-01-01": ["hypomagnesemia"],
        "2026-01-05": ["hypomagnesemia", "vitamin-d-deficiency"],
        "2026-01-20": ["vitamin-d-deficiency"],
        "2026-03-01": ["vitamin-b12-deficiency"],
    }


def test_rows_without_a_patient_are_panels_of_their_own():
    """Results of nobody are never put together."""
    frame = table().assign(patient_id=None)
    assert li.interpret_frame(frame).findings["panel"].tolist() == ["row-0", "row-1", "row-2"]


@pytest.mark.parametrize("panel", ["collection", "patient", "30D"])
@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("str", ["", "", "  ", "P1"]),
        ("category", ["", "", "  ", "P1"]),
        ("string[pyarrow]", ["", "", None, "P1"]),
        ("object", ["", "", None, "P1"]),
        ("object", [None, None, float("nan"), "P1"]),
        ("object", [None, None, pd.NA, 1]),
        ("object", [None, pd.NaT, "", dt.date(2026, 1, 1)]),
        (pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string())), ["", "", "  ", "P1"]),
        ("float", [None, None, None, 1.0]),
        ("Int64", [None, None, None, 1]),
    ],
)
def test_a_blank_patient_is_nobody(kind, names, rows, panel):
    """Rows whose patient is blank or missing, however a table says so, are panels of their own and have no previous."""
    frame = pd.DataFrame({"patient_id": pd.Series(names * rows, dtype=kind)})
    frame = frame.assign(test="magnesium", value=0.3, unit="mmol/L", age=50, collected_at="2026-01-01")
    frame.loc[1::4, "collected_at"] = "2026-01-02"
    report = li.interpret_frame(frame, panel=panel, delta=True)
    nobody = report.findings[report.findings["patient_id"].isna()]
    assert nobody["panel"].tolist() == [f"row-{i}" for i in range(len(frame)) if i % 4 != 3]
    assert len(report.findings) == len(nobody) + 1
    assert report.results["patient_id"].isna().sum() == len(nobody)
    assert report.results["previous_value"].isna().all()


@pytest.mark.parametrize("rows", [2, 40])
@pytest.mark.parametrize("when", ["-0005-01-01", "0001-01-01", "9999-12-31", "20000-01-01"])
@pytest.mark.parametrize("born", [None, "1990-01-01"])
def test_a_time_beyond_every_calendar_is_no_time(born, when, rows):
    """A collection time that no calendar of Python holds leaves the age unknown, and nothing else."""
    times = np.array([when] * rows, dtype="datetime64[s]")
    frame = pd.DataFrame(
        {"test": "magnesium", "value": 0.8, "unit": "mmol/L", "patient_id": "a", "collected_at": times}
    )
    assert li.interpret_frame(frame.assign(birth_date=born, age=50)).results["flag"].tolist() == ["N"] * rows
    if born == "1990-01-01":
        problems = li.interpret_frame(frame.assign(birth_date=born)).results["problem"]
        assert problems.tolist() == ["no_reference_range"] * rows


def test_many_ranges_at_once_judge_as_each_alone():
    """However many ranges a table holds, a value is judged by its own, on the limits and beside them."""
    rows = [
        {"test": "magnesium", "value": value, "unit": "mmol/L", "reference_low": low, "reference_high": high, "age": 50}
        for i in range(200)
        for low, high in [(f"{0.5 + i / 1000:.3f}", f"{1.5 + i / 1000:.3f}")]
        for value in (low, high, f"{float(low) - 0.001:.3f}", f"{float(high) + 0.001:.3f}", f"<{low}", f">{high}")
    ]
    found = li.interpret_frame(pd.DataFrame(rows), grading="ctcae/5.0").results
    patient = li.Patient(age=50)
    for row, (flag, level, grade) in zip(rows, found[["flag", "level", "grade"]].itertuples(index=False), strict=True):
        fields = {name: row[name] for name in ("test", "value", "unit", "reference_low", "reference_high")}
        one = li.interpret([li.LabResult(**fields)], patient, grading="ctcae/5.0").interpretations[0]
        assert (flag, level, None if pd.isna(grade) else grade) == (one.flag, one.level, one.grade), row


def test_patients_with_the_same_limits_share_one_plan():
    """Limits are compared by as many plans as there are limits, however many ages and spellings lead to them."""
    ages = [str(age) for age in range(20, 60)]
    frame = pd.DataFrame({"test": "magnesium", "value": "0.5", "unit": "mmol/L", "age": ages, "sex": ["F", "M"] * 20})
    answer = core.run(FrameColumns(frame), Options.checked())
    assert len(answer.plans.items) == 1
    assert set(answer.found.plan.tolist()) == {0}


class Counted:
    """Something in the `attrs` of a frame that counts how often it is copied."""

    copies = 0

    def __deepcopy__(self, memo):
        Counted.copies += 1
        return self


def test_what_stands_in_attrs_is_not_copied_with_every_column():
    """A frame may carry whatever it likes in its `attrs`: they stay, and cost no more with more columns."""
    frame = table()
    frame.attrs["source"] = Counted()
    Counted.copies = 0
    li.interpret_frame(frame)
    assert Counted.copies <= 2
    assert set(frame.attrs) == {"source"}


def test_frames_of_one_answer_share_their_categories():
    """Patients and panels are the same categories in findings and pathways."""
    answer = li.interpret_frame(table()[:3])
    for name in ("patient_id", "panel"):
        assert answer.findings[name].dtype == answer.pathways[name].dtype
    assert answer.results["patient_id"].cat.categories.tolist() == ["a", "b"]


def test_findings_of_few_among_very_many_patients_name_each():
    """Where a row without a patient comes before one of the last of 70,000 patients, both findings are told."""
    frame = pd.DataFrame({"patient_id": [f"p{i}" for i in range(70_000)], "test": "magnesium", "unit": "mmol/L"})
    frame["value"] = np.where(frame.index.isin([7, 60_000, 65_000]), "0.3", "0.85")
    frame.loc[60_000, "patient_id"] = None
    found = li.interpret_frame(frame, assume_adult=True).findings
    assert found["panel"].tolist() == ["patient", "row-60000", "patient"]
    assert [None if pd.isna(name) else name for name in found["patient_id"]] == ["p7", None, "p65000"]


def test_many_texts_go_from_arrow_to_arrow_as_they_are(monkeypatch):
    """Ids and times of a large part of a table come back as Arrow text without becoming Python's."""
    times = [f"20{i % 60 + 10}-01-01 0{i % 9}:{i % 50 + 10}" for i in range(3000)]
    column = pa.array(times).dictionary_encode()
    encoded = encode.Encoded.of_arrow(column)
    monkeypatch.setattr(Texts, "_all", None)
    sent = Coded(encoded.codes, encoded.distinct[1:], kept=False)
    assert arrow.to_array(sent, arrow.TEXT).to_pylist() == times
    some = encoded.named(np.array([3, 1]))
    assert arrow.to_array(Coded.of(np.array([1, 0]), some), arrow.TEXT).to_pylist() == [times[0], times[2]]
    assert encoded.distinct[0] is None
    assert len(encoded.distinct) == 1 + len(set(times))


def test_plans_of_small_tables_are_made_once(monkeypatch):
    """A small table like one before it is compared by the same plans, and only some of them are remembered."""
    monkeypatch.setattr(core, "_TABLES", {})
    monkeypatch.setattr(core, "_MOST_TABLES", 3)
    options = Options.checked()
    first, again = (core.run(FrameColumns(table()), options) for _ in range(2))
    assert first.plans is again.plans
    for rows in (table()[:1], table()[1:2], table()[2:3], table()[1:3]):
        assert flags(li.interpret_frame(rows).results) == ["L"] * len(rows)
    assert len(core._TABLES) <= 3


def test_columns_of_numbers_become_arrow_without_a_copy():
    """What is missing in a column of the answer is null in Arrow, and numbers are shared, not copied."""
    numbers = np.array([1.5, np.nan, -0.0] * 5)
    array = arrow.to_array(numbers, pa.float64())
    assert array.equals(pa.array(numbers, from_pandas=True))
    assert array.buffers()[1].address == numbers.ctypes.data
    assert arrow.to_array(numbers[::3], pa.float64()).to_pylist() == [1.5] * 5
    codes = Coded(np.array([2, 0, 1] * 5, np.uint8), ["a", "b"])
    assert arrow.to_array(codes, arrow.TEXT).to_pylist() == ["b", None, "a"] * 5
    grades = np.array([3, -1, 0] * 5, np.int8)
    assert arrow.to_array(Whole(grades, grades < 0), pa.int8()).to_pylist() == [3, None, 0] * 5


def test_a_plan_of_any_depth_is_searched():
    """A range with more bands than a byte can count is searched to its end."""
    points = [i / 100 for i in range(1, 201)]
    outcomes = tuple(Outcome("L", "low", f"band {i}") for i in range(401))
    plan = Plan(tuple(points), tuple(points), outcomes, outcomes, outcomes, None, None, "deep")
    values = np.array([point + step for point in points for step in (-0.005, 0.0, 0.005)])
    at = Plans([plan]).locate(np.zeros(len(values), np.intp), values, np.zeros(len(values), np.uint8))
    assert at.tolist() == [outcomes.index(plan.locate(value)) for value in values]


def test_long_texts_are_not_remembered():
    """What was sent is kept only as far as it can be a number or a time."""
    caches = (encode._read_text, times._read_text)
    before = [cache.cache_info().currsize for cache in caches]
    long = [f"{'see comment ' * 9}{i}" for i in range(50)]
    frame = pd.DataFrame({"test": "magnesium", "value": long, "unit": "mmol/L", "collected_at": long})
    assert set(li.interpret_frame(frame).results["problem"]) == {"not_numeric"}
    assert [cache.cache_info().currsize for cache in caches] == before


def test_half_a_character_is_no_number():
    """A text that cannot be written is not numeric, alone or among thousands of numbers."""
    values = pd.Series(["\ud8001", *(f"{i / 5000:.4f}" for i in range(2000))], dtype=object)
    frame = pd.DataFrame({"test": "magnesium", "value": values, "unit": "mmol/L", "age": 50})
    assert li.interpret_frame(frame).results["problem"].astype(object).tolist()[:1] == ["not_numeric"]
    assert li.interpret_frame(frame[:1]).results["problem"].astype(object).tolist() == ["not_numeric"]


@pytest.mark.parametrize("repeats", [1, 3])
def test_many_distinct_values_are_read_as_few_are(repeats):
    """Columns of thousands of distinct texts, hardly or often repeated, are read text by text as the scalar face does."""
    texts = [f"{number / 1000:.3f}" for number in range(1000, 4000)]
    dirty = ["<8", "1,5", "1,234", "QNS", "007", "1.", ".5", "1e0", "2.5 mg/dL", "１．８", "", "0", "00.5", "1" * 30]
    values = (texts + dirty) * repeats
    frame = pd.DataFrame({"test": "magnesium", "value": values, "unit": "mg/dL", "age": 50})
    for decimal in (None, ",", "."):
        results = li.interpret_frame(frame, decimal=decimal).results
        for i in [0, 1, 2999, *range(3000, 3000 + len(dirty))]:
            item = li.interpret(
                [li.LabResult("magnesium", values[i], "mg/dL")], li.Patient(age=50), decimal=decimal
            ).interpretations[0]
            row = results.iloc[i]
            assert (None if pd.isna(row["flag"]) else row["flag"]) == item.flag, values[i]
            assert (None if pd.isna(row["problem"]) else row["problem"]) == item.problem, values[i]
            assert row["value"] == item.value or (pd.isna(row["value"]) and item.value is None), values[i]
            assert row["notes"] == ";".join(item.notes), values[i]
