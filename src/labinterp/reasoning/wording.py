"""Sentences put together from what the results came to; they never hold a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from labinterp.codes import FINDING_STATUSES, SEVERITIES, SUPPORTS
from labinterp.reasoning import graph, knowledge
from labinterp.reasoning.tables import Rule, Table, tables
from labinterp.words import titles
from labinterp.words.sentences import capital, listed, said

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from labinterp.model import Finding, Pathway, ReportData
    from labinterp.reasoning.slots import Panel


def because(row: Rule, panel: Panel, *, critical: bool = False) -> str:
    """Return the reason of a row for this panel, and whether the laboratory's own flag makes it severe."""
    title = "" if panel.calcium is None else panel.calcium.title
    reason = capital(row.because.replace("{calcium}", title))
    return f"{reason} {said('finding')['critical']}" if critical else reason


def of_unjudged(tests: Iterable[str]) -> tuple[str, ...]:
    """Return that some results were sent and could not be judged, in a sentence, or nothing where there are none."""
    named = [titles.test(test) for test in tests]
    if not named:
        return ()
    text = said("finding")["unjudged_one" if len(named) == 1 else "unjudged_many"]
    return (capital(text.format(tests=listed(named))),)


def headline(findings: Iterable[Finding]) -> str | None:
    """Return what must be read first: the severe findings and what to do, or nothing where none is severe.

    Example:
        >>> headline(())
    """
    severe = dict.fromkeys(finding.title for finding in findings if finding.severity == SEVERITIES[-1])
    if not severe:
        return None
    return f"{said('severe')['found'].format(titles=listed(severe))} {urgency(SEVERITIES[-1:])}"


def urgency(severities: Iterable[str]) -> str:
    """Return how soon a clinician should look at findings of some severities.

    Example:
        >>> urgency(["low", "moderate"])
        'A clinician should look at this within days, and sooner where symptoms get worse.'
    """
    worst = max(severities, key=SEVERITIES.index, default="none")
    text: str = knowledge.read("guidance")["urgency"][worst]
    return text


