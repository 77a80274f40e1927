"""JSON Schemas of everything that the service takes and gives, besides the report's own.

`tools/write_schemas.py` writes them to `docs/schema/`; a test holds that the files are up to date. The schemas of
requests are also what `checking` holds requests to.
"""

from __future__ import annotations

import functools
from typing import Any, Final, get_args

from labinterp.codes import (
    COMPARATORS,
    FINDING_STATUSES,
    FLAGS,
    GRADES,
    LEVELS,
    PATHWAY_KINDS,
    PROBLEMS,
    SEVERITIES,
    SUPPORTS,
)
from labinterp.model import LabResult, Patient, Presentation
from labinterp.options import DateOrder
from labinterp.schema import object_schema
from labinterp.words import uris
from labinterp.words.service import said

REPORTS_ID: Final = uris.schema("reports")
TABLES_ID: Final = uris.schema("tables")
MOST_RESULTS: Final = 10_000
NAME_PATTERN: Final = r"^[a-z0-9-]{1,40}(/[a-z0-9.-]{1,40})?(@[0-9]{4}-[0-9]{2}-[0-9]{2})?$"
EDITION_PATTERN: Final = r"^[a-z0-9-]{1,40}/[a-z0-9.-]{1,40}$"
UUID_PATTERN: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
ID_PATTERN: Final = r"^[A-Za-z0-9.\-]{1,64}$"

Schema = dict[str, Any]


def object_of(properties: Schema, *required: str, closed: bool = True, name: str = "", **more: Any) -> Schema:
    """Return the schema of an object; a closed one has no other keys, one with a name has an id."""
    identity = {"$schema": uris.JSON_SCHEMA, "$id": uris.schema(name)} if name else {}
    made: Schema = {**identity, "type": "object", **more, "properties": properties}
    if required:
        made["required"] = list(required)
    return {**made, "additionalProperties": False} if closed else made


def text_of(description: str | None = None, **more: Any) -> Schema:
    """Return the schema of a text."""
    return {"type": "string", **({"description": description} if description else {}), **more}


def list_of(items: Schema, description: str | None = None, **more: Any) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", **({"description": description} if description else {}), "items": items, **more}


def _one_of(*values: Any, nullable: bool = False) -> Schema:
    return {"enum": [*values, *([None] if nullable else [])]}


@functools.cache
def options() -> Schema:
    """Return the schema of the choices that a request may make."""
    name = text_of(said("about", "profile"), pattern=NAME_PATTERN)
    return object_of(
        {
            "ranges": {
                "description": said("about", "ranges"),
                "anyOf": [name, list_of(name, maxItems=20)],
            },
            "grading": text_of(said("about", "grading"), pattern=EDITION_PATTERN),
            "reported_ranges": {
                "type": "boolean",
                "description": said("about", "reported_ranges"),
            },
            "assume_adult": {
                "type": "boolean",
                "description": said("about", "assume_adult"),
            },
            "decimal": {
                "enum": [",", "."],
                "description": said("about", "decimal"),
            },
            "default_units": {
                "type": "object",
                "description": said("about", "default_units"),
                "additionalProperties": text_of(maxLength=64),
            },
            "tests": {
                "type": "object",
                "description": said("about", "tests"),
                "additionalProperties": text_of(maxLength=64),
            },
            "date_order": {
                "enum": list(get_args(DateOrder)),
                "description": said("about", "date_order"),
            },
            "reference_albumin": {
                "type": "number",
                "minimum": 10,
                "maximum": 100,
                "description": said("about", "reference_albumin"),
            },
        },
        description=said("about", "options"),
    )


@functools.cache
def table_options() -> Schema:
    """Return the schema of the choices for a table: those of any document, and some of its own."""
    made = options()
    own = {
        "layout": text_of(said("about", "layout"), pattern="^[a-z0-9-]{1,40}$"),
        "panel": text_of(said("about", "panel"), pattern="^(collection|patient|[1-9][0-9]{0,4}D)$"),
        "one_patient": {
            "type": "boolean",
            "description": said("about", "one_patient"),
        },
    }
    return {**made, "properties": {**made["properties"], **own}}


