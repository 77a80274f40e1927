"""Whether the rows of each panel lie together: told while streaming, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import numpy.typing as npt
import pandas as pd

from labinterp.batch.encode import compact
from labinterp.batch.instants import NO_TIME
from labinterp.batch.panels import read_times

if TYPE_CHECKING:
    from labinterp.batch.columns import Columns
    from labinterp.batch.core import Answer
    from labinterp.kernel.vector import Ints

Keys = npt.NDArray[np.uint64]
LIMIT: Final = 1 << 22
"""How many panels are remembered; beyond, a file must be sorted to be streamed."""
CERTAIN_LIMIT: Final = 1 << 19
"""How many are remembered where the user says that they lie together, so that this is only checked."""

_PASSING: Final = 32
"""Within how many rows without a patient the panel before them is still thought to go on."""
_TORN: Final = 1.25
"""In how many pieces a panel lies on the average where the rows of many are scattered."""
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
"""The odd multiplier that spreads times over all bits, 2^64 divided by the golden ratio (Knuth, The Art of Computer
Programming 3, 6.4). An odd one can be undone modulo 2^64, so no two times of a patient become one key."""


def open_rows(table: Columns, *, by_time: bool, date_order: str | None = None) -> int | None:
    """Return how many rows at the end of a table may belong to a panel that goes on behind it; None for all.

    A few rows without a patient, panels of their own, do not end the panel in which they stand.

    Args:
        table: the last rows.
        by_time: whether a panel ends where the collection time changes.
        date_order: in which order days and months stand.
    """
    rows = table.rows
    if not rows:
        return None
    patient = table.encode("patient_id").known().codes
    known = np.flatnonzero(patient[-_PASSING:]) + max(0, rows - _PASSING)
    if not len(known):
        return 0
    last = known[-1]
    inside = (patient == patient[last]) | (patient == 0)
    if by_time and "collected_at" in table:
        times = read_times(table.encode("collected_at"), date_order).codes
        inside &= (times == times[last]) | (patient == 0)
    start = _run(inside)
    return None if start == 0 else rows - start


def are_torn(table: Columns, *, by_time: bool) -> bool:
    """Say whether so many panels of a part of a table lie in pieces that those of the rest will, too.

    It spares interpreting what is likely to be thrown away; whether rows lie together is not decided by it.

    Args:
        table: the first rows of more.
        by_time: whether a panel is a patient at a time, or a patient.
    """
    patient = table.encode("patient_id").known().codes
    keys = patient.astype(np.int64)
    if by_time and "collected_at" in table:
        times = table.encode("collected_at")
        keys = keys * len(times.distinct) + times.codes
    keys = keys[patient > 0]
    return 1 + int(np.count_nonzero(np.diff(keys))) > _TORN * len(pd.unique(keys)) > 0


def _run(inside: npt.NDArray[np.bool_]) -> int:
    """Return where the run at the end begins."""
    others = np.flatnonzero(~inside)
    return int(others[-1]) + 1 if len(others) else 0


@attrs.frozen(eq=False)
class PatientPanels:
    """The panels of a part of a table that belong to patients.

    Args:
        keys: a hash of each, sorted.
        spans: first and last patient in several orders; empty where there is no patient.
    """

    keys: Keys
    spans: tuple[tuple[Any, Any], ...]

    @classmethod
    def of(cls, answer: Answer, *, by_time: bool) -> PatientPanels:
        """List the panels of an answer; `by_time` says whether a panel is a patient at a time, or a patient."""
        codes = answer.patient.codes[answer.panels.first_row]
        own = codes > 0
        if not own.any():
            return cls(np.zeros(0, np.uint64), ())
        first, codes = answer.panels.first_row[own], codes[own]
        codes, present = compact(codes, len(answer.patient.distinct))
        patients = list(answer.patient.named(present))
        if not answer.patient.is_text:
            patients = list(map(str, patients))
        keys = _hash(patients)[codes]
        if by_time:
            keys = keys ^ (_instants(answer, first) * _ODD)
        lengths = list(map(len, patients))
        ends = [
            (length, end(patient for patient, own in zip(patients, lengths, strict=True) if own == length))
            for end, length in ((min, min(lengths)), (max, max(lengths)))
        ]
        spans = ((min(patients), max(patients)), (ends[0], ends[1]))
        keys.sort()
        new = np.append(True, keys[1:] != keys[:-1])
        return cls(keys[new], (*spans, *((high, low) for low, high in spans)))


class Together:
    """Remembers the panels that were seen, and says when one comes again.

    Beyond `limit` panels it remembers only those of the current patient, if all patients came in rising or falling
    order until then.

    Args:
        limit: how many panels are remembered.

    Attributes:
        shown: whether it can still be told that no panel came again.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.shown = True
        self._seen: list[Keys] = []
        self._orders = {i: _Order(falling=i >= 2) for i in range(4)}  # noqa: PLR2004 - as Panels.spans has them
        self._full = False

    def add(self, panels: PatientPanels) -> bool:
        """Add the panels of the next part of the table; return whether none of them is known to have come before."""
        if not panels.spans:
            return True
        self._orders = {i: order for i, order in self._orders.items() if order.add(*panels.spans[i])}
        if self._full:
            self.shown = self.shown and bool(self._orders)
            self._forget([])
        if self._known(panels.keys):
            return False
        self._remember(panels.keys)
        return True

    def _known(self, keys: Keys) -> bool:
        for seen in self._seen:
            at = np.minimum(np.searchsorted(seen, keys), len(seen) - 1)
            if (seen[at] == keys).any():
                return True
        return False

    def _remember(self, keys: Keys) -> None:
        """Keep sorted arrays, each at least twice as long as the next."""
        self._seen.append(keys)
        while len(self._seen) > 1 and len(self._seen[-2]) < 2 * len(self._seen[-1]):
            self._seen[-2:] = [np.sort(np.concatenate(self._seen[-2:]), kind="stable")]
        held = sum(map(len, self._seen))
        if held > self.limit:
            self._full = True
            self.shown = self.shown and bool(self._orders) and held <= 2 * self.limit
            self._forget([keys])

    def _forget(self, but: list[Keys]) -> None:
        """Forget earlier panels where the last part had only later patients, or nothing can be told any more.

        Orders that hold until here agree on that, for only a patient in both parts can keep one from moving on.
        """
        if not self.shown or next(iter(self._orders.values())).moved:
            self._seen = but


