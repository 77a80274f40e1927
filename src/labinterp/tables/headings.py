"""The headings of a table: found whatever their case and language.

What laboratories head their columns with is data, in `knowledge/headings.toml`.
"""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from labinterp._data import knowledge
from labinterp.errors import LayoutError
from labinterp.reading import names_and_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

_LONGEST: Final = 100
_NAMELESS: Final = re.compile(r"(?:unnamed[0-9]{1,4}(?:level[0-9]{1,2})?)?")
_ALIKE: Final = 0.75
_TOKEN: Final = re.compile(r"[\s_.\-]+")


class Names:
    """The columns of a frame by name, whatever their case.

    Args:
        frame: the table.
        title: what to call it in messages.
    """

    def __init__(self, frame: pd.DataFrame, title: str = "the table") -> None:
        self.frame = frame
        self.title = title
        self._exact: dict[str, list[int]] = {}
        self._folded: dict[str, list[int]] = {}
        for position, column in enumerate(frame.columns):
            self._exact.setdefault(str(column), []).append(position)
            self._folded.setdefault(fold(column), []).append(position)

    def __contains__(self, name: str) -> bool:
        return fold(name) in self._folded

    def position(self, names: str, *, exact: bool = False) -> int | None:
        """Return the position of the first of the columns `a | b` that exists.

        Args:
            names: of columns.
            exact: whether a column of just this spelling is meant, though others differ from it in case alone.

        Raises:
            LayoutError: if it is there more than once.
        """
        for name in names.split(" | "):
            found = (self._exact.get(name) if exact else None) or self._folded.get(fold(name), [])
            if len(found) > 1:
                raise LayoutError(
                    f"{self.title} has more than one column named {name}",
                    hint="Rename or drop all but one of them",
                    column=name,
                )
            if found:
                return found[0]
        return None

    def column(self, names: str) -> pd.Series[Any] | None:
        """Return the first of the columns `a | b` that exists."""
        position = self.position(names)
        return None if position is None else self.frame.iloc[:, position]


def fold(name: object) -> str:
    """Return a column name as it is compared."""
    return str(name).strip().casefold()


def key_of(name: object) -> str:
    """Return a heading as it is looked up: without case, accents, blanks and punctuation.

    Example:
        >>> key_of("Test Name") == key_of("test_name"), key_of("Résultat") == key_of("RESULTAT")
        (True, True)
    """
    return _key(str(name)[:_LONGEST])


