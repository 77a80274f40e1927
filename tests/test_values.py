"""What a value column may hold, and what it is read as."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
import unicodedata
from decimal import Decimal
from fractions import Fraction

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.errors import LabInterpError, ValueParseError
from labinterp.reading import beside, comparators, flags, reported_range
from labinterp.reading.values import MAX_LENGTH, MISSING_MARKERS, Parsed, number_text, parse, parse_text

CLEANED = ("number_cleaned",)


@pytest.mark.parametrize(
    ("text", "number", "comparator"),
    [
        ("7.9", 7.9, None),
        ("12", 12.0, None),
        ("-5", -5.0, None),
        ("0", 0.0, None),
        ("1e-05", 1e-05, None),
        ("1.2e3", 1200.0, None),
        ("<8", 8.0, "<"),
        ("<= 8", 8.0, "<="),
        (">1500", 1500.0, ">"),
        ("≥ 150", 150.0, ">="),
        ("≤0.2", 0.2, "<="),
    ],
)
def test_plain_number_is_read_without_a_note(text, number, comparator):
    """A plain number, with or without a comparator, needs no cleaning."""
    assert parse(text) == Parsed(number, comparator)


@pytest.mark.parametrize(
    ("text", "number", "comparator"),
    [
        ("7,9", 7.9, None),
        ("0,123", 0.123, None),
        ("1234,567", 1234.567, None),
        ("2,5500000000", 2.55, None),
        ("1,234,567", 1234567.0, None),
        ("1,234.5", 1234.5, None),
        ("1.234,5", 1234.5, None),
        ("1.234.567", 1234567.0, None),
        ("1 234", 1234.0, None),
        ("1 234,5", 1234.5, None),
        ("1\u202f234\u00a0567", 1234567.0, None),
        ("1'234.5", 1234.5, None),
        ("1\u2019234", 1234.0, None),
        (" 7.9\t", 7.9, None),
        ("\ufeff7.9", 7.9, None),
        ("8.", 8.0, None),
        (".8", 0.8, None),
        (",8", 0.8, None),
        ("+1.8", 1.8, None),
        ("\u22125", -5.0, None),
        ("\u20135,5", -5.5, None),
        ("\uff11\uff0e\uff18", 1.8, None),
        ("\uff1c\u3000\uff18", 8.0, "<"),
        ("=5", 5.0, None),
        ("=<5", 5.0, "<="),
        ("=> 5", 5.0, ">="),
        ("</=5", 5.0, "<="),
        (">/= 5", 5.0, ">="),
        ("≦5", 5.0, "<="),
        ("≧5", 5.0, ">="),
        ("⩽5", 5.0, "<="),
        ("⩾5", 5.0, ">="),
        ("less than 5", 5.0, "<"),
        ("Less Than or Equal to 5", 5.0, "<="),
        ("GREATER THAN 2000", 2000.0, ">"),
        ("greater than or equal to 2,5", 2.5, ">="),
        ("more than 5", 5.0, ">"),
        ("below 5", 5.0, "<"),
        ("under 5", 5.0, "<"),
        ("above 5", 5.0, ">"),
        ("over 5", 5.0, ">"),
        ("1.1 x 10^9", 1.1e9, None),
        ("1.1x10**9", 1.1e9, None),
        ("1.1*10^9", 1.1e9, None),
        ("1.1 \u00d7 10^9", 1.1e9, None),
        ("1,5 X 10^-3", 1.5e-3, None),
        ("< 1.1 x 10^9 *", 1.1e9, "<"),
        ("7.9 L", 7.9, None),
        ("7.9L", 7.9, None),
        ("7.9*", 7.9, None),
        ("7.9 * L", 7.9, None),
        ("7.9 (H)", 7.9, None),
        ("7.9 [LL]", 7.9, None),
        ("7.9 High", 7.9, None),
        ("7.9 ↓", 7.9, None),
        ("<8 L", 8.0, "<"),
    ],
)
def test_clear_number_in_another_dress_is_read_and_noted(text, number, comparator):
    """A number that can be read in one way only is read, with the note that it was cleaned."""
    parsed = parse(text)
    assert parsed == Parsed(number, comparator, notes=CLEANED, flag=parsed.flag)


@pytest.mark.parametrize(
    ("text", "by_comma", "by_dot"),
    [
        ("1,234", 1.234, 1234.0),
        ("12,345", 12.345, 12345.0),
        ("123,456", 123.456, 123456.0),
        ("-1,000", -1.0, -1000.0),
        ("1,234 mg/dL", 1.234, 1234.0),
        ("< 1,234*", 1.234, 1234.0),
        ("1,234e2", 123.4, 123400.0),
    ],
)
def test_one_comma_before_three_digits_keeps_both_readings(text, by_comma, by_dot):
    """Where a comma may stand for either, both numbers come back, unless the caller names the decimal sign."""
    parsed = parse(text)
    assert (parsed.number, parsed.alternative, parsed.notes) == (by_comma, by_dot, CLEANED)
    for decimal, number in ((",", by_comma), (".", by_dot)):
        settled = parse(text, decimal)
        assert (settled.number, settled.alternative) == (number, None)


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1.234", ",", 1234.0),
        ("1.234.567", ",", 1234567.0),
        ("1,234,567", ".", 1234567.0),
        ("1 234,5", ",", 1234.5),
        ("7", ",", 7.0),
        ("7.9", ",", None),
        ("8.", ",", None),
        ("7,9", ".", None),
        ("0,123", ".", None),
        ("12.34", ",", None),
    ],
)
def test_named_decimal_sign_leaves_the_other_to_thousands(text, decimal, number):
    """With a decimal sign given, the other sign may part groups of three and nothing else."""
    parsed = parse(text, decimal)
    assert (parsed.number, parsed.alternative) == (number, None)
    assert parsed.problem == (None if number is not None else "not_numeric")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("1.8 mg/dL", "mg/dL"),
        ("1.8mg/dl", "mg/dl"),
        ("1.8 mg/dL (L)", "mg/dL"),
        ("1.8 mg/dL H", "mg/dL"),
        ("0,74 mmol/L", "mmol/L"),
        ("12 \u00b5mol/L", "μmol/L"),
        ("5 mg/100 mL", "mg/100 mL"),
        ("1.5 mEq per L", "mEq per L"),
        ("7.9 mg%", "mg%"),
        ("5 mM", "mM"),
        ("120 MMOLL", "MMOLL"),
        ("0.8 mmol L-1", "mmol L-1"),
        ("<8 m[IU]/L", "m[IU]/L"),
        ("1.15 mmol/l/ph74", "mmol/l/ph74"),
    ],
)
def test_unit_behind_the_number_is_handed_over(text, unit):
    """What has the shape of a unit behind the number is given to the caller to judge, a flag behind it is not."""
    parsed = parse(text)
    assert (parsed.problem, parsed.unit_text, parsed.notes) == (None, unit, CLEANED)


@pytest.mark.parametrize(
    "value", [None, math.nan, np.nan, Decimal("NaN"), Decimal("sNaN"), pd.NA, pd.NaT, np.ma.masked]
)
def test_missing_object_is_a_missing_value(value):
    """Every way in which Python, numpy and pandas say that there is nothing is `missing_value`."""
    assert parse(value) == Parsed(problem="missing_value")


@pytest.mark.parametrize(
    "text", [*sorted(MISSING_MARKERS), "  ", "\u3000", " N/A ", "NULL", "—", "\u2212", "…", " " * 1000]
)
def test_missing_text_is_a_missing_value(text):
    """Blank texts and the usual markers are `missing_value`, in any case."""
    assert parse(text) == Parsed(problem="missing_value")


REFUSED_TEXTS = (
    "QNS|NEG|hemolyzed|7.9 hemolyzed|7.9 see note|trace|1+|+++|1:40|H 7.9|~5|5 5|8 PM|37 temperature",
    "2020-01-01|12.05.2020",
    "NaN|inf|-inf|Infinity|0x10|1_000|1e|1e999|1e5e5|1.1 x 10^999|1.1 x 109|1.8 e3|1/2|1 / 2|5±1|- 5|--5|+-5",
    "<|<>5|< <5|5<",
    "1..2|1.2.3|1,2,3|..5|8,|1 , 5|1.234.56|01,234,567|1,234 567|1 23|1\n234|1\u200b5|5\u0336|<\u0338 5|\ud800",
    "10⁹|½|1½|1\u20442|①|⒈5|H₂5|٣|५|VIII|Ⅷ|五|1 mg/dL 2",
)
REFUSED_OBJECTS = (
    *(True, False, np.True_, math.inf, -math.inf, Decimal("Infinity"), Decimal("1e400"), 10**400, Fraction(10**400)),
    *(b"7.9", [7.9], {}, 1 + 0j, object(), float, np.array([1.0, 2.0]), np.datetime64("2020-01-01")),
)


@pytest.mark.parametrize("text", "|".join(REFUSED_TEXTS).split("|"), ids=ascii)
def test_what_is_no_clear_number_is_refused(text):
    """Words, titers, ranges, fractions, superscripts and digits of other scripts are `not_numeric`, never a guess."""
    assert parse(text) == Parsed(problem="not_numeric")


@pytest.mark.parametrize("value", REFUSED_OBJECTS, ids=lambda value: type(value).__name__)
def test_object_that_is_no_finite_number_is_refused(value):
    """Truth values, infinities, what no float can hold, bytes and containers are `not_numeric`."""
    assert parse(value) == Parsed(problem="not_numeric")


@pytest.mark.parametrize(
    "value",
    [
        7,
        Fraction(7),
        Decimal(7),
        Decimal("7.0"),
        7.0,
        "7",
        np.str_("7"),
        *(np.dtype(code).type(7) for code in "bhilBHILefdg"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_of_number_is_read_alike(value):
    """Python's numbers and numpy's scalars give the same answer as their text."""
    assert parse(value) == Parsed(7.0)
    assert type(parse(value).number) is float


def test_negative_zero_is_zero():
    """No sign is left on a zero, so that it prints as one."""
    assert [math.copysign(1, parse(value).number) for value in (-0.0, "-0", "-0,0", Decimal("-0"))] == [1, 1, 1, 1]


def _raise(*_):
    raise RuntimeError


class _Mute:
    __str__ = __repr__ = __float__ = __eq__ = __bool__ = __len__ = __index__ = __hash__ = _raise


class _Masked:
    __class__ = property(_raise)


class _BadInt(int):
    __float__ = __index__ = _raise


class _BadFloat(float):
    __float__ = _raise


class _BadText(str):
    __slots__ = ()
    __str__ = __len__ = strip = casefold = isascii = _raise
    __hash__ = _raise
    __eq__ = _raise


@pytest.mark.parametrize("kind", [_Mute, _Masked, _BadInt, _BadFloat])
def test_object_that_raises_is_not_numeric(kind):
    """An object whose own methods raise neither raises here nor gives a number."""
    assert parse(kind()).problem == "not_numeric"


def test_subclass_of_text_is_read_by_its_characters():
    """A text's own methods are not asked, so a subclass cannot disturb the reading."""
    assert parse(_BadText("7,9")).number == 7.9


