"""Presentations and explanations."""

from __future__ import annotations

import pickle

import attrs
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.errors import LabInterpError, PresentationError, UnknownNodeError
from labinterp.model import Presentation
from labinterp.reasoning import (
    SLOTS,
    checked,
    explain,
    graph,
    nodes,
    presentation_notes,
    reason,
    with_presentation,
    wording,
)
from labinterp.reasoning.tables import tables
from reasoning_panels import pattern

TOLD = "Jane Doe, MRN 12345"


def test_named_symptoms_are_matched_in_the_finding_s_order():
    """Accompanying symptoms that the patient names are matched; others are not."""
    findings = reason(pattern(magnesium="low")).findings
    told = Presentation(symptoms=("cramps", "bone_pain", "Muscle weakness"))
    assert with_presentation(findings, told)[0].matched_symptoms == ("weakness", "cramps")


def test_named_twitching_confirms_the_end_of_every_pathway():
    """Fasciculation is unmeasured until the patient names it."""
    findings = reason(pattern(magnesium="low")).findings
    assert {pathway.steps[-1].observation for pathway in findings[0].pathways} == {"unmeasured"}
    (told,) = with_presentation(findings, Presentation(symptoms=("twitching",)))
    assert {pathway.steps[-1].observation for pathway in told.pathways} == {"confirmed"}
    assert [pathway.support for pathway in told.pathways] == [pathway.support for pathway in findings[0].pathways]


def test_an_empty_presentation_changes_nothing():
    """No symptoms named, nothing said."""
    findings = reason(pattern(magnesium="low", vitamin_b12="low")).findings
    assert with_presentation(findings, Presentation()) == findings


@pytest.mark.parametrize(
    "presentation",
    [Presentation(symptoms=(TOLD,)), Presentation(triggers=(TOLD,)), Presentation(course=TOLD)],
    ids=["symptoms", "triggers", "course"],
)
def test_an_unknown_key_is_refused_without_repeating_it(presentation):
    """The error lists the keys that are known and never the patient's text; it is a ValueError and pickles."""
    for call in (checked, presentation_notes, lambda told: with_presentation((), told)):
        with pytest.raises(PresentationError) as caught:
            call(presentation)
        error = caught.value
        assert isinstance(error, ValueError)
        assert isinstance(error, LabInterpError)
        assert "Jane" not in str(error) + repr(error)
        assert error.known
        assert error.known[0] in str(error)
        assert pickle.loads(pickle.dumps(error)).known == error.known  # noqa: S301


@settings(max_examples=100)
@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text())))
def test_junk_in_a_presentation_is_one_kind_of_error(junk):
    """Whatever stands among the symptoms either is a key or raises PresentationError."""
    try:
        told = checked(Presentation(symptoms=(junk,)))
    except PresentationError:
        return
    assert told.symptoms[0] in nodes()


def test_spellings_come_to_keys():
    """Spaces, hyphens, case and the listed aliases are understood; a key stands once."""
    told = checked(Presentation(("Bone pain", "bone-pain", "pins and needles"), ("Coffee",), "Persistent"))
    assert told == Presentation(("bone_pain", "tingling"), ("caffeine",), "persistent")


def test_persistent_twitching_is_sent_to_a_clinician():
    """Course, weakness and triggers add what every such report should say, findings or none."""
    assert presentation_notes(None) == presentation_notes(Presentation()) == ()
    assert any("clinician" in note for note in presentation_notes(Presentation(course="widespread")))
    weak = presentation_notes(Presentation(symptoms=("fasciculation", "weakness")))
    assert any("neurological examination" in note for note in weak)
    assert any("everyday trigger" in note for note in presentation_notes(Presentation(triggers=("exercise",))))


def test_severe_levels_bring_their_symptoms():
    """Tetany is named for very low calcium and magnesium only."""
    for slot in ("calcium_ionized", "magnesium"):
        low, very_low = (reason(pattern(**{slot: level})).findings[0] for level in ("low", "very_low"))
        assert "tetany" not in low.accompanying_symptoms
        assert "tetany" in very_low.accompanying_symptoms
        assert very_low.severity == "high"


def test_everything_can_be_explained():
    """States, findings, analytes, symptoms, triggers, courses, claims and caveats have a title, a text and sources."""
    for name in nodes():
        explanation = explain(name)
        assert explanation.title
        assert explanation.text
        assert explanation.citations
    known = set(nodes())
    assert known >= set(SLOTS) - {"calcium_computed"}
    assert known >= {*tables(), *(table.code for table in tables().values() if table.code)}
    assert known >= {"F1", "X3", "fasciculation", "tetany", "stress", "persistent", "caveat:edta"}


def test_related_keys_can_be_explained_in_turn():
    """A state's tests and symptoms, and what an analyte settles, are keys themselves."""
    for name in nodes():
        explanation = explain(name)
        assert set(explanation.tests) <= set(nodes())
        assert set(explanation.symptoms) <= set(nodes())
        if explanation.kind == "analyte":
            assert set(explanation.related) <= set(nodes())


