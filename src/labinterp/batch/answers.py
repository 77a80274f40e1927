"""The answer of the kernel and the reasoning → the columns of the contract's frames."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from labinterp.batch.encode import Encoded, compact, numbered
from labinterp.batch.findings import SEPARATOR
from labinterp.batch.output import Coded, Whole, typed
from labinterp.codes import COMPARATORS, FLAGS, GRADES, LEVELS, PROBLEMS, notes_of_bits
from labinterp.kernel.plan import SEVERE_FLAGS
from labinterp.reading import units
from labinterp.reading.demographics import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.batch.columns import Columns
    from labinterp.batch.core import Answer
    from labinterp.batch.findings import Row
    from labinterp.kernel.vector import Ints

RESULT_COLUMNS: Final = (
    "patient_id", "collected_at", "analyte", "comparator", "value", "unit", "low", "high", "range_id", "flag", "level",
    "band", "grade", "problem", "notes", "suspected_unit",
)  # fmt: skip


def result_columns(*, graded: bool) -> tuple[str, ...]:
    """Return the columns of results.

    Args:
        graded: whether a grading was asked for.
    """
    at = RESULT_COLUMNS.index("grade")
    return (*RESULT_COLUMNS[:at], *(GRADES if graded else GRADES[:1]), *RESULT_COLUMNS[at + 1 :])


FINDING_COLUMNS: Final = (
    "patient_id", "panel", "finding", "status", "severity", "evidence", "upstream", "suggested_tests", "explanation",
)  # fmt: skip
PATHWAY_COLUMNS: Final = (
    "patient_id", "panel", "finding", "pathway", "kind", "support", "broken_at", "explanation",
)  # fmt: skip
_NO_NAME: Final = "patient"
"""The name of a panel that has no collection time."""
_SEVERE: Final = np.array([1 + SEVERE_FLAGS.index(flag) if flag in SEVERE_FLAGS else 0 for flag in (None, *FLAGS)])


def results(answer: Answer, table: Columns) -> dict[str, Any]:
    """Return one row per row of `table`."""
    batch, found = answer.batch, answer.found
    channels = batch.channels.items
    judged = found.flag != 0
    converted = ~np.isnan(batch.value)
    plans = answer.plans
    analyte = [channel.analyte for channel in channels]
    unit = [channel.canonical_unit for channel in channels]
    ends = [plan.low for plan in plans.items], [plan.high for plan in plans.items]
    low, high = (np.array([*each, None], np.float64) for each in ends)
    plan = np.where(judged, found.plan, len(plans.items))
    grades = GRADES if answer.graded else GRADES[:1]
    severe = _SEVERE.take(found.flag)
    sources = [source for flag in (None, *SEVERE_FLAGS) for source in (*(p.source_of(flag) for p in plans.items), None)]
    return {
        "patient_id": table.as_sent("patient_id", answer.patient),
        "collected_at": table.as_sent("collected_at", answer.collected),
        "analyte": Coded.of(batch.channel, analyte),
        "comparator": Coded(batch.comparator * converted, COMPARATORS),
        "value": batch.value,
        "unit": Coded.of(np.where(converted, batch.channel, len(unit)), [*unit, None]),
        "low": low.take(plan),
        "high": high.take(plan),
        "range_id": Coded.of(plan + severe * (len(plans.items) + 1), sources),
        "flag": Coded(found.flag, FLAGS),
        "level": Coded(found.level, LEVELS),
        "band": Coded(found.band, plans.bands),
        **{name: Whole(found.grades[name], found.grades[name] < 0) for name in grades},
        "problem": Coded(batch.problem, PROBLEMS),
        "notes": _notes(batch.notes),
        "suspected_unit": _suspected(batch.suspects, len(batch.value)),
    }


def _notes(bits: Ints) -> Coded:
    codes, distinct = numbered(bits.view(np.int64))
    return Coded.of(codes, [SEPARATOR.join(notes_of_bits(int(key))) for key in distinct])


def _suspected(suspects: dict[int, str], rows: int) -> Coded:
    names = sorted(set(suspects.values()) & set(units.units()))
    codes = np.zeros(rows, np.int32)
    for row, unit in suspects.items():
        codes[row] = names.index(unit) + 1
    return Coded(codes, names)


def findings(answer: Answer) -> dict[str, Any]:
    """Return one row per finding and panel, panels in order of first appearance."""
    found = answer.findings
    return _table(answer, found.number, found.item, [item.row for item in found.items], FINDING_COLUMNS)


def pathways(answer: Answer) -> dict[str, Any]:
    """Return one row per finding and pathway."""
    found = answer.findings
    each = [len(item.pathways) for item in found.items]
    _, place = _spread(each, found.item)
    every = list(itertools.chain.from_iterable(item.pathways for item in found.items))
    rows = {id(row): row for row in every}
    position = {key: i for i, key in enumerate(rows)}
    item = np.fromiter((position[id(row)] for row in every), np.int64, len(every)).take(place)
    return _table(answer, _pathways_of_patterns(answer), item, list(rows.values()), PATHWAY_COLUMNS)


def counts(answer: Answer) -> dict[str, Ints]:
    """Return how many findings and pathways each distinct pattern of levels has."""
    return {"findings": answer.findings.number, "pathways": _pathways_of_patterns(answer)}


def _pathways_of_patterns(answer: Answer) -> Ints:
    found = answer.findings
    each = np.array([len(item.pathways) for item in found.items], np.int64)
    pattern = np.repeat(np.arange(len(found.number)), found.number)
    numbers: Ints = np.bincount(pattern, each[found.item], len(found.number)).astype(np.int64)
    return numbers


def _table(answer: Answer, number: Ints, item: Ints, rows: Sequence[Row], names: Sequence[str]) -> dict[str, Any]:
    """Return a table of what each panel's pattern comes to.

    Args:
        answer: with each panel's pattern.
        number: how many rows each pattern has.
        item: the position in `rows` of each, pattern by pattern.
        rows: the distinct rows behind patient and panel.
        names: of the columns.
    """
    panel, place = _spread(number, answer.answer_of_panel)
    first = answer.panels.first_row[panel]
    columns: dict[str, Any] = {"patient_id": _patients(answer.patient, first), "panel": _labels(answer, first)}
    own = [name for name in names if name not in columns]
    codes = item[place]
    columns |= {name: Coded.of(codes, [row[i] for row in rows]) for i, name in enumerate(own)}
    return {name: columns[name] for name in names}


def _spread(numbers: Sequence[int] | Ints, answer: Ints) -> tuple[Ints, Ints]:
    """Return, for every output row, its panel and the position of its item in the flat list of all answers' items."""
    count = np.array(numbers, np.int64)
    start = np.cumsum(count) - count
    per_panel = count[answer] if len(count) else np.zeros(0, np.int64)
    panel = np.repeat(np.arange(len(answer)), per_panel)
    within = np.arange(len(panel)) - np.repeat(np.cumsum(per_panel) - per_panel, per_panel)
    return panel, start[answer[panel]] + within if len(panel) else np.zeros(0, np.int64)


