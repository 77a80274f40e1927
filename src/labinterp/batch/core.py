"""A long table through the kernel and the reasoning: columns in, columns of codes out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from labinterp import reasoning
from labinterp.batch.encode import Encoded, combine, compact, numbered
from labinterp.batch.findings import of_cases, of_patterns
from labinterp.batch.instants import NO_TIME, exact_ages, read_births
from labinterp.batch.panels import Panels, Rivals, Times, group, hold, people, read_times, seen
from labinterp.batch.runs import Runs
from labinterp.codes import COMPARATORS, FLAGS, GRADES, LEVEL_CODE, NO_GRADE, NOTE_BIT
from labinterp.errors import InputError
from labinterp.kernel import calcium as rule
from labinterp.kernel import panel as slots
from labinterp.kernel.baseline import is_flag, marks, read_baseline
from labinterp.kernel.plan import DOUBTED
from labinterp.kernel.quantity import Sent
from labinterp.kernel.scalar import disagreement
from labinterp.kernel.vector import (
    FLAG_CODE,
    PROBLEM_CODE,
    Batch,
    Channels,
    Classified,
    Plans,
    classify,
    convert,
    grade_by_baseline,
)
from labinterp.reading import demographics, flags
from labinterp.reading.times import age_at
from labinterp.tables.records import TOLD
from labinterp.tolerance import ROUNDED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from labinterp.batch.columns import Columns
    from labinterp.batch.encode import Values
    from labinterp.batch.findings import Found
    from labinterp.batch.instants import Births
    from labinterp.kernel.plan import Plan
    from labinterp.kernel.quantity import Channel
    from labinterp.kernel.reported import SentRange
    from labinterp.kernel.session import Session, WhoKey
    from labinterp.kernel.vector import Bools, Floats, Ints
    from labinterp.model import Presentation
    from labinterp.options import Options
    from labinterp.reading.times import Age
    from labinterp.reasoning import Reasoned

_SIDE_OF_LEVEL = np.array(slots.SIDE, np.int8)
_FEW = 16
"""Up to how many panels, or plans, what is made for many is not worth its while."""
_MOST_TABLES = 256
_SIDES = (None, *flags.SIDES)
_WHOLE_WORDS = -(-slots.WIDTH // 8) * 8
_ABOUT = ("age", "sex", "pregnancy", "birth_date")
_SEXES = (None, "female", "male")
_ENDS = ("reference_low", "reference_high", "reference_range")
_MadeFor = tuple[int, "WhoKey", "SentRange"]
"""What a plan is made for: channel, patient group, and the range that came with the result."""


@attrs.define
class Answer:
    """Everything that the frames are made of.

    Args:
        batch: values, problems and notes by row.
        found: flags, levels, bands and grades by row.
        plans: the distinct plans.
        patient: the patients as they are called, encoded.
        person: the same, those apart who share an id and have another birth date or sex.
        collected: the collection times as they were sent, encoded.
        panels: which results are seen together.
        distinct: the distinct patterns of levels, one a row.
        answer_of_panel: each panel's pattern.
        by_time: whether panels are told apart by their collection time.
        instants: each row's collection time in microseconds, `NO_TIME` where it cannot be read.
        numbers: each row's number in the whole of which this table is a part; None for its position.
        told: what is told beside each of the patterns; None where nothing is told anywhere.
        adjusted: the panels, in order, in which albumin adjusts total calcium, and the adjusted number in its own unit.
        sent: the values as they were sent, where some can be read in two ways.
    """

    batch: Batch
    found: Classified
    plans: Plans
    patient: Encoded
    person: Encoded
    collected: Encoded
    panels: Panels
    distinct: Ints
    answer_of_panel: Ints
    by_time: bool
    instants: Ints
    numbers: Ints | None = None
    graded: bool = False
    told: list[Presentation | None] | None = None
    sent: Encoded | None = None
    adjusted: tuple[Ints, Floats] | None = None

    @property
    def cases(self) -> list[tuple[tuple[int, ...], Presentation | None]]:
        """Return the patterns, each with what is told beside it."""
        return list(zip(self.patterns, self.told or [None] * len(self.patterns), strict=True))

    @functools.cached_property
    def patterns(self) -> list[tuple[int, ...]]:
        """The distinct patterns of levels, as `labinterp.reasoning.reason` wants them."""
        return [tuple(pattern) for pattern in self.distinct.tolist()]

    @functools.cached_property
    def reasoned(self) -> list[Reasoned]:
        """What each distinct pattern comes to."""
        return [reasoning.reason_told(pattern, told) for pattern, told in self.cases]

    @functools.cached_property
    def findings(self) -> Found:
        """The findings of each distinct pattern, as the frames show them."""
        return of_patterns(self.distinct) if self.told is None else of_cases(self.cases)


def run(table: Columns, options: Options, *, whole: bool = True) -> Answer:
    """Interpret a long table whose columns have the names of the `labinterp` layout.

    Args:
        table: of whole panels.
        options: every choice.
        whole: whether it holds every row of each of its patients.
    """
    session, adjustment, panel = options.session, options.adjustment, options.panel
    column, read = table.read(options.decimal)
    channels, channel = _channels(session, column, read)
    collected, patient = column("collected_at"), column("patient_id").known()
    about = {name: column(name) for name in _ABOUT}
    runs = Runs.of([patient, collected, *about.values()], patient.codes == 0)
    times = read_times(runs.encoded(collected), session.date_order)
    about_run = {name: runs.encoded(about[name]) for name in about}
    births = read_births(about["birth_date"].distinct, session.date_order, about["birth_date"].letters)
    keys, who_of_run, notes = _who(session, about_run, times, births)
    who = runs.spread(who_of_run)
    person_of_run = _people(runs.encoded(patient), about_run, births)
    person = attrs.evolve(person_of_run, codes=runs.spread(person_of_run.codes))
    batch = Batch(
        channels=channels,
        channel=channel,
        number=read.number,
        comparator=read.comparator,
        value_problem=read.problem,
        notes=read.notes,
        alternative=read.alternative,
    )
    if notes is not None:
        batch.notes |= runs.spread(notes)
    convert(batch, session)
    sent = [column(name) for name in _ENDS]
    made_for, combination = _combinations(batch, keys, who, sent)
    plans, plan_of = _plans(session, batch, made_for)
    found = classify(batch, plans, plan_of.take(combination))
    if session.grading is not None:
        base = _baselines(batch, column("baseline"), person, options.decimal, whole=whole)
        grade_by_baseline(batch, plans, found, base)
    _doubt(
        session,
        batch,
        found,
        plans,
        _sides(read.flag, column("reported_flag"), Encoded(channel, [each.mark for each in channels.items])),
        lambda row: made_for[combination[row]],
    )
    slot = np.array([slots.SLOT.get(c.analyte or "", -1) for c in channels.items], np.int8).take(channel)
    when = runs.spread(times.instants.take(times.codes))
    counts = _countable(batch, slot)
    counting = np.where(counts, slot, np.int8(-1))
    doubtful = None if times.notes is None else runs.spread(times.notes != 0)
    sure = when if doubtful is None else np.where(doubtful, NO_TIME, when)
    panel_of_run, first_run = group(person_of_run, times, panel)
    grouped = runs.spread(panel_of_run), runs.starts.take(first_run)
    panels = hold(grouped, counting, _rivals(batch, found, doubtful), person, sure, panel)
    silent = seen(panels, slot, ~counts | (found.level == 0), person, sure, panel)
    kind = np.array([session.person_class(key) for key in keys], np.int8).take(who_of_run)
    pattern = _levels(batch, found, panels, silent, plans.bands)
    pattern[panel_of_run[kind == rule.PREGNANT], slots.CONTEXT["pregnancy"]] = 1
    _leave_open(pattern, panels)
    grades = _compute_calcium(session, adjustment, batch, panels, pattern, combination, made_for, runs.spread(kind))
    _complete_calcium(session, batch, found, panels, slot, grades)
    patterns, told, answer = _cases(*_patterns(pattern), *_told(column, batch, panels))
    ambiguous = bool((batch.problem == PROBLEM_CODE["ambiguous_number"]).any())
    return Answer(
        batch=batch,
        found=found,
        plans=plans,
        patient=patient,
        person=person,
        collected=collected,
        panels=panels,
        distinct=patterns,
        answer_of_panel=answer,
        by_time=panel != "patient",
        instants=when,
        graded=session.grading is not None,
        told=told,
        sent=table.encode("value") if ambiguous else None,
        adjusted=(grades["panel"], grades["number"]),
    )


def _people(patient: Encoded, about: Mapping[str, Encoded], births: Births) -> Encoded:
    """Return the patients, those apart who share an id and have another birth date or sex, a code per run."""
    told = []
    birth, sex = about["birth_date"], about["sex"]
    if len(birth.distinct) - 1 > 1:
        code, days = numbered(np.append(NO_TIME, births.day))
        told.append((code[1:].take(birth.codes), len(days)))
    if len(sex.distinct) - 1 > 1:
        code = np.array([_SEXES.index(each) if each in _SEXES else 0 for each in sex.map(demographics.read_sex)])
        told.append((code.take(sex.codes), len(_SEXES)))
    return people(patient, told)


def _baselines(batch: Batch, column: Encoded, patient: Encoded, decimal: str | None, *, whole: bool) -> Floats:
    """Return each row's baseline in the canonical unit, NaN where it is not known.

    A column of flags marks the result that is the baseline of its patient and analyte; several that differ are none.
    """
    if any(map(is_flag, column.distinct)):
        if not whole:
            raise InputError(
                "a flag marks baselines, and the rows of a patient are not read together",
                hint="Give each row the value of its baseline, such as ADaM's BASE",
            )
        return _marked(batch, np.array([marks(value) for value in column.distinct])[column.codes], patient)
    numbers = np.array([read_baseline(value, decimal) or np.nan for value in column.distinct])
    channels = batch.channels
    base: Floats = numbers[column.codes] * channels.mul[batch.channel] / channels.div[batch.channel]
    return base


def _marked(batch: Batch, marked: Bools, patient: Encoded) -> Floats:
    names = [channel.analyte or "" for channel in batch.channels.items]
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    analyte = np.array([numbers[name] for name in names], np.int64)[batch.channel]
    key = patient.codes.astype(np.int64) * len(numbers) + analyte
    rows = np.flatnonzero(marked & (patient.codes > 0) & (batch.comparator == 0) & (batch.value > 0))
    low, high = (np.full(int(key.max(initial=0)) + 1, start) for start in (np.inf, -np.inf))
    np.minimum.at(low, key[rows], batch.value[rows])
    np.maximum.at(high, key[rows], batch.value[rows])
    with np.errstate(invalid="ignore"):
        base: Floats = np.where(high - low <= high * ROUNDED, high, np.nan)
    base[~np.isfinite(base)] = np.nan
    each: Floats = base[key]
    return each


def _channels(session: Session, column: Any, read: Values) -> tuple[Channels, Ints]:
    names = ("test", "unit", "specimen", "loinc")
    parts = [*map(column, names), read.written, column("note"), column("method")]
    codes, columns = combine([(part.codes, len(part.distinct)) for part in parts])
    texts = [[demographics.read_text(value) for value in part.distinct] for part in parts]
    every = [_sent(texts, combination) for combination in zip(*(c.tolist() for c in columns), strict=True)]
    channels = [session.channel(sent) for sent in every]
    if any(channel.between for channel in channels):
        codes = _settle_names(session, every, channels, codes, [column(name) for name in _ENDS])
    return Channels(channels), codes


def _settle_names(
    session: Session, every: list[Sent], channels: list[Channel], codes: Ints, ends: list[Encoded]
) -> Ints:
    """Settle names of several meanings by the ranges beside them; add to the channels and return each row's."""
    open_names = np.array([bool(channel.between) for channel in channels])
    rows = np.flatnonzero(open_names[codes])
    parts = [(codes[rows], len(channels)), *((part.codes[rows], len(part.distinct)) for part in ends)]
    own, columns = combine(parts)
    settled = np.empty(len(columns[0]), np.int64)
    for i, (name, *at) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        low, high, text = (part.distinct[code] for part, code in zip(ends, at, strict=True))
        found = session.settled(channels[name], every[name], (low, high, text))
        settled[i] = name if found is channels[name] else len(channels)
        if found is not channels[name]:
            channels.append(found)
    codes = codes.astype(np.int64)
    codes[rows] = settled[own]
    return codes


