"""Which of an Observation's reference ranges holds for the patient, if one does without doubt."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.messages.fhir_in import Node, codings, words
from labinterp.reading import values
from labinterp.reading.naming import unit_name
from labinterp.reading.reported_range import UNUSABLE, Ends, ends_of_text, same_unit
from labinterp.reading.times import read_time

if TYPE_CHECKING:
    import datetime as dt

_UCUM: Final = frozenset({"http://unitsofmeasure.org", "https://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8"})
_DAYS_PER: Final = {"wk": 7, "d": 1}
_MONTHS_PER: Final = {"a": 12, "mo": 1}
_AGE_UNITS: Final = {"year": "a", "years": "a", "yr": "a", "a": "a", "month": "mo", "months": "mo", "mo": "mo",
                     "week": "wk", "weeks": "wk", "wk": "wk", "day": "d", "days": "d", "d": "d"}  # fmt: skip


@attrs.frozen
class Person:
    """What decides whether a range applies.

    Args:
        sex: `"female"`, `"male"` or None.
        birth: date of birth.
        when: when the specimen was taken.
    """

    sex: str | None = attrs.field(repr=False)
    birth: dt.datetime | None = attrs.field(repr=False)
    when: dt.datetime | None = attrs.field(repr=False)


def unit_of(quantity: Node) -> tuple[str | None, bool]:
    """Return the unit of a Quantity, and whether its code and its text name different units.

    The code decides where it is a UCUM code.
    """
    code, unit = quantity.text("code"), quantity.text("unit")
    if quantity.text("system") in _UCUM:
        return unit_name(code, (unit,))
    return unit or code, False


def choose(ranges: list[Node], person: Person, unit: str | None) -> Ends:
    """Return the two ends of the only range that fits the patient.

    Ranges of another type than `normal` are not looked at. Where none or several remain, or where it is not known
    whether one applies, the lower end is `UNUSABLE`, so that the interpretation says so.
    """
    normal = [found for found in ranges if _is_normal(found)]
    left = [(found, fits) for found in normal if (fits := _fits(found, person)) is not False]
    ends = {_ends(found, unit) if fits else (UNUSABLE, None) for found, fits in left}
    if len(ends) == 1:
        return ends.pop()
    return (UNUSABLE, None) if normal else (None, None)


def _is_normal(found: Node) -> bool:
    kind = found.child("type")
    if kind is None:
        return True
    codes = [code for _, code, _ in codings(kind) if code]
    return "normal" in codes if codes else (kind.text("text") or "").casefold() in ("normal", "normal range")


def _fits(found: Node, person: Person) -> bool | None:
    """Return whether a range applies to the patient; None where that is not known."""
    answers = [_applies(concept, person) for concept in found.children("appliesTo")]
    age = found.child("age")
    if age is not None:
        answers.append(_has_age(age, person))
    if False in answers:
        return False
    return None if None in answers else True


def _applies(concept: Node, person: Person) -> bool | None:
    said = {word.casefold() for word in words(concept)}
    sexes = {"female", "male"} & said
    if len(sexes) != 1 or person.sex is None:
        return None
    return person.sex in sexes


def _has_age(span: Node, person: Person) -> bool | None:
    answers: list[bool | None] = []
    for key in ("low", "high"):
        end = span.child(key)
        if end is None:
            continue
        limit = values.parse(end.data.get("value")).number
        unit = _AGE_UNITS.get((end.text("code") or end.text("unit") or "").casefold())
        age = _completed(person, unit) if unit else None
        if limit is None or age is None:
            answers.append(None)
        else:
            answers.append(age >= limit if key == "low" else age <= limit)
    if False in answers:
        return False
    return None if None in answers or not answers else True


def _completed(person: Person, unit: str) -> int | None:
    """Return the age in completed years, months, weeks or days."""
    birth, when = person.birth, person.when
    if birth is None or when is None or when < birth:
        return None
    if unit in _DAYS_PER:
        return (when - birth).days // _DAYS_PER[unit]
    months = (when.year - birth.year) * 12 + when.month - birth.month - (when.day < birth.day)
    return months // _MONTHS_PER[unit]


def _ends(found: Node, unit: str | None) -> Ends:
    low, high = found.child("low"), found.child("high")
    if low is None and high is None:
        text = found.text("text")
        return (None, None) if text is None else ends_of_text(text, unit)
    ends: list[Any] = []
    for quantity in (low, high):
        if quantity is None:
            ends.append(None)
            continue
        number = quantity.data.get("value")
        if (
            isinstance(number, bool)
            or not isinstance(number, int | float | str | Decimal)
            or quantity.text("comparator")
        ):
            return UNUSABLE, None
        if not same_unit(unit_of(quantity)[0], unit):
            return UNUSABLE, None
        ends.append(number)
    return ends[0], ends[1]


def day(date: dt.date | str | None) -> dt.datetime | None:
    """Return a full date; a year or a month alone is none."""
    return read_time(date) if date else None
