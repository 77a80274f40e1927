"""The face for Python objects: results and a patient in, a report out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, get_args

import attrs

from labinterp import reasoning
from labinterp.answer import Report
from labinterp.arguments import checked_instance, checked_text
from labinterp.codes import (
    PROBLEM_ERRORS,
    notes_of_bits,
)
from labinterp.errors import InputError, LabInterpError
from labinterp.kernel import panel as slots
from labinterp.kernel import scalar
from labinterp.model import (
    Evidence,
    Finding,
    Interpretation,
    LabResult,
    Patient,
    Presentation,
    Problem,
)
from labinterp.options import DateOrder, DecimalSign, OnProblem, Options, documented
from labinterp.reading.demographics import is_missing, read_text
from labinterp.tables import records
from labinterp.words import problems
from labinterp.words.sentences import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.kernel.plan import Plan
    from labinterp.kernel.session import Session
    from labinterp.options import Tests

UNREAD_NOTE: Final = "presentation_unreadable"
_ON_PROBLEM: Final = get_args(OnProblem)
_PATIENT_KEYS: Final = (*dict.fromkeys((*records.PATIENT.values(), *records.PATIENT)),)


@documented
def interpret(  # noqa: D417 - the options are documented once, in `options`
    results: Iterable[LabResult | Mapping[str, Any]],
    patient: Patient | Mapping[str, Any] | None = None,
    *,
    ranges: Any = "us",
    grading: str | None = None,
    presentation: Presentation | None = None,
    reported_ranges: bool = True,
    assume_adult: bool = False,
    decimal: DecimalSign | None = None,
    default_units: Mapping[str, str] | None = None,
    reference_albumin: float | None = None,
    tests: Tests | None = None,
    date_order: DateOrder | None = None,
    on_problem: OnProblem = "collect",
) -> Report:
    """Interpret the results of one patient and trace what is low or high to the twitching that it can cause.

    Pure and thread-safe: no network, no global state. One interpretation per result, in input order; where an analyte
    occurs more than once, the latest result by `collected_at` counts for the findings; of several
    of one time the corrected one, else the abnormal one.

    Args:
        results: what the laboratory sent; instead of a `LabResult` also a mapping with its fields as keys, or with the
            columns of a table (`reference_range`, `age`, `sex`, …), as `df.to_dict("records")` gives them.
        patient: what is known of the patient; what is unknown stays unknown. Instead of a `Patient` also a mapping
            with its fields as keys, in which what cannot be read is noted on the results instead of refused.
        presentation: symptoms, benign triggers and course.
        on_problem: `"collect"`, or `"raise"` to raise the first problem as an exception.
        {kernel options}

    Returns:
        The report: n interpretations for n results, the findings, the most serious first, and what made them.

    Raises:
        ReferenceSetNotFound: if `ranges` or `grading` names nothing that exists.
        ReferenceSetError: if a file of ranges has faults.
        InputError: if a mapping has a key that is not known, or rows say different things of the patient.
        LabInterpError: with `on_problem="raise"`, the fitting child for the first problem.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret(
        ...     [li.LabResult("magnesium", "1,1", "mg/dL"), {"test": "17861-6", "value": 9.4, "unit": "mg/dL"}],
        ...     {"age": 54, "sex": "female"},
        ... )
        >>> [(finding.code, finding.status) for finding in report.findings]
        [('hypomagnesemia', 'present')]
    """
    if checked_text(on_problem, "on_problem") not in _ON_PROBLEM:
        raise InputError("on_problem is neither 'collect' nor 'raise'", hint="Leave it out, or use one of the two")
    options = Options.checked(
        ranges=ranges,
        grading=grading,
        reported_ranges=reported_ranges,
        assume_adult=assume_adult,
        decimal=decimal,
        default_units=default_units,
        reference_albumin=reference_albumin,
        tests=tests,
        date_order=date_order,
    )
    made = tuple(_each(results))
    rows = [item for item in made if not isinstance(item, LabResult)]
    whose = _patient(patient, rows)
    checked = [_result(item, i) for i, item in enumerate(made)]
    if presentation is None and rows:
        presentation, checked = told_in(made, checked)
    return interpret_as(options, checked, whose, presentation, raising=on_problem == "raise")


def interpret_as(
    options: Options,
    results: Sequence[LabResult],
    patient: Patient,
    presentation: Presentation | None = None,
    *,
    raising: bool = False,
) -> Report:
    """Interpret the results of one patient under choices that are checked already.

    Args:
        options: the choices.
        results: what the laboratory sent.
        patient: what is known of the patient.
        presentation: symptoms, benign triggers and course.
        raising: whether the first problem is raised.
    """
    session = options.session
    person = scalar.PatientGroups(patient, session)
    readings = [scalar.read(result, person, session, options.decimal) for result in results]
    counting = scalar.choose(readings)
    chosen = counting.of_slot
    pattern, computed = scalar.pattern_of(readings, counting, session, options.adjustment)
    problems = tuple(_problem(reading, i) for i, reading in enumerate(readings) if reading.problem is not None)
    if problems and raising:
        raise _exception(problems[0], readings[problems[0].result_index])
    reasoned = reasoning.reason(pattern)
    findings = tuple(_with_evidence(finding, readings, chosen, computed) for finding in reasoned.findings)
    if presentation is not None:
        findings = reasoning.with_presentation(findings, presentation)
    return Report(
        interpretations=tuple(map(_interpretation, readings, results)),
        findings=findings,
        states=reasoned.states,
        problems=problems,
        provenance=options.provenance,
        patient=patient,
        presentation=presentation,
        guidance=reasoning.guidance(severe=reasoning.headline(findings) is not None),
        notes=(
            *reasoning.unjudged_notes(_unjudged(readings, reasoned.unjudged)),
            *reasoned.notes,
            *reasoning.next_notes(reasoned.next_tests, reasoned.next_why),
            *_report_notes(readings, results, session),
            *reasoning.presentation_notes(presentation),
        ),
        next_tests=reasoned.next_tests,
        unjudged=reasoned.unjudged,
    )


def _unjudged(
    readings: Sequence[scalar.Reading], analytes: Iterable[str]
) -> Iterable[tuple[str, str | None, tuple[str, ...]]]:
    """Return the problems and the notes of the results of some analytes."""
    return (
        (analyte, r.problem, notes_of_bits(r.notes))
        for analyte in analytes
        for r in readings
        if r.channel.analyte == analyte
    )


def _each(results: Any) -> Iterable[Any]:
    """Return what can be gone through as results; a text, a table or a lone result cannot."""
    if isinstance(results, list | tuple):
        return results
    if isinstance(results, str | bytes | bytearray | Mapping | LabResult) or not isinstance(results, Iterable):
        raise TypeError("results is no list of LabResult")
    return results


def _result(item: Any, index: int) -> LabResult:
    if isinstance(item, LabResult):
        return item
    if not isinstance(item, Mapping):
        return checked_instance(item, LabResult, f"results[{index}]")
    records.check_keys(item, f"results[{index}]")
    made = records.result_of(item)
    return made if is_missing(item.get("id")) else attrs.evolve(made, id=item["id"])


def told_in(rows: Sequence[Any], results: list[LabResult]) -> tuple[Presentation | None, list[LabResult]]:
    """Return what rows with columns of a presentation tell, and the results, noted where it is unread."""
    told: list[Presentation | None] = []
    noted = list(results)
    for i, row in enumerate(rows):
        if isinstance(row, Mapping) and any(name in row for name in records.TOLD):
            read, unread = reasoning.read_presentation(*map(row.get, records.TOLD))
            told.append(read)
            if unread:
                note = ";".join(filter(None, (results[i].note, UNREAD_NOTE)))
                noted[i] = attrs.evolve(results[i], note=note)
    return reasoning.told_together(told), noted


def _patient(patient: Any, rows: Sequence[Any]) -> Patient:
    """Return the patient that was given, or that every row with columns of a patient speaks of."""
    if isinstance(patient, Patient):
        return patient
    if isinstance(patient, Mapping):
        records.check_keys(patient, "patient", _PATIENT_KEYS)
        fields = {
            records.PATIENT.get(str(key), str(key)): value for key, value in patient.items() if not is_missing(value)
        }
        return Patient.as_sent(**fields)
    if patient is not None:
        return checked_instance(patient, Patient, "patient")
    said = [records.patient_of(row) for row in rows if isinstance(row, Mapping) and records.PATIENT.keys() & set(row)]
    if any(other != said[0] for other in said):
        raise InputError(
            "the rows say different things of the patient",
            hint="Give what holds for all as `patient`, or interpret rows of several patients with `interpret_frame`",
        )
    return said[0] if said else Patient()


def _problem(reading: scalar.Reading, index: int) -> Problem:
    code = str(reading.problem)
    plan = reading.plan if code == "no_reference_range" else None
    why = problems.why_missing(code, notes_of_bits(reading.notes))
    message = (None if plan is None else no_range_message(plan)) or problems.message(code, why)
    return Problem(code, index, message, problems.suggestion(code, why if plan is None else plan.missing))


def no_range_message(plan: Plan) -> str | None:
    """Return why an edition that knows the analyte has no range of it, where it is more than a want of ranges."""
    reason = problems.reasons().get(plan.missing or "", {}).get("message")
    return None if reason is None else f"{reason} ({plan.detail})"


def _exception(problem: Problem, reading: scalar.Reading) -> LabInterpError:
    kind = PROBLEM_ERRORS[problem.code]
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
        result=result,
        analyte=channel.analyte,
        comparator=reading.comparator if converted else None,
        value=reading.value,
        unit=channel.canonical_unit if converted else None,
        low=plan.low if plan else None,
        high=plan.high if plan else None,
        range_id=plan.source_of(outcome.flag) if plan and outcome else None,
        flag=outcome.flag if outcome else None,
        level=outcome.level if outcome else None,
        band=outcome.band if outcome else None,
        grade=reading.grade,
        problem=reading.problem,
        notes=notes_of_bits(reading.notes),
        suspected_unit=reading.suspected,
        grade_low=reading.grade_low,
        grade_high=reading.grade_high,
        adjusted=reading.adjusted,
    )


def _with_evidence(
    finding: Finding, readings: Sequence[scalar.Reading], chosen: Mapping[int, int], computed: scalar.Computed | None
) -> Finding:
    """Return a finding whose evidence points at the results of this panel."""
    evidence = tuple(_located(item, readings, chosen, computed) for item in finding.evidence)
    return Finding(
        code=finding.code,
        title=finding.title,
        status=finding.status,
        severity=finding.severity,
        evidence=evidence,
        pathways=finding.pathways,
        upstream=finding.upstream,
        suggested_tests=finding.suggested_tests,
        caveats=finding.caveats,
        accompanying_symptoms=finding.accompanying_symptoms,
        matched_symptoms=finding.matched_symptoms,
        codings=finding.codings,
        state=finding.state,
        explanation=finding.explanation,
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
        analyte=item.analyte,
        level=item.level,
        basis=item.basis,
        result_index=index,
        value=value,
        unit=reading.channel.canonical_unit,
        comparator=reading.comparator,
    )


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
        return (*notes, said("note")["grades"].format(grading=session.grading.id))
    return notes
