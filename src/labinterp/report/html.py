"""Pages from reports: `render` for one patient, `render_frame` for a table of many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import attrs

from labinterp.arguments import checked_text
from labinterp.reasoning import essentials, headline, next_notes
from labinterp.report import bars, mechanisms, pages, people, results, summary, trends
from labinterp.report.pages import draw, drawing
from labinterp.words import numbers
from labinterp.words.citations import References
from labinterp.words.faces import line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.model import Finding, Pathway, ReportData, Step
    from labinterp.report.summary import AnswerFrames

_INDEXED: Final = 5000
SECTIONS: Final = 1000
"""Patients who have a section on a page of many; of more, pages in a folder have them."""
_ON_A_PAGE: Final = 200
_VISITS: Final = 12


def render(report: ReportData, *, title: str | None = None) -> str:
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
    return _page([report], checked_text(title, "title") or line("title", "report"))


def render_visits(reports: Sequence[ReportData], *, title: str | None = None) -> str:
    """Return the page of one patient: what changed from visit to visit, then each visit, the latest first.

    Args:
        reports: one per visit, in order of time, all of one patient.
        title: heading of the page.

    Raises:
        MissingExtraError: if jinja2 is not installed (extra `report`).

    Example:
        >>> import labinterp as li
        >>> draws = [("1.9", "2026-01-05"), ("1.2", "2026-03-02")]
        >>> visits = [li.interpret([li.LabResult("Mg", v, "mg/dL", collected_at=day)]) for v, day in draws]
        >>> '<svg class="trend"' in render_visits(visits)
        True
    """
    if len(reports) == 1:
        return render(reports[0], title=title)
    return _page(list(reports)[::-1], checked_text(title, "title") or line("title", "visits"))


def _page(reports: Sequence[ReportData], title: str) -> str:
    references = References()
    settings = reports[0].provenance.settings if reports else {}
    found = trends.trends_of(
        [item for report in reports for item in report.interpretations],
        date_order=settings.get("date_order"),
        default_units=_mapping(settings.get("default_units")),
    )
    views = [visit(report, i, of=len(reports)) for i, report in enumerate(reports[:_VISITS], 1)]
    context = {
        "visits": views,
        "earlier": len(reports) - len(views),
        "report": reports[0] if reports else None,
        "trends": [{"trend": each, "svg": drawing(trends.draw(each)), "said": trends.said(each)} for each in found],
        "cite": references.cite,
        "references": references,
        "kinds": mechanisms.legend(),
    }
    return draw("report.html", title, context)


def visit(report: ReportData, number: int = 1, *, of: int = 1) -> dict[str, Any]:
    """Return what a page shows of one report.

    Args:
        report: of one patient and time.
        number: of this visit on the page, from 1.
        of: how many visits the page has.
    """
    days = [item.result.collected_at for item in report.interpretations if item.result.collected_at is not None]
    return {
        "report": report,
        "prefix": f"v{number}-" if of > 1 else "",
        "number": number,
        "day": numbers.sent(days[-1]) if days else "",
        "lead": essentials(report).labeled,
        "severe": headline(report.findings) is not None,
        "results": results.rows_of(report),
        "graph": drawing(mechanisms.draw(report)),
        "steps": _steps(report),
        "by_support": _by_support,
        "notes": [note for note in report.notes if not _tells_next(note, report)],
        "next": next((note for note in report.notes if _tells_next(note, report)), ""),
    }


def _tells_next(note: str, report: ReportData) -> bool:
    """Return whether a note of the report is the one on what to measure next."""
    start = next_notes(report.next_tests, ())
    return bool(start) and note.startswith(start[0])


def render_frame(
    frame_report: AnswerFrames, *, sent: Any = None, title: str | None = None, scripts: bool = True
) -> str:
    """Return a table of many patients as one self-contained HTML page.

    Of many patients: a row each, the severe ones first, with search and filters that need no server; a section each;
    counts of findings, results, problems and notes. The page holds patient ids, as the table did. Beyond a thousand
    patients only the first have a section here; `pages_of` writes them all.

    Args:
        frame_report: of `labinterp.interpret_frame`, its frames as pandas.
        sent: the table that it answers, in the `labinterp` layout, for values and units as they were sent.
        title: heading of the page.
        scripts: whether the index brings the script that searches it.

    Raises:
        MissingExtraError: if jinja2 is not installed (extra `report`).
    """
    found = people.people_of(frame_report, sent)
    return _index(frame_report, found[:_INDEXED], found[:SECTIONS], len(found), title, scripts=scripts)


def pages_of(
    frame_report: AnswerFrames,
    *,
    sent: Any = None,
    title: str | None = None,
    index: str = "index.html",
    folder: str = "",
) -> dict[str, str]:
    """Return a table of many patients as pages: file name → page, the index first.

    Args:
        frame_report: of `labinterp.interpret_frame`, its frames as pandas.
        sent: as for `render_frame`.
        title: heading of the pages.
        index: file name of the index.
        folder: name of a folder beside the index that holds the other pages; they lie beside it if empty.

    Raises:
        MissingExtraError: if jinja2 is not installed (extra `report`).
    """
    found = [
        attrs.evolve(person, page=f"patients-{i // _ON_A_PAGE + 1:04}.html")
        for i, person in enumerate(people.people_of(frame_report, sent))
    ]
    way = f"{quote(folder)}/" if folder else ""
    listed = [attrs.evolve(person, page=f"{way}{person.page}") for person in found]
    made = {index: _index(frame_report, listed, [], len(found), title)}
    back = f"../{quote(index)}" if folder else quote(index)
    for start in range(0, len(found), _ON_A_PAGE):
        part = found[start : start + _ON_A_PAGE]
        about = title or line("title", "part", first=start + 1, last=start + len(part), count=len(found))
        context = {"people": [attrs.evolve(each, page="") for each in part], "back": back, "shapes": bars.SHAPES}
        made[f"{folder}/{part[0].page}" if folder else part[0].page] = draw("people.html", about, context)
    return made


def _index(
    frame_report: AnswerFrames,
    listed: list[people.Person],
    shown: list[people.Person],
    count: int,
    title: str | None,
    *,
    scripts: bool = True,
) -> str:
    context = summary.of(frame_report)
    script = pages.script() if scripts else ""
    context |= {
        "people": listed,
        "shown": shown,
        "count": count,
        "shapes": bars.SHAPES,
        "script": drawing(script),
        "policy": pages.policy(script),
    }
    return draw("frame.html", checked_text(title, "title") or line("title", "people"), context)


def _mapping(value: Any) -> Mapping[str, str] | None:
    return value if isinstance(value, Mapping) else None


def _steps(report: ReportData) -> list[Step]:
    """Return every distinct step of the pathways of all findings, each once, in the order of the pathways."""
    steps: dict[tuple[str, str, str], Step] = {}
    for finding in report.findings:
        for pathway in finding.pathways:
            for step in pathway.steps:
                steps.setdefault((step.source, step.target, step.statement), step)
    return list(steps.values())


def _by_support(finding: Finding) -> list[Pathway]:
    """Return the pathways of a finding, those of one support together."""
    groups: dict[str, list[Pathway]] = {}
    for pathway in finding.pathways:
        groups.setdefault(pathway.support, []).append(pathway)
    return [pathway for group in groups.values() for pathway in group]
