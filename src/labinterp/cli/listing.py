"""The results of one panel as a table, each with its level and the range that was used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from labinterp.cli import outputs
from labinterp.cli.printing import Printer, clean
from labinterp.words import labels, numbers, titles

if TYPE_CHECKING:
    from labinterp.cli.answers import PanelAnswer

_NARROW: Final = 16
_WIDE: Final = 100


def show_results(printer: Printer, panel: PanelAnswer) -> None:
    """Print the results of a panel; a look-back shows the earlier ones that it saw as well."""
    results = panel.source.results.iloc[list(panel.rows)]
    graded = bool(results["grade"].notna().any())
    lines = zip(panel.rows, outputs.records(results), strict=True)
    rows = [_result(printer, panel, row, line, graded) for row, line in lines]
    printer.line()
    printer.table(
        ("test", "result", "level", "normal range", *(("grade",) if graded else ()), "range from"), rows, indent=2
    )


def _result(printer: Printer, panel: PanelAnswer, row: int, line: dict[str, Any], graded: bool) -> tuple[object, ...]:
    title = titles.analyte(line["analyte"]) if isinstance(line["analyte"], str) else f"not known (row {row + 1})"
    grade = (_grade(line["grade"]),) if graded else ()
    if line["value"] is None:
        return title, Text(str(line["problem"]), "yellow"), "-", "", *grade, ""
    comparator, number, unit = panel.source.sent(row)
    shown = f"{comparator}{number:.6g} {unit or ''}"
    if isinstance(line["problem"], str):
        return title, shown, Text(line["problem"], "yellow"), "", *grade, ""
    flag = f" ({line['flag']})" if line["flag"] in ("LL", "HH") else ""
    level = Text(f"{labels.word('level', line['level'])}{flag}", level_style(line["level"]))
    low, high = (_in_unit(end, line["analyte"], unit) for end in (line["low"], line["high"]))
    editions = dict.fromkeys(each.partition("#")[0] for each in clean(line["range_id"]).split("|"))
    source = "\n".join(_narrowed(edition, printer) for edition in editions)
    return title, shown, level, numbers.span(low, high, number), *grade, Text(source)


def _narrowed(edition: str, printer: Printer) -> str:
    return edition.replace("/", "/\n", 1) if len(edition) > _NARROW and printer.width < _WIDE else edition


def _grade(grade: Any) -> str:
    return "" if grade is None else str(int(grade))


def level_style(level: object) -> str:
    """Return the style of a level; color only repeats what its word says."""
    return {"normal": "", "indeterminate": "dim"}.get(
        str(level), "bold red" if str(level).startswith("very") else "yellow"
    )


def _in_unit(end: float | None, analyte: str, unit: str | None) -> float | None:
    """Return a limit in the unit of the result."""
    from labinterp.as_sent import in_unit

    return None if end is None or unit is None else in_unit(analyte, float(end), unit)
