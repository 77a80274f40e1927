import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.reading.reported_range import UNUSABLE, ends_of_text, read


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("8.5-10.5", 8.5, 10.5),
        (" 8.5 - 10.5 ", 8.5, 10.5),
        ("8,5 – 10,5", 8.5, 10.5),
        ("8.5 to 10.5", 8.5, 10.5),
        ("[8.5-10.5]", 8.5, 10.5),
        ("(8.5-10.5)", 8.5, 10.5),
        ("8.5 mg/dL - 10.5 mg/dL", 8.5, 10.5),
        ("Reference range: 8.5-10.5", 8.5, 10.5),
        (">=30", 30.0, None),
        ("≥ 30", 30.0, None),
        ("<= 15", None, 15.0),
        ("up to 15", None, 15.0),
        ("<15", None, "<15.0"),
        ("less than 15", None, "<15.0"),
        ("> 30", ">30.0", None),
    ],
)
def test_usual_spellings_are_read(text, low, high):
    """The usual spellings of a range are read; an end that is printed with < or > stays outside the range."""
    found = read(text)
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(
    "text",
    [
        "see comment",
        "5",
        "male 4-6, female 3-5",
        "1,000-2,000",
        "8.5-10.5-12",
        "10-",
        "-",
        "--5",
        "a-b",
        "9" * 90,
    ],
)
def test_doubtful_ranges_are_not_read(text):
    """A text that is no range, or that can be read in two ways, gives no range."""
    assert read(text) is None


def test_decimal_sign_settles_a_range_with_commas():
    """A range with commas that could be either sign is read once the decimal sign is known."""
    assert read("1,000-2,000", ".").low == 1000.0
    assert read("1,000-2,000", ",").low == 1.0


def test_range_in_another_unit_is_unusable():
    """A range in another unit than its result is never compared with it."""
    assert ends_of_text("8.5-10.5 MG/DL", "mg/dL") == (8.5, 10.5)
    assert ends_of_text("2.1-2.6 mmol/L", "mg/dL") == (UNUSABLE, None)
    assert ends_of_text("see comment", "mg/dL") == (UNUSABLE, None)


@pytest.mark.parametrize("text", [None, "", "  ", "-", "N/A"])
def test_missing_range_is_no_range(text):
    """A missing range is not reported as unusable."""
    assert ends_of_text(text, "mg/dL") == (None, None)


@settings(max_examples=200)
@given(st.text(alphabet="0123456789.,-<>= tomgdL/()", max_size=100))
def test_any_text_is_read_or_refused(text):
    """No text makes the reading of ranges raise."""
    found = read(text)
    assert found is None or found.low is not None or found.high is not None


@pytest.mark.parametrize("unit", ["mmol/L", "ng/L", "IU/L"])
def test_a_range_in_another_unit_than_the_result_s_is_not_used(unit):
    """A range that says a unit of its own, which is another one or cannot measure the analyte, judges nothing."""
    result = li.LabResult("magnesium", 2.0, "mg/dL", reference_range=f"3.0-4.0 {unit}")
    item = li.interpret([result], {"age": 50}).interpretations[0]
    assert (item.flag, item.range_id != "reported") == ("N", True)
    assert "reported_range_unusable" in item.notes
