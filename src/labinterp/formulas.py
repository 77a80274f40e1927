"""CSV of ours out, with texts that no spreadsheet runs and no text breaks, and short lists that come back from one."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import SupportsWrite

END: Final = "\r\n"
"""What a writer of CSV ends rows with before `Lines`, so that it quotes a text with either sign."""

SIGNS: Final = ("=", "+", "-", "@", *"\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b")
"""What begins a formula: a sign, also a full-width or a small one."""
CONTROLS: Final = ("\t", "\r", "\n")
"""What a text never begins with unguarded, whatever follows."""
UNSEEN: Final = (
    "\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
"""Blanks, controls and marks that cannot be seen, which a program may leave out before it looks for a sign."""
PATTERN: Final = rf"\A([{''.join(CONTROLS)}]|[{UNSEEN}]*[{re.escape(''.join(SIGNS))}])"
"""The beginning of such a text, for `re` as for RE2."""
_RUN: Final = re.compile(PATTERN)


def guard(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    Example:
        >>> guard("=1+1"), guard("ferritin"), guard(-1.5)
        ("'=1+1", 'ferritin', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and _RUN.match(value) else value


def unguarded(text: str) -> str:
    """Return a text without the apostrophe that `guard` put before it.

    Example:
        >>> unguarded("'=1+1"), unguarded("'s")
        ('=1+1', "'s")
    """
    return text[1:] if text.startswith("'") and guard(text[1:]) == text else text


def rows_of(text: str) -> list[tuple[int, list[str]]]:
    """Return the rows of a short list in CSV, each with its line; the separator is found out.

    Args:
        text: as it was written by hand or saved by a spreadsheet.

    Raises:
        csv.Error: if it is no CSV.

    Example:
        >>> rows_of("test;analyte")
        [(1, ['test', 'analyte'])]
    """
    text = text.removeprefix("\ufeff")
    head = re.split("[\r\n]", text, maxsplit=1)[0]
    table = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    return [(table.line_num, row) for row in table]


class Lines:
    r"""A file that takes rows ending with `END` from a writer of CSV, and ends them with a line feed.

    Args:
        file: where they go.

    Example:
        >>> import io
        >>> out = io.StringIO()
        >>> _ = csv.writer(Lines(out), lineterminator=END).writerow(["a\rb", "c"])
        >>> out.getvalue()
        '"a\rb",c\n'
    """

    def __init__(self, file: SupportsWrite[str]) -> None:
        self._file = file

    def write(self, text: str) -> object:
        """Write one row."""
        return self._file.write(f"{text.removesuffix(END)}\n" if text.endswith(END) else text)


class Rows:
    r"""Writes rows of CSV, guarded.

    Args:
        file: where they go.

    Example:
        >>> import io
        >>> out = io.StringIO()
        >>> Rows(out).write(["=1+1", 2])
        >>> out.getvalue()
        "'=1+1,2\n"
    """

    def __init__(self, file: SupportsWrite[str]) -> None:
        self._writer = csv.writer(Lines(file), lineterminator=END)

    def write(self, cells: Iterable[Any]) -> None:
        """Write one row."""
        self._writer.writerow([guard(cell) for cell in cells])
