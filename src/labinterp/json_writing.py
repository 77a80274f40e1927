"""JSON text from frozen classes, each part that many answers share written once and kept.

The text is what `json.dumps(…, ensure_ascii=False, indent=…)` writes, whose encoder is in Python where it indents; but
half a character is escaped, so that every encoding can hold the text.
"""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEPT: Final = 4096
_HALF: Final = re.compile("[\ud800-\udfff]")
_Getter = Callable[[Any], "Iterable[Any]"]


class Writer:
    """Writes values at one indentation.

    Args:
        indent: spaces per level; None writes one line.
        plain: makes what JSON can hold of a value of any other class: None, a truth, a number or a text.
        forms: class → what makes a mapping of its objects, where they are not written field by field.
        shared: classes whose objects are handed out again and again: their texts are kept, by identity. Such a class
            holds nothing of a patient.

    Example:
        >>> Writer(None, str).text({"analyte": "magnesium", "grades": (1, None), "value": 0.8})
        '{"analyte": "magnesium", "grades": [1, null], "value": 0.8}'
    """

    def __init__(
        self,
        indent: int | None,
        plain: Callable[[Any], Any],
        forms: Mapping[type, Callable[[Any], Mapping[str, Any]]] | None = None,
        shared: Iterable[type] = (),
    ) -> None:
        self._indent = indent
        self._plain = plain
        self._forms = dict(forms or {})
        self._shared = frozenset(shared)
        self._how: dict[type, Callable[[Any, int], str]] = {}

    def text(self, value: Any, depth: int = 0) -> str:
        """Return a value as JSON.

        Args:
            value: what is written.
            depth: how many levels it lies within others.

        Raises:
            ValueError: for a number that is not finite.
            TypeError: for what is not JSON even when it is made plain.
        """
        kind = type(value)
        how = self._how.get(kind)
        if how is None:
            how = self._how[kind] = self._way(kind)
        return how(value, depth)

    def _way(self, kind: type) -> Callable[[Any, int], str]:
        """Return how objects of a class are written."""
        if kind in self._forms:
            return functools.partial(self._formed, self._forms[kind])
        if attrs.has(kind):
            names = [field.name for field in attrs.fields(kind)]
            fields = functools.partial(self._fields, _getter(names), list(map(_key, names)))
            return Kept(fields, _KEPT) if kind in self._shared else fields
        if issubclass(kind, list | tuple):
            return self._list
        return self._mapping if issubclass(kind, Mapping) else self._scalar

    def _formed(self, form: Callable[[Any], Mapping[str, Any]], value: Any, depth: int) -> str:
        return self._mapping(form(value), depth)

    def _fields(self, values: _Getter, keys: list[str], value: Any, depth: int) -> str:
        return self._object(zip(keys, values(value), strict=True), depth)

    def _mapping(self, value: Mapping[str, Any], depth: int) -> str:
        return self._object(((_key(key), item) for key, item in value.items()), depth)

    def _object(self, pairs: Iterable[tuple[str, Any]], depth: int) -> str:
        text, deeper = self.text, depth + 1
        written = [f"{key}null" if item is None else key + text(item, deeper) for key, item in pairs]
        return self._between("{", written, "}", depth)

    def _list(self, value: Iterable[Any], depth: int) -> str:
        return self._between("[", [self.text(item, depth + 1) for item in value], "]", depth)

    def _between(self, start: str, written: list[str], end: str, depth: int) -> str:
        if not written:
            return start + end
        if self._indent is None:
            return f"{start}{', '.join(written)}{end}"
        inner = _line(self._indent * (depth + 1))
        return f"{start}{inner}{f',{inner}'.join(written)}{_line(self._indent * depth)}{end}"

    def _scalar(self, value: Any, _: int) -> str:
        text = _literal(value) or _literal(self._plain(value))
        if not text:
            raise TypeError(f"{type(value).__name__} is not JSON")
        return text


def _getter(names: list[str]) -> _Getter:
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda value: [getattr(value, name) for name in names]


def _literal(value: Any) -> str:
    """Return a text, a number, a truth or nothing as JSON; an empty text for anything else."""
    if isinstance(value, str):
        return encode_basestring(value) if value.isascii() else _whole(encode_basestring(value))
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number is not finite")
        return float.__repr__(value)
    return int.__repr__(value) if isinstance(value, int) else ""


def _whole(text: str) -> str:
    """Return a text in which half a character, which no encoding can hold, is escaped."""
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


@functools.cache
def _line(spaces: int) -> str:
    return "\n" + " " * spaces


@functools.lru_cache(maxsize=1024)
def _key(name: str) -> str:
    return f"{_literal(name)}: "
