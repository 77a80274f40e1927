"""Checks a parsed file against the tables of `schema` and collects every fault with its path."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.ranges import schema
from labinterp.ranges.model import AGE_UNITS, Limits
from labinterp.reading.analytes import analytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labinterp.ranges.schema import Key

MAX_FAULTS = 200
_MAX_TEXT = 2000
_SHOWN = 40
_LARGEST_INT = 1000  # bits; Python itself refuses to print much longer ones
_MISSING: Any = object()
_NUMBER = re.compile(schema.NUMBER_PATTERN)
_AGE = re.compile(schema.AGE_PATTERN)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@attrs.frozen
class Age:
    """An age as written, and its ends in years."""

    text: str
    low: Fraction | None
    high: Fraction | None


class TomlTable(dict[str, Any]):
    """The converted values of one table; `given` has every key in the file, `whole` says that all were right."""

    given: frozenset[str] = frozenset()
    whole: bool = True


@attrs.define
class TableReader:
    """Reads tables and collects faults.

    Args:
        label: name of the file in messages.
        own: whether it is a user's own file, of which less is required.
        faults: what was found, each `file: path: what is wrong`.
    """

    label: str
    own: bool = False
    faults: list[str] = attrs.field(factory=list)
    _names: dict[str, str] = attrs.field(factory=dict)

    def fault(self, path: str, message: str, example: str | None = None) -> None:
        """Note a fault; `example` is a right piece of TOML."""
        where = f"{self.label}: {path}" if path else self.label
        name = self._names.get(path.split(".", maxsplit=1)[0])
        text = f"{where}: {message}" + (f" (in {name})" if name else "")
        text += f"; for example: {_line(example)}" if example else ""
        if len(self.faults) < MAX_FAULTS and text not in self.faults:
            self.faults.append(text)

    def table(self, raw: Any, keys: Iterable[Key], path: str) -> TomlTable:
        """Return the converted values of the keys that are present and right."""
        before = len(self.faults)
        found = TomlTable()
        if not isinstance(raw, dict):
            self.fault(path, f"expected a table, got {shown(raw)}")
            raw, keys = {}, ()
        found.given = frozenset(raw)
        if "." not in path and isinstance(raw.get("id"), str) and path:
            self._names[path] = shown_key(raw["id"])
        known = {key.name: key for key in keys}
        for name in raw:
            if name not in known:
                self.fault(_join(path, shown_key(name)), f"unknown key{nearest(name, known)}")
        for key in known.values():
            where = _join(path, key.name)
            if key.name in raw:
                value = self.value(raw[key.name], key, where)
                if value is not _MISSING:
                    found[key.name] = value
            elif key.required == schema.ALWAYS or (key.required == schema.SHIPPED and not self.own):
                self.fault(where, "missing", key.example)
        found.whole = len(self.faults) == before
        return found

    def value(self, raw: Any, key: Key, path: str) -> Any:
        """Return one converted value, or the mark of a fault."""
        if key.kind == "table":
            return self.table(raw, key.keys, path)
        if key.kind == "tables":
            if not isinstance(raw, list):
                self.fault(path, f"expected a list of tables, got {shown(raw)}", key.example)
                return _MISSING
            return [self.table(item, key.keys, f"{path}[{index}]") for index, item in enumerate(raw, 1)]
        try:
            return _CONVERTERS[key.kind](raw, key)
        except _FaultError as fault:
            self.fault(path, str(fault), key.example)
            return _MISSING


class _FaultError(Exception):
    """A value that is not of its kind."""


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _line(example: str) -> str:
    return example.replace("\n", ", ")


def shown(raw: Any) -> str:
    """Return a short, printable rendering of something found in a file."""
    if isinstance(raw, dict):
        return "a table"
    if isinstance(raw, list):
        return "a list"
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, int) and raw.bit_length() > _LARGEST_INT:
        return "a very long number"
    if isinstance(raw, str):
        text = repr(str.__str__(raw))
    elif isinstance(raw, (Decimal, int)):
        text = repr(str(raw))
    elif isinstance(raw, (float, dt.date, dt.time)):
        text = str(raw)
    else:
        return f"something of type {type(raw).__name__}"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def shown_key(name: str) -> str:
    """Return a short, printable rendering of a key."""
    return name if re.fullmatch(r"[\w/.-]{1,40}", name, re.ASCII) else shown(name)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or the names where there are few, or nothing."""
    names = list(known)
    found = difflib.get_close_matches(name[:_SHOWN], names, n=1, cutoff=0.6)
    if found:
        return f"; did you mean {found[0]!r}?"
    return f"; known are {', '.join(names)}" if len(names) <= 20 else ""  # noqa: PLR2004 - one line's worth


def _text(raw: Any, _key: Key) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise _FaultError(f"expected a text, got {shown(raw)}")
    if len(raw) > _MAX_TEXT:
        raise _FaultError(f"the text is longer than {_MAX_TEXT} characters")
    if _UNPRINTABLE.search(raw):
        raise _FaultError("the text has control characters")
    return raw.strip()