def _sent(texts: list[list[str | None]], codes: tuple[int, ...]) -> Sent:
    test, *others = (column[code] for column, code in zip(texts, codes, strict=True))
    return Sent(test or "", *others)


def _who(
    session: Session, about: Mapping[str, Encoded], times: Times, births: Births
) -> tuple[list[WhoKey], Ints, Ints | None]:
    """Return the distinct patient groups, each run's, and the notes on what could not be read; None for no note.

    Args:
        session: of the run.
        about: what is said of the patients, a code per run.
        times: of the runs.
        births: the distinct birth dates.
    """
    age, sex, pregnancy, birth = (about[name] for name in _ABOUT)
    has_birth = len(birth.distinct) > 1
    parts = [(part.codes, len(part.distinct)) for part in (age, sex, pregnancy, birth)]
    codes, columns = combine([*parts, *([(times.codes, len(times.instants))] if has_birth else [])])
    ages = age.map(demographics.read_age)
    sexes, pregnancies = sex.map(demographics.read_sex), pregnancy.map(demographics.read_pregnancy)
    aged: tuple[Ints, list[Age | None]] = columns[0], ages
    if has_birth:
        aged = _ages_by_birth(aged, (births, columns[3]), (times, columns[4]), session.age_edges)
    found: dict[WhoKey, int] = {}
    short, kinds = combine([(aged[0], len(aged[1])), (columns[1], len(sexes)), (columns[2], len(pregnancies))])
    keys = [
        session.who_key(aged[1][a], sexes[s], pregnancies[p])
        for a, s, p in zip(*(kind.tolist() for kind in kinds), strict=True)
    ]
    group_of = np.array([found.setdefault(key, len(found)) for key in keys], np.int64)[short]
    notes = [
        times.notes,
        _notes(age, "age_unreadable", [a is None for a in ages]),
        _notes(birth, "time_unreadable", (~births.known).tolist()),
        _notes(sex, "sex_unreadable", sex.map(demographics.sex_is_unreadable)),
        _notes(pregnancy, "pregnancy_unreadable", [p == demographics.UNREADABLE for p in pregnancies]),
    ]
    said = [each for each in notes if each is not None]
    return list(found), group_of.take(codes), functools.reduce(np.bitwise_or, said) if said else None


