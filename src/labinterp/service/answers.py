"""A document and choices → the answer in the form that was asked for. Runs in a worker thread."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any, Final

from labinterp.errors import InputError, LabInterpError, LayoutError, PresentationError
from labinterp.frames.api import answer_of
from labinterp.interpretation import interpret_as
from labinterp.messages import fhir, hl7v2
from labinterp.messages.fhir_out import bundle_of, entries_of
from labinterp.model import LabResult, Patient, Presentation
from labinterp.serialization import plain
from labinterp.service import tables
from labinterp.service.problems import RefusedError
from labinterp.service.schemas import REPORTS_ID, TABLES_ID
from labinterp.tables.people import with_patient

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    from labinterp.answer import Report
    from labinterp.options import Options
    from labinterp.service.documents import Document
    from labinterp.service.settings import RequestChoices

JSON: Final = "application/json"
FHIR: Final = "application/fhir+json"
HTML: Final = "text/html"
HL7: Final = ("application/hl7-v2", "x-application/hl7-v2+er7")


def forms() -> tuple[str, ...]:
    """Return the forms in which an answer can be had, the usual one first."""
    return (JSON, FHIR, *((HTML,) if importlib.util.find_spec("jinja2") else ()), *HL7)


def make(document: Document, form: str, choices: RequestChoices, max_bytes: int) -> bytes:
    """Return the answer.

    Args:
        document: what was sent.
        form: one of `forms`.
        choices: what was chosen, checked.
        max_bytes: as the reader of FHIR wants it.

    Raises:
        RefusedError: with 422 where the document cannot be used; names the place.
    """
    try:
        made = _MAKERS[document.kind](document.content, form, choices, max_bytes)
    except PresentationError as error:
        raise RefusedError.from_error(error, place=f"/presentation/{error.data['field']}") from None
    except LayoutError as error:
        if "columns" in error.data:  # its message names them as they were sent
            raise RefusedError(422, "the table has two columns of one name", place="line 1", hint=error.hint) from None
        if "found" in error.data:  # its message and hint name columns as they were sent
            understood = ", ".join(error.data["found"]) or "none"
            raise RefusedError(
                422,
                f"the columns fit no known layout; understood are {understood}; missing are "
                f"{', '.join(error.data['missing'])}",
                place="line 1",
                hint="Head the columns test, value and unit, or as one of the layouts that `layout` names",
            ) from None
        raise RefusedError.from_error(error, place="line 1") from None
    except LabInterpError as error:
        raise RefusedError.from_error(error) from None
    return made.encode("utf-8")


def _text(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, default=plain)


def _of_request(request: dict[str, Any], form: str, choices: RequestChoices, _: int) -> str:
    told = request.get("presentation")
    report = interpret_as(
        choices.options,
        [LabResult(**item) for item in request["results"]],
        Patient.as_sent(**request.get("patient", {})),
        None if told is None else Presentation(**told),
    )
    return _shown([report], form, choices)


def _shown(reports: Sequence[Report], form: str, choices: RequestChoices) -> str:
    """Return reports in a form, which for several is never a page."""
    for report in reports:
        count(choices.tally, (item.problem for item in report.interpretations))
    if form in HL7:
        return hl7v2.to_oru(reports)
    if form == FHIR:
        entries = [entries_of(report, part=part) for part, report in enumerate(reports)]
        return _text(bundle_of([entry for each in entries for entry in each]))
    if form == HTML:
        return reports[0].to_html()
    if len(reports) == 1:
        return reports[0].to_json(indent=None)
    texts = ", ".join(report.to_json(indent=None) for report in reports)
    return f'{{"schema": "{REPORTS_ID}", "reports": [{texts}]}}'


def count(tally: Counter[str], problems: Iterable[str | None]) -> None:
    """Count what results came to: each problem, and the empty text for none."""
    tally.update(problem if isinstance(problem, str) else "" for problem in problems)


def _of_fhir(source: Any, form: str, choices: RequestChoices, max_bytes: int) -> str:
    options = choices.options
    if form == FHIR:
        return _text(fhir_answer(source, choices, max_bytes))
    if options.decimal == ",":
        raise InputError("numbers in FHIR have a decimal point", hint="Leave `decimal` out")
    patients = fhir.to_results(
        source, tests=options.tests, max_bytes=max_bytes, panel=options.panel, date_order=options.date_order
    )
    if form == HTML and len(patients) > 1:
        table = fhir.to_frame(source, tests=options.tests, max_bytes=max_bytes)
        return _page(table, options, choices)
    return _shown(_reports(patients, options), form, choices)


def fhir_answer(source: Any, choices: RequestChoices, max_bytes: int) -> dict[str, Any]:
    """Return the Bundle about a FHIR document."""
    options = choices.options
    made = fhir.interpret_fhir(source, max_bytes=max_bytes, panel=options.panel, **options.arguments)
    kinds = [entry["resource"] for entry in made["entry"]]
    issues = [
        coding["code"]
        for outcome in kinds
        if outcome["resourceType"] == "OperationOutcome"
        for issue in outcome["issue"]
        for coding in issue["details"].get("coding", ())
    ]
    count(choices.tally, issues)
    count(choices.tally, (None for kind in kinds if kind["resourceType"] == "Observation" and "valueQuantity" in kind))
    return made


def _of_hl7(source: bytes | str, form: str, choices: RequestChoices, max_bytes: int) -> str:
    options = choices.options
    how: dict[str, Any] = {"tests": options.tests, "decimal": options.decimal, "max_bytes": max_bytes}
    patients = hl7v2.to_results(source, panel=options.panel, date_order=options.date_order, **how)
    if form == HTML and len(patients) > 1:
        return _page(hl7v2.to_frame(source, **how), options, choices)
    return _shown(_reports(patients, options), form, choices)


def _reports(patients: Sequence[tuple[Patient, list[LabResult]]], options: Options) -> list[Report]:
    return [interpret_as(options, results, patient) for patient, results in patients or [(Patient(), [])]]


def _page(table: pd.DataFrame, options: Options, choices: RequestChoices) -> str:
    report = answer_of(table, options)[1]
    count(choices.tally, report.results["problem"])
    return report.to_html(scripts=False)


def _of_table(data: bytes, form: str, choices: RequestChoices, _: int) -> str:
    options = choices.options
    table = tables.read(data, choices.layout)
    if options.one_patient:
        table = with_patient(table)
    if form == HTML:
        return _page(table, options, choices)
    if form == FHIR or form in HL7:
        if options.panel != "collection":
            raise RefusedError(422, "a table comes back as messages by collection alone", place="query panel")
        collections = tables.collections(table, options.date_order)
        return _shown([interpret_as(options, results, patient) for patient, results in collections], form, choices)
    report = answer_of(table, options)[1]
    count(choices.tally, report.results["problem"])
    return _text(
        {
            "schema": TABLES_ID,
            **{name: tables.records(getattr(report, name)) for name in ("results", "findings", "pathways")},
            "provenance": options.table_provenance,
        }
    )


_MAKERS: Final[dict[str, Callable[[Any, str, RequestChoices, int], str]]] = {
    "request": _of_request,
    "fhir": _of_fhir,
    "hl7v2": _of_hl7,
    "table": _of_table,
}
