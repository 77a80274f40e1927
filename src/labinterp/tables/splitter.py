"""Bytes of a delimited text → records, exactly as RFC 4180 has them, and what is wrong with which.

Every line belongs to a record or to what is wrong: nothing that stands between two quotes vanishes unseen.
"""

from __future__ import annotations

import csv
import itertools
import operator
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER_CLOSED: Final = "a quoted field is never closed"
BEHIND: Final = "there is text behind a closing quote"
WHOLE_LINES: Final = "a quoted field runs over whole lines of the table"
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
_ROW_WIDTH: Final = 3
"""Fewest fields of a row of results: what, how much, in what unit."""


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
        above: how many lines stand above their names, blank ones apart.
        first: the first rows, as far as they were looked at.
    """

    delimiter: str
    names: tuple[str, ...]
    above: int = 0
    first: tuple[tuple[str, ...], ...] = attrs.field(default=(), eq=False, repr=False)

    @property
    def width(self) -> int:
        """Number of fields of a record."""
        return len(self.names)


def read_exactly(data: bytes, dialect: Dialect, *, final: bool, give_up: bool = False) -> Exact:
    """Tell the records of some bytes apart, whatever stands in them.

    Where a record cannot be used (its quotes are malformed or never closed, it has another number of fields, or a
    quoted field of it runs over lines that are rows by themselves), its first line alone is bad, and its other lines
    are read by themselves.

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
    spans = [(0, complete, final or give_up)]
    while spans:
        first, stop, closed = spans.pop()
        for start, end, record in _records(lines, first, stop, dialect.delimiter):
            if end > stop and not closed:
                return Exact(tuple(good), tuple(bad), starts[start])
            what = _fault(record, lines, start, end, dialect)
            if what is None:
                good.append((starts[start], starts[end]))
            elif what:
                bad.append(BadRow(start + 1, what))
            if isinstance(record, str):
                spans.append((start + 1, stop, closed and (final or stop < complete)))
                break
            if what and end > start + 1:
                spans += [(end, stop, closed), (start + 1, end, True)]
                break
    return Exact(tuple(good), tuple(bad), starts[complete])


def _records(lines: list[str], first: int, stop: int, delimiter: str) -> Iterator[tuple[int, int, list[str] | str]]:
    """Yield first line, line after the last, and fields, or what is wrong where the record cannot be told."""
    start = first
    reader = csv.reader(
        itertools.chain(itertools.islice(lines, first, stop), [_SENTINEL]), delimiter=delimiter, strict=True
    )
    try:
        for record in reader:
            if start >= stop:
                return
            end = first + reader.line_num
            yield start, end, record if end <= stop else NEVER_CLOSED
            start = end
    except csv.Error as error:
        if start < stop:
            behind = "expected after" in str(error) and first + reader.line_num <= stop
            ended = "end of data" in str(error) or first + reader.line_num > stop
            yield start, stop + 1 if ended else start + 1, BEHIND if behind else NEVER_CLOSED


def _fault(record: list[str] | str, lines: list[str], first: int, last: int, dialect: Dialect) -> str | None:
    """Return what is wrong with a record: None for nothing, an empty text for a blank line, which is no record."""
    if isinstance(record, str):
        return record
    if len(record) <= 1 and not "".join(record).strip():
        return ""
    if len(record) != dialect.width:
        return f"{len(record)} fields where the header has {dialect.width}"
    if last > first + 1 and _runs_over(lines[first:last], dialect):
        return WHOLE_LINES
    return _unreadable("".join(lines[first:last]))


def _unreadable(text: str) -> str | None:
    """Return which byte of a record no text has; the record is its bytes as Latin-1."""
    if "\0" in text:
        return "there is a NUL byte"
    if not text.isascii():
        try:
            text.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError as error:
            return f"the byte {error.object[error.start]:#04x} is not UTF-8"
    return None


