"""What choosing other ranges would change in one's own data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.frames import FrameReport, interpret_frame
from labinterp.options import resolve_ranges

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ABSENT", "FindingChange", "Impact", "ResultChange", "impact"]

ABSENT: Final = "absent"
_CRITICAL: Final = {"LL": "critically low", "HH": "critically high"}
_Panel = tuple[Hashable, str]


@attrs.frozen
class ResultChange:
    """Results of one analyte that come to something else.

    Args:
        analyte: analyte key.
        before: the level under the first ranges, or the code of the problem.
        after: the same under the second.
        results: how many results.
    """

    analyte: str
    before: str
    after: str
    results: int


@attrs.frozen
class FindingChange:
    """Findings of one kind that come, go or change.

    Args:
        finding: its code.
        kind: `new`, `gone`, `status` or `severity`.
        before: `absent`, or status and severity under the first ranges.
        after: the same under the second.
        panels: in how many panels.
        patients: of how many patients; a row without a patient counts as one.
    """

    finding: str
    kind: str
    before: str
    after: str
    panels: int
    patients: int


@attrs.frozen
class Impact:
    """How a table of results reads under other ranges.

    Args:
        before: the first ranges.
        after: the second ranges.
        results: how many results there are.
        results_changed: how many of them come to another level or problem.
        findings_before: how many findings the first ranges give.
        findings_after: how many the second give.
        panels_changed: in how many panels a finding comes, goes or changes.
        result_changes: the kinds of changed results, the most frequent first.
        finding_changes: the kinds of changed findings, the most frequent first.
    """

    before: str
    after: str
    results: int
    results_changed: int
    findings_before: int
    findings_after: int
    panels_changed: int
    result_changes: tuple[ResultChange, ...]
    finding_changes: tuple[FindingChange, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts JSON-ready; there is no value and no id in them."""
        plain = attrs.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    def to_frame(self) -> pd.DataFrame:
        """Return the changes as one table, results first."""
        import pandas as pd

        rows: list[tuple[str | int | None, ...]] = [
            ("result", each.analyte, "level", each.before, each.after, each.results, None)
            for each in self.result_changes
        ]
        rows += [
            ("finding", each.finding, each.kind, each.before, each.after, each.panels, each.patients)
            for each in self.finding_changes
        ]
        columns = ["what", "of", "kind", "before", "after", "count", "patients"]
        return pd.DataFrame(rows, columns=columns).astype({"count": "int64", "patients": "Int64"})


def impact(frame: pd.DataFrame, before: Any, after: Any, **options: Any) -> Impact:
    """Say how many results and findings change, and how, when other ranges are chosen.

    Args:
        frame: as for `interpret_frame`.
        before: the first ranges: whatever `ranges=` accepts.
        after: the second.
        options: further arguments of `interpret_frame`, such as `assume_adult` or `panel`. Ranges that came with the
            results are left out of the comparison unless `reported_ranges=True` is given.

    Returns:
        Numbers of results, findings, panels and patients that change, without a value or an id.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"test": ["vitamin D"], "value": [35], "unit": ["nmol/L"], "age": [50]})
        >>> change = impact(frame, "nam/2011", "sacn/2016").result_changes[0]
        >>> change.analyte, change.results
        ('vitamin_d', 1)
    """
    options = {"reported_ranges": False, **options}
    first = interpret_frame(frame, ranges=before, **options)
    second = interpret_frame(frame, ranges=after, **options)
    results = _result_changes(first, second)
    findings, panels = _finding_changes(first, second)
    return Impact(
        before=resolve_ranges(before).id,
        after=resolve_ranges(after).id,
        results=len(first.results),
        results_changed=sum(change.results for change in results),
        findings_before=len(first.findings),
        findings_after=len(second.findings),
        panels_changed=panels,
        result_changes=results,
        finding_changes=findings,
    )


def _outcomes(report: FrameReport) -> pd.Series[Any]:
    """Return level or problem of every result; critical ones are told apart."""
    results = report.results.reset_index(drop=True)
    outcome = results["level"].astype(object).where(results["problem"].isna(), results["problem"].astype(object))
    critical = results["flag"].astype(object).map(_CRITICAL)
    return critical.where(critical.notna(), outcome)


def _result_changes(first: FrameReport, second: FrameReport) -> tuple[ResultChange, ...]:
    import pandas as pd

    analyte = first.results["analyte"].reset_index(drop=True).astype(object)
    table = pd.DataFrame({"analyte": analyte, "before": _outcomes(first), "after": _outcomes(second)})
    table = table[(table["before"] != table["after"]) & table["analyte"].notna()]
    counts = Counter(zip(*(table[name].astype(str) for name in table), strict=True))
    changes = [ResultChange(key, before, after, count) for (key, before, after), count in counts.items()]
    return tuple(sorted(changes, key=lambda each: (-each.results, each.analyte, each.before, each.after)))


def _finding_changes(first: FrameReport, second: FrameReport) -> tuple[tuple[FindingChange, ...], int]:
    """Return the kinds of changed findings, and the number of panels with any."""
    before, after = _findings(first), _findings(second)
    panels: dict[tuple[str, str, str, str], list[_Panel]] = {}
    changed: set[_Panel] = set()
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        panel, finding = key
        changed.add(panel)
        panels.setdefault((finding, _kind(old, new), _said(old), _said(new)), []).append(panel)
    changes = [FindingChange(*kind, len(where), len(set(map(_patient, where)))) for kind, where in panels.items()]
    order = sorted(changes, key=lambda each: (-each.panels, each.finding, each.kind, each.before, each.after))
    return tuple(order), len(changed)


def _findings(report: FrameReport) -> dict[tuple[_Panel, str], tuple[str, str]]:
    """Return panel and finding → status and severity."""
    columns = ("patient_id", "panel", "finding", "status", "severity")
    frame = report.findings[list(columns)].astype(object)
    missing = frame["patient_id"].isna().tolist()
    rows = zip(*(frame[name].tolist() for name in columns), missing, strict=True)
    return {
        ((None if nobody else patient, panel), finding): (status, severity)
        for patient, panel, finding, status, severity, nobody in rows
    }


def _patient(panel: _Panel) -> Hashable:
    return panel if panel[0] is None else panel[0]


def _kind(old: tuple[str, str] | None, new: tuple[str, str] | None) -> str:
    if old is None or new is None:
        return "new" if old is None else "gone"
    return "severity" if old[0] == new[0] else "status"


def _said(state: tuple[str, str] | None) -> str:
    return ABSENT if state is None else ", ".join(state)
