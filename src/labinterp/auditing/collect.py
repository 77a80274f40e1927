"""One pass over a data set: what came, how it is read, and how its values are distributed, in bounded memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from labinterp.auditing import forms
from labinterp.auditing.distribution import Distribution
from labinterp.batch.encode import Encoded, combine
from labinterp.batch.instants import NO_TIME
from labinterp.codes import FLAGS, NOTE_BIT, PROBLEMS, SIDE_OF_FLAG
from labinterp.kernel import panel as slots
from labinterp.kernel.vector import PROBLEM_CODE
from labinterp.reading import demographics, flags, reported_range
from labinterp.reading.demographics import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from labinterp.batch import core
    from labinterp.batch.columns import Columns
    from labinterp.kernel.quantity import Channel
    from labinterp.kernel.vector import Bools, Floats, Ints
    from labinterp.options import Options

MOST: Final = 20_000
"""Distinct combinations that are told apart in each table; what comes beyond is counted together as `OTHER`."""
MOST_GROUPS: Final = 2_000
"""Groups of results whose distributions are kept."""
OTHER: Final = "(further ones)"
UNKNOWN: Final = "unknown"
REPORTED: Final = "reported"
_LONGEST: Final = 80
_SPELLINGS: Final = 8
_MONTHS: Final = 1_200
_RANGES: Final = 200
_OUTSIDE: Final = ("low", "high")
_ABNORMAL: Final = 2
_NO_UNIT: Final = ("missing_unit", "unknown_unit", "incompatible_unit")


@attrs.define
class Held:
    """What is known of the results with one label at one place.

    Args:
        problem: why their unit cannot be used.
    """

    problem: str | None
    rows: int = 0
    judged: int = 0
    censored: int = 0
    cleaned: int = 0
    beyond_ordinary: int = 0
    beyond_hard: int = 0
    flags_compared: int = 0
    flagged_here: int = 0
    flagged_there: int = 0
    spellings: dict[str, None] = attrs.field(factory=dict)
    decimals: Counter[int] = attrs.field(factory=Counter)
    months: dict[int, tuple[int, float]] = attrs.field(factory=dict)
    distribution: Distribution = attrs.field(factory=Distribution)
    range_middles: Counter[float] = attrs.field(factory=Counter)


class Counted:
    """Rows, and patients, by key; only so many keys are told apart."""

    def __init__(self) -> None:
        self.rows: Counter[tuple[Any, ...]] = Counter()
        self.patients: Counter[tuple[Any, ...]] = Counter()
        self.further = 0

    def add(self, key: tuple[Any, ...], rows: int, patients: int = 0) -> None:
        """Count rows."""
        if key not in self.rows and len(self.rows) >= MOST:
            self.further += rows
            return
        self.rows[key] += rows
        self.patients[key] += patients


class Collector:
    """Takes the rows of a data set with what they come to, and keeps counts and distributions.

    Args:
        options: what interpretation is done with.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.rows = self.bad_rows = 0
        self.tests, self.numbers, self.range_texts = Counted(), Counted(), Counted()
        self.specimens, self.ranges = Counted(), Counted()
        self.problems: Counter[str] = Counter()
        self.groups: dict[tuple[Any, ...], Held] = {}
        self.without_age = self.without_sex = 0
        self.calcium_panels = self.calcium_without_albumin = 0
        self.further_groups = 0

    def add(self, given: Columns, answer: core.Answer, places: Sequence[Encoded]) -> None:
        """Take rows.

        Args:
            given: in the `labinterp` layout.
            answer: what they come to.
            places: columns that tell places apart.
        """
        self.rows += given.rows
        problems = np.bincount(answer.batch.problem, minlength=len(PROBLEMS) + 1).tolist()
        self.problems.update({name: count for name, count in zip(PROBLEMS, problems[1:], strict=True) if count})
        value = given.encode("value")
        self._count_texts(given, answer, value)
        self._count_people(given, answer)
        self._count_panels(answer)
        self._collect(given, answer, places, value)

    # --- texts -----------------------------------------------------------------------------------------------------

    def _count_texts(self, given: Columns, answer: core.Answer, value: Encoded) -> None:
        batch = answer.batch
        channels, size = batch.channels.items, len(batch.channels.items)
        sent = [given.encode(name) for name in ("test", "loinc", "specimen", "unit")]
        for texts, (channel,), rows in _tally(sent, [(batch.channel, size)]):
            found = channels[channel]
            self.tests.add((*map(_shown, texts), found.analyte, _first_problem(found)), rows)
        for texts, (channel,), rows in _tally([sent[2]], [(batch.channel, size)]):
            found = channels[channel]
            self.specimens.add((_shown(texts[0]), found.analyte, found.problem == "unsuitable_specimen"), rows)
        form = Encoded(*forms.of_values(value))
        for texts, (problem,), rows in _tally([form], [(batch.problem, len(PROBLEMS) + 1)]):
            self.numbers.add((texts[0] or "(missing)", PROBLEMS[problem - 1] if problem else None), rows)
        text = _recode(given.encode("reference_range"), forms.of_text)
        ends = (
            _recode(given.encode("reference_low"), lambda _: "9"),
            _recode(given.encode("reference_high"), lambda _: "9"),
        )
        unusable = (batch.notes & NOTE_BIT["reported_range_unusable"] > 0).astype(np.int64)
        for texts, (bad,), rows in _tally([text, *ends], [(unusable, 2)]):
            form_sent = texts[0] or ("(two columns)" if texts[1] or texts[2] else "(none)")
            self.range_texts.add((form_sent, None if form_sent == "(none)" else not bad), rows)

    # --- people ----------------------------------------------------------------------------------------------------

    def _count_people(self, given: Columns, answer: core.Answer) -> None:
        batch = answer.batch
        age, birth, sex, pregnancy = (given.encode(name) for name in ("age", "birth_date", "sex", "pregnancy"))
        years, sexes, pregnancies = (
            _recode(age, _decade),
            _recode(sex, demographics.read_sex),
            _recode(pregnancy, demographics.read_pregnancy),
        )
        self.without_age += int(((years.codes == 0) & (birth.codes == 0)).sum())
        self.without_sex += int((sexes.codes == 0).sum())
        analytes = [channel.analyte for channel in batch.channels.items]
        none = batch.problem == PROBLEM_CODE["no_reference_range"]
        judged = none | (batch.problem == 0)
        plans = answer.plans.items
        plan = np.where(judged, answer.found.plan, 0)
        columns = [years, sexes, pregnancies, Encoded(*_born(birth))]
        codes = [(batch.channel, len(analytes)), (plan, max(1, len(plans))), (none.astype(np.int64), 2)]
        for texts, (channel, which, missing), rows, patients in _tally_patients(columns, codes, judged, answer.patient):
            age_text = texts[0] or ("by birth date" if texts[3] else UNKNOWN)
            who = (analytes[channel], age_text, texts[1] or UNKNOWN, texts[2] or UNKNOWN)
            found = (None, plans[which].detail or plans[which].missing) if missing else (plans[which].range_id, None)
            self.ranges.add((*who, *found), rows, patients)

    def _count_panels(self, answer: core.Answer) -> None:
        if not answer.patterns:
            return
        pattern = np.array(answer.patterns, np.int64)[answer.answer_of_panel]
        total = pattern[:, slots.CALCIUM] > 0
        self.calcium_panels += int(total.sum())
        self.calcium_without_albumin += int((total & (pattern[:, slots.ALBUMIN] == 0)).sum())

    # --- distributions ---------------------------------------------------------------------------------------------

    def _collect(self, given: Columns, answer: core.Answer, places: Sequence[Encoded], value: Encoded) -> None:
        batch, items = answer.batch, answer.batch.channels.items
        unit = given.encode("unit")
        labels: dict[tuple[Any, ...], int] = {}
        own = np.array(
            [0 if item.analyte is None else labels.setdefault(_label(item), len(labels) + 1) for item in items]
        )
        known = list(labels)
        parts = [(own[batch.channel], len(known) + 1), *((one.codes, len(one.distinct)) for one in places)]
        codes, columns = combine(parts)
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        facts = _Facts.of(given, answer, value, self.options.decimal)
        for start, rows in zip(starts.tolist(), np.split(order, starts[1:]), strict=True):
            code = codes[order[start]]
            which = int(columns[0][code])
            if not which:
                continue
            where = tuple(read_text(one.distinct[at[code]]) for one, at in zip(places, columns[1:], strict=True))
            held = self._group((*where, *known[which - 1][:2]), known[which - 1][2])
            for at in np.unique(unit.codes[rows])[:_SPELLINGS].tolist():
                text = _shown(unit.distinct[at])
                if text is not None and len(held.spellings) < _SPELLINGS:
                    held.spellings[text] = None
            facts.add(held, rows)

    def _group(self, key: tuple[Any, ...], problem: str | None) -> Held:
        if key not in self.groups and len(self.groups) >= MOST_GROUPS:
            self.further_groups += 1
            key = (*(OTHER,) * (len(key) - 2), *key[-2:])
        return self.groups.setdefault(key, Held(problem))


