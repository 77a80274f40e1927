"""The page of many patients: who they are, what was found with each, the severe ones first."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.as_sent import in_unit
from labinterp.codes import SEVERITIES
from labinterp.reading import analytes, units, values
from labinterp.report import bars
from labinterp.report.pages import drawing
from labinterp.words import faces, labels, numbers, titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.report.summary import AnswerFrames

_COLUMNS: Final = (
    "patient_id",
    "collected_at",
    "analyte",
    "comparator",
    "value",
    "unit",
    "low",
    "high",
    "flag",
    "level",
    "problem",
)
_LONGEST: Final = 60


@attrs.frozen
class Line:
    """One result of a patient.

    Args:
        title: of the analyte, or the test as sent where it is not known.
        day: when it was drawn, as sent.
        sent: value and unit as sent, else in the canonical unit.
        normal: the range of normal in the unit that was sent.
        level: such as `low`, or `problem`.
        said: the level or the problem in words.
        bar: the value against its range, drawn.
    """

    title: str
    day: str
    sent: str
    normal: str
    level: str
    said: str
    bar: Any


@attrs.frozen
class Person:
    """One patient.

    Args:
        number: place on the page, from 1.
        name: as sent, cut where it is too long.
        severity: the highest severity of a finding, or an empty text.
        findings: title, status, severity and explanation of each distinct one, the most severe first.
        lines: the results in the order of the table.
        unjudged: how many results were not judged.
        page: file that holds the patient's section, empty for this one.
    """

    number: int
    name: str
    severity: str
    findings: tuple[tuple[str, str, str, str], ...]
    lines: tuple[Line, ...]
    unjudged: int
    page: str = ""

    @property
    def short(self) -> str:
        """Return the findings in a few words."""
        return "; ".join(
            (f"{labels.word('status', status)}: " if status == "possible" else "") + titles.short(title)
            for title, status, _, _ in self.findings
        )


def people_of(report: AnswerFrames, table: Any = None) -> list[Person]:
    """Return the patients of an answer, those with the most severe findings first, then by the order of the table."""
    judged, found = report.results, report.findings
    columns = {name: judged[name].astype(object).to_numpy().tolist() for name in _COLUMNS}
    whole = table is not None and len(table) == len(judged)
    sent = [_cells(table, name) if whole else None for name in ("value", "unit", "test")]
    files = _cells(judged, "file") or [""] * len(judged)
    rows: dict[tuple[str, Any], list[int]] = {}
    for i, (file, patient) in enumerate(zip(files, columns["patient_id"], strict=True)):
        rows.setdefault((str(file), ("row", i) if _missing(patient) else str(patient)), []).append(i)
    findings = _findings(found, {file: files.index(file) for file in dict.fromkeys(files)})
    made = []
    for key, own in rows.items():
        patient = key[1]
        told = tuple(findings.get(key, ()))
        name = patient if isinstance(patient, str) else f"no patient id, row {patient[1] + 1}"
        severity = max((each[2] for each in told), key=SEVERITIES.index, default="")
        unjudged = sum(_missing(columns["flag"][i]) for i in own)
        made.append(Person(0, _cut(name), severity, told, tuple(_line(columns, sent, i) for i in own), unjudged))
    order = sorted(made, key=_urgency)
    return [attrs.evolve(person, number=i) for i, person in enumerate(order, 1)]


def _findings(found: Any, first: dict[Any, int]) -> dict[tuple[str, Any], list[tuple[str, str, str, str]]]:
    """Return the distinct findings by file and patient, or by file and row, the most severe first."""
    names = ("patient_id", "panel", "finding", "status", "severity", "explanation")
    cells = [found[name].astype(object) for name in names]
    files = _cells(found, "file") or [next(iter(first), "")] * len(found)
    made: dict[tuple[str, Any], dict[tuple[str, str, str, str], None]] = {}
    for file, patient, panel, code, status, severity, text in zip(files, *cells, strict=True):
        own = ("row", first[file] + _row_of(panel)) if _missing(patient) else str(patient)
        made.setdefault((str(file), own), {})[titles.finding(code), status, severity, text] = None
    return {
        key: sorted(told, key=lambda each: (-SEVERITIES.index(each[2]), each[1] != "present"))
        for key, told in made.items()
    }


def _row_of(panel: Any) -> int:
    digits = str(panel).rpartition("-")[2]
    return int(digits) if digits.isdecimal() else -1


def _urgency(person: Person) -> tuple[int, int]:
    severity = SEVERITIES.index(person.severity) if person.severity else -1
    return -severity, 0 if person.findings else 1 if person.unjudged else 2


def _line(columns: dict[str, list[Any]], sent: Sequence[list[Any] | None], i: int) -> Line:
    analyte = columns["analyte"][i]
    known = not _missing(analyte)
    value, unit, test = (None if cells is None else cells[i] for cells in sent)
    level, problem = columns["level"][i], columns["problem"][i]
    judged = not _missing(columns["flag"][i])
    day = columns["collected_at"][i]
    shown = "" if _missing(value) else f"{numbers.sent(value)} {'' if _missing(unit) else numbers.sent(unit)}".strip()
    if not shown and not _missing(columns["value"][i]):
        number = numbers.shown(columns["value"][i], (columns["low"][i], columns["high"][i]))
        shown = f"{'' if _missing(columns['comparator'][i]) else columns['comparator'][i]}{number} {columns['unit'][i]}"
    return Line(
        titles.analyte(analyte) if known else faces.line("result", "unknown") if _missing(test) else _cut(str(test)),
        "" if _missing(day) else _cut(str(day)),
        _cut(shown),
        _normal(analyte, _code(value, unit), columns["low"][i], columns["high"][i]) if known and judged else "",
        str(level) if judged and not _missing(level) else "problem",
        labels.word("level", level) if judged else labels.spaced("" if _missing(problem) else str(problem)),
        _bar(columns, i) if judged else "",
    )


def _bar(columns: dict[str, list[Any]], i: int) -> Any:
    value, low, high, comparator = (
        None if _missing(columns[name][i]) else columns[name][i] for name in ("value", "low", "high", "comparator")
    )
    return "" if value is None else drawing(bars.small(value, low, high, comparator))


def _normal(analyte: str, code: str | None, low: Any, high: Any) -> str:
    unit = code if code is not None and code in units.accepted(analyte) else analytes.analyte(analyte).canonical_unit
    ends = [None if _missing(end) else round_of(analyte, float(end), unit) for end in (low, high)]
    span = numbers.span(*ends)
    return f"{span} {unit}" if span else ""


@functools.lru_cache(maxsize=4096)
def round_of(analyte: str, canonical: float, unit: str) -> float:
    """Return a limit in the unit that was sent."""
    return in_unit(analyte, canonical, unit)


def _code(value: Any, unit: Any) -> str | None:
    if not _missing(unit) and str(unit).strip():
        return units.resolve(str(unit)).code
    text = values.parse(value).unit_text if isinstance(value, str) else None
    return None if text is None else units.resolve(text).code


def _cells(table: Any, name: str) -> list[Any] | None:
    return table[name].astype(object).to_numpy().tolist() if name in table else None


def _missing(value: Any) -> bool:
    return value is None or value != value or str(value) in {"<NA>", "NaT"}  # noqa: PLR0124 - only NaN differs from itself


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
