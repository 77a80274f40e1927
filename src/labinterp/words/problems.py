"""Why results could not be interpreted and what to do, in words; the words are data, in `problems.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp._data import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE = "problems.toml"
AGE_UNKNOWN = "age_unknown"
"""The reason for having no range that only asks for the age."""


def problems() -> Mapping[str, Mapping[str, str]]:
    """Return code → its words."""
    found: Mapping[str, Mapping[str, str]] = words(FILE)["problem"]
    return found


def reasons() -> Mapping[str, Mapping[str, str]]:
    """Return why there is no range → the words of that."""
    found: Mapping[str, Mapping[str, str]] = words(FILE)["reason"]
    return found


def as_typed(text: str) -> str:
    """Return the suggestion of a report in the words of the command line; one that is not known as it is.

    Example:
        >>> as_typed(suggestion("missing_unit"))
        'Send the unit, or say it for the whole file with --default-unit ANALYTE=UNIT'
    """
    every = (*problems().values(), *reasons().values())
    return next((said["typed"] for said in every if "typed" in said and said["suggestion"] == text), text)


def message(code: str, reason: str | None = None) -> str:
    """Return what is wrong.

    Args:
        code: of the problem.
        reason: why there is no range or no value, where that is known.

    Example:
        >>> message("missing_value")
        'the result has no value'
        >>> message("no_reference_range", "no_categories")
        'the chosen ranges deliberately have no categories for this analyte'
    """
    return reasons().get(reason or "", {}).get("message", problems()[code]["message"])


def why_missing(code: str, notes: Iterable[str]) -> str | None:
    """Return the reason for having no value, where the notes of a result say it.

    Example:
        >>> why_missing("missing_value", ("unit_cleaned", "cancelled")), why_missing("missing_unit", ("cancelled",))
        ('cancelled', None)
    """
    return next((note for note in notes if note in reasons()), None) if code == "missing_value" else None


def suggestion(code: str, reason: str | None = None, *, typed: bool = False) -> str:
    """Return what to do.

    Args:
        code: of the problem.
        reason: why there is no range or no value, where that is known.
        typed: in the words of the command line.

    Example:
        >>> suggestion("ambiguous_number"), suggestion("ambiguous_number", typed=True)
        ("Say which with decimal=',' or decimal='.'", "Say which with '--decimal ,' or '--decimal .'")
    """
    said = {**problems()[code], **reasons().get(reason or "", {})}
    return said.get("typed", said["suggestion"]) if typed else said["suggestion"]
