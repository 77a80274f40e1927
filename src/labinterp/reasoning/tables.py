"""Decision tables: from the levels of a panel to the status of every state.

A table answers with exactly one row for every combination of classes; compiling a table enumerates them all, so that a
table with a hole or a conflict is found when it is loaded, and looking a panel up is one step.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.codes import FINDING_STATUSES
from labinterp.reasoning import knowledge
from labinterp.reasoning.slots import CONTEXTS, MISSING, UNJUDGED, Panel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.model import Citation, Coding

Combination = tuple[str, ...]


@attrs.frozen
class Rule:
    """One answer of a decision table.

    Args:
        when: input → the classes for which this row answers; an input left out may be anything.
        status: `present`, `possible`, `excluded` or `undetermined`.
        severity: `low`, `moderate` or `high`, where the state can be a finding.
        because: the reason as a sentence.
        caveats: ids of caveats.
        suggest: analyte keys, most useful first.
        severe: whether the symptoms of severe cases come with it.
        coded: whether the finding's terms fit.
    """

    when: Mapping[str, frozenset[str]]
    status: str
    severity: str
    because: str
    caveats: tuple[str, ...]
    suggest: tuple[str, ...]
    severe: bool
    coded: bool

    def answers(self, inputs: tuple[str, ...], combination: Combination) -> bool:
        """Return whether this row answers for a combination of classes."""
        return all(
            value in self.when[name] for name, value in zip(inputs, combination, strict=True) if name in self.when
        )


@attrs.frozen
class Table:
    """The decision table of one state.

    Args:
        id: the state.
        title: the state in words.
        excluded: what it means that the state is excluded, in words.
        schemes: input → level → class, in the order of the inputs.
        rows: the answers.
        code: of the finding that reports the state, if any.
        finding_title: its title.
        codings: its HPO terms.
        paths_from: states whose pathways the finding carries.
        symptoms: accompanying symptoms.
        severe_symptoms: those of severe cases, in addition.
        citations: what the table rests on.
    """

    id: str
    title: str
    excluded: str
    schemes: Mapping[str, Mapping[str, str]]
    rows: tuple[Rule, ...]
    code: str | None
    finding_title: str
    codings: tuple[Coding, ...]
    paths_from: tuple[str, ...]
    symptoms: tuple[str, ...]
    severe_symptoms: tuple[str, ...]
    citations: tuple[Citation, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs in order."""
        return tuple(self.schemes)

    def combinations(self) -> itertools.product[Combination]:
        """Return every combination of classes."""
        return itertools.product(*(tuple(dict.fromkeys(scheme.values())) for scheme in self.schemes.values()))

    def rows_for(self, combination: Combination) -> tuple[Rule, ...]:
        """Return the rows that answer for a combination; a sound table has one."""
        return tuple(row for row in self.rows if row.answers(self.inputs, combination))


@attrs.frozen
class Remark:
    """Caveats and suggestions that depend on the rest of the panel.

    With `report` the caveats are said for the whole report where no finding carries them.
    """

    states: frozenset[str]
    level: Mapping[str, frozenset[str]]
    status: Mapping[str, frozenset[str]]
    decided_by: frozenset[str]
    caveats: tuple[str, ...]
    suggest: tuple[str, ...]
    report: bool

    def holds(self, panel: Panel, statuses: Mapping[str, str]) -> bool:
        """Return whether every condition holds for a panel."""
        return (
            (not self.decided_by or panel.calcium_slot in self.decided_by)
            and all(panel.levels[name] in allowed for name, allowed in self.level.items())
            and all(statuses[name] in allowed for name, allowed in self.status.items())
        )


@attrs.frozen
class Caveat:
    """A caveat with its sources."""

    id: str
    text: str
    citations: tuple[Citation, ...]


@functools.cache
def tables() -> Mapping[str, Table]:
    """Return every decision table, in the order of knowledge."""
    data = knowledge.read("states")
    return {item["id"]: _table(item, data["scheme"]) for item in data["state"]}


