"""Rows → panels: which results are seen together, and which of them counts."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from labinterp import demographics
from labinterp.errors import LayoutError
from labinterp.frames.encode import Encoded, combine
from labinterp.kernel import panel as slots

if TYPE_CHECKING:
    from labinterp.kernel.many import Bools, Ints

_DAY: Final = 86_400_000_000
_SPAN = re.compile(r"([0-9]{1,5})\s*([DdHh])", re.ASCII)
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - times are naive UTC here
_MICROSECOND: Final = dt.timedelta(microseconds=1)
NO_TIME: Final = np.iinfo(np.int64).min


@attrs.frozen
class Panels:
    """The panels of a table.

    Args:
        of_row: each row's own panel.
        first_row: the first row of each panel.
        held: panel x slot: the row that counts, -1 for none.
    """

    of_row: Ints
    first_row: Ints
    held: Ints


def read_span(panel: str) -> int | None:
    """Return a look-back in microseconds, or None for `collection` and `patient`.

    Raises:
        LayoutError: if it is none of them.
    """
    if isinstance(panel, str) and panel in ("collection", "patient"):
        return None
    match = _SPAN.fullmatch(panel) if isinstance(panel, str) else None
    if match is None:
        raise LayoutError("panel is not known", hint="Use 'collection', 'patient' or a look-back such as '30D'")
    return int(match[1]) * (_DAY if match[2] in "Dd" else _DAY // 24)


def read_times(collected: Encoded) -> tuple[Encoded, Ints]:
    """Return the collection times encoded by instant, and the instant of each code in microseconds.

    Texts that say the same instant share a code; a text that cannot be read stays apart from every other.
    """
    seen: dict[object, int] = {None: 0}
    instants = [NO_TIME]
    recode = np.zeros(len(collected.distinct), np.int64)
    for i, value in enumerate(collected.distinct):
        if demographics.is_missing(value):
            continue
        time = demographics.read_time(value)
        key: object = ("unread", i) if time is None else time
        if key not in seen:
            seen[key] = len(instants)
            instants.append(NO_TIME if time is None else (time - _EPOCH) // _MICROSECOND)
        recode[i] = seen[key]
    return Encoded(recode[collected.codes], list(seen)), np.array(instants, np.int64)


def group(patient: Encoded, time: Encoded, panel: str) -> tuple[Ints, Ints]:
    """Return each row's panel and the first row of each panel; a row without a patient is a panel of its own."""
    rows = len(patient.codes)
    parts = [(patient.codes, len(patient.distinct))]
    if panel != "patient":
        parts.append((time.codes, len(time.distinct)))
    code, columns = combine(parts)
    own = patient.codes == 0
    code = np.where(own, len(columns[0]) + np.arange(rows), code)
    first = np.full(len(columns[0]) + rows, rows, np.int64)
    np.minimum.at(first, code, np.arange(rows))
    order = np.sort(first[first < rows])
    rank = np.zeros(rows + 1, np.int64)
    rank[order] = np.arange(len(order))
    return rank[first[code]], order


def hold(of_row: Ints, first_row: Ints, slot: Ints, counts: Bools, patient: Encoded, time: Ints, panel: str) -> Panels:
    """Return which row counts in each slot of each panel: the latest, and of equals the last one.

    Args:
        of_row: each row's panel.
        first_row: the first row of each panel.
        slot: each row's slot, -1 for none.
        counts: whether the row can count.
        patient: the patients.
        time: each row's instant.
        panel: `collection`, `patient` or a look-back.
    """
    held = np.full((len(first_row), len(slots.SLOT)), -1, np.int64)
    rows = np.flatnonzero(counts & (slot >= 0))
    if panel == "patient":
        rows = rows[np.argsort(time[rows], kind="stable")]
    held[of_row[rows], slot[rows]] = rows
    span = read_span(panel)
    if span is not None:
        _look_back(held, patient.codes[first_row], time[first_row], span)
    return Panels(of_row, first_row, held)


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
