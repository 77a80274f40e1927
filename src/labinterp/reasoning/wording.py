"""Sentences put together from the knowledge's phrases; they never hold a value."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from labinterp.codes import FINDING_STATUSES, SEVERITIES, SUPPORTS
from labinterp.reasoning import graph, knowledge
from labinterp.reasoning.tables import Rule, Table, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from labinterp.model import Finding, Pathway
    from labinterp.reasoning.slots import Panel


@functools.cache
def phrases() -> Mapping[str, str]:
    """Return the phrases."""
    return dict(knowledge.read("states")["phrases"])


@functools.cache
def test_titles() -> Mapping[str, str]:
    """Return analyte → its name in words."""
    return {item["id"]: item["title"] for item in knowledge.read("guidance")["test"]}


def sentence(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def listed(items: Iterable[str]) -> str:
    """Return items as `a, b and c`."""
    *head, last = items
    said = phrases()
    return said["list_comma"].join(head) + said["list_and"] + last if head else last


def because(row: Rule, panel: Panel) -> str:
    """Return the reason of a row for this panel."""
    title = "" if panel.calcium is None else panel.calcium.title
    return sentence(row.because.replace("{calcium}", title))


def of_unjudged(tests: Iterable[str]) -> tuple[str, ...]:
    """Return that some results were sent and could not be judged, in a sentence, or nothing where there are none."""
    titles = [test_titles()[test] for test in tests]
    if not titles:
        return ()
    return (sentence(phrases()["unjudged_one" if len(titles) == 1 else "unjudged_many"].format(tests=listed(titles))),)


def headline(findings: Iterable[Finding]) -> str | None:
    """Return what must be read first: the severe findings and what to do, or nothing where none is severe.

    Example:
        >>> headline(())
    """
    severe = dict.fromkeys(finding.title for finding in findings if finding.severity == SEVERITIES[-1])
    if not severe:
        return None
    said = knowledge.read("guidance")
    text: str = said["severe"]["text"].format(titles=listed(severe), urgency=said["urgency"][SEVERITIES[-1]])
    return text


def _within(title: str) -> str:
    """Return a title as it stands within a sentence."""
    return title[:1].lower() + title[1:]


def _named(findings: Iterable[Finding]) -> str:
    """Return findings by their short names, those of one severity and status together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.status), []).append(_within(finding.title.partition(":")[0]))
    said = knowledge.read("guidance")["found"]
    parts = [
        said[status].format(titles=listed(dict.fromkeys(titles)), severity=severity)
        for (severity, status), titles in groups.items()
    ]
    return sentence(f"{'; '.join(parts)}.")


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


def essentials(
    findings: Sequence[Finding], states: Mapping[str, str], next_tests: Sequence[str], unjudged: Sequence[str]
) -> tuple[str, str, str]:
    """Return what is found, how soon a clinician should look, and what to measure next: a sentence or two each.

    Args:
        findings: of one panel, the most serious first.
        states: state -> status.
        next_tests: as in `Report`.
        unjudged: as in `Report`.

    Example:
        >>> from labinterp.reasoning import LEVELS, SLOTS, reason
        >>> low = 1 + LEVELS.index("very_low")
        >>> found = reason(tuple(low if slot == "magnesium" else 0 for slot in SLOTS))
        >>> essentials(found.findings, found.states, found.next_tests, ())[0]
        'Hypomagnesemia (severity high).'
    """
    said = knowledge.read("guidance")
    open_states = by_status(states).get("undetermined")
    if findings:
        what = _named(findings)
        soon = urgency(item.severity for item in findings)
    elif open_states:
        what = said["nothing"]["open"].format(states=listed(open_states))
        soon = said["urgency"]["open"]
    else:
        what, soon = said["nothing"]["settled"], urgency(())
    measure = said["measure"]
    tests = [(measure["next"], next_tests), (measure["again"], unjudged)]
    told = [text.format(tests=sentence(listed(test_titles()[key] for key in keys))) for text, keys in tests if keys]
    return what, soon, " ".join(told) or measure["none"]


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
    said = phrases()
    parts = [said[status].format(title=sentence(table.title)), reason]
    if upstream:
        causes = [said[f"upstream_{statuses[state]}"].format(title=tables()[state].title) for state in upstream]
        one = len(causes) == 1
        text = listed(causes) if one else said["list_comma"].join(causes)
        parts.append(sentence(said["upstream_one" if one else "upstream_many"].format(causes=text)))
    if pathways and table.paths_from != (table.id,):
        parts.append(said["pathways_of"].format(titles=listed(tables()[state].title for state in table.paths_from)))
    parts.append(_of_pathways(pathways, statuses))
    if pathways and all(pathway.strength == "weak" for pathway in pathways):
        parts.append(said["weak"])
    if tests:
        names = said["list_comma"].join(test_titles()[test] for test in tests)
        parts.append(said["tests_one" if len(tests) == 1 else "tests_many"].format(tests=names))
    return " ".join(parts)


def _of_pathways(pathways: Sequence[Pathway], statuses: Mapping[str, str]) -> str:
    said = phrases()
    if not pathways:
        return said["pathways_none"]
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
        return said["pathways_one"].format(through=_through(pathways[0]), support=next(iter(counts)))
    if len(counts) == 1:
        return said["pathways_all"].format(count=len(pathways), support=next(iter(counts)))
    parts = [said["part_one" if n == 1 else "part_many"].format(n=n, support=text) for text, n in counts.items()]
    return said["pathways_many"].format(count=len(pathways), parts=listed(parts))


def _support(support: str, group: Sequence[Pathway], statuses: Mapping[str, str]) -> str:
    """Return what the data say of some pathways, and why."""
    reasons = dict.fromkeys(tables()[pathway.broken_at].excluded for pathway in group if pathway.broken_at is not None)
    states = dict.fromkeys(state for pathway in group for state in _states_on(pathway))
    titles = [tables()[state].title for state in states if statuses[state] != "present"]
    text = phrases()[f"support_{support}"]
    return text.format(reasons=listed(reasons) if reasons else "", titles=listed(titles) if titles else "")


def _states_on(pathway: Pathway) -> tuple[str, ...]:
    on_path = (pathway.steps[0].source, *(step.target for step in pathway.steps))
    return tuple(node for node in on_path if node in tables())


def _through(pathway: Pathway) -> str:
    _, *others = _states_on(pathway)
    titles = [tables()[state].title for state in others]
    return phrases()["pathways_through"].format(titles=listed(titles)) if titles else ""


def of_pathway(path: graph.Path, support: str, broken_at: str | None, statuses: Mapping[str, str]) -> str:
    """Return a pathway and what the data say of it in words."""
    said = phrases()
    parts = [edge.statement for edge in path]
    states = graph.states_on(path)
    if support == "supported":
        titles = (said["pathway_state_present"].format(title=tables()[state].title) for state in states)
        supported = "pathway_supported_first" if len(states) == 1 else "pathway_supported"
        parts.append(said[supported].format(titles=listed(titles)))
    elif broken_at is not None:
        table = tables()[broken_at]
        parts.append(said["pathway_interrupted"].format(title=table.title, excluded=table.excluded))
    else:
        open_titles = [tables()[state].title for state in states if statuses[state] != "present"]
        verb = said["pathway_is" if len(open_titles) == 1 else "pathway_are"]
        parts.append(said["pathway_possible"].format(titles=f"{listed(open_titles)} {verb}"))
    parts.append(said[f"pathway_strength_{graph.strength_of(path)}"])
    return " ".join(parts)
