"""Where the results of most people lie, by analyte: from the cited entries that `knowledge/populations.toml` names."""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from statistics import NormalDist, fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp._data import knowledge
from labinterp.ranges.library import shipped
from labinterp.ranges.model import NOT_PREGNANT
from labinterp.reading import units
from labinterp.reading.analytes import analytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.ranges.model import Entry, Limits


_ADULT: Final = Fraction(45)
_RANGES: Final = ("reference_interval", "decision_limit")


@attrs.frozen
class Population:
    """The logarithms of an analyte's values in the canonical unit, as most people have them.

    Args:
        analyte: analyte key.
        center: logarithm of the middle.
        spread: standard deviation of the logarithms within a group.
        site: standard deviation of the medians of honest groups.
        entries: the editions' entries that the figures come from.
    """

    analyte: str
    center: float
    spread: float
    site: float
    entries: tuple[str, ...]


@functools.cache
def populations() -> Mapping[str, Population]:
    """Return the populations by analyte.

    Example:
        >>> round(math.exp(populations()["magnesium"].center), 2)
        0.86
    """
    return MappingProxyType({row["analyte"]: _population(row) for row in knowledge("populations.toml")["population"]})


@functools.cache
def confused() -> Mapping[str, tuple[str, ...]]:
    """Return for each analyte those that are taken for it."""
    found: dict[str, list[str]] = {}
    for row in knowledge("populations.toml")["confused"]:
        for analyte in row["analytes"]:
            found.setdefault(analyte, []).extend(other for other in row["analytes"] if other != analyte)
    return MappingProxyType({analyte: tuple(others) for analyte, others in found.items()})


@functools.cache
def range_middles(analyte: str) -> tuple[float, ...]:
    """Return the logarithms of the middles of the ranges that editions give for adults who are not pregnant, each once.

    Example:
        >>> any(abs(middle - math.log(137)) < 0.02 for middle in range_middles("vitamin_d"))
        True
    """
    found = set()
    for edition in shipped().editions():
        for entry in edition.entries:
            adult = any(entry.partition.holds(_ADULT, sex, NOT_PREGNANT) for sex in ("female", "male"))
            if entry.analyte == analyte and entry.kind in _RANGES and adult and edition.use == "interpretive":
                normal = next((band for band in entry.bands if band.level == "normal"), None)
                if normal is not None and normal.lower is not None and normal.upper is not None:
                    found.add(round((_log(entry, normal.lower) + _log(entry, normal.upper)) / 2, 3))
    return tuple(sorted(found))


def _population(row: Mapping[str, Any]) -> Population:
    ends = [_ends(reference) for reference in row["entries"]]
    width = 2 * NormalDist().inv_cdf((1 + row["coverage"]) / 2)
    center = fmean((low + high) / 2 for low, high in ends)
    if "center" in row:
        center = math.log(units.scale(row["analyte"], row["center_unit"]).apply(float(row["center"])))
    spread = fmean((high - low) / width for low, high in ends)
    return Population(
        analyte=row["analyte"], center=center, spread=spread, site=float(row["site"]), entries=tuple(row["entries"])
    )


def _ends(reference: str) -> tuple[float, float]:
    edition, _, name = reference.partition("#")
    entry = next(entry for entry in shipped().edition(edition).entries if entry.id == name)
    normal = next(band for band in entry.bands if band.level == "normal")
    return _log(entry, normal.lower), _log(entry, normal.upper)


def _log(entry: Entry, limits: Limits | str | None) -> float:
    if limits is None or isinstance(limits, str):
        raise ValueError(f"{entry.range_id} has no two ends of normal")
    code, number = next(iter(limits.items()))
    canonical = analytes()[entry.analyte].canonical_unit
    return math.log(units.scale_between(entry.analyte, code, canonical).apply(float(number)))