def _patients(patient: Encoded, first: Ints) -> Any:
    if patient.is_text:
        codes, used = compact(patient.codes[first], len(patient.distinct))
        return Coded.of(codes, patient.named(used), kept=False)
    codes = patient.codes[first] - 1
    known = typed(patient.distinct[1:])
    if (codes < 0).any() and known.dtype.kind in "iu":
        known = pd.array(patient.distinct[1:])
    return known.take(codes, allow_fill=True)


def _labels(answer: Answer, first: Ints) -> Coded:
    """Name each panel: by its collection time; by its row where there is no patient; `patient` otherwise."""
    own = answer.patient.codes[first] == 0
    times = answer.collected
    shared = times.codes[first] if answer.by_time else 0
    codes = np.where(own, len(times.distinct) + first, shared)
    short, used = numbered(codes)
    sent = times.distinct
    rows = len(sent)
    if times.is_text and not own.any():
        texts = times.named(used)
        visible = times.letters is not None and times.letters.begin_visibly(used)
        if visible or (all(texts) and all(map(str.strip, texts))):
            return Coded(np.add(short, 1, dtype=np.int32, casting="unsafe"), texts, kept=False)
    names = [_time_name(sent[code]) if code < rows else _row_name(answer, code - rows) for code in used.tolist()]
    return Coded.of(short, names, kept=False)


def _row_name(answer: Answer, row: int) -> str:
    return f"row-{row if answer.numbers is None else answer.numbers[row]}"


def _time_name(value: Any) -> str:
    """Return the name of a panel by its collection time as it was sent; `patient` where there is none."""
    if value is None:
        return _NO_NAME
    if isinstance(value, str):
        return value if value.strip() else _NO_NAME
    return value.isoformat() if isinstance(value, dt.date) else str(read_text(value))
