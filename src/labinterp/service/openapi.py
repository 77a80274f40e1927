"""The OpenAPI 3.1 document, written by hand around the schemas that requests are held to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from labinterp._version import __version__
from labinterp.schema import report_schema
from labinterp.service import answers as answers_
from labinterp.service import cds, cds_schemas, documents, schemas
from labinterp.service.problems import PROBLEM_JSON, title_of
from labinterp.service.settings import PAIRS
from labinterp.words import uris
from labinterp.words.service import said

if TYPE_CHECKING:
    from labinterp.service.schemas import Schema

_JSON: Final = "application/json"
_FHIR: Final = "application/fhir+json"
_HL7_EXAMPLE: Final = (
    "MSH|^~\\&|||||||ORU^R01|1|P|2.5\rPID|||7||||19700131|F\rOBR|1\r"
    "OBX|1|NM|19123-9^Magnesium^LN||1.2|mg/dL|1.6-2.6|L|||F\r"
)
_TABLE_EXAMPLE: Final = (
    "patient_id,collected_at,test,value,unit,age,sex\n1,2026-01-05,magnesium,0.52,mmol/L,54,female\n"
)
_FHIR_EXAMPLE: Final = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": uris.LOINC, "code": "19123-9"}]},
    "valueQuantity": {"value": 1.2, "unit": "mg/dL", "system": uris.UCUM, "code": "mg/dL"},
}


def document(server: str = "", *, with_token: bool = False) -> dict[str, Any]:
    """Return the OpenAPI document.

    Args:
        server: path under which the service is mounted.
        with_token: whether callers must send a bearer token.

    Example:
        >>> sorted(document()["paths"])[2:4]
        ['/cds-services', '/cds-services/labinterp-order-select']
    """
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "labinterp",
            "version": __version__,
            "summary": said("api", "summary"),
            "description": said("api", "description"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server or "/"}],
        "jsonSchemaDialect": uris.JSON_SCHEMA,
        "paths": _paths(with_token=with_token),
        "components": {"schemas": _components()},
    }
    if with_token:
        made["security"] = [{"bearer": []}]
        made["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    return made


def _components() -> dict[str, Schema]:
    """Return the schemas, with references among them as OpenAPI has them."""
    report = report_schema()
    parts = {f"Report{name}": part for name, part in report.pop("$defs").items()}
    named = {
        "Report": report,
        **parts,
        "Reports": schemas.reports(),
        "Tables": schemas.tables(),
        "InterpretRequest": schemas.interpret_request(),
        "Problem": schemas.problem(),
        "OperationOutcome": schemas.operation_outcome(),
        "Health": schemas.health(),
        "Ready": schemas.object_of({"status": {"const": "ready"}}, "status"),
        "CdsServices": cds_schemas.discovery(),
        "CdsRequestPatientView": cds_schemas.request("patient-view"),
        "CdsRequestOrderSelect": cds_schemas.request("order-select"),
        "CdsResponse": cds_schemas.response(),
        "CdsFeedback": cds_schemas.feedback(),
        "FhirResource": {
            "type": "object",
            "description": said("about", "fhir_resource"),
            "properties": {"resourceType": {"enum": ["Observation", "DiagnosticReport", "Bundle"]}},
            "required": ["resourceType"],
        },
        "FhirInput": {
            "type": "object",
            "description": said("about", "fhir_input"),
            "properties": {"resourceType": {"enum": ["Observation", "DiagnosticReport", "Bundle", "Parameters"]}},
            "required": ["resourceType"],
        },
        "FhirBundle": {
            "type": "object",
            "description": said("about", "fhir_bundle"),
            "properties": {"resourceType": {"const": "Bundle"}, "type": {"const": "collection"}},
            "required": ["resourceType", "type"],
        },
    }
    bare = {name: {k: v for k, v in schema.items() if k not in ("$schema", "$id")} for name, schema in named.items()}
    text = json.dumps(bare).replace("#/$defs/", "#/components/schemas/Report")
    found: dict[str, Schema] = json.loads(text)
    found["Reports"]["properties"]["reports"]["items"] = _ref("Report")
    return found


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(description: str, **content: Schema) -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": schema} for kind, schema in content.items()}}


def _problems(*statuses: int) -> dict[str, Any]:
    return {str(status): _answer(title_of(status), **{PROBLEM_JSON: _ref("Problem")}) for status in statuses}


def _operation(
    name: str, answers: dict[str, Any], *problems: int, with_token: bool, summary: str | None = None, **more: Any
) -> dict[str, Any]:
    refused = _problems(*problems, *((401,) if with_token else ()))
    told = said("summary", name) if summary is None else summary
    return {"operationId": name, "summary": told, **more, "responses": {**answers, **refused}}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": content}


def _paths(*, with_token: bool) -> dict[str, Any]:
    posted = (400, 406, 408, 413, 415, 422, 500, 503)
    interpret = _operation(
        "interpret",
        {
            "200": _answer(
                said("answer", "interpret"),
                **{
                    _JSON: {"oneOf": [_ref("Report"), _ref("Reports"), _ref("Tables")]},
                    _FHIR: _ref("FhirBundle"),
                    "text/html": {"type": "string"},
                    **{kind: {"type": "string"} for kind in answers_.HL7},
                },
            )
        },
        *posted,
        with_token=with_token,
        parameters=_parameters(),
        requestBody=_body(_inputs()),
    )
    health = _operation(
        "health",
        {"200": _answer(said("answer", "health"), **{_JSON: _ref("Health")})},
        with_token=False,
    )
    ready = _operation(
        "ready", {"200": _answer(said("answer", "ready"), **{_JSON: _ref("Ready")})},
        503, with_token=False,
    )  # fmt: skip
    metrics = _operation(
        "metrics", {"200": _answer(said("answer", "metrics"), **{"text/plain": {"type": "string"}})},
        with_token=with_token,
    )  # fmt: skip
    capability = _operation(
        "capability", {"200": _answer(said("answer", "capability"), **{_FHIR: {"type": "object"}})},
        with_token=False,
    )  # fmt: skip
    definition = _operation(
        "definition", {"200": _answer(said("answer", "definition"), **{_FHIR: {"type": "object"}})},
        with_token=with_token,
    )  # fmt: skip
    operate = _operation(
        "operate",
        {
            "200": _answer(said("answer", "operate"), **{_FHIR: _ref("FhirBundle")}),
            **{
                str(status): _answer(title_of(status), **{_FHIR: _ref("OperationOutcome")})
                for status in (400, 406, 408, 413, 415, 422, 503)
            },
        },
        500,
        with_token=with_token,
        requestBody=_body({_FHIR: {"schema": _ref("FhirInput"), "example": _FHIR_EXAMPLE}}),
    )
    describe = _operation(
        "describe", {"200": _answer(said("answer", "describe"), **{_JSON: {"type": "object"}})},
        with_token=with_token,
    )  # fmt: skip
    discover = _operation(
        "discover", {"200": _answer(said("answer", "discover"), **{_JSON: _ref("CdsServices")})},
        with_token=with_token,
    )  # fmt: skip
    if with_token:
        for open_to_all in (health, ready, capability):
            open_to_all["security"] = []
    paths: dict[str, Any] = {
        "/interpret": {"post": interpret},
        "/health": {"get": health},
        "/ready": {"get": ready},
        "/metrics": {"get": metrics},
        "/metadata": {"get": capability},
        "/OperationDefinition/interpret": {"get": definition},
        "/Observation/$interpret": {"post": operate},
        "/openapi.json": {"get": describe},
        "/cds-services": {"get": discover},
    }
    for service in cds.services():
        name = "".join(part.title() for part in service["hook"].split("-"))
        lacking = _answer(title_of(412), **{_FHIR: _ref("OperationOutcome")})
        paths[f"/cds-services/{service['id']}"] = {
            "post": _operation(
                f"advise{name}",
                {"200": _answer(said("answer", "advise"), **{_JSON: _ref("CdsResponse")}), "412": lacking},
                *posted,
                with_token=with_token,
                summary=service["title"],
                requestBody=_body({_JSON: {"schema": _ref(f"CdsRequest{name}")}}),
            )
        }
        paths[f"/cds-services/{service['id']}/feedback"] = {
            "post": _operation(
                f"feedback{name}",
                {"200": _answer(said("answer", "feedback"), **{_JSON: {"type": "object"}})},
                *posted,
                with_token=with_token,
                summary=said("summary", "feedback"),
                requestBody=_body({_JSON: {"schema": _ref("CdsFeedback")}}),
            )
        }
    return paths


def _inputs() -> dict[str, Any]:
    ours = schemas.interpret_request()["examples"][0]
    resource = {"schema": _ref("FhirResource"), "example": _FHIR_EXAMPLE}
    lines = {"schema": {"type": "string"}, "example": json.dumps(_FHIR_EXAMPLE) + "\n"}
    table = {"schema": {"type": "string", "minLength": 1}, "example": _TABLE_EXAMPLE}
    known = {_JSON: {"schema": _ref("InterpretRequest"), "example": ours}, _FHIR: resource}
    messages = {"schema": {"type": "string", "minLength": 1}, "example": _HL7_EXAMPLE}
    known |= dict.fromkeys(answers_.HL7, messages)
    known |= {kind: lines for kind in documents.FHIR_TYPES if kind.endswith("ndjson")}
    return known | {"text/csv": table, "text/tab-separated-values": table}


def _parameters() -> list[dict[str, Any]]:
    """Return the choices as parameters of the query."""
    made = []
    for name, schema in schemas.table_options()["properties"].items():
        about = {key: value for key, value in schema.items() if key != "description"}
        if name == "ranges":
            about = schema["anyOf"][1]
        elif name in PAIRS:
            about = {"type": "array", "items": {"type": "string", "pattern": "^.*=.*$", "maxLength": 300}}
        made.append(
            {
                "name": name,
                "in": "query",
                "required": False,
                "schema": about,
                "description": schema.get("description", ""),
            }
        )
    return made