def _table(item: Mapping[str, Any], schemes: Mapping[str, Mapping[str, str]]) -> Table:
    finding = item.get("finding", {})
    return Table(
        id=item["id"],
        title=item["title"],
        excluded=item["excluded"],
        schemes={name: schemes[scheme] for name, scheme in item["inputs"].items()},
        rows=tuple(_row(row) for row in item["row"]),
        code=finding.get("code"),
        finding_title=finding.get("title", ""),
        codings=knowledge.codings(finding.get("codings", ())),
        paths_from=tuple(item["source_of_paths"]),
        symptoms=tuple(item["symptoms"]),
        severe_symptoms=tuple(item.get("severe_symptoms", ())),
        citations=knowledge.citations(item["citations"]),
    )


def _row(item: Mapping[str, Any]) -> Rule:
    return Rule(
        when={name: _set(classes) for name, classes in item["when"].items()},
        status=item["status"],
        severity=item.get("severity", "low"),
        because=item["because"],
        caveats=tuple(item.get("caveats", ())),
        suggest=tuple(item.get("suggest", ())),
        severe=item.get("severe", False),
        coded=not item.get("uncoded", False),
    )


def _set(classes: str | list[str]) -> frozenset[str]:
    return frozenset([classes] if isinstance(classes, str) else classes)


@functools.cache
def compiled(state: str) -> Mapping[Combination, Rule]:
    """Return the answer of a table for every combination of classes.

    Raises:
        ValueError: if a combination has no answer or more than one.
    """
    table = tables()[state]
    answers = {}
    accepting = [
        {
            value: sum(1 << i for i, row in enumerate(table.rows) if value in row.when.get(name, (value,)))
            for value in scheme.values()
        }
        for name, scheme in table.schemes.items()
    ]
    for combination in table.combinations():
        left = -1
        for rows, value in zip(accepting, combination, strict=True):
            left &= rows[value]
        if left.bit_count() != 1:
            found = dict(zip(table.inputs, combination, strict=True))
            raise ValueError(f"{state}: {left.bit_count()} rows answer for {found}")
        answers[combination] = table.rows[left.bit_length() - 1]
    return answers


def decide(state: str, panel: Panel) -> Rule:
    """Return the row that answers for a panel."""
    schemes = tables()[state].schemes
    return compiled(state)[tuple(scheme[panel.levels[name]] for name, scheme in schemes.items())]


def rests_on(state: str, row: Rule, panel: Panel) -> tuple[str, ...]:
    """Return the measured inputs that a row names: what the answer rests on."""
    return tuple(
        name
        for name in tables()[state].schemes
        if name in row.when and name not in CONTEXTS and panel.levels[name] not in (MISSING, UNJUDGED)
    )


@functools.cache
def weakening() -> Mapping[str, str]:
    """Return what becomes of a status that rests on an implausible result, and the `caveat` for it."""
    return {key: text for key, text in knowledge.read("states")["weakening"].items() if isinstance(text, str)}


@functools.cache
def agreement() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Return state → input → the levels of it that speak for the state."""
    data = knowledge.read("states")["weakening"]["agreement"]
    return {state: {name: _set(levels) for name, levels in inputs.items()} for state, inputs in data.items()}


def agrees(state: str, row: Rule, panel: Panel) -> bool:
    """Return whether a plausible result of the panel speaks for a state that an implausible one makes a finding."""
    return row.status in FINDING_STATUSES and any(
        panel.levels[name] in levels and name not in panel.soft for name, levels in agreement().get(state, {}).items()
    )


@functools.cache
def remarks() -> tuple[Remark, ...]:
    """Return every remark."""
    return tuple(
        Remark(
            states=frozenset(item["states"]),
            level={name: _set(levels) for name, levels in item.get("level", {}).items()},
            status={name: _set(statuses) for name, statuses in item.get("status", {}).items()},
            decided_by=frozenset(item.get("decided_by", ())),
            caveats=tuple(item.get("caveats", ())),
            suggest=tuple(item.get("suggest", ())),
            report=item.get("report", False),
        )
        for item in knowledge.read("states")["remark"]
    )


@functools.cache
def caveats() -> Mapping[str, Caveat]:
    """Return every caveat by id."""
    return {
        key: Caveat(key, item["text"], knowledge.citations(item["citations"]))
        for key, item in knowledge.read("states")["caveat"].items()
    }
