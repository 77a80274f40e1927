"""The face for Python objects: results and a patient in, a report out."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from labinterp import reasoning
from labinterp._version import __version__
from labinterp.arguments import checked_flag, checked_instance, checked_number, checked_text, checked_texts
from labinterp.codes import (
    GRADE_NOTE,
    NO_AGE_SUGGESTION,
    NO_RANGE_REASONS,
    NOTE_BIT,
    PROBLEM_TEXTS,
    notes_of_bits,
)
from labinterp.errors import InputError, LabInterpError
from labinterp.frozen import frozen
from labinterp.kernel import panel as slots
from labinterp.kernel import scalar
from labinterp.kernel.session import Session
from labinterp.model import (
    EditionRef,
    Evidence,
    Finding,
    Interpretation,
    LabResult,
    Patient,
    Presentation,
    Problem,
    Provenance,
    Report,
)
from labinterp.ranges import ReferenceSet, reference_set
from labinterp.ranges import grading as grading_edition
from labinterp.reading import values
from labinterp.reading.demographics import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.kernel.plan import Plan


def interpret(
    results: Iterable[LabResult],
    patient: Patient | None = None,
    *,
    ranges: Any = "us",
    grading: str | None = None,
    presentation: Presentation | None = None,
    reported_ranges: bool = True,
    assume_adult: bool = False,
    decimal: str | None = None,
    default_units: Mapping[str, str] | None = None,
    reference_albumin: float | None = None,
    on_problem: str = "collect",
) -> Report:
    """Interpret the results of one patient and trace what is low or high to the twitching that it can cause.

    Pure and thread-safe: no network, no global state. One interpretation per result, in input order; where an analyte
    occurs more than once, the latest result by `collected_at` counts for the findings, and of equals the last one.

    Args:
        results: what the laboratory sent.
        patient: what is known of the patient; what is unknown stays unknown.
        ranges: a profile (`"us"`, `"uk"`, `"us@2020-01-01"`), an edition id, a path to a TOML file, a `ReferenceSet`,
            or a list of these in order of priority; `[]` for none.
        grading: `"ctcae/5.0"`, `"ctcae/6.0"`, `"daids/2.1"`, … adds a grade from 0 to 4.
        presentation: symptoms, benign triggers and course.
        reported_ranges: whether a range that came with a result wins over the editions.
        assume_adult: apply adult ranges where the age is unknown.
        decimal: `","` or `"."`, where `1,234` could be read in two ways.
        default_units: analyte key → unit, for results without one.
        reference_albumin: albumin in g/L at which calcium is not adjusted; 40 by default.
        on_problem: `"collect"`, or `"raise"` to raise the first problem as an exception.

    Raises:
        ReferenceSetNotFound: if `ranges` or `grading` names nothing that exists.
        ReferenceSetError: if a file of ranges has faults.
        LabInterpError: with `on_problem="raise"`, the fitting child for the first problem.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret(
        ...     [li.LabResult("magnesium", "1,1", "mg/dL"), li.LabResult("17861-6", 9.4, "mg/dL")],
        ...     li.Patient(age=54, sex="female"),
        ... )
        >>> [(finding.code, finding.status) for finding in report.findings]
        [('hypomagnesemia', 'present')]
    """
    if checked_text(on_problem, "on_problem") not in ("collect", "raise"):
        raise InputError("on_problem is neither 'collect' nor 'raise'", hint="Leave it out, or use one of the two")
    session = session_for(ranges, grading, reported_ranges, assume_adult, default_units)
    reference_albumin = checked_albumin(reference_albumin)
    adjustment = slots.adjustment(reference_albumin)
    values.check_decimal(decimal)
    patient = Patient() if patient is None else checked_instance(patient, Patient, "patient")
    results = tuple(checked_instance(result, LabResult, f"results[{i}]") for i, result in enumerate(_each(results)))
    person = scalar.Person(patient, session)
    readings = [scalar.read(result, person, session, decimal) for result in results]
    chosen = scalar.choose(readings, results)
    pattern, computed = scalar.pattern_of(readings, chosen, session, adjustment)
    for reading, result in zip(readings, results, strict=True):
        if scalar.flag_disagrees(reading, result):
            reading.notes |= NOTE_BIT["flag_disagrees"]
    problems = tuple(_problem(reading, i) for i, reading in enumerate(readings) if reading.problem is not None)
    if problems and on_problem == "raise":
        raise _exception(problems[0], readings[problems[0].result_index])
    reasoned = reasoning.reason(pattern)
    findings = tuple(_with_evidence(finding, readings, chosen, computed) for finding in reasoned.findings)
    if presentation is not None:
        findings = reasoning.with_presentation(findings, presentation)
    return Report(
        tuple(map(_interpretation, readings, results)),
        findings,
        reasoned.states,
        problems,
        provenance_of(session, decimal, reference_albumin),
        patient,
        presentation,
        reasoning.guidance(),
        (*_report_notes(readings, results, session), *reasoning.presentation_notes(presentation)),
    )


@functools.lru_cache(maxsize=64)
def _session(
    ranges: ReferenceSet, grading: str | None, reported: bool, adult: bool, units: tuple[tuple[str, str], ...]
) -> Session:
    return Session(
        ranges,
        None if grading is None else grading_edition(grading),
        reported_ranges=reported,
        assume_adult=adult,
        default_units=dict(units),
    )


def session_for(
    ranges: Any, grading: str | None, reported_ranges: bool, assume_adult: bool, default_units: Mapping[str, str] | None
) -> Session:
    """Return the session for these choices; sessions are kept, and files of ranges are read anew each time."""
    return _session(
        resolve_ranges(ranges),
        checked_text(grading, "grading"),
        checked_flag(reported_ranges, "reported_ranges"),
        checked_flag(assume_adult, "assume_adult"),
        tuple(sorted(checked_texts(default_units, "default_units").items())),
    )


def _each(results: Any) -> Iterable[Any]:
    """Return what can be gone through as results; a text, a table or a lone result cannot."""
    if isinstance(results, str | bytes | bytearray | Mapping | LabResult) or not isinstance(results, Iterable):
        raise TypeError("results is no list of LabResult")
    return results


def resolve_ranges(ranges: Any) -> ReferenceSet:
    """Return the reference set that `ranges` names."""
    if isinstance(ranges, ReferenceSet):
        return ranges
    if isinstance(ranges, str) and not ranges.endswith(".toml"):
        return _shipped(ranges)
    return reference_set(ranges)


_shipped = functools.lru_cache(maxsize=64)(reference_set)


def checked_albumin(reference: float | None) -> float | None:
    """Return a reference albumin in g/L that can be one.

    Raises:
        InputError: if it is outside 10 to 100, as 4.0 in g/dL would be.
    """
    if reference is None:
        return None
    number = checked_number(reference, "reference_albumin")
    if not 10 <= number <= 100:  # noqa: PLR2004 - tells g/L from g/dL
        raise InputError("reference_albumin is not an albumin in g/L", hint="Give g/L, such as 40 for 4.0 g/dL")
    return number


def _problem(reading: scalar.Reading, index: int) -> Problem:
    code = str(reading.problem)
    message, suggestion, _ = PROBLEM_TEXTS[code]
    if code == "no_reference_range" and reading.plan is not None:
        if reading.plan.missing == "age_unknown":
            suggestion = NO_AGE_SUGGESTION
        message = no_range_message(reading.plan) or message
    return Problem(code, index, message, suggestion)


def no_range_message(plan: Plan) -> str | None:
    """Return why an edition that knows the analyte has no range of it, where it is more than a want of ranges."""
    reason = NO_RANGE_REASONS.get(plan.missing or "")
    return None if reason is None else f"{reason} ({plan.detail})"


def _exception(problem: Problem, reading: scalar.Reading) -> LabInterpError:
    kind = PROBLEM_TEXTS[problem.code][2]
    return kind(
        f"result {problem.result_index}: {problem.message}",
        hint=problem.suggestion,
        code=problem.code,
        result_index=problem.result_index,
        analyte=reading.channel.analyte,
    )


def _interpretation(reading: scalar.Reading, result: LabResult) -> Interpretation:
    channel, outcome = reading.channel, reading.outcome
    converted = reading.value is not None
    plan = None if outcome is None else reading.plan
    return Interpretation(
        result,
        channel.analyte,
        reading.comparator if converted else None,
        reading.value,
        channel.canonical_unit if converted else None,
        plan.low if plan else None,
        plan.high if plan else None,
        plan.range_id if plan else None,
        outcome.flag if outcome else None,
        outcome.level if outcome else None,
        outcome.band if outcome else None,
        reading.grade,
        reading.problem,
        notes_of_bits(reading.notes),
        reading.suspected,
    )


def _with_evidence(
    finding: Finding, readings: Sequence[scalar.Reading], chosen: Mapping[int, int], computed: scalar.Computed | None
) -> Finding:
    """Return a finding whose evidence points at the results of this panel."""
    evidence = tuple(_located(item, readings, chosen, computed) for item in finding.evidence)
    return Finding(
        finding.code,
        finding.title,
        finding.status,
        finding.severity,
        evidence,
        finding.pathways,
        finding.upstream,
        finding.suggested_tests,
        finding.caveats,
        finding.accompanying_symptoms,
        finding.matched_symptoms,
        finding.codings,
        finding.state,
        finding.explanation,
    )


def _located(
    item: Evidence, readings: Sequence[scalar.Reading], chosen: Mapping[int, int], computed: scalar.Computed | None
) -> Evidence:
    adjusted = item.basis == "adjusted_by_albumin"
    index = chosen.get(slots.CALCIUM if adjusted else slots.SLOT[item.analyte])
    if index is None:
        return item
    reading = readings[index]
    value = computed.value if adjusted and computed is not None else reading.value
    return Evidence(
        item.analyte, item.level, item.basis, index, value, reading.channel.canonical_unit, reading.comparator
    )


@functools.lru_cache(maxsize=64)
def provenance_of(session: Session, decimal: str | None, reference_albumin: float | None) -> Provenance:
    """Return versions, editions with their hashes, and the choices of a session."""
    editions = (*session.ranges.editions, *(() if session.grading is None else (session.grading,)))
    return Provenance(
        __version__,
        reasoning.knowledge_version(),
        reasoning.knowledge_sha256(),
        tuple(EditionRef(edition.id, edition.sha256) for edition in editions),
        frozen(settings_of(session, decimal, reference_albumin)),
    )


def settings_of(session: Session, decimal: str | None, reference_albumin: float | None) -> dict[str, Any]:
    """Return the choices of a session as JSON-ready data, from which `verify` makes the report again."""
    return {
        "ranges": [edition.id for edition in session.ranges.editions],
        "profile": session.ranges.id,
        "grading": None if session.grading is None else session.grading.id,
        "reported_ranges": session.reported_ranges,
        "assume_adult": session.assume_adult,
        "decimal": decimal,
        "default_units": dict(session.default_units),
        "reference_albumin": reference_albumin,
    }


def _report_notes(
    readings: Sequence[scalar.Reading], results: Sequence[LabResult], session: Session
) -> tuple[str, ...]:
    unknown = {
        reading.channel.analyte
        for reading, result in zip(readings, results, strict=True)
        if reading.outcome is not None and read_text(result.method) is None
    }
    notes = reasoning.method_notes(unknown)
    if session.grading is not None and any(reading.grade is not None for reading in readings):
        return (*notes, f"{GRADE_NOTE.format(grading=session.grading.id)}.")
    return notes
