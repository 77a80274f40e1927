"""The number line of a result."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labinterp.codes import LEVELS
from labinterp.report.svg import WIDTH, BarBand, number_line, segments_of

NUMBERS = st.floats(min_value=0, max_value=1e6, allow_nan=False)
NAMESPACE = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - made here


def texts(svg: str, kind: str) -> list[str]:
    return [item.text or "" for item in parse(svg).iter(f"{NAMESPACE}text") if item.get("class") == kind]


def marker_x(svg: str) -> float:
    return float(re.search(r'class="needle" d="M([\d.]+) ', svg)[1])


def band_x(svg: str, level: str) -> tuple[float, float]:
    rect = next(item for item in parse(svg).iter(f"{NAMESPACE}rect") if item.get("class") == f"band {level}")
    return float(rect.get("x")), float(rect.get("x")) + float(rect.get("width"))


def test_bands_carry_their_names_and_limits_their_numbers():
    """Low, normal and high are written on the line, and the limits under it: nothing depends on color."""
    svg = number_line(0.45, "mmol/L", segments_of(0.66, 1.07))
    assert texts(svg, "name") == ["low", "normal", "high"]
    assert texts(svg, "limit") == ["0.66", "1.07"]
    assert texts(svg, "value") == ["0.45 mmol/L"]


def test_drawing_can_be_read_aloud():
    """The drawing is one image with a label, and the label is its title as well."""
    root = parse(number_line(1, "g/L", segments_of(2, 3), label='Albumin "A" <low>'))
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'Albumin "A" <low>' == root.find(f"{NAMESPACE}title").text


@given(NUMBERS, NUMBERS, NUMBERS)
@settings(max_examples=100)
def test_marker_stands_in_the_band_that_holds_the_value(value, one, other):
    """However wide or narrow the bands, the marker is on the side of each limit on which the value is."""
    low, high = sorted((one, other))
    if not low < high:
        return
    svg = number_line(value, "mmol/L", segments_of(low, high))
    start, end = band_x(svg, "normal")
    x = marker_x(svg)
    assert 0 < x < WIDTH
    if value < low:
        assert x <= start + 0.1
    elif value > high:
        assert x >= end - 0.1
    else:
        assert start - 0.1 <= x <= end + 0.1


@pytest.mark.parametrize(("comparator", "way"), [("<", -1), ("<=", -1), (">", 1), (">=", 1)])
def test_censored_value_points_to_what_it_can_stand_for(comparator, way):
    """A value below or above a limit of measurement has an arrow to that side; its end is filled where included."""
    svg = number_line(8, "mg/dL", segments_of(8.6, 10.2), comparator=comparator)
    tip = float(re.search(r'class="arrow" d="M([\d.]+) 28H([\d.]+)', svg)[2])
    assert (tip - marker_x(svg)) * way > 0
    assert ('r="4" fill="currentColor"' in svg) == comparator.endswith("=")
    assert 'class="marker"' not in svg


def test_value_far_outside_is_put_on_the_border_and_says_so():
    """A value beyond the drawing is marked as such, and its number is still written."""
    assert texts(number_line(900, "umol/L", segments_of(5, 15)), "value") == ["→ 900 umol/L"]
    assert texts(number_line(-900, "umol/L", segments_of(5, 15)), "value") == ["← -900 umol/L"]


@given(st.lists(NUMBERS, min_size=1, max_size=6, unique=True), NUMBERS, st.sampled_from(LEVELS))
@settings(max_examples=100)
def test_any_bands_make_a_wellformed_drawing(limits, value, level):
    """Any number of bands at any distance gives well-formed SVG without coordinates outside of it."""
    limits = sorted(limits)
    ends = [None, *limits, None]
    svg = number_line(value, "nmol/L", [BarBand(low, high, level) for low, high in pairwise(ends)])
    for rect in parse(svg).iter(f"{NAMESPACE}rect"):
        assert 0 <= float(rect.get("x")) <= WIDTH
        assert 0 <= float(rect.get("width")) <= WIDTH
    assert "nan" not in svg
    assert "inf" not in svg


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nothing_is_drawn_of_what_is_no_number(value):
    """No line is drawn where there is no number, and none where there is no limit."""
    assert number_line(value, "g/L", segments_of(1, 2)) == ""
    assert number_line(1, "g/L", segments_of(None, None)) == ""
