"""From the text of a reported range, such as `8.5-10.5`, `< OR = 15` or `M: 4-6 F: 3-5`, to its limits.

The text is cut into numbers, comparators, units and known words, all of them data, and is read only where every part
of it is understood. Where it can be read by the decimal point and by the decimal comma, both readings are handed on.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from labinterp._data import knowledge
from labinterp.reading import comparators, flags, units, values
from labinterp.reading.cells import as_shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_LENGTH: Final = 200

UNUSABLE: Final = "unusable"
"""Stands as the lower end where a range was sent that cannot be used, so that the interpretation says so."""

Ends = tuple[Any, Any]
"""Lower and upper end as `LabResult` takes them."""

_LEVELS: Final = ("very_low", "low", "borderline_low", "normal", "borderline_high", "high", "very_high")


@attrs.frozen
class End:
    """One end of a stretch.

    Args:
        value: as printed.
        inclusive: whether it lies inside.
    """

    value: float
    inclusive: bool


@attrs.frozen
class SentBand:
    """One of several named stretches of a range.

    Args:
        low: None where it is open below.
        high: None where it is open above.
        level: such as `low` or `normal`.
        name: the laboratory's own name.
    """

    low: End | None
    high: End | None
    level: str
    name: str


@attrs.frozen
class RangeText:
    """A reported range. An end that lies outside itself keeps its sign: `"<15"`, `">30"`.

    Args:
        low: lower end, or None where the range is open below.
        high: upper end, or None where the range is open above.
        unit_text: the unit written behind the numbers, if any.
        bands: several named stretches, lowest first, where the text names more than what is normal.
    """

    low: float | str | None
    high: float | str | None
    unit_text: str | None = None
    bands: tuple[SentBand, ...] = ()


class _Token(NamedTuple):
    kind: str
    text: str


class _Stretch(NamedTuple):
    """Two ends as comparator and text of a number, and the unit behind one of them."""

    low: tuple[str, str] | None
    high: tuple[str, str] | None
    unit: str | None = None


class _Part(NamedTuple):
    """A stretch and what its labels say."""

    stretch: _Stretch
    sexes: frozenset[str]
    ages: frozenset[str]
    levels: tuple[tuple[str, str], ...]


_YEARS: Final = {"years": 1.0, "months": 12.0, "weeks": 52.0, "days": 365.0}
_UNITS_OF_AGE: Final = {"a": "years", "mo": "months", "wk": "weeks", "d": "days"}

# Every alternative begins with another character, and none repeats inside of a repetition.
_ATOM: Final = re.compile(
    r"(?P<number>\.?[0-9]+(?:[.,'][0-9]+)*)"
    r"|(?P<glyph>[\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af])"
    r"|(?P<word>[^\W\d_]+)"
    r"|(?P<space>\s+)"
    r"|(?P<dots>\.{2,3}|…)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_GIVE_OR_TAKE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s?(?:±|\+/-|\+-)\s?([0-9]{1,9}(?:\.[0-9]{1,9})?)")
_SEGMENT: Final = re.compile(r"[;|()\[\]\n]|,\s")
_WORD: Final = re.compile(r"[^\W\d_]+")
_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,9})?")
_REMARK: Final = re.compile(r"\s?\([^()0-9<>=≤≥]{1,40}\)\s?\Z")
"""What stands in brackets behind a range and is no word of ours, such as the name of a method."""
_UNIT: Final = re.compile(r"[^\s,;:()<>=~-]{1,16}(?:-1)?")
_BETWEEN: Final = {"-": "dash", "~": "dash", "/": "slash", ";": "end", "|": "end", ",": "end", "\n": "end"}
_JOINING: Final = ("before", "after", "to", "and", "from", "headed", "older", *_YEARS)
_AGES: Final = ("adult", "child", "minor", "some")
"""For whom a range may be by age: `minor` for those of an age below that of adults, `some` for others of an age."""
_ADULT: Final = 18
_OLDEST: Final = 99
_AGE: Final = re.compile(r"[0-9]{1,3}")
_IGNORED: Final = frozenset('()[]{}:=.*#"†‡')


@functools.cache
def _phrases() -> Mapping[str, tuple[str, ...]]:
    """Return word or sign → what it may be in a range, such as `before:<=` and `to`."""
    found: dict[str, dict[str, None]] = {}
    for word, kind in _words():
        found.setdefault(word, {})[kind] = None
    return {word: tuple(kinds) for word, kinds in found.items()}


def _words() -> Iterator[tuple[str, str]]:
    data = knowledge("grammar.toml")
    for place, table in (("before", comparators.before()), ("after", comparators.after())):
        yield from ((word, f"{place}:{sign}") for word, sign in table.items() if sign is not None)
    for kind in ("filler", "to", "and", "from", "female", "male", "adult", "child"):
        yield from ((_key(word), kind) for word in data["ranges"][kind])
    yield from ((letter, "letter") for letter in sorted(set("".join(data["ranges"]["pairs"]))))
    ages = knowledge("people.toml")["age"]
    for unit, words in ages["units"].items():
        yield from ((_key(word), _UNITS_OF_AGE[unit]) for word in words)
    for kind, words in (("headed", ages["words"]["before"]), ("older", ages["words"]["and_more"])):
        yield from ((_key(word), kind) for word in words)
    levels = [(_key(word), level) for level, words in data["ranges"]["levels"].items() for word in words]
    yield from ((word, f"level:{level}") for word, level in levels)
    named = {word for word, _ in levels}
    flags = [(_key(word), side) for side in ("low", "normal", "high") for word in data["flags"][side]]
    for word, side in flags:
        if word not in named and word[:1].isalpha() and (len(word) > len("hh") or not word.isascii()):
            yield word, f"level:{side}"


def _key(word: str) -> str:
    return comparators.key(comparators.plain(word))


@functools.cache
def _most_atoms() -> int:
    """Return of how many atoms the longest phrase is; letters that carry a mark are several."""
    return max(sum(atom.lastgroup != "space" for atom in _ATOM.finditer(phrase)) for phrase in _phrases())


@functools.lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[_Token, ...] | None:
    """Cut a text into tokens; None where a part of it is not known."""
    text = comparators.without_entities(text).strip()
    if comparators.has_raised_digit(text):
        return None
    text = "\n".join(comparators.plain(line) for line in text.splitlines())
    if not text or len(text) > MAX_LENGTH:
        return None
    atoms = [match for match in _ATOM.finditer(text) if match.lastgroup != "space" or "\n" in match[0]]
    found: list[_Token] = []
    i = 0
    while i < len(atoms):
        atom = atoms[i]
        if atom.lastgroup == "number":
            found.append(_Token("number", atom[0]))
            i += 1
            continue
        if atom.lastgroup == "dots":
            found.append(_Token("dash", "-"))
            i += 1
            continue
        token, end = _longest(text, atoms, i)
        unit = _UNIT.match(text, atom.start()) if atom.lastgroup in ("word", "glyph") or atom[0] in "%[" else None
        if unit is not None and (token is None or "/" in unit[0]) and (found_unit := _unit_of(unit[0])) is not None:
            token, end = _Token("unit", found_unit), atom.start() + len(found_unit)
        if token is None:
            mark = "\n" if "\n" in atom[0] else atom[0]
            if mark not in _BETWEEN and mark not in _IGNORED:
                return None
            apart = (
                mark in "([" and i + 1 < len(atoms) and atoms[i + 1].lastgroup == "number" and _is_last(found, "unit")
            )
            token, end = _Token("end" if apart else _BETWEEN.get(mark, "ignored"), mark), atom.end()
        found.append(token)
        while i < len(atoms) and atoms[i].start() < end:
            i += 1
    return tuple(token for token in found if token.kind != "ignored")


def _is_last(tokens: Sequence[_Token], kind: str) -> bool:
    return bool(tokens) and tokens[-1].kind == kind


def _longest(text: str, atoms: Sequence[re.Match[str]], i: int) -> tuple[_Token | None, int]:
    """Return the longest known phrase that begins at an atom, and where it ends."""
    start = atoms[i].start()
    for j in range(min(i + _most_atoms(), len(atoms)), i, -1):
        if atoms[j - 1].lastgroup == "number" or "\n" in atoms[j - 1][0]:
            continue
        phrase = comparators.key(text[start : atoms[j - 1].end()])
        if phrase in _phrases() and not any(atom.lastgroup == "number" for atom in atoms[i:j]):
            return _Token("phrase", phrase), atoms[j - 1].end()
    return None, start


def _unit_of(text: str) -> str | None:
    """Return what of a text is a unit that is known."""
    for candidate in (text, text.rstrip(".]"), text.split("/n", 1)[0]):
        if candidate and units.resolve(candidate).code is not None:
            return candidate
    return None


def _is(token: _Token | None, kind: str) -> bool:
    """Return whether a token is of a kind or may be."""
    if token is None:
        return False
    return token.kind == kind or (token.kind == "phrase" and kind in _phrases()[token.text])


def _sign(token: _Token | None, place: str) -> str | None:
    """Return the comparator that a token is, in front of a number or behind it."""
    if token is None or token.kind != "phrase":
        return None
    return next((kind.partition(":")[2] for kind in _phrases()[token.text] if kind.startswith(f"{place}:")), None)


class _Parser:
    """Tokens → parts, or None where they make no sense together."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._numbers = sum(token.kind == "number" for token in tokens)
        self.units: list[str] = []

    def _peek(self, ahead: int = 0) -> _Token | None:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else None

    def items(self) -> list[Any] | None:
        """Return stretches, labels and the ends of parts in order."""
        found: list[Any] = []
        while (token := self._peek()) is not None:
            age = self._age()
            if age is not None:
                found.append(((age,), age))
                continue
            stretch = self._stretch(first=not any(isinstance(item, _Stretch) for item in found))
            if stretch is not None:
                found.append(stretch)
                continue
            self._at += 1
            if token.kind == "unit":
                self.units.append(token.text)
            elif token.kind in ("end", "slash") or _is(token, "and"):
                found.append("end")
            elif token.kind == "phrase":
                kinds = [kind for kind in _phrases()[token.text] if kind.partition(":")[0] not in _JOINING]
                if not kinds:
                    return None
                found.append((kinds, token.text))
            else:
                return None
        return found

    def _stretch(self, *, first: bool) -> _Stretch | None:
        """Read a stretch of numbers where one begins, and go behind it."""
        for reader in (self._two, self._around, self._signed, self._open):
            start, units_before = self._at, len(self.units)
            stretch = reader(first=first)
            if stretch is not None:
                return stretch._replace(unit=next(iter(self.units[units_before:]), None))
            self._at = start
            del self.units[units_before:]
        return None

    def _age(self) -> str | None:
        """Read ages in front of a range or behind it, as in `>18 years` and `Age 18-99`, and say whose they are."""
        start = self._at
        found = self._aged()
        if found is None:
            self._at = start
        return found

    def _aged(self) -> str | None:
        headed = self._skip("headed")
        sign = _sign(self._peek(), "before")
        if sign is not None or _is(self._peek(), "from"):
            self._at += 1
        first = self._years(alone=sign is not None)
        if first is None:
            return None
        low, per = first
        older = self._skip("older")
        per = per or (self._unit_of_age(alone=True) if older else None)
        second = None
        if sign is None and not older and self._skip("dash", "to"):
            second = self._years(alone=True)
            if second is None:
                return None
        last = second[1] if second else None
        if not (per or last or headed):
            return None
        low /= _YEARS[per or last or "years"]
        if second is not None:
            high = second[0] / _YEARS[last or "years"]
        elif self._skip("older") or older or sign in (">", ">="):
            high = math.inf
        elif sign is not None:
            low, high = 0.0, low
        else:
            return "some"
        return "adult" if low <= _ADULT and high >= _OLDEST else "minor" if high <= _ADULT else "some"

    def _years(self, *, alone: bool) -> tuple[float, str | None] | None:
        """Read a number that can be an age, and the unit behind it."""
        token = self._peek()
        if token is None or token.kind != "number" or not _AGE.fullmatch(token.text):
            return None
        self._at += 1
        return float(token.text), self._unit_of_age(alone=alone)

    def _unit_of_age(self, *, alone: bool) -> str | None:
        """Read a unit of age; a word that may join two numbers, as in `30 a 100`, is one where they stand `alone`."""
        token = self._peek()
        kinds = _phrases()[token.text] if token is not None and token.kind == "phrase" else ()
        unit = next((kind for kind in _YEARS if kind in kinds), None)
        if unit is None or "letter" in kinds or (not alone and "to" in kinds and _is(self._peek(1), "number")):
            return None
        self._at += 1
        return unit

    def _number(self) -> str | None:
        token = self._peek()
        if token is None or token.kind != "number":
            return None
        self._at += 1
        unit = self._peek()
        if unit is not None and unit.kind == "unit":
            self.units.append(unit.text)
            self._at += 1
        return token.text

    def _skip(self, *kinds: str) -> bool:
        if any(_is(self._peek(), kind) for kind in kinds):
            self._at += 1
            return True
        return False

    def _two(self, *, first: bool) -> _Stretch | None:
        """Read `5-10`, `from 5 to 10`, `5 / 10`."""
        if _is(self._peek(), "from") or (_sign(self._peek(), "before") == ">=" and _is(self._peek(2), "to")):
            self._at += 1
        low = self._number()
        alone = first and self._numbers == len("LH")
        if low is None or not (self._skip("dash", "to") or (alone and self._skip("slash", "end"))):
            return None
        high = self._number()
        return None if high is None or self._peek_joins() else _Stretch((">=", low), ("<=", high))

    def _peek_joins(self) -> bool:
        """Return whether a number follows on what is read, as in `5-10-15`."""
        start = self._at
        age, self._at = self._age(), start
        if age is not None:
            return False
        if _is(self._peek(), "dash"):
            return _sign(self._peek(1), "before") is None
        return _is(self._peek(), "number")

    def _around(self, *, first: bool) -> _Stretch | None:
        """Read `5<x<10` and `20 - <30`."""
        low = self._number()
        sign = _sign(self._peek(), "before")
        if low is None:
            return None
        if first and self._numbers == len("LH") and sign in ("<", "<="):
            self._at += 1
            self._skip("filler")
            below = f">{sign[1:]}"
        elif self._skip("dash"):
            below = ">="
        else:
            return None
        sign = _sign(self._peek(), "before")
        if sign not in ("<", "<="):
            return None
        self._at += 1
        high = self._number()
        return None if high is None or self._peek_joins() else _Stretch((below, low), (sign, high))

    def _signed(self, *, first: bool) -> _Stretch | None:
        """Read `<5`, `5以下`, `>=5 - <10`, `5以上10未満`."""
        del first
        one = self._one()
        if one is None:
            return None
        behind = self._at
        self._skip("dash", "to", "end")
        other = self._one()
        if other is not None and one[0][0] == ">" and other[0][0] == "<":
            return _Stretch(one, other)
        if other is not None and one[0][0] == "<" and other[0][0] == ">" and self._numbers == len("LH"):
            return None
        self._at = behind
        return _Stretch(one, None) if one[0][0] == ">" else _Stretch(None, one)

    def _one(self) -> tuple[str, str] | None:
        """Read a number with its comparator."""
        start = self._at
        sign = _sign(self._peek(), "before")
        if sign is not None:
            self._at += 1
            number = self._number()
            if number is not None and not self._peek_joins():
                behind = _sign(self._peek(), "after")
                if behind is None:
                    return sign, number
        self._at = start
        number = self._number()
        behind = _sign(self._peek(), "after")
        if number is not None and behind is not None:
            self._at += 1
            return behind, number
        self._at = start
        return None

    def _open(self, *, first: bool) -> _Stretch | None:
        """Read `-10`, whose lower end is not printed."""
        if not first or not _is(self._peek(), "dash"):
            return None
        self._at += 1
        number = self._number()
        return None if number is None or self._peek_joins() else _Stretch(None, ("<=", number))


