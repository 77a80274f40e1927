"""The kernel for one panel of results in plain Python: no arrays, no import of numpy.

`labinterp.kernel.vector` does the same over columns; both use the same channels and plans of a session.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

from labinterp.codes import LEVEL_CODE, NO_GRADE, NOTE_BIT, SIDE_OF_FLAG
from labinterp.kernel import calcium as rule
from labinterp.kernel import panel as slots
from labinterp.kernel.baseline import read_baseline
from labinterp.kernel.plan import DOUBTED
from labinterp.kernel.quantity import Sent, read_value
from labinterp.kernel.reported import NO_RANGE
from labinterp.reading import demographics, flags, values
from labinterp.reading.demographics import read_text
from labinterp.reading.times import age_at, read_birth, read_moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.kernel.plan import Outcome, Plan
    from labinterp.kernel.quantity import Channel
    from labinterp.kernel.session import Session, WhoKey
    from labinterp.model import LabResult, Patient

CORRECTED: Final = NOTE_BIT["corrected"]
UNSURE_TIME: Final = NOTE_BIT["time_unreadable"] | NOTE_BIT["time_imprecise"]
_EARLIEST: Final = dt.datetime.min  # noqa: DTZ901 - times are naive UTC here


class Reading:
    """One result on its way through the kernel; `problem` or `outcome` is set at the end."""

    channel: Channel
    who: WhoKey
    adjusted: float | None = None
    comparator: str | None = None
    flag: str | None = None
    grade: int | None = None
    grade_high: int | None = None
    grade_low: int | None = None
    notes = 0
    number = 0.0
    outcome: Outcome | None = None
    plan: Plan | None = None
    problem: str | None = None
    range_sent = NO_RANGE
    suspected: str | None = None
    value: float | None = None
    when: dt.datetime | None = None

    def take_grades(self, outcome: Outcome) -> None:
        """Take the grades of an outcome, and why there is none."""
        self.notes = self.notes & ~NO_GRADE | outcome.ungraded
        self.grade, self.grade_low, self.grade_high = outcome.grade, outcome.grade_low, outcome.grade_high

    @property
    def soft(self) -> bool:
        """Whether the value is doubtful."""
        return bool(self.notes & NOTE_BIT["soft_implausible"])

    @property
    def critical(self) -> bool:
        """Whether the laboratory calls the result critical, and its level says less."""
        return bool(self.notes & NOTE_BIT["flag_critical"])


class PatientGroups:
    """The patient group of each result: by birth date and collection time where both are known, else by age."""

    def __init__(self, patient: Patient, session: Session) -> None:
        self._session = session
        self._sex = demographics.read_sex(patient.sex)
        self._pregnancy = demographics.read_pregnancy(patient.pregnancy)
        self._birth = read_birth(patient.birth_date, session.date_order)
        self._age = demographics.read_age(patient.age)
        self.notes = 0
        if self._age is None and not demographics.is_missing(patient.age):
            self.notes |= NOTE_BIT["age_unreadable"]
        if self._birth is None and not demographics.is_missing(patient.birth_date):
            self.notes |= NOTE_BIT["time_unreadable"]
        if self._sex is None and demographics.sex_is_unreadable(patient.sex):
            self.notes |= NOTE_BIT["sex_unreadable"]
        if self._pregnancy == demographics.UNREADABLE:
            self.notes |= NOTE_BIT["pregnancy_unreadable"]
        self._key = session.who_key(self._age, self._sex, self._pregnancy)

    def key(self, when: dt.datetime | None) -> WhoKey:
        """Return the patient group at the time of collection."""
        age = None if self._birth is None or when is None else age_at(self._birth, when)
        return self._key if age is None else self._session.who_key(age, self._sex, self._pregnancy)


def read(result: LabResult, person: PatientGroups, session: Session, decimal: str | None) -> Reading:
    """Carry one result through reading, conversion and comparison."""
    reading = Reading()
    parsed = read_value(result.value, decimal)
    sent = Sent(
        test=read_text(result.test) or "",
        unit=read_text(result.unit),
        specimen=read_text(result.specimen),
        loinc=read_text(result.loinc),
        written=parsed.unit_text,
        note=read_text(result.note),
        method=read_text(result.method),
    )
    if not (result.reference_low is result.reference_high is result.reference_range is None):
        reading.range_sent = result.reference_low, result.reference_high, result.reference_range
    channel = session.channel(sent)
    if channel.between:
        channel = session.settled(channel, sent, reading.range_sent)
    reading.channel = channel
    if result.collected_at is not None:
        _read_moment(reading, result.collected_at, session)
    reading.who = person.key(reading.when)
    if result.reported_flag is not None or parsed.flag is not None or channel.mark is not None:
        reading.flag = flags.combined(flags.combined(_side(result.reported_flag), _side(parsed.flag)), channel.mark)
    reading.notes |= channel.notes | person.notes | (NOTE_BIT["number_cleaned"] if parsed.notes else 0)
    reading.problem = problem_before_conversion(parsed, channel)
    if reading.problem is not None:
        return reading
    number = parsed.number
    if parsed.alternative is not None:
        number = session.choose_reading(channel, parsed)
        if number is None:
            reading.problem = "ambiguous_number"
            return reading
    reading.number, reading.comparator = float(number or 0.0), parsed.comparator
    _convert(reading, session)
    _grade_by_baseline(reading, result.baseline, decimal)
    return reading


def _read_moment(reading: Reading, collected_at: Any, session: Session) -> None:
    moment = read_moment(collected_at, session.date_order)
    if moment is not None:
        reading.when = moment.at
        reading.notes |= 0 if moment.is_exact else NOTE_BIT["time_imprecise"]
    elif not demographics.is_missing(collected_at):
        reading.notes |= NOTE_BIT["time_unreadable"]


def _side(flag: object) -> str | None:
    return flags.side_of_reported(flag) if isinstance(flag, str) else None


def problem_before_conversion(parsed: values.Parsed, channel: Channel) -> str | None:
    """Return what stops a result before its value is converted, the first of the contract's order."""
    if channel.problem is not None:
        return channel.problem
    if parsed.problem is not None:
        return parsed.problem
    if channel.value_problem is not None:
        return channel.value_problem
    if parsed.number is not None and parsed.number < 0:
        return "negative_value"
    return channel.unit_problem


