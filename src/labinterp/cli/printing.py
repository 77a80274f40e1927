"""Text for terminals and files: wrapped paragraphs, tables, and nothing in them that a terminal would obey."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import RenderableType

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
        """Print a table; the columns at the positions `right` are set right, those at `fixed` are never wrapped."""
        numbers, kept = set(right), set(fixed)
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, collapse_padding=True)
        for i, name in enumerate(head):
            table.add_column(
                Text(name), justify="right" if i in numbers else "left", overflow="fold", no_wrap=i in kept
            )
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(clean(cell)) for cell in row))
        self.show(Padding(table, (0, 0, 0, indent)))


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
