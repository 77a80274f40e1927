"""Groups of results whose distribution fits another unit, or another analyte, better than their label.

Everything is done in logarithms of the canonical unit: a wrong unit shifts a whole group by the logarithm of the
factor between the two units and leaves its shape alone, while sicker patients shift it a little and lengthen its tails.
So three questions are asked of a group:

1. How far does its median lie from where it should, and how far would it lie under another label? Each distance is
   divided by what honest hospitals differ by, and the two are compared as a likelihood ratio.
2. The ranges that came with the results, where there are any, answer the same question independently.
3. Is the group two groups, of which one is shifted by just the factor between two units?

Nothing here changes a result, and a group is suspected only where an alternative explains it: what lies elsewhere
for no known reason is no suspect.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from labinterp.auditing.populations import Population, confused, populations, range_middles
from labinterp.reading import units
from labinterp.reading.analytes import analytes
from labinterp.words.faces import line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from labinterp.auditing.distribution import Distribution

FEWEST: Final = 40
"""Groups of fewer results are not judged."""
FEWEST_MIXED: Final = 200
"""Groups of fewer results are not asked whether they are two."""
CERTAIN: Final = 2.5
"""Logarithm of the likelihood ratio from which a group is suspected (odds of 12 to 1)."""
CERTAIN_MIXED: Final = 14.0
_NEAREST: Final = 0.12  # logarithm: units that differ by less cannot be told apart
_RANGE_SITE: Final = 0.08  # how far laboratories' own ranges differ in their middles at least, in logarithms
_MAD: Final = 1.4826  # from the median absolute deviation to a standard deviation
_FAR: Final = 4.0  # no range counts for more standard deviations
_POPULATION_ERROR: Final = 0.03  # least standard error of the middle taken from editions, in logarithms
_NEARLY: Final = 3.0  # another label whose logarithm of the likelihood ratio is less than this behind is named as well
_FIT: Final = 4.0  # an alternative explains a group that lies within so many standard deviations of it
_WIDEST: Final = 3.0  # a group whose quartiles lie so many times farther apart than expected is not one group
_FREEDOM: Final = (4.0, 30.0)  # of the t distributions that stand for tails of sick patients
_FEWEST_OTHERS: Final = 3
_FEWEST_TO_AGREE: Final = 5
_LEAST_SITE: Final = 0.05  # so that 10 % of the median are never enough
_LEAST_OF_SITE: Final = 0.7
_ENOUGH: Final = 0.01  # a gain in log-likelihood at which fitting ends
_STEPS: Final = (0.6, 0.8, 1.2, 1.4)  # multiples of an offset that are tried beside it


@attrs.frozen
class LabelGroup:
    """The results with one label at one place.

    Args:
        by: what tells the places apart, such as the hospital.
        analyte: analyte key, as labelled.
        unit: UCUM code, as labelled.
        distribution: in the canonical unit of the analyte, as the label says.
        range_middle: median of the logarithms of the middles of the ranges that came with the results, or None.
    """

    by: tuple[object, ...]
    analyte: str
    unit: str
    distribution: Distribution = attrs.field(repr=False)
    range_middle: float | None = None


@attrs.frozen
class Suspect:
    """A group that another label explains better.

    Args:
        group: the group.
        unit: the unit that explains it.
        analyte: the analyte that explains it.
        share: the share of its results that the suspicion is about: 1 for the whole group.
        evidence: what was compared with what, with numbers.
        check: what to look at.
    """

    group: LabelGroup
    unit: str
    analyte: str
    share: float
    evidence: str
    check: str


@attrs.frozen
class _Label:
    """A label that a group could have had: `shift` is added to the logarithms to see them under that label."""

    analyte: str
    unit: str
    shift: float
    expected: Population
    why: str


def find(groups: Sequence[LabelGroup]) -> list[Suspect]:
    """Return the suspects among the groups, in the order of the groups.

    Args:
        groups: all groups of a data set; each is compared with the others of its analyte and with the population.
    """
    medians = _Medians(groups)
    found = (_suspect(group, medians) for group in groups)
    return [suspect for suspect in found if suspect is not None]


def suspect(group: LabelGroup, groups: Sequence[LabelGroup]) -> Suspect | None:
    """Say of one of the groups of a data set whether it is a suspect."""
    return _suspect(group, _Medians(groups))


class _Medians:
    """The medians of the groups that are large enough, by analyte."""

    def __init__(self, groups: Sequence[LabelGroup]) -> None:
        self._of: dict[str, list[tuple[LabelGroup, float]]] = {}
        for group in groups:
            if group.distribution.count >= FEWEST:
                median = float(group.distribution.quantiles([0.5])[0])
                self._of.setdefault(group.analyte, []).append((group, median))

    def others(self, group: LabelGroup, analyte: str) -> list[float]:
        """Return the medians of the other groups of an analyte."""
        return [median for other, median in self._of.get(analyte, ()) if other is not group]


def _suspect(group: LabelGroup, medians: _Medians) -> Suspect | None:
    if group.analyte not in populations() or group.distribution.count < FEWEST:
        return None
    low, median, high = group.distribution.quantiles([0.05, 0.5, 0.95]).tolist()
    if low == high:
        return None
    others = {
        analyte: medians.others(group, analyte) for analyte in (group.analyte, *confused().get(group.analyte, ()))
    }
    return _whole(group, median, others) or _mixed(group, others)


def _expected(analyte: str, others: Sequence[float]) -> tuple[Population, str]:
    """Return where an honest group lies: by the other groups where most of them agree, else by the population."""
    known = populations()[analyte]
    middle = math.exp(known.center)
    unit = analytes()[analyte].canonical_unit
    entries = ", ".join(known.entries)
    words = line("suspect", "population", middle=f"{middle:.3g}", unit=unit, entries=entries)
    if len(others) < _FEWEST_OTHERS:
        return known, words
    center = float(np.median(others))
    near = sum(abs(other - center) <= _FIT * known.site for other in others)
    if near <= len(others) / 2 or abs(center - known.center) > _FIT * known.site + 0.1:
        return known, words
    weight = len(others) / (len(others) + (1.2533 * known.site / max(_POPULATION_ERROR, known.site / 2)) ** 2)
    center = weight * center + (1 - weight) * known.center
    words = line("suspect", "others", count=len(others), entries=entries, middle=f"{math.exp(center):.3g}", unit=unit)
    return attrs.evolve(known, center=center, site=_site(known, others)), words


def _site(known: Population, others: Sequence[float]) -> float:
    """Return by how much the medians of honest groups differ: less than is known where the others agree."""
    if len(others) < _FEWEST_TO_AGREE:
        return known.site
    apart = _MAD * float(np.median(np.abs(np.asarray(others) - np.median(others))))
    least = max(_LEAST_SITE, _LEAST_OF_SITE * known.site)
    return min(known.site, max(apart, least))


def _labels(group: LabelGroup, others: Mapping[str, Sequence[float]]) -> Iterator[_Label]:
    """Yield the label of the group first, then those that it is told from."""
    expected, why = _expected(group.analyte, others[group.analyte])
    yield _Label(analyte=group.analyte, unit=group.unit, shift=0.0, expected=expected, why=why)
    table = analytes()
    own = _factor(group.analyte, group.unit)
    seen: set[float] = set()
    for code in table[group.analyte].units:
        shift = math.log(_factor(group.analyte, code) / own)
        if abs(shift) >= _NEAREST and round(shift, 6) not in seen:
            seen.add(round(shift, 6))
            yield _Label(analyte=group.analyte, unit=code, shift=shift, expected=expected, why=why)
    for analyte in confused().get(group.analyte, ()):
        if analyte not in populations() or group.unit not in units.accepted(analyte):
            continue
        shift = math.log(_factor(analyte, group.unit) / own)
        known, why = _expected(analyte, others[analyte])
        if abs(known.center - expected.center - shift) >= _NEAREST:
            yield _Label(analyte=analyte, unit=group.unit, shift=shift, expected=known, why=why)


def _factor(analyte: str, code: str) -> float:
    return units.scale(analyte, code).apply(1.0)


def _distance(label: _Label, median: float, error: float) -> float:
    """Return how many standard deviations a median lies from where the label expects it."""
    return abs(median + label.shift - label.expected.center) / math.hypot(label.expected.site, error)


def _whole(group: LabelGroup, median: float, others: Mapping[str, Sequence[float]]) -> Suspect | None:
    own, *alternatives = _labels(group, others)
    low, high = group.distribution.quantiles([0.25, 0.75])
    error = 1.2533 * float(high - low) / 1.349 / math.sqrt(group.distribution.count)
    if float(high - low) / 1.349 > _WIDEST * own.expected.spread:
        return None
    here = _distance(own, median, error)
    ratios: list[tuple[float, _Label]] = []
    for label in alternatives:
        there = _distance(label, median, error)
        ratio = (here**2 - there**2) / 2 + _by_range(group, own, label)
        if there <= _FIT and ratio > CERTAIN:
            ratios.append((ratio, label))
    if not ratios:
        return None
    ratios.sort(key=lambda each: -each[0])
    best_ratio, best = ratios[0]
    evidence = _evidence(group, median, own, best)
    nearly = [_name(group, label) for ratio, label in ratios[1:] if best_ratio - ratio < _NEARLY]
    if nearly:
        evidence += f"; nearly as well as {', '.join(nearly)}"
    return Suspect(
        group=group, unit=best.unit, analyte=best.analyte, share=1.0, evidence=evidence, check=_check(group, best)
    )


def _by_range(group: LabelGroup, own: _Label, label: _Label) -> float:
    """Return what the ranges that came with the results say, as a logarithm of a likelihood ratio."""
    if group.range_middle is None:
        return 0.0
    distances = []
    for one in (own, label):
        known = range_middles(one.analyte)
        if not known:
            return 0.0
        middle = float(np.median(known))
        apart = max(_RANGE_SITE, _MAD * float(np.median(np.abs(np.asarray(known) - middle))))
        distances.append(min(abs(group.range_middle + one.shift - middle) / apart, _FAR))
    return (distances[0] ** 2 - distances[1] ** 2) / 2


def _evidence(group: LabelGroup, median: float, own: _Label, best: _Label) -> str:
    unit, other = analytes()[group.analyte].canonical_unit, analytes()[best.analyte].canonical_unit
    count = group.distribution.count
    known = {"unit": unit, "other_unit": other, "label": own.unit, "name": _name(group, best), "why": best.why}
    text = line("suspect", "median", count=count, **known, **_both(median, best.shift))
    if group.range_middle is not None:
        text += line("suspect", "ranges", **known, **_both(group.range_middle, best.shift))
    return text


def _both(center: float, shift: float) -> dict[str, str]:
    """Return a center as labelled and as the other label would have it."""
    return {"own": f"{math.exp(center):.3g}", "other": f"{math.exp(center + shift):.3g}"}


def _name(group: LabelGroup, label: _Label) -> str:
    return label.unit if label.analyte == group.analyte else f"{label.analyte} in {label.unit}"


def _check(group: LabelGroup, best: _Label, which: str = "whole") -> str:
    results = line("suspect", which)
    if best.analyte != group.analyte:
        return line("suspect", "other_analyte", which=results, other=best.analyte, own=group.analyte)
    return line("suspect", "other_unit", which=results, other=best.unit, own=group.unit)


# --- two units in one group -----------------------------------------------------------------------------------------


def _mixed(group: LabelGroup, others: Mapping[str, Sequence[float]]) -> Suspect | None:
    if group.distribution.count < FEWEST_MIXED:
        return None
    own, *alternatives = _labels(group, others)
    best: tuple[float, float, _Label] | None = None
    for label in alternatives:
        if label.analyte != group.analyte and label.shift:
            continue
        offset = -label.shift if label.analyte == group.analyte else label.expected.center - own.expected.center
        if abs(offset) < 1.5 * own.expected.spread:
            continue
        gain, share = _gain(group.distribution, own.expected, offset)
        if gain >= CERTAIN_MIXED and (best is None or gain > best[0]):
            best = gain, share, label
    if best is None:
        return None
    gain, share, label = best
    evidence = line(
        "suspect",
        "mixed",
        count=group.distribution.count,
        label=group.unit,
        share=f"{share:.0%}",
        name=_name(group, label),
        gain=f"{gain:.0f}",
        why=own.why,
    )
    return Suspect(
        group=group,
        unit=label.unit,
        analyte=label.analyte,
        share=share,
        evidence=evidence,
        check=_check(group, label, "part"),
    )


def _gain(values: Distribution, expected: Population, offset: float) -> tuple[float, float]:
    """Return by how much two groups at a fixed offset explain the values better than one, and the share of the second.

    The gain counts only where a free offset would have come out at the same place: a shoulder of sick patients
    elsewhere is no second unit.
    """
    low, high = expected.center - 3.5, expected.center + 3.5
    low, high = min(low, low + offset), max(high, high + offset)
    edges = np.linspace(low, high, 1 + round((high - low) / (0.2 * expected.spread)))
    counts = values.counts(edges)
    middles = (edges[1:] + edges[:-1]) / 2
    held = counts > 0
    counts, middles = counts[held], middles[held]
    single = max(_fit(counts, middles, expected, 0.0, nu)[0] for nu in _FREEDOM)
    fixed, share = max(_fit(counts, middles, expected, offset, nu) for nu in _FREEDOM)
    if fixed - single < CERTAIN_MIXED:
        return 0.0, 0.0
    free = max(_fit(counts, middles, expected, offset * step, nu)[0] for nu in _FREEDOM for step in _STEPS)
    return (0.0, 0.0) if fixed < free - 2.0 else (fixed - single, share)


def _fit(
    counts: NDArray[np.float64], middles: NDArray[np.float64], expected: Population, offset: float, freedom: float
) -> tuple[float, float]:
    """Return the log-likelihood of one t distribution, or of two at an offset, and the share of the second."""
    best = (-math.inf, 0.0)
    total = counts.sum()
    starts = (0.0,) if not offset else (0.2, 0.7)
    for share in starts:
        weight = share
        center, scale = expected.center, expected.spread
        if not offset:
            center = _weighted_median(counts, middles)
        likelihood = -math.inf
        for _ in range(30):
            first = (1 - weight) * _t(middles, center, scale, freedom)
            second = weight * _t(middles, center + offset, scale, freedom) if offset else np.zeros_like(first)
            both = first + second
            last, likelihood = likelihood, float((counts * np.log(np.maximum(both, 1e-300))).sum())
            belongs = second / np.maximum(both, 1e-300)
            residual = np.stack([middles - center, middles - center - offset])
            robust = (freedom + 1) / (freedom + (residual / scale) ** 2) * np.stack([1 - belongs, belongs]) * counts
            center = float((robust[0] * middles + robust[1] * (middles - offset)).sum() / robust.sum())
            center = (
                min(max(center, expected.center - _FIT * expected.site), expected.center + _FIT * expected.site)
                if offset
                else center
            )
            residual = np.stack([middles - center, middles - center - offset])
            scale = max(math.sqrt(float((robust * residual**2).sum() / total)), 0.2 * expected.spread)
            weight = min(max(float((counts * belongs).sum() / total), 0.03), 0.97) if offset else 0.0
            if likelihood - last < _ENOUGH:
                break
        best = max(best, (likelihood, weight))
    return best


def _t(at: NDArray[np.float64], center: float, scale: float, freedom: float) -> NDArray[np.float64]:
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    return constant / scale * (1 + ((at - center) / scale) ** 2 / freedom) ** (-(freedom + 1) / 2)


def _weighted_median(counts: NDArray[np.float64], at: NDArray[np.float64]) -> float:
    return float(at[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]) if len(at) else 0.0
