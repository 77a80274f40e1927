"""Where the limits of an interpretation come from: the entry of its edition, if that very edition is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from labinterp import ranges
from labinterp.errors import LabInterpError
from labinterp.kernel.scales import printed_unit
from labinterp.reading import units
from labinterp.report.svg import BarBand, segments_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.as_sent import AsSent
    from labinterp.model import Interpretation, ReportData
    from labinterp.ranges import Edition, Entry, Limits


@attrs.frozen
class RangeSource:
    """One entry of an edition; `entry` is missing where the edition of the report is not the one at hand."""

    range_id: str
    edition: Edition | None = None
    entry: Entry | None = None


def sources_of(item: Interpretation, hashes: Mapping[str, str]) -> tuple[RangeSource, ...]:
    """Return the entries that judged a result.

    Args:
        item: the interpretation.
        hashes: edition id → SHA-256 as the report gives it; another file of the same id is not quoted.
    """
    if item.range_id is None:
        return ()
    return tuple(_source(range_id, hashes) for range_id in item.range_id.split("|"))


def hashes_of(report: ReportData) -> dict[str, str]:
    """Return edition id → SHA-256 of a report."""
    return {edition.id: edition.sha256 for edition in report.provenance.editions}


def _source(range_id: str, hashes: Mapping[str, str]) -> RangeSource:
    edition_id, _, entry_id = range_id.partition("#")
    if not entry_id or edition_id not in ranges.shipped().ids():
        return RangeSource(range_id)
    try:
        edition = ranges.shipped().edition(edition_id)
    except LabInterpError:
        return RangeSource(range_id)
    if hashes.get(edition_id) != edition.sha256:
        return RangeSource(range_id)
    entry = next((entry for entry in edition.entries if entry.id == entry_id), None)
    return RangeSource(range_id, edition, entry)


def segments(item: Interpretation, sources: tuple[RangeSource, ...], shown: AsSent) -> tuple[BarBand, ...]:
    """Return the bands to draw: those of the one entry that judged, else what the limits of normal make.

    Args:
        item: the interpretation.
        sources: what judged it.
        shown: the value in the unit that the bands are drawn in.
    """
    entry = sources[0].entry if len(sources) == 1 else None
    if entry is not None and item.analyte == entry.analyte and all(band.grade is None for band in entry.bands):
        unit = printed_unit(entry.units, shown.unit, entry.analyte)
        scale = units.scale_between(entry.analyte, unit, shown.unit)
        return tuple(
            BarBand(_end(band.lower, unit, scale), _end(band.upper, unit, scale), band.level) for band in entry.bands
        )
    return segments_of(shown.low, shown.high)


def _end(limits: Limits | str | None, unit: str, scale: units.Factor) -> float | None:
    return None if limits is None or isinstance(limits, str) else scale.apply(float(limits[unit]))
