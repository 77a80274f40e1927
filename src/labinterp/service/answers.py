"""A document and choices → the answer in the form that was asked for. Runs in a worker thread."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any, Final

from labinterp.errors import InputError, LabInterpError, LayoutError, PresentationError
from labinterp.frames.api import answer_of
from labinterp.interpretation import interpret_as
from labinterp.messages import fhir
from labinterp.messages.fhir_out import bundle_of, entries_of
from labinterp.model import LabResult, Patient, Presentation
from labinterp.serialization import plain
from labinterp.service import tables
from labinterp.service.problems import RefusedError
from labinterp.service.schemas import REPORTS_ID, TABLES_ID
from labinterp.tables.people import with_patient

if TYPE_CHECKING:
    from collections.abc import Callable

    from labinterp.model import Report
    from labinterp.service.documents import Document
    from labinterp.service.settings import Choices

JSON: Final = "application/json"
FHIR: Final = "application/fhir+json"
HTML: Final = "text/html"


def forms() -> tuple[str, ...]:
    """Return the forms in which an answer can be had, the usual one first."""
    return (JSON, FHIR, HTML) if importlib.util.find_spec("jinja2") else (JSON, FHIR)


def make(document: Document, form: str, choices: Choices, max_bytes: int) -> bytes:
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


def _of_request(request: dict[str, Any], form: str, choices: Choices, _: int) -> str:
    told = request.get("presentation")
    report = interpret_as(
        choices.options,
        [LabResult(**item) for item in request["results"]],
        Patient.as_sent(**request.get("patient", {})),
        None if told is None else Presentation(**told),
    )
    return _shown(report, form)


def _shown(report: Report, form: str) -> str:
    if form == HTML:
        return report.to_html()
    return _text(report.to_fhir() if form == FHIR else report.to_dict())


def _of_fhir(source: Any, form: str, choices: Choices, max_bytes: int) -> str:
    options = choices.options
    if form == FHIR:
        return _text(fhir.interpret_fhir(source, max_bytes=max_bytes, panel=options.panel, **options.arguments))
    if options.decimal == ",":
        raise InputError("numbers in FHIR have a decimal point", hint="Leave `decimal` out")
    patients = fhir.to_results(
        source, tests=options.tests, max_bytes=max_bytes, panel=options.panel, date_order=options.date_order
    )
    if form == HTML and len(patients) > 1:
        return tables.page(fhir.to_frame(source, tests=options.tests, max_bytes=max_bytes), options)
    reports = [interpret_as(options, results, patient) for patient, results in patients]
    if not reports:
        reports = [interpret_as(options, [], Patient())]
    if len(reports) == 1:
        return _shown(reports[0], form)
    return _text({"schema": REPORTS_ID, "reports": [report.to_dict() for report in reports]})


def _of_table(data: bytes, form: str, choices: Choices, _: int) -> str:
    options = choices.options
    table = tables.read(data, choices.layout)
    if options.one_patient:
        table = with_patient(table)
    if form == HTML:
        return tables.page(table, options)
    if form == FHIR:
        if options.panel != "collection":
            raise RefusedError(422, "a table comes back as FHIR by collection alone", place="query panel")
        entries: list[dict[str, Any]] = []
        for part, (patient, results) in enumerate(tables.collections(table, options.date_order)):
            entries += entries_of(interpret_as(options, results, patient), part=part)
        return _text(bundle_of(entries))
    report = answer_of(table, options)[1]
    return _text(
        {
            "schema": TABLES_ID,
            **{name: tables.records(getattr(report, name)) for name in ("results", "findings", "pathways")},
            "provenance": options.table_provenance,
        }
    )


_MAKERS: Final[dict[str, Callable[[Any, str, Choices, int], str]]] = {
    "request": _of_request,
    "fhir": _of_fhir,
    "table": _of_table,
}
