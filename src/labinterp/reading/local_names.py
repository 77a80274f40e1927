"""What a caller says of a laboratory's own names and codes: `tests=`, which comes before every other reading."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, ClassVar

import attrs

from labinterp.errors import InputError, LayoutError, UnknownTestError
from labinterp.formulas import rows_of, unguarded
from labinterp.reading.analyte_table import tables

DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))  # what looks like a hyphen
_MOST_BYTES = 16 << 20
_COLUMNS = ("test", "analyte")


def fold_local(text: str) -> str:
    """Return a local name as it is compared: width, case, kinds of hyphen and runs of blanks do not matter, signs do.

    Example:
        >>> fold_local("  LAB  0123-A ") == fold_local("lab 0123-a"), fold_local("Ca") == fold_local("Ca++")
        (True, False)
    """
    return " ".join(unicodedata.normalize("NFKC", text).translate(DASHES).casefold().split())


@attrs.frozen(cache_hash=True)
class TestMap:
    """A caller's own names and codes; made by `test_map`.

    Args:
        rows: folded name and analyte key, in order; an empty key refuses the name.
    """

    __test__: ClassVar[bool] = False

    rows: tuple[tuple[str, str], ...]
    _keys: dict[str, str] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_keys", dict(self.rows))

    def lookup(self, test: str | None) -> str | None:
        """Return the analyte key of a name or code, `""` where it is refused, None where nothing is said of it.

        Example:
            >>> test_map({"LAB0123": "magnesium"}).lookup("lab0123")
            'magnesium'
        """
        return self._keys.get(fold_local(test)) if isinstance(test, str) and test else None


def test_map(source: Mapping[str, str | None] | str | PurePath | TestMap) -> TestMap:
    """Read what a caller says of local names: a mapping, or the path of a CSV with the columns `test,analyte`.

    Args:
        source: name or code → analyte key; an empty key or None refuses the name.

    Raises:
        UnknownTestError: if a value is no analyte key.
        LayoutError: if the file lacks one of the columns.
        InputError: if the file cannot be read, or one name is given two analytes.
        TypeError: if it is something else.

    Example:
        >>> test_map({"LAB0123": "magnesium", "Mg (EPK)": ""}).rows
        (('lab0123', 'magnesium'), ('mg (epk)', ''))
    """
    if isinstance(source, TestMap):
        return source
    pairs = source.items() if isinstance(source, Mapping) else _of_file(source)
    rows: dict[str, str] = {}
    known = tables().analytes
    for name, key in pairs:
        if not isinstance(name, str) or not isinstance(key, str | None):
            raise TypeError("tests maps texts to analyte keys")
        name, key = fold_local(name), (key or "").strip()  # noqa: PLW2901 - the folded forms are what counts
        if key and key not in known:
            raise UnknownTestError(
                f"tests maps a name to what is no analyte key; the keys are {', '.join(known)}",
                hint="An empty analyte refuses the name",
            )
        if name and rows.setdefault(name, key) != key:
            raise InputError("tests gives one name two analytes", hint="Names are compared without case")
    return TestMap(tuple(rows.items()))


def _of_file(source: Any) -> list[tuple[str, str]]:
    if type(source) is not str and not isinstance(source, PurePath):
        raise TypeError("tests is neither a mapping nor the path of a CSV file")
    try:
        with Path(source).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError("the file of tests= cannot be read as UTF-8", hint="Check its path and encoding") from error
    if len(data) > _MOST_BYTES:
        raise InputError("the file of tests= is too large", hint="It holds one line per name, 16 MB at most")
    try:
        rows = [row for _, row in rows_of(text)]
    except csv.Error as error:
        raise InputError("the file of tests= is no CSV", hint="Its first line is test,analyte") from error
    header = [cell.strip().casefold() for cell in rows[0]] if rows else []
    for column in _COLUMNS:
        if header.count(column) != 1:
            raise LayoutError(
                f"the file of tests= has no single column {column}",
                column=column,
                hint="Its first line is test,analyte",
            )
    places = [header.index(column) for column in _COLUMNS]
    width = max(places) + 1
    body = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    if any(len(row) < width for row in body):
        raise InputError("a line of the file of tests= is short", hint="An empty analyte still needs its comma")
    return [(unguarded(row[places[0]]), row[places[1]]) for row in body]
