"""Rows → panels: which results are seen together, and which of them counts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from labinterp.batch.encode import Encoded, numbered
from labinterp.batch.instants import NO_TIME, UNREADABLE, read_instants
from labinterp.codes import NOTE_BIT
from labinterp.kernel import panel as slots
from labinterp.kernel.vector import SLICE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from labinterp.kernel.vector import Bools, Floats, Ints

_SIDE_OF_LEVEL: Final = np.array(slots.SIDE, np.int8)
_RANK: Final = np.array(
    [
        [[slots.rank(level, soft=s, critical=c) for level in range(len(slots.RANK))] for c in (False, True)]
        for s in (False, True)
    ],
    np.int8,
)
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - times are naive UTC here
_MICROSECOND: Final = dt.timedelta(microseconds=1)


@attrs.frozen
class Panels:
    """The panels of a table.

    Args:
        of_row: each row's own panel.
        first_row: the first row of each panel.
        held: panel x slot: the row that counts, -1 for none.
        unsure: panel x slot, one after the other: where none of several rows is known to be the latest; sorted.
    """

    of_row: Ints
    first_row: Ints
    held: Ints
    unsure: Ints

    def unsure_in(self, slot: int) -> Ints:
        """Return the panels in which none of a slot's rows is known to be the latest."""
        panel, which = np.divmod(self.unsure, len(slots.SLOT))
        found: Ints = panel[which == slot]
        return found


@attrs.frozen(eq=False)
class Rivals:
    """What decides between several rows of which none is known to be the latest.

    Args:
        value: the numbers.
        comparator: codes of their comparators.
        level: codes of their levels.
        notes: bit masks.
        unsure: whether the row's time can't be ordered; None where every time can.
    """

    value: Floats
    comparator: Ints
    level: Ints
    notes: Ints
    unsure: Bools | None

    def rank(self, rows: Ints) -> Ints:
        """Return the ranks of some rows; see `kernel.panel.rank`."""
        ranks: Ints = _RANK[
            _has(self.notes[rows], "soft_implausible"), _has(self.notes[rows], "flag_critical"), self.level[rows]
        ]
        return ranks

    def side(self, rows: Ints) -> Ints:
        """Return below zero for low, above zero for high."""
        sides: Ints = _SIDE_OF_LEVEL[self.level[rows]]
        return sides

    def differ(self, rows: Ints, others: Ints) -> Bools:
        """Say which rows say something else than others."""
        found: Bools = (self.value[rows] != self.value[others]) & ~(
            np.isnan(self.value[rows]) & np.isnan(self.value[others])
        )
        for column in (self.comparator, self.level):
            found |= column[rows] != column[others]
        return found

    def corrected(self, rows: Ints) -> Bools:
        """Say which rows their source calls corrected."""
        return _has(self.notes[rows], "corrected").astype(np.bool_)


def _has(notes: Ints, note: str) -> Ints:
    found: Ints = ((notes & np.uint64(NOTE_BIT[note])) != 0).astype(np.intp)
    return found


@attrs.frozen(eq=False)
class Times:
    """Collection times as codes.

    Args:
        codes: 0 where there is none. Texts that say one instant share a code; one that cannot be read stays apart from
            every other.
        instants: by code, in microseconds; `NO_TIME` where there is none or it cannot be read.
        notes: bit masks, a position a code of the column; None where no time has any.
    """

    codes: Ints
    instants: Ints
    notes: Ints | None

    def datetimes(self) -> list[dt.datetime | None]:
        """Return the instant of each code, None where there is none."""
        return [None if at == NO_TIME else _EPOCH + at * _MICROSECOND for at in self.instants.tolist()]


def read_times(collected: Encoded, date_order: str | None = None) -> Times:
    """Read the collection times, each distinct one once."""
    read = read_instants(collected.distinct, date_order, collected.letters)
    found, unread = read.at, np.flatnonzero(read.notes == UNREADABLE)
    found[unread] = NO_TIME + 1 + np.arange(len(unread))
    recode, instants = numbered(np.append(NO_TIME, found))
    instants[instants <= NO_TIME + len(unread)] = NO_TIME
    rows = collected.codes.astype(np.intp, copy=False)
    return Times(recode[1:].take(rows), instants, read.notes.take(rows) if read.notes.any() else None)