def _convert(reading: Reading, session: Session) -> None:
    channel = reading.channel
    value = reading.number * channel.mul / channel.div
    if not channel.hard.hold(value):
        reading.problem = "implausible_value"
        reading.suspected = session.suspected_unit(channel, reading.number)
        return
    reading.value = value
    if reading.comparator is not None:
        reading.notes |= NOTE_BIT["censored"]
    if is_soft(value, reading.comparator, channel):
        reading.notes |= NOTE_BIT["soft_implausible"]
        reading.suspected = session.suspected_unit(channel, reading.number)
    plan = session.plan(channel, reading.who, reading.range_sent)
    outcome = plan.locate(reading.number, reading.comparator)
    reading.plan, reading.notes = plan, reading.notes | plan.notes
    reading.take_grades(outcome)
    if outcome.flag is None:
        reading.problem = "no_reference_range"
        reading.notes |= disagreement(None, reading.flag)
        return
    reading.outcome = outcome
    reading.notes |= outcome.notes
    reading.notes |= disagreement(outcome.flag, reading.flag)
    if outcome.flag == "N" and (
        session.overruled(plan, reading.flag)
        or plan.shuts_out(reading.number)
        or session.slipped(channel, reading.who, plan, (reading.number, reading.comparator), reading.suspected)
    ):
        reading.outcome = DOUBTED


def _grade_by_baseline(reading: Reading, sent: Any, decimal: str | None) -> None:
    """Grade against the patient's baseline as well, where the standard does."""
    plan = reading.plan
    if plan is None or plan.against is None or reading.value is None:
        return
    channel, baseline = reading.channel, read_baseline(sent, decimal)
    base = None if baseline is None else baseline * channel.mul / channel.div
    by_baseline = plan.against.grade(reading.value, reading.comparator, base, plan.low)
    grade, why = plan.against.combined(reading.grade_high, reading.notes & NO_GRADE, by_baseline)
    reading.notes = reading.notes & ~NO_GRADE | why
    reading.grade = reading.grade_high = grade


