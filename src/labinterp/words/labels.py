"""Codes → the words in which people are shown them; the words are data, in `labels.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labinterp._data import words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def tables() -> Mapping[str, Mapping[str, Any]]:
    """Return every table of words."""
    return words("labels.toml")


def word(table: str, code: str | None) -> str:
    """Return the word for a code; a code without one is shown as it is, with spaces.

    Example:
        >>> word("level", "borderline_low"), word("support", "some_new_code"), word("flag", None)
        ('borderline low', 'some new code', '')
    """
    if code is None:
        return ""
    return str(tables()[table].get(code, spaced(code)))


def spaced(code: str) -> str:
    """Return a code with spaces in place of underscores."""
    return code.replace("_", " ")


def known(table: str, code: str | None) -> str:
    """Return a code that has a word, else `unknown`: what may become the name of a style."""
    return code if code is not None and code in tables()[table] else "unknown"


def on_limit(flag: str | None, level: str | None, notes: Collection[str]) -> str:
    """Return on which side a value counts that lies on a limit, nothing where it lies on none.

    Example:
        >>> on_limit("N", "normal", ("near_limit",)), on_limit("N", "normal", ())
        ('the value lies on a limit, where it counts as normal', '')
    """
    if flag is None or "near_limit" not in notes:
        return ""
    return word("limit", "on").format(level=word("level", level))
