"""A document and choices → the answer in the form that was asked for. Runs in a worker thread."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any, Final

from labinterp.errors import InputError, LabInterpError, LayoutError, PresentationError
from labinterp.interpretation import interpret
from labinterp.messages import fhir
from labinterp.messages.fhir_out import bundle_of, entries_of
from labinterp.model import LabResult, Patient, Presentation
from labinterp.serialization import plain
from labinterp.service import tables
from labinterp.service.problems import RefusedError
from labinterp.service.schemas import REPORTS_ID, TABLES_ID
from labinterp.service.settings import TABLE_ONLY, Choices

if TYPE_CHECKING:
    from collections.abc import Callable

    from labinterp.frames import FrameReport
    from labinterp.model import Report
    from labinterp.service.documents import Document

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
        choices: keyword arguments of `interpret`, and for a table `layout` and `panel`.
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
        raise RefusedError.from_error(error, place="line 1") from None
    except LabInterpError as error:
        raise RefusedError.from_error(error) from None
    return made.encode("utf-8")


def _text(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, default=plain)


def _of_request(request: dict[str, Any], form: str, choices: Choices, _: int) -> str:
    told = request.get("presentation")
    report = interpret(
        [LabResult(**item) for item in request["results"]],
        Patient(**request.get("patient", {})),
        presentation=None if told is None else Presentation(**told),
        **choices,
    )
    return _shown(report, form)


def _shown(report: Report, form: str) -> str:
    if form == HTML:
        return report.to_html()
    return _text(report.to_fhir() if form == FHIR else report.to_dict())


def _of_fhir(source: Any, form: str, choices: Choices, max_bytes: int) -> str:
    if form == FHIR:
        return _text(fhir.interpret_fhir(source, max_bytes=max_bytes, **choices))
    if choices.get("decimal") == ",":
        raise InputError("numbers in FHIR have a decimal point", hint="Leave `decimal` out")
    patients = fhir.to_results(source, max_bytes=max_bytes)
    if form == HTML and len(patients) > 1:
        return tables.page(fhir.to_frame(source, max_bytes=max_bytes), {**choices, "panel": "patient"})
    reports = [interpret(results, patient, **choices) for patient, results in patients]
    if not reports:
        reports = [interpret([], **choices)]
    if len(reports) == 1:
        return _shown(reports[0], form)
    return _text({"schema": REPORTS_ID, "reports": [report.to_dict() for report in reports]})


def _of_table(data: bytes, form: str, choices: Choices, _: int) -> str:
    table = tables.read(data, choices.get("layout", "auto"))
    if form == HTML:
        return tables.page(table, choices)
    if form == FHIR:
        if choices.get("panel", "collection") != "collection":
            raise RefusedError(422, "a table comes back as FHIR by collection alone", place="query panel")
        one = {key: value for key, value in choices.items() if key not in TABLE_ONLY}
        entries: list[dict[str, Any]] = []
        for part, (patient, results) in enumerate(tables.collections(table)):
            entries += entries_of(interpret(results, patient, **one), part=part)
        return _text(bundle_of(entries))
    return _text(_tables(tables.interpreted(table, choices), choices))


def _tables(report: FrameReport, choices: Choices) -> dict[str, Any]:
    one = {key: value for key, value in choices.items() if key not in TABLE_ONLY}
    provenance = interpret([], **one).to_dict()["provenance"]
    provenance["settings"]["panel"] = choices.get("panel", "collection")
    return {
        "schema": TABLES_ID,
        "results": tables.records(report.results),
        "findings": tables.records(report.findings),
        "pathways": tables.records(report.pathways),
        "provenance": provenance,
    }


_MAKERS: Final[dict[str, Callable[[Any, str, Choices, int], str]]] = {
    "request": _of_request,
    "fhir": _of_fhir,
    "table": _of_table,
}
