"""Patients cut into cells within which no partition begins or ends, and cells joined again into words."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING

import attrs

from labinterp.ranges.model import AGE_UNITS, NOT_PREGNANT, PREGNANCIES, TRIMESTERS, Who
from labinterp.words import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Kind = tuple[str, str]
KINDS: tuple[Kind, ...] = (*(("female", state) for state in PREGNANCIES), ("male", NOT_PREGNANT))
"""Every sex and state of pregnancy that a patient can have."""

_UNIT_WORDS = {"a": "year", "mo": "month", "wk": "week", "d": "day"}
_JOINED: tuple[tuple[frozenset[Kind], str | None, str | None], ...] = (
    (frozenset(KINDS), None, None),
    (frozenset((("female", NOT_PREGNANT), ("male", NOT_PREGNANT))), None, NOT_PREGNANT),
    (frozenset(("female", state) for state in PREGNANCIES), "female", None),
    (frozenset(("female", state) for state in TRIMESTERS), "female", "pregnant"),
    (frozenset((("male", NOT_PREGNANT),)), "male", None),
    *((frozenset((("female", state),)), "female", state) for state in PREGNANCIES),
)


@attrs.frozen
class Cell:
    """Patients between two neighbouring breaks of age, of one sex and state of pregnancy."""

    age_low: Fraction
    age_high: Fraction | None
    sex: str
    pregnancy: str

    @property
    def who(self) -> Who:
        """Return one patient of the cell, standing for all of them."""
        return Who((self.age_low, self.age_low), self.sex, self.pregnancy)


@attrs.frozen(order=False)
class People:
    """Patients in the reader's terms.

    Args:
        age_low: years, inside.
        age_high: years, no longer inside; nothing if there is no end.
        sex: `female`, `male`, or nothing for both.
        pregnancy: `none`, `pregnant`, a trimester, or nothing for any.
    """

    age_low: Fraction
    age_high: Fraction | None
    sex: str | None
    pregnancy: str | None

    def __str__(self) -> str:
        words = [age_words(self.age_low, self.age_high), self.sex or ""]
        if self.pregnancy == NOT_PREGNANT:
            words.append("not pregnant")
        elif self.pregnancy is not None:
            words = [
                words[0],
                "pregnant",
                *([labels.spaced(self.pregnancy)] if self.pregnancy != "pregnant" else []),
            ]
        return ", ".join(word for word in words if word) or "everybody"


def age_words(low: Fraction, high: Fraction | None) -> str:
    """Return a span of ages in words.

    Example:
        >>> age_words(Fraction(1), Fraction(18)), age_words(Fraction(0), Fraction(28, 1461))
        ('1 year to under 18 years', 'under 1 week')
    """
    if high is None:
        return f"{_one(low)} and over" if low else ""
    return f"{_one(low)} to under {_one(high)}" if low else f"under {_one(high)}"


def in_whole_units(age: Fraction) -> tuple[Fraction, str]:
    """Return an age in the largest unit in which it is a whole number, or in years.

    Example:
        >>> in_whole_units(Fraction(1, 2))
        (Fraction(6, 1), 'mo')
    """
    for unit, years in AGE_UNITS.items():
        if (age / years).denominator == 1:
            return age / years, unit
    return age, "a"


def _one(age: Fraction) -> str:
    count, unit = in_whole_units(age)
    return f"{float(count):g} {_UNIT_WORDS[unit]}{'' if count == 1 else 's'}"


def cells(breaks: Iterable[Fraction]) -> Iterator[Cell]:
    """Return every cell that these breaks of age make."""
    lows = sorted({Fraction(0), *breaks})
    for low, high in itertools.zip_longest(lows, lows[1:]):
        for sex, pregnancy in KINDS:
            yield Cell(low, high, sex, pregnancy)


def joined(found: Iterable[Cell]) -> tuple[People, ...]:
    """Return few groups that together hold exactly these cells."""
    by_age: dict[tuple[Fraction, Fraction | None], set[Kind]] = {}
    for cell in found:
        by_age.setdefault((cell.age_low, cell.age_high), set()).add((cell.sex, cell.pregnancy))
    spans: dict[tuple[str | None, str | None], list[tuple[Fraction, Fraction | None]]] = {}
    for span, kinds in sorted(by_age.items(), key=lambda item: item[0][0]):
        rest = set(kinds)
        for whole, sex, pregnancy in _JOINED:
            if whole <= rest:
                rest -= whole
                _append(spans.setdefault((sex, pregnancy), []), span)
    groups = [People(low, high, sex, state) for (sex, state), ages in spans.items() for low, high in ages]
    return tuple(sorted(groups, key=lambda group: group.age_low))


def _append(spans: list[tuple[Fraction, Fraction | None]], span: tuple[Fraction, Fraction | None]) -> None:
    if spans and spans[-1][1] == span[0]:
        spans[-1] = (spans[-1][0], span[1])
    else:
        spans.append(span)
