import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import labinterp as li
from labinterp.json_writing import Writer
from labinterp.kept import Kept

INDENTS = st.sampled_from([None, 0, 1, 2, 4])
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda items: st.one_of(st.lists(items, max_size=4), st.dictionaries(st.text(max_size=6), items, max_size=4)),
    max_leaves=20,
)
PANEL = [
    li.LabResult("magnesium", 1.1, "mg/dL", id='a "quoted" id\u2028'),
    li.LabResult("calcium", "7,9", "mg/dL", collected_at="2026-03-04"),
    li.LabResult("vitamin_d", 9, "ng/mL"),
    li.LabResult("nonsense", float("inf"), "☃"),
]


@attrs.frozen
class Pair:
    first: object
    second: object = None


@attrs.frozen
class Alone:
    only: object


@given(JSON, INDENTS)
def test_text_is_that_of_json(value, indent):
    """A value is written as `json.dumps` writes it, at every indentation."""
    assert Writer(indent, str).text(value) == json.dumps(value, ensure_ascii=False, indent=indent)


@pytest.mark.parametrize("indent", [None, 0, 2, 16])
def test_report_is_the_text_of_its_data(indent):
    """The JSON of a report is that of its data, whatever the indentation, the first time and from kept parts."""
    report = li.interpret(PANEL, li.Patient(age=54), presentation=li.Presentation(("fasciculation",)))
    expected = json.dumps(report.to_dict(), ensure_ascii=False, indent=indent)
    assert [report.to_json(indent=indent), report.to_json(indent=indent)] == [expected, expected]


def test_kept_texts_are_never_those_of_another_object():
    """Objects of a shared class that come and go, more than are kept, are each written as what they are."""
    writer = Writer(None, str, shared=[Alone])
    assert all(writer.text([Alone(i)]) == f'[{{"only": {i}}}]' for i in range(10_000))


def test_what_is_kept_is_made_once_until_too_much_is_kept():
    """An answer is made once for an object and what stands beside it, and anew after all were forgotten."""
    asked = []
    kept = Kept(lambda item, beside: asked.append((item[0], beside)), 2)
    one, other = ["one"], ["other"]
    for item, beside in ((one, 1), (one, 1), (one, 2), (other, 1), (one, 1)):
        kept(item, beside)
    assert asked == [("one", 1), ("one", 2), ("other", 1), ("one", 1)]


def test_kept_text_stands_at_its_depth():
    """A shared object is indented by where it lies, each time."""
    writer, shared = Writer(2, str, shared=[Pair]), Pair(1)
    data = {"first": 1, "second": None}
    for value, plain in ([shared, [shared]], [data, [data]]), (shared, data), ([shared, [shared]], [data, [data]]):
        assert writer.text(value) == json.dumps(plain, indent=2)


def test_what_is_no_json_is_made_plain_or_refused():
    """A foreign value is written as it is made plain; what stays foreign is refused, as is a number without end."""
    assert Writer(None, str).text(Pair(1j)) == '{"first": "1j", "second": null}'
    with pytest.raises(TypeError, match="complex is not JSON"):
        Writer(None, lambda value: value).text(1j)
    with pytest.raises(ValueError, match="not finite"):
        Writer(None, str).text([float("inf")])
