"""Bytes of a delimited text → records, exactly as the `csv` module reads them, and what is wrong with which."""

from __future__ import annotations

import csv
import itertools
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER_CLOSED: Final = "a quoted field is never closed"
TOO_LONG: Final = "a line is longer than any record"
_QUOTE: Final = b'"'
_NEWLINE: Final = b"\n"
_SLICE: Final = 1 << 17
"""Bytes looked at together, so that they stay in the processor's cache."""
_ONE: Final = np.uint64(1)
_LAST: Final = np.uint64(63)
_ALL: Final = np.uint64(2**64 - 1)

Words = npt.NDArray[np.uint64]
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


class Quoting:
    """Which of some bytes stand inside of quotes: a bit a byte, worked out 64 at a time.

    Args:
        data: starts at a record.
        delimiter: of the table.

    Attributes:
        stray: whether a quote stands elsewhere than around a field or doubled inside one, as far as the bytes go.
        open: whether a quote at the end is not closed.
    """

    def __init__(self, data: bytes, delimiter: str) -> None:
        self._data = data
        self._inside: Words = np.zeros(0, np.uint64)
        self.stray = self.open = False
        if _QUOTE in data:
            self._look(np.frombuffer(data, np.uint8), ord(delimiter))

    def _look(self, cells: npt.NDArray[np.uint8], delimiter: int) -> None:
        quote, around = _nothing(len(cells)), _nothing(len(cells))
        for start in range(0, len(cells), _SLICE):
            some = cells[start : start + _SLICE]
            hit = some == ord(_QUOTE)
            _set_bits(quote, start, hit)
            hit |= some == delimiter
            hit |= some == ord(_NEWLINE)
            _set_bits(around, start, hit)
        inside = _odd_so_far(quote)
        before, after = around << _ONE, around >> _ONE
        before[1:] |= around[:-1] >> _LAST
        after[:-1] |= around[1:] << _LAST
        before[0] |= _ONE
        end = len(cells) - 1
        after[end >> 6] |= _ONE << np.uint64(end & 63)
        self.stray = bool((quote & inside & ~before).any() or (quote & ~inside & ~after).any())
        self.open = bool(inside[end >> 6] >> np.uint64(end & 63) & _ONE)
        self._inside = inside

    def record_ends(self, stop: int, count: int) -> list[int]:
        """Return, latest first, up to `count` ends of records before `stop`; quotes must not be stray.

        An end is the position behind a newline that stands outside of quotes.
        """
        ends: list[int] = []
        while len(ends) < count:
            stop = self._data.rfind(_NEWLINE, 0, stop)
            if stop < 0:
                break
            if not len(self._inside) or not int(self._inside[stop >> 6]) >> (stop & 63) & 1:
                ends.append(stop + 1)
            else:
                stop = self._field_start(stop)
        return ends

    def _field_start(self, stop: int) -> int:
        """Return where the search goes on before a newline inside of quotes; it passes over long fields."""
        inside, word = self._inside, stop >> 6
        if int(inside[word]) | ~((1 << (stop & 63)) - 1) != -1:
            return stop
        outside = np.flatnonzero(inside[:word] != _ALL)
        return 64 * int(outside[-1] + 1) if len(outside) else 0


def _nothing(size: int) -> Words:
    """Return words with a bit for each of so many bytes, none of them set."""
    return np.zeros(-(-size // 64), "<u8")


def _set_bits(words: Words, start: int, mask: npt.NDArray[np.bool_]) -> None:
    """Set the bits from `start`, a multiple of 8, by a mask; the first bit of a word is its lowest."""
    packed = np.packbits(mask, bitorder="little")
    words.view(np.uint8)[start >> 3 :][: len(packed)] = packed


def _odd_so_far(bits: Words) -> Words:
    """Return, bit by bit, whether the number of bits set up to it, itself included, is odd."""
    odd = bits.copy()
    for step in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(step)
    words = np.bitwise_xor.accumulate(odd >> _LAST)
    odd[1:] ^= np.uint64(0) - words[:-1]
    return odd
