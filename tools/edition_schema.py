"""The JSON Schema of an edition's file, for editors, made from the tables that the loader checks against.

`python tools/edition_schema.py` writes `reference_ranges/edition.schema.json`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from labinterp._data import reference_ranges_path
from labinterp.ranges import schema
from labinterp.reading.analytes import analytes
from labinterp.reading.units import units

FILE = "edition.schema.json"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of an edition's file; dates are texts in it, as editors of TOML give them.

    Example:
        >>> json_schema()["required"]
        ['schema', 'id', 'title', 'source']
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Edition of reference ranges",
        "description": "One immutable file of cited reference ranges; see FORMAT.md.",
        **_table(schema.EDITION),
        "anyOf": [{"required": [name]} for name in ("range", "grade", "no_categories")],
        "$defs": {
            "analyte": {"enum": list(analytes())},
            "number": {
                "anyOf": [{"type": "string", "pattern": f"^{schema.NUMBER_PATTERN}$"}, {"type": "number", "minimum": 0}]
            },
            "limit": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"enum": list(units())},
                "additionalProperties": {"$ref": "#/$defs/number"},
            },
        },
    }


def _table(keys: tuple[schema.Key, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key.name: _property(key) for key in keys},
        "required": [key.name for key in keys if key.required == schema.ALWAYS],
        "additionalProperties": False,
    }


def _property(key: schema.Key) -> dict[str, Any]:
    shipped = " Required in shipped editions." if key.required == schema.SHIPPED else ""
    return {"description": f"{key.doc}{shipped} Example: {key.example}", **_kind(key)}


def _kind(key: schema.Key) -> dict[str, Any]:
    if key.kind == "table":
        return _table(key.keys)
    if key.kind == "tables":
        return {"type": "array", "minItems": 1, "items": _table(key.keys)}
    age = schema.AGE_PATTERN.replace("(?:", "(").replace("(", "(?:")
    kinds: dict[str, dict[str, Any]] = {
        "text": {"type": "string", "minLength": 1, "maxLength": 2000},
        "identifier": {"type": "string", "pattern": f"^{schema.ID_PATTERN}$"},
        "edition_id": {"type": "string", "pattern": f"^{schema.EDITION_PATTERN}$"},
        "analyte": {"$ref": "#/$defs/analyte"},
        "date": {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "flag": {"type": "boolean"},
        "choice": {"enum": list(key.choices)},
        "version": {"const": schema.VERSION},
        "grade": {"type": "integer", "minimum": 1, "maximum": 5},
        "age": {"type": "string", "pattern": f"^{age}(?:, ?{age})?$"},
        "limit": {"$ref": "#/$defs/limit"},
        "limit_or_word": {
            "anyOf": [{"$ref": "#/$defs/limit"}, {"type": "string", "pattern": f"^{schema.WORD_PATTERN}$"}]
        },
    }
    return kinds[key.kind]


def text() -> str:
    """Return the file's text."""
    return json.dumps(json_schema(), indent=2) + "\n"


def main() -> int:
    """Run as `python tools/edition_schema.py`."""
    (reference_ranges_path() / FILE).write_text(text(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
