"""Results and findings → rows for the tables MEASUREMENT, OBSERVATION and NOTE of OMOP CDM 5.4.

Concept ids are those of `knowledge/analytes.toml` and `knowledge/layouts.toml`; where none is known there, 0 is
written, OMOP's "no matching concept", and the text beside it says what is meant.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp._data import knowledge
from labinterp.arguments import checked_text
from labinterp.errors import InputError
from labinterp.reading import analytes, demographics, units, values
from labinterp.reading.times import read_time
from labinterp.tables.layouts import to_labinterp
from labinterp.tables.rows import as_text
from labinterp.words import titles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.frames import FrameReport

MEASUREMENT: Final = (
    "measurement_id", "person_id", "measurement_concept_id", "measurement_date", "measurement_datetime",
    "measurement_time", "measurement_type_concept_id", "operator_concept_id", "value_as_number",
    "value_as_concept_id", "unit_concept_id", "range_low", "range_high", "provider_id", "visit_occurrence_id",
    "visit_detail_id", "measurement_source_value", "measurement_source_concept_id", "unit_source_value",
    "unit_source_concept_id", "value_source_value", "measurement_event_id", "meas_event_field_concept_id",
)  # fmt: skip
OBSERVATION: Final = (
    "observation_id", "person_id", "observation_concept_id", "observation_date", "observation_datetime",
    "observation_type_concept_id", "value_as_number", "value_as_string", "value_as_concept_id", "qualifier_concept_id",
    "unit_concept_id", "provider_id", "visit_occurrence_id", "visit_detail_id", "observation_source_value",
    "observation_source_concept_id", "unit_source_value", "qualifier_source_value", "value_source_value",
    "observation_event_id", "obs_event_field_concept_id",
)  # fmt: skip
NOTE: Final = (
    "note_id", "person_id", "note_date", "note_datetime", "note_type_concept_id", "note_class_concept_id", "note_title",
    "note_text", "encoding_concept_id", "language_concept_id", "provider_id", "visit_occurrence_id", "visit_detail_id",
    "note_source_value", "note_event_id", "note_event_field_concept_id",
)  # fmt: skip
UNITS: Final = ("canonical", "reported")
_SOURCE: Final = "labinterp"


def _rows(frame: pd.DataFrame) -> str:
    return f"<{len(frame)} rows>"


@attrs.frozen(eq=False)
class OmopTables:
    """Rows for three tables of OMOP CDM 5.4, each with every column of its table.

    Args:
        measurement: one row per result, in the order of the results and with their index.
        observation: one row per finding: its code as the source value, its status as the value, its severity as the
            qualifier.
        note: one row per finding, with the same number: what it rests on and each of its pathways, in words.

    Example:
        >>> import pandas as pd
        >>> from labinterp.frames import interpret_frame
        >>> sent = pd.DataFrame(
        ...     {"person_id": [7], "measurement_concept_id": [3001420], "measurement_date": "2026-01-10",
        ...      "value_as_number": [1.1], "unit_concept_id": 8840, "year_of_birth": 1971}
        ... )
        >>> tables = to_omop(interpret_frame(sent), sent)
        >>> tables.observation["observation_source_value"].tolist()
        ['hypomagnesemia']
    """

    measurement: pd.DataFrame = attrs.field(repr=_rows)
    observation: pd.DataFrame = attrs.field(repr=_rows)
    note: pd.DataFrame = attrs.field(repr=_rows)


def to_omop(
    report: FrameReport,
    source: pd.DataFrame,
    *,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    unit: str = "canonical",
    type_concept_id: int = 0,
    first_id: int = 1,
) -> OmopTables:
    """Write an answer of `interpret_frame` as rows for OMOP CDM 5.4.

    A result that could be read is written with its number, its comparator as a concept and a code that fits the unit;
    `value_source_value` keeps what was sent. One that could not be read keeps its text and has no number. A range is
    written only where it came with the result, as the CDM wants it. Read back by the layout `omop`, with the same
    patients and ranges, every result has the same flag, and one without a flag has none: what this table of the CDM
    cannot say (a specimen that is unsuitable, two units that disagree) leaves out what would be misread. In canonical
    units, a result between the limits that a source prints in two units (noted `near_limit`) is judged by the other one
    of them; `unit="reported"` keeps it.

    Args:
        report: what `interpret_frame` returned, as pandas frames.
        source: the table that it was made from.
        layout: as in `interpret_frame`.
        columns: as in `interpret_frame`.
        unit: `"canonical"`, or `"reported"` for the unit in which each result was sent.
        type_concept_id: where your records come from, for the columns `*_type_concept_id`.
        first_id: the first id in each of the tables.

    Returns:
        Rows for MEASUREMENT, OBSERVATION and NOTE. `person_id` is the patient id as it was sent; dates are ISO texts,
        missing where the time of collection is.

    Raises:
        InputError: if the report and the table do not belong together.

    Example:
        >>> import pandas as pd
        >>> import labinterp as li
        >>> frame = pd.DataFrame({"patient_id": [7], "test": ["Mg"], "value": ["1.2"], "unit": ["mg/dL"], "age": [54]})
        >>> tables = to_omop(li.interpret_frame(frame), frame)
        >>> row = tables.measurement.iloc[0]
        >>> int(row["person_id"]), int(row["measurement_concept_id"]), f"{row['value_as_number']:.3f}"
        (7, 3012095, '0.494')
        >>> tables.observation[["observation_source_value", "value_as_string"]].to_numpy().tolist()
        [['hypomagnesemia', 'present']]
    """
    if checked_text(unit, "unit") not in UNITS:
        raise InputError("`unit` is not one of its values", hint=f"Use {' or '.join(UNITS)}")
    if not all(isinstance(part, pd.DataFrame) for part in (report.results, source)):
        raise InputError("OMOP rows are made from pandas frames", hint="Interpret a pandas frame")
    table = to_labinterp(source, layout, columns)
    if len(table) != len(report.results):
        raise InputError("the report was not made from this table", hint="Give the table that you interpreted")
    return OmopTables(
        _measurement(report.results, table, unit, type_concept_id, first_id),
        _observation(report, type_concept_id, first_id),
        _note(report, type_concept_id, first_id),
    )


def _table(names: tuple[str, ...], found: Mapping[str, Any], index: pd.Index[Any]) -> pd.DataFrame:
    """Return a frame with every column of the table: 0 in concepts and nothing elsewhere, if not found."""
    empty = {name: 0 if name.endswith("concept_id") and "event" not in name else None for name in names}
    return pd.DataFrame({**empty, **found}, index=index, columns=list(names))


def _measurement(results: pd.DataFrame, table: pd.DataFrame, unit: str, type_id: int, first_id: int) -> pd.DataFrame:
    known = results["value"].notna().to_numpy()
    tests, loincs, sent, spelled, specimens = (
        _texts(table, name) for name in ("test", "loinc", "value", "unit", "specimen")
    )
    analyte, canonical, problem = (_list(results[name]) for name in ("analyte", "unit", "problem"))
    written = list(canonical) if unit == "canonical" else [_reported(*row) for row in zip(spelled, sent, strict=True)]
    numbers = {name: results[name].to_numpy(dtype=float, copy=True) for name in ("value", "low", "high")}
    sources: list[str | None] = []
    concepts: list[int] = []
    for i in range(len(table)):
        if written[i] is None or (known[i] and written[i] not in units.accepted(str(analyte[i]))):
            written[i] = canonical[i]
        if known[i] and written[i] != canonical[i]:
            scale = units.scale_between(str(analyte[i]), canonical[i], str(written[i]))
            for name, column in numbers.items():
                numbers[name][i] = float(f"{scale.apply(column[i]):.15g}")
        specimen = specimens[i] if problem[i] == "unsuitable_specimen" else None
        text = _source_value(tests[i], loincs[i], analyte[i], specimen)
        sources.append(text)
        concepts.append(_concept(tests[i], loincs[i], analyte[i], written[i]) if specimen is None else 0)
        if specimen is not None and analytes.resolve(text).analyte is not None:
            sent[i] = None  # else it would be read as one of serum
    came = results["range_id"].astype(object).map(lambda name: str(name).startswith("reported")).to_numpy(dtype=bool)
    texts = [
        text if text is None or not known[i] else " ".join(filter(None, (text, spelled[i])))
        for i, text in enumerate(sent)
    ]
    disputed = ["unit_conflict" in (note or "") for note in _texts(table, "note")]
    units_written = [written[i] if known[i] else None if disputed[i] else spelled[i] for i in range(len(table))]
    unit_ids, operator_ids = _inverse("omop_units"), _inverse("omop_operators")
    dates, times = _when(_list(results["collected_at"]))
    found = {
        "measurement_id": np.arange(first_id, first_id + len(table)),
        "person_id": _plain(results["patient_id"]),
        "measurement_concept_id": concepts,
        "measurement_date": dates,
        "measurement_datetime": times,
        "measurement_type_concept_id": type_id,
        "operator_concept_id": [
            operator_ids[comparator or "="] if known[i] else 0
            for i, comparator in enumerate(_list(results["comparator"]))
        ],
        "value_as_number": numbers["value"],
        "unit_concept_id": [unit_ids.get(name or "", 0) for name in units_written],
        "range_low": np.where(came, numbers["low"], np.nan),
        "range_high": np.where(came, numbers["high"], np.nan),
        "measurement_source_value": sources,
        "unit_source_value": units_written,
        "value_source_value": texts,
    }
    return _table(MEASUREMENT, found, results.index)


def _list(column: Any) -> list[Any]:
    """Return the values of a column, None where one is missing."""
    return [None if demographics.is_missing(value) else value for value in column]


def _texts(table: pd.DataFrame, name: str) -> list[str | None]:
    return [as_text(value) for value in _list(table[name])] if name in table else [None] * len(table)


def _plain(column: pd.Series[Any]) -> Any:
    """Return ids as they were sent, text not as categories."""
    return column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column.array


def _inverse(name: str) -> dict[str, int]:
    """Return text → concept id of one of the maps that the layout reads by."""
    mapped = knowledge("layouts.toml")["maps"][name]
    return {text or "=": int(concept) for concept, text in mapped.items() if concept not in ("*", "0")}


def _reported(spelled: str | None, sent: str | None) -> str | None:
    return units.resolve(spelled or values.parse(sent).unit_text).code


def _source_value(test: str | None, loinc: str | None, analyte: str | None, specimen: str | None) -> str | None:
    """Return what names the test for whoever reads it back, its LOINC code included."""
    if specimen is not None and analyte is not None:
        return f"{titles.analyte(analyte)} ({specimen})"
    code = analytes.resolve(None, loinc).loinc
    return " ".join(filter(None, (code if code and code not in (test or "") else None, test))) or loinc


@functools.lru_cache(maxsize=4096)
def _concept(test: str | None, loinc: str | None, analyte: str | None, unit: str | None) -> int:
    """Return the concept of the LOINC code that was sent if it fits the unit, else of one that says the same in it."""
    if analyte is None or unit is None:
        return 0
    concepts = _concepts()
    kind = units.units()[unit].kind
    sent = analytes.resolve(test, loinc)
    fitting = [code for code in analytes.analyte(analyte).loinc if code.property == kind and code.code in concepts]
    said = _meaning(sent.notes)
    same = [code.code for code in fitting if _meaning(analytes.resolve(None, code.code).notes) == said]
    chosen = sent.loinc if sent.loinc in same else next(iter(same), None)
    return concepts[chosen] if chosen is not None else 0


@functools.cache
def _concepts() -> dict[str, int]:
    """Return LOINC code → concept id."""
    return {code: int(concept) for concept, code in knowledge("analytes.toml")["codes"]["omop"].items()}


def _meaning(notes: tuple[str, ...]) -> frozenset[str]:
    return frozenset(notes) - {"deprecated_code", "loinc_name_conflict"}


def _observation(report: FrameReport, type_id: int, first_id: int) -> pd.DataFrame:
    findings = report.findings
    dates, times = _when(_panel_times(report))
    found = {
        "observation_id": np.arange(first_id, first_id + len(findings)),
        "person_id": _plain(findings["patient_id"]),
        "observation_date": dates,
        "observation_datetime": times,
        "observation_type_concept_id": type_id,
        "value_as_string": _plain(findings["status"]),
        "observation_source_value": _plain(findings["finding"]),
        "qualifier_source_value": _plain(findings["severity"]),
        "value_source_value": _plain(findings["status"]),
    }
    return _table(OBSERVATION, found, findings.index)


def _note(report: FrameReport, type_id: int, first_id: int) -> pd.DataFrame:
    findings = report.findings
    dates, times = _when(_panel_times(report))
    disclaimer = knowledge("guidance.toml")["disclaimer"]["text"]
    paths = _paths(report.pathways)
    keys = _keys(findings)
    found = {
        "note_id": np.arange(first_id, first_id + len(findings)),
        "person_id": _plain(findings["patient_id"]),
        "note_date": dates,
        "note_datetime": times,
        "note_type_concept_id": type_id,
        "note_title": [f"{_SOURCE}: {code}" for code in findings["finding"]],
        "note_text": [
            "\n".join([text, *paths.get(key, ()), disclaimer])
            for text, key in zip(findings["explanation"], keys, strict=True)
        ],
        "note_source_value": _SOURCE,
    }
    return _table(NOTE, found, findings.index)


def _keys(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return patient, panel and finding of every row."""
    return list(zip(*(_list(frame[name]) for name in ("patient_id", "panel", "finding")), strict=True))


