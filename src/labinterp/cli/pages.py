"""`--report`: one page for one patient with all detail, an index of many with their sections on it or beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp.cli.answers import Answered, joined

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from labinterp.frames import FrameReport
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
    return _together(answered, options).to_html()


def made(answered: Sequence[Answered], options: Options, path: Path) -> dict[Path, str]:
    """Return the page of a run by its path, or an index and the pages of its patients.

    These lie in the folder that the path names; where it names a file and there are more patients than a page has
    sections for, the file is the index, and the others lie in a folder beside it, named after it.

    Raises:
        MissingExtraError: if jinja2 is not installed.
    """
    from labinterp.cli.summary import count_patients
    from labinterp.report import html

    if path.is_dir() or not path.suffix:
        return {path / name: text for name, text in _together(answered, options).to_pages().items()}
    if count_patients(answered) <= html.SECTIONS:
        return {path: page(answered, options)}
    found = _together(answered, options).to_pages(index=path.name, folder=f"{path.stem}_pages")
    return {path.parent / name: text for name, text in found.items()}


def _together(answered: Sequence[Answered], options: Options) -> FrameReport:
    import pandas as pd

    from labinterp.frames import FrameReport
    from labinterp.frames.api import Asked
    from labinterp.frames.native import same

    results, findings, pathways = (joined(answered, name) for name in ("results", "findings", "pathways"))
    tables = [each.source.table for each in answered]
    table = tables[0] if len(tables) == 1 else pd.concat([_sent(each) for each in tables], ignore_index=True)
    return FrameReport(results, findings, pathways, asked=Asked(table, table, options, same))


def _sent(table: pd.DataFrame) -> pd.DataFrame:
    return table[[name for name in ("value", "unit", "test") if name in table]].astype(object)
