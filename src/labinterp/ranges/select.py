"""Which entries of which edition hold for a patient."""

from __future__ import annotations

import functools
import re
from fractions import Fraction
from typing import TYPE_CHECKING

import attrs

from labinterp._data import knowledge
from labinterp.markup import table
from labinterp.ranges.checks import beats
from labinterp.ranges.model import (
    ADULT,
    NOT_PREGNANT,
    PREGNANCIES,
    SEXES,
    TRIMESTERS,
    Edition,
    Entry,
    Selection,
    Who,
    age_breaks,
)
from labinterp.ranges.schema import OUTER_KINDS
from labinterp.reading.demographics import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

CRITICAL = "critical_limit"
SEVERITY = "severity"
SEVERE_LEVELS = ("very_low", "very_high")


@attrs.frozen(cache_hash=True)
class ReferenceSet:
    """Editions in order of priority: what `ranges=` comes to.

    Args:
        id: profile name, edition id, or several joined by `+`; with `@date` where a day was asked for.
        editions: the first one with an entry for an analyte and patient answers.

    Example:
        >>> from labinterp.ranges import reference_set
        >>> reference_set("uk").select("vitamin_b12", Who(age=(40, 41))).edition_id
        'nice-ng239/2024'
    """

    id: str
    editions: tuple[Edition, ...] = ()

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the editions in order of priority."""
        rows = [(edition.id, edition.title, str(len(edition.entries))) for edition in self.editions]
        return f"<div>{table(('Edition', 'Title', 'Ranges'), rows)}</div>"

    def select(self, analyte: str, who: Who, method: str | None = None) -> Selection:
        """Return the entries that decide what is normal for this analyte and patient.

        Args:
            analyte: analyte key.
            who: what is known of the patient; every possibility that the unknown leaves open is considered.
            method: the assay, where it is known; an entry bound to another one is passed over.

        Returns:
            The entries of the first edition that covers every possibility, or why none does.

        Example:
            >>> from labinterp.ranges import reference_set
            >>> reference_set("us").select("magnesium", Who(age=(40, 41))).edition_id
            'abim/2026-01b'
        """
        reasons: dict[str, list[str]] = {}
        for edition in self.editions:
            every = deciding(edition, analyte)
            entries = tuple(entry for entry in every if fits_method(entry, method))
            if every and not entries:
                reasons.setdefault("other_method", []).append(edition.id)
            elif entries:
                found, uncovered = _of_every_method(entries, who)
                if found and not uncovered:
                    return Selection(edition.id, found, covered=True)
                reason = "age_unknown" if who.age is None and _by_age_alone(entries, who) else "no_entry"
                reasons.setdefault(reason, []).append(edition.id)
            else:
                for none in edition.no_categories:
                    if none.analyte == analyte:
                        reasons.setdefault("no_categories", []).append(f"{edition.id}: {none.reason}")
        return _refusal(reasons, who)

    def select_or_related(self, analyte: str, who: Who, method: str | None = None) -> Selection:
        """Return what `select` does, or where there is nothing the entries of the nearest relative, named in `related`.

        Adjusted and total calcium stand in for each other: adjusted calcium is scaled to agree with total calcium at
        the reference albumin.

        Args:
            analyte: analyte key.
            who: what is known of the patient.
            method: the assay, where it is known.

        Example:
            >>> from labinterp.ranges import reference_set
            >>> reference_set("uk").select_or_related("calcium", Who(age=(40, 41))).related
            'calcium_adjusted'
        """
        selection = self.select(analyte, who, method)
        related = None if selection.covered else related_analyte(analyte)
        if related is None:
            return selection
        found = self.select(related, who, method)
        return attrs.evolve(found, related=related) if found.covered else selection

    def critical(self, analyte: str, who: Who) -> tuple[Entry, ...]:
        """Return every critical limit of every edition that may apply to this analyte and patient.

        Args:
            analyte: analyte key.
            who: what is known of the patient.

        Example:
            >>> from labinterp.ranges import reference_set
            >>> found = reference_set("mayo/critical").critical("calcium", Who(age=(40, 41)))
            >>> {entry.kind for entry in found}
            {'critical_limit'}
        """
        found: list[Entry] = []
        for edition in self.editions:
            places: dict[str | None, list[Entry]] = {}
            for entry in edition.entries:
                if entry.kind == CRITICAL and entry.analyte == analyte:
                    places.setdefault(entry.place, []).append(entry)
            for entries in places.values():
                found.extend(select_entries(tuple(entries), who)[0])
        return tuple(found)

    def severity(self, analyte: str, who: Who) -> dict[str, tuple[Entry, ...]]:
        """Return the entries that say from where on a result is severe: level, `very_low` or `very_high` → entries.

        For each level the first edition that speaks of the analyte and of any patient that this one may be answers.

        Args:
            analyte: analyte key.
            who: what is known of the patient.

        Example:
            >>> from labinterp.ranges import reference_set
            >>> list(reference_set("us").severity("magnesium", Who(age=(40, 41))))
            ['very_low', 'very_high']
        """
        return {
            level: found
            for level in SEVERE_LEVELS
            if (found := next(filter(None, (_severe(edition, analyte, level, who) for edition in self.editions)), ()))
        }

    def age_breaks(self, analyte: str | None = None) -> tuple[Fraction, ...]:
        """Return the ages in years at which any partition begins or ends, rising; for binning ages.

        Args:
            analyte: analyte key; None for all of them.

        Example:
            >>> from labinterp.ranges import reference_set
            >>> float(max(reference_set("us").age_breaks("magnesium")))
            18.0
        """
        return tuple(sorted({age for edition in self.editions for age in edition.age_breaks(analyte)}))


@functools.lru_cache(maxsize=4096)
def deciding(edition: Edition, analyte: str) -> tuple[Entry, ...]:
    """Return the entries of an edition that can decide what is normal: no critical limits, no severity."""
    return tuple(entry for entry in edition.entries if entry.analyte == analyte and entry.kind not in OUTER_KINDS)


def _severe(edition: Edition, analyte: str, level: str, who: Who) -> tuple[Entry, ...]:
    entries = tuple(
        entry
        for entry in edition.entries
        if entry.kind == SEVERITY and entry.analyte == analyte and any(band.level == level for band in entry.bands)
    )
    return select_entries(entries, who)[0] if entries else ()


def related_analyte(analyte: str) -> str | None:
    """Return the analyte whose range stands in where this one has none.

    Example:
        >>> related_analyte("calcium_adjusted"), related_analyte("magnesium")
        ('calcium', None)
    """
    related: str | None = knowledge("comparison.toml")["range_fallback"].get(analyte)
    return related


def fits_method(entry: Entry, method: str | None) -> bool:
    """Return whether an entry holds for results of an assay: it is bound to none, to this one, or the assay is unknown.

    Names are compared without case and punctuation, and one may be a part of the other.
    """
    if entry.method is None or method is None:
        return True
    bound, given = (re.sub(r"[^a-z0-9]", "", name.casefold()) for name in (entry.method, method))
    return not given or bound in given or given in bound


def grades_for(edition: Edition, analyte: str, who: Who, *, baseline: bool = False) -> tuple[Entry, ...]:
    """Return the entries of a grading that may apply to this analyte and patient.

    There is at most one per direction if age, sex and pregnancy are known.

    Args:
        edition: of the grading.
        analyte: analyte key.
        who: what is known of the patient.
        baseline: whether those are wanted that compare with the patient's baseline, instead of the others.
    """
    found: list[Entry] = []
    for direction in ("low", "high"):
        entries = tuple(
            entry
            for entry in edition.grades
            if entry.analyte == analyte and entry.direction == direction and entry.against_baseline == baseline
        )
        found.extend(select_entries(entries, who)[0])
    return tuple(found)


def select_entries(entries: tuple[Entry, ...], who: Who, *, some_ages: bool = False) -> tuple[tuple[Entry, ...], bool]:
    """Return the most specific entry of every possibility, and whether a possibility that counts has none.

    Args:
        entries: of one edition and analyte, free of overlaps.
        who: what is known of the patient.
        some_ages: whether ages without any entry are passed over, as they are where an adult is assumed.
    """
    found: dict[Entry, None] = {}
    uncovered = False
    some_ages = some_ages or (who.age is None and who.assume_adult)
    for age in _ages(entries, who):
        best = {case: _best(entries, age, case[0], case[1]) for case in _possibilities(who)}
        found.update((entry, None) for entry in best.values() if entry is not None)
        none_needed = some_ages and not any(best.values())
        uncovered = uncovered or (not none_needed and any(case[2] and entry is None for case, entry in best.items()))
    return tuple(entry for entry in entries if entry in found), uncovered


def _of_every_method(entries: tuple[Entry, ...], who: Who) -> tuple[tuple[Entry, ...], bool]:
    """Return what `select_entries` does for each assay that the entries are bound to: an unknown one may be any."""
    methods = tuple(dict.fromkeys(entry.method for entry in entries if entry.method is not None))
    parts = [
        select_entries(tuple(entry for entry in entries if entry.method in (None, method)), who)
        for method in (methods or (None,))
    ]
    found = {entry for part, _ in parts for entry in part}
    return tuple(entry for entry in entries if entry in found), any(uncovered for _, uncovered in parts)


def _by_age_alone(entries: tuple[Entry, ...], who: Who) -> bool:
    found, uncovered = select_entries(entries, who, some_ages=True)
    return bool(found) and not uncovered


def _best(entries: Iterable[Entry], age: Fraction, sex: str, pregnancy: str) -> Entry | None:
    best = None
    for entry in entries:
        if entry.partition.holds(age, sex, pregnancy) and (best is None or beats(entry.partition, best.partition)):
            best = entry
    return best


def _ages(entries: tuple[Entry, ...], who: Who) -> list[Fraction]:
    """Return one age out of each span within which no partition begins or ends."""
    low, high = who.age or (ADULT if who.assume_adult else Fraction(0), None)
    if high is not None and high <= low:
        return [low]
    return [low, *(age for age in age_breaks(entries) if low < age and (high is None or age < high))]


@functools.lru_cache(maxsize=256)
def _possible(sex: str | None, pregnancy: str | None) -> tuple[tuple[str, str, bool], ...]:
    if pregnancy == "pregnant":
        return tuple(("female", trimester, True) for trimester in TRIMESTERS)
    if pregnancy == UNREADABLE:
        states = {"female": PREGNANCIES, "male": (NOT_PREGNANT,)}
        return tuple((each, state, True) for each in ((sex,) if sex else SEXES) for state in states[each])
    if pregnancy is not None:
        sexes = (sex,) if sex else (("female",) if pregnancy in TRIMESTERS else SEXES)
        return tuple((each, pregnancy, True) for each in sexes)
    return tuple(
        (each, state, state == NOT_PREGNANT)
        for each in ((sex,) if sex else SEXES)
        for state in (PREGNANCIES if each != "male" else (NOT_PREGNANT,))
    )


def _possibilities(who: Who) -> tuple[tuple[str, str, bool], ...]:
    """Return each possible sex and pregnancy, and whether an entry for it is needed.

    Where nothing is said of a pregnancy, an entry for patients who are not pregnant is enough; where something was said
    that can't be read, it is not.
    """
    return _possible(who.sex, who.pregnancy)


def _refusal(reasons: dict[str, list[str]], who: Who) -> Selection:
    if "age_unknown" in reasons:
        detail = f"{', '.join(reasons['age_unknown'])}: ranges for some ages alone, and the age is unknown"
        return Selection(None, (), covered=False, reason="age_unknown", detail=detail)
    if "no_categories" in reasons:
        detail = "; ".join(reasons["no_categories"])
        return Selection(None, (), covered=False, reason="no_categories", detail=detail)
    if "no_entry" in reasons:
        known = None not in (who.age, who.sex, who.pregnancy)
        what = "this age, sex and pregnancy" if known else "some age, sex or pregnancy that is possible here"
        detail = f"{', '.join(reasons['no_entry'])}: no range for {what}"
    elif "other_method" in reasons:
        detail = f"{', '.join(reasons['other_method'])}: ranges for another method"
        return Selection(None, (), covered=False, reason="other_method", detail=detail)
    else:
        detail = "no edition has a range for this analyte"
    return Selection(None, (), covered=False, reason="no_entry", detail=detail)
