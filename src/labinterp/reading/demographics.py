"""Age, sex and pregnancy as they are sent → what is known of them.

What cannot be read stays unknown and says so; nothing is guessed. The words are those of `knowledge/people.toml`.
"""

from __future__ import annotations

import functools
import math
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from labinterp._data import knowledge
from labinterp.reading.cells import as_shown
from labinterp.reading.times import MAX_AGE, Age, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

UNREADABLE: Final = "unreadable"
"""What is said of a pregnancy where something was sent that can't be read: anything is possible."""

_LONGEST: Final = 64
_YEARS_PER: Final = {"a": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25}
_NUMBER: Final = r"([0-9]{1,6}(?:[.,][0-9]{1,6})?)"
_AGE = re.compile(rf"(>=|>|≥)? ?{_NUMBER} ?([^0-9+]{{0,24}}?)", re.ASCII)
_AGE_IN_TWO = re.compile(r"([0-9]{1,3}) ?([^0-9]{1,16}?) ?([0-9]{1,3}) ?([^0-9]{1,16})", re.ASCII)
_AGES = re.compile(r"([0-9]{1,3}) ?([^0-9]{1,3}?) ?([0-9]{1,3}) ?([^0-9]{0,16})", re.ASCII)
_DURATION = re.compile(r"p(?:([0-9]{1,3})y)?(?:([0-9]{1,4})m)?(?:([0-9]{1,4})w)?(?:([0-9]{1,5})d)?", re.ASCII)
_WEEKS_AND_DAYS = re.compile(r"([0-9]{1,2}) ?\+ ?([0-6])(?:/7)?(?![0-9])", re.ASCII)
_OF_FORTY = re.compile(r"([0-9]{1,2}) ?/ ?40$", re.ASCII)
_PARTS = re.compile(r"[0-9]+|[^\W\d_]+")


def is_missing(value: Any) -> bool:
    """Return whether a value is `None`, a NaN, a missing marker of pandas, or blank text."""
    if value is None:
        return True
    if isinstance(value, str):
        return not as_shown(value).strip()
    try:
        return bool(value != value)  # noqa: PLR0124 - only NaN and NaT differ from themselves
    except Exception:  # noqa: BLE001 - what cannot be compared with itself says nothing
        return True


def read_text(value: Any) -> str | None:
    """Return anything as text, None where it is missing; what has no text is a text that means nothing.

    Example:
        >>> read_text(50960), read_text("")
        ('50960', None)
    """
    if type(value) is str or value is None:
        return value or None
    if isinstance(value, str):
        return str.__str__(value) or None  # a subclass may have a mind of its own
    if is_missing(value):
        return None
    try:
        return str(value)[:256]
    except Exception:  # noqa: BLE001 - the object is not ours
        return "(unreadable)"


def read_age(value: Any) -> Age | None:
    """Read an age: a number of years, or text such as `"54"`, `"54 Jahre"`, `"6 mo"`, `">= 90"`, `"54y 3m"`, `"50-54"`.

    A whole number of years means completed years, so 54 may be anything up to the 55th birthday.

    Returns:
        The lowest and highest possible age in years, or None where it is missing, unreadable or beyond 0 to 130.

    Example:
        >>> read_age(54), read_age(54.5), read_age("17 a")
        ((54.0, 55.0), (54.5, 54.5), (17.0, 18.0))
        >>> read_age("54 лет"), read_age("old") is None
        ((54.0, 55.0), True)
    """
    if isinstance(value, str):
        text = str.__str__(value).strip()
        return _read_age_text(text) if len(text) <= _LONGEST else None
    if isinstance(value, bool) or is_missing(value):
        return None
    try:
        years = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return _span(years, "a")


def _span(number: float, unit: str) -> Age | None:
    low = number * _YEARS_PER[unit]
    if not 0.0 <= low <= MAX_AGE:
        return None
    if unit == "a" and number == math.floor(number):
        return low, low + 1.0
    return low, low


@functools.lru_cache(maxsize=4096)
def _read_age_text(text: str) -> Age | None:
    words = _age_words()
    text = fold(text)
    head, _, rest = text.replace(":", " ").partition(" ")
    if head in words["before"]:
        text = rest.strip()
    for more in words["and_more"]:
        if text.endswith(more):
            text = f">={text.removesuffix(more).strip()}"
            break
    for form, read in ((_AGE, _one_age), (_AGES, _from_to), (_AGE_IN_TWO, _two_parts), (_DURATION, _duration)):
        match = form.fullmatch(text)
        found = None if match is None else read(match)
        if found is not None:
            return found
    return None