def _label(channel: Channel) -> tuple[str | None, str | None, str | None]:
    return channel.analyte, channel.unit, channel.unit_problem if channel.unit is None else None


def _first_problem(channel: Channel) -> str | None:
    return channel.problem or channel.value_problem or channel.unit_problem


@attrs.frozen(eq=False)
class _Facts:
    """What is known of each row of a block, for the groups to take.

    Args:
        answer: what the rows come to.
        value: in the canonical unit, those beyond the hard limits included.
        exact: rows whose values make the distribution.
        middle: logarithm of the middle of the range that came with a row; NaN where there is no such.
        here: whether our flag is low or high.
        there: what the laboratory's flag says: 0 nothing, 1 normal, 2 low or high.
        decimals: digits behind the decimal sign, -1 where the value is no plain number.
        month: since 1970, -1 where the time is unknown.
    """

    answer: core.Answer
    value: Floats
    exact: Bools
    middle: Floats
    here: Bools
    there: Ints
    decimals: Ints
    month: Ints

    @classmethod
    def of(cls, given: Columns, answer: core.Answer, encoded: Encoded, decimal: str | None) -> _Facts:
        """Work them out for a block."""
        batch = answer.batch
        with np.errstate(invalid="ignore", over="ignore"):
            value = batch.number * batch.channels.mul[batch.channel] / batch.channels.div[batch.channel]
            exact = (batch.comparator == 0) & (value > 0) & np.isfinite(value)
        read = np.isin(batch.problem, [0, *(PROBLEM_CODE[p] for p in ("implausible_value", "no_reference_range"))])
        here = np.array([False, *(SIDE_OF_FLAG.get(name) in _OUTSIDE for name in FLAGS)])[answer.found.flag]
        reported = given.encode("reported_flag")
        sides = [None if text is None else flags.side_of_reported(str(text)) for text in reported.distinct]
        there = np.array([0 if side is None else 1 if side == "normal" else _ABNORMAL for side in sides])
        known = answer.instants != NO_TIME
        month = np.where(known, answer.instants, 0).astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
        return cls(
            answer,
            value,
            exact & read,
            _middles(given, batch, decimal),
            here,
            there[reported.codes],
            forms.decimals_of(encoded)[encoded.codes],
            np.where(known, month, -1),
        )

    def add(self, held: Held, rows: Ints) -> None:
        """Give a group its rows."""
        batch, found = self.answer.batch, self.answer.found
        notes, problem = batch.notes[rows], batch.problem[rows]
        held.rows += len(rows)
        held.judged += int((found.flag[rows] > 0).sum())
        held.censored += int((batch.comparator[rows] > 0).sum())
        held.cleaned += int((notes & NOTE_BIT["number_cleaned"] > 0).sum())
        held.beyond_ordinary += int((notes & NOTE_BIT["soft_implausible"] > 0).sum())
        held.beyond_hard += int((problem == PROBLEM_CODE["implausible_value"]).sum())
        compared = rows[(self.there[rows] > 0) & (found.flag[rows] > 0)]
        held.flags_compared += len(compared)
        held.flagged_here += int(self.here[compared].sum())
        held.flagged_there += int((self.there[compared] == _ABNORMAL).sum())
        shown = rows[self.exact[rows]]
        held.distribution.add(self.value[shown])
        held.decimals.update(Counter(self.decimals[shown].tolist()))
        middles, counts = np.unique(self.middle[rows][np.isfinite(self.middle[rows])].round(4), return_counts=True)
        for middle, count in zip(middles.tolist(), counts.tolist(), strict=True):
            if middle in held.range_middles or len(held.range_middles) < _RANGES:
                held.range_middles[middle] += count
        months = self.month[shown]
        for month in np.unique(months[months >= 0]).tolist():
            if month in held.months or len(held.months) < _MONTHS:
                inside = shown[months == month]
                count, total = held.months.get(month, (0, 0.0))
                held.months[month] = count + len(inside), total + float(np.log(self.value[inside]).sum())


