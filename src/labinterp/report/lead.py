"""What must be read first, in three sentences: what was found and how soon, what was not judged, what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from labinterp.reasoning import headline, next_notes
from labinterp.reasoning.wording import listed, sentence, test_titles
from labinterp.words import labels, titles

if TYPE_CHECKING:
    from labinterp.model import Finding, ReportData

_SEEN: Final = ("low ", "high ", "raised ")


def of(report: ReportData) -> list[str]:
    """Return the sentences at the top of a page.

    Example:
        >>> import labinterp as li
        >>> of(li.interpret([li.LabResult("calcium", 9.4, "mg/dL")], li.Patient(age=40)))[0]
        'No finding: the results that could be judged do not speak for one.'
    """
    said = labels.tables()["lead"]
    first = headline(report.findings)
    sentences = [first] if first is not None else []
    rest = [finding for finding in report.findings if first is None or finding.severity != "high"]
    if rest:
        sentences.append(_found(rest, more=first is not None))
    elif first is None:
        judged = any(item.flag is not None for item in report.interpretations)
        sentences.append(said["nothing"] if judged else said["nothing_judged"])
    unread = [item for item in report.interpretations if item.flag is None]
    if unread:
        names = dict.fromkeys(titles.analyte(i.analyte) if i.analyte else said["unknown"] for i in unread)
        sentences.append(said["unjudged"].format(tests=listed(names)))
    if report.next_tests:
        sentences.append(
            said["next"].format(tests=listed(test_titles().get(t, labels.spaced(t)) for t in report.next_tests))
        )
    return sentences


def _found(findings: list[Finding], *, more: bool) -> str:
    """Return the findings by status, each by what the results show."""
    said = labels.tables()["lead"]
    parts = []
    for status in dict.fromkeys(finding.status for finding in findings):
        titles = dict.fromkeys(short(finding.title) for finding in findings if finding.status == status)
        name = "possible" if status == "possible" else "also" if more else "found"
        parts.append(said[name].format(titles=listed(titles)))
    return sentence(" ".join(parts))


def short(title: str) -> str:
    """Return what a finding's title says of the results.

    Example:
        >>> short("Hypocalcemia: low calcium"), short("Raised homocysteine: a marker")
        ('low calcium', 'Raised homocysteine')
    """
    name, _, seen = title.partition(": ")
    return seen if seen.startswith(_SEEN) else name


def tells_next(note: str, report: ReportData) -> bool:
    """Return whether a note of the report is the one on what to measure next."""
    start = next_notes([test for test in report.next_tests if test in test_titles()], ())
    return bool(start) and note.startswith(start[0])
