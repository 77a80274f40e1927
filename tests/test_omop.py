"""OMOP out: rows of the CDM that read back to the same answer, and no concept id that is not known."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import labinterp as li
from labinterp._data import knowledge
from labinterp.documents import read
from labinterp.errors import InputError
from labinterp.messages import omop
from labinterp.messages.omop import to_omop
from labinterp.tables.layouts import to_labinterp

DATA = Path(__file__).parents[1] / "examples" / "data"
PERSON = ("age", "sex", "birth_date", "pregnancy")
SOURCES = [DATA / "panels.csv", *sorted(DATA.glob("layouts/*.csv"))]
CANNOT_BE_SAID = {
    "unsuitable_specimen": {"unknown_test", "missing_value"},
    "unknown_unit": {"unknown_unit", "missing_unit"},  # two units that disagree
}


def read_back(measurement, table, *, through_text):
    """Interpret written rows through the layout `omop`, with what is known of the patients beside them."""
    people = {name: table[name].array for name in PERSON if name in table}
    rows = measurement.assign(**people)
    if through_text:
        rows = pd.read_csv(io.StringIO(rows.to_csv(index=False)), dtype=str, keep_default_na=False, na_values=[""])
    return li.interpret_frame(rows, layout="omop", columns={name: name for name in people}).results


def texts(column):
    return column.astype(object).where(column.notna(), None).tolist()


@pytest.mark.parametrize("unit", omop.UNITS)
@pytest.mark.parametrize("through_text", [False, True], ids=["frame", "csv"])
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_written_rows_read_back_to_the_same_flags(path, unit, through_text):
    """Every flag and problem comes back; in the canonical unit a result between twin limits alone may differ."""
    table = read(path)
    answer = li.interpret_frame(table)
    measurement = to_omop(answer, table, unit=unit).measurement
    again = read_back(measurement, table, through_text=through_text)
    problems = texts(answer.results["problem"])
    pairs = zip(texts(answer.results["flag"]), texts(again["flag"]), problems, texts(again["problem"]), strict=True)
    for i, (flag, second, problem, new_problem) in enumerate(pairs):
        near = "near_limit" in (texts(answer.results["notes"])[i] or "")
        if unit == "canonical" and near:
            assert second is not None
            continue
        assert second == flag, i
        assert new_problem in CANNOT_BE_SAID.get(problem, {problem}), i
    known = answer.results["value"].notna()
    np.testing.assert_allclose(again["value"][known.to_numpy()], answer.results["value"][known], rtol=1e-9)


def test_columns_are_those_of_the_cdm():
    """Each table has every column of OMOP CDM 5.4, and no column that must be filled is empty for a dated patient."""
    frame = pd.DataFrame(
        {"patient_id": [7, 7], "test": ["Mg", "Ca"], "value": ["1.1", "9"], "unit": "mg/dL", "age": 54}
    ).assign(collected_at="2026-01-10T07:30:00+01:00")
    tables = to_omop(li.interpret_frame(frame), frame, type_concept_id=32856, first_id=100)
    for rows, names in zip(
        (tables.measurement, tables.observation, tables.note),
        (omop.MEASUREMENT, omop.OBSERVATION, omop.NOTE),
        strict=True,
    ):
        assert tuple(rows.columns) == names
        needed = [name for name in names if name.endswith(("_concept_id", "_date")) and "event" not in name]
        assert rows[[names[0], "person_id", *needed]].notna().all(axis=None)
        assert rows["person_id"].unique().tolist() == [7]
        assert rows.iloc[0][names[0]] == 100
        assert set(rows.filter(like="type_concept_id").iloc[0]) == {32856}
    row = tables.measurement.iloc[0]
    assert (row["measurement_date"], row["measurement_datetime"]) == ("2026-01-10", "2026-01-10 07:30:00")
    assert repr(tables) == "OmopTables(measurement=<2 rows>, observation=<1 rows>, note=<1 rows>)"


def test_no_concept_id_is_invented():
    """Every concept id but 0 is one that the data files list; a unit or test without one has 0 and its text."""
    table = read(DATA / "panels.csv")
    tables = to_omop(li.interpret_frame(table), table)
    maps = knowledge("layouts.toml")["maps"]
    listed = {0, *(int(key) for key in knowledge("analytes.toml")["codes"]["omop"])}
    listed |= {int(key) for name in ("omop_units", "omop_operators") for key in maps[name] if key != "*"}
    for rows in (tables.measurement, tables.observation, tables.note):
        for name in rows.filter(like="concept_id"):
            assert set(rows[name].dropna().astype(int)) <= listed
    b12 = tables.measurement[tables.measurement["unit_source_value"] == "pmol/L"]
    assert set(b12["unit_concept_id"]) == {8729}
    assert (tables.observation.filter(like="concept_id").drop(columns="obs_event_field_concept_id") == 0).all(axis=None)


def test_concepts_stand_in_one_data_file():
    """A concept id means the LOINC code that `analytes.toml` says, and no other file says it again."""
    assert not {"omop_loinc", "mimic_loinc"} & set(knowledge("layouts.toml")["maps"])
    table = pd.DataFrame(
        {"person_id": 1, "measurement_concept_id": [3016723], "value_as_number": 0.9, "unit_concept_id": 8840}
    )
    assert to_labinterp(table)["loinc"].tolist() == ["2160-0"]


@pytest.mark.parametrize("spelled", ["meq/L", "10*-3.eq/L", "{a code of another vocabulary}"])
def test_a_concept_table_beside_never_makes_a_unit_worse(spelled):
    """A unit concept that is known stays so when CONCEPT lies beside, however its code is spelled there."""
    row = {"person_id": 1, "measurement_concept_id": 3012095, "value_as_number": 1.5, "unit_concept_id": 9557}
    concept = pd.DataFrame({"concept_id": [9557], "concept_name": ["milliequivalent per liter"],
                            "vocabulary_id": ["UCUM"], "concept_code": [spelled]})  # fmt: skip
    results = li.interpret_frame(li.read(pd.DataFrame([row]), concept=concept), assume_adult=True).results
    assert (results.loc[0, "value"], results.loc[0, "flag"]) == (0.75, "N")


@pytest.mark.parametrize(
    ("concept", "problem"), [(8840, None), (0, "missing_unit"), (None, "missing_unit"), (8645, "unknown_unit")]
)
def test_a_unit_concept_that_is_not_known_is_no_missing_unit(concept, problem):
    """Nothing and 0 leave the unit to the caller; a concept of another unit is never overruled by a default."""
    row = {"person_id": 1, "measurement_concept_id": 3001420, "value_as_number": 2.0, "unit_concept_id": concept}
    table = li.read(pd.DataFrame([row], dtype="object"))
    given = {"default_units": {"magnesium": "mg/dL"}, "assume_adult": True}
    found = li.interpret_frame(table, assume_adult=True).results.loc[0, "problem"]
    assert (None if pd.isna(found) else found) == problem
    settled = li.interpret_frame(table, **given).results.loc[0, "flag"]
    assert (settled == "N") is (problem != "unknown_unit")


def test_the_code_fits_the_unit_written():
    """A mass code never stands beside a molar value, and what a code says beyond its analyte is kept or left out."""
    frame = pd.DataFrame(
        {
            "test": ["Ca", "1989-3", "25OHD", "Mg", "albumin"],
            "value": "8",
            "unit": ["mg/dL", "ng/mL", "ng/mL", "mmol/L", "g/dL"],
            "loinc": ["17861-6", None, None, "19123-9", None],
            "age": 50,
        }
    )
    answer = li.interpret_frame(frame)
    canonical = to_omop(answer, frame).measurement
    assert canonical["measurement_concept_id"].tolist() == [3015377, 0, 40771025, 3012095, 3024561]
    reported = to_omop(answer, frame, unit="reported").measurement
    assert reported["measurement_concept_id"].tolist() == [3006906, 3020149, 40765040, 3012095, 3024561]
    assert reported["unit_concept_id"].tolist() == [8840, 8842, 8842, 8753, 8713]
    assert reported["value_as_number"].iloc[0] == 8
    assert reported["value_source_value"].iloc[0] == "8 mg/dL"
    assert canonical["measurement_source_value"].iloc[:2].tolist() == ["17861-6 Ca", "1989-3"]


def test_only_a_range_that_came_is_written():
    """The range of an edition is not the laboratory's, so that the columns stay empty."""
    frame = pd.DataFrame(
        {"test": "Mg", "value": ["1.2", "1.2"], "unit": "mg/dL", "reference_low": [None, "1.7"], "age": 50}
    )
    rows = to_omop(li.interpret_frame(frame), frame, unit="reported").measurement
    assert rows["range_low"].isna().tolist() == [True, False]
    assert rows["range_low"].iloc[1] == pytest.approx(1.7)


