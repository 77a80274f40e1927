"""One pass over a data set: what came, how it is read, and how its values are distributed, in bounded memory."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from labinterp.audit.distribution import Distribution
from labinterp.batch import core
from labinterp.batch.columns import FrameColumns
from labinterp.batch.encode import combine, encode
from labinterp.codes import FLAGS, NOTE_BIT, PROBLEMS, SIDE_OF_FLAG
from labinterp.kernel import panel as slots
from labinterp.reading import flags, reported_range
from labinterp.reading.demographics import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from labinterp.batch.encode import Encoded
    from labinterp.kernel.session import Session
    from labinterp.kernel.vector import Ints

MOST: Final = 20_000
"""Distinct combinations that are told apart in each table; what comes beyond is counted together as `OTHER`."""
OTHER: Final = "(further ones)"
_LONGEST: Final = 80
_DIGITS: Final = re.compile(r"[0-9]+")
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")
_ORDINARY_BITS: Final = NOTE_BIT["soft_implausible"]


@attrs.define
class Values:
    """What is known of the results with one label at one place."""

    rows: int = 0
    censored: int = 0
    cleaned: int = 0
    beyond_ordinary: int = 0
    beyond_hard: int = 0
    flagged_here: int = 0
    flagged_there: int = 0
    flags_compared: int = 0
    decimals: Counter[int] = attrs.field(factory=Counter)
    months: dict[str, list[float]] = attrs.field(factory=dict)
    values: Distribution = attrs.field(factory=Distribution)
    range_middles: Distribution = attrs.field(factory=Distribution)


class Counted:
    """Rows by key, of which only so many are told apart."""

    def __init__(self) -> None:
        self.rows: Counter[tuple[Any, ...]] = Counter()
        self.further = 0

    def add(self, key: tuple[Any, ...], rows: int) -> None:
        """Count rows."""
        if key in self.rows or len(self.rows) < MOST:
            self.rows[key] += rows
        else:
            self.further += rows


class Collector:
    """Takes blocks of rows and keeps counts and distributions.

    Args:
        session: what interpretation would be done with.
        adjustment: how calcium would be adjusted.
        decimal: as in `interpret`.
    """

    def __init__(self, session: Session, adjustment: slots.Adjustment, decimal: str | None) -> None:
        self._session, self._adjustment, self._decimal = session, adjustment, decimal
        self.rows = 0
        self.tests, self.numbers, self.ranges = Counted(), Counted(), Counted()
        self.specimens, self.uncovered, self.covered = Counted(), Counted(), Counted()
        self.units: dict[tuple[Any, ...], Values] = {}
        self.without_age = self.without_sex = 0
        self.calcium_panels = self.calcium_without_albumin = 0

    def add(self, table: pd.DataFrame, by: pd.DataFrame) -> None:
        """Take a block.

        Args:
            table: rows in the `labinterp` layout.
            by: for each row, what tells places apart; no columns where nothing does.
        """
        if not len(table):
            return
        given = FrameColumns(table)
        answer = core.run(given, self._session, self._adjustment, self._decimal, "collection")
        self.rows += len(table)
        self._count_texts(given, answer)
        self._count_people(given, answer)
        self._collect_values(given, answer, by)

    def _count_texts(self, given: FrameColumns, answer: core.Answer) -> None:
        batch = answer.batch
        test, unit, specimen = (given.encode(name) for name in ("test", "unit", "specimen"))
        known = [channel.analyte for channel in batch.channels.items]
        covered = [channel.notes & NOTE_BIT.get("not_covered", 0) > 0 for channel in batch.channels.items]
        for texts, (channel, problem), rows in _tally(
            [test, specimen, unit], [(batch.channel, len(known)), (batch.problem, len(PROBLEMS) + 1)]
        ):
            name = PROBLEMS[problem - 1] if problem else None
            self.tests.add((*map(_shown, texts), known[channel], name, covered[channel]), rows)
        for texts, (channel,), rows in _tally([specimen], [(batch.channel, len(known))]):
            problem_here = batch.channels.items[channel].problem
            self.specimens.add((_shown(texts[0]), known[channel], problem_here == "unsuitable_specimen"), rows)
        value = given.encode("value")
        forms = _recode(value, _form_of_value)
        for texts, (problem,), rows in _tally([forms], [(batch.problem, len(PROBLEMS) + 1)]):
            self.numbers.add((texts[0] or "(missing)", PROBLEMS[problem - 1] if problem else None), rows)
        text = _recode(given.encode("reference_range"), _form)
        ends = _recode(given.encode("reference_low"), lambda end: "9")
        unusable = (batch.notes & NOTE_BIT["reported_range_unusable"] > 0).astype(np.int64)
        for texts, (bad,), rows in _tally([text, ends], [(unusable, 2)]):
            form = texts[0] or ("(two columns)" if texts[1] else "(none)")
            self.ranges.add((form, not bad), rows)

    def _count_people(self, given: FrameColumns, answer: core.Answer) -> None:
        batch = answer.batch
        age, birth, sex = (given.encode(name).known() for name in ("age", "birth_date", "sex"))
        self.without_age += int(((age.codes == 0) & (birth.codes == 0)).sum())
        self.without_sex += int((sex.codes == 0).sum())
        analytes = [channel.analyte for channel in batch.channels.items]
        none = batch.problem == 1 + PROBLEMS.index("no_reference_range")
        judged = (none | (batch.problem == 0)).astype(bool)
        plans = answer.plans.items
        plan = np.where(judged, answer.found.plan, 0)
        years = _recode(age, _decade)
        for texts, (channel, which, missing), rows in _tally(
            [years, sex],
            [(batch.channel, len(analytes)), (plan, max(1, len(plans))), (none.astype(np.int64), 2)],
            judged,
        ):
            key = (analytes[channel], texts[0] or "unknown", texts[1] or "unknown")
            if missing:
                self.uncovered.add((*key, plans[which].detail or plans[which].missing), rows)
            else:
                self.covered.add((analytes[channel], plans[which].range_id), rows)
        pattern = np.array(answer.patterns, np.int64).reshape(len(answer.patterns), -1)[answer.answer_of_panel]
        total = pattern[:, slots.CALCIUM] > 0
        self.calcium_panels += int(total.sum())
        self.calcium_without_albumin += int((total & (pattern[:, slots.ALBUMIN] == 0)).sum())

    def _collect_values(self, given: FrameColumns, answer: core.Answer, by: pd.DataFrame) -> None:
        batch, items = answer.batch, answer.batch.channels.items
        labels = sorted({(item.analyte, item.unit) for item in items if item.analyte and item.unit})
        if not labels:
            return
        place = {label: i + 1 for i, label in enumerate(labels)}
        label = np.array([place.get((item.analyte, item.unit), 0) for item in items], np.int64)[batch.channel]
        places = [encode(by[name].reset_index(drop=True), len(by)) for name in by]
        codes, columns = combine([(label, len(labels) + 1), *((one.codes, len(one.distinct)) for one in places)])
        value = batch.number * batch.channels.mul[batch.channel] / batch.channels.div[batch.channel]
        exact = (batch.comparator == 0) & (value > 0) & np.isfinite(value)
        middle = self._middles(given, batch)
        flag = np.array([0, *(SIDE_OF_FLAG.get(name) in ("low", "high") for name in FLAGS)], bool)[answer.found.flag]
        reported = given.encode("reported_flag")
        sides = [None if text is None else flags.side_of_reported(str(text)) for text in reported.distinct]
        theirs = np.array([0 if side is None else 1 if side == "normal" else 2 for side in sides])[reported.codes]
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        decimals = _decimals(given)
        months = _months(answer)
        for start, rows in zip(starts, np.split(order, starts[1:]), strict=True):
            code = codes[order[start]]
            which = int(columns[0][code])
            if not which:
                continue
            key = (*(read_text(one.distinct[column[code]]) for one, column in zip(places, columns[1:], strict=True)),)
            if (*key, *labels[which - 1]) not in self.units and len(self.units) >= MOST:
                key = (OTHER,) * len(key)
            held = self.units.setdefault((*key, *labels[which - 1]), Values())
            held.rows += len(rows)
            held.censored += int((batch.comparator[rows] > 0).sum())
            held.cleaned += int((batch.notes[rows] & NOTE_BIT["number_cleaned"] > 0).sum())
            held.beyond_ordinary += int((batch.notes[rows] & _ORDINARY_BITS > 0).sum())
            held.beyond_hard += int((batch.problem[rows] == 1 + PROBLEMS.index("implausible_value")).sum())
            compared = rows[(theirs[rows] > 0) & (answer.found.flag[rows] > 0)]
            held.flags_compared += len(compared)
            held.flagged_here += int(flag[compared].sum())
            held.flagged_there += int((theirs[compared] == 2).sum())  # noqa: PLR2004 - the code given above
            shown = rows[exact[rows]]
            held.values.add(value[shown])
            held.range_middles.add(middle[rows][middle[rows] > 0])
            held.decimals.update(Counter(decimals[shown].tolist()))
            for month in np.unique(months[shown]):
                if month >= 0:
                    inside = shown[months[shown] == month]
                    total = held.months.setdefault(str(np.datetime64(int(month), "M")), [0.0, 0.0])
                    total[0] += len(inside)
                    total[1] += float(np.log(value[inside]).sum())

    def _middles(self, given: FrameColumns, batch: Any) -> Any:
        """Return the middle of the range that came with each row in the canonical unit, 0 where there is no such."""
        parts = [given.encode(name) for name in ("reference_low", "reference_high", "reference_range", "unit")]
        codes, columns = combine([(part.codes, len(part.distinct)) for part in parts])
        middles = np.zeros(len(columns[0]))
        for i, sent in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            low, high, text, unit = (part.distinct[code] for part, code in zip(parts, sent, strict=True))
            if text is not None and low is None and high is None:
                low, high = reported_range.ends_of_text(read_text(text), read_text(unit), self._decimal)
            try:
                ends = float(str(low)), float(str(high))
            except ValueError:
                continue
            if 0 < ends[0] < ends[1] < float("inf"):
                middles[i] = (ends[0] * ends[1]) ** 0.5
        own = middles[codes] * batch.channels.mul[batch.channel] / batch.channels.div[batch.channel]
        return np.where(np.isfinite(own), own, 0.0)


def _tally(
    columns: list[Encoded], codes: list[tuple[Ints, int]], rows: Any = None
) -> Iterable[tuple[tuple[Any, ...], tuple[int, ...], int]]:
    """Yield every distinct combination: the texts, the codes, and how many rows have it."""
    parts = [*((column.codes, len(column.distinct)) for column in columns), *codes]
    if rows is not None:
        parts = [(part[rows], size) for part, size in parts]
    if not len(parts[0][0]):
        return
    combined, found = combine(parts)
    counts = np.bincount(combined, minlength=len(found[0]))
    for i, count in enumerate(counts.tolist()):
        if count:
            at = [int(column[i]) for column in found]
            texts = tuple(column.distinct[code] for column, code in zip(columns, at, strict=False))
            yield texts, tuple(at[len(columns) :]), count


def _recode(column: Encoded, function: Any) -> Encoded:
    """Return a column with its distinct values replaced by fewer ones."""
    place: dict[Any, int] = {None: 0}
    codes = [0 if value is None else place.setdefault(function(value), len(place)) for value in column.distinct]
    return type(column)(np.array(codes, np.int64)[column.codes], list(place))


def _shown(text: Any) -> str | None:
    shown = read_text(text)
    return None if shown is None else shown[:_LONGEST]


def _form(value: Any) -> str:
    """Return a text with every number as `9`: its form, without its content.

    Example:
        >>> _form("5.0-10.3 umol/L")
        '9.9-9.9 umol/L'
    """
    return _DIGITS.sub("9", str(value).strip()[:_LONGEST])


def _form_of_value(value: Any) -> str:
    """Return the form of a value; words are not repeated, since a comment may say anything."""
    return _LETTERS.sub("a", _form(value)) if isinstance(value, str) else "9 (a number)"


def _decade(age: Any) -> str:
    from labinterp.reading.demographics import read_age

    span = read_age(age)
    if span is None:
        return "unreadable"
    low = int(span[0] // 10 * 10)
    return f"{low}-{low + 9}"


def _decimals(given: FrameColumns) -> Ints:
    """Return how many digits stand behind the decimal sign of each value; -1 where it is no plain number."""
    column = given.encode("value")
    plain = re.compile(r"[0-9]+(?:[.,]([0-9]+))?")
    found = []
    for value in column.distinct:
        match = plain.fullmatch(str(value).strip()[:_LONGEST]) if value is not None else None
        found.append(-1 if match is None else len(match[1] or ""))
    return np.array(found, np.int64)[column.codes]


def _months(answer: core.Answer) -> Ints:
    """Return each row's month since 1970, -1 where its time is unknown."""
    from labinterp.batch.panels import NO_TIME

    known = answer.instants != NO_TIME
    months = np.where(known, answer.instants, 0).astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    return np.where(known, months, -1)
