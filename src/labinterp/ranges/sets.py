"""What a user's `ranges=` and `grading=` come to."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labinterp.errors import ReferenceSetError, ReferenceSetNotFound
from labinterp.ranges import severity
from labinterp.ranges.library import PROFILES, Library, load_edition, shipped
from labinterp.ranges.model import Edition
from labinterp.ranges.reader import nearest, shown
from labinterp.ranges.select import ReferenceSet

_NAME = re.compile(r"([^@]{1,200})(?:@(.{1,20}))?", re.DOTALL)


def _day(on: dt.date | str | None) -> dt.date | None:
    if isinstance(on, dt.datetime) and on == on:  # noqa: PLR0124 - NaT differs from itself
        return on.date()
    if on is None or (isinstance(on, dt.date) and not isinstance(on, dt.datetime)):
        return on
    if isinstance(on, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", on):
        try:
            return dt.date.fromisoformat(on)
        except ValueError:
            raise ReferenceSetNotFound(f"the date {on} does not exist", hint="Write a date as 2020-01-31") from None
    raise ReferenceSetNotFound(f"expected a date, got {shown(on)}", hint="Write a date as 2020-01-31")


def reference_set(spec: Any, on: dt.date | str | None = None, *, library: Library | None = None) -> ReferenceSet:
    """Return the reference set that a `ranges=` argument names.

    Args:
        spec: a profile (`"us"`), one at a date (`"us@2020-01-01"`), an edition id, the path of a TOML file (a text
            that ends in `.toml`, or a `Path`), a `ReferenceSet`, or a list of these in order of priority.
        on: the day on which profiles and editions are wanted; the same as `@date`.
        library: where names are looked up; the shipped editions unless said otherwise.

    Raises:
        ReferenceSetNotFound: if there is no profile, edition or file of that name.
        ReferenceSetError: if a file has faults, or a descriptive edition stands among others.

    Example:
        >>> [edition.id for edition in reference_set("nice-ng239/2024").editions]
        ['nice-ng239/2024']
        >>> reference_set([]).editions
        ()
    """
    if isinstance(spec, ReferenceSet):
        return spec
    library = library or shipped()
    if isinstance(spec, Path):
        edition = load_edition(spec)
        return ReferenceSet(edition.id, (edition,))
    if isinstance(spec, str):
        return _named(spec, _day(on), library)
    if not isinstance(spec, Sequence) or isinstance(spec, (bytes, bytearray)):
        raise ReferenceSetNotFound(
            f"ranges cannot be of type {type(spec).__name__}",
            hint="Give a profile name, an edition id, the path of a TOML file, or a list of these",
        )
    if any(isinstance(part, Sequence) and not isinstance(part, str) for part in spec):
        raise ReferenceSetNotFound("ranges holds a list inside a list", hint="Give one list, in order of priority")
    parts = [reference_set(part, on, library=library) for part in spec]
    editions = tuple(dict.fromkeys(edition for part in parts for edition in part.editions))
    if len(editions) > 1:
        _refuse_descriptive(editions)
    return ReferenceSet("+".join(dict.fromkeys(part.id for part in parts)) or "none", editions)


def _named(spec: str, on: dt.date | None, library: Library) -> ReferenceSet:
    if spec.endswith(".toml"):
        edition = load_edition(spec)
        return ReferenceSet(edition.id, (edition,))
    found = _NAME.fullmatch(spec)
    if found is None:
        raise ReferenceSetNotFound(f"there is no profile or edition {shown(spec)}", name=spec[:200])
    name, day = found[1], _day(found[2]) or on
    label = f"{name}@{day}" if day else name
    if "/" in name and name in library.ids():
        edition_at = library.at(name, day) if day else library.edition(name)
        return ReferenceSet(label, () if edition_at is None else (edition_at,))
    profiles = library.profiles()
    if name not in profiles:
        known = nearest(name, (*profiles, *library.ids()))
        raise ReferenceSetNotFound(f"there is no profile or edition {shown(name)}{known}", name=name)
    members = [member.id for member in profiles[name].editions]
    at = [library.at(member, day) if day else library.edition(member) for member in members]
    editions = tuple(dict.fromkeys(edition for edition in at if edition is not None))
    _refuse_descriptive(editions)
    profile = ReferenceSet(label, editions)
    if day is None:
        _refuse_unsaid_severity(profile, library)
    return profile


def _refuse_unsaid_severity(profile: ReferenceSet, library: Library) -> None:
    """Refuse a profile without severity, or with bands of severity that contradict its intervals."""
    place = f"{PROFILES}: profile[{list(library.profiles()).index(profile.id) + 1}].editions (in {profile.id})"
    faults = library.once(f"severity:{profile.id}", lambda: severity.faults(profile, place))
    if faults:
        raise ReferenceSetError.from_faults(faults)


def _refuse_descriptive(editions: tuple[Edition, ...]) -> None:
    faults = tuple(
        f"{edition.id}: its ranges are descriptive and cannot decide what is normal beside other editions"
        for edition in editions
        if edition.use == "descriptive"
    )
    if faults:
        raise ReferenceSetError.from_faults(faults)


def reference_sets(*, on: dt.date | str | None = None, library: Library | None = None) -> tuple[ReferenceSet, ...]:
    """Return the profiles, and each edition of ranges as a set of its own.

    Args:
        on: the day on which they are to be in force; without it, the ones that are current by their own status.
        library: where to look; the shipped editions unless said otherwise.

    Example:
        >>> [found.id for found in reference_sets() if "/" not in found.id][:2]
        ['us', 'uk']
    """
    library = library or shipped()
    day = _day(on)
    found: list[ReferenceSet] = []
    for name in library.profiles():
        try:
            found.append(_named(name, day, library))
        except ReferenceSetError:
            continue  # a broken edition is logged below and loses no other profile
    editions = library.editions()
    in_force = [edition for edition in editions if (edition.in_force(day) if day else edition.status == "current")]
    replaced = {edition.supersedes for edition in in_force}
    found.extend(
        ReferenceSet(f"{edition.id}@{day}" if day else edition.id, (edition,))
        for edition in in_force
        if (edition.entries or edition.no_categories) and edition.id not in replaced
    )
    return tuple(item for item in found if item.editions)


def grading(spec: str, *, library: Library | None = None) -> Edition:
    """Return the edition of a severity grading.

    Args:
        spec: such as `"ctcae/5.0"`, or the path of a TOML file with grades.
        library: where names are looked up; the shipped editions unless said otherwise.

    Raises:
        ReferenceSetNotFound: if there is no grading of that name.

    Example:
        >>> grading("ctcae/5.0").grades[0].term
        'Hypomagnesemia'
    """
    if isinstance(spec, Edition):
        return spec
    found = reference_set(spec, library=library).editions
    if len(found) != 1 or not found[0].grades:
        editions = (library or shipped()).editions()
        known = ", ".join(edition.id for edition in editions if edition.grades and edition.extends is None)
        raise ReferenceSetNotFound(f"{shown(spec)} is no grading", name=str(spec), hint=f"Gradings are {known}")
    return found[0]


def gradings(spec: str, *, library: Library | None = None) -> ReferenceSet:
    """Return the edition of a severity grading and those that add terms to it.

    Args:
        spec: as in `grading`.
        library: as in `grading`.

    Raises:
        ReferenceSetNotFound: if there is no grading of that name.

    Example:
        >>> [edition.id for edition in gradings("ctcae/5.0").editions]
        ['ctcae/5.0', 'ctcae/5.0-supporting']
    """
    first = grading(spec, library=library)
    more = (edition for edition in (library or shipped()).editions() if edition.extends == first.id)
    return ReferenceSet(first.id, (first, *more))
