"""One set of choices (ranges, grading, options) and everything resolved under it, kept.

Both faces ask a session: `channel` for a distinct (test, unit, specimen), `plan` for a distinct (channel, patient
group, reported range). The frame face asks once per distinct text, the scalar face once per result; the answers are
the same objects.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.codes import FLAG_OF_LEVEL, NOTE_BIT
from labinterp.errors import UnknownTestError, UnknownUnitError
from labinterp.frozen import FrozenMap
from labinterp.kernel import calcium
from labinterp.kernel.plan import Grading, Plan, Scale, StretchEnd, compile_plan, no_plan, normal_ends
from labinterp.kernel.quantity import Channel, Sent, resolve
from labinterp.kernel.reported import NO_RANGE, RangeFor, reported_scale
from labinterp.kernel.scales import against_of, grading_of, scale_of
from labinterp.ranges import ReferenceSet, Who, grades_for
from labinterp.reading import analytes, flags, reported_range, units, values
from labinterp.reading.demographics import UNREADABLE
from labinterp.reading.times import check_date_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from labinterp.kernel.baseline import Against
    from labinterp.kernel.reported import SentRange
    from labinterp.ranges import Entry, Selection
    from labinterp.reading.times import Age

_CACHE_LIMIT: Final = 1 << 16
REPORTED: Final = "reported"

WhoKey = tuple[int | None, int, str | None, str | None]
"""Lowest and highest age bin (None, 0 where the age is unknown), sex, pregnancy."""


class Session:
    """Resolves channels, patient groups and plans under one set of choices.

    Args:
        ranges: the editions in order of priority.
        grading: a grading standard, if one was asked for: an edition, and those that add terms to it.
        reported_ranges: whether a range that came with a result wins.
        assume_adult: whether an unknown age counts as adult.
        default_units: analyte key → unit for results without one.
        tests: what the caller says of local names and codes.
        date_order: `"dmy"` or `"mdy"`, for dates that can be read in either order.
        decimal: the decimal sign, for ranges that can be read in two ways.
    """

    def __init__(
        self,
        ranges: ReferenceSet,
        grading: ReferenceSet | None = None,
        *,
        reported_ranges: bool = True,
        assume_adult: bool = False,
        default_units: Mapping[str, str] | None = None,
        tests: analytes.TestMap | None = None,
        date_order: str | None = None,
        decimal: str | None = None,
    ) -> None:
        self.ranges = ranges
        self.grading = grading
        self.reported_ranges = reported_ranges
        self.assume_adult = assume_adult
        self.tests = tests
        self.decimal = decimal
        self.date_order = check_date_order(date_order)
        self.default_units = {key: _checked_unit(key, unit) for key, unit in (default_units or {}).items()}
        breaks = {Fraction(calcium.ADULT_FROM), *ranges.age_breaks()}
        if grading is not None:
            breaks |= set(grading.age_breaks())
        self.age_breaks: tuple[Fraction, ...] = tuple(sorted(b for b in breaks if b > 0))
        self.age_edges: tuple[float, ...] = tuple(float(b) for b in self.age_breaks)
        self._channels: dict[Any, Channel] = {}
        self._plans: dict[Any, Plan] = {}
        self._alike: dict[Plan, Plan] = {}
        self._settled: dict[Any, Channel] = {}
        self._suspects: dict[Any, str | None] = {}

    def channel(self, sent: Sent) -> Channel:
        """Return what a distinct combination of texts means."""
        found = self._channels.get(sent)
        if found is None:
            found = _keep(self._channels, sent, resolve(sent, self.default_units, self.tests))
        return found

    def settled(self, channel: Channel, sent: Sent, range_sent: SentRange) -> Channel:
        """Return a channel whose name has several meanings as the one that the reported range fits, if it fits one.

        Args:
            channel: with `between`.
            sent: its texts.
            range_sent: the range that came with the result; both of its ends must be ordinary for the analyte.
        """
        key = (sent, range_sent, tuple(map(type, range_sent)))
        try:
            found = self._settled.get(key)
        except Exception:  # noqa: BLE001 - the ends are the caller's objects, and need not have a hash
            return self._settle(channel, sent, range_sent)
        return found or _keep(self._settled, key, self._settle(channel, sent, range_sent))

    def _settle(self, channel: Channel, sent: Sent, range_sent: SentRange) -> Channel:
        fitting = []
        for analyte in channel.between:
            made = resolve(sent._replace(test=analyte, loinc=None), self.default_units)
            if made.unit is not None and self._is_ordinary(made, range_sent):
                fitting.append(made)
        if len(fitting) != 1:
            return channel
        return attrs.evolve(fitting[0], notes=fitting[0].notes | channel.notes | NOTE_BIT["test_by_range"])

    def _is_ordinary(self, channel: Channel, range_sent: SentRange) -> bool:
        """Return whether a reported range has two ends, and both are ordinary values."""
        analyte, code = str(channel.analyte), str(channel.unit)
        factor = units.exact_factor(analyte, code)
        scale, _ = reported_scale(range_sent, RangeFor(analytes.analytes()[analyte], factor, decimal=self.decimal))
        ends = (None,) if scale is None or scale.ends is None else scale.ends
        return all(end is not None and channel.ordinary.hold(float(end.value * factor)) for end in ends)

    def who_key(self, age: Age | None, sex: str | None, pregnancy: str | None) -> WhoKey:
        """Return the patient group: two patients with one key get the same limits."""
        if sex == "male":
            pregnancy = None
        if age is None:
            return None, 0, sex, pregnancy
        low, high = age
        first = bisect_right(self.age_edges, low)
        last = first if high == low else bisect_right(self.age_edges, math.nextafter(high, -math.inf))
        return first, last, sex, pregnancy

    def person_class(self, key: WhoKey) -> int:
        """Return for whom calcium would be adjusted: a class of `labinterp.kernel.calcium`."""
        first, _, _, pregnancy = key
        if pregnancy not in (None, "none"):
            return calcium.PREGNANT
        if first is None:
            return calcium.ADULT if self.assume_adult else calcium.AGE_UNKNOWN
        return calcium.MINOR if first < bisect_right(self.age_edges, calcium.ADULT_FROM) else calcium.ADULT

    def _who(self, key: WhoKey) -> Who:
        first, last, sex, pregnancy = key
        if first is None:
            return Who(None, sex, pregnancy, self.assume_adult)
        low = self.age_breaks[first - 1] if first else Fraction(0)
        high = self.age_breaks[last] if last < len(self.age_breaks) else Fraction(1000)
        return Who((low, high), sex, pregnancy, self.assume_adult)

    def plan(self, channel: Channel, who: WhoKey, sent: SentRange = NO_RANGE, *, computed: bool = False) -> Plan:
        """Return the plan for a channel with a usable unit, a patient group and the range that came with the result.

        Args:
            channel: with `unit`.
            who: patient group.
            sent: the reported range, as it was sent.
            computed: whether the values are computed, and so compared with the tolerance even in a printed unit.
        """
        kinds = None if sent is NO_RANGE else tuple(map(type, sent))  # 1 and True are equal, and are not the same
        key = (channel.analyte, channel.unit, channel.method, who, sent, kinds, computed)
        try:
            found = self._plans.get(key)
        except Exception:  # noqa: BLE001 - the ends are the caller's objects, and need not have a hash
            return self._compile(channel, who, sent, computed=computed)
        if found is None:
            made = self._compile(channel, who, sent, computed=computed)
            found = _keep(self._plans, key, self._alike.get(made) or _keep(self._alike, made, made))
        return found

    def _compile(self, channel: Channel, who: WhoKey, sent: SentRange, *, computed: bool) -> Plan:
        analyte, code = str(channel.analyte), str(channel.unit)
        notes, scales, range_ids = 0, [], []
        person = self._who(who)
        to_canonical = units.exact_factor(analyte, code)
        if self.reported_ranges:
            about = RangeFor(
                analyte=analytes.analytes()[analyte],
                to_canonical=to_canonical,
                sex=person.sex,
                adult=_is_adult(person),
                decimal=self.decimal,
                unit=code,
            )
            scale, notes = reported_scale(sent, about, lambda: self._scales(analyte, code, person, channel.method))
            if scale is not None:
                scales, range_ids = [scale], [REPORTED]
        missing = detail = None
        printed = _printed(sent) if notes & NOTE_BIT["reported_range_unusable"] else ()
        if not scales:
            selection, more = self._select(analyte, person, channel.method)
            scales = _in_unit(selection, code, analyte)
            range_ids = sorted({entry.range_id for entry in selection.entries})
            notes |= more if scales else 0
            missing, detail = (None, None) if scales else (selection.reason or "no_entry", selection.detail)
        judges = _judges(analyte, computed=computed)
        criticals, critical_ids = self._criticals(judges, code, person)
        severities, severity_ids = self._severities(judges, code, person) if scales else ([], {})
        gradings = self._gradings(analyte, code, person, normal_ends(scales))
        if not scales and not criticals and not gradings:
            return no_plan(missing or "no_entry", detail, graded=self.grading is not None)
        plan = compile_plan(
            scales,
            criticals=criticals,
            severities=severities,
            gradings=None if self.grading is None else gradings,
            against=self._against(analyte, person),
            to_canonical=to_canonical,
            range_id="|".join([*range_ids, *critical_ids]) or None,
            severity_ids=FrozenMap(severity_ids),
            notes=notes,
            tolerant=computed,
            missing=missing,
            detail=detail,
            reported=range_ids == [REPORTED],
        )
        return attrs.evolve(plan, printed=printed) if printed else plan

    def _scales(self, analyte: str, code: str, who: Who, method: str | None) -> list[Scale]:
        """Return the scales of the editions in a unit."""
        return _in_unit(self._select(analyte, who, method)[0], code, analyte)

    def overruled(self, plan: Plan, side: str | None) -> bool:
        """Return whether a result may not be called normal, for its laboratory calls it abnormal.

        Its range, where it sent one that can be used, goes before its flag, unless that is critical.

        Args:
            plan: by which the result is normal.
            side: the side of normal on which the laboratory's own flag puts it.
        """
        return self.reported_ranges and side not in (None, "normal") and (not plan.reported or flags.is_critical(side))

    def slipped(
        self, channel: Channel, who: WhoKey, plan: Plan, value: tuple[float, str | None], suspect: str | None
    ) -> bool:
        """Return whether a doubtful result is normal as it stands, and would not be in the unit that is suspected.

        Args:
            channel: of the result.
            who: patient group.
            plan: by which the result is normal; a range of the laboratory's own holds in either unit.
            value: number and comparator.
            suspect: the unit that would make the number ordinary, if any.
        """
        if suspect is None or plan.reported:
            return False
        scale = units.scale(str(channel.analyte), suspect)
        other = attrs.evolve(channel, unit=suspect, mul=scale.mul, div=scale.div)
        return self.plan(other, who).locate(*value).flag != "N"

    def _select(self, analyte: str, who: Who, method: str | None) -> tuple[Selection, int]:
        """Return the entries that judge this analyte and patient, or why there are none, and notes."""
        selection = self.ranges.select_or_related(analyte, who, method)
        if not selection.covered:
            return selection, 0
        notes = 0 if selection.related is None else NOTE_BIT["range_of_related_analyte"]
        if who.age is None and self.assume_adult and any(_has_age(entry) for entry in selection.entries):
            notes |= NOTE_BIT["range_without_age"]
        pregnant = who.pregnancy not in (None, "none", UNREADABLE)
        if pregnant and any(entry.partition.pregnancy is None for entry in selection.entries):
            notes |= NOTE_BIT["range_not_pregnancy_specific"]
        return selection, notes

    def _criticals(self, judges: tuple[str, ...], code: str, who: Who) -> tuple[list[list[Scale]], list[str]]:
        """Return the scales of critical limits by edition, and the ids of their entries."""
        found = next(filter(None, (self.ranges.critical(analyte, who) for analyte in judges)), ())
        editions: dict[str, list[Entry]] = {}
        for entry in found:
            editions.setdefault(entry.edition, []).append(entry)
        return _scales(editions.values(), code)

    def _severities(self, judges: tuple[str, ...], code: str, who: Who) -> tuple[list[list[Scale]], dict[str, str]]:
        """Return the scales of severity, one level at a time, and the ids of their entries by flag."""
        found: dict[str, tuple[Entry, ...]] = next(
            filter(None, (self.ranges.severity(analyte, who) for analyte in judges)), {}
        )
        scales, ids = [], {}
        for level, entries in found.items():
            made, names = _scales([entries], code)
            scales += [[scale.of_level(level) for scale in group] for group in made]
            ids[FLAG_OF_LEVEL[level]] = "|".join(names)
        return scales, ids

    def _gradings(
        self, analyte: str, code: str, who: Who, ends: tuple[StretchEnd | None, StretchEnd | None]
    ) -> dict[str, list[Grading]]:
        """Return the grade scales of each direction, one per partition that could apply."""
        if self.grading is None:
            return {}
        by_direction: dict[str, list[Grading]] = {}
        for edition in self.grading.editions:
            for entry in grades_for(edition, analyte, who):
                grading = grading_of(entry, code, analyte, *ends)
                by_direction.setdefault(grading.direction, []).append(grading)
        return by_direction

    def _against(self, analyte: str, who: Who) -> Against | None:
        """Return how a result is graded against the patient's baseline, where the standard does so."""
        editions = () if self.grading is None else self.grading.editions
        found = [entry for edition in editions for entry in grades_for(edition, analyte, who, baseline=True)]
        return against_of(found[0]) if found else None

    def suspected_unit(self, channel: Channel, number: float) -> str | None:
        """Return another accepted unit in which the number would be ordinary, if there is one."""
        key = (channel.analyte, channel.unit, number)
        try:
            return self._suspects[key]
        except KeyError:
            suspect: str | None = _keep(self._suspects, key, self._suspect(channel, number))
            return suspect

    def _suspect(self, channel: Channel, number: float) -> str | None:
        analyte = str(channel.analyte)
        for code in analytes.analytes()[analyte].units:
            if code != channel.unit and channel.ordinary.hold(units.scale(analyte, code).apply(number)):
                return code
        return None

    def choose_reading(self, channel: Channel, parsed: values.Parsed) -> float | None:
        """Return the only plausible one of two readings of a number, or None where both stay plausible."""
        readings = [
            number
            for number in (parsed.number, parsed.alternative)
            if number is not None and channel.hard.hold(number * channel.mul / channel.div)
        ]
        if len(readings) == 1:
            return readings[0]
        return parsed.number if not readings else None


