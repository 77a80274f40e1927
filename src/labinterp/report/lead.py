"""What must be read first: the severe findings, then what was found, how soon to look at it, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp.reasoning import essentials, headline, next_notes

if TYPE_CHECKING:
    from labinterp.model import ReportData


def of(report: ReportData) -> list[tuple[str, str]]:
    """Return the lines at the top of a page, each with its label; the first has none where a finding is severe.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("Mg", 1.5, "mg/dL")], li.Patient(age=40))
        >>> of(report)[0]
        ('What', 'Hypomagnesemia (severity moderate).')
    """
    first = headline(report.findings)
    lines = essentials(report, headed=True).labeled
    return [*([] if first is None else [("", first)]), *lines]


def tells_next(note: str, report: ReportData) -> bool:
    """Return whether a note of the report is the one on what to measure next."""
    start = next_notes(report.next_tests, ())
    return bool(start) and note.startswith(start[0])
