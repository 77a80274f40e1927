import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.schema import CHOICES, report_schema, text_of

FOLDER = Path(__file__).parents[1] / "docs" / "schema"
PANELS = Path(__file__).parents[1] / "examples" / "data" / "panels.csv"
VALIDATOR = jsonschema.Draft202012Validator(report_schema(), format_checker=jsonschema.FormatChecker())
TESTS = ["magnesium", "17861-6", "albumin", "25OHD", "vitamin b12", "homocysteine", "nonsense", "methylmalonic_acid"]
RESULTS = st.builds(
    li.LabResult,
    st.sampled_from(TESTS),
    st.one_of(st.floats(), st.integers(-5, 5000), st.text(max_size=8), st.none(), st.decimals(allow_nan=False)),
    st.sampled_from(["mg/dL", "mmol/L", "nmol/L", "g/dL", "pg/mL", "", None, "mEq/L", "junk"]),
    reference_low=st.one_of(st.none(), st.floats(0, 10)),
    reference_high=st.one_of(st.none(), st.floats(0, 10)),
)


def test_schema_is_a_schema():
    """The schema of the report is valid JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(report_schema())


def test_committed_schema_is_that_of_the_classes():
    """The file under `docs/schema` is what the classes give; `tools/write_schemas.py` writes it anew."""
    assert (FOLDER / "report.schema.json").read_text("utf-8") == text_of(report_schema())


@settings(max_examples=60)
@given(
    results=st.lists(RESULTS, max_size=6),
    age=st.one_of(st.none(), st.integers(0, 120)),
    sex=st.sampled_from([None, "female", "male"]),
    grading=st.sampled_from([None, "ctcae/5.0"]),
    symptoms=st.lists(st.sampled_from(["cramps", "tingling"]), max_size=2),
)
def test_every_report_follows_the_schema(results, age, sex, grading, symptoms):
    """Whatever goes in, what `to_dict` gives follows the schema."""
    told = li.Presentation(symptoms=symptoms, course="persistent") if symptoms else None
    report = li.interpret(results, li.Patient(age=age, sex=sex), grading=grading, presentation=told)
    VALIDATOR.validate(json.loads(report.to_json()))


def test_example_panels_follow_the_schema():
    """Reports of the example panels, which show every finding and problem, follow the schema."""
    table = li.read(PANELS)
    for _, rows in table.groupby("patient_id"):
        results = [li.LabResult(row.test, row.value, row.unit) for row in rows.itertuples()]
        VALIDATOR.validate(li.interpret(results, assume_adult=True).to_dict())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("interpretations", 0, "flag"), "LOW"),
        (("interpretations", 0, "value"), "1.1"),
        (("findings", 0, "status"), "certain"),
        (("findings", 0, "pathways", 0, "steps", 0, "citations"), []),
        (("schema",), "other"),
        (("extra",), 1),
    ],
)
def test_schema_refuses_what_no_report_holds(place, value):
    """A changed report with a foreign flag, a text for a number, a step without citation or a new key is refused."""
    data = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=50)).to_dict()
    inside = data
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    assert not VALIDATOR.is_valid(data)


def test_closed_lists_name_fields_that_exist():
    """Every closed list of the schema belongs to a field of a class."""
    for name, field in CHOICES:
        cls = getattr(li.model, name)
        assert field in {each.name for each in cls.__attrs_attrs__}