@pytest.mark.parametrize("specimen", ["urine", "CSF", "red cells", "saliva", "an unknown fluid"])
@pytest.mark.parametrize("test", ["magnesium", "19123-9", "Magnesium"])
def test_an_unsuitable_specimen_never_becomes_serum(test, specimen):
    """The table has no column for the specimen; what was measured elsewhere reads back without a flag."""
    frame = pd.DataFrame({"test": [test], "value": "2.0", "unit": "mg/dL", "specimen": specimen, "age": 50})
    answer = li.interpret_frame(frame)
    assert answer.results["problem"].tolist() == ["unsuitable_specimen"]
    rows = to_omop(answer, frame).measurement
    assert rows["measurement_concept_id"].tolist() == [0]
    assert texts(read_back(rows.assign(person_id=1), frame, through_text=True)["flag"]) == [None]


def test_a_refused_code_stays_refused():
    """A code that names another quantity goes along with a harmless name."""
    frame = pd.DataFrame({"test": ["Vitamin D"], "loinc": "62290-2", "value": "9", "unit": "ng/mL", "age": 50})
    rows = to_omop(li.interpret_frame(frame), frame).measurement
    assert rows["measurement_source_value"].tolist() == ["62290-2 Vitamin D"]
    assert texts(read_back(rows, frame, through_text=False)["problem"]) == ["unknown_test"]


