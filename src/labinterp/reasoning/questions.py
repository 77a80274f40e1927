"""What to measure next: the open questions about twitching, as the knowledge lists them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import attrs

from labinterp.reasoning import knowledge
from labinterp.reasoning.slots import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from labinterp.model import Citation, Finding
    from labinterp.reasoning.slots import Panel


@attrs.frozen
class Question:
    """A question that measurements settle.

    Args:
        id: key of the question.
        status: state -> the statuses under which it is open; all must hold.
        missing: analytes of which none may have been sent for it to be open.
        sent: analytes of which one must have been sent for it to be open; none for no such condition.
        tests: analytes that settle it, most useful first.
        why: what they would show, in words.
        citations: where that is said.
    """

    id: str
    status: Mapping[str, frozenset[str]]
    missing: tuple[str, ...]
    sent: tuple[str, ...]
    tests: tuple[str, ...]
    why: str
    citations: tuple[Citation, ...]

    def is_open(self, panel: Panel, statuses: Mapping[str, str]) -> bool:
        """Return whether the panel leaves the question open."""
        return (
            all(statuses[state] in allowed for state, allowed in self.status.items())
            and all(panel.levels[test] == MISSING for test in self.missing)
            and (not self.sent or any(panel.levels[test] != MISSING for test in self.sent))
        )


@functools.cache
def questions() -> tuple[Question, ...]:
    """Return the questions, the most pressing first."""
    return tuple(
        Question(
            id=item["id"],
            status={state: frozenset(statuses) for state, statuses in item["status"].items()},
            missing=tuple(item.get("missing", ())),
            sent=tuple(item.get("sent", ())),
            tests=tuple(item["tests"]),
            why=item["why"],
            citations=knowledge.citations(item["citations"]),
        )
        for item in knowledge.read("guidance")["question"]
    )


def next_tests(
    panel: Panel, statuses: Mapping[str, str], findings: Iterable[Finding]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the analytes that were not sent and would settle an open question, most useful first, and why.

    The tests of a question come in the order in which a finding that is merely possible suggests them, if one does.
    """
    asked = [question for question in questions() if question.is_open(panel, statuses)]
    possible = {finding.state: finding.suggested_tests for finding in findings if finding.status == "possible"}
    wanted = []
    for question in asked:
        first = (test for state in question.status for test in possible.get(state, ()) if test in question.tests)
        wanted += [*first, *question.tests]
    tests = tuple(test for test in dict.fromkeys(wanted) if panel.needs(test))
    return tests, tuple(question.why for question in asked if any(map(panel.needs, question.tests)))