def _parts(items: Sequence[Any]) -> list[_Part] | None:
    """Put stretches and labels together, each stretch with its own labels."""
    groups: list[list[Any]] = [[]]
    for item in items:
        if item == "end":
            if any(isinstance(member, _Stretch) for member in groups[-1]):
                groups.append([])
        else:
            groups[-1].append(item)
    split: list[list[Any]] = []
    for group in filter(None, groups):
        split += _split(group)
    if split and not any(isinstance(member, _Stretch) for member in split[-1]) and len(split) > 1:
        trailing = split.pop()
        split[-1] += trailing
    if not all(sum(isinstance(member, _Stretch) for member in group) == 1 for group in split):
        return None
    return [_part(group, _letters(items)) for group in split]


def _split(group: list[Any]) -> list[list[Any]]:
    """Split labels and stretches that follow each other without a sign between: labels lead, or they trail."""
    leads = not isinstance(group[0], _Stretch)
    found: list[list[Any]] = [[]]
    for item in group:
        has = any(isinstance(member, _Stretch) for member in found[-1])
        if has and (leads != isinstance(item, _Stretch) and (leads or isinstance(item, _Stretch))):
            found.append([])
        found[-1].append(item)
    if leads and len(found) > 1 and not any(isinstance(member, _Stretch) for member in found[-1]):
        trailing = found.pop()
        found[-1] += trailing
    return found


