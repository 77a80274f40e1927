"""From the levels of a panel to states, findings and pathways: pure, and remembered by pattern."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import attrs

from labinterp.codes import FINDING_STATUSES, SEVERITIES
from labinterp.frozen import FrozenMap
from labinterp.model import Evidence, Finding, Pathway, Step
from labinterp.reasoning import graph, questions, wording
from labinterp.reasoning.slots import Panel, at_worst, panel_of, resolved
from labinterp.reasoning.tables import Rule, Table, agrees, caveats, decide, remarks, rests_on, tables, weakening

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OBSERVATION = {"present": "confirmed", "excluded": "contradicted"}


@attrs.frozen
class Reasoned:
    """What the levels of a panel come to.

    Args:
        states: state → `present`, `possible`, `excluded` or `undetermined`; every state, in a fixed order.
        findings: the most serious first; their evidence points at no result yet.
        calcium_slot: which result decided about calcium, if any.
        next_tests: analytes that were not sent and would settle an open question about twitching, most useful first.
        next_why: why to measure them, a sentence for each question.
        unjudged: analytes that were sent and could not be judged.
        notes: what holds for the whole report and stands in no finding.
    """

    states: Mapping[str, str]
    findings: tuple[Finding, ...]
    calcium_slot: str | None
    next_tests: tuple[str, ...]
    next_why: tuple[str, ...]
    unjudged: tuple[str, ...]
    notes: tuple[str, ...]


@attrs.frozen
class _Answer:
    """The row that answers for a state, and the status after weakening."""

    row: Rule
    status: str
    weakened: bool


@functools.lru_cache(maxsize=16384)
def reason(pattern: tuple[int, ...]) -> Reasoned:
    """Return the states and findings of a panel.

    Args:
        pattern: one code per slot of `SLOTS`: 0 for missing, else 1 + the index of its level in `LEVELS`, plus 16 where
            the result is implausible and 32 where its laboratory calls it critical, or `UNJUDGED_CODE`; behind them,
            where known, one code per context of `CONTEXTS`.

    Raises:
        InputError: if it is no pattern.

    Example:
        >>> from labinterp.reasoning import LEVELS, SLOTS, reason
        >>> pattern = tuple(1 + LEVELS.index("low") if slot == "magnesium" else 0 for slot in SLOTS)
        >>> reasoned = reason(pattern)
        >>> [finding.code for finding in reasoned.findings], reasoned.states["hypocalcemia"]
        (['hypomagnesemia'], 'undetermined')
    """
    panel, worst = panel_of(pattern), panel_of(at_worst(pattern))
    answers = {state: answer(state, panel) for state in tables()}
    statuses = FrozenMap({state: each.status for state, each in answers.items()})
    held = [table for table in tables().values() if table.code is not None and statuses[table.id] in FINDING_STATUSES]
    pathways = {table.id: _pathways(table, statuses) for table in held}
    usefulness = _usefulness(pathways.values(), statuses)
    findings = [
        _finding(
            table,
            answers[table.id],
            panel,
            statuses,
            worst=decide(table.id, worst),
            pathways=pathways[table.id],
            usefulness=usefulness,
        )
        for table in held
    ]
    findings.sort(key=rank)
    tests, why = questions.next_tests(panel, statuses, findings)
    notes = _notes(panel, statuses, findings)
    return Reasoned(
        states=statuses,
        findings=tuple(findings),
        calcium_slot=panel.calcium_slot,
        next_tests=tests,
        next_why=why,
        unjudged=panel.unjudged,
        notes=notes,
    )


def _notes(panel: Panel, statuses: Mapping[str, str], findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return what remarks say of the whole report, apart from what a finding says already."""
    said = {caveat for finding in findings for caveat in finding.caveats}
    held = (remark for remark in remarks() if remark.report and remark.holds(panel, statuses))
    texts = dict.fromkeys(caveats()[key].text for remark in held for key in remark.caveats)
    return tuple(text for text in texts if text not in said)


def rank(finding: Finding) -> tuple[int, int]:
    """Return what findings are ordered by: the severe first, then those present; of equals as knowledge has them."""
    return -SEVERITIES.index(finding.severity), FINDING_STATUSES.index(finding.status)


def answer(state: str, panel: Panel) -> _Answer:
    """Return the row that answers for a state, and its status."""
    row = decide(state, panel)
    weak = not panel.soft.isdisjoint(rests_on(state, row, panel)) and not agrees(state, row, panel)
    return _Answer(row, weakening()[row.status] if weak else row.status, weak)


