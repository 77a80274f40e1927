"""What each state and each finding depends on, read off the knowledge, so that tables work each out once.

A panel of fourteen analytes has more patterns than any table repeats, but a state looks at few slots of them, and a
finding at those and at the statuses of the states around it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import attrs

from labinterp.reasoning import graph
from labinterp.reasoning.engine import answer
from labinterp.reasoning.slots import CONTEXTS, OPEN, OTHER_CALCIUM, SLOTS, panel_of, resolved
from labinterp.reasoning.tables import Table, agreement, remarks, tables

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH = len(SLOTS) + len(CONTEXTS)
Pattern = tuple[int, ...]


@attrs.frozen
class Parts:
    """What the finding of a state depends on.

    Args:
        slots: positions in the pattern whose codes matter.
        states: positions in `tables` of the states whose statuses matter.
        tests: positions in the pattern of which it only matters whether a result was sent and says something.
    """

    slots: tuple[int, ...]
    states: tuple[int, ...]
    tests: tuple[int, ...]


@functools.cache
def calcium_slots() -> tuple[int, ...]:
    """Return the positions of the results that can decide about calcium."""
    return tuple(SLOTS.index(option.slot) for option in resolved().order)


@functools.cache
def state_slots(state: str) -> tuple[int, ...]:
    """Return the positions in the pattern on which the status of a state depends."""
    return _positions((*tables()[state].schemes, *agreement().get(state, {})))


@functools.cache
def finding_parts(state: str) -> Parts:
    """Return what the finding of a state depends on."""
    table = tables()[state]
    noted = [remark for remark in remarks() if state in remark.states]
    wanted = {test for row in table.rows for test in row.suggest} | {test for r in noted for test in r.suggest}
    names = [*table.schemes, *agreement().get(state, {}), *(name for remark in noted for name in remark.level)]
    if resolved().id in table.schemes:
        names += [name for option in resolved().order for name in option.evidence]
    near = {state, *graph.distances(state), *_states_of_paths(table), *(s for remark in noted for s in remark.status)}
    for other in tables().values():
        if other.code is not None and wanted & _tests_of_paths(other):  # they are told in the order of their usefulness
            near |= {other.id, *_states_of_paths(other)}
    states = tuple(i for i, each in enumerate(tables()) if each in near)
    return Parts(_positions(names), states, _positions(wanted))


def status_of(state: str, codes: Pattern) -> str:
    """Return the status of a state; `codes` are those at `state_slots`."""
    pattern = [0] * WIDTH
    for position, code in zip(state_slots(state), codes, strict=True):
        pattern[position] = code
    return answer(state, panel_of(tuple(pattern))).status


@functools.lru_cache(maxsize=1 << 12)
def calcium_class(codes: Pattern) -> int:
    """Return which result decides about calcium, and whether it says something; `codes` are at `calcium_slots`."""
    pattern = [0] * WIDTH
    for position, code in zip(calcium_slots(), codes, strict=True):
        pattern[position] = code
    panel = panel_of(tuple(pattern))
    if panel.calcium is None:
        return 0
    return 1 + 2 * resolved().order.index(panel.calcium) + (panel.levels[panel.calcium.slot] in OPEN)


def _positions(names: Iterable[str]) -> tuple[int, ...]:
    calcium = {resolved().id, resolved().basis_id, OTHER_CALCIUM}
    every = (*SLOTS, *CONTEXTS)
    found = {i for name in names for i in (calcium_slots() if name in calcium else (every.index(name),))}
    return tuple(sorted(found))


def _states_of_paths(table: Table) -> frozenset[str]:
    nodes = (node for source in table.paths_from for path in graph.paths(source) for node in graph.nodes_of(path))
    return frozenset(state for node in nodes if (state := graph.nodes()[node].state) is not None)


def _tests_of_paths(table: Table) -> frozenset[str]:
    nodes = (node for source in table.paths_from for path in graph.paths(source) for node in graph.nodes_of(path))
    return frozenset(test for node in nodes for test in graph.nodes()[node].tests)