def _letters(items: Sequence[Any]) -> Mapping[str, str]:
    """Return which sex each single letter stands for in this text."""
    labels = [item for item in items if item != "end" and not isinstance(item, _Stretch)]
    letters = {text for kinds, text in labels if "letter" in kinds}
    if letters in ({"m"}, {"f"}):
        return {"m": "male", "f": "female"}
    for pair in knowledge("grammar.toml")["ranges"]["pairs"]:
        if letters == set(pair):
            return {pair[0]: "male", pair[1]: "female"}
    return {}


def _part(group: Sequence[Any], letters: Mapping[str, str]) -> _Part:
    stretch = next(item for item in group if isinstance(item, _Stretch))
    sexes, ages, levels = set(), set(), []
    for kinds, text in (item for item in group if not isinstance(item, _Stretch)):
        if "letter" in kinds and not {"female", "male"} & set(kinds):
            sexes.add(letters.get(text, "unknown"))
        sexes |= {"female", "male"} & set(kinds)
        ages |= set(_AGES) & set(kinds)
        levels += [(kind.partition(":")[2], text) for kind in kinds if kind.startswith("level:")]
    return _Part(stretch, frozenset(sexes), frozenset(ages), tuple(levels))


def _in_unit(items: list[Any], named: Sequence[str], unit: str | None) -> tuple[list[Any], list[str]]:
    """Keep of ranges that are printed in several units those in the result's, and the units that are left."""
    codes = {each: units.resolve(each).code for each in named}
    stretches = [item for item in items if isinstance(item, _Stretch)]
    if unit not in codes.values() or len(set(codes.values())) == 1 or any(each.unit is None for each in stretches):
        return items, list(dict.fromkeys(named))
    kept = [item for item in items if not isinstance(item, _Stretch) or codes[item.unit or ""] == unit]
    return kept, [each for each in codes if codes[each] == unit][:1]


