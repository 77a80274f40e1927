"""The service held to its own OpenAPI document by generated requests."""

import json
import warnings
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, settings

from labinterp import checking
from labinterp.schema import report_schema, text_of
from labinterp.service import cds_schemas, create_app, documents, openapi, schemas
from service_client import Client

FOLDER = Path(__file__).parents[1] / "docs" / "schema"
APP = create_app()
SCHEMAS = {**schemas.files(), **cds_schemas.files()}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_committed_schemas_are_those_of_the_service(name):
    """The files under `docs/schema` are what the service holds to; `tools/write_schemas.py` writes them anew."""
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert (FOLDER / f"{name}.schema.json").read_text("utf-8") == text_of(schema)


def test_no_committed_schema_is_left_over():
    """Every file under `docs/schema` is of a schema that exists."""
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.schema.json" for name in [*SCHEMAS, "report"]}


def keywords(schema):
    """Yield every keyword of a schema."""
    yield from schema
    for inner in schema.get("properties", {}).values():
        yield from keywords(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from keywords(schema[key])
    for inner in schema.get("anyOf", ()):
        yield from keywords(inner)


@pytest.mark.parametrize(
    "name", ["interpret-request", "cds-request-patient-view", "cds-request-order-select", "cds-feedback"]
)
def test_requests_are_checked_to_the_last_keyword(name):
    """The schemas of requests use no keyword that the check of requests does not know."""
    assert set(keywords(SCHEMAS[name])) <= checking.KEYWORDS


@pytest.mark.parametrize("with_token", [False, True])
def test_document_is_openapi(with_token):
    """Every reference of the OpenAPI document leads somewhere, and every operation has a name of its own."""
    document = openapi.document("/lab", with_token=with_token)
    text = str(document)
    for name in {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(names)
    assert document["servers"] == [{"url": "/lab"}]
    assert ("401" in document["paths"]["/interpret"]["post"]["responses"]) is with_token
    assert document["components"]["schemas"]["Report"]["required"] == report_schema()["required"]


def test_examples_of_the_document_are_answered():
    """Every example of a request in the OpenAPI document gets an answer."""
    client = Client(APP)
    for kind, content in openapi.document()["paths"]["/interpret"]["post"]["requestBody"]["content"].items():
        assert client.interpret(content["example"], kind).status_code == 200, kind


if find_spec("schemathesis"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        import schemathesis
        from schemathesis.specs.openapi.checks import positive_data_acceptance

        @schemathesis.serializer(
            *(kind for kind in documents.FHIR_TYPES if kind.endswith("ndjson")),
            *documents.HL7_TYPES,
            "text/tab-separated-values",
        )
        def _lines(_, value):
            return value.encode() if isinstance(value, str) else json.dumps(value).encode()

        schema = schemathesis.openapi.from_asgi("/openapi.json", APP)

    @pytest.mark.filterwarnings("ignore")
    @schema.parametrize()
    @settings(max_examples=10, suppress_health_check=list(HealthCheck))
    def test_service_keeps_to_its_document(case):
        """Generated requests, right and wrong, get the statuses, types and bodies that the document names.

        That a request of the right form is accepted is not asked: it may still name ranges that there are not.
        """
        case.call_and_validate(excluded_checks=[positive_data_acceptance])
