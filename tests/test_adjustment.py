"""Total calcium adjusted by albumin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import labinterp as li


@pytest.mark.parametrize(
    ("calcium", "unit", "albumin", "albumin_unit", "adjusted"),
    [
        (2.05, "mmol/L", 30, "g/L", 2.25),
        (8.0, "mg/dL", 3.0, "g/dL", 8.8),
        (8.0, "mg/dL", 30, "g/L", 8.8),
        (4.1, "meq/L", 30, "g/L", 4.5),
        ("2,05", "mmol/L", "3,0", "g/dL", 2.25),
    ],
)
def test_conventional_formulas(calcium, unit, albumin, albumin_unit, adjusted):
    """0.02 mmol/L per g/L around 40 g/L, and 0.8 mg/dL per g/dL around 4.0 g/dL."""
    assert li.adjusted_calcium(calcium, unit, albumin, albumin_unit) == pytest.approx(adjusted, rel=1e-12)


def test_slope_and_base_can_be_set():
    """A laboratory's own equation has its own slope, in the convention of its unit, and its own base."""
    assert li.adjusted_calcium(2.05, "mmol/L", 30, "g/L", slope=0.025) == pytest.approx(2.30)
    assert li.adjusted_calcium(2.05, "mmol/L", 30, "g/L", reference_albumin=42) == pytest.approx(2.29)
    assert li.adjusted_calcium(8.0, "mg/dL", 3.0, "g/dL", slope=1.0) == pytest.approx(9.0)


def test_conventions_of_the_two_unit_systems_differ_in_the_third_decimal():
    """0.8 mg/dL per g/dL is 0.01996 mmol/L per g/L, not 0.02: each result is adjusted in its own unit system."""
    molar = li.adjusted_calcium(2.0, "mmol/L", 20, "g/L")
    mass = li.adjusted_calcium(2.0 * 4.0078, "mg/dL", 20, "g/L") / 4.0078
    assert 0.0005 < molar - mass < 0.001


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("<2", "mmol/L", 30, "g/L"), li.ValueParseError),
        ((None, "mmol/L", 30, "g/L"), li.ValueParseError),
        ((2.0, "furlongs", 30, "g/L"), li.UnknownUnitError),
        ((2.0, "mmol/L", 30, "mmol/L"), li.IncompatibleUnitError),
        ((2.0, "mg/dL", 30, "g/L"), li.LabInterpError),
        ((2.0, "mmol/L", 4.0, "g/L"), li.LabInterpError),
    ],
)
def test_what_cannot_be_adjusted_is_refused(arguments, error):
    """A censored, missing or impossible value and a wrong unit are errors, without the value in the text."""
    with pytest.raises(error) as caught:
        li.adjusted_calcium(*arguments)
    assert "2.0" not in str(caught.value)


@given(st.floats(1.0, 4.0), st.floats(10, 60), st.floats(10, 60))
def test_less_albumin_never_lowers_adjusted_calcium(calcium, one, other):
    """Adjusted calcium falls as albumin rises, and equals total calcium at the base."""
    low, high = sorted((one, other))
    adjusted = [li.adjusted_calcium(calcium, "mmol/L", albumin, "g/L") for albumin in (low, high)]
    assert adjusted[0] >= adjusted[1]
    assert li.adjusted_calcium(calcium, "mmol/L", 40, "g/L") == pytest.approx(calcium, rel=1e-11)


def test_an_adjustment_that_no_number_holds_is_refused():
    """A slope and a base whose product is no number are refused, not answered with infinity."""
    with pytest.raises(li.LabInterpError):
        li.adjusted_calcium(2.05, "mmol/L", 30, "g/L", slope=1e300, reference_albumin=1e300)