@functools.lru_cache(maxsize=4096)
def readings(
    text: str,
    decimal: str | None = None,
    sex: str | None = None,
    adult: bool | None = None,
    unit: str | None = None,
) -> tuple[RangeText, ...]:
    """Read the text of a range in every way that leaves nothing over: by the decimal point and by the comma.

    Args:
        text: as the laboratory wrote it, with or without a unit.
        decimal: `"."` or `","` where the caller knows the decimal sign.
        sex: of the patient, where the text has a range for each.
        adult: whether the patient is one, where the text has ranges by age.
        unit: code of the result's unit, where the text has ranges in several.

    Returns:
        No reading, one, or two that differ.

    Example:
        >>> [(found.low, found.high) for found in readings("1,000-2,000")]
        [(1000.0, 2000.0), (1.0, 2.0)]
    """
    if len(text) > MAX_LENGTH:
        return ()
    shown = as_shown(text)
    for attempt in dict.fromkeys((shown, _REMARK.sub("", shown))):
        parser = _Parser(_tokens(attempt) or ())
        items, named = _in_unit(parser.items() or [], parser.units, unit)
        if items:
            break
    parts = _parts(items)
    chosen = None if not parts else _chosen(parts, sex, adult)
    if not chosen or len(named) > 1:
        return ()
    written = next(iter(named), None)
    by_sign = [_range(chosen, written, sign) for sign in ((decimal,) if decimal else (".", ","))]
    return tuple(dict.fromkeys(found for found in by_sign if found is not None))


