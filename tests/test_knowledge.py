"""The knowledge is whole: cited, graded, free of loose ends, and it says what the source document says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from labinterp import _data
from labinterp.codes import STRENGTHS
from labinterp.model import Presentation
from labinterp.reasoning import (
    CONTEXTS,
    SLOTS,
    claims,
    explain,
    guidance,
    knowledge_sha256,
    knowledge_version,
    method_notes,
    nodes,
    reason,
    with_presentation,
)
from labinterp.reasoning import graph as mechanism
from labinterp.reasoning import knowledge as sources
from labinterp.reasoning.tables import caveats, remarks, tables
from reasoning_panels import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLAIMS = [
    *("F1", "F2", "F3", "F4"),
    *("M1", "M2", "M3", "M4", "M5"),
    *("C1", "C2", "C3", "C4", "C5"),
    *("D1", "D2", "D3", "D4", "D5", "D6"),
    *("B1", "B2", "B3", "B4", "B5"),
    *("X1", "X2", "X3"),
]
FINDINGS = {
    "magnesium_deficiency": "hypomagnesemia",
    "magnesium_excess": "hypermagnesemia",
    "hypocalcemia": "hypocalcemia",
    "hypercalcemia": "hypercalcemia",
    "vitamin_d_deficiency": "vitamin-d-deficiency",
    "vitamin_d_insufficiency": "vitamin-d-insufficiency",
    "vitamin_d_excess": "vitamin-d-excess",
    "vitamin_b12_deficiency": "vitamin-b12-deficiency",
    "vitamin_b12_elevated": "vitamin-b12-elevated",
    "hyperhomocysteinemia": "hyperhomocysteinemia",
    "edta_contamination": "edta-contamination",
}
ANALYTES = frozenset(SLOTS) - {"calcium_computed"}


def _dicts(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _dicts(item)


def _data_of(name: str) -> Mapping[str, Any]:
    return sources.read(name)


@pytest.mark.parametrize("name", [name for name in sources.FILES if name != "citations"])
def test_every_citation_names_a_known_source(name):
    """Whatever cites a source names one that is in citations.toml."""
    cited = [item["id"] for each in _dicts(_data_of(name)) for item in each.get("citations", ())]
    assert set(cited) <= sources.sources().keys()
    assert cited or name == "claims"


def test_every_source_is_used():
    """No source is listed that nothing cites, apart from the ontology, which every coding cites."""
    used = {
        item["id"]
        for name in sources.FILES
        if name != "citations"
        for each in _dicts(_data_of(name))
        for item in each.get("citations", ())
    }
    assert sources.sources().keys() - used == {"hpo-2025-01-16"}


def test_every_statement_is_cited():
    """Nodes, edges, tables, caveats, symptoms, advice, tests and rules each cite at least one source."""
    cited = {
        "mechanisms": ("node", "edge"),
        "states": ("state",),
        "guidance": ("advice", "differential", "resource", "test", "method_note"),
        "symptoms": ("symptom", "trigger", "course", "concordance", "presentation_note"),
    }
    items = [item for name, kinds in cited.items() for kind in kinds for item in _data_of(name)[kind]]
    items += [
        _data_of("guidance")["summary"],
        _data_of("guidance")["disclaimer"],
        *_data_of("states")["caveat"].values(),
    ]
    assert len(items) > 100
    assert [item for item in items if not item["citations"]] == []


def test_clinical_statements_do_not_rest_on_engineering_alone():
    """Only what labinterp says of itself cites labinterp."""
    own = {key for key, item in _data_of("states")["caveat"].items() if item["citations"] == [{"id": "labinterp"}]}
    assert own == {"implausible_result", "no_pathway"}


def test_every_source_says_how_it_was_read():
    """A source is read itself, read in another's report, or it is our own decision."""
    kinds = {item["evidence"] for item in _data_of("citations")["citation"]}
    assert kinds == {"primary", "secondary", "engineering"}


def test_what_was_not_read_is_not_cited():
    """Papers known by hearsay only, and mechanisms that rest on them, are left out."""
    text = "".join(_data.knowledge_path(f"{name}.toml").read_text(encoding="utf-8") for name in sources.FILES)
    assert not re.search("Frankenhaeuser|Hodgkin|CaSR|cofactor", text)


def test_every_edge_is_graded_and_joins_known_nodes():
    """An edge has a strength and a citation, and its ends exist; no edge is there twice."""
    edges = mechanism.edges()
    assert all(edge.strength in STRENGTHS and edge.citations for edge in edges)
    assert {node for edge in edges for node in (edge.source, edge.target)} <= mechanism.nodes().keys()
    assert len({(edge.source, edge.target) for edge in edges}) == len(edges)


