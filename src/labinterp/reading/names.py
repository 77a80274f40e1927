"""Names of tests → what they mean, by a grammar: the words of `knowledge/names.toml` and the rules of this module.

A name is a stem of an analyte, in a language, with words of form, specimen, method and filler around it. Words that
refuse (urine, red cells, 1,25, …) win wherever they stand; one word that is not known leaves the name unknown.

```
"S-Kalzium (ionisiert), ISE" → s · kalzium · ionisiert · ise → specimen, stem, form, method → calcium_ionized
```

Words are runs of letters or of digits, so `B12`, `B-12` and `b 12` are the same two words. Runs of Chinese, Japanese
and Korean, and long runs of other letters, are cut into words that are known. Of all ways to divide a name into phrases
the one with the fewest unknown words, then with the fewest phrases, is taken; a refusing phrase counts unless it is a
part of a longer phrase of that division, as `u` is in the Croatian `u serumu`. All is linear in the name's length.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from labinterp._data import knowledge
from labinterp.reading.analyte_table import LETTERS, tables
from labinterp.reading.comparators import INVISIBLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LONGEST = 200  # characters; longer texts are no names

_LONGEST_PHRASE = 8  # words
_LONGEST_WORD = 32  # characters
_SHORTEST_PIECE = 4  # of a compound in an alphabet: below that, too much is a compound
_SHORTEST_COMPOUND = 8
_SHORTEST_GLUED = 5
_SHORTEST_STEM = 4  # behind which a bare `P` is plasma
_SHORT = 3  # up to that length a word of letters that look like Latin ones may be a symbol
_ARTICLE = "\u0627\u0644"  # the Arabic article

_EAST = "\u0e00-\u0e7f\u3005\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
_VOWELS = "".join(chr(c) for c in range(0x900, 0xE00) if unicodedata.category(chr(c)) in ("Mc", "Mn"))  # of India
_WORD = re.compile(rf"\d+|[{_EAST}]+|(?:(?![{_EAST}])[^\W\d_][{_VOWELS}]*)+|[+/%&]")
_PERFORMER = re.compile(r"([^\W\d_]{3}|[)\]]|\d(?=[\s,]))[\s,]{0,4}(?:0[1-9]|⁰[¹²³⁴-⁹])\s*\Z")
"""The number of the laboratory that performed a test, behind its name in American reports: `Magnesium 01`."""
_IS_EAST = re.compile(rf"[{_EAST}]")
_MARKS = re.compile("[" + "".join(chr(c) for c in range(0x300, 0x3100) if unicodedata.combining(chr(c))) + "]")
_SIGNS = frozenset("+/&")
_LOOKS = {
    **dict(zip("авекмнорстухі", "abekmhopctyxi", strict=True)),
    **dict(zip("αβεζηικμνορτυχ", "abezhikmnoptyx", strict=True)),
}
_TO_LATIN = str.maketrans(_LOOKS)
_TO_CYRILLIC = str.maketrans({latin: other for other, latin in _LOOKS.items() if other >= "а"})  # noqa: RUF001
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa", "Ø": "Oe"}
)
_WITH_UMLAUTS = frozenset({"de", "sv", "da", "no", "fi"})
_EASTERN = "\u3000"  # the scripts of China, Japan and Korea come behind it
_RELATIVES = {
    "total_or_ionized": frozenset({"calcium", "calcium_adjusted", "calcium_ionized"}),
    "parent_vitamin": frozenset({"vitamin_d"}),
}
_COVERED = frozenset({"alkaline_phosphatase", "filtration_rate", "other_substance"})


@attrs.frozen
class Name:
    """What a name means.

    Args:
        analyte: analyte key; missing if refused or unknown.
        notes: codes of notes.
        reason: why it was refused, or `unknown`.
        vague: whether the refusal says too little to contradict a code of one of the analytes `among`.
        among: the analytes that a refused name speaks of.
        plain: whether it is a stem without any word of form, which contradicts no form of its analyte.
    """

    analyte: str | None = None
    notes: tuple[str, ...] = ()
    reason: str | None = None
    vague: bool = False
    among: frozenset[str] = frozenset()
    plain: bool = False


UNKNOWN = Name(reason="unknown")


class _Role(NamedTuple):
    """What a phrase can be: `kind` and its value; `forms` are said by a stem itself."""

    kind: str
    value: str = ""
    forms: frozenset[str] = frozenset()


@attrs.frozen
class _Grammar:
    """The words, by phrase; `words` are those that runs may be cut into."""

    phrases: Mapping[str, tuple[_Role, ...]]
    tokens: frozenset[str]
    pieces: frozenset[str]
    meanings: Mapping[str, Mapping[str, str]]
    together: Mapping[str, frozenset[str]]
    vague: frozenset[str]


class _Piece(NamedTuple):
    """A phrase of a divided name: where it stands and what it can be."""

    start: int
    end: int
    roles: tuple[_Role, ...]


def read(text: str) -> Name:
    """Say what a name means. Never raises.

    Example:
        >>> read("Kalzium (ionisiert) i.S.").analyte, read("VITAMIN D,25-OH,TOTAL,IA").analyte
        ('calcium_ionized', 'vitamin_d')
        >>> read("Магний в моче").reason, read("Magnesium xyz").reason
        ('urine_or_other_fluid', 'unknown')
    """
    if len(text) > LONGEST:
        return UNKNOWN
    words, gaps = _words(_PERFORMER.sub(r"\1", text), _grammar())
    return _meaning(words, gaps, _grammar()) if words else UNKNOWN


def stems() -> tuple[tuple[str, str], ...]:
    """Return every stem phrase that means an analyte by itself, with its analyte, for suggestions.

    Example:
        >>> ("magnesium", "magnesium") in stems()
        True
    """
    grammar = _grammar()
    found = []
    for phrase, roles in grammar.phrases.items():
        for role in roles:
            if role.kind == "stem":
                said = grammar.meanings[role.value].get(" ".join(sorted(role.forms)), "!")
                found += [(phrase, said.split()[-1])] if not said.startswith("!") else []
    return tuple(found)


# ---------------------------------------------------------------------------------------------------------------------
# Text → words


def _clean(text: str) -> str:
    if text.isascii():
        return text.casefold()
    text = unicodedata.normalize("NFKC", text).translate(INVISIBLE).casefold().translate(LETTERS)
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", text)))


def _word(found: str) -> str:
    if found.isascii():
        return found if not found.isdecimal() else found.lstrip("0") or "0"
    if found.isdecimal():
        return str(int(found))
    while found.startswith(_ARTICLE) and len(found) > len(_ARTICLE) + 1:
        found = found[len(_ARTICLE) :]
    if any(c.isascii() for c in found):  # one word in two alphabets: letters that look alike were mixed up
        latin, cyrillic = found.translate(_TO_LATIN), found.translate(_TO_CYRILLIC)
        return latin if latin.isascii() or any(c.isascii() for c in cyrillic) else cyrillic
    return found


def _words(text: str, grammar: _Grammar) -> tuple[list[str], list[str]]:
    """Return the words of a name and, for each, what stands before it."""
    cleaned = _clean(text)
    words: list[str] = []
    gaps: list[str] = []
    last = 0
    for match in _WORD.finditer(cleaned):
        parts = _cut(_word(match[0]), grammar)
        words += parts
        gaps += [cleaned[last : match.start()], *[""] * (len(parts) - 1)]
        last = match.end()
    return words, gaps


def _cut(word: str, grammar: _Grammar) -> list[str]:
    """Cut a run without blanks into known words; where that fails, only signs of the East fall apart."""
    if word in grammar.tokens or word.isdecimal():
        return [word]
    east = _IS_EAST.match(word) is not None
    if not east and len(word) < _SHORTEST_COMPOUND:
        return [word]
    shortest = 1 if east else _SHORTEST_PIECE
    known = grammar.tokens if east else grammar.pieces
    costs: list[tuple[int, int]] = [(0, 0)]
    starts = [0]
    for end in range(1, len(word) + 1):
        best, start = (costs[end - 1][0] + 1, costs[end - 1][1] + 1), end - 1
        for begin in range(max(0, end - _LONGEST_WORD), end - shortest + 1):
            cost = (costs[begin][0], costs[begin][1] + 1)
            if cost < best and word[begin:end] in known:
                best, start = cost, begin
        costs.append(best)
        starts.append(start)
    if costs[-1][0] and not east:
        return [word]
    parts = []
    end = len(word)
    while end:
        parts.append(word[starts[end] : end])
        end = starts[end]
    return parts[::-1]


# ---------------------------------------------------------------------------------------------------------------------
# Words → phrases


def _alike(words: list[str]) -> list[str]:
    """Return the words with short ones spelled in Latin letters where all of theirs look so, as in Cyrillic `B12`."""
    return [
        latin if len(word) <= _SHORT and not word.isascii() and (latin := word.translate(_TO_LATIN)).isascii() else word
        for word in words
    ]


def _occurrences(words: list[str], grammar: _Grammar) -> list[list[_Piece]]:
    """Return, for each end, the phrases that end there."""
    alike = _alike(words)
    spellings = [words] if alike == words else [words, alike]
    found: list[list[_Piece]] = [[] for _ in range(len(words) + 1)]
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _LONGEST_PHRASE) + 1):
            for spelling in spellings:
                phrase = " ".join(spelling[start:end])
                roles = grammar.phrases.get(phrase)
                if roles is None and " / " in phrase:
                    roles = grammar.phrases.get(phrase.replace(" / ", " "))  # as in LC/MS/MS
                if roles is not None:
                    found[end].append(_Piece(start, end, roles))
                    break
    return found


def _divide(words: list[str], ending: list[list[_Piece]]) -> list[_Piece]:
    """Divide a name into phrases; a word that belongs to none is a piece without roles."""
    costs: list[tuple[int, int]] = [(0, 0)]
    chosen: list[_Piece] = [_Piece(0, 0, ())]
    for end in range(1, len(words) + 1):
        unknown, pieces = costs[end - 1]
        best, piece = (unknown + (words[end - 1] not in _SIGNS), pieces + 1), _Piece(end - 1, end, ())
        for candidate in ending[end]:
            unknown, pieces = costs[candidate.start]
            if (unknown, pieces + 1) < best:
                best, piece = (unknown, pieces + 1), candidate
        costs.append(best)
        chosen.append(piece)
    parts = []
    end = len(words)
    while end:
        parts.append(chosen[end])
        end = chosen[end].start
    return parts[::-1]


# ---------------------------------------------------------------------------------------------------------------------
# Phrases → meaning


@attrs.define
class _Said:
    """What the phrases of a name say."""

    stems: set[str] = attrs.Factory(set)
    forms: set[str] = attrs.Factory(set)
    specimens: set[str] = attrs.Factory(set)
    beside: set[str] = attrs.Factory(set)
    signs: set[str] = attrs.Factory(set)
    kinds: set[str] = attrs.Factory(set)
    unknown: bool = False


def _meaning(words: list[str], gaps: list[str], grammar: _Grammar) -> Name:
    ending = _occurrences(words, grammar)
    pieces = _divide(words, ending)
    covered = {at: piece for piece in pieces for at in range(piece.start, piece.end)}
    reasons = dict.fromkeys(
        role.value
        for phrases in ending
        for phrase in phrases
        for role in phrase.roles
        if role.kind == "refuse" and _counts(phrase, covered)
    )
    said = _Said()
    for piece in pieces:
        _hear(said, piece, words, gaps, reasons)
    if said.beside - said.stems:
        said.unknown = True
    return _conclude(said, list(reasons), grammar)


def _counts(phrase: _Piece, covered: Mapping[int, _Piece]) -> bool:
    """Say whether a phrase is no mere part of a longer one that was chosen."""
    chosen = covered[phrase.start]
    return not (chosen.start <= phrase.start and phrase.end <= chosen.end and chosen[:2] != phrase[:2])


def _hear(said: _Said, piece: _Piece, words: list[str], gaps: list[str], reasons: dict[str, None]) -> None:
    roles = {role.kind: role for role in reversed(piece.roles)}
    said.kinds |= roles.keys() & {"refuse", "other", "joiner", "loinc"}
    word = words[piece.start]
    letter = _letter(piece, words, gaps) if piece.end - piece.start == 1 else None
    if letter is not None and letter in tables().reasons:
        reasons.setdefault(letter)
    elif "stem" in roles:
        said.stems.add(roles["stem"].value)
        said.forms |= roles["stem"].forms
    elif letter is not None:
        said.specimens.add(letter)
    elif "form" in roles:
        said.forms.add(roles["form"].value)
    elif "specimen" in roles:
        said.specimens.add(roles["specimen"].value)
    elif "beside" in roles:
        said.beside.add(roles["beside"].value)
    elif not roles and word in _SIGNS:
        said.signs.add(word)
    elif not roles:
        said.unknown = True


def _letter(piece: _Piece, words: list[str], gaps: list[str]) -> str | None:
    """Return what a letter around a name stands for, as in `P-Mg` and `U-Mg`: a specimen, or a reason to refuse."""
    letters = knowledge("names.toml")["letters"]
    word = _alike(words[piece.start : piece.end])[0]
    kind = None
    if piece.start == 0 and len(words) > 1:
        hyphen = bool(gaps[1].strip())
        kind = letters["refused"].get(word)
        if kind is None and (hyphen or len("".join(words[1:])) >= _SHORTEST_GLUED):
            kind = letters["before"].get(word)
    elif gaps[piece.start].strip() and len("".join(words[: piece.start])) >= _SHORTEST_STEM:
        kind = letters["behind"].get(word)
    return kind


def _conclude(said: _Said, reasons: list[str], grammar: _Grammar) -> Name:
    outcomes = {stem: _outcome(stem, said.forms, grammar) for stem in said.stems}
    among = frozenset(name.analyte for name in outcomes.values() if name.analyte is not None)
    covered: tuple[str, ...] = () if said.stems else ("not_covered",)
    if reasons and (said.stems or "other" not in said.kinds):
        clear = [reason for reason in reasons if reason not in grammar.vague]
        reason = (clear or reasons)[0]
        notes = covered if reason in _COVERED else ()
        return Name(notes=notes, reason=reason, vague=not clear, among=among)
    if "other" in said.kinds:
        return Name(notes=covered, reason="several_analytes" if said.stems else "other_substance", among=among)
    if said.unknown or not said.stems:
        return UNKNOWN
    name = _joined(said, outcomes, among, grammar)
    return name if name.analyte is None else _in_specimen(name, said)


def _outcome(stem: str, forms: Iterable[str], grammar: _Grammar) -> Name:
    said = grammar.meanings[stem].get(" ".join(sorted(forms)), "!unknown")
    if said.startswith("!"):
        return Name(reason=said[1:], vague=said[1:] in grammar.vague)
    *notes, key = said.split()
    return Name(key, tuple(note[1:] for note in notes), plain=not forms)


def _joined(said: _Said, outcomes: Mapping[str, Name], among: frozenset[str], grammar: _Grammar) -> Name:
    """Return what several stems mean together, as in `Potassium (K)` or `Calcium, albumin corrected`."""
    listed = "joiner" in said.kinds or said.signs
    if not listed:
        for key, fitting in grammar.together.items():
            if said.stems <= fitting and any(name.analyte == key for name in outcomes.values()):
                return Name(key)
    if len(outcomes) == 1 or (len(among) == 1 and all(name.analyte for name in outcomes.values())):
        name = next(iter(outcomes.values()))
        if name.reason == "total_or_ionized" and "whole_blood" in said.specimens:
            return Name("calcium_ionized")  # of a blood gas analyzer
        return name if name.analyte is not None else attrs.evolve(name, among=_RELATIVES.get(str(name.reason), among))
    if "/" in said.signs:
        return Name(reason="ratio_or_crystals", among=among)
    if listed:
        return Name(reason="panel", vague=True, among=among)
    refusal = next((name for name in outcomes.values() if name.reason not in (None, "unknown")), None)
    reason = "several_analytes" if refusal is None else str(refusal.reason)
    return Name(reason=reason, vague=refusal is not None and refusal.vague, among=_RELATIVES.get(reason, among))


def _in_specimen(name: Name, said: _Said) -> Name:
    """Refuse a name whose own words say a specimen in which the analyte is not measured."""
    fitting = tables().analytes[str(name.analyte)].specimens
    kinds = {"whole_blood" if kind == "drawn" and "loinc" in said.kinds else kind for kind in said.specimens}
    if name.analyte == "folate" and kinds & {"drawn", "whole_blood"} and not kinds & {"serum", "plasma"}:
        return Name(reason="red_cells", among=frozenset({"folate"}))
    if any(kind != "drawn" and kind not in fitting for kind in kinds):
        return Name(reason="urine_or_other_fluid", among=frozenset({str(name.analyte)}))
    return name


# ---------------------------------------------------------------------------------------------------------------------
# The data


@functools.cache
def _grammar() -> _Grammar:
    data = knowledge("names.toml")
    phrases: dict[str, tuple[_Role, ...]] = {}
    for words, role in _phrases(data):
        _add(phrases, words, role)
    tokens = frozenset(word for phrase in phrases for word in phrase.split(" "))
    pieces = frozenset(p for p in phrases if len(p) >= _SHORTEST_PIECE and p.isalpha() and not _IS_EAST.match(p))
    together = {key: frozenset(stems.split()) for key, stems in data["together"].items()}
    vague = frozenset(row["reason"] for row in knowledge("analytes.toml")["refused"] if row.get("yields_to_code"))
    return _Grammar(
        phrases=phrases, tokens=tokens, pieces=pieces, meanings=data["meanings"], together=together, vague=vague
    )


def _add(phrases: dict[str, tuple[_Role, ...]], words: list[str], role: _Role) -> None:
    phrase = " ".join(words)
    spellings = [phrase]
    if not phrase.isascii():
        spellings.append(" ".join(_alike(words)))
    if len(words) > 1 and len(phrase) > _SHORTEST_GLUED:
        spellings.append(_glued(words))
    for spelling in spellings:
        known = phrases.get(spelling)
        if known is None:
            phrases[spelling] = (role,)
        elif role not in known:
            phrases[spelling] = (*known, role)


def _glued(words: list[str]) -> str:
    """Return the words with neighbors of letters run together: `vitamin d` is also written `vitamind`."""
    glued = words[0]
    for last, word in itertools.pairwise(words):
        together = word.isalpha() and last.isalpha() and (word < _EASTERN) == (last < _EASTERN)
        glued += word if together else " " + word
    return glued


def _listed(texts: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Yield language and words of each phrase, umlauts also as two letters."""
    for language, text in texts.items():
        for phrase in _clean(text).split("|"):
            words = phrase.split()
            yield language, [_word(word) for word in words] if language == "ar" else words
        if language in _WITH_UMLAUTS:
            for phrase in text.split("|"):
                if not phrase.isascii():
                    yield language, _clean(phrase.translate(_UMLAUTS)).split()


