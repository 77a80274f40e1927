"""From what a laboratory wrote to a number and its comparator.

`parse` takes anything that may stand in a value column and never raises for it: what cannot be read without doubt
comes back as `missing_value` or `not_numeric`, never as a guess. Only a text such as `1,234` or `1.234` keeps two
readings, and the caller, who knows the analyte, decides which of them is plausible.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from typing import Final, NamedTuple

import attrs

from labinterp.errors import ValueParseError
from labinterp.reading import comparators, flags

MAX_LENGTH: Final = 64
"""Longest text that is read, without the white space around it."""

MISSING_MARKERS: Final = frozenset(
    {"", '""', '=""', "na", "n/a", "n.a.", "n.a", "#n/a", "#na", "<na>", "null", "(null)", "none", "nil", "nat"}
    | {sign * count for sign in "-._" for count in range(1, 9)},
)
"""Stripped and casefolded texts that say that there is no value."""

_CACHE_SIZE: Final = 65_536


@attrs.frozen
class Parsed:
    """What a value was read as. Its `repr` shows no result value.

    Args:
        number: the number, or None where there is a problem.
        comparator: `<`, `<=`, `>` or `>=` where the value is censored.
        problem: `missing_value` or `not_numeric`.
        notes: `number_cleaned` where the text was not a plain number already, with or without a comparator.
        alternative: the number by the second reading of a text such as `1,234` or `1.234`.
        unit_text: what stands behind the number in the shape of a unit; it may still be no unit at all.
        flag: the laboratory's own flag that stands beside the number, such as `L*` or `niedrig`.

    Example:
        >>> parse("<8").comparator
        '<'
    """

    number: float | None = attrs.field(default=None, repr=False)
    comparator: str | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()
    alternative: float | None = attrs.field(default=None, repr=False)
    unit_text: str | None = attrs.field(default=None, repr=False)
    flag: str | None = attrs.field(default=None, repr=False)


_MISSING: Final = Parsed(problem="missing_value")
_NOT_NUMERIC: Final = Parsed(problem="not_numeric")
_CLEANED: Final = ("number_cleaned",)

# ASCII digits only, no nested repetition: every pattern below runs on at most MAX_LENGTH characters.
_PLAIN: Final = re.compile(r"(?:(<=?|>=?|[≤≥]) ?)?(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)")
_GROUPED: Final = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")
"""One point before three digits: it may stand for thousands."""
_START: Final = re.compile(r"[+-]?[.,]?[0-9]")
_NUMBER: Final = re.compile(
    r"([+-]?)"
    r"([0-9.,](?:[0-9.,' ]*[0-9.,])?)"
    r"(?:(?<=[0-9.])[eE]([+-]?[0-9]{1,2})| ?[x\u00d7*] ?10 ?(?:\^|\*\*) ?([+-]?[0-9]{1,2}))?"
    r"(?![0-9])(.*)",
    re.IGNORECASE,
)
# A unit behind a number has the shape of one, so that words such as "hemolyzed" are none.
_UNIT: Final = re.compile(
    r"(?:[^\W\d_]|[\[\]]){1,8}(?: ?/ ?| per )(?:[0-9]{1,4} ?)?[^\W\d_]{1,6}(?:/[a-z0-9.]{1,6})?"
    r"|[^\W\d_]{0,4}%"  # mg%
    r"|(?-i:[fpnumμ]M)"  # mM, and no time such as 8 PM
    r"|[^\W\d_]{1,4}mol[ .]?L(?:-1)?|[^\W\d_]{1,5}[ .](?:L|dL|mL)-1",  # MMOLL, mmol L-1, mg.dL-1
    re.IGNORECASE,
)
_BRACKETS: Final = "()[]{} "
_SPACED_FLAGS: Final = "+-"
"""Signs that are flags only behind a space: `150 -` is low, `1+` is no number."""


def _form(decimal: str, thousands: str, fraction: str) -> re.Pattern[str]:
    """Pattern of a number in one convention; thousands come in groups of three, all with the same sign."""
    return re.compile(
        rf"([0-9]+|[1-9][0-9]{{0,2}}(?:([{thousands}])[0-9]{{3}})(?:\2[0-9]{{3}})*)(?:{decimal}({fraction}))?"
        rf"|{decimal}([0-9]+)",
    )


_FORMS: Final = {".": _form(r"\.", "' ,", "[0-9]*"), ",": _form(",", "' .", "[0-9]+")}
_NO_GROUPS: Final = str.maketrans("", "", "' .,")
_MARKS: Final = "".join(map(chr, comparators.INVISIBLE))
_INVISIBLE: Final = re.compile(rf"(?<![0-9.,])[{_MARKS}]+|[{_MARKS}]+(?![0-9.,])")
"""Marks that cannot be seen, save inside of a number, which they may divide."""
_QUOTED: Final = re.compile(r"=?\"([^\"]*)\"|'([^']*)'?")
"""A number as a spreadsheet keeps it from being changed: `="8.9"`, `"8.9"`, `'8.9`."""
_LISTED: Final = re.compile(r"(?<=[0-9]), ?(?=[^\W\d_])")


def parse(value: object, decimal: str | None = None) -> Parsed:
    """Read a value of any type; junk is `not_numeric` and never raises.

    Args:
        value: a text, an int, a float, a `Decimal`, a numpy scalar, None, or anything else.
        decimal: `"."` or `","` where the caller knows the decimal sign of texts; None reads either.

    Returns:
        The number with its comparator, or the problem.

    Raises:
        ValueParseError: `decimal` is something else.

    Example:
        >>> parse("≥ 150").number, parse("0,74").number, parse("QNS").problem
        (150.0, 0.74, 'not_numeric')
        >>> parse("1,234").number, parse("1,234").alternative, parse("1,234", decimal=".").number
        (1.234, 1234.0, 1234.0)
    """
    check_decimal(decimal)
    if type(value) is float:
        return _from_float(value)
    if type(value) is str:
        return parse_text(value, decimal)
    if value is None:
        return _MISSING
    try:
        return _from_object(value, decimal)
    except Exception:  # noqa: BLE001 - a foreign object may raise anything when it is asked for its number
        return _NOT_NUMERIC


def parse_text(text: str, decimal: str | None = None) -> Parsed:
    """Read a text; the last 65,536 distinct short texts are remembered.

    Args:
        text: as the laboratory wrote it. More than 64 characters are refused unread.
        decimal: as for `parse`.

    Returns:
        The number with its comparator, or the problem.

    Raises:
        ValueParseError: `decimal` is neither None, `"."` nor `","`.

    Example:
        >>> parse_text("7.9 mg/dL (L)").unit_text
        'mg/dL'
    """
    check_decimal(decimal)
    if len(text) > MAX_LENGTH:
        text = text.strip()
        if len(text) > MAX_LENGTH:
            return _NOT_NUMERIC
    return _read(text, decimal)


def number_text(number: float | Decimal) -> str:
    """Return a number as text that is read back as this number alone: `1.234` would be two.

    Example:
        >>> number_text(1.8), number_text(1.234)
        ('1.8', '1.2340')
    """
    text = repr(number) if isinstance(number, float) else str(number)
    return f"{text}0" if _GROUPED.fullmatch(text) else text


def check_decimal(decimal: str | None) -> None:
    """Raise `ValueParseError` unless the decimal sign is a comma, a point or not given."""
    if decimal is not None and not (isinstance(decimal, str) and decimal in (".", ",")):
        raise ValueParseError("the decimal sign is not known", hint="Pass `decimal='.'`, `decimal=','` or None")


@lru_cache(maxsize=_CACHE_SIZE)
def _from_float(number: float) -> Parsed:
    if math.isfinite(number):
        return Parsed(number + 0.0)  # -0.0 becomes 0.0
    return _MISSING if math.isnan(number) else _NOT_NUMERIC


def _from_object(value: object, decimal: str | None) -> Parsed:
    if isinstance(value, str):
        return parse_text(str.__str__(value), decimal)  # a subclass may have a mind of its own
    if isinstance(value, bool):
        return _NOT_NUMERIC
    if isinstance(value, Decimal):
        return _MISSING if value.is_nan() else _from_float(float(value))
    if isinstance(value, Real):  # int, Fraction and the numpy scalars; numpy's bool is no Real
        return _from_float(float(value))
    # The missing values of pandas and numpy, known by name so that neither is imported for them.
    return _MISSING if type(value).__name__ in ("NAType", "NaTType", "MaskedConstant") else _NOT_NUMERIC


@lru_cache(maxsize=_CACHE_SIZE)
def _read(text: str, decimal: str | None) -> Parsed:
    plain = _PLAIN.fullmatch(text)
    if plain and (decimal != "," or "." not in text):
        sign, digits = plain.groups()
        grouped = decimal is None and _GROUPED.fullmatch(digits)
        second = float(digits.replace(".", "")) if grouped else None
        return Parsed(float(digits) + 0.0, comparators.read(sign) if sign else None, alternative=second)
    text = comparators.without_entities(text)
    if not text.isascii():
        if any(map(comparators.is_raised, text)):
            return _NOT_NUMERIC
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(comparators.SAME)
        text = comparators.RAISED_POINT.sub(".", text)
    text = text.strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        text = (quoted[1] or quoted[2] or "").strip()
    if text.casefold() in MISSING_MARKERS:
        return _MISSING
    text = _LISTED.sub(" ", text)
    return _NOT_NUMERIC if len(text) > MAX_LENGTH else _read_cleaned(text, decimal)


def _read_cleaned(text: str, decimal: str | None) -> Parsed:
    start = _START.search(text)
    if start is None:
        return _NOT_NUMERIC
    lead, text = text[: start.start()], text[start.start() :]
    if text[0] == "-" and lead and comparators.is_sign(f"{lead}-"):
        lead, text = f"{lead}-", text[1:]  # a word that ends in a hyphen
    parts, front = _NUMBER.fullmatch(text), _front(lead)
    if not parts or front is None:
        return _NOT_NUMERIC
    sign, body, short_exponent, long_exponent, rest = parts.groups()
    tail = _tail(rest)
    number, alternative = _readings(body, sign, short_exponent or long_exponent or "0", decimal)
    if number is None or tail is None:
        return _NOT_NUMERIC
    comparator = comparators.combined(front.comparator, tail.comparator)
    if comparator == "?":
        return _NOT_NUMERIC
    flag = " ".join(filter(None, (front.flag, tail.flag))) or None
    return Parsed(
        number=number,
        comparator=comparator,
        problem=None,
        notes=_CLEANED,
        alternative=alternative,
        unit_text=tail.unit_text,
        flag=flag,
    )


class _Around(NamedTuple):
    """What stands before or behind a number."""

    comparator: str | None = None
    unit_text: str | None = None
    flag: str | None = None


_NOTHING: Final = _Around()


def _front(text: str) -> _Around | None:
    """Read what stands in front of a number; None where it is not understood."""
    text = text.strip()
    if not text:
        return _NOTHING
    found = comparators.key(text)
    if found in comparators.before():
        return _Around(comparators.before()[found])
    bare = text.strip(flags.signs() + " ")
    flag = text.replace(bare, " ", 1).strip() if bare else text
    if not bare:
        return _Around(flag=flag)
    found = comparators.key(bare)
    if found in comparators.before():
        return _Around(comparators.before()[found], flag=flag or None)
    worded = len(bare) > len("hh") or not bare.isascii()
    return _Around(flag=text) if worded and flags.side_in_value(bare) is not None else None


def _tail(text: str) -> _Around | None:
    """Read what stands behind a number: a word of a comparator, a unit and a flag; None where it is not understood."""
    if not text.strip():
        return _NOTHING
    comparator, rest = _behind(text)
    bare = rest.strip(flags.signs() + " ")
    signs = rest.replace(bare, " ", 1).strip() if bare else rest.strip()
    words = bare.split()
    for count in range(len(words) + 1):
        for unit, flag in ((words[:count], words[count:]), (words[count:], words[:count])):
            found = _unit_and_flag(" ".join(unit), " ".join(flag), spaced=rest.startswith(" "))
            if found is not None:
                return _Around(comparator, found.unit_text, " ".join(filter(None, (found.flag, signs))) or None)
    return None


def _unit_and_flag(unit: str, flag: str, *, spaced: bool) -> _Around | None:
    if unit and not _UNIT.fullmatch(unit):
        return None
    if flag and not unit and flag[0] in _SPACED_FLAGS and not spaced:
        return None
    if flag and flags.side_in_value(flag.strip(_BRACKETS)) is None:
        return None
    return _Around(None, unit or None, flag or None)


def _behind(text: str) -> tuple[str | None, str]:
    """Return the comparator that a word behind a number says, and the text without that word."""
    lowered = text.lower()
    if len(lowered) != len(text):
        return None, text
    for word in comparators.endings():
        if word not in lowered:
            continue
        at = lowered.index(word)
        before, behind = text[:at], text[at + len(word) :]
        alone = not word[0].isascii() or ((not before.strip() or before.endswith(" ")) and behind[:1] in ("", " ", ")"))
        if alone and (not before.strip(_BRACKETS) or not behind.strip(_BRACKETS)):
            return comparators.after()[word], f"{before.rstrip('( ')} {behind.lstrip(') ')}".rstrip()
    return None, text


def _readings(body: str, sign: str, exponent: str, decimal: str | None) -> tuple[float | None, float | None]:
    """Number by the likelier reading, and by the other one where both are sound."""
    found: dict[str, float] = {}
    for point, form in _FORMS.items():
        match = form.fullmatch(body) if decimal in (None, point) else None
        if match:
            whole, _, fraction, only = match.groups()
            digits = f"{(whole or '0').translate(_NO_GROUPS)}.{fraction or only or '0'}"
            found[point] = float(f"{sign}{digits}e{exponent}") + 0.0
    by_dot, by_comma = found.get("."), found.get(",")
    if by_dot is None or by_comma is None:
        return (by_comma if by_dot is None else by_dot), None
    if by_dot == by_comma:
        return by_dot, None
    return (by_comma, by_dot) if "," in body else (by_dot, by_comma)