def test_every_edge_says_how_directly_it_was_seen_and_quotes_or_says_why_not():
    """An edge is direct or indirect, and has a short passage of one of its sources, or the reason why there is none."""
    for edge in mechanism.edges():
        assert edge.directness in ("direct", "indirect")
        assert (edge.quote is None) != (edge.unquoted is None)
        if edge.quote is not None:
            assert len(edge.quote) <= 120
            assert edge.quoted_from in {citation.id for citation in edge.citations}


def test_every_mechanism_lies_on_a_pathway():
    """No mechanism is described that leads nowhere or that nothing leads to."""
    walked = {
        node
        for state in tables()
        for path in mechanism.paths(state)
        for edge in path
        for node in (edge.source, edge.target)
    }
    mechanisms = {node.id for node in mechanism.nodes().values() if node.kind == "mechanism"}
    assert mechanisms <= walked


def test_every_state_has_a_table_and_a_node():
    """States, decision tables and observable nodes are the same set, each with a test that settles it."""
    observable = {node.id: node.state for node in mechanism.nodes().values() if node.state}
    assert observable == {state: state for state in tables()}
    assert all(mechanism.nodes()[state].tests for state in tables())
    assert {node.kind for node in mechanism.nodes().values() if node.state} == {"state"}


def test_finding_codes_are_the_contract_s():
    """Each finding code reports the state that the contract says."""
    assert {table.id: table.code for table in tables().values() if table.code} == FINDINGS


def test_vitamin_d_leads_to_calcium_absorption_only():
    """Vitamin D has one edge, to calcium absorption, and that one leads to hypocalcemia alone."""
    out = {(edge.source, edge.target) for edge in mechanism.edges()}
    low = ("vitamin_d_deficiency", "vitamin_d_insufficiency")
    assert {end for start, end in out if start in low} == {"reduced_calcium_absorption"}
    assert {end for start, end in out if start == "reduced_calcium_absorption"} == {"hypocalcemia"}


def test_every_vitamin_d_pathway_passes_hypocalcemia():
    """Every path from a vitamin D state to fasciculation leads through hypocalcemia and is indirect."""
    for state in ("vitamin_d_deficiency", "vitamin_d_insufficiency"):
        assert mechanism.paths(state)
        for path in mechanism.paths(state):
            assert "hypocalcemia" in mechanism.states_on(path)
            assert mechanism.is_indirect(path)


def test_homocysteine_leads_nowhere():
    """Raised homocysteine is a marker: no edge starts from it."""
    assert not [edge for edge in mechanism.edges() if edge.source == "hyperhomocysteinemia"]


def test_excess_has_no_pathway():
    """No pathway to fasciculation starts from an excess state."""
    excess = ("magnesium_excess", "hypercalcemia", "vitamin_d_excess", "vitamin_b12_elevated")
    assert not any(mechanism.paths(state) for state in excess)


def test_the_vitamin_b12_chain_says_that_it_is_weakly_evidenced():
    """Each pathway of vitamin B12 is weak and says so."""
    (finding,) = reason(pattern(vitamin_b12="low")).findings
    assert {pathway.strength for pathway in finding.pathways} == {"weak"}
    assert all("biologically plausible, weakly evidenced" in pathway.explanation for pathway in finding.pathways)
    assert "weakly evidenced" in finding.explanation


def test_tables_name_only_what_exists():
    """Caveats, suggestions, symptoms and path sources of the tables exist."""
    symptoms = {item["id"] for item in _data_of("symptoms")["symptom"]}
    for table in tables().values():
        assert set(table.symptoms + table.severe_symptoms) <= symptoms
        assert set(table.paths_from) <= tables().keys()
        for row in table.rows:
            assert set(row.caveats) <= caveats().keys()
            assert set(row.suggest) <= ANALYTES
            assert row.when.keys() <= set(table.inputs)
    for remark in remarks():
        assert set(remark.caveats) <= caveats().keys()
        assert set(remark.suggest) <= ANALYTES
        assert remark.states <= tables().keys()
        assert set(remark.status) <= tables().keys()
        assert set(remark.level) <= {*SLOTS, *CONTEXTS, "calcium_other"}
        assert remark.caveats or remark.suggest
        assert remark.states or remark.report


def test_every_caveat_is_used():
    """No caveat is written that nothing refers to."""
    used = {key for table in tables().values() for row in table.rows for key in row.caveats}
    used |= {key for remark in remarks() for key in remark.caveats}
    assert caveats().keys() - used == {"implausible_result"}


def test_every_analyte_has_its_test_described():
    """Each slot but the computed one is a test that can be explained."""
    assert {item["id"] for item in _data_of("guidance")["test"]} == ANALYTES


def test_codings_are_hpo_terms():
    """Every coding is an HPO term by id and name."""
    found = [item for name in sources.FILES for each in _dicts(_data_of(name)) for item in each.get("codings", ())]
    assert len(found) > 15
    assert all(re.fullmatch(r"HP:\d{7}", item["code"]) and item["display"] for item in found)


