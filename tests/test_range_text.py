import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.reading.reported_range import UNUSABLE, ends_of_text, read, unit_of


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


@pytest.mark.parametrize(
    ("text", "who", "low", "high"),
    [
        (">=5 <10", {}, 5.0, "<10.0"),
        ("5以上10未満", {}, 5.0, "<10.0"),
        ("5-10; normal", {}, 5.0, 10.0),
        ("5-10 normal; adults", {"adult": True}, 5.0, 10.0),
        ("Men: 5-10; Women: 4-9", {"sex": "female"}, 4.0, 9.0),
        ("M/F: 5-10", {}, 5.0, 10.0),
        ("M: 5-10 F: 5-10", {}, 5.0, 10.0),
        ("children 5-10 adults 4-9", {"adult": False}, 5.0, 10.0),
        ("<5 low, 5-7 borderline, 7-10 normal, 10-12 borderline, >12 high", {}, 7.0, "<10.0"),
        ("5-10 normal, 12-15 high", {}, 5.0, 10.0),
    ],
)
def test_a_range_with_words_is_read_for_whom_it_holds(text, who, low, high):
    """What is said of levels, of women and men, of children and adults is read with the range."""
    found = read(text, **who)
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("<5 - 10", {}),
        ("<5 >10", {}),
        ("< 5 6", {}),
        ("<5以下", {}),
        ("<5未満 6", {}),
        ("5以下6", {}),
        ("normal: 5-10; see comment", {}),
        ("M: 5-10", {}),
        ("M: 5-10, 4-9", {"sex": "male"}),
        ("M: 5-10 U: 5-10", {}),
        ("M: 5-10 F: 4-9 unknown: 3-8", {"sex": "female"}),
        ("children 5-10 adults 4-9", {}),
        ("low high 5-10", {}),
        ("borderline 5-10", {}),
        ("<5 deficient, 5-10 borderline", {}),
        ("5-15 normal, 10-20 high", {}),
        ("<20 deficient, 25-100", {}),
        ("10-5", {}),
        ("5..-10", {}),
        ("5" * 500, {}),
    ],
)
def test_a_range_with_two_meanings_or_none_is_not_read(text, who):
    """A range that says two things, or holds for whom it does not say, is not read."""
    assert read(text, **who) is None


@pytest.mark.parametrize("text", [None, float("nan"), 8.6, "8.6-10.2", "M: 5-10 mg/dL, F: 3-9 mmol/L"])
def test_a_range_without_one_unit_has_none(text):
    """What is no text, names no unit, or names two, says nothing of the unit of the result beside it."""
    assert unit_of(text) is None


def test_an_end_that_is_a_list_judges_nothing():
    """Whatever object came as the end of a range, the result is answered by an edition, and the range is noted."""
    result = li.LabResult("magnesium", 2.0, "mg/dL", reference_low=[1.6], reference_high=[2.6])
    for _ in range(2):
        item = li.interpret([result], {"age": 50}).interpretations[0]
        assert (item.flag, "reported_range_unusable" in item.notes) == ("N", True)
