"""One result that its source wrote more than once: as a number, as text, with an operator in a column of its own."""

from __future__ import annotations

from typing import Any, Final

from labinterp.reading import comparators, flags, values
from labinterp.reading.cells import as_shown
from labinterp.tolerance import ROUNDED

NOT_NUMERIC: Final = "not a number"
"""Stands as the value where something else than a number was sent, so that the interpretation says so."""

UNKNOWN: Final = "?"
"""Stands for an operator that says something unknown about the number."""


def operator_of(content: Any) -> str | None:
    """Return the comparator that an operator says: None for none, `?` where it is not known.

    Example:
        >>> operator_of("LE"), operator_of("="), operator_of("about")
        ('<=', None, '?')
    """
    text = "" if content is None else str(content)
    if text.strip().casefold() in values.MISSING_MARKERS:
        return None
    return comparators.read(text) or (None if comparators.is_sign(comparators.plain(text)) else UNKNOWN)


def value_of(number: Any, text: Any, operator: str | None = None, *, same_unit: bool = True) -> Any:
    """Return the one value of a result that came as a number and as text, so that no comparator and no flag is lost.

    What the two say differently, and a text that is not understood, make the value no number.

    Args:
        number: the number, native or as text; None where there is none.
        text: what else was written of the same result; None where there is nothing.
        operator: a comparator, or `?`.
        same_unit: whether the text is in the number's unit, so that both must be the same number.

    Example:
        >>> value_of(0.9, "</=0.9"), value_of(0.9, "0.9"), value_of(0.9, "1.9"), value_of(0.9, None, "<")
        ('</=0.9', 0.9, 'not a number', '<0.9')
    """
    if number is None:
        number, text = (text, None) if same_unit else (None, None)
    if number is None:
        return None
    own, other = values.parse(number), _other(text)
    if own.problem is not None and text is None:
        return number
    sign = UNKNOWN if operator == UNKNOWN else comparators.combined(own.comparator, other.comparator)
    sign = sign if sign == UNKNOWN else comparators.combined(sign, operator)
    unsound = own.problem is not None or other.problem is not None or sign == UNKNOWN
    if unsound or (same_unit and not _agree(own, other, str(text))):
        return NOT_NUMERIC
    if sign == own.comparator and other.flag is None:
        return number
    if own == values.Parsed(other.number) and sign == other.comparator and other.alternative is None and same_unit:
        return text  # it says all of it, as it was sent
    return _written(number, own, sign, other.flag)


def _other(text: Any) -> values.Parsed:
    """Return what the text beside a number says, where a word alone may say a comparator or a flag."""
    parsed = values.Parsed() if text is None else values.parse(text)
    if parsed.problem == "missing_value":
        return values.Parsed()
    return parsed if parsed.problem is None else _wordy(str(text))


def _wordy(text: str) -> values.Parsed:
    """Return what a text without a number says: a comparator or a flag, else that it is no number."""
    found = operator_of(text)
    if found != UNKNOWN:
        return values.Parsed(comparator=found)
    if flags.side_in_value(text) is not None:
        return values.Parsed(flag=text)
    return values.Parsed(problem="not_numeric")


def _agree(own: values.Parsed, other: values.Parsed, text: str) -> bool:
    """Return whether two readings are one number, as far as the text is printed."""
    if other.number is None or other.unit_text is not None:
        return True
    digits = text.replace(",", ".").rpartition(".")[2]
    places = len(digits) - len(digits.lstrip("0123456789")) if "." in text or "," in text else 0
    margin = 0.5 * 10.0**-places
    return any(
        abs(first - second) <= max(ROUNDED * abs(first), margin * (1 + ROUNDED))
        for first in (own.number, own.alternative)
        for second in (other.number, other.alternative)
        if first is not None and second is not None
    )


def _written(number: Any, own: values.Parsed, sign: str | None, flag: str | None) -> str:
    """Return a number as text, with a comparator before it and a flag behind it."""
    plain = own.comparator is None and own.flag is None and isinstance(number, str)
    body = number.strip() if plain else values.number_text(float(own.number or 0.0))
    unit = None if plain else own.unit_text
    return " ".join(filter(None, (f"{sign or ''}{body}", unit, own.flag, flag)))


def censored_start(text: Any) -> str | None:
    """Return comparator and number at the start of a longer text, or None if it does not start so.

    Example:
        >>> censored_start("GREATER THAN 2000. See note"), censored_start("about 2000")
        ('GREATER THAN 2000', None)
    """
    if not isinstance(text, str):
        return None
    made = comparators.plain(as_shown(text)[: 2 * values.MAX_LENGTH])
    start = next((i for i, char in enumerate(made) if char in "0123456789"), None)
    if start is None:
        return None
    if comparators.before().get(comparators.key(made[:start])) is None:
        return None
    end = start
    while end < len(made) and made[end] in "0123456789.,":
        end += 1
    return made[:end].rstrip(".,")
