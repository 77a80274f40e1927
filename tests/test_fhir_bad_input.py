import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labinterp import json_text
from labinterp.errors import InputError, LabInterpError
from labinterp.messages import fhir

DATA = Path(__file__).parents[1] / "examples" / "data" / "fhir"
BUNDLE = json.loads((DATA / "bundle.json").read_text("utf-8"))
SECRET = "31415926"  # noqa: S105 - stands for a value of a patient
OBSERVATION = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "Magnesium"},
    "valueQuantity": {"value": 1.4, "unit": "mg/dL"},
}


def nested(depth, inner="1"):
    return '{"a":' * depth + inner + "}" * depth


def circle():
    made = {**OBSERVATION}
    made["contained"] = [made]
    return made


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("", "line 1"),
        ("nonsense", "line 1, column 1"),
        ('{"resourceType": "Observation",', "line 1"),
        ("<Observation/>", "line 1"),
        (b"\xff\xfe{", "byte 0"),
        (json.dumps(OBSERVATION).replace("Magnesium", "Magn\u00e9sium\u20ac").encode("cp1252"), "byte"),
        ('{"resourceType": "Observation", "value": NaN}', "character 41"),
        ('{"text": "NaN", "value": -Infinity}', "character 25"),
        ("results/bundle.json", "pathlib.Path"),
        ('{"resourceType": "Observation", "status": "final", "status": "final"}', "a key twice"),
        (nested(10_000), "character"),
        (nested(100), "/*/*"),
        ("[" * 10_000, "character"),
        ({"resourceType": "Patient"}, "at /"),
        ({"resourceType": "Bundle", "entry": {}}, "/entry"),
        ({"resourceType": "Bundle", "entry": [{"resource": [1]}]}, "/entry/0/resource"),
        ({"resourceType": "Bundle", "entry": [{"resource": {"id": "x"}}]}, "/entry/0/resource"),
        ({**OBSERVATION, "valueQuantity": SECRET}, "/valueQuantity"),
        ({**OBSERVATION, "valueQuantity": {"value": {}}}, "/valueQuantity/value"),
        ({**OBSERVATION, "code": [SECRET]}, "/code"),
        ({**OBSERVATION, "component": {"code": SECRET}}, "/component"),
        ({**OBSERVATION, "subject": {"reference": 7}}, "/subject/reference"),
        ({}, "at /"),
        ([], None),
        ([7], "/0"),
        (7, "at /"),
        (None, "at /"),
        (circle(), "/*/0/*/0"),
        (json.dumps(OBSERVATION) + "\n" + json.dumps(OBSERVATION) + "\n" + '{"resourceType"', "line 3"),
        (json.dumps(OBSERVATION) + "\n" + json.dumps({**OBSERVATION, "code": 7}), "line 2: /code"),
    ],
)
def test_unreadable_document_is_refused_with_its_place(source, place):
    """What cannot be read raises an InputError that names the place and shows no value."""
    if place is None:
        assert fhir.to_frame(source).empty
        return
    with pytest.raises(InputError) as caught:
        fhir.to_frame(source)
    assert place in str(caught.value)
    assert SECRET not in str(caught.value)


def test_large_document_is_refused_before_it_is_read():
    """A document above the limit is refused, and the limit can be set."""
    with pytest.raises(InputError, match="larger than 10 bytes"):
        fhir.to_frame(json.dumps(OBSERVATION), max_bytes=10)
    with pytest.raises(InputError, match="larger than 10 bytes"):
        fhir.interpret_fhir(DATA / "bundle.json", max_bytes=10)


def test_wide_and_shared_structures_are_checked_in_linear_time():
    """Python objects that share their parts do not make the check of the depth explode."""
    shared = [1]
    for _ in range(40):
        shared = [shared, shared, shared]
    json_text.check_depth(shared)


def test_decimal_comma_is_refused():
    """FHIR numbers have a decimal point, so asking for a comma is a mistake."""
    with pytest.raises(InputError, match="decimal point"):
        fhir.interpret_fhir(OBSERVATION, decimal=",")


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from places(child, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


PLACES = [path for path in places(BUNDLE) if path]
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just([]), st.just({}),
    st.just([[]]), st.just({"reference": "#"}), st.sampled_from([SECRET, "\ud800", "Observation", "entered-in-error"]),
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=3))
def test_damaged_bundle_is_read_or_refused(changes):
    """A Bundle with anything anywhere is read or refused; nothing else is raised and no value is shown."""
    source = BUNDLE
    for path, new in changes:
        try:
            source = replaced(source, path, new)
        except (KeyError, IndexError, TypeError):
            continue
    try:
        fhir.interpret_fhir(source)
    except LabInterpError as error:
        assert SECRET not in str(error)  # noqa: PT017 - the error is optional here


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 3000), st.binary(max_size=3))
def test_damaged_text_is_read_or_refused(at, junk):
    """JSON that is cut or overwritten anywhere is read or refused."""
    data = (DATA / "bundle.json").read_bytes()
    for source in (data[:at], data[:at] + junk + data[at + len(junk) :]):
        try:
            fhir.to_frame(source)
        except LabInterpError:
            continue
