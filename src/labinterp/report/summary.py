"""What the page of many patients shows: counts over the three frames that `labinterp.interpret_frame` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from labinterp import reasoning
from labinterp.codes import FLAGS, NOTES, PROBLEMS, SEVERITIES, ranked
from labinterp.words.problems import message, suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPLANATIONS_SHOWN: Final = 20
SEPARATOR: Final = ";"


class AnswerFrames(Protocol):
    """The three frames of a `FrameReport`."""

    @property
    def results(self) -> Any:
        """Return a row per result."""

    @property
    def findings(self) -> Any:
        """Return a row per finding and panel."""

    @property
    def pathways(self) -> Any:
        """Return a row per pathway of a finding."""


@attrs.frozen
class FindingGroup:
    """The findings of one kind that rest on the same evidence and say the same.

    Args:
        status: `present` or `possible`.
        severity: `low`, `moderate` or `high`.
        explanation: in words.
        count: in how many panels.
    """

    status: str
    severity: str
    explanation: str
    count: int


@attrs.frozen
class Kind:
    """All findings of one code.

    Args:
        code: such as `hypocalcemia`.
        present: in how many panels it is present.
        possible: in how many panels it is possible.
        patients: how many patients have it.
        pathways: support → number of pathways.
        groups: the most frequent first.
        more: how many groups are not shown.
    """

    code: str
    present: int
    possible: int
    patients: int
    pathways: dict[str, int]
    groups: tuple[FindingGroup, ...]
    more: int


def of(report: AnswerFrames) -> dict[str, Any]:
    """Return everything that the template shows.

    Args:
        report: n results, m findings.
    """
    results, findings = report.results, report.findings
    problems = _counts(results["problem"], PROBLEMS)
    severe = findings.loc[findings["severity"] == SEVERITIES[-1], ["patient_id", "panel"]].drop_duplicates()
    return {
        "rows": len(results),
        "judged": int(results["flag"].notna().sum()),
        "panels": len(findings[["patient_id", "panel"]].drop_duplicates()),
        "severe": len(severe),
        "flags": FLAGS,
        "analytes": _by_analyte(results),
        "problems": [(code, count, message(code), suggestion(code)) for code, count in problems],
        "unread": sum(count for _, count in problems),
        "notes": _notes(results["notes"]),
        "ranges": _counts(results["range_id"]),
        "kinds": _kinds(report),
        "guidance": reasoning.guidance(severe=bool(len(severe))),
        "knowledge": (reasoning.knowledge_version(), reasoning.knowledge_sha256()),
    }


def _counts(column: Any, known: Sequence[str] = ()) -> list[tuple[str, int]]:
    counts = column.value_counts()
    return ranked({str(code): int(count) for code, count in counts.items() if count}, known)


def _pairs(frame: Any, one: str, other: str) -> list[tuple[str, str, int]]:
    counts = frame.groupby([one, other], observed=True).size()
    return [(str(first), str(second), int(count)) for (first, second), count in counts.items()]


def _notes(column: Any) -> list[tuple[str, int]]:
    totals: dict[str, int] = {}
    for notes, count in _counts(column):
        for note in filter(None, notes.split(SEPARATOR)):
            totals[note] = totals.get(note, 0) + count
    return ranked(totals, NOTES)


def _by_analyte(results: Any) -> list[tuple[str, int, dict[str, int], int]]:
    """Return analyte, rows, rows by flag, rows with a problem."""
    rows = dict(_counts(results["analyte"]))
    flags: dict[str, dict[str, int]] = {analyte: {} for analyte in rows}
    for analyte, flag, count in _pairs(results, "analyte", "flag"):
        flags[analyte][flag] = count
    return [(analyte, count, flags[analyte], count - sum(flags[analyte].values())) for analyte, count in rows.items()]


def _kinds(report: AnswerFrames) -> list[Kind]:
    """Return the findings by code, those that most patients have first."""
    supports: dict[str, dict[str, int]] = {}
    for code, support, count in _pairs(report.pathways, "finding", "support"):
        supports.setdefault(code, {})[support] = count
    findings: Any = report.findings
    kinds = [
        _kind(str(code), rows, supports.get(str(code), {})) for code, rows in findings.groupby("finding", observed=True)
    ]
    return sorted(kinds, key=lambda kind: -(kind.present + kind.possible))


def _kind(code: str, rows: Any, supports: dict[str, int]) -> Kind:
    status = dict(_counts(rows["status"]))
    columns = ["status", "severity", "explanation"]
    found = sorted(rows.groupby(columns, observed=True), key=lambda item: -len(item[1]))
    groups = tuple(_group(key, part) for key, part in found[:EXPLANATIONS_SHOWN])
    more = max(len(found) - EXPLANATIONS_SHOWN, 0)
    patients = int(rows["patient_id"].nunique())
    return Kind(code, status.get("present", 0), status.get("possible", 0), patients, supports, groups, more)


def _group(key: tuple[str, ...], rows: Any) -> FindingGroup:
    status, severity, explanation = key
    return FindingGroup(status, severity, explanation, len(rows))