class _Order:
    """An order in which patients may come; parts of the table are compared, not rows.

    Args:
        falling: whether later patients are to be smaller.

    Attributes:
        moved: whether the last part had later patients only.
    """

    def __init__(self, *, falling: bool) -> None:
        self.moved = True
        self._falling = falling
        self._reached: Any = None

    def add(self, near: Any, far: Any) -> bool:
        """Add the first and the last patient of the next part; return whether they are in order so far."""
        if self._reached is not None:
            self.moved = near < self._reached if self._falling else near > self._reached
            if not self.moved and near != self._reached:
                return False
        self._reached = far
        return True


def _hash(texts: list[Any]) -> Keys:
    return pd.util.hash_array(np.array(texts, dtype=object), categorize=False)


def _instants(answer: Answer, rows: Ints) -> Keys:
    """Return the instants of rows; texts that cannot be read are told apart by themselves."""
    instants = answer.instants[rows].astype(np.uint64)
    unread = np.flatnonzero((answer.instants[rows] == NO_TIME) & (answer.collected.codes[rows] > 0))
    if len(unread):
        codes, at = np.unique(answer.collected.codes[rows[unread]], return_inverse=True)
        instants[unread] = _hash([str(answer.collected.distinct[code]) for code in codes.tolist()])[at]
    return instants