def is_soft(value: float, comparator: str | None, channel: Channel) -> bool:
    """Return whether a value is doubtful; the side on which a censored value is open says nothing."""
    low, high = value < channel.soft.low, value > channel.soft.high
    if comparator is None:
        return low or high
    return high if comparator in ("<", "<=") else low


class Chosen:
    """Which result counts in each slot of a panel.

    `of_slot` maps a slot to the position of its result; `unsure` names the slots where the order of several results is
    not known.
    """

    __slots__ = ("of_slot", "unsure")

    def __init__(self, of_slot: dict[int, int], unsure: frozenset[int]) -> None:
        self.of_slot = of_slot
        self.unsure = unsure


def choose(readings: Sequence[Reading]) -> Chosen:
    """Return which results count: the latest, and of those of one time the corrected ones.

    Where several are left that differ, or one of several has a time that can't be read, none is known to be the latest:
    the abnormal one counts, and none where they point in both directions.
    """
    candidates: dict[int, list[int]] = {}
    for i, reading in enumerate(readings):
        slot = slots.SLOT.get(reading.channel.analyte or "")
        if slot is not None and _counts(reading, slot):
            candidates.setdefault(slot, []).append(i)
    unsure: set[int] = set()
    chosen: dict[int, int] = {}
    for slot, held in candidates.items():
        if len(held) == 1:
            chosen[slot] = held[0]
            continue
        sure = not any(readings[i].notes & UNSURE_TIME for i in held)
        several = _latest(readings, held) if sure else held
        if not sure or len({_said(readings[i]) for i in several}) > 1:
            unsure.add(slot)
        levels = {_level(readings[i]) for i in several}
        if not (levels & slots.BELOW_NORMAL and levels & slots.ABOVE_NORMAL):
            chosen[slot] = max(several, key=lambda i: (_rank(readings[i]), i))
    return Chosen(chosen, frozenset(unsure))


def _latest(readings: Sequence[Reading], held: Sequence[int]) -> Sequence[int]:
    """Return the results of the latest time; the corrected ones alone where some are."""
    when = max(readings[i].when or _EARLIEST for i in held)
    latest = [i for i in held if (readings[i].when or _EARLIEST) == when]
    return [i for i in latest if readings[i].notes & CORRECTED] or latest


def _said(reading: Reading) -> tuple[float | None, str | None, int]:
    return reading.value, reading.comparator, _level(reading)


def _level(reading: Reading) -> int:
    outcome = reading.outcome
    return 0 if outcome is None or outcome.level is None else LEVEL_CODE[outcome.level]


def _rank(reading: Reading) -> int:
    return slots.rank(_level(reading), soft=reading.soft, critical=reading.critical)


def _counts(reading: Reading, slot: int) -> bool:
    return (
        reading.problem is None
        or (slot == slots.ALBUMIN and reading.value is not None)
        or (slot == slots.CALCIUM and reading.problem == "no_reference_range")
    )


class Computed:
    """Total calcium of a panel adjusted by its albumin."""

    __slots__ = ("comparator", "marks", "outcome", "value")

    def __init__(self, value: float, comparator: str | None, outcome: Outcome, marks: int) -> None:
        self.value = value
        self.comparator = comparator
        self.outcome = outcome
        self.marks = marks


def pattern_of(
    readings: Sequence[Reading], counting: Chosen, session: Session, adjustment: rule.Adjustment
) -> tuple[tuple[int, ...], Computed | None]:
    """Return the levels of a panel, slot by slot, and the adjusted calcium if albumin allowed it.

    Also completes the readings of total calcium: a grade by the adjusted value, or the note that nothing corrected it.
    A grade may stand without a range.
    """
    chosen = counting.of_slot
    pattern = _levels(readings, chosen, session)
    computed = _compute(readings, counting, pattern, session, adjustment)
    if computed is not None and computed.outcome.level is not None:
        pattern[slots.COMPUTED] = LEVEL_CODE[computed.outcome.level] + computed.marks
    calcium = chosen.get(slots.CALCIUM)
    for i, reading in enumerate(readings):
        if reading.value is None or slots.SLOT.get(reading.channel.analyte or "") != slots.CALCIUM:
            continue
        adjusted = computed if i == calcium else None
        reading.adjusted = None if adjusted is None else adjusted.value
        if adjusted is not None and session.grading is not None:
            reading.take_grades(adjusted.outcome)
        if reading.problem is not None and reading.grade is None:
            continue
        if adjusted is None or (adjusted.outcome.flag is None and reading.problem is None):
            reading.notes |= NOTE_BIT["uncorrected_calcium"]
        if adjusted is not None and session.grading is not None:
            reading.notes |= NOTE_BIT["graded_as_adjusted"]
    return tuple(pattern), computed


