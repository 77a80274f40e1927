"""Reports read back: the whole document is held to the schema of reports before anything is made of it."""

from __future__ import annotations

import functools
from typing import Any, Final, TypeVar

import attrs

from labinterp import checking, model, serialization
from labinterp.errors import ReportError
from labinterp.model import ReportData
from labinterp.schema import report_schema

_T = TypeVar("_T", bound=ReportData)
_SHOWN: Final = 20
_LARGEST: Final = 1e300


def from_json(text: str | bytes, cls: type[_T]) -> _T:
    """Read a report back.

    Raises:
        ReportError: if the text is no report, or says what no report says; `places` lists what is wrong where.
    """
    data = serialization.parse(text)
    faults = [*checking.faults(data, _schema()), *_beyond(data, "")]
    if not faults:
        faults = list(_dangling(data))
    if faults:
        places = tuple(f"{fault.detail} @ {fault.place}" for fault in faults[:_SHOWN])
        raise ReportError(f"the report has faults: {'; '.join(places)}", places=places)
    return serialization.from_dict(data, cls)


@functools.cache
def _schema() -> dict[str, Any]:
    """Return the schema with its parts in their places; what a class has a default for may be missing."""
    schema = report_schema()
    made: dict[str, Any] = _expanded(schema, schema.pop("$defs"), ReportData.__name__)
    return made


def _expanded(part: Any, parts: dict[str, Any], name: str) -> Any:
    if isinstance(part, list):
        return [_expanded(item, parts, "") for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        named = part["$ref"].rpartition("/")[2]
        return _expanded(parts[named], parts, named)
    made = {key: _expanded(item, parts, "") for key, item in part.items()}
    if name == "Patient":  # an age that is none is noted, and kept as it was sent
        made["properties"]["age"] = {"type": ["number", "string", "boolean", "null"]}
    if name:
        needed = {field.name for field in attrs.fields(getattr(model, name)) if field.default is attrs.NOTHING}
        made["required"] = [key for key in part["required"] if key in needed or key == "schema"]
    return made


def _beyond(value: Any, place: str) -> list[checking.Fault]:
    """Return where a number stands that no float can hold."""
    if isinstance(value, dict | list):
        pairs = [("*", item) for item in value.values()] if isinstance(value, dict) else list(enumerate(value))
        return [fault for key, item in pairs for fault in _beyond(item, f"{place}/{key}")]
    if isinstance(value, int | float) and not abs(value) <= _LARGEST:
        return [checking.Fault(place, "expected a number that can be used")]
    return []


def _dangling(data: dict[str, Any]) -> list[checking.Fault]:
    """Return where a report points at a result that it does not have."""
    count = len(data["interpretations"])
    pointing = [
        (f"/findings/{i}/evidence/{j}/result_index", item.get("result_index"))
        for i, finding in enumerate(data["findings"])
        for j, item in enumerate(finding["evidence"])
    ]
    pointing += [(f"/problems/{i}/result_index", item["result_index"]) for i, item in enumerate(data["problems"])]
    return [
        checking.Fault(place, "expected the number of a result")
        for place, index in pointing
        if index is not None and not 0 <= index < count
    ]
