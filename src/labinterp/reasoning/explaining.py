"""Everything that the knowledge says of one thing: a node, finding, analyte, symptom, trigger, caveat or claim."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.errors import UnknownNodeError
from labinterp.reading import analytes
from labinterp.reasoning import graph, knowledge
from labinterp.reasoning.tables import Table, caveats, tables
from labinterp.words import titles
from labinterp.words.sentences import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from labinterp.model import Citation, Coding

_LONGEST_NAME: Final = 128


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
        kind: `state`, `mechanism`, `symptom`, `analyte`, `trigger`, `course`, `caveat`, `claim` or `guidance`.
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
        id=node.id,
        kind=node.kind,
        title=node.title,
        text=node.text,
        incoming=incoming,
        outgoing=outgoing,
        claims=_claims_at(*places),
        tests=node.tests,
        symptoms=symptoms,
        codings=node.codings if table is None else table.codings,
        citations=tuple(dict.fromkeys((*node.citations, *(() if table is None else table.citations)))),
        finding=None if table is None else table.code,
        related=() if table is None else _caveats_of(table),
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
    for key, make in _guidance():
        makers.setdefault(key, make)
    return makers


def _guidance() -> Iterator[tuple[str, Callable[[], Explanation]]]:
    """Return the keys of what belongs to every report, with what makes their explanations."""
    data = knowledge.read("guidance")
    for part in ("summary", "disclaimer"):
        make = functools.partial(_of_guidance, f"guidance:{part}", data[part])
        yield from ((key, make) for key in (f"guidance:{part}", part))
    for kind in ("resource", "advice", "differential"):
        for item in data[kind]:
            make = functools.partial(_of_guidance, f"{kind}:{item['id']}", item)
            yield from ((key, make) for key in (f"{kind}:{item['id']}", item["id"]))
    yield "comparison", functools.partial(_of_guidance, "comparison", {**data["comparison"], "text": _compared()})


def _compared() -> str:
    """Return the nutrients side by side, a line each."""
    data = knowledge.read("guidance")["comparison"]
    lines = ({**row, "tests": listed(map(titles.test, row["tests"]))} for row in data["row"])
    return " ".join(data["line"].format(**line) for line in lines)


def _of_guidance(key: str, item: Mapping[str, Any]) -> Explanation:
    title = item.get("title", item["text"])
    return Explanation(
        key, "guidance", title, item["text"], claims=_claims_at(key), citations=knowledge.citations(item["citations"])
    )


@functools.cache
def _spellings() -> Mapping[str, str]:
    """Return further spellings of symptoms, triggers and courses → the key that explains them."""
    told = knowledge.read("symptoms")
    items = ((kind, item) for kind in ("symptom", "trigger", "course") for item in told[kind])
    return {
        alias: item["id"] if kind == "symptom" else f"{kind}:{item['id']}"
        for kind, item in items
        for alias in item["aliases"]
    }


def _key_of(name: str) -> str | None:
    """Return the key that a spelling means: of a node, a symptom, or a test by any of its names."""
    makers = _makers()
    folded = "_".join(name.casefold().replace("-", " ").replace("_", " ").split()).replace("aemia", "emia")
    for spelling in (name, name.casefold(), name.upper(), folded, folded.replace("_", "-")):
        if spelling in makers:
            return spelling
    alias = _spellings().get(folded)
    if alias is not None:
        return alias
    analyte = analytes.resolve(name).analyte if len(name) <= _LONGEST_NAME else None
    return analyte if analyte in makers else None


def nodes() -> tuple[str, ...]:
    """Return every key that `explain` knows.

    Example:
        >>> nodes()[0]
        'magnesium_deficiency'
    """
    return tuple(_makers())


def explain(node: str) -> Explanation:
    """Return what the knowledge says of a node, finding, state, analyte, symptom, trigger, caveat, claim or advice.

    Names are understood in other spellings too: `"vitamin d"`, `"hypocalcaemia"`, `"twitching"`, a test by any name.

    Args:
        node: its id or name.

    Raises:
        UnknownNodeError: if the knowledge has nothing of that name.

    Example:
        >>> explanation = explain("hypocalcemia")
        >>> explanation.kind, [edge.target for edge in explanation.outgoing]
        ('state', ['charge_screening_loss', 'tetany', 'nalcn_leak'])
    """
    name = node.strip() if isinstance(node, str) else ""
    key = _key_of(name) if name else None
    if key is None:
        raise UnknownNodeError("the knowledge has nothing of that name", known=nodes())
    return _makers()[key]()