def _told(column: Any, batch: Batch, panels: Panels) -> tuple[list[Presentation | None] | None, Ints]:
    """Return the distinct things that panels tell, and each panel's; note on rows what could not be read.

    A panel tells what its own rows tell, taken together.
    """
    parts = [column(name) for name in TOLD]
    if all(len(part.distinct) == 1 for part in parts):
        return None, np.zeros(len(panels.first_row), np.int64)
    codes, columns = combine([(part.codes, len(part.distinct)) for part in parts])
    read = [
        reasoning.read_presentation(*(part.distinct[code] for part, code in zip(parts, row, strict=True)))
        for row in zip(*(c.tolist() for c in columns), strict=True)
    ]
    unread = np.array([NOTE_BIT["presentation_unreadable"] if bad else 0 for _, bad in read], np.uint64)
    batch.notes |= unread[codes]
    saying = np.flatnonzero(np.array([told is not None for told, _ in read])[codes])
    panel, said = np.divmod(np.unique(panels.of_row[saying] * len(read) + codes[saying]), len(read))
    found: dict[Presentation | None, int] = {None: 0}
    known: dict[tuple[int, ...], int] = {}
    of_panel = np.zeros(len(panels.first_row), np.int64)
    starts = np.flatnonzero(np.diff(panel, prepend=-1))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(panel)], strict=True):
        key = tuple(said[start:end].tolist())
        if key not in known:
            known[key] = found.setdefault(reasoning.told_together(read[code][0] for code in key), len(found))
        of_panel[panel[start]] = known[key]
    return list(found), of_panel