def test_a_finding_code_explains_its_state():
    """A finding is explained by the state that it reports, with edges in and out."""
    explanation = explain("hypocalcemia")
    assert explain("hypomagnesemia") == explain("magnesium_deficiency")
    assert {edge.source for edge in explanation.incoming} == {
        "parathyroid_impairment",
        "reduced_calcium_absorption",
        "phosphate_retention",
        "hypoparathyroidism",
    }
    assert {"C1", "C2", "C3"} <= {claim.id for claim in explanation.claims}


@pytest.mark.parametrize("name", ["", "nonsense", None, 7, "homocystine"])
def test_what_is_unknown_is_refused(name):
    """An unknown name is an UnknownNodeError, a LookupError, that knows what could have been asked."""
    with pytest.raises(UnknownNodeError) as caught:
        explain(name)
    assert "hypocalcemia" in caught.value.known


@pytest.mark.parametrize(("test", "value"), [("calcium_ionized", 1.10), ("magnesium", 0.6)])
def test_tetany_makes_low_calcium_and_magnesium_severe(test, value):
    """Low calcium or magnesium that shows itself as tetany is severe whatever its figure, in reports and in frames."""
    told = li.Presentation(symptoms=("tetany",))
    report = li.interpret([li.LabResult(test, value, "mmol/L")], li.Patient(age=50), presentation=told)
    first = report.findings[0]
    assert (first.severity, first.matched_symptoms) == ("high", ("tetany",))
    plain = li.interpret([li.LabResult(test, value, "mmol/L")], li.Patient(age=50)).findings[0]
    assert plain.severity == "moderate"
    frame = pd.DataFrame([{"test": test, "value": value, "unit": "mmol/L", "age": 50, "symptoms": "tetany"}])
    assert li.interpret_frame(frame).findings["severity"].tolist() == [found.severity for found in report.findings]


def test_a_told_symptom_of_another_kind_is_noted():
    """A number in the place of symptoms is told and not known; an empty cell tells nothing."""
    row = {"test": "magnesium", "value": 0.5, "unit": "mmol/L", "age": 50}
    table = pd.DataFrame([{**row, "symptoms": 7}, {**row, "symptoms": None}, {**row, "symptoms": ["cramps"]}])
    notes = li.interpret_frame(table, panel="patient").results["notes"]
    assert ["presentation_unreadable" in str(note) for note in notes] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("twitching", "fasciculation"),
        ("hypocalcaemia", "hypocalcemia"),
        ("HYPOCALCEMIA", "hypocalcemia"),
        ("vitamin d", "vitamin_d"),
        ("Serum Magnesium", "magnesium"),
        ("vitamin d deficiency", "vitamin_d_deficiency"),
    ],
)
def test_a_name_is_explained_in_other_spellings(name, key):
    """What people type is explained: another spelling, other words, a test by any of its names."""
    assert explain(name) == explain(key)


def test_walks_meet_no_node_twice(monkeypatch):
    """A pathway is a simple path even where the mechanisms lead back to where they came from."""
    edge = graph.edges()[0]
    there = attrs.evolve(edge, source="a", target="b")
    back, on = attrs.evolve(edge, source="b", target="a"), attrs.evolve(edge, source="b", target=graph.target())
    monkeypatch.setattr(graph, "_outgoing", lambda: {"a": (there,), "b": (back, on)})
    assert list(graph._walk("a", (), frozenset("a"))) == [(there, on)]


def test_a_finding_with_one_pathway_names_what_lies_on_it():
    """A finding that has a single pathway says through which states it leads, and what supports it."""
    levels = {"vitamin_d": "low", "calcium_ionized": "low"}
    reasoned = reason(pattern(**levels))
    finding = next(each for each in reasoned.findings if each.code == "vitamin-d-deficiency")
    words = {"reason": "It is so.", "upstream": (), "statuses": dict(reasoned.states), "tests": ()}
    through, direct = (
        wording.of_finding(tables()[state], "present", pathways=each.pathways[:1], **words)
        for state, each in (("vitamin_d_deficiency", finding), ("hypocalcemia", _of(reasoned, "hypocalcemia")))
    )
    assert "hypocalcemia" in through.lower().removeprefix("vitamin d deficiency is present. it is so.")
    assert "through" not in direct


def _of(reasoned, code):
    return next(each for each in reasoned.findings if each.code == code)


def test_symptoms_of_a_row_may_be_a_list():
    """Rows as `to_dict` gives them tell symptoms as lists or as one text, which come to the same."""
    row = {"test": "magnesium", "value": 0.5, "unit": "mmol/L", "age": 50}
    told = [
        li.interpret([{**row, "symptoms": symptoms}]).findings[0].matched_symptoms
        for symptoms in (
            ["cramps", "numbness"],
            ("cramps", "numbness"),
            "cramps;numbness",
            pd.array(["cramps", "numbness"]),
        )
    ]
    assert told[0]
    assert len(set(told)) == 1
