"""JSON against a schema of ours: every fault with its place, and never with what stands there.

Knows the part of JSON Schema that our schemas of requests and reports use: what is published is what is checked.
"""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: Final[dict[str, Any]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float, Decimal),
    "integer": int,
    "null": type(None),
}
_WORDS: Final = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "null": "null",
}
_SHOWN_CHOICES: Final = 20
KEYWORDS: Final = frozenset(
    {
        "type", "enum", "const", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
        "minLength", "maxLength", "pattern", "minimum", "maximum", "anyOf",
        "title", "description", "examples", "format", "$schema", "$id",
    }
)  # fmt: skip
"""What a schema of a request may use; a test holds that they use no more."""


@attrs.frozen
class Fault:
    """One thing that is wrong.

    Args:
        place: a JSON Pointer, a line, or a part of the request such as `header Accept`.
        detail: what is wrong there, without what stands there.
    """

    place: str
    detail: str


def faults(value: Any, schema: dict[str, Any], place: str = "") -> Iterator[Fault]:
    """Yield what is wrong with a value.

    Args:
        value: parsed JSON.
        schema: of the keywords above.
        place: JSON Pointer to the value.

    Example:
        >>> list(faults({"age": "x"}, {"type": "object", "properties": {"age": {"type": "number"}}}))
        [Fault(place='/age', detail='expected a number')]
    """
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds is not None and not any(map(_is, itertools.repeat(value), kinds)):
        yield Fault(place or "/", f"expected {' or '.join(_WORDS[kind] for kind in kinds)}")
        return
    options = schema.get("anyOf")
    if options is not None and all(any(faults(value, option, place)) for option in options):
        yield Fault(place or "/", f"expected {schema.get('description', 'another form')}")
        return
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if choices is not None and value not in choices:
        yield Fault(place or "/", f"expected one of {_listed(choices)}")
    elif isinstance(value, str):
        yield from _text(value, schema, place or "/")
    elif isinstance(value, dict):
        yield from _object(value, schema, place)
    elif isinstance(value, list):
        yield from _list(value, schema, place)
    elif _is(value, "number") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield Fault(place or "/", f"expected a number from {schema.get('minimum')} to {schema.get('maximum')}")


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])


def _listed(choices: list[Any]) -> str:
    shown = ", ".join(str(choice) for choice in choices[:_SHOWN_CHOICES])
    return f"{shown}, …" if len(choices) > _SHOWN_CHOICES else shown


def _text(value: str, schema: dict[str, Any], place: str) -> Iterator[Fault]:
    if len(value) > schema.get("maxLength", len(value)):
        yield Fault(place, f"expected at most {schema['maxLength']} characters")
    elif len(value) < schema.get("minLength", 0):
        yield Fault(place, "expected a text that is not empty")
    elif "pattern" in schema and not re.search(schema["pattern"].removesuffix("$") + r"\Z", value):
        yield Fault(place, f"expected {schema.get('description', 'another form of text')}")


def _object(value: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[Fault]:
    for key in schema.get("required", ()):
        if key not in value:
            yield Fault(place or "/", f"`{key}` is missing")
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    if others is False and any(key not in known for key in value):
        yield Fault(place or "/", f"there is a key other than {', '.join(known)}")
    for key, item in value.items():
        if key in known:
            yield from faults(item, known[key], f"{place}/{key}")
        elif isinstance(others, dict):
            yield from faults(item, others, f"{place}/*")


def _list(value: list[Any], schema: dict[str, Any], place: str) -> Iterator[Fault]:
    if len(value) > schema.get("maxItems", len(value)):
        yield Fault(place or "/", f"expected at most {schema['maxItems']} items")
        return
    if len(value) < schema.get("minItems", 0):
        yield Fault(place or "/", f"expected at least {schema['minItems']} items")
    if "items" in schema:
        for i, item in enumerate(value):
            yield from faults(item, schema["items"], f"{place}/{i}")
