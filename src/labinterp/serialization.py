"""Reports as JSON and back, by cattrs; `uris.REPORT_SCHEMA` names the form."""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from labinterp import json_text
from labinterp.errors import ReportError
from labinterp.frozen import frozen
from labinterp.json_writing import Writer
from labinterp.model import Guidance, LabResult, Pathway, Patient, Provenance, ReportData
from labinterp.reading import units, values
from labinterp.reading.demographics import read_text
from labinterp.words import uris

if TYPE_CHECKING:
    from cattrs import Converter

_DEEPEST_INDENT: Final = 16
_LONGEST_INT: Final = 1024  # bits: what a float can hold
_TOO_LARGE: Final = "a number too large for a float"
MAX_BYTES: Final = 64 * 1024 * 1024
_T = TypeVar("_T", bound=ReportData)


@functools.cache
def _converter() -> Converter:
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn

    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(str | None, _optional_text)
    converter.register_structure_hook(float | None, lambda value, _: None if value is None else _number(value))
    for union in (float | str | None, str | bool | None):
        converter.register_structure_hook(union, _scalar)
    for union in (dt.datetime | dt.date | str | None, dt.date | str | None):
        converter.register_structure_hook(union, _optional_text)
    converter.register_structure_hook_func(
        lambda kind: kind in (Mapping[str, Any], Mapping[str, str]), lambda value, _: _mapping(value)
    )
    form = _fields_alone(Patient)
    for cls in (LabResult, form):
        converter.register_structure_hook(cls, make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True))
    converter.register_structure_hook(
        Patient, lambda data, _: Patient.as_sent(**attrs.asdict(converter.structure(data, form), recurse=False))
    )
    return converter


def _fields_alone(cls: Any) -> Any:
    """Return a class of the same fields that checks nothing: a report keeps what was sent."""
    attrs.resolve_types(cls)
    fields = {field.name: attrs.field(default=field.default, type=field.type) for field in attrs.fields(cls)}
    return attrs.make_class(cls.__name__, fields)


def _plain_fields(cls: Any, item: Any) -> dict[str, Any]:
    return {field.name: plain(getattr(item, field.name)) for field in cls.__attrs_attrs__}


def _plain_result(item: LabResult) -> dict[str, Any]:
    """Return a result's fields; a Quantity's unit in the unit field, or behind the number if another is there."""
    if units.is_quantity(item.value):
        number, unit = units.from_quantity(item.value)
        same = not item.unit or units.resolve(item.unit).code == unit
        item = attrs.evolve(item, value=number if same else f"{_number_text(number)} {unit}", unit=item.unit or unit)
    return _plain_fields(LabResult, item)


def _number_text(number: Any) -> Any:
    return values.number_text(number) if isinstance(number, float) and math.isfinite(number) else plain(number)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: numbers and texts as they are, all else as text; NaN as nothing."""
    if isinstance(value, int) and value.bit_length() > _LONGEST_INT:
        return _TOO_LARGE
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if value.is_nan() if isinstance(value, Decimal) else isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, Real) and not isinstance(value, Decimal):  # also a Fraction, or a number of numpy
        try:
            number = float(value)
        except (OverflowError, ValueError):
            return _TOO_LARGE
        return number if math.isfinite(number) else str(number)
    text = values.number_text(value) if isinstance(value, Decimal) else value
    return text.isoformat() if isinstance(text, dt.date) else read_text(text)


def _optional_text(value: Any, _: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _scalar(value: Any, _: Any) -> Any:
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise TypeError("expected a number or a text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("expected a number")
    return value


def _mapping(value: Any) -> Any:
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return frozen(value)


def to_dict(report: ReportData) -> dict[str, Any]:
    """Return a report as dicts, lists, texts and numbers, with `schema` first."""
    data: dict[str, Any] = json.loads(to_json(report, indent=None))
    return data


def to_json(report: ReportData, *, indent: int | None = 2) -> str:
    """Return a report as JSON text."""
    if indent is not None and not (isinstance(indent, int) and 0 <= indent <= _DEEPEST_INDENT):
        raise TypeError(f"indent is no number of spaces from 0 to {_DEEPEST_INDENT}")
    return _writer(indent).text({"schema": uris.REPORT_SCHEMA, **attrs.asdict(report, recurse=False)})


@functools.cache
def _writer(indent: int | None) -> Writer:
    forms: dict[type, Callable[[Any], dict[str, Any]]] = {
        Patient: functools.partial(_plain_fields, Patient),
        LabResult: _plain_result,
    }
    return Writer(indent, plain, forms, shared=(Guidance, Pathway, Provenance))


def parse(text: str | bytes) -> Any:
    """Return the JSON of a report.

    Raises:
        ReportError: if it is none.
    """
    if not isinstance(text, str | bytes | bytearray):
        raise TypeError("a report is read from text or bytes")
    if len(text) > MAX_BYTES:
        raise ReportError("the document is larger than a report can be")
    try:
        data = json.loads(text, object_pairs_hook=json_text.without_duplicates)
    except json_text.FaultInJson as error:
        raise ReportError(f"the report cannot be read: {error}") from None
    except (ValueError, RecursionError):
        raise ReportError("the document is not JSON") from None
    if not isinstance(data, dict) or data.get("schema") != uris.REPORT_SCHEMA:
        raise ReportError("the document is not a labinterp report of a known form")
    return data


def from_dict(data: Any, cls: type[_T]) -> _T:
    """Build a report from what `to_dict` gave.

    Raises:
        ReportError: as `from_json`.
    """
    from cattrs import transform_error

    if not isinstance(data, dict) or data.get("schema") != uris.REPORT_SCHEMA:
        raise ReportError("the document is not a labinterp report of a known form")
    fields = {key: value for key, value in data.items() if key != "schema"}
    try:
        return _converter().structure(fields, cls)
    except RecursionError:
        raise ReportError("the document is nested too deeply") from None
    except Exception as error:  # noqa: BLE001 - cattrs raises groups of any kind; only places are shown, no content
        places = tuple(transform_error(error))
        raise ReportError(f"the report has faults: {'; '.join(places[:20])}", places=places) from None
