"""Which of an Observation's reference ranges holds for the patient, if one does without doubt."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.codes import COMPARATORS
from labinterp.messages.fhir_in import JsonNode, words
from labinterp.messages.ranges import NO_RANGE, NO_USE, SentRange, of_text, undecided
from labinterp.reading import demographics, values
from labinterp.reading.naming import is_ucum, unit_name
from labinterp.reading.reported_range import same_unit
from labinterp.reading.times import read_time

if TYPE_CHECKING:
    import datetime as dt

_NORMAL: Final = frozenset(
    {"normal", "normal range", "normal reference range", "reference", "reference range", "reference interval"}
)
_OTHER_TYPES: Final = frozenset(
    {"recommended", "treatment", "therapeutic", "critical", "absolute", "pre", "post", "endocrine", "pre-puberty",
     "follicular", "midcycle", "luteal", "postmenopausal"}
)  # fmt: skip
"""Types of range, of FHIR's `referencerange-meaning` and like it, that do not say what is normal for anyone."""
_OTHER_IN_TEXT: Final = frozenset({"critical", "panic", "alert", "therapeutic", "treatment", "toxic", "target"})
_WORD: Final = re.compile(r"[^\W\d_]+")
_SEXES: Final = {"248152002": "female", "248153007": "male"}
"""Codes of SNOMED CT."""
_DAYS_PER: Final = {"wk": 7, "d": 1}
_MONTHS_PER: Final = {"a": 12, "mo": 1}
_AGE_UNITS: Final = {"year": "a", "years": "a", "yr": "a", "a": "a", "month": "mo", "months": "mo", "mo": "mo",
                     "week": "wk", "weeks": "wk", "wk": "wk", "day": "d", "days": "d", "d": "d"}  # fmt: skip


@attrs.frozen
class Subject:
    """What decides whether a range applies.

    Args:
        sex: `"female"`, `"male"` or None.
        birth: date of birth.
        when: when the specimen was taken.
    """

    sex: str | None = attrs.field(repr=False)
    birth: dt.datetime | None = attrs.field(repr=False)
    when: dt.datetime | None = attrs.field(repr=False)


def unit_of(quantity: JsonNode) -> tuple[str | None, bool]:
    """Return the unit of a Quantity, and whether its code and its text name different units.

    The code decides where it is a UCUM code.
    """
    code, unit = quantity.text("code"), quantity.text("unit")
    return unit_name(code if is_ucum(quantity.name("system")) else None, (unit, code))


def choose(ranges: list[JsonNode], person: Subject, unit: str | None) -> SentRange:
    """Return the two ends, or the text, of the only range that fits the patient.

    Ranges of another type than `normal` are not looked at. Where none or several remain, or where it is not known
    whether one applies, the lower end is `UNUSABLE`, so that the interpretation says so.
    """
    normal = [(found, kind) for found in ranges if (kind := _is_normal(found)) is not False]
    left = [(found, kind and fits) for found, kind in normal if (fits := _fits(found, person)) is not False]
    ends = dict.fromkeys(_ends(found, unit) for found, _ in left)
    if len(ends) == 1 and all(fits for _, fits in left):
        return next(iter(ends))
    return undecided(ends) if normal else NO_RANGE


def _is_normal(found: JsonNode) -> bool | None:
    """Return whether a range says what is normal; None where its type, DSTU2's `meaning`, is not known.

    A range without a type is one of normal, unless its text begins by calling it another.
    """
    kind = found.child("type") or found.child("meaning")
    if kind is None:
        first = _WORD.search((found.text("text") or "").casefold())
        return None if first is not None and first[0] in _OTHER_IN_TEXT else True
    said = {word.casefold() for word in words(kind)}
    if said & _NORMAL:
        return True
    return False if said & _OTHER_TYPES else None


def _fits(found: JsonNode, person: Subject) -> bool | None:
    """Return whether a range applies to the patient; None where that is not known."""
    answers = [_applies(concept, person) for concept in found.children("appliesTo")]
    age = found.child("age")
    if age is not None:
        answers.append(_has_age(age, person))
    if False in answers:
        return False
    return None if None in answers else True


def _applies(concept: JsonNode, person: Subject) -> bool | None:
    said = (
        _SEXES.get(word) or demographics.read_sex(word)
        for word in words(concept)
        if word in _SEXES or not word.isdigit()
    )
    sexes = {sex for sex in said if sex is not None}
    if len(sexes) != 1 or person.sex is None:
        return None
    return sexes == {person.sex}


def _has_age(span: JsonNode, person: Subject) -> bool | None:
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


def _completed(person: Subject, unit: str) -> int | None:
    """Return the age in completed years, months, weeks or days."""
    birth, when = person.birth, person.when
    if birth is None or when is None or when < birth:
        return None
    if unit in _DAYS_PER:
        return (when - birth).days // _DAYS_PER[unit]
    months = (when.year - birth.year) * 12 + when.month - birth.month - (when.day < birth.day)
    return months // _MONTHS_PER[unit]


def _ends(found: JsonNode, unit: str | None) -> SentRange:
    ends = {key: end for key in ("low", "high") if (end := found.child(key)) is not None}
    known = {key: end for key, end in ends.items() if end.data.get("value") is not None}
    if not known:
        text = found.text("text")
        return of_text(text, unit) if text or not ends else NO_USE
    read: dict[str, Any] = {}
    for key, quantity in known.items():
        side, end = _end(quantity, key, unit)
        if end is None or side in read:
            return NO_USE
        read[side] = end
    return read.get("low"), read.get("high"), None


def _end(quantity: JsonNode, key: str, unit: str | None) -> tuple[str, Any]:
    """Return on which side of the range an end lies, as its comparator says, and the end; None where it has no use."""
    number, comparator = quantity.data.get("value"), quantity.text("comparator")
    if isinstance(number, bool) or not isinstance(number, int | float | str | Decimal):
        return key, None
    spelled, conflict = unit_of(quantity)
    if conflict or not same_unit(spelled, unit):
        return key, None
    if comparator is None:
        return key, number
    if comparator not in COMPARATORS or not isinstance(number, int | float | Decimal):
        return key, None
    side = "high" if comparator.startswith("<") else "low"
    return side, number if comparator.endswith("=") else f"{comparator}{number}"


def day(date: dt.date | str | None) -> dt.datetime | None:
    """Return a full date; a year or a month alone is none."""
    return read_time(date) if date else None
