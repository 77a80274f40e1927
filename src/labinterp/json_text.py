"""JSON from outside: read within limits, with the place of every fault and never the content."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NoReturn

from labinterp.arguments import checked_number
from labinterp.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 50_000_000
MAX_DEPTH: Final = 64
_LONGEST_INT: Final = 40
_LARGEST_POWER: Final = 999_999
"""As which a larger one counts: no result is read from either."""
_SHOWN_STEPS: Final = 8
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_FILE_NAME: Final = re.compile(r"[^\s{}\[\]\"]{1,255}\.[A-Za-z0-9]{2,8}")
_SHOWN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


class FaultInJson(ValueError):  # noqa: N818 - leaves as an error of ours
    """Something that `json` accepts and we don't."""


def step(key: object) -> str:
    """Return one step of a place; only keys that look like names of elements are shown."""
    if isinstance(key, int):
        return f"/{key}"
    return f"/{key}" if isinstance(key, str) and _SHOWN_KEY.fullmatch(key) else "/*"


def fault(place: str, what: str, *, hint: str | None = None) -> InputError:
    """Return an `InputError` that names the place."""
    return InputError(f"the document cannot be read at {place or '/'}: {what}", hint=hint, place=place or "/")


def refuse(place: str, what: str, *, hint: str | None = None) -> NoReturn:
    """Raise an `InputError` that names the place."""
    raise fault(place, what, hint=hint)


def loads(text: str | bytes, *, where: str = "", max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Read JSON with decimals kept as they are printed.

    Args:
        text: JSON text, or its bytes in UTF-8.
        where: put before every place, such as `line 3: `, for one line of NDJSON.
        max_bytes: longest text that is read.
        max_depth: deepest nesting that is read.

    Raises:
        InputError: too long, too deep, not UTF-8, not JSON, with half a character, or with a key twice in one object.

    Example:
        >>> loads('{"value": 2.10}')
        {'value': Decimal('2.10')}
    """
    check_size(text, max_bytes)
    if isinstance(text, bytes):
        text = decode(text)
    text = text.removeprefix("\ufeff")
    try:
        read = json.loads(
            text,
            parse_float=_read_number,
            parse_int=_read_int,
            parse_constant=_refuse_constant,
            object_pairs_hook=without_duplicates,
        )
    except json.JSONDecodeError as error:
        hint = "XML is not read; ask for JSON" if text.lstrip().startswith("<") else None
        if _FILE_NAME.fullmatch(text):
            hint = "Give a path as `pathlib.Path`"
        refuse(f"{where or f'line {error.lineno}, '}column {error.colno}", "not well-formed JSON", hint=hint)
    except RecursionError:
        refuse(f"{where}character {_too_deep_at(text, max_depth)}", f"nested more than {max_depth} levels deep")
    except _Constant:
        refuse(f"{where}character {_constant_at(text)}", "NaN and Infinity are not JSON")
    except FaultInJson as error:
        refuse(where, str(error))
    if text.count("[") + text.count("{") > max_depth:  # with fewer openings nothing can lie deeper
        check_depth(read, where=where, max_depth=max_depth)
    if _SURROGATE.search(text):
        try:
            json.dumps(read, default=str, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            refuse(where, "a text holds half a character, a surrogate without its pair")
    return read


def check_size(text: str | bytes, max_bytes: int = MAX_BYTES) -> None:
    """Raise an `InputError` for a text that is too long."""
    if len(text) > checked_number(max_bytes, "max_bytes"):
        raise InputError(
            f"the document is larger than {max_bytes} bytes",
            hint="Send it in parts, as NDJSON, or raise `max_bytes`",
            limit=max_bytes,
        )


def decode(data: bytes) -> str:
    """Decode UTF-8, or say at which byte it isn't."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        refuse(f"byte {error.start}", "not valid UTF-8")


def check_depth(value: Any, *, where: str = "", max_depth: int = MAX_DEPTH) -> None:
    """Raise an `InputError` with the place for nesting that is too deep, or that contains itself."""
    seen: dict[int, int] = {}
    stack: list[tuple[Any, int, tuple[Any, ...]]] = [(value, 0, ())]
    while stack:
        item, depth, path = stack.pop()
        if not isinstance(item, dict | list | tuple) or seen.get(id(item), -1) >= depth:
            continue
        if depth >= max_depth:
            steps: list[Any] = []
            while path:
                path, key = path
                steps.append(key)
            shown = "".join(step(key) if isinstance(key, int) else "/*" for key in reversed(steps[-_SHOWN_STEPS:]))
            refuse(f"{where}{shown}/…", f"nested more than {max_depth} levels deep")
        seen[id(item)] = depth
        pairs = item.items() if isinstance(item, dict) else enumerate(item)
        stack.extend((child, depth + 1, (path, key)) for key, child in pairs if isinstance(child, dict | list | tuple))


def read_path(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a file that is not too large."""
    with path.open("rb") as stream:
        data = stream.read(max_bytes + 1)
    check_size(data, max_bytes)
    return data


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, for `json.loads`.

    Raises:
        FaultInJson: if it has a key twice.
    """
    read = dict(pairs)
    if len(read) != len(pairs):
        raise FaultInJson("an object has a key twice")
    return read


class _Constant(FaultInJson):
    """A number that is none."""


def _read_number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # the power is none that a decimal can have
        mantissa, _, power = text.lower().partition("e")
        return Decimal(f"{mantissa}e{'-' if power.startswith('-') else ''}{_LARGEST_POWER}")


def _read_int(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _LONGEST_INT else Decimal(digits)


def _refuse_constant(_: str) -> NoReturn:
    raise _Constant


def _constant_at(text: str) -> int:
    tokens = re.finditer(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|-?Infinity|NaN', text, re.DOTALL)
    return next((token.start() for token in tokens if not token[0].startswith('"')), 0)


def _too_deep_at(text: str, max_depth: int) -> int:
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}]', text, re.DOTALL):
        if token[0] in "[{":
            depth += 1
            if depth > max_depth:
                return token.start()
        elif token[0] in "]}":
            depth -= 1
    return 0
