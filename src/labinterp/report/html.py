"""Pages from reports: `render` for one patient, `render_frame` for a table of many."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from labinterp.arguments import checked_text
from labinterp.reasoning import headline
from labinterp.report import sources, svg, words
from labinterp.report.pages import draw, drawing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labinterp.frames import FrameReport
    from labinterp.model import Citation, Finding, Interpretation, Pathway, Report


def render(report: Report, *, title: str | None = None) -> str:
    """Return a report as one self-contained HTML page.

    No script, no network, a policy that allows the page's own style sheet alone, every text escaped. Each result has
    its number line, each pathway its chain of steps with what the data say of them, each statement its sources. The
    ids of patient and results are not shown; put into `title` what the reader needs.

    Args:
        report: of `labinterp.interpret`.
        title: heading of the page.

    Raises:
        MissingExtraError: if jinja2 is not installed (extra `report`).

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=54))
        >>> page = render(report, title="Magnesium")
        >>> "<h1>Magnesium</h1>" in page, "<script" in page
        (True, False)
    """
    references = References()
    hashes = sources.hashes_of(report)
    context = {
        "report": report,
        "headline": headline(report.findings),
        "results": [_result(item, hashes) for item in report.interpretations],
        "tests": _suggested(report),
        "cite": references.cite,
        "references": references,
        "steps": _steps,
        "observed": lambda step: words.observed(step.target, step.observation),
        "supports": _supports,
        "drawn_before": _Drawn().before,
    }
    return draw(
        "report.html", checked_text(title, "title") or "Laboratory results and what they are compatible with", context
    )


def render_frame(frame_report: FrameReport, *, title: str | None = None) -> str:
    """Return a summary of many patients as one self-contained HTML page.

    Counts of results, flags, problems and notes; findings grouped by kind, with the patients of each group up to a
    number; pathways by support. The page holds patient ids, as the table did.

    Args:
        frame_report: of `labinterp.interpret_frame`.
        title: heading of the page.

    Raises:
        MissingExtraError: if jinja2 is not installed (extra `report`).
    """
    from labinterp.report import summary

    return draw("frame.html", title or "Laboratory results of many patients", summary.of(frame_report))


class References:
    """The numbered list of sources, in the order in which the page first names them."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str, str | None], int] = {}

    def cite(self, citations: Iterable[Citation]) -> list[tuple[int, str | None]]:
        """Return number and locator of each citation."""
        return [(self.number(item), item.locator) for item in citations]

    def number(self, item: Citation) -> int:
        """Return the number of a source, a new one where it was not named before."""
        return self._numbers.setdefault((item.id, item.text, item.url), len(self._numbers) + 1)

    def listed(self) -> list[tuple[int, str, str | None]]:
        """Return number, text and address of every source named so far."""
        return [(number, text, url) for (_, text, url), number in self._numbers.items()]


class _Drawn:
    """Remembers which chains were drawn, so that the same one under a second finding is named and not drawn again."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str, str | None], int] = {}

    def before(self, pathway: Pathway, finding: int) -> int | None:
        """Return the number of the earlier finding under which this very chain was drawn, if there is one."""
        first = self._first.setdefault((pathway.id, pathway.support, pathway.broken_at), finding)
        return first if first != finding and pathway.steps else None


def _supports(finding: Finding) -> str:
    """Say how many pathways of a finding are supported, possible and interrupted."""
    counts = Counter(pathway.support for pathway in finding.pathways)
    return ", ".join(f"{count} {words.spaced(support)}" for support, count in counts.items()) or "none"


def _result(item: Interpretation, hashes: dict[str, str]) -> dict[str, Any]:
    found = sources.sources_of(item, hashes)
    return {"item": item, "line": _line(item, found), "sources": found}


def _line(item: Interpretation, found: tuple[sources.Source, ...]) -> Any:
    """Draw the number line of a judged result; a result with a problem has none."""
    if item.value is None or item.flag is None or item.unit is None:
        return None
    label = (
        f"{words.analyte_title(item.analyte)}: {item.comparator or ''}{words.shown(item.value, (item.low, item.high))} "
        f"{item.unit}, {words.word('level', item.level)}; {_normal(item)}"
    )
    line = svg.number_line(
        item.value, item.unit, sources.segments(item, found), comparator=item.comparator, label=label
    )
    return drawing(line) if line else None


def _normal(item: Interpretation) -> str:
    low, high = words.shown(item.low, (item.high,)), words.shown(item.high, (item.low,))
    if low and high:
        return f"normal from {low} to {high} {item.unit}"
    if low or high:
        return f"normal from {low} {item.unit}" if low else f"normal up to {high} {item.unit}"
    return "no limits of normal"


def _suggested(report: Report) -> list[tuple[str, list[str]]]:
    """Return the tests that findings suggest, in their order, each with the titles of the findings."""
    tests: dict[str, list[str]] = {}
    for finding in report.findings:
        for test in finding.suggested_tests:
            tests.setdefault(test, []).append(finding.title)
    return list(tests.items())


def _steps(pathway: Pathway) -> list[tuple[Any, str]]:
    """Return the steps of a pathway, each `before`, `at` or `beyond` the node at which it is interrupted."""
    placed, place = [], "before"
    for step in pathway.steps:
        if place == "at":
            place = "beyond"
        elif place == "before" and pathway.broken_at is not None and step.target == pathway.broken_at:
            place = "at"
        placed.append((step, place))
    return placed