def people(patient: Encoded, told: Sequence[tuple[Ints, int]]) -> Encoded:
    """Return the patients, those apart who share an id and contradict each other in what is told of them.

    Args:
        patient: by id.
        told: codes of what is told, 0 for nothing, and how many there are; a birth date or a sex.
    """
    codes = patient.codes
    for column, count in told:
        known = np.flatnonzero((column > 0) & (codes > 0))
        last = np.zeros(int(codes.max(initial=0)) + 1, np.int64)
        last[codes[known]] = column[known]
        torn = np.zeros(len(last), np.bool_)
        torn[codes[known[last[codes[known]] != column[known]]]] = True
        if torn.any():
            apart = codes * np.int64(count) + np.where(torn[codes], column, 0)
            codes = np.unique(np.append(0, apart), return_inverse=True)[1][1:]
    return patient if codes is patient.codes else Encoded(codes, [None] * (int(codes.max(initial=0)) + 1))


def group(patient: Encoded, times: Times, panel: str) -> tuple[Ints, Ints]:
    """Return each row's panel and the first row of each panel; a row without a patient is a panel of its own.

    A run of rows that are alike in patient and time may stand for one row.

    Panels are numbered in the order in which they first appear. Rows that lie together are put together by comparing
    neighbors; only the beginnings of such runs are looked up.
    """
    key = patient.codes.astype(np.int64)
    if panel != "patient":
        key = key * len(times.instants) + times.codes
    alone = patient.codes == 0
    new = np.ones(len(key), np.bool_)
    np.not_equal(key[1:], key[:-1], out=new[1:])
    new |= alone
    starts = np.flatnonzero(new)
    run = np.cumsum(new, dtype=np.intp) - 1
    if _rise(patient.codes[starts], times.instants[times.codes[starts]] if panel != "patient" else None):
        return run, starts
    keys = key[starts]
    nobody = np.flatnonzero(alone[starts])
    keys[nobody] = -1 - nobody
    code, _ = numbered(keys)
    first = np.flatnonzero(np.diff(np.maximum.accumulate(code), prepend=-1))
    return code[run], starts[first]


def _rise(patient: Ints, instant: Ints | None) -> bool:
    """Say whether patients, and within each the instants, come in rising order, so that none can come again."""
    rises = patient[1:] > patient[:-1]
    if instant is not None:
        rises |= (patient[1:] == patient[:-1]) & (instant[1:] > instant[:-1])
    return bool(rises.all() and (patient[:1] > 0).all())


def hold(grouped: tuple[Ints, Ints], slot: Ints, rivals: Rivals, patient: Encoded, time: Ints, panel: str) -> Panels:
    """Return which row counts in each slot of each panel, as `kernel.scalar.choose` does.

    Args:
        grouped: each row's panel, and the first row of each panel.
        slot: each row's slot, -1 where it can't count.
        rivals: which row counts where none is known to be the latest.
        patient: the patients.
        time: each row's instant; `NO_TIME` where there is none that is sure.
        panel: `collection`, `patient` or a look-back.
    """
    of_row, first_row = grouped
    held = np.full((len(first_row), len(slots.SLOT)), -1, np.int32)
    if panel == "patient":
        rows = np.flatnonzero(slot >= 0)
        _hold_latest(held, of_row, slot, rows[np.argsort(time[rows], kind="stable")])
    else:
        for start in range(0, len(slot), SLICE):
            _hold_latest(held, of_row, slot, np.flatnonzero(slot[start : start + SLICE] >= 0) + start)
    unsure = _hold_rivals(held, _Places(of_row, slot, held.shape[1]), rivals, time)
    span = slots.read_span(panel)
    if span is not None:
        _look_back(held, patient.codes[first_row], time[first_row], span)
    return Panels(of_row, first_row, held, unsure)


def _hold_latest(held: Ints, of_row: Ints, slot: Ints, rows: Ints) -> None:
    """Let the last of some rows count in each place."""
    held.ravel()[of_row.take(rows) * held.shape[1] + slot.take(rows)] = rows


_TORN, _DOUBTED = 1, 2
"""Places in which rows of the latest time differ, and in which the order of the rows is not known."""


