"""Findings with their traces in words: panel by panel, or equal findings together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from labinterp.cli.listing import show_results
from labinterp.cli.printing import STYLES, Printer, clean, listed
from labinterp.codes import SEVERITIES
from labinterp.words import labels, titles
from labinterp.words.citations import References
from labinterp.words.faces import line
from labinterp.words.numbers import counted
from labinterp.words.sentences import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from labinterp.cli.answers import Answered, PanelAnswer
    from labinterp.model import Evidence, Finding, Pathway, Step

_LABEL: Final = 16
_STEP: Final = 6
_MOST_PATIENTS: Final = 8


def show_traces(printer: Printer, answered: Sequence[Answered], limit: int) -> References:
    """Print the findings of every panel, or, if these are more than `limit`, equal findings together.

    Returns:
        The sources that were cited.
    """
    sources = References()
    if any(len(each.findings) for each in answered):
        printer.line()
        printer.paragraph(labels.word("legend", "pathways"), style="quiet")
    panels = [panel for each in answered for panel in itertools.islice(_with_findings(each), limit + 1)]
    if len(panels) <= limit:
        few = sum(each.panels for each in answered) <= limit
        shown = [panel for each in answered for panel in each.each_panel(with_findings=not few)]
        patients: dict[Any, list[PanelAnswer]] = {}
        for panel in shown:
            patients.setdefault((id(panel.source), panel.patient or panel.label), []).append(panel)
        for group in patients.values():
            _show_patient(printer, group, sources, named=len(answered) > 1)
        rest = sum(each.panels for each in answered) - len(shown)
        if rest:
            printer.line()
            printer.paragraph(line("screen", "without_finding", panels=counted(rest, "panel")))
    else:
        _show_groups(printer, answered, limit, sources)
    return sources


def show_sources(printer: Printer, sources: References) -> None:
    """Print the sources that were cited."""
    named = sources.listed()
    if named:
        printer.heading(line("page_of_finding", "sources"))
        for source in named:
            printer.paragraph(source.line, label=f"{source.number:>3}.", hang=5, style="quiet")


def _with_findings(each: Answered) -> Iterator[PanelAnswer]:
    return each.each_panel(with_findings=True)


def of_whom(patient: Any, most: int) -> str:
    """Return whose results are shown, a long id cut."""
    return line("screen", "nobody") if patient is None else line("screen", "patient", name=clean(patient, most))


def _show_patient(printer: Printer, panels: Sequence[PanelAnswer], sources: References, *, named: bool) -> None:
    file = f" ({panels[0].source.source.name})" if named else ""
    patient = panels[0].patient
    printer.line()
    printer.line(printer.rule() * printer.width, "quiet")
    seen: dict[Pathway, str] = {}
    who = of_whom(patient, 60)
    for i, panel in enumerate(panels):
        label = f", {clean(panel.label, 40)}" if panel.label else ""
        if i:
            printer.line()
        printer.line(f"{who}{label}{file}", "heading")
        show_results(printer, panel)
        for finding in panel.reasoned.findings:
            name = f"{finding.title}{label if len(panels) > 1 else ''}"
            _show_finding(printer, finding, sources, seen, name, adjusted=panel.adjusted_calcium())
        show_states(printer, panel.reasoned.states)


def _show_finding(
    printer: Printer,
    finding: Finding,
    sources: References,
    seen: dict[Pathway, str],
    name: str,
    *,
    number: int | None = None,
    where: str = "",
    adjusted: str = "",
) -> None:
    printer.line()
    title = Text(f"{'' if number is None else f'{number}. '}{finding.title}", STYLES["heading"])
    title.append(f"  {labels.word('status', finding.status)}, severity ")
    title.append(labels.word("severity", finding.severity), STYLES[finding.severity])
    printer.show(title)

    def part(label: str, text: str) -> None:
        if text:
            printer.paragraph(text, label=f"  {label}", hang=_LABEL)

    part("where", where)
    part("what", _without_tests(finding))
    part("rests on", "; ".join(told_evidence(item, adjusted) for item in finding.evidence))
    part("upstream", ", ".join(map(titles.node, finding.upstream)))
    part("next tests", "; ".join(map(titles.analyte, finding.suggested_tests)))
    for i, caveat in enumerate(finding.caveats):
        part("" if i else "caveats", f"- {caveat}")
    part("may come with", ", ".join(titles.symptom(key) for key in finding.accompanying_symptoms))
    for pathway in finding.pathways:
        before = seen.setdefault(pathway, name)
        _show_pathway(printer, pathway, sources, None if before == name else before)


def _without_tests(finding: Finding) -> str:
    """Return the explanation without the sentence on tests, which have a line of their own."""
    names = said("list")["comma"].join(map(titles.test, finding.suggested_tests))
    text = finding.explanation
    for key, phrase in said("finding").items():
        if key.startswith("tests"):
            text = " ".join(text.replace(phrase.format(tests=names), "").split())
    return text


def told_evidence(evidence: Evidence, adjusted: str) -> str:
    """Return an observation with its level, and the adjusted value where there is one."""
    text = f"{titles.analyte(evidence.analyte)}: {labels.word('level', evidence.level)}"
    if evidence.basis != "adjusted_by_albumin":
        return text
    return f"{text}, as {line('result', 'adjusted')}{f' to {adjusted}' if adjusted else ''}"


def _show_pathway(printer: Printer, pathway: Pathway, sources: References, before: str | None) -> None:
    again = "" if before is None else f"; {line('screen', 'same', name=before)}"
    printer.paragraph(
        pathway_head(pathway) + again,
        label=f"  {labels.word('support_sign', pathway.support)}",
        hang=_STEP,
        style=pathway.support,
    )
    if before is not None:
        return
    for i, step in enumerate(pathway.steps, 1):
        text = f"{told_step(step, last=i == len(pathway.steps))} {sources.mark(step.citations)}"
        printer.paragraph(text, label=f"{'':6}{i}.", hang=9)


def told_step(step: Step, *, last: bool) -> str:
    """Return a step with what the results say of where it leads; the last one leads to twitching itself."""
    seen = "" if last else labels.tables()["observation_short"].get(step.observation, "")
    return f"{step.statement.rstrip('.')} ({seen})" if seen else step.statement.rstrip(".")


def pathway_head(pathway: Pathway) -> str:
    """Return what the results say of a pathway, of what kind it is, and how well it is known."""
    broken = f" at {titles.node(pathway.broken_at)}" if pathway.broken_at else ""
    kind, strength = labels.word("kind", pathway.kind), labels.word("strength_short", pathway.strength)
    return f"{labels.word('support_short', pathway.support)}{broken}: {kind} pathway, {strength}"


def show_states(printer: Printer, states: Mapping[str, str], *, hang: int = _LABEL) -> None:
    """Print which states that lead to twitching are excluded, and which are open."""
    from labinterp.reasoning.wording import by_status

    groups = by_status(states)
    shown = [status for status in ("excluded", "undetermined") if groups.get(status)]
    if shown:
        printer.line()
    for status in shown:
        printer.paragraph(", ".join(groups[status]), label=f"  {labels.word('status', status)}", hang=hang)


def _show_groups(printer: Printer, answered: Sequence[Answered], limit: int, sources: References) -> None:
    groups: dict[Finding, list[tuple[Answered, int]]] = {}
    for each in answered:
        for code, reasoned in enumerate(each.answer.reasoned):
            for finding in reasoned.findings:
                groups.setdefault(finding, []).append((each, code))
    counts = {
        finding: sum(int(each.panels_of_answer[code]) for each, code in where) for finding, where in groups.items()
    }
    order = sorted(groups, key=lambda finding: (-SEVERITIES.index(finding.severity), -counts[finding]))
    printer.heading(line("screen_heading", "findings"))
    seen: dict[Pathway, str] = {}
    for number, finding in enumerate(order[:limit], 1):
        patients = _patients(groups[finding])
        size = f"{counted(counts[finding], 'panel')} of {counted(len(patients), 'patient')}"
        text = f"{size}: {listed(patients, _MOST_PATIENTS)}"
        _show_finding(printer, finding, sources, seen, f"finding {number}", number=number, where=text)
    if len(order) > limit:
        printer.line()
        printer.paragraph(line("screen", "more_kinds", kinds=counted(len(order) - limit, "further kind")))


def _patients(where: Sequence[tuple[Answered, int]]) -> list[Any]:
    patients: dict[Any, None] = {}
    for each, code in where:
        for panel in each.panels_by_answer[code].tolist():
            patient = each.patient(panel)
            row = int(each.answer.panels.first_row[panel])
            patients.setdefault(f"row {row + 1}" if patient is None else patient)
    return list(patients)
