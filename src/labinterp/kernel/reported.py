"""The range that a laboratory sent with a result → a scale in the result's unit."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp._data import knowledge
from labinterp.codes import LOW_SIDE, NOTE_BIT
from labinterp.kernel.limits import Bounds
from labinterp.kernel.plan import Scale, Stretch, StretchEnd
from labinterp.reading import units, values
from labinterp.reading.reported_range import UNUSABLE, RangeText, readings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from labinterp.reading.analytes import Analyte
    from labinterp.reading.reported_range import End, SentBand

SentRange = tuple[Any, Any, Any]
"""Lower end, upper end and text of a range, as they were sent."""

NO_RANGE: Final[SentRange] = (None, None, None)

Ends = tuple[StretchEnd | None, StretchEnd | None]
"""Lower and upper end in the result's unit."""

_NOT_HIGH: Final = (*LOW_SIDE, "normal")


@attrs.frozen
class RangeFor:
    """What a reported range is read for.

    Args:
        analyte: of the result.
        to_canonical: exact factor from the result's unit.
        sex: of the patient, where it is known.
        adult: whether the patient is one, where that is known.
        decimal: the decimal sign, where the caller says it; it settles what can be read in two ways.
        unit: code of the result's unit, which settles what is printed in several.
    """

    analyte: Analyte
    to_canonical: Fraction
    sex: str | None = None
    adult: bool | None = None
    decimal: str | None = None
    unit: str | None = None

    def other_unit(self, text: str | None) -> bool:
        """Return whether a unit that is written in the range is not the result's."""
        if text is None:
            return False
        code = units.resolve(text).code
        if code not in units.accepted(self.analyte.key):
            return True
        return units.exact_factor(self.analyte.key, str(code)) != self.to_canonical

    def usable(self, ends: Ends) -> bool:
        """Return whether two ends can limit this analyte."""
        lower, upper = (None if end is None else end.value for end in ends)
        hard = Bounds.of(self.analyte.hard)
        if lower is not None and upper is not None and (lower > upper or lower == upper == 0):
            return False
        if lower is not None and (lower < 0 or float(lower * self.to_canonical) > hard.high):
            return False
        return upper is None or (upper > 0 and float(upper * self.to_canonical) >= hard.low)

    def meant(self, ends: Ends) -> Ends:
        """Return two ends without one that limits nothing: 0 or 9999 stands in tables where no limit was printed."""
        lower, upper = ends
        if lower is None or upper is None:
            return ends
        soft, data = Bounds.of(self.analyte.soft), knowledge("comparison.toml")
        low, high = (float(end.value * self.to_canonical) for end in (lower, upper))
        key = self.analyte.key
        from_zero = data["harmless_side"].get(key) == "low" or (low == 0 and key in data["from_zero"]["analytes"])
        return (
            None if low < soft.low <= high and not from_zero else lower,
            None if low <= soft.high < high else upper,
        )

    def plausible(self, ends: Ends) -> bool:
        """Return whether both ends are values that the analyte can have."""
        hard = Bounds.of(self.analyte.hard)
        return all(end is None or float(end.value * self.to_canonical) <= hard.high for end in ends)


def reported_scale(
    sent: SentRange, about: RangeFor, beyond: Callable[[], Sequence[Scale]] = tuple
) -> tuple[Scale | None, int]:
    """Read the range that came with a result, in the result's unit.

    Both ends are inclusive unless the laboratory printed `<` or `>`. A range from 0 to 0, upside down, not numeric, in
    another unit than the result's or beyond what the analyte can reach is unusable. Where one end is missing or limits
    nothing, the side without a limit is called normal only if nothing abnormal can lie there (`harmless_side` in the
    knowledge), or if the editions call it so (`open_side`). Several named bands are taken as they are.

    Args:
        sent: the range as it came.
        about: what it is read for.
        beyond: gives the scales of the editions.

    Returns:
        The scale, or None, and a bit mask of notes.
    """
    found = _found(*sent, about)
    if found is None:
        return None, 0
    if isinstance(found, str):
        return None, NOTE_BIT["reported_range_unusable"]
    if isinstance(found, RangeText):
        return _banded(found.bands), 0
    found = about.meant(found)
    if found == (None, None):
        return None, NOTE_BIT["reported_range_unusable"]
    if None not in found:
        return Scale(tuple(_stretches(*found, "normal")), ends=found), 0
    return _one_sided(found, about, beyond), NOTE_BIT["reported_range_one_sided"]


def _one_sided(ends: Ends, about: RangeFor, beyond: Callable[[], Sequence[Scale]]) -> Scale:
    low, high = ends
    open_side, data = "low" if low is None else "high", knowledge("comparison.toml")
    if data["harmless_side"].get(about.analyte.key) == open_side:
        return Scale(tuple(_stretches(low, high, "normal")), ends=ends)
    editions = beyond() if data["open_side"].get(about.analyte.key) == open_side else ()
    if not editions or low is None:
        return Scale(tuple(_stretches(low, high, "indeterminate")), ends=ends)
    below = Stretch(None, StretchEnd(low.value, not low.inclusive), "low", "low")
    return Scale((below, *_inside(low, editions)), exact=all(scale.exact for scale in editions), ends=ends)