def _middles(given: Columns, batch: Any, decimal: str | None) -> Floats:
    """Return the logarithm of the middle of the range that came with each row, in the canonical unit; else NaN."""
    parts = [given.encode(name) for name in ("reference_low", "reference_high", "reference_range", "unit")]
    if all(len(part.distinct) == 1 for part in parts[:3]):
        return np.full(given.rows, np.nan)
    codes, columns = combine([(part.codes, len(part.distinct)) for part in parts])
    sent = [
        [part.distinct[code] for part, code in zip(parts, each, strict=True)]
        for each in zip(*(column.tolist() for column in columns), strict=True)
    ]
    middles = np.array([_middle(each, decimal) for each in sent])
    scale = batch.channels.mul / batch.channels.div
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Floats = middles[codes] + np.log(scale)[batch.channel]
    return result


def _middle(sent: list[Any], decimal: str | None) -> float:
    low, high, text, unit = sent
    if text is not None and low is None and high is None:
        low, high = reported_range.ends_of_text(read_text(text), read_text(unit), decimal)
    try:
        ends = float(str(low)), float(str(high))
    except ValueError:
        return np.nan
    return float(np.log(ends).mean()) if 0 < ends[0] < ends[1] < np.inf else np.nan


# --- counting -------------------------------------------------------------------------------------------------------


