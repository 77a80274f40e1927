"""The one grammar of comparators: what `<`, `≥`, `GT`, `menor que` or `未満` beside a number says of it.

Values, tables, ranges and messages all ask here; the signs and words are data, in `knowledge/grammar.toml`.
"""

from __future__ import annotations

import functools
import html
import itertools
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from labinterp._data import knowledge
from labinterp.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNS: Final = ("<", "<=", ">=", ">")
SAME: Final = str.maketrans({**dict.fromkeys("‐‑‒–—―−", "-"), "’": "'", "´": "'", "`": "'"})  # noqa: RUF001 - these are the look-alikes
"""Hyphens and dashes are one, and so are the signs between thousands."""
INVISIBLE: Final = dict.fromkeys(
    map(ord, "\u00ad\ufeff\u200b\u200c\u200d\u200e\u200f\u2066\u2067\u2068\u2069\ufe0e\ufe0f")
)
RAISED_POINT: Final = re.compile("(?<=[0-9])\N{MIDDLE DOT}(?=[0-9])")
"""The decimal point as British journals print it."""
_RAISED: Final = ("<super>", "<sub>", "<fraction>", "<circle>")
_CLUTTER: Final = " :.,\t"
_ENTITY_ROUNDS: Final = 2


def plain(text: str) -> str:
    """Return a text with its entities, look-alikes and white space made plain.

    Example:
        >>> plain("&gt;  2000"), plain("&amp;lt; 5")
        ('> 2000', '< 5')
    """
    text = without_entities(text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(INVISIBLE).translate(SAME)
        text = RAISED_POINT.sub(".", text)
    return " ".join(text.split())


def is_raised(char: str) -> bool:
    """Return whether NFKC would make a digit out of what is none, as in 10⁹, 1½ or ⒈5."""
    if unicodedata.decomposition(char).startswith(_RAISED):
        return True
    made = unicodedata.normalize("NFKC", char)
    return len(made) > 1 and any(map(str.isdigit, made))


def has_raised_digit(text: str) -> bool:
    """Return whether a mark such as that of a footnote would become a digit of the number beside it.

    Example:
        >>> has_raised_digit("5-15¹"), has_raised_digit("5-15 mmol·L⁻¹")
        (True, False)
    """
    if text.isascii():
        return False
    raised = [not char.isascii() and is_raised(char) for char in text]
    digits = [char.isdigit() and not mark for char, mark in zip(text, raised, strict=True)]
    neighbors = itertools.pairwise(zip(raised, digits, strict=True))
    return any(
        (mark and digit_behind) or (digit and mark_behind) for (mark, digit), (mark_behind, digit_behind) in neighbors
    )


def without_entities(text: str) -> str:
    """Return a text with the entities of HTML and XML resolved, those that were escaped twice too."""
    for _ in range(_ENTITY_ROUNDS):
        if "&" in text:
            text = html.unescape(text)
    return text


def key(text: str) -> str:
    """Return a text without entities as words and signs are looked up."""
    return " ".join(text.translate(INVISIBLE).split()).strip(_CLUTTER).casefold()


@functools.cache
def _words(place: str) -> Mapping[str, str | None]:
    """Return sign or word → comparator, None for `=`."""
    found: dict[str, str | None] = {}
    for sign, words in knowledge("grammar.toml")["comparators"][place].items():
        for word in words:
            found.setdefault(key(plain(word)), None if sign == "=" else sign)
    table: Mapping[str, str | None] = frozen(found)
    return table


def before() -> Mapping[str, str | None]:
    """Return the signs and words in front of a number."""
    return _words("before")


def after() -> Mapping[str, str | None]:
    """Return the words behind a number."""
    return _words("after")


@functools.cache
def endings() -> tuple[str, ...]:
    """Return the words behind a number, longest first, so that the longest that fits is found first."""
    return tuple(sorted(after(), key=len, reverse=True))


def is_sign(text: str) -> bool:
    """Return whether a plain text is a sign or word of a comparator, `=` included."""
    return key(text) in before()


def read(text: str) -> str | None:
    """Return the comparator that a sign or word stands for; None for `=` and for anything else.

    Example:
        >>> read("LE"), read("&ge;"), read("menor que"), read("EQ")
        ('<=', '>=', '<', None)
    """
    return before().get(key(plain(text)))


def combined(first: str | None, second: str | None) -> str | None:
    """Return what two comparators of one number say together; `?` where they contradict each other.

    Example:
        >>> combined("<", None), combined("<", "<="), combined("<", ">")
        ('<', '<=', '?')
    """
    if first is None or second is None or first == second:
        return first or second
    if first[0] != second[0]:
        return "?"
    return f"{first[0]}="
