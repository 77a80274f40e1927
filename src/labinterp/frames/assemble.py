"""Columns of codes → the frames of the contract."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from labinterp import units
from labinterp.codes import COMPARATORS, FLAGS, LEVELS, PROBLEMS, notes_of_bits
from labinterp.demographics import read_text
from labinterp.frames.encode import Encoded, compact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from labinterp.frames.core import Answer
    from labinterp.kernel.many import Ints
    from labinterp.model import Evidence, Finding, Pathway

RESULT_COLUMNS: Final = (
    "patient_id", "collected_at", "analyte", "comparator", "value", "unit", "low", "high", "range_id", "flag", "level",
    "band", "grade", "problem", "notes", "suspected_unit",
)  # fmt: skip
FINDING_COLUMNS: Final = (
    "patient_id", "panel", "finding", "status", "severity", "evidence", "upstream", "suggested_tests", "explanation",
)  # fmt: skip
PATHWAY_COLUMNS: Final = (
    "patient_id", "panel", "finding", "pathway", "kind", "support", "broken_at", "explanation",
)  # fmt: skip
SEPARATOR: Final = ";"


def results(answer: Answer, table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per row of `table`, with its index."""
    batch, found = answer.batch, answer.found
    channels = batch.channels.items
    judged = found.flag != 0
    converted = ~np.isnan(batch.value)
    plans = answer.plans
    analyte = [channel.analyte for channel in channels]
    unit = [channel.canonical_unit for channel in channels]
    low = np.array([np.nan if plan.low is None else plan.low for plan in plans.items])
    high = np.array([np.nan if plan.high is None else plan.high for plan in plans.items])
    columns: dict[str, Any] = {
        "patient_id": _original(table, "patient_id", answer.patient),
        "collected_at": _original(table, "collected_at", answer.collected),
        "analyte": categories(batch.channel, analyte),
        "comparator": coded(np.where(converted, batch.comparator, 0), COMPARATORS),
        "value": batch.value,
        "unit": categories(np.where(converted, batch.channel, len(unit)), [*unit, None]),
        "low": np.where(judged, low[found.plan], np.nan),
        "high": np.where(judged, high[found.plan], np.nan),
        "range_id": categories(
            np.where(judged, found.plan, len(plans.items)), [*(plan.range_id for plan in plans.items), None]
        ),
        "flag": coded(found.flag, FLAGS),
        "level": coded(found.level, LEVELS),
        "band": coded(found.band, plans.bands),
        "grade": pd.arrays.IntegerArray(found.grade, found.grade < 0),
        "problem": coded(batch.problem, PROBLEMS),
        "notes": _notes(batch.notes),
        "suspected_unit": _suspected(batch.suspects, len(batch.value)),
    }
    return pd.DataFrame(columns, index=table.index, copy=False)


def coded(codes: Ints, names: Sequence[str], dtype: pd.CategoricalDtype[Any] | None = None) -> pd.Categorical[Any]:
    """Return codes that start at 1, 0 for missing, as a categorical of distinct names of ours."""
    kind: Any = np.int8 if len(names) < 127 else np.int32  # noqa: PLR2004 - what an int8 holds
    shifted: Ints = codes.astype(kind) - kind(1)
    return pd.Categorical.from_codes(shifted, dtype=_dtype(names) if dtype is None else dtype, validate=False)


def _sent(codes: Ints, names: Sequence[str]) -> pd.Categorical[Any]:
    """Return codes that start at 1 as a categorical of distinct texts that were sent, which are never kept."""
    return coded(codes, names, _new_dtype(names))


def _dtype(names: Sequence[str]) -> pd.CategoricalDtype[Any]:
    """Return the dtype of these categories; short lists come again and again and are kept."""
    return _kept_dtype(tuple(names)) if len(names) <= 64 else _new_dtype(names)  # noqa: PLR2004 - cheap to hash


def _new_dtype(names: Sequence[str]) -> pd.CategoricalDtype[Any]:
    return pd.CategoricalDtype(pd.Index(names, dtype=object))


_kept_dtype = functools.lru_cache(maxsize=512)(_new_dtype)


def categories(codes: Ints, names: Sequence[str | None]) -> pd.Categorical[Any]:
    """Return codes into names that may repeat or be None as a categorical."""
    distinct = [name for name in dict.fromkeys(names) if name is not None]
    position: dict[str | None, int] = {None: -1, **{name: i for i, name in enumerate(distinct)}}
    recode = np.array([position[name] for name in names], np.int32)
    return pd.Categorical.from_codes(recode[codes], dtype=_dtype(distinct), validate=False)


def _original(table: pd.DataFrame, name: str, encoded: Encoded) -> Any:
    """Return a column as it was sent: text as categories, anything else unchanged."""
    if name not in table:
        return categories(encoded.codes, [None])
    column = table[name]
    if isinstance(column.dtype, pd.CategoricalDtype) or (
        not pd.api.types.is_object_dtype(column) and not (pd.api.types.is_string_dtype(column))
    ):
        return column.array.copy()
    if all(isinstance(value, str) for value in encoded.distinct[1:]):
        return _sent(encoded.codes, encoded.distinct[1:])
    return column.array.copy()


def _notes(bits: Ints) -> pd.Categorical[Any]:
    keys = bits.astype(np.int64)
    codes, distinct = pd.factorize(keys)
    return categories(codes, [SEPARATOR.join(notes_of_bits(int(key))) for key in distinct])