def _tally(
    columns: Sequence[Encoded], codes: Sequence[tuple[Ints, int]]
) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...], int]]:
    """Yield every distinct combination: the texts, the codes, and how many rows have it."""
    combined, found = combine([*((column.codes, len(column.distinct)) for column in columns), *codes])
    counts = np.bincount(combined, minlength=len(found[0]))
    yield from ((*each, int(counts[i])) for i, each in _combinations(columns, found, counts))


def _tally_patients(
    columns: Sequence[Encoded], codes: Sequence[tuple[Ints, int]], rows: Bools, patient: Encoded
) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...], int, int]]:
    """Yield the same of some of the rows, and how many patients have it."""
    parts = [*((column.codes, len(column.distinct)) for column in columns), *codes]
    combined, found = combine([(part[rows], size) for part, size in parts])
    counts = np.bincount(combined, minlength=len(found[0]))
    _, both = combine([(combined, len(found[0])), (patient.codes[rows], len(patient.distinct))])
    people = np.bincount(both[0][both[1] > 0], minlength=len(found[0])) if len(combined) else counts
    yield from ((*each, int(counts[i]), int(people[i])) for i, each in _combinations(columns, found, counts))


def _combinations(
    columns: Sequence[Encoded], found: Sequence[Ints], counts: Ints
) -> Iterator[tuple[int, tuple[tuple[Any, ...], tuple[int, ...]]]]:
    for i in np.flatnonzero(counts).tolist():
        at = [int(column[i]) for column in found]
        texts = tuple(column.distinct[code] for column, code in zip(columns, at, strict=False))
        yield i, (texts, tuple(at[len(columns) :]))


def _recode(column: Encoded, function: Callable[[Any], Hashable]) -> Encoded:
    """Return a column with its distinct values replaced by fewer ones."""
    place: dict[Any, int] = {None: 0}
    codes = [0 if value is None else place.setdefault(function(value), len(place)) for value in column.distinct]
    return Encoded(np.array(codes, np.int64)[column.codes], list(place))


def _born(birth: Encoded) -> tuple[Ints, list[Any]]:
    return (birth.codes > 0).astype(np.int64), [None, True]


def _shown(text: Any) -> str | None:
    shown = read_text(text)
    return None if shown is None else shown[:_LONGEST]


def _decade(age: Any) -> str | None:
    span = demographics.read_age(age)
    if span is None:
        return None
    low = int(span[0] // 10 * 10)
    return f"{low}-{low + 9}"
