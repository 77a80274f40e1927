"""What stands around the findings: guidance for every report, and what the patient tells."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.arguments import checked_instance
from labinterp.codes import SEVERITIES
from labinterp.errors import PresentationError
from labinterp.frozen import FrozenMap
from labinterp.model import Finding, Guidance, Pathway, Presentation
from labinterp.reading.demographics import is_missing
from labinterp.reasoning import graph, knowledge
from labinterp.reasoning.engine import Reasoned, rank, reason
from labinterp.reasoning.tables import tables
from labinterp.words import problems, titles
from labinterp.words.sentences import capital, listed, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_LONGEST_KEY = 64
_LONGEST_LIST = 4096
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
    return _method_notes(frozenset(analytes))


@functools.lru_cache(maxsize=1024)
def _method_notes(analytes: frozenset[str | None]) -> tuple[str, ...]:
    return tuple(item["text"] for item in knowledge.read("guidance")["method_note"] if item["analyte"] in analytes)


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
    named = said("list")["comma"].join(map(titles.test, tests))
    return (said("note")["next"].format(tests=named, why=" ".join(why)).rstrip(),)


def unjudged_notes(results: Iterable[tuple[str, str | None, Sequence[str]]]) -> tuple[str, ...]:
    """Return which results could not be judged and why.

    Args:
        results: analyte, the code of the problem or nothing where the result has no side of its limits, and its notes.

    Example:
        >>> unjudged_notes([("magnesium", "missing_unit", ())])
        ('Serum magnesium was sent and could not be judged: the result has no unit, and a unit is never guessed.',)
    """
    notes = []
    for analyte, code, noted in results:
        why = None if code is None else problems.why_missing(code, noted)
        reason = said("note")["undecided"] if code is None else problems.message(code, why)
        notes.append(said("note")["unjudged"].format(test=capital(titles.test(analyte)), reason=reason))
    return tuple(dict.fromkeys(notes))


@functools.cache
def _keys(kind: str) -> Mapping[str, str]:
    """Return every understood spelling of the keys of a kind → the key."""
    items = knowledge.read("symptoms")[kind]
    return {spelling: item["id"] for item in items for spelling in (item["id"], *item["aliases"])}


def _known(kind: str) -> tuple[str, ...]:
    return tuple(item["id"] for item in knowledge.read("symptoms")[kind])


def _key(field: str, value: object) -> str | None:
    if not isinstance(value, str) or len(value) > _LONGEST_KEY:
        return None
    return _keys(_PLACES[field]).get("_".join(value.casefold().replace("-", " ").replace("_", " ").split()))


def _checked(field: str, value: object) -> str:
    key = _key(field, value)
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


def read_presentation(symptoms: Any, triggers: Any, course: Any) -> tuple[Presentation | None, bool]:
    """Read what a row of a table tells; return it, or nothing where it tells nothing, and whether some is not known.

    Args:
        symptoms: a text divided by `;`, or a list of texts.
        triggers: the same.
        course: the same; of several the furthest counts.

    Example:
        >>> read_presentation("numbness; pins and needles", None, None)[0].symptoms
        ('numbness', 'tingling')
    """
    found: dict[str, tuple[str, ...]] = {}
    unread = False
    for field, told in zip(_PLACES, (symptoms, triggers, course), strict=True):
        keys = [_key(field, text) for text in _told_texts(told)]
        unread |= None in keys
        found[field] = tuple(dict.fromkeys([key for key in keys if key is not None]))
    if not any(found.values()):
        return None, unread
    return Presentation(found["symptoms"], found["triggers"], _furthest(found["course"])), unread


def told_together(presentations: Iterable[Presentation | None]) -> Presentation | None:
    """Return what several rows tell of one patient, in the knowledge's order; nothing where none tells anything.

    Example:
        >>> told_together([Presentation(("tingling",)), None, Presentation(("numbness",))]).symptoms
        ('numbness', 'tingling')
    """
    told = [each for each in presentations if each is not None]
    if not told:
        return None
    symptoms, triggers = {s for each in told for s in each.symptoms}, {t for each in told for t in each.triggers}
    return Presentation(
        tuple(key for key in _known("symptom") if key in symptoms),
        tuple(key for key in _known("trigger") if key in triggers),
        _furthest([each.course for each in told if each.course is not None]),
    )


def _furthest(courses: Iterable[str]) -> str | None:
    return max(courses, key=_known("course").index, default=None)


def _told_texts(told: Any) -> list[str]:
    if isinstance(told, str):
        return [text for text in told[:_LONGEST_LIST].split(";") if text.strip()]
    if isinstance(told, list | tuple | set | frozenset) or hasattr(told, "tolist"):
        return [str(item) for item in (told.tolist() if hasattr(told, "tolist") else told)]
    return [] if is_missing(told) else [str(told)]


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
    does not; where twitching is named, the last step of every pathway is confirmed. A symptom of severe cases, such as
    tetany, makes a finding severe whatever its figure: low calcium that shows itself so needs treatment at once (Turner
    2016). The findings are ordered anew.

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
    return tuple(sorted((_told(finding, told) for finding in findings), key=rank))


@functools.lru_cache(maxsize=1 << 12)
def reason_told(pattern: tuple[int, ...], told: Presentation | None) -> Reasoned:
    """Return what a panel comes to where the patient tells something; see `reason`.

    Args:
        pattern: as `reason` takes it.
        told: what the patient tells, or nothing.

    Example:
        >>> from labinterp.reasoning import LEVELS, SLOTS
        >>> low = tuple(1 + LEVELS.index("low") if slot == "magnesium" else 0 for slot in SLOTS)
        >>> reason_told(low, Presentation(("cramps",))).findings[0].matched_symptoms
        ('cramps',)
    """
    reasoned = reason(pattern)
    return reasoned if told is None else attrs.evolve(reasoned, findings=with_presentation(reasoned.findings, told))


def _told(finding: Finding, told: Presentation) -> Finding:
    symptoms = frozenset(told.symptoms)
    severe = tuple(key for key in tables()[finding.state].severe_symptoms if key in symptoms)
    accompanying = tuple(dict.fromkeys((*finding.accompanying_symptoms, *severe)))
    matched = tuple(symptom for symptom in accompanying if symptom in symptoms)
    added = (
        rule["caveat"]
        for rule in knowledge.read("symptoms")["concordance"]
        if finding.state in rule["states"] and symptoms.issuperset(rule["named"]) and bool(matched) == rule["matched"]
    )
    pathways = finding.pathways
    if graph.target() in symptoms:
        pathways = tuple(_confirmed(pathway) for pathway in pathways)
    return attrs.evolve(
        finding,
        severity=SEVERITIES[-1] if severe else finding.severity,
        accompanying_symptoms=accompanying,
        matched_symptoms=matched,
        caveats=(*finding.caveats, *added),
        pathways=pathways,
        explanation=" ".join((finding.explanation, *_said(matched, told, twitching=bool(pathways)))),
    )


def _said(matched: Sequence[str], told: Presentation, *, twitching: bool) -> Iterable[str]:
    """Say what was told that bears on a finding; course and triggers bear on those that can cause twitching."""
    phrases = said("told")
    if matched:
        yield phrases["matched"].format(titles=listed(_titles("symptom", matched)))
    if twitching and told.triggers:
        yield phrases["triggers"].format(titles=listed(_titles("trigger", told.triggers)))
    if twitching and told.course is not None:
        yield phrases["course"].format(title=_titles("course", (told.course,))[0])


def _titles(kind: str, keys: Iterable[str]) -> list[str]:
    named = {item["id"]: item["title"] for item in knowledge.read("symptoms")[kind]}
    return [named[key] for key in keys]


@functools.lru_cache(maxsize=1024)
def _confirmed(pathway: Pathway) -> Pathway:
    *steps, last = pathway.steps
    return attrs.evolve(pathway, steps=(*steps, attrs.evolve(last, observation="confirmed")))