def by_status(states: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """Return status → the states that lead to twitching, by name: of one test's states the first, none of those found.

    Args:
        states: state → status.
    """
    held = {graph.nodes()[state].tests for state, status in states.items() if status in FINDING_STATUSES}
    groups: dict[str, dict[tuple[str, ...], str]] = {}
    for key, table in tables().items():
        tests = graph.nodes()[key].tests
        if key in table.paths_from and tests not in held:
            groups.setdefault(states[key], {}).setdefault(tests, table.title)
    return {status: tuple(named.values()) for status, named in groups.items()}


@attrs.frozen
class Essentials:
    """The three lines at the top of a report, in a sentence or two each.

    Args:
        what: what is found.
        soon: how soon a clinician should look.
        measure: what to measure next, and what was sent and could not be judged.
    """

    what: str
    soon: str
    measure: str

    @property
    def labeled(self) -> tuple[tuple[str, str], ...]:
        """Return each line behind its label, but for those that say nothing."""
        lines = attrs.asdict(self)
        return tuple((text, lines[key]) for key, text in said("label").items() if lines[key])


def essentials(report: ReportData) -> Essentials:
    """Return what is found, how soon a clinician should look, and what to measure next.

    Args:
        report: of one panel.

    Example:
        >>> import labinterp as li
        >>> found = essentials(li.interpret([li.LabResult("Mg", 0.6, "mg/dL")], li.Patient(age=54)))
        >>> found.what
        'Hypomagnesemia (severity high).'
        >>> [label for label, _ in found.labeled]
        ['What', 'How soon', 'Measure next']
    """
    if report.findings:
        what, soon = _named(report.findings), urgency(finding.severity for finding in report.findings)
    else:
        what, soon = _nothing(report)
    called = dict.fromkeys(
        titles.test(item.analyte)
        for item in report.interpretations
        if is_called(item.notes, item.level) and item.analyte
    )
    if called:
        what, soon = f"{what} {said('called')['one'].format(tests=listed(called))}", urgency(SEVERITIES[-1:])
    return Essentials(what, soon, _measure(report))


def is_called(notes: Container[str], level: str | None) -> bool:
    """Say whether a result is critical to its laboratory and makes no finding here.

    Example:
        >>> is_called(("flag_critical",), "indeterminate"), is_called(("flag_critical",), "low"), is_called((), None)
        (True, False, False)
    """
    return "flag_critical" in notes and level in (None, "indeterminate", "normal")


def _named(findings: Iterable[Finding]) -> str:
    """Return findings by their short names, those of one severity and status together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        name = titles.short(finding.title)
        groups.setdefault((finding.severity, finding.status), []).append(name[:1].lower() + name[1:])
    parts = [
        said("found")[status].format(titles=listed(dict.fromkeys(names)), severity=severity)
        for (severity, status), names in groups.items()
    ]
    return capital(f"{'; '.join(parts)}.")


def _nothing(report: ReportData) -> tuple[str, str]:
    """Return what no finding means, and how soon to look nevertheless."""
    soon = knowledge.read("guidance")["urgency"]
    if not any(item.flag is not None for item in report.interpretations):
        return said("nothing")["unjudged"], soon["open"]
    states = by_status(report.states).get("undetermined")
    if states:
        return said("nothing")["open"].format(states=listed(states)), soon["open"]
    return said("nothing")["settled"], soon["none"]


def _measure(report: ReportData) -> str:
    """Return what to measure next, and what was sent in vain; tests that are known to be others are passed over."""
    unread = [item for item in report.interpretations if item.flag is None and "not_covered" not in item.notes]
    again = [titles.test(item.analyte) if item.analyte else said("measure")["unknown"] for item in unread]
    again += [titles.test(key) for key in report.unjudged]
    groups = {"next": [titles.test(key) for key in report.next_tests], "again": list(dict.fromkeys(again))}
    parts = [said("measure")[key].format(tests=listed(names)) for key, names in groups.items() if names]
    return " ".join(map(capital, parts)) or said("measure")["none"]


def of_finding(
    table: Table,
    status: str,
    reason: str,
    *,
    pathways: Sequence[Pathway],
    upstream: Sequence[str],
    statuses: Mapping[str, str],
    tests: Sequence[str],
) -> str:
    """Return a finding, its evidence and its causes in words."""
    phrases = said("finding")
    parts = [phrases[status].format(title=capital(table.title)), reason]
    if upstream:
        causes = [phrases[f"upstream_{statuses[state]}"].format(title=tables()[state].title) for state in upstream]
        one = len(causes) == 1
        text = listed(causes) if one else said("list")["comma"].join(causes)
        parts.append(capital(phrases["upstream_one" if one else "upstream_many"].format(causes=text)))
    if pathways and table.paths_from != (table.id,):
        parts.append(phrases["pathways_of"].format(titles=listed(tables()[state].title for state in table.paths_from)))
    parts.append(_of_pathways(pathways, statuses))
    if pathways and all(pathway.strength == "weak" for pathway in pathways):
        parts.append(phrases["weak"])
    if tests:
        names = said("list")["comma"].join(map(titles.test, tests))
        parts.append(phrases["tests_one" if len(tests) == 1 else "tests_many"].format(tests=names))
    return " ".join(parts)


def _of_pathways(pathways: Sequence[Pathway], statuses: Mapping[str, str]) -> str:
    phrases = said("finding")
    if not pathways:
        return phrases["pathways_none"]
    groups = {
        (support, first): [p for p in pathways if p.support == support and (len(_states_on(p)) == 1) == first]
        for support in SUPPORTS
        for first in (True, False)
    }
    counts: dict[str, int] = {}
    for (support, first), group in groups.items():
        if group:
            text = _support(f"{support}_first" if first and support == "supported" else support, group, statuses)
            counts[text] = counts.get(text, 0) + len(group)
    if len(pathways) == 1:
        return phrases["pathways_one"].format(through=_through(pathways[0]), support=next(iter(counts)))
    if len(counts) == 1:
        return phrases["pathways_all"].format(count=len(pathways), support=next(iter(counts)))
    parts = [phrases["part_one" if n == 1 else "part_many"].format(n=n, support=text) for text, n in counts.items()]
    return phrases["pathways_many"].format(count=len(pathways), parts=listed(parts))


def _support(support: str, group: Sequence[Pathway], statuses: Mapping[str, str]) -> str:
    """Return what the data say of some pathways, and why."""
    reasons = dict.fromkeys(tables()[pathway.broken_at].excluded for pathway in group if pathway.broken_at is not None)
    states = dict.fromkeys(state for pathway in group for state in _states_on(pathway))
    named = [tables()[state].title for state in states if statuses[state] != "present"]
    text = said("finding")[f"support_{support}"]
    return text.format(reasons=listed(reasons) if reasons else "", titles=listed(named) if named else "")


def _states_on(pathway: Pathway) -> tuple[str, ...]:
    on_path = (pathway.steps[0].source, *(step.target for step in pathway.steps))
    return tuple(node for node in on_path if node in tables())


def _through(pathway: Pathway) -> str:
    _, *others = _states_on(pathway)
    named = [tables()[state].title for state in others]
    return said("finding")["pathways_through"].format(titles=listed(named)) if named else ""


def of_pathway(path: graph.Path, support: str, broken_at: str | None, statuses: Mapping[str, str]) -> str:
    """Return a pathway and what the data say of it in words."""
    phrases = said("finding")
    parts = [edge.statement for edge in path]
    states = graph.states_on(path)
    if support == "supported":
        present = (phrases["pathway_state_present"].format(title=tables()[state].title) for state in states)
        supported = "pathway_supported_first" if len(states) == 1 else "pathway_supported"
        parts.append(phrases[supported].format(titles=listed(present)))
    elif broken_at is not None:
        table = tables()[broken_at]
        parts.append(phrases["pathway_interrupted"].format(title=table.title, excluded=table.excluded))
    else:
        open_titles = [tables()[state].title for state in states if statuses[state] != "present"]
        verb = phrases["pathway_is" if len(open_titles) == 1 else "pathway_are"]
        parts.append(phrases["pathway_possible"].format(titles=f"{listed(open_titles)} {verb}"))
    parts.append(phrases[f"pathway_strength_{graph.strength_of(path)}"])
    return " ".join(parts)
