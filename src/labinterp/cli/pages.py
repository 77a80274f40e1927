"""`--report`: one page for one panel with all its detail, or a summary of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp.cli.answers import Answered, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.options import Options


def page(answered: Sequence[Answered], options: Options) -> str:
    """Return the HTML page of a run.

    Raises:
        MissingExtraError: if jinja2 is not installed.
    """
    from labinterp.frames.single import report_of
    from labinterp.report import html

    if len(answered) == 1:
        report = report_of(answered[0].source.table, answered[0].panels, options)
        if report is not None:
            return html.render(report)
    from labinterp.frames import FrameReport

    results, findings, pathways = (joined(answered, name) for name in ("results", "findings", "pathways"))
    return html.render_frame(FrameReport(results, findings, pathways))
