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
    name = text_of("the name of a profile or edition, as in us, us@2020-01-01 or nice-ng239/2024", pattern=NAME_PATTERN)
    return object_of(
        {
            "ranges": {
                "description": "the name of a profile or edition, or a list of such names in order of priority",
                "anyOf": [name, list_of(name, maxItems=20)],
            },
            "grading": text_of("the id of a grading standard, such as ctcae/5.0", pattern=EDITION_PATTERN),
            "reported_ranges": {
                "type": "boolean",
                "description": "Whether a range that came with a result wins over the editions; true if not given.",
            },
            "assume_adult": {
                "type": "boolean",
                "description": "Apply adult ranges where the age is unknown; false if not given.",
            },
            "decimal": {
                "enum": [",", "."],
                "description": "The decimal sign, where 1,234 could be read in two ways.",
            },
            "default_units": {
                "type": "object",
                "description": "Analyte key → unit, for results without one.",
                "additionalProperties": text_of(maxLength=64),
            },
            "tests": {
                "type": "object",
                "description": "Your own name or code of a test → analyte key, before every other reading; an empty "
                "text refuses the name.",
                "additionalProperties": text_of(maxLength=64),
            },
            "date_order": {
                "enum": list(get_args(DateOrder)),
                "description": "The order of day and month, where 03/04/2026 could be read in two ways.",
            },
            "reference_albumin": {
                "type": "number",
                "minimum": 10,
                "maximum": 100,
                "description": "Albumin in g/L at which calcium is not adjusted; 40 if not given.",
            },
        },
        description="Choices; what is not given is as the service was set up.",
    )


@functools.cache
def table_options() -> Schema:
    """Return the schema of the choices for a table: those of any document, and some of its own."""
    made = options()
    own = {
        "layout": text_of("the name of a layout, such as mimic-iv", pattern="^[a-z0-9-]{1,40}$"),
        "panel": text_of(
            "collection, patient, or a look-back such as 30D", pattern="^(collection|patient|[1-9][0-9]{0,4}D)$"
        ),
        "one_patient": {
            "type": "boolean",
            "description": "All rows are of one patient, where no column says whose they are; false if not given.",
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
            "results": list_of(result, "What the laboratory sent, for one patient.", maxItems=MOST_RESULTS),
            "presentation": presentation,
            "options": options(),
        },
        "results",
        title="Request to interpret the results of one patient",
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
            "reports": list_of({"$ref": uris.REPORT_SCHEMA}, "One per patient, in order."),
        },
        "schema",
        "reports",
        title="labinterp reports of several patients",
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
    provenance = {"type": "object", "description": "Versions, editions with their hashes, and settings."}
    return object_of(
        {
            "schema": {"const": TABLES_ID},
            "results": list_of(results, "One row per row of the table, in its order."),
            "findings": list_of(findings, "One row per finding and panel."),
            "pathways": list_of(pathways, "One row per finding and pathway."),
            "provenance": provenance,
        },
        "schema",
        "results",
        "findings",
        "pathways",
        "provenance",
        title="labinterp answer to a table",
        name="tables",
    )


@functools.cache
def problem() -> Schema:
    """Return the schema of an error, RFC 9457."""
    fault = object_of({"place": text_of(), "detail": text_of()}, "place", "detail")
    return object_of(
        {
            "type": text_of("Names the kind of problem.", format="uri"),
            "title": text_of(),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text_of("What is wrong, without content of the request."),
            "place": text_of("JSON Pointer, line, or part of the request."),
            "hint": text_of("What to do."),
            "errors": list_of(fault, "Several things that are wrong."),
        },
        "type",
        "title",
        "status",
        "detail",
        title="Problem",
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