def _suspected(suspects: dict[int, str], rows: int) -> pd.Categorical[Any]:
    names = sorted(set(suspects.values()) & set(units.units()))
    codes = np.zeros(rows, np.int32)
    for row, unit in suspects.items():
        codes[row] = names.index(unit) + 1
    return coded(codes, names)


def findings(answer: Answer) -> pd.DataFrame:
    """Return one row per finding and panel, panels in order of first appearance."""
    panel, item = _spread([len(reasoned.findings) for reasoned in answer.reasoned], answer.answer_of_panel)
    rows = [finding for reasoned in answer.reasoned for finding in reasoned.findings]
    return _frame(answer, panel, item, rows, _FINDING_TEXTS, FINDING_COLUMNS)


def pathways(answer: Answer) -> pd.DataFrame:
    """Return one row per finding and pathway."""
    rows = [
        (finding, pathway)
        for reasoned in answer.reasoned
        for finding in reasoned.findings
        for pathway in finding.pathways
    ]
    counts = [sum(len(finding.pathways) for finding in reasoned.findings) for reasoned in answer.reasoned]
    panel, item = _spread(counts, answer.answer_of_panel)
    return _frame(answer, panel, item, rows, _PATHWAY_TEXTS, PATHWAY_COLUMNS)


def _spread(counts: Sequence[int], answer: Ints) -> tuple[Ints, Ints]:
    """Return, for every output row, its panel and the position of its item in the flat list of all answers' items."""
    count = np.array(counts, np.int64)
    start = np.cumsum(count) - count
    per_panel = count[answer] if len(count) else np.zeros(0, np.int64)
    panel = np.repeat(np.arange(len(answer)), per_panel)
    within = np.arange(len(panel)) - np.repeat(np.cumsum(per_panel) - per_panel, per_panel)
    return panel, start[answer[panel]] + within if len(panel) else np.zeros(0, np.int64)


def evidence_text(evidence: Sequence[Evidence]) -> str:
    """Return the evidence of a finding as text, without values.

    Example:
        >>> from labinterp.model import Evidence
        >>> evidence_text([Evidence("calcium", "low", "adjusted_by_albumin")])
        'calcium=low (adjusted_by_albumin)'
    """
    return SEPARATOR.join(
        f"{item.analyte}={item.level}" + ("" if item.basis == "reported" else f" ({item.basis})") for item in evidence
    )


_FINDING_TEXTS: Final[dict[str, Callable[[Finding], str | None]]] = {
    "finding": lambda finding: finding.code,
    "status": lambda finding: finding.status,
    "severity": lambda finding: finding.severity,
    "evidence": lambda finding: evidence_text(finding.evidence),
    "upstream": lambda finding: SEPARATOR.join(finding.upstream),
    "suggested_tests": lambda finding: SEPARATOR.join(finding.suggested_tests),
    "explanation": lambda finding: finding.explanation,
}
_PATHWAY_TEXTS: Final[dict[str, Callable[[tuple[Finding, Pathway]], str | None]]] = {
    "finding": lambda item: item[0].code,
    "pathway": lambda item: item[1].id,
    "kind": lambda item: item[1].kind,
    "support": lambda item: item[1].support,
    "broken_at": lambda item: item[1].broken_at,
    "explanation": lambda item: item[1].explanation,
}


def _frame(
    answer: Answer, panel: Ints, item: Ints, rows: Sequence[Any], texts: dict[str, Any], names: Sequence[str]
) -> pd.DataFrame:
    first = answer.panels.first_row[panel]
    columns: dict[str, Any] = {
        "patient_id": _patients(answer.patient, first),
        "panel": _labels(answer, first),
        **{name: categories(item, [text(row) for row in rows]) for name, text in texts.items()},
    }
    return pd.DataFrame(columns, columns=list(names), copy=False)


def _patients(patient: Encoded, first: Ints) -> Any:
    if all(isinstance(value, str) for value in patient.distinct[1:]):
        codes, used = compact(patient.codes[first], len(patient.distinct))
        names = [patient.distinct[code] for code in used.tolist()]
        missing = len(names) > 0 and names[0] is None
        return _sent(codes if missing else codes + 1, names[missing:])
    codes = patient.codes[first] - 1
    known = pd.Series(patient.distinct[1:]).array
    if (codes < 0).any() and known.dtype.kind in "iu":
        known = pd.array(patient.distinct[1:])
    return pd.api.extensions.take(known, codes, allow_fill=True)


def _labels(answer: Answer, first: Ints) -> pd.Categorical[Any]:
    """Name each panel: by its collection time; by its row where there is no patient; `patient` otherwise."""
    own = answer.patient.codes[first] == 0
    times = answer.collected
    shared = times.codes[first] if answer.by_time else 0
    codes = np.where(own, len(times.distinct) + first, shared)
    short, used = pd.factorize(codes)
    names = [
        _row_name(answer, code - len(times.distinct))
        if code >= len(times.distinct)
        else _time_name(times.distinct[code])
        for code in used.tolist()
    ]
    distinct = dict.fromkeys(names)
    if len(distinct) == len(names):
        return _sent(short + 1, names)
    position = {name: i for i, name in enumerate(distinct, 1)}
    return _sent(np.array([position[name] for name in names], np.int64)[short], list(distinct))


def _row_name(answer: Answer, row: int) -> str:
    return f"row-{row if answer.numbers is None else answer.numbers[row]}"


def _time_name(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "patient"
    return value.isoformat() if isinstance(value, dt.date) else str(read_text(value))