def _finding(
    table: Table,
    answered: _Answer,
    panel: Panel,
    statuses: Mapping[str, str],
    *,
    worst: Rule,
    pathways: tuple[Pathway, ...],
    usefulness: Mapping[str, int],
) -> Finding:
    row = answered.row
    noted = [remark for remark in remarks() if table.id in remark.states and remark.holds(panel, statuses)]
    texts = (weakening()["caveat"],) if answered.weakened else ()
    keys = dict.fromkeys((*texts, *(key for remark in noted for key in remark.caveats), *row.caveats))
    wanted = dict.fromkeys((*row.suggest, *(test for remark in noted for test in remark.suggest)))
    tests = [test for test in wanted if panel.needs(test)]
    if answered.status == "present":
        tests.sort(key=lambda test: -usefulness.get(test, 0))
    told = wording.of_unjudged(test for test in wanted if test in panel.unjudged)
    upstream = _upstream(table.id, statuses)
    graver = SEVERITIES.index(worst.severity) > SEVERITIES.index(row.severity)
    severe = row.severe or (graver and worst.severe)
    return Finding(
        code=str(table.code),
        title=table.finding_title,
        status=answered.status,
        severity=worst.severity if graver else row.severity,
        evidence=_evidence(rests_on(table.id, row, panel), panel),
        pathways=pathways,
        upstream=upstream,
        suggested_tests=tuple(tests),
        caveats=(*(caveats()[key].text for key in keys), *told),
        accompanying_symptoms=table.symptoms + (table.severe_symptoms if severe else ()),
        matched_symptoms=(),
        codings=table.codings if row.coded else (),
        state=table.id,
        explanation=wording.of_finding(
            table,
            answered.status,
            wording.because(row, panel, critical=graver),
            pathways=pathways,
            upstream=upstream,
            statuses=statuses,
            tests=tests,
        ),
    )


def _evidence(inputs: Iterable[str], panel: Panel) -> tuple[Evidence, ...]:
    found = []
    for name in inputs:
        if name == resolved().id and panel.calcium is not None:
            first, *others = panel.calcium.evidence
            found.append(Evidence(first, panel.levels[name], panel.calcium.basis))
            found.extend(Evidence(other, panel.levels[other]) for other in others)
        elif name != resolved().basis_id:
            found.append(Evidence(name, panel.levels[name]))
    return tuple(found)


def _upstream(state: str, statuses: Mapping[str, str]) -> tuple[str, ...]:
    """Return the states that may have caused `state`: nearest first, then those present, then as knowledge has them."""
    distances = graph.distances(state)
    causes = [cause for cause in statuses if cause in distances and statuses[cause] in FINDING_STATUSES]
    return tuple(sorted(causes, key=lambda cause: (distances[cause], FINDING_STATUSES.index(statuses[cause]))))


def _pathways(table: Table, statuses: Mapping[str, str]) -> tuple[Pathway, ...]:
    return tuple(
        _pathway(source, index, tuple(statuses[state] for state in graph.states_on(path)))
        for source in table.paths_from
        for index, path in enumerate(graph.paths(source))
    )


@functools.cache
def _pathway(source: str, index: int, path_statuses: tuple[str, ...]) -> Pathway:
    """Return a pathway under the statuses of the states on it; equal ones are one object."""
    path = graph.paths(source)[index]
    statuses = dict(zip(graph.states_on(path), path_statuses, strict=True))
    broken_at = next((state for state, status in statuses.items() if status == "excluded"), None)
    if broken_at is not None:
        support = "interrupted"
    else:
        support = "supported" if all(status == "present" for status in path_statuses) else "possible"
    return Pathway(
        id=graph.id_of(path),
        kind="indirect" if graph.is_indirect(path) else "direct",
        support=support,
        steps=tuple(_step(edge, statuses) for edge in path),
        broken_at=broken_at,
        strength=graph.strength_of(path),
        explanation=wording.of_pathway(path, support, broken_at, statuses),
    )


def _step(edge: graph.Edge, statuses: Mapping[str, str]) -> Step:
    if edge.target in statuses:
        observation = _OBSERVATION.get(statuses[edge.target], "unmeasured")
    else:
        observation = "unmeasured" if edge.target == graph.target() else "unobservable"
    return Step(
        source=edge.source,
        target=edge.target,
        statement=edge.statement,
        observation=observation,
        citations=edge.citations,
        strength=edge.strength,
    )


def _usefulness(groups: Iterable[tuple[Pathway, ...]], statuses: Mapping[str, str]) -> Mapping[str, int]:
    """Return for every test how many open pathways of the panel it would settle."""
    counts: dict[str, int] = {}
    for pathway in {pathway.id: pathway for group in groups for pathway in group}.values():
        if pathway.support != "possible":
            continue
        on_path = (pathway.steps[0].source, *(step.target for step in pathway.steps))
        nodes = (graph.nodes()[node] for node in on_path)
        tests = {test for node in nodes if node.state and statuses[node.state] != "present" for test in node.tests}
        for test in tests:
            counts[test] = counts.get(test, 0) + 1
    return counts