def read(text: str, decimal: str | None = None, sex: str | None = None, adult: bool | None = None) -> RangeText | None:
    """Read the text of a range; None where it is no range or can be read in two ways.

    Example:
        >>> read("8.5-10.5").high, read("<15").high, read("≥ 30 ng/mL").unit_text
        (10.5, '<15.0', 'ng/mL')
        >>> read("M: 4-6 / F: 3-5", sex="female").low
        3.0
        >>> read("see comment") is None
        True
    """
    found = readings(text, decimal, sex, adult)
    return found[0] if len(found) == 1 else None


def _chosen(parts: Sequence[_Part], sex: str | None, adult: bool | None) -> list[_Part]:
    """Return the parts that apply to the patient; none where that is not known."""
    left = list(parts)
    if any(part.sexes for part in left):
        if sex is None and len({(part.stretch[:2], part.levels) for part in left}) > 1:
            return []
        if not all(part.sexes for part in left) or any("unknown" in part.sexes for part in left):
            return []
        left = [part for part in left if sex in part.sexes] if sex is not None else left[:1] if _both(left) else []
    ages = frozenset[str]().union(*(part.ages for part in left))
    if "some" in ages or ("minor" in ages and not adult) or ("child" in ages and adult is None):
        return []
    wrong = {"adult"} if adult is False else {"child", "minor"}
    return [part for part in left if not part.ages or not part.ages <= wrong]


