"""The JSON Schema of a report, made from the classes that it is written from.

`tools/write_schemas.py` writes it to `docs/schema/`; a test holds that the file is up to date.
"""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import json
import re
import types
from collections.abc import Mapping
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import attrs

from labinterp import model
from labinterp.codes import (
    COMPARATORS,
    FINDING_STATUSES,
    FLAGS,
    LEVELS,
    NOTES,
    PATHWAY_KINDS,
    PROBLEMS,
    SEVERITIES,
    STATE_STATUSES,
    STRENGTHS,
    SUPPORTS,
)
from labinterp.reading.analytes import analytes
from labinterp.words import uris

_SCALARS: Final[dict[Any, str]] = {
    str: "string",
    dt.date: "string",
    dt.datetime: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}
_ARGUMENT: Final = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)

CHOICES: Final[dict[tuple[str, str], tuple[Any, ...]]] = {
    ("Interpretation", "comparator"): COMPARATORS,
    ("Interpretation", "flag"): FLAGS,
    ("Interpretation", "level"): LEVELS,
    ("Interpretation", "problem"): PROBLEMS,
    ("Interpretation", "notes"): NOTES,
    ("Step", "observation"): ("confirmed", "contradicted", "unmeasured", "unobservable"),
    ("Step", "strength"): STRENGTHS,
    ("Pathway", "kind"): PATHWAY_KINDS,
    ("Pathway", "support"): SUPPORTS,
    ("Pathway", "strength"): STRENGTHS,
    ("Evidence", "level"): (*LEVELS, "missing", "unjudged"),
    ("Evidence", "basis"): ("reported", "adjusted_by_albumin"),
    ("Finding", "status"): FINDING_STATUSES,
    ("Finding", "severity"): SEVERITIES,
    ("Problem", "code"): PROBLEMS,
    ("ReportData", "states"): STATE_STATUSES,
}
"""Class and field → the closed list of what stands there."""

NEVER_EMPTY: Final = frozenset({("Step", "citations"), ("Pathway", "steps")})


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what `Report.to_dict` gives.

    Example:
        >>> schema = report_schema()
        >>> schema["$id"], schema["required"][:3]
        ('https://labinterp.org/schema/report-1.json', ['schema', 'interpretations', 'findings'])
    """
    found: dict[str, dict[str, Any]] = {}
    _define(model.ReportData, found)
    report = found.pop("ReportData")
    return {
        "$schema": uris.JSON_SCHEMA,
        "$id": uris.REPORT_SCHEMA,
        "title": "labinterp report",
        **report,
        "properties": {"schema": {"const": uris.REPORT_SCHEMA}, **report["properties"]},
        "required": ["schema", *report["required"]],
        "$defs": dict(sorted(found.items())),
    }


def object_schema(cls: type, *, only: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return the schema of one class without nested ones, for what callers send.

    Args:
        cls: an attrs class of `labinterp.model`.
        only: the fields that may be sent, all if not given; those without a default are required.

    Example:
        >>> object_schema(__import__("labinterp").Patient)["properties"]["sex"]["type"]
        ['string', 'null']
    """
    fields = [field for field in _fields(cls) if only is None or field.name in only]
    hints, docs = get_type_hints(cls), _documented(cls)
    made: dict[str, Any] = {
        "type": "object",
        "description": _summary(cls),
        "properties": {field.name: _described(_of(hints[field.name], {}), docs.get(field.name)) for field in fields},
        "additionalProperties": False,
    }
    required = [field.name for field in fields if field.default is attrs.NOTHING]
    return {**made, "required": required} if required else made


def _fields(cls: Any) -> tuple[Any, ...]:
    return tuple(cls.__attrs_attrs__)


def _define(cls: type, found: dict[str, dict[str, Any]]) -> None:
    """Add the schema of a class, and of every class that it holds."""
    if cls.__name__ in found:
        return
    found[cls.__name__] = {}
    hints, docs = get_type_hints(cls), _documented(cls)
    properties = {}
    for field in _fields(cls):
        made = _of(hints[field.name], found)
        choices = CHOICES.get((cls.__name__, field.name))
        if choices is not None:
            made = _closed(made, choices)
        if (cls.__name__, field.name) in NEVER_EMPTY:
            made["minItems"] = 1
        if field.name == "analyte":
            made = _closed(made, tuple(analytes()))
        properties[field.name] = _described(made, docs.get(field.name))
    found[cls.__name__] = {
        "type": "object",
        "description": _summary(cls),
        "properties": properties,
        "required": [field.name for field in _fields(cls)],
        "additionalProperties": False,
    }


def _of(kind: Any, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of an annotation."""
    if kind is Any:
        return {"type": ["number", "string", "boolean", "null"]}
    if kind in _SCALARS:
        return {"type": _SCALARS[kind]}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, Union):
        return _union([_of(part, found) for part in arguments])
    if origin is tuple:
        return {"type": "array", "items": _of(arguments[0], found)}
    if origin is Mapping:
        values = {} if arguments[1] is Any else _of(arguments[1], found)
        return {"type": "object", "additionalProperties": values or True}
    _define(kind, found)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _union(parts: list[dict[str, Any]]) -> dict[str, Any]:
    if any(set(part) != {"type"} for part in parts):
        return {"anyOf": parts}
    names = list(dict.fromkeys(part["type"] for part in parts))
    return {"type": names[0] if len(names) == 1 else names}


def _closed(made: dict[str, Any], choices: tuple[Any, ...]) -> dict[str, Any]:
    """Narrow the schema of a text to a closed list; of a list or a mapping, its items."""
    if made["type"] == "array":
        return {**made, "items": {"enum": list(choices)}}
    if made["type"] == "object":
        return {**made, "additionalProperties": {"enum": list(choices)}}
    return {"enum": [*choices, *([None] if "null" in made["type"] else [])]}


def _described(made: dict[str, Any], text: str | None) -> dict[str, Any]:
    return {"description": text, **made} if text else made


def _summary(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "").splitlines()[0]


@functools.cache
def _documented(cls: type) -> dict[str, str]:
    """Return what the docstring of a class says of each argument."""
    section = inspect.cleandoc(cls.__doc__ or "").partition("Args:\n")[2].partition("\n\n")[0]
    found = {}
    for name, text in _ARGUMENT.findall(section):
        words = " ".join(text.split()).replace("`", "")
        found[name] = f"{words[0].upper()}{words[1:]}"
    return found


def text_of(schema: dict[str, Any]) -> str:
    """Return the text of a schema's file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
