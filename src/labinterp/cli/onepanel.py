"""One panel on one screen: three lines first, then the results with bars, then the findings, shared steps told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
from rich.padding import Padding
from rich.text import Text

from labinterp.as_sent import as_sent
from labinterp.cli.bars import bar
from labinterp.cli.listing import level_style
from labinterp.cli.printing import STYLES, Printer, clean
from labinterp.cli.summary import NOTES_TOLD
from labinterp.cli.traces import pathway_head, show_sources, show_states, told_evidence, told_step
from labinterp.codes import STRENGTHS, SUPPORTS
from labinterp.words import labels, numbers, problems, titles
from labinterp.words.citations import References
from labinterp.words.faces import line
from labinterp.words.numbers import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.answer import Report
    from labinterp.model import Evidence, Finding, Interpretation, Pathway, Step

_LABEL: Final = 14
_STEP: Final = 7
_MOST_LINES: Final = 120
_SHORT: Final = 40


@attrs.frozen
class _Amount:
    """How much is told of each finding; None for all.

    Args:
        pathways: how many pathways are told step by step.
        caveats: how many caveats are printed.
    """

    pathways: int | None = None
    caveats: int | None = None


_ALL: Final = _Amount()
_AMOUNTS: Final = (_Amount(8, 4), _Amount(4, 2), _Amount(2, 2), _Amount(2, 1), _Amount(1, 1), _Amount(1, 0))


def show_essentials(printer: Printer, report: Report) -> None:
    """Print what is found, how soon a clinician should look, and what to measure next."""
    from labinterp import reasoning
    from labinterp.codes import SEVERITIES

    severe = any(finding.severity == SEVERITIES[-1] for finding in report.findings)
    *urgent, (label, measure) = reasoning.essentials(report).labeled
    for name, text in urgent:
        printer.paragraph(text, label=f"{name}:", hang=_LABEL, style="high" if severe else "heading")
    printer.paragraph(measure, label=f"{label}:", hang=_LABEL, style="heading")


def show_report(printer: Printer, report: Report, *, traces: bool = False, whose: str = "") -> None:
    """Print the report of one panel, with as many pathways and caveats as a long screen holds.

    Args:
        printer: prints.
        report: of one panel.
        traces: print every pathway, caveat and source, however long that gets.
        whose: stands above the results.
    """
    text = ""
    for amount in (_ALL,) if traces else _AMOUNTS:
        with printer.held() as held:
            _show(printer, report, amount, whose)
        text = "".join(held)
        if text.count("\n") <= _MOST_LINES:
            break
    printer.put(text)


def _show(printer: Printer, report: Report, amount: _Amount, whose: str) -> None:
    show_essentials(printer, report)
    if whose:
        printer.line()
        printer.line(clean(whose, printer.width), "quiet")
    show_results(printer, report)
    told = _show_findings(printer, report, amount)
    show_states(printer, report.states, hang=_LABEL)
    _show_problems(printer, report)
    _show_notes(printer, report)
    (show_sources if amount.pathways is None else _show_short)(printer, told.sources)
    printer.line()
    if told.left_out:
        printer.paragraph(line("screen", "more_traces"), style="quiet")
    printer.paragraph(_disclaimer(report), style="quiet")


def _disclaimer(report: Report) -> str:
    """Return that a finding is no diagnosis."""
    from labinterp import reasoning

    return (report.guidance or reasoning.guidance()).disclaimer


def _show_short(printer: Printer, sources: References) -> None:
    """Print the sources by who wrote them."""
    named = [f"{source.number}. {_short(source.text)}" for source in sources.listed()]
    if named:
        printer.heading(line("page_of_finding", "sources"))
        printer.paragraph("; ".join(named), indent=0, style="quiet")


def _short(text: str) -> str:
    """Return who wrote a source, or its title, in a few words."""
    return clean(text.partition(". ")[0].partition(",")[0], _SHORT)


def show_results(printer: Printer, report: Report) -> None:
    """Print the results: as sent, and in the canonical unit second."""
    graded = any(item.grade is not None for item in report.interpretations)
    rows = [_result(item, graded=graded) for item in report.interpretations]
    printer.line()
    head = ("test", "result", "level", "", "range", *(("grade",) if graded else ()))
    printer.table(head, rows, fixed=(3,))


def _result(item: Interpretation, *, graded: bool) -> tuple[object, ...]:
    title = titles.analyte(item.analyte) if item.analyte is not None else clean(item.result.test, 40)
    grade = () if not graded else ("" if item.grade is None else str(item.grade),)
    value = Text(sent_text(item))
    held = as_sent(item)
    if held is not None and item.unit != held.unit:
        canonical = numbers.shown(item.value, (item.low, item.high))
        value.append(f"\n= {item.comparator or ''}{canonical} {item.unit}", STYLES["quiet"])
    if item.problem is not None:
        return title, value, Text("not judged", "yellow"), "", "", *grade
    flag = f" ({item.flag})" if item.flag in ("LL", "HH") else ""
    level = Text(f"{labels.word('level', item.level)}{flag}", level_style(item.level))
    return title, value, level, bar(item.value, item.low, item.high, item.comparator), _range(item), *grade


def sent_text(item: Interpretation) -> str:
    """Return a value with its unit as they were sent."""
    value = clean(numbers.sent(item.result.value), 24)
    return f"{value} {clean(item.result.unit, 16)}" if item.result.unit is not None else value


def _range(item: Interpretation) -> Text:
    held = as_sent(item)
    span = "" if held is None else numbers.span(held.low, held.high, held.value)
    editions = dict.fromkeys(each.partition("#")[0] for each in clean(item.range_id or "").split("|"))
    text = Text(span or "-")
    for edition in editions:
        text.append(f"\n{clean(edition, _SHORT)}", STYLES["quiet"])
    return text


@attrs.define
class _Told:
    """What was told already: steps by number, caveats, pathways by the finding that they were told under."""

    sources: References = attrs.field(factory=References)
    steps: dict[tuple[str, str, str], int] = attrs.field(factory=dict)
    caveats: set[str] = attrs.field(factory=set)
    pathways: dict[tuple[Step, ...], str] = attrs.field(factory=dict)
    left_out: bool = False


def _show_findings(printer: Printer, report: Report, amount: _Amount) -> _Told:
    told = _Told()
    if report.findings:
        printer.line()
        printer.paragraph(labels.word("legend", "steps"), style="quiet")
    for finding in report.findings:
        _show_finding(printer, report, finding, told, amount)
    return told


def _show_finding(printer: Printer, report: Report, finding: Finding, told: _Told, amount: _Amount) -> None:
    printer.line()
    title = Text(finding.title, STYLES["heading"])
    title.append(f"  {labels.word('status', finding.status)}, severity ")
    title.append(labels.word("severity", finding.severity), STYLES[finding.severity])
    printer.show(Padding(title, 0))

    def part(label: str, text: str) -> None:
        if text:
            printer.paragraph(text, label=f"  {label}", hang=_LABEL)

    part("rests on", "; ".join(told_evidence(item, _adjusted(report, item)) for item in finding.evidence))
    part("upstream", ", ".join(map(titles.node, finding.upstream)))
    part("next tests", "; ".join(map(titles.analyte, finding.suggested_tests)))
    part("matches", ", ".join(titles.symptom(key) for key in finding.matched_symptoms))
    new = [caveat for caveat in finding.caveats if caveat not in told.caveats]
    for caveat in new[: amount.caveats]:
        told.caveats.add(caveat)
        printer.paragraph(caveat, label="  -", hang=4)
    told.left_out |= len(new[: amount.caveats]) < len(new)
    _show_pathways(printer, finding, told, amount)


def _adjusted(report: Report, evidence: Evidence) -> str:
    """Return the adjusted value that an evidence rests on, in the unit that was sent."""
    if evidence.result_index is None:
        return ""
    item = report.interpretations[evidence.result_index]
    held = as_sent(item)
    if held is None or evidence.value is None:
        return ""
    number = numbers.shown(held.of(evidence.value), (held.low, held.high))
    return f"{item.comparator or ''}{number} {held.unit}"


def _show_pathways(printer: Printer, finding: Finding, told: _Told, amount: _Amount) -> None:
    """Print the steps that are new, and each pathway by the numbers of its steps; those of another finding by name."""
    others: dict[str, int] = {}
    own: list[Pathway] = []
    for pathway in finding.pathways:
        before = told.pathways.setdefault(pathway.steps, finding.title)
        if before == finding.title:
            own.append(pathway)
        else:
            others[before] = others.get(before, 0) + 1
    chosen = sorted(own, key=lambda item: (SUPPORTS.index(item.support), STRENGTHS.index(item.strength)))
    lines = [(pathway, _steps(printer, pathway, told)) for pathway in chosen[: amount.pathways]]
    for pathway, told_as in lines:
        text = f"{pathway_head(pathway)}, step{'s' if len(told_as) > 1 else ''} {', '.join(told_as)}"
        printer.paragraph(
            text, label=f"  {labels.word('support_sign', pathway.support)}", hang=_STEP - 1, style=pathway.support
        )
    rest: dict[str, int] = {}
    for pathway in chosen[len(lines) :]:
        told.left_out = True
        rest[pathway.support] = rest.get(pathway.support, 0) + 1
    for support, count in rest.items():
        printer.paragraph(
            f"{counted(count, 'more pathway')} {labels.word('support_short', support)}",
            label=f"  {labels.word('support_sign', support)}",
            hang=_STEP - 1,
            style="quiet",
        )
    for title, count in others.items():
        text = f"{counted(count, 'pathway')} as under {titles.short(title)}"
        printer.paragraph(text, label="  [=]", hang=_STEP - 1, style="quiet")


def _steps(printer: Printer, pathway: Pathway, told: _Told) -> list[str]:
    """Print the steps of a pathway that were not told yet, and return the numbers of all."""
    told_as = []
    for i, step in enumerate(pathway.steps, 1):
        key = (step.source, step.target, step.observation if i < len(pathway.steps) else "")
        if key not in told.steps:
            told.steps[key] = len(told.steps) + 1
            text = f"{told_step(step, last=i == len(pathway.steps))} {told.sources.mark(step.citations)}"
            printer.paragraph(text, label=f"{told.steps[key]:>5}.", hang=_STEP)
        told_as.append(str(told.steps[key]))
    return told_as


def _show_problems(printer: Printer, report: Report) -> None:
    if not report.problems:
        return
    printer.heading(line("screen", "not_judged"))
    for (_, message, suggestion), where in _grouped(report).items():
        names = ", ".join(clean(report.interpretations[i].result.test, 30) or f"row {i + 1}" for i in where)
        printer.paragraph(f"{message}. {suggestion}.", label=f"  {names}:", hang=4)


def _grouped(report: Report) -> dict[tuple[str, str, str], Sequence[int]]:
    groups: dict[tuple[str, str, str], list[int]] = {}
    for problem in report.problems:
        suggestion = problems.as_typed(problem.suggestion)
        key = (problem.code, clean(problem.message, 400).rstrip("."), clean(suggestion, 400).rstrip("."))
        groups.setdefault(key, []).append(problem.result_index)
    return {key: tuple(where) for key, where in groups.items()}


def _show_notes(printer: Printer, report: Report) -> None:
    notes: dict[str, list[str]] = {}
    for item in report.interpretations:
        if side := labels.on_limit(item.flag, item.level, item.notes):
            notes.setdefault(f"{side}.", []).append(clean(item.result.test, 30))
        for note in item.notes:
            if note in NOTES_TOLD:
                notes.setdefault(labels.word("note", note), []).append(clean(item.result.test, 30))
    said = _not_yet_said(report)
    if notes or said:
        printer.heading(line("page_of_many", "notes"))
    for text, names in notes.items():
        printer.paragraph(text, label=f"  {', '.join(dict.fromkeys(names))}:", hang=4)
    for note in said:
        printer.paragraph(note, label="  -", hang=4)


def _not_yet_said(report: Report) -> list[str]:
    """Return the notes of the whole report without those that the first lines and the problems say."""
    from labinterp import reasoning

    items = [item for item in report.interpretations if item.analyte and item.problem]
    said = reasoning.unjudged_notes((str(item.analyte), item.problem, item.notes) for item in items)
    first = reasoning.next_notes(report.next_tests, ())
    return [note for note in report.notes if note not in said and not note.startswith(first)]