def _both(parts: Sequence[_Part]) -> bool:
    return frozenset().union(*(part.sexes for part in parts)) == {"female", "male"}


def _range(parts: Sequence[_Part], unit: str | None, decimal: str) -> RangeText | None:
    bands = [_band(part, decimal) for part in parts]
    made = [band for band in bands if band is not None]
    if len(made) != len(bands):
        return None
    if len(made) == 1 and made[0].level == "normal":
        low, high = made[0].low, made[0].high
        return RangeText(_shown(low, ">"), _shown(high, "<"), unit)
    ordered = _ordered(made, [bool(part.levels) for part in parts])
    if ordered is None:
        return None
    normal = [band for band in ordered if band.level == "normal"]
    low = normal[0].low if normal else None
    high = normal[-1].high if normal else None
    return RangeText(_shown(low, ">"), _shown(high, "<"), unit, ordered)


def _shown(end: End | None, sign: str) -> float | str | None:
    return None if end is None else end.value if end.inclusive else f"{sign}{end.value}"


def _band(part: _Part, decimal: str) -> SentBand | None:
    ends: list[End | None] = []
    for end in (part.stretch.low, part.stretch.high):
        number = None if end is None else values.parse_text(end[1], decimal).number
        if end is not None and number is None:
            return None
        ends.append(None if end is None or number is None else End(number, "=" in end[0]))
    low, high = ends
    if low is not None and high is not None and low.value > high.value:
        return None
    levels = {level for level, _ in part.levels}
    if len(levels) > 1:
        return None
    name = " ".join(text for _, text in part.levels)
    return SentBand(low, high, next(iter(levels), "normal"), name or "normal")


