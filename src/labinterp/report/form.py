"""The page on which people enter results: one form, no script, and nothing loaded from anywhere."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp import reasoning
from labinterp._data import knowledge
from labinterp.ranges import shipped
from labinterp.reading import analytes
from labinterp.report import pages
from labinterp.words.faces import line, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROWS: Final = 8
_OFFERED: Final = ("magnesium", "calcium", "albumin", "vitamin_d", "vitamin_b12", "homocysteine")
"""The tests that the rows begin with."""
_SHEET: Final = "form.css"
_OPEN: Final = "open"
"""The key of the choice that sends nothing."""


@attrs.frozen
class TypedResult:
    """A result as it was typed."""

    test: str = ""
    value: str = attrs.field(default="", repr=False)
    unit: str = ""


@attrs.frozen
class Typed:
    """What was entered, to be shown again where it cannot be used.

    Args:
        results: pasted text.
        rows: typed results.
        age: as typed.
        sex: as chosen.
        pregnancy: as chosen.
        symptoms: keys.
        triggers: keys.
        course: as chosen.
        profile: of reference ranges; as the service is set up if empty.
        decimal: sign, if one was chosen.
        date_order: if one was chosen.
        assume_adult: whether adult ranges hold where no age is given.
    """

    results: str = attrs.field(default="", repr=False)
    rows: tuple[TypedResult, ...] = attrs.field(default=(), repr=False)
    age: str = attrs.field(default="", repr=False)
    sex: str = attrs.field(default="", repr=False)
    pregnancy: str = attrs.field(default="", repr=False)
    symptoms: tuple[str, ...] = attrs.field(default=(), repr=False)
    triggers: tuple[str, ...] = attrs.field(default=(), repr=False)
    course: str = ""
    profile: str = ""
    decimal: str = ""
    date_order: str = ""
    assume_adult: bool = False


@attrs.frozen
class FormFault:
    """What is wrong, in the words of the library.

    Args:
        text: what is wrong.
        hint: what to do.
        field: where, as the id of a part of the form.
    """

    text: str
    hint: str = ""
    field: str = "results"


def render(typed: Typed | None = None, fault: FormFault | None = None, *, standard: str = "") -> str:
    """Return the page.

    Args:
        typed: what it holds; empty if not given.
        fault: what was wrong with it.
        standard: the reference ranges that hold where no others are chosen.

    Raises:
        MissingExtraError: if jinja2 is not installed (extra `report`).

    Example:
        >>> page = render(fault=FormFault("There are no results yet"))
        >>> page.count('type="submit"'), "There are no results yet" in page
        (1, True)
    """
    given = Typed() if typed is None else typed
    rows = given.rows or tuple(map(TypedResult, _OFFERED))
    given = attrs.evolve(given, rows=(*rows, *(TypedResult() for _ in range(ROWS - len(rows)))))
    return pages.draw(
        "form.html",
        line("title", "form"),
        {"typed": given, "fault": fault, **_choices(), "profiles": _profiles(standard)},
    )


def policy() -> str:
    """Return the content policy: our two style sheets, and a form that goes back to where it came from."""
    hashes = " ".join(pages.style_hash(style) for style in (pages.style(), pages.style(_SHEET)))
    return f"default-src 'none'; style-src {hashes}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


@functools.cache
def _choices() -> Mapping[str, Any]:
    known = analytes.analytes()
    units = dict.fromkeys(unit for analyte in known.values() for unit in analyte.units)
    return {
        "tests": [("", line("form", "choose")), *((key, analyte.title) for key, analyte in known.items())],
        "units": [
            ("", line("form", "choose")),
            *((unit, _unit(unit)) for unit in sorted(units, key=str.casefold)),
        ],
        "sexes": _named(lines("form_sex").items()),
        "pregnancies": _named(lines("form_pregnancy").items()),
        "decimals": _named(lines("form_decimal").items()),
        "date_orders": _named(lines("form_dates").items()),
        "symptoms": _told("symptom"),
        "triggers": _told("trigger"),
        "courses": [("", line("form_course", _OPEN)), *_told("course")],
        "disclaimer": reasoning.guidance().disclaimer,
        "form_style": pages.drawing(pages.style(_SHEET)),
    }


def _named(choices: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return [("" if key == _OPEN else key, text) for key, text in choices]


def _unit(unit: str) -> str:
    """Return a unit as people write it."""
    return f"\N{MICRO SIGN}{unit[1:]}" if unit.startswith("u") else unit.replace("meq", "mEq")


def _told(kind: str) -> Sequence[tuple[str, str]]:
    return [(item["id"], item["title"]) for item in knowledge("symptoms.toml")[kind]]


def _profiles(standard: str) -> list[tuple[str, str]]:
    profiles = shipped().profiles()
    title = profiles[standard].title if standard in profiles else standard
    offered = [(key, profile.title) for key, profile in profiles.items() if key != standard]
    return [("", line("form", "set_up", title=title) if title else line("form", "set_up_here")), *offered]
