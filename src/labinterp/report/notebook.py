"""What notebooks show: a small part of a page, without a style sheet or script of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from labinterp.markup import safe, table
from labinterp.reasoning import essentials
from labinterp.report import results
from labinterp.words import labels, numbers, titles
from labinterp.words.faces import line
from labinterp.words.numbers import counted

if TYPE_CHECKING:
    from labinterp.model import ReportData
    from labinterp.report.summary import AnswerFrames

_ROWS: Final = 10


def of_report(report: ReportData) -> str:
    """Return what was found, and a row per result in the unit that was sent.

    Example:
        >>> import labinterp as li
        >>> of_report(li.interpret([li.LabResult("Mg", 1.1, "mg/dL")], li.Patient(age=54)))[:45]
        '<div><p><strong>What</strong>: Hypomagnesemia'
    """
    said = "<br>".join(f"<strong>{safe(label)}</strong>: {safe(text)}" for label, text in essentials(report).labeled)
    rows = []
    for row in results.rows_of(report):
        item = row["item"]
        name = titles.analyte(item.analyte) if item.analyte else numbers.sent(item.result.test)
        mark = labels.word("mark", item.level if item.flag else "missing")
        given = f"{numbers.sent(item.result.value)} {numbers.sent(item.result.unit)}"
        rows.append((name, given, row["canonical"], f"{mark} {row['verdict']}", row["normal"]))
    return f"<div><p>{said}</p>{table(('Test', 'As sent', 'Canonical', 'Level', 'Range'), rows)}</div>"


def of_frame(report: AnswerFrames) -> str:
    """Return how many rows there are, and the first findings."""
    judged, found = report.results, report.findings
    flags, patients = int(judged["flag"].notna().sum()), int(judged["patient_id"].nunique())
    told = line("made", "frame", results=len(judged), patients=patients, judged=flags, unread=len(judged) - flags)
    said = f"<p>{safe(told)} <strong>{safe(counted(len(found), 'finding'))}</strong>.</p>"
    columns = ("patient_id", "panel", "finding", "status", "severity")
    rows = [[_shown(row[name]) for name in columns] for row in found.head(_ROWS).to_dict("records")]
    more = f"<p>… and {len(found) - _ROWS} more findings.</p>" if len(found) > _ROWS else ""
    return f"<div>{said}{table(('Patient', 'Panel', 'Finding', 'Status', 'Severity'), rows)}{more}</div>"


def _shown(value: Any) -> str:
    return "" if value is None or value != value else numbers.sent(value)  # noqa: PLR0124 - only NaN differs from itself