def _runs_over(lines: list[str], dialect: Dialect) -> bool:
    """Say whether two lines on end of one record are both rows by themselves; no prose has so many delimiters."""
    if dialect.width < _ROW_WIDTH:
        return False
    whole = [line.count(dialect.delimiter) == dialect.width - 1 for line in lines]
    return any(map(operator.and_, whole, whole[1:]))


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
        self._delimiter = ord(delimiter)
        self._inside: Words = np.zeros(0, np.uint64)
        self.stray = self.open = self._joins = False
        self._newlines: int | None = None
        if _QUOTE in data:
            self._look(np.frombuffer(data, np.uint8), self._delimiter)

    def _look(self, cells: npt.NDArray[np.uint8], delimiter: int) -> None:
        quote, around, newline = _nothing(len(cells)), _nothing(len(cells)), _nothing(len(cells))
        newlines = 0
        for start in range(0, len(cells), _SLICE):
            some = cells[start : start + _SLICE]
            hit, ends = some == ord(_QUOTE), some == ord(_NEWLINE)
            _set_bits(quote, start, hit)
            _set_bits(newline, start, ends)
            newlines += int(np.count_nonzero(ends))
            hit |= some == delimiter
            hit |= ends
            _set_bits(around, start, hit)
        inside = _odd_so_far(quote)
        self._joins = bool((newline & inside).any())
        self._newlines = newlines
        before, after = around << _ONE, around >> _ONE
        before[1:] |= around[:-1] >> _LAST
        after[:-1] |= around[1:] << _LAST
        before[0] |= _ONE
        end = len(cells) - 1
        after[end >> 6] |= _ONE << np.uint64(end & 63)
        self.stray = bool((quote & inside & ~before).any() or (quote & ~inside & ~after).any())
        self.open = bool(inside[end >> 6] >> np.uint64(end & 63) & _ONE)
        self._inside = inside

    def runs_over(self, width: int) -> bool:
        """Say whether a quoted field may run over lines that are rows by themselves; quotes must not be stray."""
        if not self._joins or width < _ROW_WIDTH:
            return False
        cells = np.frombuffer(self._data, np.uint8)
        stops = np.flatnonzero(cells == ord(_NEWLINE))
        joins = (self._inside[stops >> 6] >> (stops & 63).astype(np.uint64) & _ONE).astype(bool)
        if stops[-1] != len(cells) - 1:
            stops, joins = np.append(stops, len(cells)), np.append(joins, False)
        splits = np.searchsorted(np.flatnonzero(cells == self._delimiter), stops)
        whole = np.diff(splits, prepend=0) == width - 1
        return bool((joins[:-1] & whole[:-1] & whole[1:]).any())

    def lines(self, stop: int) -> int:
        """Return how many of the first bytes end a line."""
        if self._newlines is None:
            return _lines_in(self._data, 0, stop)
        return self._newlines - _lines_in(self._data, stop, len(self._data))

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


def _lines_in(data: bytes, start: int, stop: int) -> int:
    cells = np.frombuffer(data, np.uint8)[start:stop]
    return sum(int(np.count_nonzero(cells[i : i + _SLICE] == ord(_NEWLINE))) for i in range(0, len(cells), _SLICE))


def _nothing(size: int) -> Words:
    """Return words with a bit for each of so many bytes, none of them set."""
    return np.zeros(-(-size // 64), "<u8")


def _set_bits(words: Words, start: int, mask: npt.NDArray[np.bool_]) -> None:
    """Set the bits from `start`, a multiple of 8, by a mask; the first bit of a word is its lowest."""
    packed = np.packbits(mask, bitorder="little")
    words.view(np.uint8)[start >> 3 :][: len(packed)] = packed


def _odd_so_far(bits: Words) -> Words:
    """Return, bit by bit, whether the number of bits set up to it, itself included, is odd.

    The prefix XOR: of quotes, it tells which bytes lie between two, 64 at a step and without a branch (Langdale
    and Lemire 2019, doi:10.1007/s00778-019-00578-5), here by doubling steps (Hillis and Steele 1986,
    doi:10.1145/7902.7903).
    """
    odd = bits.copy()
    for step in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(step)
    words = np.bitwise_xor.accumulate(odd >> _LAST)
    odd[1:] ^= np.uint64(0) - words[:-1]
    return odd