def _stretches(low: StretchEnd | None, high: StretchEnd | None, inside: str) -> Iterator[Stretch]:
    if low is not None:
        yield Stretch(None, StretchEnd(low.value, not low.inclusive), "low", "low")
    yield Stretch(low, high, "normal" if inside == "normal" else None, inside)
    if high is not None:
        yield Stretch(StretchEnd(high.value, not high.inclusive), None, "high", "high")


def _inside(low: StretchEnd, editions: Sequence[Scale]) -> Iterator[Stretch]:
    """Yield what lies above a lower limit, as far as the editions go: normal unless one of them calls it high."""
    points = {edge.value for scale in editions for stretch in scale.stretches for edge in stretch.edges()}
    edges = [
        low,
        *(StretchEnd(point, inclusive) for point in sorted(points) if point > low.value for inclusive in (True, False)),
    ]
    for lower, upper in itertools.zip_longest(edges, edges[1:]):
        x = lower.value + 1 if upper is None else (lower.value + upper.value) / 2
        found = [scale.at(x) for scale in editions]
        normal = all(stretch is not None and stretch.level in _NOT_HIGH for stretch in found)
        end = None if upper is None else StretchEnd(upper.value, upper.value == lower.value or not upper.inclusive)
        yield Stretch(lower, end, "normal" if normal else None, "normal" if normal else "indeterminate")


def _banded(bands: Sequence[SentBand]) -> Scale:
    stretches = [Stretch(_edge(band.low), _edge(band.high), band.name, band.level) for band in bands]
    normal = [stretch for stretch in stretches if stretch.level == "normal"]
    return Scale(tuple(stretches), ends=(normal[0].lower, normal[-1].upper) if normal else (None, None))


def _edge(end: End | None) -> StretchEnd | None:
    return None if end is None else StretchEnd(Fraction(Decimal(repr(end.value))), end.inclusive)


def _found(low: Any, high: Any, text: Any, about: RangeFor) -> Ends | RangeText | str | None:
    """Return the ends, a text with bands, `UNUSABLE`, or None where no range was sent."""
    ends = [values.parse(end) for end in (low, high)]
    if all(end.problem == "missing_value" for end in ends):
        return _of_text(text, about) if isinstance(text, str) else None
    if all(end.problem in (None, "missing_value") for end in ends):
        found = _of_ends(low, high, about)
        if found is not None:
            return found
    whole = [end for end in (low, high) if isinstance(end, str) and values.parse(end).problem == "not_numeric"]
    alone = len(whole) == 1 and any(end.problem == "missing_value" for end in ends)
    if alone or (len(whole) == len(ends) and low == high):
        return _of_text(whole[0], about) or UNUSABLE
    return (_of_text(text, about) if isinstance(text, str) else None) or UNUSABLE


def _of_ends(low: Any, high: Any, about: RangeFor) -> Ends | None:
    """Return two ends that came by themselves, or None where they cannot be used or can be read in two ways."""
    made = []
    for decimal in (None, ".", ","):
        lower, upper = (_settled(end, decimal, about) for end in (low, high))
        if {lower.problem, upper.problem} - {None, "missing_value"}:
            continue
        ends = _edge_of(lower, ">"), _edge_of(upper, "<")
        same = not (about.other_unit(lower.unit_text) or about.other_unit(upper.unit_text))
        if decimal is None and lower.alternative is None and upper.alternative is None:
            return ends if same and about.usable(ends) else None
        if decimal is not None and same and about.usable(ends) and about.plausible(ends):
            made.append(ends)
    distinct = list(dict.fromkeys(made))
    return distinct[0] if len(distinct) == 1 else None


def _settled(end: Any, decimal: str | None, about: RangeFor) -> values.Parsed:
    """Read an end by a decimal sign; what can be read in two ways is read by the caller's."""
    parsed = values.parse(end, decimal)
    if decimal is not None or about.decimal is None or parsed.alternative is None:
        return parsed
    return values.parse(end, about.decimal)


def _edge_of(parsed: values.Parsed, outside: str) -> StretchEnd | None:
    if parsed.number is None:
        return None
    return StretchEnd(Fraction(Decimal(repr(parsed.number))), parsed.comparator != outside)


def _of_text(text: str, about: RangeFor) -> Ends | RangeText | str | None:
    if text.strip().casefold() in values.MISSING_MARKERS:
        return None
    by_sign = readings(text, about.decimal, about.sex, about.adult, about.unit) if about.decimal else ()
    every_way = by_sign or readings(text, None, about.sex, about.adult, about.unit)
    read = [found for found in every_way if not about.other_unit(found.unit_text)]
    made: list[Ends | RangeText] = []
    for found in read:
        ends = tuple(
            _edge_of(values.parse(end, "."), outside) for end, outside in ((found.low, ">"), (found.high, "<"))
        )
        edges = (
            [edge for band in found.bands for edge in (_edge(band.low), _edge(band.high)) if edge is not None]
            if found.bands
            else [edge for edge in ends if edge is not None]
        )
        every = (edges[0], edges[-1])
        if about.usable((ends[0], ends[1])) and about.usable(every) and (len(read) == 1 or about.plausible(every)):
            made.append(found if found.bands else (ends[0], ends[1]))
    return made[0] if len(made) == 1 else UNUSABLE