@pytest.mark.parametrize("panel", ["collection", "patient", "30D"])
def test_findings_have_an_observation_and_a_note(panel):
    """Finding, status and severity are in OBSERVATION; explanation, pathways and what a finding is not, in NOTE."""
    table = read(DATA / "panels.csv")
    answer = li.interpret_frame(table, panel=panel)
    tables = to_omop(answer, table)
    found = tables.observation
    assert len(found) == len(tables.note) == len(answer.findings)
    assert texts(found["observation_source_value"]) == texts(answer.findings["finding"])
    assert texts(found["person_id"]) == texts(answer.findings["patient_id"])
    for name, length in (("value_as_string", 60), ("observation_source_value", 50), ("qualifier_source_value", 50)):
        assert found[name].astype(str).str.len().max() <= length
    dated = answer.results["collected_at"].notna().all()
    assert not dated or found["observation_date"].notna().all()
    assert tables.note["note_text"].str.contains("A finding is no diagnosis").all()
    paths = answer.pathways.merge(
        tables.note.assign(finding=texts(answer.findings["finding"]), panel=texts(answer.findings["panel"])),
        left_on=["patient_id", "panel", "finding"],
        right_on=["person_id", "panel", "finding"],
    )
    assert all(row.explanation in row.note_text for row in paths.itertuples())


def test_no_rows_give_no_rows():
    """An empty table gives three empty tables with all their columns."""
    frame = pd.DataFrame({"test": [], "value": [], "unit": []})
    tables = to_omop(li.interpret_frame(frame), frame)
    assert (len(tables.measurement), len(tables.observation), len(tables.note)) == (0, 0, 0)
    assert tuple(tables.note.columns) == omop.NOTE


def test_what_does_not_belong_together_is_refused():
    """Another table, another kind of frame and a misspelled choice are errors with a hint."""
    frame = pd.DataFrame({"test": ["Mg"], "value": ["1"], "unit": "mg/dL"})
    answer = li.interpret_frame(frame)
    with pytest.raises(InputError, match="not made from this table"):
        to_omop(answer, pd.concat([frame, frame]))
    with pytest.raises(InputError, match="`unit` is not one of its values"):
        to_omop(answer, frame, unit="mg/dL")
    with pytest.raises(InputError, match="pandas"):
        to_omop(answer, frame.to_dict("list"))
