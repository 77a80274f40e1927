"""The mechanism graph and its simple paths to fasciculation."""

from __future__ import annotations

import functools
from collections import deque
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.codes import STRENGTHS
from labinterp.reasoning import knowledge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from labinterp.model import Citation, Coding


@attrs.frozen
class Node:
    """A state, a mechanism or a symptom.

    Args:
        id: key of the node.
        title: in words.
        kind: `state`, `mechanism` or `symptom`.
        text: what it is.
        state: the decision table by which it is observed, if any.
        tests: analytes that settle it.
        citations: where it is described.
        codings: HPO terms.
    """

    id: str
    title: str
    kind: str
    text: str
    state: str | None
    tests: tuple[str, ...]
    citations: tuple[Citation, ...]
    codings: tuple[Coding, ...]


@attrs.frozen
class Edge:
    """What one node does to another, how well that is known, and from where.

    Args:
        source: id of the node that acts.
        target: id of the node acted upon.
        statement: the mechanism in one sentence.
        strength: `strong`, `moderate` or `weak`.
        citations: at least one.
        directness: `direct` where a source saw this step in people, else `indirect`.
        quote: a short passage of a source, where one is at hand.
        quoted_from: id of that source.
        unquoted: why there is no passage.
    """

    source: str
    target: str
    statement: str
    strength: str
    citations: tuple[Citation, ...]
    directness: str
    quote: str | None
    quoted_from: str | None
    unquoted: str | None


Path = tuple[Edge, ...]


@functools.cache
def nodes() -> Mapping[str, Node]:
    """Return every node by id."""
    return {item["id"]: _node(item) for item in knowledge.read("mechanisms")["node"]}


def _node(item: Mapping[str, Any]) -> Node:
    return Node(
        id=item["id"],
        title=item["title"],
        kind=item["kind"],
        text=item["text"],
        state=item.get("state"),
        tests=tuple(item.get("tests", ())),
        citations=knowledge.citations(item["citations"]),
        codings=knowledge.codings(item.get("codings", ())),
    )


@functools.cache
def edges() -> tuple[Edge, ...]:
    """Return every edge in the order of the data."""
    data = knowledge.read("mechanisms")
    return tuple(
        Edge(
            source=item["source"],
            target=item["target"],
            statement=item["statement"],
            strength=item["strength"],
            citations=knowledge.citations(item["citations"]),
            directness=item["directness"],
            quote=item.get("quote", {}).get("text"),
            quoted_from=item.get("quote", {}).get("source"),
            unquoted=data["unquoted"][item["unquoted"]] if "unquoted" in item else None,
        )
        for item in data["edge"]
    )


@functools.cache
def target() -> str:
    """Return the node at which every pathway ends."""
    return str(knowledge.read("mechanisms")["target"])


@functools.cache
def _outgoing() -> Mapping[str, tuple[Edge, ...]]:
    return {node: tuple(edge for edge in edges() if edge.source == node) for node in nodes()}


@functools.cache
def paths(source: str) -> tuple[Path, ...]:
    """Return every simple path from a node to fasciculation: direct ones first, else in the order of the data."""
    return tuple(sorted(_walk(source, (), frozenset((source,))), key=is_indirect))


def _walk(node: str, so_far: Path, seen: frozenset[str]) -> Iterator[Path]:
    if node == target():
        yield so_far
        return
    for edge in _outgoing()[node]:
        if edge.target not in seen:
            yield from _walk(edge.target, (*so_far, edge), seen | {edge.target})


def states_on(path: Path) -> tuple[str, ...]:
    """Return the observable nodes of a path, its source first."""
    return tuple(node for node in nodes_of(path) if nodes()[node].state is not None)


def is_indirect(path: Path) -> bool:
    """Return whether a path leads through another state than its source."""
    return any(node != path[0].source for node in states_on(path))


def strength_of(path: Path) -> str:
    """Return the strength of a path: that of its weakest edge."""
    return max((edge.strength for edge in path), key=STRENGTHS.index)


def id_of(path: Path) -> str:
    """Return the nodes of a path joined by `>`."""
    return ">".join(nodes_of(path))


def nodes_of(path: Path) -> tuple[str, ...]:
    """Return every node of a path in order."""
    return (path[0].source, *(edge.target for edge in path))


@functools.cache
def distances(state: str) -> Mapping[str, int]:
    """Return how many edges each node that leads to `state` is away from it."""
    found = {state: 0}
    queue = deque((state,))
    while queue:
        node = queue.popleft()
        for edge in edges():
            if edge.target == node and edge.source not in found:
                found[edge.source] = found[node] + 1
                queue.append(edge.source)
    del found[state]
    return found
