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
_MOST_KEPT: Final = 1 << 15
"""After how many things that are remembered one begins anew; a pattern and its findings take some 200 bytes."""
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
    """Return the findings of distinct patterns of levels, one a row; what was worked out before is remembered."""
    keys = _spelled(patterns)
    told = list(map(_ANSWERED.get, keys))
    new = [i for i, items in enumerate(told) if items is None]
    if new:
        fresh = by_pattern(patterns[new]) if len(new) <= _FEW else by_parts(patterns[new])
        if len(_ANSWERED) + len(new) > _MOST_KEPT:
            _ANSWERED.clear()
        for i, items in zip(new, fresh, strict=True):
            told[i] = _ANSWERED[keys[i]] = items
    return _joined([items or () for items in told])


def by_pattern(patterns: Ints) -> list[tuple[Item, ...]]:
    """Reason about each pattern."""
    return [tuple(map(_item, reason(pattern).findings)) for pattern in map(tuple, patterns.tolist())]


def of_cases(cases: Sequence[tuple[tuple[int, ...], Presentation | None]]) -> Found:
    """Return the findings of patterns with what is told beside each."""
    return _joined([_items(*case) for case in cases])


def _joined(told: Sequence[tuple[Item, ...]]) -> Found:
    """Return the findings of some patterns; what is one object stands among the items once."""
    every = list(itertools.chain.from_iterable(told))
    item, objects = numbered(np.fromiter(map(id, every), np.int64, len(every)))
    first = np.empty(len(objects), np.int64)
    first[item[::-1]] = np.arange(len(every))[::-1]
    numbers = np.fromiter(map(len, told), np.int64, len(told))
    return Found(numbers, item, [every[i] for i in first.tolist()])


def by_parts(pattern: Ints) -> list[tuple[Item, ...]]:
    """Reason once about what a finding depends on."""
    status = np.stack([_statuses(state, pattern) for state in tables()], axis=1)
    calcium = _calcium(pattern)
    said = _said()[pattern & ~np.uint8(SOFT | CRITICAL)]
    rows, items = [np.zeros(0, np.intp)], []
    for teller, table in enumerate(tables().values()):
        if table.code is None:
            continue
        held = np.flatnonzero(_HELD[status[:, teller]])
        on = parts.finding_parts(table.id)
        columns = [pattern[:, on.slots], status[:, on.states], said[:, on.tests], calcium[:, None]]
        keys = _spelled(np.hstack([column[held] for column in columns]))
        for i, key in zip(held.tolist(), keys, strict=True):
            items.append(_KEPT.get((table.id, key)) or _keep(table.id, key, pattern[i]))
        rows.append(held)
    row = np.concatenate(rows)
    order = np.lexsort((np.fromiter((item.rank for item in items), np.int64, len(items)), row))
    told: list[tuple[Item, ...]] = [()] * len(pattern)
    every, starts = [items[i] for i in order.tolist()], np.flatnonzero(np.diff(row[order], prepend=-1))
    for i, start, end in zip(
        row[order][starts].tolist(), starts.tolist(), [*starts[1:].tolist(), len(every)], strict=True
    ):
        told[i] = tuple(every[start:end])
    return told


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


def _statuses(state: str, pattern: Ints) -> Ints:
    """Return the status of a state by pattern."""
    codes, keys = _coded([pattern[:, i] for i in parts.state_slots(state)])
    known = np.array([STATE_STATUSES.index(parts.status_of(state, key)) for key in keys], np.uint8)
    statuses: Ints = known[codes]
    return statuses


def _calcium(pattern: Ints) -> Ints:
    codes, keys = _coded([pattern[:, i] for i in parts.calcium_slots()])
    classes: Ints = np.array([parts.calcium_class(key) for key in keys], np.uint8)[codes]
    return classes


@functools.cache
def _said() -> Ints:
    """Return by code of a level whether nothing was sent, it says nothing, or it says something."""
    return np.array([0 if i == 0 else 1 if level in OPEN else 2 for i, level in enumerate(LEVEL_CODES)], np.uint8)


def _coded(columns: Sequence[Ints]) -> tuple[Ints, list[tuple[int, ...]]]:
    codes, keys = combine([(column, int(column.max()) + 1) for column in columns])
    return codes, list(zip(*(key.tolist() for key in keys), strict=True))


_ANSWERED: dict[bytes, tuple[Item, ...]] = {}
_KEPT: dict[tuple[str, bytes], Item] = {}


def _keep(state: str, key: bytes, pattern: Ints) -> Item:
    """Work out and keep the finding of a state under what it depends on, of which `pattern` is an example."""
    item = _item(next(finding for finding in reason(tuple(pattern.tolist())).findings if finding.state == state))
    if len(_KEPT) >= _MOST_KEPT:
        _KEPT.clear()
    _KEPT[state, key] = item
    return item


@functools.lru_cache(maxsize=1 << 12)
def _items(pattern: tuple[int, ...], told: Presentation | None) -> tuple[Item, ...]:
    return tuple(map(_item, reason_told(pattern, told).findings))


@functools.lru_cache(maxsize=_MOST_KEPT)
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