def _one_age(match: re.Match[str]) -> Age | None:
    number = float(match[2].replace(",", "."))
    unit = _age_unit(match[3], number)
    span = None if unit is None else _span(number, unit)
    if span is None or match[1] is None:
        return span
    low = span[1] if match[1] == ">" else span[0]
    return low, MAX_AGE


def _from_to(match: re.Match[str]) -> Age | None:
    """Read a group of ages in years, both ends within it."""
    first, last = float(match[1]), float(match[3])
    if match[2].strip() not in _age_words()["to"] or _age_unit(match[4], last) != "a" or not first <= last <= MAX_AGE:
        return None
    return first, last + 1.0


def _two_parts(match: re.Match[str]) -> Age | None:
    first, second = float(match[1]), float(match[3])
    units = _age_unit(match[2], first), _age_unit(match[4], second)
    if units not in (("a", "mo"), ("mo", "d"), ("mo", "wk"), ("wk", "d"), ("a", "d"), ("a", "wk")):
        return None
    years = first * _YEARS_PER[str(units[0])] + second * _YEARS_PER[str(units[1])]
    return (years, years) if years <= MAX_AGE else None


def _duration(match: re.Match[str]) -> Age | None:
    """Read a duration of ISO 8601."""
    parts = dict(zip(_YEARS_PER, match.groups(), strict=True))
    given = {unit: float(number) for unit, number in parts.items() if number is not None}
    if set(given) == {"a"}:
        return _span(given["a"], "a")
    years = sum(number * _YEARS_PER[unit] for unit, number in given.items())
    return (years, years) if given and years <= MAX_AGE else None


def _age_unit(text: str, number: float) -> str | None:
    word = _plain(text)
    unit = _age_units().get(word) if word else "a"
    most = knowledge("people.toml")["age"]["most"].get(word)
    return None if most is not None and number > most else unit


def read_sex(value: Any) -> str | None:
    """Return `"female"`, `"male"`, or None for anything else.

    Example:
        >>> read_sex("weiblich"), read_sex("F - Female"), read_sex("unknown")
        ('female', 'female', None)
    """
    meaning = _sex(value)
    return meaning if meaning in ("female", "male") else None


def sex_as_sent(value: Any) -> Any:
    """Return a sex in our words, what can't be read as it was sent, and None where it is said to be unknown.

    Example:
        >>> sex_as_sent("F"), sex_as_sent("?"), sex_as_sent("unknown")
        ('female', '?', None)
    """
    return value if sex_is_unreadable(value) else read_sex(value)


def sex_is_unreadable(value: Any) -> bool:
    """Say whether a sex was sent that is neither read nor said to be unknown."""
    return _sex(value) is None and not is_missing(value)


def read_pregnancy(value: Any) -> str | None:
    """Return what is said of a pregnancy.

    Returns:
        `"none"`, `"trimester_1"` … `"trimester_3"`, `"pregnant"` where the trimester is not known, `"unreadable"` where
        something was sent that can't be read, or None where nothing is said.

    Example:
        >>> read_pregnancy("28 weeks"), read_pregnancy("third"), read_pregnancy(1), read_pregnancy("?")
        ('trimester_3', 'trimester_3', 'pregnant', 'unreadable')
    """
    if is_missing(value):
        return None
    text = _text_of_code(value)
    meaning = _read_pregnancy_text(text) if len(text) <= _LONGEST else None
    return UNREADABLE if meaning is None else None if meaning == "unknown" else meaning


def _text_of_code(value: Any) -> str:
    """Return a text or a whole number as text; of anything else a text that means nothing."""
    if isinstance(value, str):
        text = str.__str__(value).strip()
        whole = text.removesuffix(".0")  # a code that a table took for a number
        return whole if whole.isdigit() else text
    if value is True or value is False or type(value).__name__ in ("bool_", "bool"):
        return "yes" if value else "no"
    try:
        number = float(value)
    except Exception:  # noqa: BLE001 - the object is not ours
        return "?"
    return str(int(number)) if abs(number) < 10**12 and number.is_integer() else "?"


def _sex(value: Any) -> str | None:
    if is_missing(value) or isinstance(value, bool):
        return None
    text = _text_of_code(value)
    return _read_sex_text(text) if len(text) <= _LONGEST else None


def _plain(text: str) -> str:
    """Return a text as its folded words."""
    return " ".join(_PARTS.findall(fold(text)))


@functools.lru_cache(maxsize=1024)
def _read_sex_text(text: str) -> str | None:
    words, plain = _sexes(), _plain(text)
    if plain in words:
        return words[plain]
    tokens = [token for token in plain.split() if words.get(token) != "filler"]
    meanings = {words.get(token) for token in tokens}
    return meanings.pop() if len(meanings) == 1 else None


