"""What stands around the findings: guidance for every report, and what the patient tells."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.arguments import checked_instance
from labinterp.codes import PROBLEM_TEXTS
from labinterp.errors import PresentationError
from labinterp.frozen import FrozenMap
from labinterp.model import Finding, Guidance, Pathway, Presentation
from labinterp.reasoning import graph, knowledge, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_LONGEST_KEY = 64
_PLACES = {"symptoms": "symptom", "triggers": "trigger", "course": "course"}


@functools.cache
def guidance(*, severe: bool = False) -> Guidance:
    """Return what belongs to every report.

    Args:
        severe: whether the report has a severe finding, beneath which nothing is called benign.

    Example:
        >>> sorted(guidance().benign_triggers)
        ['caffeine', 'exercise', 'fatigue', 'stress']
    """
    data = knowledge.read("guidance")
    return Guidance(
        summary=data["summary"]["text"],
        disclaimer=data["disclaimer"]["text"],
        advice=tuple(item["text"] for item in data["advice"] if not (severe and item.get("unless_severe", False))),
        benign_triggers=FrozenMap({item["id"]: item["text"] for item in knowledge.read("symptoms")["trigger"]}),
        differential=tuple(item["text"] for item in data["differential"]),
        resources=tuple(item["text"] for item in data["resource"]),
    )


def method_notes(analytes: Iterable[str | None]) -> tuple[str, ...]:
    """Return what to know of results whose assay is not known, for the analytes where that matters.

    Example:
        >>> len(method_notes({"vitamin_b12"})), method_notes({"magnesium"})
        (1, ())
    """
    wanted = frozenset(analytes)
    return tuple(item["text"] for item in knowledge.read("guidance")["method_note"] if item["analyte"] in wanted)


def next_notes(tests: Sequence[str], why: Iterable[str]) -> tuple[str, ...]:
    """Return what to measure next and why, in one note, or nothing where no question about twitching is open.

    Args:
        tests: `Reasoned.next_tests`.
        why: `Reasoned.next_why`.

    Example:
        >>> next_notes(("albumin",), ("It tells.",))
        ('Measure next, most useful first: albumin. It tells.',)
    """
    if not tests:
        return ()
    titles = ", ".join(wording.test_titles()[test] for test in tests)
    return (knowledge.read("guidance")["sentence"]["next"].format(tests=titles, why=" ".join(why)).rstrip(),)


def unjudged_notes(reasons: Iterable[tuple[str, str | None]]) -> tuple[str, ...]:
    """Return which results could not be judged and why.

    Args:
        reasons: analyte and the code of the problem, or nothing where the result has no side of its limits.

    Example:
        >>> unjudged_notes([("magnesium", "missing_unit")])
        ('Serum magnesium was sent and could not be judged: the result has no unit, and a unit is never guessed.',)
    """
    said = knowledge.read("guidance")["sentence"]
    notes = []
    for analyte, code in reasons:
        reason = said["undecided"] if code is None else PROBLEM_TEXTS[code][0]
        notes.append(said["unjudged"].format(test=wording.sentence(wording.test_titles()[analyte]), reason=reason))
    return tuple(dict.fromkeys(notes))


@functools.cache
def _keys(kind: str) -> Mapping[str, str]:
    """Return every understood spelling of the keys of a kind → the key."""
    items = knowledge.read("symptoms")[kind]
    return {spelling: item["id"] for item in items for spelling in (item["id"], *item["aliases"])}


def _known(kind: str) -> tuple[str, ...]:
    return tuple(item["id"] for item in knowledge.read("symptoms")[kind])


def _checked(field: str, value: object) -> str:
    keys = _keys(_PLACES[field])
    if isinstance(value, str) and len(value) <= _LONGEST_KEY:
        key = keys.get("_".join(value.casefold().replace("-", " ").replace("_", " ").split()))
        if key is not None:
            return key
    raise PresentationError.from_field(field, _known(_PLACES[field]))


def checked(presentation: Presentation) -> Presentation:
    """Return a presentation in which every key is one of ours and stands once.

    Raises:
        PresentationError: if a key is not known; the message lists the known ones and never the text given.

    Example:
        >>> checked(Presentation(symptoms=("Pins and needles",))).symptoms
        ('tingling',)
    """
    course = checked_instance(presentation, Presentation, "presentation").course
    return Presentation(
        _all_checked("symptoms", presentation.symptoms),
        _all_checked("triggers", presentation.triggers),
        None if course is None else _checked("course", course),
    )


def _all_checked(field: str, values: Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([_checked(field, value) for value in values]))


def presentation_notes(presentation: Presentation | None) -> tuple[str, ...]:
    """Return what a presentation adds to the report as a whole, whatever its findings.

    Raises:
        PresentationError: if a key is not known.

    Example:
        >>> len(presentation_notes(Presentation(course="persistent")))
        1
    """
    if presentation is None:
        return ()
    told = checked(presentation)
    rules = knowledge.read("symptoms")["presentation_note"]
    return tuple(rule["note"] for rule in rules if _speaks(rule, told))


def _speaks(rule: Mapping[str, Any], told: Presentation) -> bool:
    symptoms = frozenset(told.symptoms)
    return (
        symptoms.issuperset(rule.get("symptoms_all", ()))
        and ("symptoms_any" not in rule or not symptoms.isdisjoint(rule["symptoms_any"]))
        and ("triggers_any" not in rule or not frozenset(told.triggers).isdisjoint(rule["triggers_any"]))
        and ("course_any" not in rule or told.course in rule["course_any"])
    )


def with_presentation(findings: Iterable[Finding], presentation: Presentation) -> tuple[Finding, ...]:
    """Return findings that know what the patient tells.

    Accompanying symptoms that the presentation names become `matched_symptoms`; a caveat says where the picture fits or
    does not; where twitching is named, the last step of every pathway is confirmed.

    Raises:
        PresentationError: if a key is not known.

    Example:
        >>> from labinterp.reasoning import LEVELS, SLOTS, reason
        >>> low = 1 + LEVELS.index("low")
        >>> found = reason(tuple(low if slot == "vitamin_b12" else 0 for slot in SLOTS)).findings
        >>> with_presentation(found, Presentation(symptoms=("tingling",)))[0].matched_symptoms
        ('tingling',)
    """
    told = checked(presentation)
    return tuple(_told(finding, told) for finding in findings)


def _told(finding: Finding, told: Presentation) -> Finding:
    symptoms = frozenset(told.symptoms)
    matched = tuple(symptom for symptom in finding.accompanying_symptoms if symptom in symptoms)
    added = (
        rule["caveat"]
        for rule in knowledge.read("symptoms")["concordance"]
        if finding.state in rule["states"] and symptoms.issuperset(rule["named"]) and bool(matched) == rule["matched"]
    )
    pathways = finding.pathways
    if graph.target() in symptoms:
        pathways = tuple(_confirmed(pathway) for pathway in pathways)
    return attrs.evolve(finding, matched_symptoms=matched, caveats=(*finding.caveats, *added), pathways=pathways)


@functools.lru_cache(maxsize=1024)
def _confirmed(pathway: Pathway) -> Pathway:
    *steps, last = pathway.steps
    return attrs.evolve(pathway, steps=(*steps, attrs.evolve(last, observation="confirmed")))
