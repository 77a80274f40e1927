"""The name of an order or of a group of tests → whether its results are of another specimen than serum or plasma.

The words are those of `knowledge/groups.toml`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from labinterp._data import knowledge
from labinterp.reading.times import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 200
_EASTERN: Final = "\u2e80"
"""Scripts without blanks between words come behind it."""


def _words(text: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in fold(text)).split())


@functools.cache
def _phrases(kind: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_words, knowledge("groups.toml")[kind])))


def _has(text: str, phrases: Iterable[str]) -> bool:
    return any(phrase in text if phrase >= _EASTERN else f" {phrase} " in f" {text} " for phrase in phrases)


@functools.lru_cache(maxsize=4096)
def _is_other_fluid(name: str) -> bool:
    text = _words(name)
    return _has(text, _phrases("fluids")) and not (_has(text, _phrases("blood")) and "whole blood" not in text)


def other_fluid(name: Any) -> str | None:
    """Return a name whose tests are of another specimen than serum or plasma; None for any other name.

    Example:
        >>> other_fluid("Urine electrolytes"), other_fluid("Metabolic panel"), other_fluid("Blood and urine")
        ('Urine electrolytes', None, None)
    """
    return name if isinstance(name, str) and len(name) <= _LONGEST and _is_other_fluid(name) else None