def _ordered(bands: Sequence[SentBand], named: Sequence[bool]) -> tuple[SentBand, ...] | None:
    """Return bands lowest first, gaps closed as printed; None where they overlap or their levels do not rise.

    A stretch without a name that stands apart may be an age, as in `5-15 (>18 y)`: then nothing is known of either.
    """
    inf = float("inf")
    order = sorted(range(len(bands)), key=lambda i: -inf if (low := bands[i].low) is None else low.value)
    ordered = [bands[i] for i in order]
    normal = [i for i, band in enumerate(ordered) if band.level == "normal"]
    if len(normal) > 1 and not all(named):
        return None
    found: list[SentBand] = []
    for i, band in enumerate(ordered):
        level = band.level
        if level == "borderline":
            if not normal:
                return None
            level = "borderline_low" if i < normal[0] else "borderline_high"
        following = ordered[i + 1] if i + 1 < len(ordered) else None
        high = band.high
        if following is not None:
            if high is None or following.low is None or high.value > following.low.value:
                return None
            if high.value == following.low.value:
                high = End(high.value, high.inclusive and not following.low.inclusive)
            elif following.low.value - high.value <= 1 and _LEVELS.index(level) < _LEVELS.index("normal"):
                high = End(following.low.value, not following.low.inclusive)  # 20-29 and from 30 on: 29.5 is below 30
            elif not named[order[i + 1]] or (band.low is None and not named[order[i]]):
                return None
        found.append(attrs.evolve(band, level=level, high=high))
    ranks = [_LEVELS.index(band.level) for band in found]
    return tuple(found) if ranks == sorted(ranks) else None


def ends_of_text(text: str | None, unit: str | None, decimal: str | None = None) -> Ends:
    """Return the ends of a range that came as text with a result in `unit`.

    Example:
        >>> ends_of_text("8.5-10.5", "mg/dL"), ends_of_text("2.1-2.6 mmol/L", "mg/dL")
        ((8.5, 10.5), ('unusable', None))
    """
    if text is None or text.strip().casefold() in values.MISSING_MARKERS:
        return None, None
    found = read(text, decimal)
    if found is None or found.bands or not same_unit(found.unit_text, unit):
        return UNUSABLE, None
    return found.low, found.high


def unit_of(text: Any) -> str | None:
    """Return the unit behind the numbers of a range, whoever it is for; None where there is none, or more than one.

    Example:
        >>> unit_of("8.6-10.2 mg/dL"), unit_of("8.6-10.2"), unit_of("see note")
        ('mg/dL', None, None)
    """
    found = {found.unit_text for found in _for_anyone(text)}
    return found.pop() if len(found) == 1 else None


@functools.lru_cache(maxsize=4096)
def printed(text: Any) -> tuple[tuple[float, float], ...]:
    """Return what a text that cannot be read as a range prints from where to where: pairs, and numbers with signs.

    Of ranges for either sex it is what both of them hold. Ages and shares of a population are no limits.

    Example:
        >>> printed("Age 18-60: 5-10.3"), printed("<10.3 in 2 of 3"), printed("5-10.3"), printed("M: 4-6 / F: 3-5")
        (((5.0, 10.3),), ((-inf, 10.3),), (), ((4.0, 5.0),))
    """
    if (
        not isinstance(text, str)
        or len(text) > MAX_LENGTH
        or any(readings(text, None, None, adult) for adult in (True, False))
    ):
        return ()
    each = _for_anyone(text)
    if each:
        lows, highs = [_number(one.low, -math.inf) for one in each], [_number(one.high, math.inf) for one in each]
        return ((max(lows), min(highs)),)
    plain = _signed_words().sub(_sign_of, comparators.plain(text))
    without = _aside().sub(" ; ", plain)
    plain = without if _NUMBER.search(without) else plain
    around = [tuple(map(float, match)) for match in _GIVE_OR_TAKE.findall(plain)]
    found = [(middle - half, middle + half) for middle, half in around]
    if not found:
        found = list(itertools.chain.from_iterable(map(_spans, _SEGMENT.split(plain))))
    numbers = [float(number.replace(",", ".")) for number in _NUMBER.findall(plain)]
    pair = len(numbers) == len("LH") and numbers[0] < numbers[1]
    return tuple(found) if found or not pair else ((numbers[0], numbers[1]),)