def _phrases(data: Mapping[str, Any]) -> Iterator[tuple[list[str], _Role]]:
    yield from _stems(data)
    for kind, role in (("forms", "form"), ("refuse", "refuse")):
        for value, texts in data[kind].items():
            for _, words in _listed(texts):
                yield words, _Role(role, value)
    yield from _specimens(data)
    for kind, texts in (("filler", data["fillers"]), ("joiner", data["joiners"]), ("other", data["others"])):
        for language, words in _listed(texts):
            yield words, _Role("loinc" if language == "loinc" else kind)
    for concept, words in _listed(data["beside"]):
        yield words, _Role("beside", concept)


def _stems(data: Mapping[str, Any]) -> Iterator[tuple[list[str], _Role]]:
    for concept, texts in data["stems"].items():
        stem, *said = data["implied"].get(concept, concept).split()
        forms = frozenset(said)
        for _, words in _listed(texts):
            yield words, _Role("stem", stem, forms)
            if stem == "vitamin_d":
                yield from _numbered(words, forms, data["vitamin_d"])


def _numbered(words: list[str], forms: frozenset[str], data: Mapping[str, Any]) -> Iterator[tuple[list[str], _Role]]:
    """Yield the names of vitamin D with the numbers of its forms behind the letter: D2, D3, D2+D3."""
    ends = data["letters"].split()
    for at, word in enumerate(words):
        if word in ends:
            for number, more in data["numbers"].items():
                numbered = [*words[: at + 1], *number.split(), *words[at + 1 :]]
                yield numbered, _Role("stem", "vitamin_d", forms | frozenset(more.split()))


def _specimens(data: Mapping[str, Any]) -> Iterator[tuple[list[str], _Role]]:
    before: dict[str, list[list[str]]] = {}
    for language, words in _listed(data["prepositions"]):
        before.setdefault(language, []).append(words)
    for kind, texts in data["specimens"].items():
        for language, words in _listed(texts):
            yield words, _Role("specimen", kind)
            for preposition in before.get(language, ()):
                yield [*preposition, *words], _Role("specimen", kind)
    for kind in ("serum", "plasma", "plasma_edta"):
        for text in knowledge("analytes.toml")["specimens"][kind]:
            if len(text) >= _SHORT:
                yield _WORD.findall(_clean(text)), _Role("specimen", kind)
