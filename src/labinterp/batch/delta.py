"""Each result and the one before it: columns of change for `interpret_frame(delta=True)`.

The answers are those of `labinterp.changes.change`, a whole column at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from labinterp import changes
from labinterp.batch.encode import combine, encode
from labinterp.batch.instants import NO_TIME
from labinterp.batch.output import Coded

if TYPE_CHECKING:
    from labinterp.batch.core import Answer
    from labinterp.kernel.vector import Bools, Floats, Ints

DELTA_COLUMNS: Final = ("previous_value", "delta", "delta_percent", "delta_exceeds", "delta_problem")
_PROBLEMS: Final = (
    "different_methods",
    "censored_value",
    "previous_is_zero",
    "no_variation_data",
    "not_in_steady_state",
)


def columns(answer: Answer, table: pd.DataFrame, *, z: float = changes.TWO_SIDED_95) -> dict[str, Any]:
    """Compare every result with the previous one of the same patient and analyte.

    The previous result is the latest one collected before, and of those collected at one time the last row. Rows
    without a patient, a readable time or a value have none, and are none. Where the two cannot be compared
    (`different_methods`, `censored_value`), no earlier result is taken instead.

    Args:
        answer: what `core.run` gave for the table.
        table: in the `labinterp` layout.
        z: as in `change`.

    Returns:
        `previous_value` and `delta` in the canonical unit, `delta_percent`, `delta_exceeds` (missing where unknown)
        and `delta_problem`, which says why it is unknown although there is a previous result.
    """
    batch, rows = answer.batch, len(table)
    previous = _previous(answer)
    paired = previous >= 0
    methods = encode(table.get("method"), rows)
    method, methods_known = _same(methods.map(changes.fold_method))
    method = method[methods.codes]
    before = np.where(paired, batch.value[previous], np.nan)
    problem = np.zeros(rows, np.uint8)

    def refuse(code: str, where: Bools) -> None:
        problem[paired & (problem == 0) & where] = _PROBLEMS.index(code) + 1

    if methods_known > 1:
        refuse("different_methods", (method > 0) & (method[previous] > 0) & (method != method[previous]))
    refuse("censored_value", (batch.comparator != 0) | (batch.comparator[previous] != 0))
    comparable = paired & (problem == 0)
    low, high, reason = _limits(answer, z)
    for code in ("not_in_steady_state", "no_variation_data"):
        refuse(code, (reason == _PROBLEMS.index(code) + 1)[batch.channel])
    refuse("previous_is_zero", before == 0)
    delta, percent = _change(np.where(comparable, before, np.nan), batch.value)
    exceeds = (percent < low[batch.channel]) | (percent > high[batch.channel])
    return {
        "previous_value": np.where(comparable, before, np.nan),
        "delta": delta,
        "delta_percent": percent,
        "delta_exceeds": pd.arrays.BooleanArray(exceeds, ~comparable | (problem != 0)),
        "delta_problem": Coded(problem, _PROBLEMS).to_pandas({}),
    }


def _change(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    delta = after - before
    return delta, delta / np.where(before == 0, np.nan, before) * 100.0


def _previous(answer: Answer) -> Ints:
    """Return the row of each row's previous result, -1 for none."""
    batch = answer.batch
    time = answer.instants
    analytes: dict[str | None, int] = {None: 0}
    analyte = np.array([analytes.setdefault(c.analyte, len(analytes)) for c in batch.channels.items], np.int64)
    analyte = analyte[batch.channel]
    usable = ~np.isnan(batch.value) & (answer.person.codes > 0) & (time != NO_TIME) & (analyte > 0)
    known = np.flatnonzero(usable)
    series, _ = combine(
        [
            (answer.person.codes[known], len(answer.person.distinct)),
            (analyte[known], len(analytes)),
        ]
    )
    when = time[known]
    order = np.lexsort((known, when, series))
    row, series, when = known[order], series[order], when[order]
    new_series = np.r_[True, series[1:] != series[:-1]][: len(row)]
    new_moment = new_series | np.r_[True, when[1:] != when[:-1]][: len(row)]
    moment = np.cumsum(new_moment) - 1  # rows of one patient, analyte and time
    start = np.flatnonzero(new_moment)
    first = new_series[start][moment]  # the first moment of a series has none before it
    found = np.full(len(batch.value), -1, np.int64)
    found[row[~first]] = row[start[moment[~first]] - 1]
    return found


def _limits(answer: Answer, z: float) -> tuple[Floats, Floats, Ints]:
    """Return the reference change value of each channel, and the code of the problem where it has none."""
    channels = answer.batch.channels.items
    low, high = np.full(len(channels), np.nan), np.full(len(channels), np.nan)
    reason = np.zeros(len(channels), np.uint8)
    for i, channel in enumerate(channels):
        if channel.analyte is None:
            continue
        known = changes.variation(channel.analyte)
        if known.problem is not None:
            reason[i] = _PROBLEMS.index(known.problem) + 1
        elif known.cvi is not None and known.cva is not None:
            low[i], high[i] = changes.reference_change_value(known.cvi, known.cva, z=z)
    return low, high, reason


def _same(folded: list[str | None]) -> tuple[Ints, int]:
    """Return a code per distinct method, 0 where it is not given, and how many are given."""
    seen: dict[str | None, int] = {None: 0}
    codes = np.array([seen.setdefault(method, len(seen)) for method in folded], np.int64)
    return codes, len(seen) - 1