def _ages_by_birth(
    sent: tuple[Ints, list[Age | None]],
    births: tuple[Births, Ints],
    times: tuple[Times, Ints],
    edges: tuple[float, ...],
) -> tuple[Ints, list[Age | None]]:
    """Return codes and ages, by birth date and collection time where both are known; ages in one bin share a code.

    Args:
        sent: each combination's age as it was sent.
        births: the distinct birth dates, and each combination's.
        times: the distinct collection times, and each combination's.
        edges: ages at which limits change.
    """
    codes, ages = sent[0].astype(np.int64), list(sent[1])
    born, seen = births[0], times[0].instants
    known = born.known[births[1]] & (seen != NO_TIME)[times[1]]
    plain = known & (born.day != NO_TIME)[births[1]]
    rows = np.flatnonzero(plain)
    age = exact_ages(born.day[births[1][rows]], seen[times[1][rows]])
    rows, age = rows[~np.isnan(age)], age[~np.isnan(age)]
    bins, present = compact(np.searchsorted(edges, age, side="right"), len(edges) + 1)
    codes[rows] = len(ages) + bins
    example = np.empty(len(present))
    example[bins] = age
    ages += [(some, some) for some in example.tolist()]
    when = times[0].datetimes() if known.sum() > plain.sum() else []
    for i in np.flatnonzero(known & ~plain).tolist():
        at = when[times[1][i]]
        found = None if at is None else age_at(born.others[births[1][i]], at)
        if found is not None:
            codes[i] = len(ages)
            ages.append(found)
    return codes, ages


