"""Text for terminals and files: wrapped paragraphs, tables, and nothing in them that a terminal would obey."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from rich.console import RenderableType

_GAP: Final = 2
_LONGEST_WORD: Final = 24
_PIECES: Final = re.compile(r"\s*(?:\S*?[^\W\d]-(?=[^\W\d])|\S+\s*)")
MIN_WIDTH: Final = 40
MAX_WIDTH: Final = 120
STYLES: Final = {
    "high": "bold red",
    "moderate": "yellow",
    "low": "cyan",
    "supported": "bold",
    "possible": "",
    "interrupted": "dim",
    "heading": "bold",
    "quiet": "dim",
}


def clean(text: object, limit: int = 200) -> str:
    r"""Return a text of the user's on one line, without control characters.

    Example:
        >>> clean("A\x1b[31m\n17")
        'A?[31m?17'
    """
    shown = "".join(sign if sign.isprintable() else "?" for sign in str(text)[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


class Printer:
    """Prints on standard output; plain text where that is no terminal.

    Args:
        no_color: plain text on a terminal as well.
    """

    def __init__(self, *, no_color: bool = False) -> None:
        plain = no_color or bool(os.environ.get("NO_COLOR"))
        self.console = Console(
            file=sys.stdout, color_system=None if plain else "auto", highlight=False, markup=False, emoji=False
        )
        self._write: Callable[[str], object] = sys.stdout.write
        self.width = min(max(self.console.width, MIN_WIDTH), MAX_WIDTH)

    def show(self, item: RenderableType) -> None:
        """Print anything of rich's, without the spaces at the ends of lines."""
        with self.console.capture() as captured:
            self.console.print(item, width=self.width, soft_wrap=isinstance(item, Text))
        lines = captured.get().split("\n")
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        text = "\n".join(line.rstrip(" ") for line in lines)
        self._write(text.encode(encoding, "replace").decode(encoding))

    @contextlib.contextmanager
    def held(self) -> Iterator[list[str]]:
        """Keep what is printed in a list instead of printing it."""
        kept: list[str] = []
        before, self._write = self._write, kept.append
        try:
            yield kept
        finally:
            self._write = before

    def put(self, text: str) -> None:
        """Print what was held before."""
        self._write(text)

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line as it is."""
        self.show(Text(text, STYLES.get(style, style)))

    def heading(self, text: str) -> None:
        """Print a heading with a rule under it, after an empty line."""
        self.line()
        self.line(text, "heading")
        self.line(self.rule() * min(len(text), self.width), "quiet")

    def rule(self) -> str:
        """Return the sign of which rules are made."""
        return "─" if self.console.encoding.lower().startswith("utf") else "-"

    def paragraph(
        self, text: str, *, label: str = "", indent: int = 0, hang: int | None = None, style: str = ""
    ) -> None:
        """Print a wrapped paragraph.

        Args:
            text: the paragraph.
            label: stands before its first line.
            indent: columns before the label.
            hang: columns before the text; just behind the label if left out.
            style: of the text.
        """
        start = " " * indent + label
        hang = len(start) + bool(label) if hang is None else hang
        start = f"{start} ".ljust(hang) if label else " " * hang
        lines = textwrap.wrap(
            text,
            self.width,
            initial_indent=start,
            subsequent_indent=" " * hang,
            break_on_hyphens=False,
            break_long_words=False,
        )
        shown = Text()
        shown.append(start, STYLES.get(style or "quiet", style))
        shown.append("\n".join([lines[0][len(start) :], *lines[1:]]) if lines else "", STYLES.get(style, style))
        self.show(shown)

    def table(
        self,
        head: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        right: Iterable[int] = (),
        fixed: Iterable[int] = (),
        indent: int = 0,
    ) -> None:
        """Print a table; where not even its words fit beside each other, each row as a block of lines.

        Args:
            head: names of the columns.
            rows: the cells of each row.
            right: positions of columns that are set right.
            fixed: positions of columns that are never wrapped.
            indent: columns before the table.
        """
        numbers, kept = set(right), set(fixed)
        cells = [[cell if isinstance(cell, Text) else Text(clean(cell)) for cell in row] for row in rows]
        columns = [[Text(name), *(row[i] for row in cells)] for i, name in enumerate(head)]
        widths = _widths(columns, kept, self.width - indent - _GAP * (len(head) - 1))
        if sum(widths) + indent + _GAP * (len(head) - 1) > self.width:
            self._stacked(head, cells, indent)
            return
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, collapse_padding=True)
        for i, name in enumerate(head):
            table.add_column(
                Text(name), justify="right" if i in numbers else "left", overflow="fold", no_wrap=i in kept
            )
        for row in cells:
            table.add_row(*(cell if i in kept else _wrapped(cell, widths[i]) for i, cell in enumerate(row)))
        self.show(Padding(table, (0, 0, 0, indent)))

    def _stacked(self, head: Sequence[str], rows: Iterable[Sequence[Text]], indent: int) -> None:
        """Print each row as lines: its first cell, and below it the others, each with the name of its column."""
        for row in rows:
            for i, (name, cell) in enumerate(zip(head, row, strict=True)):
                label = f"{name}: " if i and name else ""
                text = Text(label, STYLES["quiet"]).append_text(Text("  ").join(cell.split("\n")))
                if cell.plain:
                    block = _wrapped(text, self.width - indent - 2 * bool(i))
                    self.show(Padding(block, (0, 0, 0, indent + 2 * bool(i))))


def _widths(columns: Sequence[Sequence[Text]], fixed: Collection[int], room: int) -> list[int]:
    """Return the width of each column: as wide as it is, or narrower where that costs the fewest lines.

    No word is broken but behind a hyphen between letters; where words do not fit, the widths come to too much. A word
    longer than any of ours may break anywhere.
    """
    pieces = [[_pieces(cell) for cell in column] for column in columns]
    widths = [max(sum(line) for cell in column for line in cell) for column in pieces]
    least = [
        width if i in fixed else min(max(piece for cell in column for line in cell for piece in line), _LONGEST_WORD)
        for i, (width, column) in enumerate(zip(widths, pieces, strict=True))
    ]
    heights = [_heights(column, width) for column, width in zip(pieces, widths, strict=True)]
    while sum(widths) > room and widths != least:
        tried = []
        for i, column in enumerate(pieces):
            if widths[i] > least[i]:
                narrower = _heights(column, widths[i] - 1)
                rows = zip(*heights[:i], narrower, *heights[i + 1 :], strict=True)
                tried.append((sum(map(max, rows)), -widths[i], i, narrower))
        _, _, i, heights[i] = min(tried)
        widths[i] -= 1
    return _widened(pieces, widths, room)


def _widened(columns: Sequence[Sequence[Sequence[Sequence[int]]]], widths: Sequence[int], room: int) -> list[int]:
    """Return the widths with what breaking between words left over given to columns that then take fewer lines."""
    used = [_used(column, width) for column, width in zip(columns, widths, strict=True)]
    for i, column in enumerate(columns):
        lines = sum(_heights(column, used[i]))
        for width in range(used[i] + 1, used[i] + room - sum(used) + 1):
            if sum(_heights(column, width)) < lines:
                used[i] = width
                break
    return used


def _pieces(cell: Text) -> list[list[int]]:
    """Return how wide the unbroken pieces of each line are, with the space behind them but for the last one's."""
    return [[cell_len(piece) for piece in _PIECES.findall(line.rstrip())] or [0] for line in cell.plain.split("\n")]