def _pattern(raw: Any, pattern: str, words: str) -> str:
    if not isinstance(raw, str) or len(raw) > 100 or not re.fullmatch(pattern, raw):  # noqa: PLR2004 - an id is short
        raise _FaultError(f"expected {words}, got {shown(raw)}")
    return raw


def _identifier(raw: Any, _key: Key) -> str:
    return _pattern(raw, schema.ID_PATTERN, "lower-case letters and digits joined by '-', '_' or '.'")


def _edition_id(raw: Any, _key: Key) -> str:
    return _pattern(raw, schema.EDITION_PATTERN, "'publisher/edition' in lower-case letters, digits, '-', '_' and '.'")


def _analyte(raw: Any, _key: Key) -> str:
    if not isinstance(raw, str) or raw not in analytes():
        hint = nearest(raw, analytes()) if isinstance(raw, str) else ""
        raise _FaultError(f"unknown analyte {shown(raw)}{hint}")
    return raw


def _date(raw: Any, _key: Key) -> dt.date:
    if isinstance(raw, dt.date) and not isinstance(raw, dt.datetime):
        return raw
    if isinstance(raw, str) and DATE.fullmatch(raw):
        try:
            return dt.date.fromisoformat(raw)
        except ValueError:
            raise _FaultError(f"the date {raw} does not exist") from None
    raise _FaultError(f"expected a date as 2026-11-22, got {shown(raw)}")


def _flag(raw: Any, _key: Key) -> bool:
    if not isinstance(raw, bool):
        raise _FaultError(f"expected true or false, got {shown(raw)}")
    return raw


def _choice(raw: Any, key: Key) -> str:
    if not isinstance(raw, str) or raw not in key.choices:
        close = difflib.get_close_matches(str(raw)[:_SHOWN], key.choices, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise _FaultError(f"expected one of {', '.join(key.choices)}, got {shown(raw)}{hint}")
    return raw


def _version(raw: Any, _key: Key) -> int:
    if isinstance(raw, bool) or raw != schema.VERSION:
        raise _FaultError(f"expected {schema.VERSION}, the only version of the format, got {shown(raw)}")
    return schema.VERSION


def _grade(raw: Any, _key: Key) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= 5:  # noqa: PLR2004 - as gradings have it
        raise _FaultError(f"expected a grade from 1 to 5, got {shown(raw)}")
    return raw


def _years(raw: Any, _key: Key) -> Age:
    if not isinstance(raw, str) or len(raw) > 80:  # noqa: PLR2004 - two comparisons are shorter
        raise _FaultError(f"expected an age such as '>= 18 a' or '>= 1 wk, < 18 a', got {shown(raw)}")
    ends: dict[str, Fraction] = {}
    for part in raw.split(","):
        found = _AGE.fullmatch(part.strip())
        if found is None or found[1] in ends:
            raise _FaultError(f"expected an age such as '>= 18 a' or '>= 1 wk, < 18 a', got {shown(raw)}")
        ends[found[1]] = Fraction(found[2]) * AGE_UNITS[found[3]]
    low, high = ends.get(">="), ends.get("<")
    if high is not None and (low or 0) >= high:
        raise _FaultError(f"no age lies in {shown(raw)}: the ends are inverted")
    return Age(raw, low, high)


def number(raw: Any) -> Decimal:
    """Return a number as printed.

    Raises:
        _FaultError: if it is none.
    """
    text = str(raw) if isinstance(raw, (Decimal, int)) and not isinstance(raw, bool) else raw
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise _FaultError(f"expected a number, got {shown(raw)}")
    return Decimal(text)


def _limit(raw: Any, _key: Key) -> Limits:
    if not isinstance(raw, dict):
        if isinstance(raw, str) and not _NUMBER.fullmatch(raw):
            raise _FaultError(f"expected a number, got {shown(raw)}")
        raise _FaultError(f"a limit needs its unit, got {shown(raw)} alone")
    if not raw:
        raise _FaultError("a limit needs a number and its unit")
    pairs, wrong = [], []
    for code, value in raw.items():
        try:
            pairs.append((code, number(value)))
        except _FaultError as fault:
            wrong.append(str(fault))
    if wrong:
        raise _FaultError("; ".join(wrong))
    return Limits(tuple(pairs))


def _limit_or_word(raw: Any, key: Key) -> Limits | str:
    if isinstance(raw, str) and len(raw) < _SHOWN and re.fullmatch(schema.WORD_PATTERN, raw):
        return raw
    return _limit(raw, key)


_CONVERTERS = {
    "text": _text,
    "identifier": _identifier,
    "edition_id": _edition_id,
    "analyte": _analyte,
    "date": _date,
    "flag": _flag,
    "choice": _choice,
    "version": _version,
    "grade": _grade,
    "age": _years,
    "limit": _limit,
    "limit_or_word": _limit_or_word,
}
