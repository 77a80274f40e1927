"""The laboratory's own flag → the side of normal on which it puts the result.

Signs, codes and words are data, in `knowledge/grammar.toml`; a text of several words says what its words say together.
What a column of flags says besides, as in `L^Below low normal^HL70078` or `Low, repeat`, takes nothing from a word that
is abnormal.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from labinterp._data import knowledge
from labinterp.frozen import frozen
from labinterp.reading import comparators

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CRITICAL: Final = {"low": "critically low", "high": "critically high", "abnormal": "critical"}
_LISTS: Final = ("low", "normal", "high", "abnormal")
SIDES: Final = (*_LISTS, *_CRITICAL.values())
_SIDE_ALONE: Final = {critical: side for side, critical in _CRITICAL.items()}
MAX_LENGTH: Final = 64
_LONGEST_NAME: Final = 256
_EASTERN: Final = "\u2e80"
"""The scripts of China, Japan and Korea come behind it."""
_BRACKETS: Final = "()[]{}"
_BETWEEN: Final = re.compile(r"[\s,;/_~^|()\[\]{}:.\"&\\]+")
_PART: Final = re.compile(r"[^\W_]+")
_CODES: Final = frozenset({"l", "ll", "lu", "h", "hh", "hu", "a", "aa"})
"""Of HL7's codes those that stand in front of other words."""
_LEVELS: Final = {
    "very_low": "low",
    "low": "low",
    "borderline_low": "abnormal",
    "borderline": "abnormal",
    "high": "high",
    "very_high": "high",
    "normal": "normal",
}
"""What the name of a band says as a flag; `insufficient` and `suboptimal` may be meant of either side."""
_MISSING: Final = frozenset({"n/a", "na", "n.a.", "n.a", "none", "null", "nan", "nat", "<na>", "."})


@functools.cache
def _sides(*, codes: bool) -> Mapping[str, str]:
    """Return word, sign or code → side."""
    grammar = knowledge("grammar.toml")
    data, levels = grammar["flags"], grammar["ranges"]["levels"]
    lists = [(_LEVELS[level], words) for level, words in levels.items()] + [(side, data[side]) for side in _LISTS]
    lists += [(side, data["codes"][side]) for side in _LISTS if codes]
    found: Mapping[str, str] = frozen(
        {comparators.key(comparators.plain(word)): side for side, words in lists for word in words}
    )
    return found


@functools.cache
def _degrees() -> frozenset[str]:
    return frozenset(map(comparators.key, knowledge("grammar.toml")["flags"]["degree"]))


@functools.cache
def _criticals() -> frozenset[str]:
    return frozenset(map(comparators.key, knowledge("grammar.toml")["flags"]["critical"]))


@functools.cache
def signs() -> str:
    """Return the signs that may stand at a number without a space: stars and arrows, no `+`, `-`, `<` or `>`."""
    return "".join(
        sorted({word for word in _sides(codes=False) if len(word) == 1 and not word.isalnum()} - set("+-<>"))
    )


@functools.lru_cache(maxsize=4096)
def side_of_reported(flag: str) -> str | None:
    """Return one of `SIDES`; None for a flag that says nothing known.

    Example:
        >>> side_of_reported("LOW LOW"), side_of_reported("Below low normal"), side_of_reported("see note")
        ('critically low', 'low', None)
    """
    return _side(flag, codes=True, whole=False)


@functools.lru_cache(maxsize=4096)
def side_in_value(text: str) -> str | None:
    """Return the side that a text around a number says, where a code could be a unit or a word and is none.

    Example:
        >>> side_in_value("(L)"), side_in_value("niedrig"), side_in_value("PM")
        ('low', 'low', None)
    """
    return _side(text, codes=False, whole=True)


@functools.lru_cache(maxsize=4096)
def side_in_name(name: str) -> str | None:
    """Return the side that stars and arrows beside the name of a test say.

    Example:
        >>> side_in_name("↓ Calcium"), side_in_name("Mg *"), side_in_name("*镁"), side_in_name("25(OH)D")
        ('low', 'abnormal', None, None)
    """
    text = comparators.plain(name[:_LONGEST_NAME])
    inside = text.strip(_signs_of_names() + _BRACKETS + " ")
    around = text.partition(inside) if inside else ("", "", "")
    eastern = any(char >= _EASTERN for char in inside)
    idle = knowledge("grammar.toml")["flags"]["no_flag_of_eastern_names"] if eastern else ()
    found = [sign for part in around[::2] for sign in part if sign in _signs_of_names() and sign not in idle]
    return _side(" ".join(found), codes=False, whole=True) if found and len(found) < MAX_LENGTH else None


def without_signs(name: str) -> str:
    """Return the name of a test without stars and arrows at its ends.

    Example:
        >>> without_signs("Mg *"), without_signs("25(OH)D")
        ('Mg', '25(OH)D')
    """
    return name.strip(_signs_of_names() + " ") or name


@functools.cache
def _signs_of_names() -> str:
    """Return the signs that are flags beside a name, where others are bullets or marks of footnotes."""
    others = knowledge("grammar.toml")["flags"]["no_flag_of_names"]
    return "".join(sign for sign in signs() if sign not in others)