@pytest.mark.parametrize("decimal", ["", ";", ".,", "comma", 1])
@pytest.mark.parametrize("value", ["1,5", 1.5, None])
def test_unknown_decimal_sign_is_an_error_of_the_caller(value, decimal):
    """A wrong `decimal` is the caller's fault and raises whatever the value is, without showing it."""
    with pytest.raises(ValueParseError) as caught:
        parse(value, decimal)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, LabInterpError)
    assert "1,5" not in str(caught.value)


def test_repr_shows_no_result():
    """A parsed value may be logged: neither number, alternative nor unit is shown."""
    assert repr(parse("<1,234 mg/dL")) == "Parsed(comparator='<', problem=None, notes=('number_cleaned',))"


def test_length_is_capped():
    """Padding does not count, and a text that is longer than the cap is refused."""
    assert parse(" " * 500 + "7.9" + " " * 500).number == 7.9
    assert parse("0" * (MAX_LENGTH - 1) + "7").number == 7.0
    assert parse("0" * MAX_LENGTH + "7").problem == "not_numeric"
    assert parse("\ufdfa" * MAX_LENGTH).problem == "not_numeric"


@pytest.mark.parametrize("unit", ["7", " ", "7,", "1 234 ", "<", "\u00bd", "\ufdfa", "a/"])
def test_huge_text_is_refused_at_once(unit):
    """Ten megabytes of anything cost no more than a glance."""
    text = unit * (10_000_000 // len(unit))
    start = time.process_time()
    parsed = parse(text)
    assert time.process_time() - start < 0.5
    assert parsed.problem == ("missing_value" if unit == " " else "not_numeric")


@pytest.mark.parametrize("unit", ["1", "1 ", "1,", "1'", ".", "* ", "a", "a/", "x 10^", " per ", "μ"])
def test_no_short_text_is_slow(unit):
    """No pattern backtracks badly on the longest text that is read."""
    start = time.process_time()
    for lead in ("", "<", "1", "1 mg", "1,234 "):
        parse((lead + unit * MAX_LENGTH)[: MAX_LENGTH - 1] + "\u00a4")
    assert time.process_time() - start < 1


HOSTILE = [
    "<" * 80, "less than " * 8, "< or = " * 11, "1 " * 40, "1" + " L" * 39, "1 mg/" * 16, "a/" * 40, "\u4ee5\u4e0b" * 40, "&lt;" * 20,
    "&amp;" * 16, "1.234," * 13, "1-" * 40, "M: 1-2 F: " * 8, "deficient <1 / " * 5, "(" * 40 + ")" * 40, "\u2193" * 80, "1 or less " * 8,
    "from 1 to " * 8, "*" * 40 + "1" + "*" * 39, "L" * 80, "1 low-" * 13, "[" * 80, "." * 80, "1'" * 40, "<=>=" * 20, "1 per " * 13,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_cost_no_more_than_others(text):
    """No text of 80 characters holds up the reading of values, flags and ranges; the bound suits a loaded machine."""
    for part in (text, text[:63], text[1:64]):
        start = time.process_time()
        assert parse(part).problem is None or parse(part).number is None
        flags.side_of_reported(part)
        reported_range.readings(part, sex="female")
        beside.value_of(1.0, part)
        assert time.process_time() - start < 0.5


@pytest.mark.parametrize("text", [*comparators.before(), *comparators.after()])
def test_no_word_of_a_comparator_is_lost(text):
    """Every sign and word of the grammar makes its number censored, in front of it or behind."""
    place, table = ("{0} 5", comparators.before()) if text in comparators.before() else ("5 {0}", comparators.after())
    for spelled in (text, text.upper(), text.title()):
        if comparators.key(spelled) == text:
            parsed = parse(place.format(spelled))
            assert (parsed.number, parsed.comparator) == (5.0, table[text]), spelled


@given(number=st.floats(0.001, 1e6), digits=st.integers(0, 4))
def test_a_number_as_text_is_that_number_alone(number, digits):
    """What we write of a native number is read back as it is, though its digits could be thousands."""
    rounded = round(number, digits)
    for native in (rounded, Decimal(repr(rounded))):
        parsed = parse(number_text(native))
        assert (parsed.number, parsed.alternative) == (rounded, None)


def test_importing_it_loads_no_table_library():
    """Reading a value needs neither numpy, pandas nor pint."""
    code = (
        "import sys, labinterp.reading.values as v; v.parse('1,5 mg/dL'); v.parse(object()); "
        "print([m for m in ('numpy', 'pandas', 'pint') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - own code
    assert done.stdout.strip() == "[]"


decimals = st.decimals(min_value=-(10**12), max_value=10**12, places=4, allow_nan=False, allow_infinity=False)
signs = st.sampled_from(["", "<", "<=", ">", ">="])


@given(number=decimals, places=st.sampled_from([0, 1, 2, 4]), sign=signs, point=st.sampled_from(".,"))
@settings(max_examples=200)
def test_rendered_decimal_comes_back(number, places, sign, point):
    """Any decimal, written with a dot or a comma and any comparator, is read as itself under its decimal sign."""
    text = f"{number:.{places}f}"
    parsed = parse(f"{sign}{text.replace('.', point)}", point)
    assert (parsed.number, parsed.comparator, parsed.problem) == (float(text), sign or None, None)


@given(number=decimals, places=st.sampled_from([1, 2, 4]), comma=st.booleans())
@settings(max_examples=200)
def test_thousands_signs_change_nothing(number, places, comma):
    """Thousands signs in groups of three leave the number what it is, and no decimal sign need be named."""
    text = f"{number:,.{places}f}"
    parsed = parse(text.translate(str.maketrans(",.", ".,")) if comma else text)
    assert (parsed.number, parsed.alternative) == (float(text.replace(",", "")), None)


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e99, max_value=1e99).filter(lambda x: abs(x) > 1e-99)
)
@settings(max_examples=200)
def test_float_and_its_text_are_one(number):
    """A float and the text that Python writes for it are read alike; a text alone keeps a thousand in mind."""
    assert parse(number) == Parsed(number)
    text = parse(repr(number))
    assert attrs.evolve(text, alternative=None) == Parsed(number)
    assert text.alternative is None or re.fullmatch(r"-?[1-9][0-9]{0,2}\.[0-9]{3}", repr(number))


@given(st.one_of(st.text(max_size=80), st.text(alphabet="0123456789.,'<>=-+eExX*^ mg/dL%HN()½²٣", max_size=30)))
@settings(max_examples=200)
def test_any_text_gets_an_answer(text):
    """Any text is a finite number or has a problem, never both and never an exception."""
    for decimal in (None, ".", ","):
        parsed = parse_text(text, decimal)
        assert (parsed.number is None) == (parsed.problem is not None)
        assert parsed.problem in (None, "missing_value", "not_numeric")
        assert parsed.number is None or math.isfinite(parsed.number)


foreign = st.characters(categories=["Nd", "No", "Nl"]).filter(
    lambda char: not (char.isascii() or (char.isdecimal() and unicodedata.normalize("NFKC", char).isascii())),
)


@given(
    before=st.from_regex(r"[0-9]{0,3}[.,]?", fullmatch=True),
    char=foreign,
    after=st.from_regex(r"[0-9]{0,2}", fullmatch=True),
)
@settings(max_examples=200)
def test_foreign_digit_is_never_a_number(before, char, after):
    """Digits of other scripts, superscripts, fractions, circled and Roman numerals make no number."""
    assert parse(before + char + after).number is None


@given(
    low=decimals,
    high=decimals,
    sign=signs,
    between=st.sampled_from(
        ["-", "\u2013", " - ", "\u2212", " \u2014 ", " to ", "..", "~", "/", ":", ";", " and ", "\u2010"]
    ),
    tail=st.sampled_from(["", " mg/dL", " L", "*"]),
)
@settings(max_examples=200)
def test_range_is_never_a_number(low, high, sign, between, tail):
    """Two numbers with a range sign between them are not one."""
    assert parse(f"{sign}{low}{between}{high}{tail}").problem == "not_numeric"


@pytest.mark.parametrize("unit", [None, "mg/dL"])
def test_what_is_written_behind_a_number_and_is_no_unit_makes_it_no_number(unit):
    """`1.9 abc/def` has the shape of a number with a unit and is neither, whatever unit stands beside it."""
    item = li.interpret([li.LabResult("magnesium", "1.9 abc/def", unit)], {"age": 50}).interpretations[0]
    assert (item.flag, item.problem) == (None, "not_numeric")


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("low-critical", "critically low"),
        ("H-critical", "critically high"),
        ("LL", "critically low"),
        ("HIGH HIGH", "critically high"),
        ("AA", "critical"),
        ("kritisch niedrig", "critically low"),
        ("crítico", "critical"),
        ("L critical*", "critically low"),
        ("LU", "low"),
        ("--", "low"),
        ("normal (not critical)", None),
        ("↑mild", "high"),
        ("slightly ↑", "high"),
        ("mild*", "abnormal"),
        ("very*", "abnormal"),
        ("very↓", "low"),
        ("low high", "abnormal"),
        ("very-odd", None),
        ("L-foo", "low"),
        ("foo normal", None),
        ("L^Low^HL70078", "low"),
        ("LL^Below lower panic limits^HL70078", "critically low"),
        ("A&Abnormal&HL70078", "abnormal"),
        ("Low, repeat", "low"),
        ("D L", "low"),
        ("corrected C", None),
        ("see below", None),
        ("not low", None),
        ("not normal", "abnormal"),
        ("sub-optimal", "abnormal"),
        ("no abnormality", "normal"),
        ("L?", "low"),
        ("F*", "abnormal"),
        ("Borderline", "abnormal"),
        ("toxic", "high"),
    ],
)
def test_a_flag_of_several_words_is_read(text, side):
    """Neither words of degree beside a flag nor words that are not known take anything from one that is abnormal."""
    assert flags.side_of_reported(text) == side