def _paths(pathways: pd.DataFrame) -> dict[tuple[Any, ...], list[str]]:
    found: dict[tuple[Any, ...], list[str]] = {}
    for key, text in zip(_keys(pathways), pathways["explanation"], strict=True):
        found.setdefault(key, []).append(text)
    return found


def _panel_times(report: FrameReport) -> list[Any]:
    """Return when each finding's panel was collected; for all results of a patient, the latest of them."""
    times = _list(report.results["collected_at"])
    latest: dict[Any, tuple[dt.datetime, Any]] = {}
    for patient, time in zip(_list(report.results["patient_id"]), times, strict=True):
        instant = read_time(time)
        if instant is not None and (patient not in latest or instant > latest[patient][0]):
            latest[patient] = instant, time
    found = []
    for patient, panel, _ in _keys(report.findings):
        row = str(panel).removeprefix("row-") if str(panel).startswith("row-") else None
        if row is not None:
            found.append(times[int(row)])
        else:
            found.append(latest.get(patient, (None, None))[1] if panel == "patient" else panel)
    return found


def _when(times: list[Any]) -> tuple[list[str | None], list[str | None]]:
    """Return dates and, where the hour is known, points in time, by the clock of the laboratory."""
    known: dict[Any, tuple[str | None, str | None]] = {}
    for time in times:
        if time not in known:
            local = _local(time)
            clock = local is not None and (
                len(time) > len("2026-01-10") if isinstance(time, str) else local.time() > dt.time()
            )
            date = None if local is None else local.date().isoformat()
            known[time] = (date, local.isoformat(sep=" ") if local is not None and clock else None)
    return [known[time][0] for time in times], [known[time][1] for time in times]


def _local(time: Any) -> dt.datetime | None:
    if read_time(time) is None:
        return None
    if isinstance(time, dt.datetime):
        return time.replace(tzinfo=None)
    try:
        return dt.datetime.fromisoformat(str(time).strip().replace("/", "-")).replace(tzinfo=None)
    except ValueError:
        return read_time(time)