def _heights(column: Iterable[Sequence[Sequence[int]]], width: int) -> list[int]:
    """Return how many lines each cell of a column takes; a space at the end of a line needs no room."""
    return [sum(1 + len(_breaks(line, width)) for line in cell) for cell in column]


def _breaks(pieces: Sequence[int], width: int) -> list[int]:
    """Return before which pieces a line is broken."""
    breaks, filled = [], 0
    for i, piece in enumerate(pieces):
        if filled and filled + piece - (i + 1 < len(pieces)) > width:
            breaks.append(i)
            filled = 0
        filled += piece
    return breaks


def _used(column: Iterable[Sequence[Sequence[int]]], width: int) -> int:
    """Return how wide the broken lines of a column are."""
    longest = 0
    for cell in column:
        for line in cell:
            ends = [0, *_breaks(line, width), len(line)]
            longest = max(longest, *(sum(line[start:end]) for start, end in pairwise(ends)))
    return min(longest, width)


def _wrapped(cell: Text, width: int) -> Text:
    """Return a text broken between words, and within one behind a hyphen between letters."""
    lines: list[Text] = []
    for line in cell.split("\n", allow_blank=True):
        pieces = _PIECES.findall(line.plain.rstrip())
        breaks = _breaks([cell_len(piece) for piece in pieces], width)
        lines += line.divide([len("".join(pieces[:i])) for i in breaks])
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def listed(items: Sequence[object], most: int, noun: str = "more") -> str:
    """Return items joined by commas, at most so many.

    Example:
        >>> listed(["a", "b", "c"], 2)
        'a, b and 1 more'
    """
    shown = ", ".join(clean(item, 60) for item in items[:most])
    rest = len(items) - most
    return f"{shown} and {rest:,} {noun}" if rest > 0 else shown


def _is_lively() -> bool:
    """Return whether standard error is a terminal that may be sent escapes."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


@contextlib.contextmanager
def status(*, quiet: bool) -> Iterator[Callable[[str], None] | None]:
    """Give what shows a changing text on standard error, if that is a terminal; None otherwise."""
    if quiet or not _is_lively():
        yield None
        return
    console = Console(stderr=True, highlight=False, markup=False)
    with console.status("Opening") as shown:
        yield lambda text: shown.update(clean(text))


def progress(*, quiet: bool) -> Callable[[str], Any]:
    """Return what shows a step of the work on standard error, if that is a terminal, and nothing otherwise."""
    if quiet or not _is_lively():
        return lambda _: contextlib.nullcontext()
    console = Console(stderr=True, highlight=False, markup=False)
    return lambda text: console.status(clean(text))
