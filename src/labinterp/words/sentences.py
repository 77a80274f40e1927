"""The sentences of a report, as data in `sentences.toml`, and how texts are joined to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp._data import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE = "sentences.toml"


def said(table: str) -> Mapping[str, str]:
    """Return the sentences of one kind, such as `finding`."""
    sentences: Mapping[str, str] = words(FILE)[table]
    return sentences


def capital(text: str) -> str:
    """Return a text with a capital first letter.

    Example:
        >>> capital("serum magnesium")
        'Serum magnesium'
    """
    return text[:1].upper() + text[1:]


def listed(items: Iterable[str]) -> str:
    """Return items as `a, b and c`.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    *head, last = items
    joined = said("list")
    return joined["comma"].join(head) + joined["and"] + last if head else last