def _judges(analyte: str, *, computed: bool) -> tuple[str, ...]:
    """Return the analytes whose critical limits and severity hold: for calcium adjusted here, adjusted calcium's."""
    return ("calcium_adjusted", analyte) if computed else (analyte,)


def _scales(groups: Iterable[Iterable[Entry]], code: str) -> tuple[list[list[Scale]], list[str]]:
    """Return the scales of groups of entries in the unit `code`, and the ids of the entries."""
    groups = [list(group) for group in groups]
    ids = dict.fromkeys(entry.range_id for group in groups for entry in group)
    return [[scale_of(entry, code, entry.analyte) for entry in group] for group in groups if group], list(ids)


def _keep(cache: dict[Any, Any], key: Any, value: Any) -> Any:
    if len(cache) >= _CACHE_LIMIT:
        cache.clear()
    cache[key] = value
    return value


def _checked_unit(key: str, unit: str) -> str:
    if key not in analytes.analytes():
        raise UnknownTestError("default_units names an analyte that is not known", analyte=key)
    code = units.resolve(unit).code
    if code is None:
        raise UnknownUnitError(f"default_units has an unknown unit for {key}", analyte=key)
    units.scale(key, code)
    return unit


def _in_unit(selection: Selection, code: str, analyte: str) -> list[Scale]:
    return [scale_of(entry, code, analyte) for entry in selection.entries]


def _printed(sent: SentRange) -> tuple[tuple[float, float], ...]:
    """Return what an unusable range holds: nothing where but flags stand in its place that call the result abnormal."""
    texts = [text for text in sent if isinstance(text, str) and text.strip()]
    marks = {flags.side_of_reported(text) for text in texts} if all(map(flags.is_flag, texts)) else set()
    if marks - {"normal"}:
        return ((math.inf, -math.inf),)
    low, high = (_known(end) for end in sent[:2])
    if bool(low) is not bool(high):
        return ((low or -math.inf, high or math.inf),)
    return reported_range.printed(sent[2])


def _known(end: Any) -> float | None:
    """Return an end of a range as a number, None where it is not read or says its own unit."""
    parsed = values.parse(end)
    return parsed.number if parsed.unit_text is None and parsed.alternative is None else None


def _is_adult(who: Who) -> bool | None:
    """Return whether the patient is an adult, None where that is not known."""
    if who.age is None:
        return True if who.assume_adult else None
    low, high = who.age
    return True if low >= calcium.ADULT_FROM else False if high <= calcium.ADULT_FROM else None


def _has_age(entry: Entry) -> bool:
    return entry.partition.age_low is not None or entry.partition.age_high is not None