@functools.cache
def interpret_request() -> Schema:
    """Return the schema of labinterp's own request."""
    result = object_schema(LabResult)
    value = {"type": ["number", "string", "null"]}
    for key in ("value", "reference_low", "reference_high"):
        result["properties"][key] = {**result["properties"][key], **value}
    patient = object_schema(Patient)
    presentation = object_schema(Presentation)
    return object_of(
        {
            "patient": patient,
            "results": list_of(result, said("about", "results"), maxItems=MOST_RESULTS),
            "presentation": presentation,
            "options": options(),
        },
        "results",
        title=said("title", "interpret_request"),
        name="interpret-request",
        examples=[
            {
                "patient": {"age": 54, "sex": "female"},
                "results": [
                    {"test": "25-hydroxyvitamin D", "value": 9, "unit": "ng/mL"},
                    {"test": "17861-6", "value": "7,9", "unit": "mg/dL", "reference_low": 8.6, "reference_high": 10.2},
                    {"test": "albumin", "value": 4.1, "unit": "g/dL"},
                ],
                "options": {"ranges": "us"},
            }
        ],
    )


@functools.cache
def reports() -> Schema:
    """Return the schema of the answer for several patients."""
    return object_of(
        {
            "schema": {"const": REPORTS_ID},
            "reports": list_of({"$ref": uris.REPORT_SCHEMA}, said("about", "reports")),
        },
        "schema",
        "reports",
        title=said("title", "reports"),
        name="reports",
    )


def _columns(**kinds: Any) -> Schema:
    made = {key: {"type": kind} if isinstance(kind, (str, list)) else kind for key, kind in kinds.items()}
    return object_of(made, *made)


@functools.cache
def tables() -> Schema:
    """Return the schema of the answer to a table."""
    maybe = ["string", "null"]
    number = ["number", "null"]
    place = {"patient_id": maybe, "panel": maybe, "finding": "string"}
    results = _columns(
        patient_id=maybe, collected_at=maybe, analyte=maybe, comparator=_one_of(*COMPARATORS, nullable=True),
        value=number, unit=maybe, low=number, high=number, range_id=maybe, flag=_one_of(*FLAGS, nullable=True),
        level=_one_of(*LEVELS, nullable=True), band=maybe, grade=["integer", "null"],
        grade_low=["integer", "null"], grade_high=["integer", "null"],
        problem=_one_of(*PROBLEMS, nullable=True), notes=maybe, suspected_unit=maybe,
    )  # fmt: skip
    results["required"] = [name for name in results["required"] if name not in GRADES[1:]]
    findings = _columns(
        **place, status=_one_of(*FINDING_STATUSES), severity=_one_of(*SEVERITIES), evidence=maybe,
        upstream=maybe, suggested_tests=maybe, explanation=maybe,
    )  # fmt: skip
    pathways = _columns(
        **place, pathway="string", kind=_one_of(*PATHWAY_KINDS),
        support=_one_of(*SUPPORTS), broken_at=maybe, explanation=maybe,
    )  # fmt: skip
    provenance = {"type": "object", "description": said("about", "provenance")}
    return object_of(
        {
            "schema": {"const": TABLES_ID},
            "results": list_of(results, said("about", "result_rows")),
            "findings": list_of(findings, said("about", "finding_rows")),
            "pathways": list_of(pathways, said("about", "pathway_rows")),
            "provenance": provenance,
        },
        "schema",
        "results",
        "findings",
        "pathways",
        "provenance",
        title=said("title", "tables"),
        name="tables",
    )


@functools.cache
def problem() -> Schema:
    """Return the schema of an error, RFC 9457."""
    fault = object_of({"place": text_of(), "detail": text_of()}, "place", "detail")
    return object_of(
        {
            "type": text_of(said("about", "problem_type"), format="uri"),
            "title": text_of(),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text_of(said("about", "problem_detail")),
            "place": text_of(said("about", "problem_place")),
            "hint": text_of(said("about", "problem_hint")),
            "errors": list_of(fault, said("about", "problem_errors")),
        },
        "type",
        "title",
        "status",
        "detail",
        title=said("title", "problem"),
        name="problem",
    )


@functools.cache
def operation_outcome() -> Schema:
    """Return the schema of the answer where a CDS service lacks data."""
    issue = object_of(
        {"severity": text_of(), "code": text_of(), "details": object_of({"text": text_of()}), "diagnostics": text_of()},
        "severity",
        "code",
        closed=False,
    )
    return object_of(
        {"resourceType": {"const": "OperationOutcome"}, "issue": list_of(issue, minItems=1)},
        "resourceType",
        "issue",
        closed=False,
    )


@functools.cache
def health() -> Schema:
    """Return the schema of `/health`."""
    return object_of(
        {"status": {"const": "ok"}, "library_version": text_of(), "knowledge_version": text_of()},
        "status",
        "library_version",
        "knowledge_version",
        name="health",
    )


def files() -> dict[str, Schema]:
    """Return the schemas of `/interpret` and `/health` by the stem of their files; `cds_schemas` has the others."""
    return {
        "interpret-request": interpret_request(),
        "reports": reports(),
        "tables": tables(),
        "problem": problem(),
        "health": health(),
    }
