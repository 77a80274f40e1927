"""Many panels on one screen: what, how soon, what to measure next, the severe ones by name, and what stays open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
from rich.text import Text

from labinterp.cli.answers import Answered, joined, worst
from labinterp.cli.printing import STYLES, Printer, clean, listed
from labinterp.cli.summary import (
    CLASSES,
    apart,
    by_analyte,
    by_severity,
    counted_problems,
    kinds_found,
    ranges_used,
    remedy,
    what_was_read,
)
from labinterp.codes import FINDING_STATUSES, SEVERITIES
from labinterp.reasoning import is_called
from labinterp.words import labels, problems, titles
from labinterp.words.faces import line
from labinterp.words.numbers import counted
from labinterp.words.sentences import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labinterp.cli.answers import PanelAnswer

_LABEL: Final = 14
_MOST_LINES: Final = 60
_MOST_TESTS: Final = 5
_ID: Final = 24
_TITLE: Final = 44


@attrs.frozen
class _Shown:
    """How many rows each part of the screen may have."""

    severe: int
    kinds: int
    analytes: int
    problems: int


_AMOUNTS: Final = (
    _Shown(20, 20, 16, 12),
    _Shown(12, 12, 16, 12),
    _Shown(10, 8, 10, 8),
    _Shown(6, 6, 8, 6),
    _Shown(4, 4, 6, 4),
    _Shown(2, 3, 3, 2),
)


def show_essentials(printer: Printer, answered: Sequence[Answered]) -> None:
    """Print in three lines what was found, how soon to look at whom, and what to measure next."""
    from labinterp import reasoning

    if apart(answered):
        printer.paragraph(apart(answered))
    found = worst(answered)
    parts = ", ".join(by_severity(found))
    findings = f"{counted(sum(found.values()), 'finding')} ({parts})" if parts else line("screen", "no_findings")
    called, whose = _called(answered)
    what = f"{what_was_read(answered)}: {findings}{called}."
    severe = list(_severe(answered))
    names = list(dict.fromkeys(_who(panel) for panel in severe))
    soon = reasoning.urgency(SEVERITIES[-1:] if called else found)
    if names:
        soon = f"{soon} {counted(len(severe), 'panel')}: {listed(names, _MOST_TESTS)}."
    if whose:
        soon = f"{soon} {line('screen', 'called', names=listed(whose, _MOST_TESTS))}"
    style = "high" if severe or called else "heading"
    lines = reasoning.Essentials(what, soon, _measure(answered)).labeled
    for (label, text), shown in zip(lines, (style, style, "heading"), strict=True):
        printer.paragraph(text, label=f"{label}:", hang=_LABEL, style=shown)


def show_panels(printer: Printer, answered: Sequence[Answered], provenance: dict[str, Any]) -> None:
    """Print the screen, with as many rows of each part as 60 lines hold."""
    text = ""
    for amount in _AMOUNTS:
        with printer.held() as held:
            _show(printer, answered, provenance, amount)
        text = "".join(held)
        if text.count("\n") <= _MOST_LINES:
            break
    printer.put(text)


def _show(printer: Printer, answered: Sequence[Answered], provenance: dict[str, Any], amount: _Shown) -> None:
    show_essentials(printer, answered)
    _show_severe(printer, answered, amount.severe)
    _show_kinds(printer, answered, amount.kinds)
    _show_analytes(printer, answered, amount.analytes)
    _show_problems(printer, answered, amount.problems)
    settings = provenance["settings"]
    printer.line()
    printer.paragraph(ranges_used(settings, 4), style="quiet")
    printer.paragraph(line("screen", "more_panels"), style="quiet")


def _measure(answered: Sequence[Answered]) -> str:
    """Return the tests that are missing in most panels, with the numbers of panels."""
    counts: dict[str, int] = {}
    for each in answered:
        for reasoned, count in zip(each.answer.reasoned, each.panels_of_answer.tolist(), strict=True):
            for test in reasoned.next_tests if count else ():
                counts[test] = counts.get(test, 0) + count
    order = sorted(counts, key=lambda test: -counts[test])
    tests = [f"{titles.analyte(test)} (in {counted(counts[test], 'panel')})" for test in order]
    return f"{listed(tests, _MOST_TESTS)}." if tests else said("measure")["none"]


def _called(answered: Sequence[Answered]) -> tuple[str, list[str]]:
    """Return how many results are critical to their laboratories and make no finding, and the patients among them."""
    results = joined(answered, "results")
    columns = (results[name].astype(object).tolist() for name in ("analyte", "notes", "level"))
    rows = [
        i
        for i, (analyte, notes, level) in enumerate(zip(*columns, strict=True))
        if isinstance(analyte, str) and isinstance(notes, str) and is_called(notes.split(";"), _text(level))
    ]
    if not rows:
        return "", []
    text = said("called")["many"].format(results=counted(len(rows), "result"))
    whose = results["patient_id"].iloc[rows].dropna().unique()
    return f"; {text}", [clean(str(patient), _ID) for patient in whose]


def _text(cell: Any) -> str | None:
    return cell if isinstance(cell, str) else None


def _severe(answered: Sequence[Answered]) -> Iterator[PanelAnswer]:
    for each in answered:
        for panel in each.each_panel(with_findings=True):
            if any(finding.severity == SEVERITIES[-1] for finding in panel.reasoned.findings):
                yield panel


def _who(panel: PanelAnswer) -> str:
    return panel.label if panel.patient is None else clean(panel.patient, _ID)


def _show_severe(printer: Printer, answered: Sequence[Answered], most: int) -> None:
    panels = list(_severe(answered))
    if not panels:
        return
    printer.line()
    rows = [
        (
            _who(panel),
            "" if panel.patient is None else clean(panel.label, 16),
            Text(
                ", ".join(
                    titles.short(finding.title) + (" (possible)" if finding.status == "possible" else "")
                    for finding in panel.reasoned.findings
                    if finding.severity == SEVERITIES[-1]
                ),
                STYLES["high"],
            ),
        )
        for panel in panels[:most]
    ]
    printer.table(("severe", "when", "findings"), rows)
    _more(printer, len(panels) - most, "severe panel")


def _show_kinds(printer: Printer, answered: Sequence[Answered], most: int) -> None:
    kinds = kinds_found(answered)
    if not kinds:
        return
    printer.line()
    rows = [(clean(titles.short(title), _TITLE), *rest) for title, *rest in kinds[:most]]
    printer.table(("findings", "severity", *FINDING_STATUSES), rows, right=(2, 3))
    _more(printer, len(kinds) - most, "further kind")


def _show_analytes(printer: Printer, answered: Sequence[Answered], most: int) -> None:
    results = joined(answered, "results")
    if not len(results):
        return
    table = by_analyte(results)
    head = ("results", "rows", *(labels.word("level", name) for name in CLASSES[:-1]), "problems")
    kept = sorted(sorted(table, key=lambda row: -row[1])[:most], key=table.index)
    rows = [(title, *(f"{count:,}" for count in rest)) for title, *rest in kept]
    if len(table) > 1:
        rows.append(("all", *(f"{sum(row[i] for row in table):,}" for i in range(1, 7))))
    printer.line()
    printer.table(head, rows, right=range(1, 7))
    _more(printer, len(table) - most, "further test")


def _show_problems(printer: Printer, answered: Sequence[Answered], most: int) -> None:
    """Print a line or two for each code; tests that are known to be others are counted apart."""
    counts, others = counted_problems(answered)
    if counts or others:
        printer.line()
    if counts:
        printer.paragraph(line("screen", "rows_not_judged", rows=counted(sum(counts.values()), "row")))
    for code, count in list(counts.items())[:most]:
        message, suggestion = remedy(answered, code)
        usual = suggestion == problems.suggestion(code)
        text = f"{message}." if usual else f"{message}. {suggestion}."
        printer.paragraph(text, label=f"{count:>6,}", hang=8)
    _more(printer, len(counts) - most, "further kind")
    if others:
        printer.paragraph(line("screen", "other_tests", rows=counted(others, "row")))


def _more(printer: Printer, count: int, what: str) -> None:
    if count > 0:
        printer.paragraph(f"and {counted(count, what)}", indent=0, style="quiet")