@functools.lru_cache(maxsize=1024)
def _read_pregnancy_text(text: str) -> str | None:
    folded = fold(text)
    plain = _plain(folded.replace("_", " "))
    if "-" in folded[:1] or "?" in folded:
        return None
    meaning = _pregnancies().get(plain)
    if meaning is not None:
        return meaning
    return _read_trimester(plain) or _read_weeks(folded)


def _read_trimester(plain: str) -> str | None:
    """Read an ordinal with or without the word for a trimester."""
    words, ordinals = _pregnancy_words(), _ordinals()
    tokens = _split_letters(plain)
    named = [token for token in tokens if token in words["trimester"]]
    rest = " ".join(token for token in tokens if token not in words["trimester"])
    rest = rest if rest in ordinals else " ".join(t for t in rest.split() if t not in words["filler"])
    number = ordinals.get(rest)
    if number is None or (not named and rest in ("1", "2", "3", "i", "ii", "iii")):
        return None
    return f"trimester_{number}"


def _split_letters(plain: str) -> list[str]:
    """Return words; what Chinese and Japanese write together is taken apart where every part is known."""
    known = {*_pregnancy_words()["trimester"], *_pregnancy_words()["filler"], *_ordinals()}
    tokens = []
    for token in plain.split():
        for cut in range(1, len(token)):
            if token not in known and token[:cut] in known and token[cut:] in known and not token.isascii():
                tokens += [token[:cut], token[cut:]]
                break
        else:
            tokens.append(token)
    return tokens


def _read_weeks(folded: str) -> str | None:
    """Read weeks of pregnancy: completed, with days, or as a number of the week that is going on."""
    words, begins = _pregnancy_words(), knowledge("people.toml")["pregnancy"]["begins"]
    exact = _WEEKS_AND_DAYS.search(folded) or _OF_FORTY.search(folded)
    if exact is not None:
        rest = _plain(folded[: exact.start()] + " " + folded[exact.end() :])
        return _trimester(float(exact[1]), begins) if _only(rest, words["week"], words["filler"]) else None
    parts = _PARTS.findall(folded)
    numbers = [part for part in parts if part.isascii() and part.isdigit()]
    names = [part for part in parts if part not in numbers]
    named = {*words["week"], *words["week_word_first"]} & set(names)
    days = len(numbers) < 2 or (len(numbers) == 2 and int(numbers[1]) < 7)  # noqa: PLR2004 - weeks and days
    known = _only(" ".join(names), words["week"], words["week_word_first"], words["filler"], words["day"])
    if not (numbers and named and days and known):
        return None
    weeks = float(numbers[0])
    going_on = f"{numbers[0]}." in folded or names[0] in words["week_word_first"] or parts[0] in words["week"]
    found = {_trimester(weeks, begins), _trimester(max(weeks - going_on, 0), begins)}
    return found.pop() if len(found) == 1 else "pregnant"


def _only(text: str, *known: tuple[str, ...]) -> bool:
    """Say whether every word of a text is known."""
    words = [word for group in known for word in group]
    return all(token in words for token in text.split())


def _trimester(weeks: float, begins: Mapping[str, int]) -> str | None:
    if not 0 <= weeks <= begins["longest"]:
        return None
    return f"trimester_{1 + (weeks >= begins['second']) + (weeks >= begins['third'])}"


def _table(groups: Mapping[str, Iterable[str]], key: Callable[[str], str] = _plain) -> Mapping[str, str]:
    """Return folded word → its group."""
    return MappingProxyType({key(word): group for group, words in groups.items() for word in words})


@functools.cache
def _sexes() -> Mapping[str, str]:
    return _table(knowledge("people.toml")["sex"])


@functools.cache
def _age_units() -> Mapping[str, str]:
    return _table(knowledge("people.toml")["age"]["units"])


@functools.cache
def _age_words() -> Mapping[str, tuple[str, ...]]:
    table = knowledge("people.toml")["age"]["words"]
    return MappingProxyType({name: tuple(map(fold, words)) for name, words in table.items()})


@functools.cache
def _pregnancies() -> Mapping[str, str]:
    table = knowledge("people.toml")["pregnancy"]
    return _table({name: table[name] for name in ("none", "pregnant", "unknown")})


@functools.cache
def _ordinals() -> Mapping[str, str]:
    return _table(knowledge("people.toml")["pregnancy"]["ordinals"])


@functools.cache
def _pregnancy_words() -> Mapping[str, tuple[str, ...]]:
    table = knowledge("people.toml")["pregnancy"]
    words = {name: table[name] for name in ("trimester", "week", "week_word_first", "filler")}
    words["day"] = knowledge("people.toml")["age"]["units"]["d"]
    return MappingProxyType(
        {name: tuple(token for word in group for token in _plain(word).split()) for name, group in words.items()}
    )