def is_flag(text: str) -> bool:
    """Return whether a text is a flag and nothing else.

    Example:
        >>> is_flag("LL"), is_flag("Below low normal"), is_flag("200 - 900 L")
        (True, True, False)
    """
    return _side(text, codes=True, whole=True) is not None


def _side(text: str, *, codes: bool, whole: bool) -> str | None:
    """Return what a text says; `whole` says whether one word that is not known leaves it unread."""
    if len(text) > MAX_LENGTH:
        return None
    known = _sides(codes=codes)
    key = comparators.key(comparators.plain(text))
    if key in _MISSING:
        return None
    bare = key.strip(_BRACKETS).strip()
    words = list(filter(None, _BETWEEN.split(key)))
    if bare in known:
        side: str | None = known[bare]
    else:
        sides = [_sides_of_word(word, known) for word in words]
        if None not in sides:
            side = _together(set[str]().union(*filter(None, sides)))
        else:
            side = None if whole else _among_others(words)
    told = {bare, *words, *(part.strip(signs()) for word in words for part in (word, *word.split("-")))}
    return side if side is None or told.isdisjoint(_criticals()) else _CRITICAL.get(side, side)


def _among_others(words: Sequence[str]) -> str | None:
    """Return what the known words and signs among others of a column of flags say: abnormal, or nothing."""
    data, plain = knowledge("grammar.toml")["flags"], _sides(codes=False)
    parts = _PART.findall(" ".join(words))
    if not set(parts).isdisjoint(data["pointing"]):
        return None
    short = all(len(part) <= len("hh") or part.isdigit() for part in parts)
    heard = [part for part in parts if len(part) > len("hh") or not part.isascii()]
    codes = [part for i, part in enumerate(parts) if part in _CODES and (i == 0 or short)]
    found = set[str]().union(*(_sides_of_word(part, plain) or () for part in heard))
    found |= {_sides(codes=True)[code] for code in codes}
    found |= {plain[sign] for sign in "".join(words) if sign in signs()}
    if not set(parts).isdisjoint(data["negation"]):
        return "abnormal" if {side.removesuffix("?") for side in found} == {"normal"} else None
    side = _together(found)
    return None if side == "normal" else side


def _sides_of_word(word: str, known: Mapping[str, str]) -> set[str] | None:
    """Return what a word says, signs at its ends included: nothing for one of degree, None where it is not known."""
    if word in _degrees():
        return set() if word not in known else {f"{known[word]}?"}
    if word in known:
        return {known[word]}
    bare = word.strip(signs())
    found = {known[sign] for sign in word.replace(bare, "", 1) if sign in known} if bare else set()
    if not bare:
        found = {known[sign] for sign in word if sign in known}
    elif bare in known:
        found.add(known[bare])
    elif not found or bare not in _degrees():
        parts = [_sides_of_word(part, known) for part in bare.split("-")] if "-" in bare.strip("-") else [None]
        for part in parts:
            if part is None:
                return None
            found |= part
    return found


def _together(found: set[str]) -> str | None:
    """Return what several words say: a side, which `abnormal` and words of degree do not weaken."""
    sides = {side for side in found if not side.endswith("?")}
    if {"low", "high"} <= sides:
        return "abnormal"
    for side in ("low", "high", "abnormal"):
        if side in sides:
            return side
    weak = {side.removesuffix("?") for side in found}
    return next((side for side in ("abnormal", "normal") if side in weak), None)


def combined(first: str | None, second: str | None) -> str | None:
    """Return what two flags of one result say: one that is abnormal wins, and one that is critical makes both so.

    Example:
        >>> combined(None, "low"), combined("normal", "high"), combined("low", "abnormal"), combined("low", "critical")
        ('low', 'high', 'low', 'critically low')
    """
    side = _combined(*(_SIDE_ALONE.get(flag or "", flag) for flag in (first, second)))
    return _CRITICAL.get(side or "", side) if is_critical(first) or is_critical(second) else side


def _combined(first: str | None, second: str | None) -> str | None:
    if (
        first is None
        or (first == "normal" and second is not None)
        or (first == "abnormal" and second in ("low", "high"))
    ):
        return second if second is not None else first
    return first


def foremost(words: Iterable[str]) -> str | None:
    """Return the first flag that is critical, else that is not normal, else that is known, else the first.

    Example:
        >>> foremost(["N", "see note", "H"]), foremost(["H", "HH"]), foremost(["see note", "N"]), foremost([])
        ('H', 'HH', 'N', None)
    """
    given = list(words)
    known = [word for word in given if side_of_reported(word) is not None]
    abnormal = [word for word in known if side_of_reported(word) != "normal"]
    critical = [word for word in abnormal if is_critical(side_of_reported(word))]
    return next(iter([*critical, *abnormal, *known, *given]), None)


def is_critical(reported: str | None) -> bool:
    """Return whether one of `SIDES` is that of a critical result."""
    return reported in _SIDE_ALONE


def disagrees(side: str | None, reported: str | None) -> bool:
    """Return whether the laboratory's side contradicts ours; an unknown one on either hand contradicts nothing."""
    if side is None or reported is None:
        return False
    theirs = _SIDE_ALONE.get(reported, reported)
    return side == "normal" if theirs == "abnormal" else side != theirs
