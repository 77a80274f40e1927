"""The body of `/interpret` → what it is: a request of ours, FHIR, or a table; by its type, and by content."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final

import attrs

from labinterp import checking, json_text
from labinterp.errors import InputError
from labinterp.service import body, schemas
from labinterp.service.media import MediaType  # noqa: TC001 - attrs classes keep their annotations readable at run time
from labinterp.service.problems import RefusedError
from labinterp.tables import packed, sources

JSON_TYPES: Final = ("application/json", "text/json")
FHIR_TYPES: Final = (
    "application/fhir+json", "application/json+fhir", "application/fhir+ndjson", "application/ndjson",
    "application/x-ndjson",
)  # fmt: skip
TABLE_TYPES: Final = ("text/csv", "application/csv", "text/tab-separated-values")
HL7_TYPES: Final = ("application/hl7-v2", "x-application/hl7-v2+er7", "application/hl7-v2+er7")
OPEN_TYPES: Final = (
    "text/plain", "application/octet-stream", "application/gzip", "application/x-gzip",
    "application/x-www-form-urlencoded",
)  # fmt: skip
"""Types that say nothing of what a document is; the last is what curl says of anything."""
TYPES: Final = (*JSON_TYPES, *FHIR_TYPES, *HL7_TYPES, *TABLE_TYPES, *OPEN_TYPES)
_PACKED: Final = (packed.ZIP, sources.PARQUET)
_BOM: Final = b"\xef\xbb\xbf"
_LINES: Final = re.compile(rb"\}[ \t\r]*\n\s*\{")


@attrs.frozen
class Document:
    """What a body is.

    Args:
        kind: `request`, `fhir`, `hl7v2` or `table`.
        content: parsed JSON, or bytes in UTF-8; of HL7 v2 bytes as they came, or text where a charset was named.
    """

    kind: str
    content: Any = attrs.field(repr=False)


def family(kind: MediaType | None) -> str:
    """Return what a type says of the body: `json`, `fhir`, `hl7v2`, `table`, or `any` where it says nothing."""
    if kind is None or kind.name in OPEN_TYPES:
        return "any"
    if kind.name in FHIR_TYPES:
        return "fhir"
    if kind.name in HL7_TYPES:
        return "hl7v2"
    return "table" if kind.name in TABLE_TYPES else "json"


def unpacked(data: bytes, coding: str, max_bytes: int) -> bytes:
    """Return a body as it was before it was packed with the content coding `gzip`.

    Raises:
        RefusedError: with 400 where it is damaged, 413 where it unpacks to more than `max_bytes`.
    """
    if coding == "identity":
        return data
    try:
        return packed.ungzipped(data, "the body", max_bytes)
    except InputError as error:
        refused = RefusedError.from_error(error, 400, "body")
        refused.hint = "Send it in parts" if refused.status == 413 else "Pack it again, whole"  # noqa: PLR2004 - too large
        raise refused from None


def read(data: bytes, kind: MediaType | None, max_bytes: int, coding: str = "identity") -> Document:
    """Tell what a body is, and parse it if it is JSON.

    Args:
        data: the body.
        kind: its type, as it was sent.
        max_bytes: longest text that is parsed, unpacked.
        coding: `gzip`, or `identity`.

    Raises:
        RefusedError: with 400 where it cannot be read, 413 where it unpacks to too much, 415 where it is of another
            kind.
    """
    said = family(kind)
    codec = body.codec(kind, body.TEXT_ENCODINGS if said in ("table", "hl7v2", "any") else body.ENCODINGS, TYPES)
    data = unpacked(data, coding, max_bytes)
    if data.startswith(packed.GZIP):
        data = unpacked(data, "gzip", max_bytes)
    if not data.strip():
        raise RefusedError(400, "the body is empty", place="body")
    if data.startswith(_PACKED):
        raise RefusedError(415, "archives and binary tables are not read", place="body", hint="Send text in UTF-8")
    if said == "hl7v2" or (said == "any" and sources.kind_of(data) == "hl7v2"):
        named = kind is not None and "charset" in kind.parameters
        return Document("hl7v2", _decoded(data, codec).decode() if named else data)
    if codec != "utf-8":
        data = _decoded(data, codec)
    looks_json = data.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[")
    if said == "table" or (said == "any" and not looks_json):
        if looks_json:
            raise RefusedError(
                415, "the body is JSON, and its type says that it is a table", place="header Content-Type"
            )
        return Document("table", data)
    if said != "json" and _LINES.search(data):
        return Document("fhir", data)  # NDJSON is parsed line by line
    found = parsed(data, max_bytes)
    first = found[0] if isinstance(found, list) and found else found
    if said == "fhir" or (isinstance(first, dict) and "resourceType" in first):
        return Document("fhir", found)
    return Document("request", checked(found))


def parsed_object(data: bytes, max_bytes: int, schema: dict[str, Any]) -> dict[str, Any]:
    """Parse JSON and hold it to a schema.

    Raises:
        RefusedError: with 400 where it cannot be read, 422 where it has the wrong form.
    """
    return _held(parsed(data, max_bytes), schema)


def checked(given: Any) -> dict[str, Any]:
    """Return a request of ours that has the right form, with floats for its numbers."""
    held: dict[str, Any] = _with_floats(_held(given, schemas.interpret_request()))
    return held


def parsed(data: bytes, max_bytes: int) -> Any:
    """Parse JSON.

    Raises:
        RefusedError: with 400 where it cannot be read.
    """
    try:
        return json_text.loads(data, max_bytes=max_bytes)
    except InputError as error:
        raise RefusedError.from_error(error, 400) from None


def _held(given: Any, schema: dict[str, Any]) -> dict[str, Any]:
    faults = list(checking.faults(given, schema))
    if faults:
        raise RefusedError.from_faults(faults)
    found: dict[str, Any] = given
    return found


def _with_floats(value: Any) -> Any:
    if isinstance(value, Decimal):
        number = float(value)
        return number if math.isfinite(number) else str(value)
    if isinstance(value, dict):
        return {key: _with_floats(item) for key, item in value.items()}
    return [_with_floats(item) for item in value] if isinstance(value, list) else value


def _decoded(data: bytes, codec: str) -> bytes:
    try:
        return data.decode(codec).encode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(400, "not valid in the charset that was named", place=f"byte {error.start}") from None
