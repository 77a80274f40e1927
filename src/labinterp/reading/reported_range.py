"""From the text of a reported range, such as `8.5-10.5` or `<15`, to its two ends.

Only spellings that leave no doubt are read. Anything else, such as `male 4-6, female 3-5`, is no range for us.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import attrs

from labinterp.reading import units, values

MAX_LENGTH: Final = 80

UNUSABLE: Final = "unusable"
"""Stands as the lower end where a range was sent that cannot be used, so that the interpretation says so."""


Ends = tuple[Any, Any]
"""Lower and upper end as `LabResult` takes them."""


@attrs.frozen
class RangeText:
    """A reported range. An end that lies outside itself keeps its sign: `"<15"`, `">30"`.

    Args:
        low: lower end, or None where the range is open below.
        high: upper end, or None where the range is open above.
        unit_text: the unit written behind the numbers, if any.
    """

    low: float | str | None
    high: float | str | None
    unit_text: str | None = None


# Runs on at most MAX_LENGTH characters; the parts cannot match the same text in two ways.
_NUMBER: Final = r"\.?[0-9][0-9.,']{0,15}"
_PREFIX: Final = r"(?:(?:normal|reference|ref)\.?(?: range)?:? +)?"
_TWO_ENDS: Final = re.compile(
    rf"{_PREFIX}({_NUMBER}) ?(?P<u1>[^0-9<>=\s.,;:~-][^<>=\s,;:~-]{{0,11}})? ?(?:-|\.\.\.?|~|to|until) ?({_NUMBER})"
    r"(?: ?(?P<u2>[^0-9\s.,;:()-][^\s,;:()]{0,15}))?",
    re.IGNORECASE,
)
_ONE_END: Final = re.compile(
    rf"{_PREFIX}(<=|>=|=<|=>|<|>|up to|less than or equal to|greater than or equal to|less than|greater than|more than"
    rf"|below|under|above|over) ?({_NUMBER})(?: ?(?P<u>[^0-9\s.,;:()-][^\s,;:()]{{0,15}}))?",
    re.IGNORECASE,
)
_ENDS: Final = {
    **dict.fromkeys(("<=", "=<", "up to", "less than or equal to"), ("high", True)),
    **dict.fromkeys(("<", "less than", "below", "under"), ("high", False)),
    **dict.fromkeys((">=", "=>", "greater than or equal to"), ("low", True)),
    **dict.fromkeys((">", "greater than", "more than", "above", "over"), ("low", False)),
}
"""Sign or word → the end that it gives, and whether that end lies inside."""
_SIGNS: Final = str.maketrans(
    {**dict.fromkeys("‐‒–—―−", "-"), **dict.fromkeys("≤≦⩽", "<="), **dict.fromkeys("≥≧⩾", ">=")},  # noqa: RUF001 - these are the look-alikes
)


@lru_cache(maxsize=4096)
def read(text: str, decimal: str | None = None) -> RangeText | None:
    """Read the text of a range.

    Args:
        text: as the laboratory wrote it, with or without a unit.
        decimal: `"."` or `","` where the caller knows the decimal sign.

    Returns:
        The ends, or None where the text is no range or can be read in two ways.

    Example:
        >>> read("8.5-10.5").high, read("<15").high, read("≥ 30 ng/mL").unit_text
        (10.5, '<15.0', 'ng/mL')
        >>> read("see comment") is None
        True
    """
    if len(text) > MAX_LENGTH:
        return None
    text = " ".join(text.translate(_SIGNS).split())
    if text[:1] + text[-1:] in ("()", "[]"):
        text = text[1:-1].strip()
    if two := _TWO_ENDS.fullmatch(text):
        return _two_ends(two, decimal)
    one = _ONE_END.fullmatch(text)
    return _one_end(one, decimal) if one else None


def _two_ends(match: re.Match[str], decimal: str | None) -> RangeText | None:
    low, high = _number(match[1], decimal), _number(match[3], decimal)
    if low is None or high is None or (match["u1"] and match["u2"] and match["u1"] != match["u2"]):
        return None
    return RangeText(low, high, match["u2"] or match["u1"])


def _one_end(match: re.Match[str], decimal: str | None) -> RangeText | None:
    end, (side, inclusive) = _number(match[2], decimal), _ENDS[match[1].lower()]
    if end is None:
        return None
    shown = end if inclusive else f"{'<' if side == 'high' else '>'}{end}"
    return RangeText(None, shown, match["u"]) if side == "high" else RangeText(shown, None, match["u"])


def _number(text: str, decimal: str | None) -> float | None:
    parsed = values.parse_text(text, decimal)
    return parsed.number if parsed.problem is None and parsed.alternative is None else None


def ends_of_text(text: str | None, unit: str | None, decimal: str | None = None) -> Ends:
    """Return the ends of a range that came as text with a result in `unit`.

    Example:
        >>> ends_of_text("8.5-10.5", "mg/dL"), ends_of_text("2.1-2.6 mmol/L", "mg/dL")
        ((8.5, 10.5), ('unusable', None))
    """
    if text is None or text.strip().casefold() in values.MISSING_MARKERS:
        return None, None
    found = read(text, decimal)
    if found is None or not same_unit(found.unit_text, unit):
        return UNUSABLE, None
    return found.low, found.high


def same_unit(ours: str | None, theirs: str | None) -> bool:
    """Return whether a range without a unit, or in that of the result, belongs to the result."""
    if ours is None or ours == theirs:
        return True
    known = units.resolve(ours).code
    return known is not None and known == units.resolve(theirs).code