def _levels(readings: Sequence[Reading], chosen: dict[int, int], session: Session) -> list[int]:
    """Return the pattern but for calcium adjusted by albumin."""
    pattern = [0] * slots.WIDTH
    for reading in readings:
        slot = slots.SLOT.get(reading.channel.analyte or "")
        if slot is not None:
            pattern[slot] = slots.UNJUDGED
    for slot, i in chosen.items():
        outcome = readings[i].outcome
        if outcome is not None and outcome.level is not None:
            pattern[slot] = LEVEL_CODE[outcome.level] + slots.marks(readings[i].notes)
            if slot == slots.VITAMIN_B12 and slots.is_diagnostic(outcome.band):
                pattern[slots.CONTEXT["vitamin_b12_limit"]] = 1
    if rule.PREGNANT in map(session.person_class, {reading.who for reading in readings}):
        pattern[slots.CONTEXT["pregnancy"]] = 1
    return pattern


def _compute(
    readings: Sequence[Reading],
    counting: Chosen,
    pattern: list[int],
    session: Session,
    adjustment: rule.Adjustment,
) -> Computed | None:
    """Return adjusted calcium; total calcium is left open where it is not known which of several belongs to it."""
    chosen = counting.of_slot
    if slots.CALCIUM not in chosen:
        return None
    calcium = readings[chosen[slots.CALCIUM]]
    if slots.ALBUMIN not in chosen:
        pattern[slots.CONTEXT["adjustment"]] = rule.without_albumin(session.person_class(calcium.who))
        return None
    albumin = readings[chosen[slots.ALBUMIN]]
    grams = albumin.value if albumin.value is not None else math.nan
    level = pattern[slots.ALBUMIN] & slots.LEVEL_BITS
    person = session.person_class(calcium.who)
    censored = albumin.comparator is not None or bool(counting.unsure & {slots.CALCIUM, slots.ALBUMIN})
    if slots.CALCIUM in counting.unsure and level != slots.NORMAL:
        pattern[slots.CALCIUM] = slots.UNJUDGED
    verdict = rule.verdicts()[rule.verdict_key(adjustment.grams_class(grams), level, person, censored)]
    pattern[slots.CONTEXT["adjustment"]] = verdict.reason
    pattern[slots.CONTEXT["albumin_side"]] = verdict.side
    if not verdict.valid:
        return None
    channel = calcium.channel
    number = adjustment.adjusted(calcium.number, adjustment.slope(channel), grams)
    plan = session.plan(channel, calcium.who, calcium.range_sent, computed=True)
    outcome = plan.locate(number, calcium.comparator)
    value = number * channel.mul / channel.div
    sent, level = pattern[slots.CALCIUM], LEVEL_CODE.get(outcome.level or "", 0)
    critical = bool(sent & slots.CRITICAL) and slots.SIDE[sent & slots.LEVEL_BITS] == slots.SIDE[level]
    marks = (slots.SOFT if calcium.soft or albumin.soft else 0) | (slots.CRITICAL if critical else 0)
    return Computed(value, calcium.comparator, outcome, marks)


def disagreement(flag: str | None, reported: str | None) -> int:
    """Return the bits of the notes that the laboratory puts the result on another side of normal, or farther."""
    side = SIDE_OF_FLAG.get(flag or "")
    bits = NOTE_BIT["flag_disagrees"] if flags.disagrees(side, reported) else 0
    same = flag in ("L", "H") and not bits
    return (
        bits | NOTE_BIT["flag_critical"] if flags.is_critical(reported) and (same or side in (None, "normal")) else bits
    )
