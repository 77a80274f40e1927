"""Patterns of levels → findings and pathways in words, each worked out once for all patterns that share it."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from labinterp.batch.encode import combine, numbered
from labinterp.codes import FINDING_STATUSES, STATE_STATUSES
from labinterp.reasoning import parts, reason, reason_told
from labinterp.reasoning.engine import rank
from labinterp.reasoning.slots import CRITICAL, LEVEL_CODES, OPEN, SOFT
from labinterp.reasoning.tables import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.kernel.vector import Ints
    from labinterp.model import Evidence, Finding, Presentation

SEPARATOR: Final = ";"
_FEW: Final = 256
"""Up to how many patterns it is faster to reason about each."""
_MOST_KEPT: Final = 1 << 13
"""How many statuses, and how many findings, are remembered of each state."""
_HELD: Final = np.array([status in FINDING_STATUSES for status in STATE_STATUSES])

Row = tuple[str | None, ...]


@attrs.frozen
class Item:
    """A finding as the frames show it, and where it stands among others of its panel.

    Args:
        row: the columns of findings behind patient and panel.
        pathways: the columns of pathways behind patient and panel.
        rank: position by severity and status.
    """

    row: Row
    pathways: tuple[Row, ...]
    rank: int


@attrs.frozen(eq=False)
class Found:
    """The findings of some patterns.

    Args:
        number: how many findings each pattern has.
        item: the position in `items` of each finding, pattern by pattern, as they are told.
        items: the distinct findings.
    """

    number: Ints
    item: Ints
    items: list[Item]


def of_patterns(patterns: Ints) -> Found:
    """Return the findings of distinct patterns of levels, one a row."""
    return by_pattern(patterns) if len(patterns) <= _FEW else by_parts(patterns)


def by_pattern(patterns: Ints) -> Found:
    """Reason about each pattern."""
    return of_cases([(pattern, None) for pattern in map(tuple, patterns.tolist())])


def of_cases(cases: Sequence[tuple[tuple[int, ...], Presentation | None]]) -> Found:
    """Return the findings of patterns with what is told beside each."""
    told = [_items(*case) for case in cases]
    return _joined(np.array([len(each) for each in told], np.int64), list(itertools.chain.from_iterable(told)))


def _joined(numbers: Ints, every: list[Item]) -> Found:
    """Return the findings of some patterns, one after the other; what is one object stands among the items once."""
    item, objects = numbered(np.fromiter(map(id, every), np.int64, len(every)))
    first = np.empty(len(objects), np.int64)
    first[item[::-1]] = np.arange(len(every))[::-1]
    return Found(numbers, item, [every[i] for i in first.tolist()])


def by_parts(pattern: Ints) -> Found:
    """Reason once about what a finding depends on."""
    slots = np.ascontiguousarray(pattern.T)
    status = np.stack([_statuses(state, slots) for state in tables()], axis=1)
    calcium = _calcium(slots)
    said = _said()[pattern & ~np.uint8(SOFT | CRITICAL)]
    rows: list[Ints] = []
    items: list[Item] = []
    for teller, table in enumerate(tables().values()):
        if table.code is None:
            continue
        held = np.flatnonzero(_HELD[status[:, teller]])
        on = parts.finding_parts(table.id)
        depends = pattern[held][:, on.slots], status[held][:, on.states], said[held][:, on.tests], calcium[held, None]
        keys = _spelled(np.hstack(depends))
        known = _known(_KEPT, table.id)
        for i, key in zip(held.tolist(), keys, strict=True):
            if key not in known:
                known[key] = _finding(table.id, pattern[i])
        items += map(known.__getitem__, keys)
        rows.append(held)
    row = np.concatenate(rows)
    order = np.lexsort((np.fromiter((item.rank for item in items), np.int64, len(items)), row))
    return _joined(np.bincount(row, minlength=len(pattern)), [items[i] for i in order.tolist()])


def _known(kept: dict[str, dict[Any, Any]], state: str) -> dict[Any, Any]:
    """Return what is remembered of a state; beyond some it begins anew."""
    known = kept.setdefault(state, {})
    if len(known) >= _MOST_KEPT:
        known = kept[state] = {}
    return known


def _spelled(rows: Ints) -> list[bytes]:
    """Return the rows of a table of bytes, of which zeros at the end are left out."""
    spelled: list[bytes] = np.ascontiguousarray(rows).view(f"S{rows.shape[1]}").ravel().tolist()
    return spelled


def evidence_text(evidence: Sequence[Evidence]) -> str:
    """Return the evidence of a finding as text, without values.

    Example:
        >>> from labinterp.model import Evidence
        >>> evidence_text([Evidence("calcium", "low", "adjusted_by_albumin")])
        'calcium=low (adjusted_by_albumin)'
    """
    return SEPARATOR.join(
        f"{item.analyte}={item.level}" + ("" if item.basis == "reported" else f" ({item.basis})") for item in evidence
    )


def _statuses(state: str, slots: Ints) -> Ints:
    """Return the status of a state by pattern; `slots` has the codes slot by slot."""
    codes, keys = _coded([slots[i] for i in parts.state_slots(state)])
    known, width = _known(_STATUSES, state), len(parts.state_slots(state))
    for key in keys:
        if key not in known:
            known[key] = STATE_STATUSES.index(parts.status_of(state, tuple(key.ljust(width, b"\0"))))
    statuses: Ints = np.fromiter(map(known.__getitem__, keys), np.uint8, len(keys))[codes]
    return statuses


def _calcium(slots: Ints) -> Ints:
    codes, keys = _coded([slots[i] for i in parts.calcium_slots()])
    width = len(parts.calcium_slots())
    classes: Ints = np.array([parts.calcium_class(tuple(key.ljust(width, b"\0"))) for key in keys], np.uint8)[codes]
    return classes


@functools.cache
def _said() -> Ints:
    """Return by code of a level whether nothing was sent, it says nothing, or it says something."""
    return np.array([0 if i == 0 else 1 if level in OPEN else 2 for i, level in enumerate(LEVEL_CODES)], np.uint8)


def _coded(columns: Sequence[Ints]) -> tuple[Ints, list[bytes]]:
    """Return a code for each combination of bytes, and the combinations as `_spelled` has them."""
    codes, keys = combine([(column, int(column.max()) + 1) for column in columns])
    return codes, _spelled(np.stack(keys, axis=1).astype(np.uint8))


_KEPT: dict[str, dict[bytes, Item]] = {}
_STATUSES: dict[str, dict[bytes, int]] = {}


def _finding(state: str, pattern: Ints) -> Item:
    """Return the finding of a state in a pattern in which it has one."""
    return _item(next(finding for finding in reason(tuple(pattern.tolist())).findings if finding.state == state))


@functools.lru_cache(maxsize=1 << 12)
def _items(pattern: tuple[int, ...], told: Presentation | None) -> tuple[Item, ...]:
    return tuple(map(_item, reason_told(pattern, told).findings))


@functools.lru_cache(maxsize=1 << 16)
def _one(row: Row | Item) -> Any:
    """Return of what is alike the one that was met first."""
    return row


def _item(finding: Finding) -> Item:
    row = (
        finding.code,
        finding.status,
        finding.severity,
        evidence_text(finding.evidence),
        SEPARATOR.join(finding.upstream),
        SEPARATOR.join(finding.suggested_tests),
        finding.explanation,
    )
    pathways = tuple(
        _one((finding.code, pathway.id, pathway.kind, pathway.support, pathway.broken_at, pathway.explanation))
        for pathway in finding.pathways
    )
    severity, status = rank(finding)
    item: Item = _one(Item(row, pathways, severity * len(FINDING_STATUSES) + status))
    return item