def _notes(column: Encoded, note: str, unreadable: list[bool]) -> Ints | None:
    """Return the bit of a note where something was sent that could not be read; None where everything could."""
    places = [i for i, bad in enumerate(unreadable) if bad and not demographics.is_missing(column.distinct[i])]
    if not places:
        return None
    bits = np.zeros(len(unreadable), np.uint64)
    bits[places] = NOTE_BIT[note]
    return bits.take(column.codes)


def _combinations(batch: Batch, keys: list[WhoKey], who: Ints, sent: list[Encoded]) -> tuple[list[_MadeFor], Ints]:
    """Return what plans are made for, each combination once, and each row's."""
    parts = [
        (batch.channel, len(batch.channels.items)),
        (who, len(keys)),
        *((part.codes, len(part.distinct)) for part in sent),
    ]
    combination, columns = combine(parts, batch.problem == 0)
    made_for = [
        (c, keys[w], (sent[0].distinct[a], sent[1].distinct[b], sent[2].distinct[t]))
        for c, w, a, b, t in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return made_for, combination


def _plans(
    session: Session, batch: Batch, made_for: Sequence[_MadeFor], *, computed: bool = False
) -> tuple[Plans, Ints]:
    """Return the distinct plans, in order of first appearance, and for each combination the position of its plan."""
    every = [session.plan(batch.channels.items[c], who, ends, computed=computed) for c, who, ends in made_for]
    plans = {id(plan): plan for plan in every or [_nothing()]}
    place = {key: i for i, key in enumerate(plans)}
    return _table(plans), np.array([place[id(plan)] for plan in every] or [0], np.int32)


_TABLES: dict[tuple[int, ...], Plans] = {}


def _table(plans: dict[int, Plan]) -> Plans:
    """Return plans, by their identities, as columns; those of small tables are remembered, and hold the plans."""
    if len(plans) > _FEW:
        return Plans(list(plans.values()))
    key = tuple(plans)
    found = _TABLES.get(key)
    if found is None:
        if len(_TABLES) >= _MOST_TABLES:
            _TABLES.clear()
        found = _TABLES[key] = Plans(list(plans.values()))
    return found


def _nothing() -> Any:
    from labinterp.kernel.plan import no_plan

    return no_plan("no_entry")


def _countable(batch: Batch, slot: Ints) -> Bools:
    """Return which rows can count in a panel; albumin and total calcium need no range of their own."""
    uncovered = (batch.problem == PROBLEM_CODE["no_reference_range"]) & (
        (slot == slots.ALBUMIN) | (slot == slots.CALCIUM)
    )
    result: Bools = (batch.problem == 0) | uncovered
    return result


def _rivals(batch: Batch, found: Classified, doubtful: Bools | None) -> Rivals:
    """Return what decides between several results of one time, or of doubtful times."""
    return Rivals(batch.value, batch.comparator, found.level, batch.notes, doubtful)


def _leave_open(pattern: Ints, panels: Panels) -> None:
    """Leave open what points in both directions, and calcium where it is not known which one an albumin adjusts."""
    panel, slot = np.divmod(panels.unsure, len(slots.SLOT))
    none = panels.held[panel, slot] < 0
    pattern[panel[none], slot[none]] = slots.UNJUDGED
    panel = panels.unsure_in(slots.CALCIUM)
    albumin = pattern[panel, slots.ALBUMIN] & slots.LEVEL_BITS
    pattern[panel[(panels.held[panel, slots.ALBUMIN] >= 0) & (albumin != slots.NORMAL)], slots.CALCIUM] = slots.UNJUDGED


def _levels(batch: Batch, found: Classified, panels: Panels, sent: tuple[Ints, Ints], bands: tuple[str, ...]) -> Ints:
    """Return the levels of every panel, slot by slot, as the reasoning wants them; `sent` has what was not judged."""
    level = np.append(found.level, np.uint8(0))
    for note, mark in (("soft_implausible", slots.SOFT), ("flag_critical", slots.CRITICAL)):
        rows = np.flatnonzero(batch.notes & np.uint64(NOTE_BIT[note]) != 0)
        level[rows] |= np.where(level[rows] != 0, np.uint8(mark), np.uint8(0))
    pattern = np.zeros((len(panels.held), _WHOLE_WORDS), np.uint8)
    pattern[:, : len(slots.SLOT)] = level[panels.held]
    there = pattern[sent]
    pattern[sent] = np.where(there == 0, np.uint8(slots.UNJUDGED), there)
    b12 = panels.held[:, slots.VITAMIN_B12]
    named = np.array([slots.is_diagnostic(band) for band in (None, *bands)])
    pattern[:, slots.CONTEXT["vitamin_b12_limit"]] = (b12 >= 0) & named[found.band[b12]]
    return pattern


def _compute_calcium(
    session: Session,
    adjustment: rule.Adjustment,
    batch: Batch,
    panels: Panels,
    pattern: Ints,
    combination: Ints,
    made_for: list[_MadeFor],
    person: Ints,
) -> dict[str, Any]:
    """Fill the slot of adjusted calcium; return the panels where it could be, the grades by it, and who is judged."""
    calcium, albumin = panels.held[:, slots.CALCIUM], panels.held[:, slots.ALBUMIN]
    alone = np.flatnonzero((calcium >= 0) & (albumin < 0))
    reasons = np.array([rule.without_albumin(each) for each in range(rule.AGE_UNKNOWN + 1)], np.uint8)
    pattern[alone, slots.CONTEXT["adjustment"]] = reasons[person[calcium[alone]]]
    both = np.flatnonzero((calcium >= 0) & (albumin >= 0))
    grams = batch.value[albumin[both]]
    unsure = np.zeros(len(calcium), np.bool_)
    for slot in (slots.CALCIUM, slots.ALBUMIN):
        unsure[panels.unsure_in(slot)] = True
    key = rule.verdict_key(
        adjustment.grams_class(grams),
        (pattern[both, slots.ALBUMIN] & slots.LEVEL_BITS).astype(np.int64),
        person[calcium[both]],
        (batch.comparator[albumin[both]] != 0) | unsure[both],
    )
    valid, reason, side = (column[key] for column in _verdicts())
    pattern[both, slots.CONTEXT["adjustment"]] = reason
    pattern[both, slots.CONTEXT["albumin_side"]] = side
    panel, grams = both[valid], grams[valid]
    if not len(panel):
        return {
            "panel": panel,
            "grades": dict.fromkeys(GRADES, np.empty(0, np.int8)),
            "ungraded": np.empty(0, np.uint64),
            "judged": np.empty(0, np.bool_),
            "number": np.empty(0),
        }
    calcium = calcium[panel]
    codes, used = compact(combination[calcium], len(made_for))
    plans, plan_of = _plans(session, batch, [made_for[k] for k in used.tolist()], computed=True)
    slope = np.array(
        [adjustment.slope(c) if c.analyte == "calcium" and c.unit else np.nan for c in batch.channels.items]
    )
    number = adjustment.adjusted(batch.number[calcium], slope[batch.channel[calcium]], grams)
    outcome = plans.locate(plan_of.take(codes), number, batch.comparator[calcium])
    judged = plans.flag[outcome] != 0
    soft = ((batch.notes[calcium] | batch.notes[albumin[panel]]) & NOTE_BIT["soft_implausible"]) != 0
    sent, level = pattern[panel, slots.CALCIUM], plans.level[outcome]
    critical = (sent & slots.CRITICAL != 0) & (_SIDE_OF_LEVEL[sent & slots.LEVEL_BITS] == _SIDE_OF_LEVEL[level])
    level = level | soft * np.uint8(slots.SOFT) | critical * np.uint8(slots.CRITICAL)
    pattern[panel, slots.COMPUTED] = np.where(judged, level, np.uint8(0))
    return {
        "panel": panel,
        "grades": {name: grade[outcome] for name, grade in plans.grades.items()},
        "ungraded": plans.ungraded[outcome],
        "judged": judged,
        "number": number,
    }


@functools.cache
def _verdicts() -> tuple[Any, Any, Any]:
    """Return the columns of `labinterp.kernel.calcium.verdicts`."""
    every = [verdict for _, verdict in sorted(rule.verdicts().items())]
    return (
        np.array([verdict.valid for verdict in every]),
        np.array([verdict.reason for verdict in every], np.uint8),
        np.array([verdict.side for verdict in every], np.uint8),
    )


def _complete_calcium(
    session: Session, batch: Batch, found: Classified, panels: Panels, slot: Ints, adjusted: dict[str, Any]
) -> None:
    """Note total calcium that nothing corrected, and grade the rest by its adjusted value.

    A grade may stand without a range.
    """
    total = (slot == slots.CALCIUM) & ((batch.problem == 0) | (found.grades["grade"] >= 0))
    row = panels.held[adjusted["panel"], slots.CALCIUM]
    own = panels.of_row[row] == adjusted["panel"]
    row = row[own]
    total[row] &= (batch.problem[row] == 0) & ~adjusted["judged"][own]
    batch.notes[np.flatnonzero(total)] |= np.uint64(NOTE_BIT["uncorrected_calcium"])
    if session.grading is not None:
        for name, grade in adjusted["grades"].items():
            found.grades[name][row] = grade[own]
        batch.notes[row] = batch.notes[row] & ~np.uint64(NO_GRADE) | adjusted["ungraded"][own]
        said = (batch.problem[row] == 0) | (found.grades["grade"][row] >= 0)
        batch.notes[row[said]] |= NOTE_BIT["graded_as_adjusted"]


def _doubt(
    session: Session,
    batch: Batch,
    found: Classified,
    plans: Plans,
    side: Ints | None,
    made_for: Callable[[int], _MadeFor],
) -> None:
    """Note where the laboratory's own flag differs, and leave what may not be called normal without a side.

    Args:
        session: of the run.
        batch: with the notes.
        found: what comparison came to.
        plans: the distinct plans.
        side: where the laboratory puts each result, as positions in `_SIDES`.
        made_for: says of a row what its plan was made for.
    """
    if side is not None:
        table = np.array([[disagreement(flag, side) for side in _SIDES] for flag in (None, *FLAGS)], np.uint64)
        asked = (batch.problem == 0) | (batch.problem == PROBLEM_CODE["no_reference_range"])
        batch.notes |= np.where(asked, table[found.flag, side], np.uint64(0))
    normal = found.flag == FLAG_CODE["N"]
    doubted = np.zeros(len(normal), np.bool_)
    if side is not None:
        overruled = np.array([[session.overruled(plan, side) for side in _SIDES] for plan in plans.items], np.bool_)
        doubted = normal & overruled[found.plan, side]
    shutting = np.array([bool(plan.printed) for plan in plans.items], np.bool_)
    for row in np.flatnonzero(normal & shutting[found.plan]).tolist():
        doubted[row] |= plans.items[found.plan[row]].shuts_out(float(batch.number[row]))
    for row, unit in batch.suspects.items():
        if normal[row]:
            c, who, _ = made_for(row)
            sign = int(batch.comparator[row])
            value = float(batch.number[row]), COMPARATORS[sign - 1] if sign else None
            doubted[row] |= session.slipped(batch.channels.items[c], who, plans.items[found.plan[row]], value, unit)
    found.flag[doubted] = FLAG_CODE[str(DOUBTED.flag)]
    found.level[doubted] = LEVEL_CODE[str(DOUBTED.level)]
    found.band[doubted] = 0


def _sides(beside: Encoded, reported: Encoded, mark: Encoded) -> Ints | None:
    """Return the side of normal on which the laboratory puts each row, as positions in `_SIDES`; None for no flag.

    Args:
        beside: the flags beside the values.
        reported: the flags in columns of their own.
        mark: the sides that stars and arrows beside names say.
    """
    marked = any(each is not None for each in mark.distinct)
    if len(beside.distinct) == len(reported.distinct) == 1 and not marked:
        return None
    first, second = (
        [flags.side_of_reported(flag) if isinstance(flag, str) else None for flag in part.distinct]
        for part in (reported, beside)
    )
    table = np.array([[_SIDES.index(flags.combined(a, b)) for b in second] for a in first], np.uint8)
    sides: Ints = table[reported.codes, beside.codes]
    if marked:
        more = np.array(
            [[_SIDES.index(flags.combined(side, each)) for each in mark.distinct] for side in _SIDES], np.uint8
        )
        sides = more[sides, mark.codes]
    return sides


def _patterns(levels: Ints) -> tuple[Ints, Ints]:
    """Return the distinct patterns of levels, and each panel's."""
    if not len(levels):
        return levels[:, : slots.WIDTH], np.zeros(0, np.int64)
    codes, distinct = _distinct_rows(np.ascontiguousarray(levels, np.uint8).view(np.uint64))
    return levels[distinct, : slots.WIDTH], codes


def _cases(
    patterns: Ints, pattern_of: Ints, told: list[Presentation | None] | None, told_of: Ints
) -> tuple[Ints, list[Presentation | None] | None, Ints]:
    """Return the patterns, and what is told beside each, that occur together, and each panel's."""
    if told is None:
        return patterns, None, pattern_of
    codes, distinct = compact(pattern_of * len(told) + told_of, len(patterns) * len(told))
    pairs = [divmod(pair, len(told)) for pair in distinct.tolist()]
    return patterns[[p for p, _ in pairs]], [told[t] for _, t in pairs], codes.astype(np.int64)


def _distinct_rows(words: Ints) -> tuple[Ints, Ints]:
    """Return a code per row of a matrix, and the first row of each code."""
    if len(words) <= _FEW:
        seen: dict[bytes, int] = {}
        rows = [row.tobytes() for row in words]
        few = np.array([seen.setdefault(row, len(seen)) for row in rows], np.int64)
        return few, np.array([rows.index(row) for row in seen], np.int64)
    codes, distinct = numbered(words[:, 0])
    for column in range(1, words.shape[1]):
        more, others = numbered(words[:, column])
        if len(others) > 1:
            codes, distinct = numbered(codes * np.int64(len(others)) + more)
    first = np.full(len(distinct), len(codes), np.int64)
    np.minimum.at(first, codes, np.arange(len(codes)))
    return codes, first