@pytest.mark.parametrize("text", ["low volume", "H repeat", "not normal"])
def test_beside_a_value_every_word_is_known(text):
    """In the cell of a value a text with a word that is not known is no flag, and the value is none."""
    assert flags.side_in_value(text) is None
    assert parse(f"0.9 {text}").problem == "not_numeric"


def test_a_result_beside_a_text_is_read_whatever_stands_there():
    """An operator that marks a missing one says nothing; a text that is none begins with no censored number."""
    assert beside.operator_of("n/a") is None
    assert [beside.censored_start(text) for text in (5, "see note", "about 2000", "> 2000, repeat")] == [
        None, None, None, "> 2000"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "number", "comparator"),
    [
        ("150 or less", 150.0, "<="),
        ("150 or lessen", None, None),
        ("150 \u0130", None, None),
        ("less 150 less", None, None),
    ],
)
def test_a_word_behind_a_number_is_read_alone(text, number, comparator):
    """A comparator behind a number is a word by itself, in any script and case; part of another word is none."""
    assert (parse(text).number, parse(text).comparator) == (number, comparator)


@pytest.mark.parametrize(
    ("text", "comparator", "flag"), [("* < 5", "<", "*"), ("! >5", ">", "!"), ("**≥5", ">=", "**")]
)
def test_a_flag_in_front_of_a_comparator_loses_neither(text, comparator, flag):
    """A sign that flags a result may stand before its comparator; both are read."""
    assert (parse(text).number, parse(text).comparator, parse(text).flag) == (5.0, comparator, flag)
