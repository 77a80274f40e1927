"""Reports as JSON-ready data and back, by cattrs; `SCHEMA_ID` names the form."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from labinterp.errors import ReportError
from labinterp.model import LabResult, Patient, Report

if TYPE_CHECKING:
    from cattrs import Converter

SCHEMA_ID: Final = "https://labinterp.org/schema/report-1.json"
MAX_BYTES: Final = 64 * 1024 * 1024
_T = TypeVar("_T", bound=Report)


@functools.cache
def _converter() -> Converter:
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn

    converter = Converter(forbid_extra_keys=True)
    for kind in (dt.datetime, dt.date):
        converter.register_unstructure_hook(kind, lambda value: value.isoformat())
    converter.register_structure_hook(str | None, _optional_text)
    converter.register_structure_hook(float | None, lambda value, _: None if value is None else _number(value))
    for union in (dt.datetime | dt.date | str | None, dt.date | str | None):
        converter.register_structure_hook(union, _optional_text)
    converter.register_structure_hook_func(
        lambda kind: kind in (Mapping[str, Any], Mapping[str, str]), lambda value, _: _mapping(value)
    )
    for cls in (LabResult, Patient):
        converter.register_unstructure_hook(cls, functools.partial(_plain_fields, cls))
        converter.register_structure_hook(cls, make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True))
    return converter


def _plain_fields(cls: Any, item: Any) -> dict[str, Any]:
    return {field.name: plain(getattr(item, field.name)) for field in cls.__attrs_attrs__}


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: numbers and texts as they are, all else as text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if hasattr(value, "magnitude") and hasattr(value, "units"):
        return f"{plain(value.magnitude)} {value.units:~}"
    try:
        return plain(float(value))
    except (TypeError, ValueError, OverflowError):
        return str(value)[:256]


def _optional_text(value: Any, _: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("expected a number")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return value


def to_dict(report: Report) -> dict[str, Any]:
    """Return a report as dicts, lists, texts and numbers, with `schema` first."""
    data: dict[str, Any] = _converter().unstructure(report)
    return {"schema": SCHEMA_ID, **json.loads(json.dumps(data, default=plain))}


def to_json(report: Report, *, indent: int | None = 2) -> str:
    """Return a report as JSON text."""
    return json.dumps(to_dict(report), ensure_ascii=False, indent=indent, allow_nan=False)


def from_json(text: str | bytes, cls: type[_T]) -> _T:
    """Read a report back.

    Raises:
        ReportError: if the text is no report; `places` lists what is wrong where.
    """
    if len(text) > MAX_BYTES:
        raise ReportError("the document is larger than a report can be")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ReportError("the document is not JSON") from None
    return from_dict(data, cls)


def from_dict(data: Any, cls: type[_T]) -> _T:
    """Build a report from what `to_dict` gave.

    Raises:
        ReportError: as `from_json`.
    """
    from cattrs import transform_error

    if not isinstance(data, dict) or data.get("schema") != SCHEMA_ID:
        raise ReportError("the document is not a labinterp report of a known form")
    fields = {key: value for key, value in data.items() if key != "schema"}
    try:
        return _converter().structure(fields, cls)
    except RecursionError:
        raise ReportError("the document is nested too deeply") from None
    except Exception as error:  # noqa: BLE001 - cattrs raises groups of any kind; only places are shown, no content
        places = tuple(transform_error(error))
        raise ReportError(f"the report has faults: {'; '.join(places[:20])}", places=places) from None
