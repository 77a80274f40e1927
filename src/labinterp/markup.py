"""Texts → HTML that shows them as they are; nothing here knows what they mean."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CONTROLS: Final = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


def clean(text: str) -> str:
    """Return text that can be written as UTF-8: lone surrogates and control characters become a replacement character.

    Example:
        >>> clean(f"a{chr(0)}b")
        'a�b'
    """
    if text.isprintable():
        return text
    return text.translate(_CONTROLS).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def safe(text: str) -> str:
    """Return text escaped for HTML and SVG, in an attribute as between tags.

    Example:
        >>> safe("<8")
        '&lt;8'
    """
    return escape(clean(text), quote=True)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of texts, or an empty text where there is no row.

    Example:
        >>> table(("a",), [])
        ''
    """
    head = "".join(f'<th scope="col">{safe(text)}</th>' for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{safe(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""