def test_no_doses():
    """The knowledge names no dose of anything."""
    text = "".join(
        _data.knowledge_path(f"{name}.toml").read_text(encoding="utf-8") for name in ("guidance", "symptoms")
    )
    assert not re.search(r"\d\s*(mg|µg|ug|mcg|IU|units?|tablets?)\b", text)


def test_guidance_is_complete():
    """Every report carries summary, disclaimer, advice, everyday triggers, other causes and a place to read more."""
    said = guidance()
    assert "only indirectly, through calcium" in said.summary
    assert "no diagnosis" in said.disclaimer
    assert any("clinician" in text and "persists" in text for text in said.advice)
    assert set(said.benign_triggers) == {"stress", "caffeine", "fatigue", "exercise"}
    assert len(said.differential) >= 5
    assert any("National Institute of Neurological Disorders and Stroke" in text for text in said.resources)


def test_method_notes_come_where_limits_depend_on_the_assay():
    """A note on the assay is given for the analytes that need one, and each once."""
    assert len(method_notes(("vitamin_b12", "homocysteine", "vitamin_b12", None))) == 2
    assert method_notes(()) == ()


# --- the source document, claim by claim ---------------------------------------------------------------------------


def test_every_claim_is_there():
    """All claims of the source document are held, in its order, in our words, with it as their source."""
    assert list(claims()) == CLAIMS
    assert all(claim.statement and claim.shows for claim in claims().values())
    assert {source.id for claim in claims().values() for source in claim.citations} == {"understanding-fasciculations"}


def _resolve(place: str) -> bool:
    kind, _, rest = place.partition(":")
    told, said = _data_of("symptoms"), _data_of("guidance")
    if kind in ("symptom", "severe"):
        state, _, symptom = rest.partition("/")
        table = tables()[state]
        return symptom in (table.symptoms if kind == "symptom" else table.severe_symptoms)
    if kind in ("edge", "noedge"):
        start, _, end = rest.partition(">")
        there = any((edge.source, edge.target) == (start, end) for edge in mechanism.edges())
        return there == (kind == "edge") and {start, end} <= mechanism.nodes().keys()
    places = {
        "node": mechanism.nodes(),
        "caveat": caveats(),
        "test": ANALYTES,
        "trigger": {item["id"] for item in told["trigger"]},
        "course": {item["id"] for item in told["course"]},
        "concordance": {state for item in told["concordance"] for state in item["states"]},
        "guidance": said.keys() & {"summary", "disclaimer"},
        "advice": {item["id"] for item in said["advice"]},
        "differential": {item["id"] for item in said["differential"]},
        "resource": {item["id"] for item in said["resource"]},
    }
    return rest in places[kind]


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_shows_where_it_says(claim):
    """Each place that a claim names exists."""
    assert [place for place in claims()[claim].shows if not _resolve(place)] == []


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_can_be_reached(claim):
    """A reader meets each claim by `explain`, or in the guidance that every report carries."""
    in_report = ("guidance", "advice", "differential", "resource")
    shows = claims()[claim].shows
    explained = any(claim in {each.id for each in explain(node).claims} for node in nodes() if node != claim)
    assert explained or any(place.partition(":")[0] in in_report for place in shows)
    assert explain(claim).text == claims()[claim].statement


def test_twitching_alone_is_said_to_be_unusual_in_vitamin_b12_deficiency():
    """Claim B4 shows in a finding: twitching alone lowers concordance, a broader picture raises it."""
    found = reason(pattern(vitamin_b12="low")).findings
    (alone,) = with_presentation(found, Presentation(symptoms=("fasciculation",)))
    (broad,) = with_presentation(found, Presentation(symptoms=("fasciculation", "balance_problems", "fatigue")))
    assert any("unusual" in caveat for caveat in alone.caveats)
    assert not any("unusual" in caveat for caveat in broad.caveats)
    assert any("broader picture" in caveat for caveat in broad.caveats)
    assert broad.matched_symptoms == ("fatigue", "balance_problems")


# --- versions ------------------------------------------------------------------------------------------------------


def test_version_and_hash_identify_the_knowledge():
    """The knowledge has a version of its own and a hash over all its files."""
    assert re.fullmatch(r"\d{4}\.\d{1,2}\.\d+", knowledge_version())
    assert re.fullmatch(r"[0-9a-f]{64}", knowledge_sha256())


def test_hash_follows_the_content(tmp_path, monkeypatch):
    """A changed file changes the hash; line ends do not."""
    (tmp_path / "a.toml").write_bytes(b"a = 1\n")
    monkeypatch.setattr(_data, "knowledge_path", lambda name: tmp_path / name)
    hashes = []
    for content in (b"a = 1\n", b"a = 1\r\n", b"a = 2\n"):
        (tmp_path / "a.toml").write_bytes(content)
        hashes.append(knowledge_sha256.__wrapped__())
    assert hashes[0] == hashes[1] != hashes[2]