def _spans(segment: str) -> Iterator[tuple[float, float]]:
    """Yield what a segment prints that may be normal: beyond a limit of what it calls critical or low."""
    matches = list(_printed_numbers().finditer(segment))
    side = flags.side_of_reported(" ".join(_WORD.findall(segment)))
    abnormal = flags.is_critical(side) or (side not in (None, "normal") and len(matches) == 1)
    for match in matches:
        first, second = (None if part is None else float(part.replace(",", ".")) for part in match.group(2, 3))
        if first is not None and second is not None and first < second:
            yield first, second
        elif first is not None and second is None and (match[1] or match[4]):
            below = match[1] != "" and match[1] in "<≤"
            yield (-math.inf, first) if below is not abnormal else (first, math.inf)


def _sign_of(match: re.Match[str]) -> str:
    return f" {(comparators.before().get(comparators.key(match[0])) or '=')[0]}"


@functools.cache
def _printed_numbers() -> re.Pattern[str]:
    """Return the pattern of a number with a sign, or of the first of two numbers and the second."""
    number, to = r"[0-9]{1,9}(?:[.,][0-9]{1,9})?", map(_key, knowledge("grammar.toml")["ranges"]["to"])
    words = "|".join(re.escape(word) for word in to if word[0].isalpha() and len(word) <= len("bis"))
    between = rf"(?:\s?(?:[-~/:;]{{1,2}}|[<≤]=?)\s?|\s(?:(?:{words})\s)?)"
    return re.compile(
        rf"([<>≤≥]?)=?\s?({number})(?:{between}(?=({number})))?(\s?(?:[-+](?!\s?[0-9/])|[<≤](?!=?\s?[0-9])))?"
    )


@functools.cache
def _signed_words() -> re.Pattern[str]:
    """Return the pattern of the words that are comparators in front of a number."""
    words = sorted((word for word in comparators.before() if len(word) > len("bis") and word[0].isalpha()), key=len)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, reversed(words)))})(?=\W{{0,2}}[0-9])", re.IGNORECASE)


@functools.cache
def _aside() -> re.Pattern[str]:
    """Return the pattern of numbers in a text that are no limits: dates, ages, and shares of a population."""
    ages = knowledge("people.toml")["age"]
    words = sorted({_key(word) for unit in ages["units"].values() for word in unit if len(word) > 1}, key=len)
    heads = sorted((_key(word) for word in ages["words"]["before"]), key=len)
    behind, before = ("|".join(map(re.escape, reversed(each))) for each in (words, heads))
    number = r"(?:[<>≤≥]=?\s{0,2})?[0-9]{1,3}(?:[.,][0-9]{1,2})?"
    pair = rf"{number}(?:\s?[-~]\s?{number})?"
    units_of_age = rf"(?:{behind})\b|[ayj](?=\s?[:;,)\]]|\s?$)"
    date = r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b"
    return re.compile(rf"{date}|\b(?:{before})\W{{0,2}}{pair}|{pair}\s?(?:%|{units_of_age})", re.IGNORECASE)


def holds(text: Any, number: float) -> bool:
    """Say whether a number lies in a range in every way in which that can be read, whoever it is for.

    Example:
        >>> holds("8.6-10.2 mg/dL", 9), holds("8.6-10.2 mg/dL", 8), holds("<15", 9), holds("see note", 9)
        (True, False, True, False)
    """
    found = _for_anyone(text)
    return bool(found) and all(_number(each.low, -math.inf) <= number <= _number(each.high, math.inf) for each in found)


def _number(end: float | str | None, otherwise: float) -> float:
    return otherwise if end is None else float(end.lstrip("<>")) if isinstance(end, str) else end


def _for_anyone(text: Any) -> list[RangeText]:
    if not isinstance(text, str):
        return []
    people = itertools.product(("female", "male"), (True, False))
    return [found for sex, adult in people for found in readings(text, None, sex, adult)]


def same_unit(ours: str | None, theirs: str | None) -> bool:
    """Return whether a range without a unit, or in that of the result, belongs to the result."""
    if ours is None or ours == theirs:
        return True
    known = units.resolve(ours).code
    return known is not None and known == units.resolve(theirs).code