@functools.lru_cache(maxsize=1024)
def _key(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(filter(str.isalnum, folded))


@functools.cache
def _vocabulary() -> Mapping[str, tuple[str, int]]:
    """Return, by key, the column of ours that a heading means, and how far behind it stands."""
    found: dict[str, tuple[str, int]] = {}
    for ours, languages in knowledge("headings.toml")["columns"].items():
        for words in languages.values():
            for rank, word in enumerate(words):
                known = found.get(key_of(word), (ours, rank))
                found[key_of(word)] = (ours, min(rank, known[1]))
    return found


@functools.cache
def _clocks() -> frozenset[str]:
    """Return the keys of what heads a column of times of day."""
    return frozenset(map(key_of, knowledge("headings.toml")["clock"]["words"]))


def clock(columns: Iterable[object], taken: Iterable[int]) -> int | None:
    """Return the position of the column that may hold the time of day to a date in another one.

    Args:
        columns: the headings.
        taken: positions that hold something else.

    Example:
        >>> clock(["Date", "Time", "Test"], [0, 2]), clock(["Date", "Test"], [0, 1])
        (1, None)
    """
    others = set(taken)
    return next((i for i, column in enumerate(columns) if i not in others and key_of(column) in _clocks()), None)


@functools.cache
def _statuses() -> frozenset[str]:
    """Return the keys of what heads a column of the states of results."""
    return frozenset(map(key_of, knowledge("headings.toml")["status"]["words"]))


def statuses(columns: Iterable[object]) -> list[int]:
    """Return the positions of the columns that may say of a result that it does not hold.

    Example:
        >>> statuses(["Test", "Result", "Result Status", "Order Status"])
        [2, 3]
    """
    return [position for position, column in enumerate(columns) if key_of(column) in _statuses()]


@functools.cache
def _operators() -> frozenset[str]:
    """Return the keys of what may head comparators."""
    return frozenset(map(key_of, knowledge("headings.toml")["operator"]["words"]))


def operators(columns: Iterable[object], taken: Iterable[int]) -> list[int]:
    """Return the positions of the columns that may hold the comparators of values, among other things.

    Args:
        columns: the headings.
        taken: positions that hold something else.

    Example:
        >>> operators(["Test", "Operator", "Result"], [0, 2])
        [1]
    """
    others = set(taken)
    return [at for at, column in enumerate(columns) if at not in others and key_of(column) in _operators()]


@functools.cache
def _written() -> Mapping[str, frozenset[str]]:
    """Return the keys of what heads results as numbers and as text."""
    return {kind: frozenset(map(key_of, words)) for kind, words in knowledge("headings.toml")["written"].items()}


def written(columns: Iterable[object], value: int) -> list[int]:
    """Return the positions of the columns that hold the same results as the column of values, as they were written.

    Example:
        >>> written(["Test", "Result", "Result Numeric"], 2), written(["Test", "Result", "Prior Result"], 1)
        ([1], [])
    """
    keys = [key_of(column) for column in columns]
    said = _written()
    wanted = said["text"] | (said["result"] if keys[value] in said["number"] else frozenset())
    return [at for at, key in enumerate(keys) if at != value and key in wanted]


@functools.cache
def _abnormal() -> frozenset[str]:
    """Return the keys of what heads flags of which 1 says that the result is abnormal."""
    return frozenset(map(key_of, knowledge("headings.toml")["abnormal"]["words"]))


@functools.cache
def yes_or_no() -> frozenset[str]:
    """Return what answers a heading that asks, and is no flag by itself."""
    data = knowledge("headings.toml")["range_yes_no"]
    return frozenset((*data["yes"], *data["no"]))


@functools.cache
def _yes_no() -> Mapping[str, frozenset[str]]:
    """Return by heading what says there that a result is out of range."""
    data = knowledge("headings.toml")["range_yes_no"]
    pairs = ((data["inside"], data["no"]), (data["outside"], data["yes"]))
    return {key_of(word): frozenset(said) for words, said in pairs for word in words}


def flags(columns: Iterable[object]) -> dict[int, frozenset[str]]:
    """Return the positions of the columns of flags, and what says there, besides flags, that a result is abnormal.

    Example:
        >>> found = flags(["Test", "Result", "Flag", "Abnormal", "In Range"])
        >>> sorted(found), "1" in found[3], "no" in found[4]
        ([2, 3, 4], True, True)
    """
    columns = list(columns)
    apart = _yes_no() if halves(columns) is None else {}
    yes = frozenset(knowledge("headings.toml")["range_yes_no"]["yes"])
    found: dict[int, frozenset[str]] = {}
    for at, key in enumerate(map(key_of, columns)):
        if key in apart:
            found[at] = apart[key]
        elif _vocabulary().get(key, ("", 0))[0] == "reported_flag":
            found[at] = yes if key in _abnormal() else frozenset()
    return found


def nameless(columns: Iterable[object]) -> list[int]:
    """Return the positions of the columns without a name, which may hold flags; not the first, which counts the rows.

    Example:
        >>> nameless(["unnamed 1", "Test", "Result", "unnamed 4", "*"])
        [3, 4]
    """
    return [at for at, column in enumerate(columns) if at and _NAMELESS.fullmatch(key_of(column))]


@functools.cache
def _groups() -> frozenset[str]:
    """Return the keys of what heads a column of orders or of groups of tests."""
    return frozenset(map(key_of, knowledge("headings.toml")["group"]["words"]))


def groups(columns: Iterable[object], taken: Iterable[int]) -> list[int]:
    """Return the positions of the columns that may say the specimen by the name of an order or of a group of tests.

    Args:
        columns: the headings.
        taken: positions that hold something else.

    Example:
        >>> groups(["Panel", "Test", "Result", "Category"], [1, 2])
        [0, 3]
    """
    others = set(taken)
    return [
        position for position, column in enumerate(columns) if position not in others and key_of(column) in _groups()
    ]


@functools.cache
def _halves() -> Mapping[str, frozenset[str]]:
    """Return the keys of what heads values in range, and of what heads those out of it."""
    return {half: frozenset(map(key_of, words)) for half, words in knowledge("headings.toml")["halves"].items()}


def halves(columns: Iterable[object]) -> tuple[int, int] | None:
    """Return the positions of values in range and of those out of range, where no column is headed as that of values.

    Example:
        >>> halves(["Test Name", "In Range", "Out Of Range", "Reference Range"]), halves(["Test", "Result", "In Range"])
        ((1, 2), None)
    """
    columns = list(columns)
    keys = [key_of(column) for column in columns]
    inside, outside = (
        [at for at, key in enumerate(keys) if key in _halves()[half]] for half in ("in_range", "out_of_range")
    )
    if len(inside) != 1 or len(outside) != 1 or "value" in meanings(columns):
        return None
    return inside[0], outside[0]


@functools.cache
def _parts() -> Mapping[str, str]:
    """Return, by key, what stands behind the name of a test in a wide table → the column of ours that it means."""
    parts = knowledge("headings.toml")["parts"]
    return {key_of(word): ours for ours, words in parts.items() for word in words}


def meanings(columns: Iterable[object]) -> dict[str, int]:
    """Return, by column of ours, the position of the heading that means it; of several, the first in the data.

    Example:
        >>> meanings(["Parameter", "Ergebnis", "Einheit", "Bemerkung"])
        {'test': 0, 'value': 1, 'unit': 2}
    """
    best: dict[str, tuple[int, int]] = {}
    for position, column in enumerate(columns):
        known = _vocabulary().get(key_of(column)) or _vocabulary().get(
            key_of(names_and_units.split_heading(str(column)[:_LONGEST])[0])
        )
        if known is not None:
            ours, rank = known
            best[ours] = min(best.get(ours, (rank, position)), (rank, position))
    return {ours: position for ours, (_, position) in best.items()}


def is_known(name: str) -> bool:
    """Say whether a column name is one that some laboratory or program gives.

    Example:
        >>> is_known("Referenzbereich"), is_known("Bemerkung")
        (True, False)
    """
    return key_of(name) in _vocabulary()


def guess(ours: str, columns: Iterable[object]) -> str | None:
    """Return the column that was probably meant for one of ours: a slip of the pen away from its headings.

    Example:
        >>> guess("value", ["test", "valeu", "unit"])
        'valeu'
    """
    words = [ours, *(key for key, (meant, _) in _vocabulary().items() if meant == ours)]
    scored = []
    for column in columns:
        key = key_of(column)
        near = difflib.get_close_matches(key, words, 1, _ALIKE) if 2 < len(key) <= 40 else []  # noqa: PLR2004 - a word
        if near:
            scored.append((difflib.SequenceMatcher(None, key, near[0]).ratio(), str(column)))
    return max(scored)[1] if scored else None


def split_part(text: str) -> tuple[str, str | None]:
    """Split a heading of a wide table from what it says of a test: our column, or None where it says nothing more.

    Example:
        >>> split_part("Magnesium low"), split_part("calcium_reference_range"), split_part("Vitamin D")
        (('Magnesium', 'reference_low'), ('calcium', 'reference_range'), ('Vitamin D', None))
    """
    text = text[:_LONGEST]
    name, inside = names_and_units.split_heading(text)
    if inside is not None and key_of(inside) in _parts():
        return name, _parts()[key_of(inside)]
    for gap in list(_TOKEN.finditer(text))[-3:]:
        name, behind = text[: gap.start()].rstrip(" ,:;"), text[gap.end() :]
        if name and key_of(behind) in _parts():
            return name, _parts()[key_of(behind)]
    return text.strip(), None
