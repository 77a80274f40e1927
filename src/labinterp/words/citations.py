"""Numbers of sources, in the order in which a page, a screen or a document first names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable


class Cited(Protocol):
    """What is cited: a source, and the place in it."""

    @property
    def id(self) -> str:
        """Return the key of the source."""

    @property
    def text(self) -> str:
        """Return the reference as a reader would look it up."""

    @property
    def locator(self) -> str | None:
        """Return the section, table or page."""

    @property
    def url(self) -> str | None:
        """Return where it can be read."""


@attrs.frozen
class Reference:
    """A source with its number.

    Args:
        number: from 1.
        text: the reference as a reader would look it up.
        url: where it can be read, if anywhere.
        places: the places in it that were cited, each once.
    """

    number: int
    text: str
    url: str | None
    places: tuple[str, ...]

    @property
    def line(self) -> str:
        """Return the source in one line, its places behind it and its address last."""
        places = f" ({'; '.join(self.places)})" if self.places else ""
        return f"{self.text}{places}{f' {self.url}' if self.url else ''}"


class References:
    """The numbered list of sources, in the order in which they are first named.

    Example:
        >>> from labinterp.model import Citation
        >>> named = References()
        >>> named.cite([Citation("b", "B", "table 1"), Citation("a", "A")]), named.cite([Citation("b", "B", "page 2")])
        ([1, 2], [1])
        >>> named.mark([Citation("a", "A"), Citation("b", "B")]), named.listed()[0].line
        ('[1, 2]', 'B (table 1; page 2)')
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str, str | None], int] = {}
        self._places: dict[int, dict[str, None]] = {}

    def number(self, item: Cited) -> int:
        """Return the number of a source, a new one where it was not named before."""
        number = self._numbers.setdefault((item.id, item.text, item.url), len(self._numbers) + 1)
        if item.locator:
            self._places.setdefault(number, {})[item.locator] = None
        return number

    def cite(self, citations: Iterable[Cited]) -> list[int]:
        """Return the number of each source that is cited, each once."""
        return list(dict.fromkeys(self.number(item) for item in citations))

    def mark(self, citations: Iterable[Cited]) -> str:
        """Return the numbers for plain text, such as `[2, 5]`, or nothing where nothing is cited."""
        numbers = sorted(self.cite(citations))
        return f"[{', '.join(map(str, numbers))}]" if numbers else ""

    def listed(self) -> list[Reference]:
        """Return every source named so far, by number."""
        return [
            Reference(number, text, url, tuple(self._places.get(number, ())))
            for (_, text, url), number in self._numbers.items()
        ]