@attrs.frozen(eq=False)
class _Places:
    """Where the rows that can count stand: panel x slot, one after the other."""

    of_row: Ints
    slot: Ints
    width: int

    def of(self, rows: Ints) -> Ints:
        """Return the places of some rows."""
        found: Ints = self.of_row.take(rows) * self.width + self.slot.take(rows)
        return found

    def rows(self, wanted: Callable[[Ints], Bools]) -> Ints:
        """Return the rows that can count and are wanted; asked for some at a time."""
        found = [np.zeros(0, np.intp)]
        for start in range(0, len(self.slot), SLICE):
            rows = np.flatnonzero(self.slot[start : start + SLICE] >= 0) + start
            found.append(rows[wanted(rows)])
        return np.concatenate(found)


def _hold_rivals(held: Ints, places: _Places, rivals: Rivals, time: Ints) -> Ints:
    """Let the row of the highest rank count where none is known to be the latest, in place, and return these places.

    Args:
        held: the last row of the latest time, in each place.
        places: of the rows.
        rivals: what decides.
        time: each row's instant.
    """
    counts = held.ravel()
    others = places.rows(lambda rows: counts.take(places.of(rows)) != rows)
    if not len(others):
        return np.zeros(0, np.int64)
    last = counts[places.of(others)]
    matter = rivals.differ(others, last) | rivals.corrected(others) | (rivals.rank(others) > rivals.rank(last))
    kind = np.zeros(len(counts), np.uint8)
    kind[places.of(others[matter & (time[others] == time[last])])] = _TORN
    if rivals.unsure is not None:
        kind[places.of(np.flatnonzero(rivals.unsure & (places.slot >= 0)))] = _DOUBTED
    rows = places.rows(lambda rows: kind.take(places.of(rows)) > 0)
    if not len(rows):
        return np.zeros(0, np.int64)
    doubtful = kind[places.of(rows)] == _DOUBTED
    latest = time[rows] == time[counts[places.of(rows)]]
    rows = np.concatenate([rows[doubtful], _corrected(rows[latest & ~doubtful], places, rivals)])
    rows = rows[np.lexsort((rows, rivals.rank(rows), places.of(rows)))]
    place = places.of(rows)
    start = np.flatnonzero(np.diff(place, prepend=-1))
    found, count = place[start], np.diff(start, append=len(place))
    top, side = rows[start + count - 1], rivals.side(rows)
    both = np.logical_or.reduceat(side < 0, start) & np.logical_or.reduceat(side > 0, start)
    counts[found] = np.where(both, -1, top)
    apart = np.logical_or.reduceat(rivals.differ(rows, np.repeat(top, count)), start) | (kind[found] == _DOUBTED)
    unsure: Ints = found[(count > 1) & apart]
    return unsure


def _corrected(rows: Ints, places: _Places, rivals: Rivals) -> Ints:
    """Return the rows of one time without those beside which a corrected one stands."""
    fixed = rivals.corrected(rows)
    return rows[fixed | ~np.isin(places.of(rows), places.of(rows[fixed]))]


def seen(panels: Panels, slot: Ints, rows: Bools, patient: Encoded, time: Ints, panel: str) -> tuple[Ints, Ints]:
    """Return the panels and slots in which one of some rows is seen, whether or not another row counts there."""
    found = np.flatnonzero(rows & (slot >= 0))
    span = slots.read_span(panel)
    if span is None or not len(found):
        return panels.of_row[found], slot[found]
    held = np.full((len(panels.first_row), len(slots.SLOT)), -1, np.int32)
    held[panels.of_row[found], slot[found]] = found
    _look_back(held, patient.codes[panels.first_row], time[panels.first_row], span)
    panel_of, slot_of = np.nonzero(held >= 0)
    return panel_of, slot_of


def _look_back(held: Ints, patient: Ints, time: Ints, span: int) -> None:
    """Let each collection see the latest earlier result of every slot within the span, in place."""
    known = np.flatnonzero((time != NO_TIME) & (patient > 0))
    order = known[np.lexsort((known, time[known], patient[known]))]
    if not len(order):
        return
    who, when = patient[order], time[order]
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    start = np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    position = np.arange(len(order))
    for slot in range(held.shape[1]):
        rows = held[order, slot]
        latest = np.maximum.accumulate(np.where(rows >= 0, position, -1))
        seen = (latest >= start) & (when - when[np.maximum(latest, 0)] <= span)
        held[order, slot] = np.where(seen, rows[np.maximum(latest, 0)], -1)
