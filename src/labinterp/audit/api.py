"""`audit`: a data set in, what it would come to out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labinterp.audit.collect import Collector
from labinterp.audit.report import AuditReport, report_of
from labinterp.errors import LayoutError
from labinterp.frames import native
from labinterp.interpretation import session_for
from labinterp.kernel import panel as slots
from labinterp.tables import layouts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["AuditReport", "audit"]

_BLOCK = 200_000


def audit(
    frame: Any,
    *,
    by: str | Sequence[str] | None = None,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    ranges: Any = "us",
    decimal: str | None = None,
    default_units: Mapping[str, str] | None = None,
    assume_adult: bool = False,
) -> AuditReport:
    """Say what a data set would come to; nothing is changed by it.

    Args:
        frame: as `interpret_frame` takes it.
        by: the column or columns that tell places apart, such as the hospital.
        layout: as in `interpret_frame`.
        columns: as in `interpret_frame`.
        ranges: as in `interpret`; decides who is covered.
        decimal: as in `interpret`.
        default_units: as in `interpret`.
        assume_adult: as in `interpret`.

    Raises:
        LayoutError: if the columns fit no layout, or one of `by` is not there.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"test": ["Mg", "Mgg"], "value": ["2.0", "1"], "unit": "mg/dL", "age": 50})
        >>> audit(frame).tests["did_you_mean"].tolist()[1:]
        ['magnesium']
    """
    places = [by] if isinstance(by, str) else list(by or ())
    session = session_for(ranges, None, True, assume_adult, default_units)
    frame, _ = native.enter(frame)
    absent = [name for name in places if name not in frame]
    if absent:
        raise LayoutError(f"the table has no column {absent[0]} to tell places by", column=absent[0])
    collector = Collector(session, slots.adjustment(), decimal)
    for start in range(0, max(1, len(frame)), _BLOCK):
        block = frame.iloc[start : start + _BLOCK].reset_index(drop=True)
        table = layouts.to_labinterp(block, layout, columns)
        collector.add(table.reset_index(drop=True), block.loc[table.index, places].reset_index(drop=True))
    return report_of(collector, places)
