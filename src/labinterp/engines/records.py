"""Bytes of a delimited text → records, exactly as the `csv` module reads them, and what is wrong with which."""

from __future__ import annotations

import csv
import itertools
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER_CLOSED: Final = "a quoted field is never closed"
TOO_LONG: Final = "a line is longer than any record"
_QUOTE: Final = b'"'
_SENTINEL: Final = "\x00\n"


@attrs.frozen
class BadRow:
    """A record that cannot be used.

    Args:
        line: counted from 1, within a block from the block's first line; None where a file has no lines.
        what: what is wrong, without the content.
        rows: how many rows are lost by it.
    """

    line: int | None
    what: str
    rows: int = 1


@attrs.frozen
class Exact:
    """What the exact reader says of some bytes.

    Args:
        good: start and end of every record that can be used.
        bad: the others.
        used: how many of the bytes are whole records.
    """

    good: tuple[tuple[int, int], ...]
    bad: tuple[BadRow, ...]
    used: int

    def join(self, data: bytes) -> bytes:
        """Return the usable records."""
        return b"".join(data[start:end] for start, end in self.good)


@attrs.frozen
class Dialect:
    """How a table of text is written.

    Args:
        delimiter: one character.
        names: the columns.
    """

    delimiter: str
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of fields of a record."""
        return len(self.names)


def read_exactly(data: bytes, dialect: Dialect, *, final: bool, give_up: bool = False) -> Exact:
    """Tell the records of some bytes apart, whatever stands in them.

    A record with another number of fields is bad as a whole. If its quotes are malformed, or never closed, its first
    line alone is bad and reading goes on with the next line.

    Args:
        data: starts at a record; line ends are newlines.
        dialect: of the table.
        final: whether nothing follows; else the last record is left for later unless it is whole.
        give_up: whether to take the first quoted field that is not closed here for one that never is.
    """
    lines = [line + "\n" for line in data.decode("latin-1").split("\n")]
    lines[-1] = lines[-1][:-1]
    if not lines[-1]:
        lines.pop()
    complete = len(lines) if final or data.endswith(b"\n") else len(lines) - 1
    starts = np.concatenate([[0], np.cumsum([len(line) for line in lines])]).tolist()
    good: list[tuple[int, int]] = []
    bad: list[BadRow] = []
    first = 0
    while first < complete:
        again = complete
        for start, end, record in _records(lines, first, complete, dialect.delimiter):
            if end > complete and not (final or give_up):
                return Exact(tuple(good), tuple(bad), starts[start])
            what = _fault(record, lines, start, end, dialect)
            if what is None:
                good.append((starts[start], starts[end]))
            elif what:
                bad.append(BadRow(start + 1, what))
            give_up = give_up and record is not None
            if record is None or (what and end > start + 1 and not _well_formed(lines[start:end], dialect.delimiter)):
                again = start + 1
                break
        first = again
    return Exact(tuple(good), tuple(bad), starts[complete])


def _records(
    lines: list[str], first: int, complete: int, delimiter: str
) -> Iterator[tuple[int, int, list[str] | None]]:
    """Yield first line, line after the last, and fields; None where the record has no end or is too long."""
    start = first
    reader = csv.reader(itertools.chain(itertools.islice(lines, first, complete), [_SENTINEL]), delimiter=delimiter)
    try:
        for record in reader:
            if start >= complete:
                return
            end = first + reader.line_num
            yield start, end, record if end <= complete else None
            start = end
    except csv.Error:
        yield start, start + 1, None


def _fault(record: list[str] | None, lines: list[str], first: int, last: int, dialect: Dialect) -> str | None:
    """Return what is wrong with a record: None for nothing, an empty text for a blank line, which is no record."""
    if record is None:
        return NEVER_CLOSED
    if len(record) <= 1 and not "".join(record).strip():
        return ""
    if len(record) != dialect.width:
        return f"{len(record)} fields where the header has {dialect.width}"
    text = "".join(lines[first:last])
    if "\0" in text:
        return "there is a NUL byte"
    if not text.isascii():
        try:
            text.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError as error:
            return f"the byte {error.object[error.start]:#04x} is not UTF-8"
    return None


def _well_formed(lines: list[str], delimiter: str) -> bool:
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def has_stray_quotes(data: bytes, delimiter: str) -> bool:
    """Say whether a quote stands elsewhere than around a field or doubled inside one, as far as the bytes go."""
    cells = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(cells == ord(_QUOTE))
    around = np.zeros(256, np.bool_)
    around[[ord(delimiter), ord("\n"), ord(_QUOTE)]] = True
    opening, closing = quotes[::2], quotes[1::2]
    before = around[cells[opening - 1]] | (opening == 0)
    last = len(cells) - 1
    after = around[cells[np.minimum(closing + 1, last)]] | (closing == last)
    return not (before.all() and after.all())


def record_ends(data: bytes, count: int) -> list[int]:
    """Return, latest first, up to `count` ends of records; quotes must not be stray.

    An end is the position behind a newline that stands outside of quotes.
    """
    quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == ord(_QUOTE)) if _QUOTE in data else None
    ends: list[int] = []
    stop = len(data)
    while len(ends) < count:
        newline = data.rfind(b"\n", 0, stop)
        if newline < 0:
            break
        stop = newline
        if quotes is not None:
            before = int(np.searchsorted(quotes, newline))
            if before & 1:
                stop = int(quotes[before - 1])
                continue
        ends.append(newline + 1)
    return ends
