"""Everything that the knowledge says of one thing: a node, finding, analyte, symptom, trigger, caveat or claim."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.errors import UnknownNodeError
from labinterp.reasoning import graph, knowledge
from labinterp.reasoning.tables import Table, caveats, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from labinterp.model import Citation, Coding


@attrs.frozen
class Claim:
    """A statement of the source document and where it shows."""

    id: str
    statement: str
    shows: tuple[str, ...]
    citations: tuple[Citation, ...]


@attrs.frozen
class Explanation:
    """What the knowledge says of one thing.

    Args:
        id: its key.
        kind: `state`, `mechanism`, `symptom`, `analyte`, `trigger`, `course`, `caveat` or `claim`.
        title: in words.
        text: what it is.
        incoming: edges that lead to it.
        outgoing: edges that lead on from it.
        claims: statements of the source document that show here.
        tests: analytes that settle it.
        symptoms: accompanying symptoms.
        codings: HPO terms.
        citations: where the text comes from.
        finding: code of the finding that reports it.
        related: further keys that can be explained.
    """

    id: str
    kind: str
    title: str
    text: str
    incoming: tuple[graph.Edge, ...] = ()
    outgoing: tuple[graph.Edge, ...] = ()
    claims: tuple[Claim, ...] = ()
    tests: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    codings: tuple[Coding, ...] = ()
    citations: tuple[Citation, ...] = ()
    finding: str | None = None
    related: tuple[str, ...] = ()


@functools.cache
def claims() -> Mapping[str, Claim]:
    """Return every claim of the source document by id."""
    data = knowledge.read("claims")
    source = knowledge.citations(({"id": data["source"]},))
    return {item["id"]: Claim(item["id"], item["statement"], tuple(item["shows"]), source) for item in data["claim"]}


def _claims_at(*places: str) -> tuple[Claim, ...]:
    return tuple(claim for claim in claims().values() if not frozenset(places).isdisjoint(claim.shows))


def _of_node(node: graph.Node) -> Explanation:
    incoming = tuple(edge for edge in graph.edges() if edge.target == node.id)
    outgoing = tuple(edge for edge in graph.edges() if edge.source == node.id)
    table = tables()[node.state] if node.state is not None else None
    places = [f"node:{node.id}", *(f"edge:{edge.source}>{edge.target}" for edge in (*incoming, *outgoing))]
    symptoms: tuple[str, ...] = ()
    if table is not None:
        symptoms = table.symptoms + table.severe_symptoms
        places += [f"{kind}:{table.id}/{symptom}" for kind in ("symptom", "severe") for symptom in symptoms]
        places += [f"concordance:{table.id}", *(f"caveat:{key}" for key in _caveats_of(table))]
    return Explanation(
        node.id,
        node.kind,
        node.title,
        node.text,
        incoming,
        outgoing,
        _claims_at(*places),
        node.tests,
        symptoms,
        node.codings if table is None else table.codings,
        tuple(dict.fromkeys((*node.citations, *(() if table is None else table.citations)))),
        None if table is None else table.code,
        () if table is None else _caveats_of(table),
    )


def _caveats_of(table: Table) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for row in table.rows for key in row.caveats))


def _of_test(item: Mapping[str, Any]) -> Explanation:
    settles = tuple(node.id for node in graph.nodes().values() if item["id"] in node.tests)
    return Explanation(
        item["id"],
        "analyte",
        item["title"],
        item["text"],
        claims=_claims_at(f"test:{item['id']}"),
        tests=(item["id"],),
        citations=knowledge.citations(item["citations"]),
        related=settles,
    )


def _of_told(kind: str, item: Mapping[str, Any]) -> Explanation:
    key = item["id"]
    states = tuple(
        table.id for table in tables().values() if kind == "symptom" and key in table.symptoms + table.severe_symptoms
    )
    places = [f"{kind}:{key}", *(f"{part}:{state}/{key}" for part in ("symptom", "severe") for state in states)]
    return Explanation(
        key,
        kind,
        item["title"],
        item["text"],
        claims=_claims_at(*places),
        codings=knowledge.codings(item.get("codings", ())),
        citations=knowledge.citations(item["citations"]),
        related=states,
    )


def _of_claim(claim: Claim) -> Explanation:
    return Explanation(
        claim.id,
        "claim",
        claim.statement,
        claim.statement,
        claims=(claim,),
        citations=claim.citations,
        related=claim.shows,
    )


@functools.cache
def _makers() -> Mapping[str, Callable[[], Explanation]]:
    """Return key → what makes its explanation; the first kind that has a key keeps it."""
    told = knowledge.read("symptoms")
    makers: dict[str, Callable[[], Explanation]] = {}
    for node in graph.nodes().values():
        makers.setdefault(node.id, functools.partial(_of_node, node))
    for table in tables().values():
        if table.code is not None:
            makers.setdefault(table.code, functools.partial(_of_node, graph.nodes()[table.id]))
    for item in knowledge.read("guidance")["test"]:
        makers.setdefault(item["id"], functools.partial(_of_test, item))
    for kind in ("symptom", "trigger", "course"):
        for item in told[kind]:
            makers.setdefault(item["id"], functools.partial(_of_told, kind, item))
            makers.setdefault(f"{kind}:{item['id']}", functools.partial(_of_told, kind, item))
    for claim in claims().values():
        makers.setdefault(claim.id, functools.partial(_of_claim, claim))
    for caveat in caveats().values():
        makers.setdefault(
            f"caveat:{caveat.id}",
            functools.partial(
                Explanation,
                f"caveat:{caveat.id}",
                "caveat",
                caveat.text,
                caveat.text,
                claims=_claims_at(f"caveat:{caveat.id}"),
                citations=caveat.citations,
            ),
        )
    return makers


def nodes() -> tuple[str, ...]:
    """Return every key that `explain` knows.

    Example:
        >>> nodes()[0]
        'magnesium_deficiency'
    """
    return tuple(_makers())


def explain(node: str) -> Explanation:
    """Return what the knowledge says of a node, finding, state, analyte, symptom, trigger, caveat or claim.

    Raises:
        UnknownNodeError: if the knowledge has nothing of that name.

    Example:
        >>> explanation = explain("hypocalcemia")
        >>> explanation.kind, [edge.target for edge in explanation.outgoing]
        ('state', ['charge_screening_loss', 'tetany'])
    """
    makers = _makers()
    name = node.strip() if isinstance(node, str) else ""
    maker = makers.get(name) or makers.get(name.casefold()) or makers.get(name.upper())
    if maker is None:
        raise UnknownNodeError("the knowledge has nothing of that name", known=nodes())
    return maker()
