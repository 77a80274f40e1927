"""In what a text is encoded: as the caller says, as its first bytes say, or as the one reading that makes sense."""

from __future__ import annotations

import codecs
import functools
import itertools
import re
import unicodedata
from typing import Final

from labinterp.errors import InputError
from labinterp.reading import analytes, names_and_units, units
from labinterp.tables import headings

SAMPLE: Final = 1 << 20
"""How many of the first bytes tell an encoding."""
AUTO: Final = "auto"
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESSED: Final = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "koi8_u", "mac_roman", "cp850", "cp932", "gb18030", "big5",
    "euc_kr",
)  # fmt: skip
_CELL: Final = re.compile(r'[,;|\t\n\r"]')
_WORD: Final = re.compile(r"[^\W\d_]{1,64}")
_CELLS: Final = 4000
_COMMON: Final = frozenset({"MICRO", "MASCULINE", "FEMININE", "MODIFIER"})
_EAST_ASIAN: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC", "FULLWIDTH"})


def check(encoding: object) -> str:
    """Return the name of an encoding of text, or `auto`.

    Raises:
        InputError: if there is no encoding of that name.
        TypeError: if it is no text.

    Example:
        >>> check("latin-1"), check("auto")
        ('iso8859-1', 'auto')
    """
    if not isinstance(encoding, str):
        raise TypeError("encoding is no text, such as 'utf-8' or 'cp1252'")
    if encoding == AUTO:
        return AUTO
    try:
        found = codecs.lookup(encoding)
        "".encode(found.name).decode(found.name)
    except (LookupError, ValueError):
        raise InputError("there is no text encoding of that name", hint="Use 'auto', 'utf-8' or 'cp1252'") from None
    return found.name


def codec_of(data: bytes, encoding: str = AUTO) -> str:
    r"""Return the encoding of a text by its beginning; `utf-8` where nothing else is certain.

    Args:
        data: the first bytes, `SAMPLE` of them or all.
        encoding: what the caller says, checked.

    Example:
        >>> codec_of("test;value;unit\nmagnesium;800;µmol/L\n".encode("cp1252"))
        'cp1252'
    """
    if encoding != AUTO:
        return encoding
    data = data[:SAMPLE]
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return codec
    if b"\0" in data:
        return _wide(data)
    if data.isascii() or _decoded(data, "utf-8") is not None:
        return "utf-8"
    return _guess(data) or "utf-8"


def _wide(data: bytes) -> str:
    """Return `utf-16-le` or `-be` where every second byte is nearly always NUL and the other never is."""
    for codec, high, low in (("utf-16-le", data[1::2], data[::2]), ("utf-16-be", data[::2], data[1::2])):
        if b"\0" not in low and high.count(b"\0") * 2 > len(high):
            return codec
    return "utf-8"


def _decoded(data: bytes, codec: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(codec)().decode(data)
    except UnicodeError:
        return None


def _guess(data: bytes) -> str | None:
    """Return the encoding whose reading makes most sense, if no other reading makes as much."""
    readings: dict[tuple[str, ...], str] = {}
    for codec in _GUESSED:
        text = _decoded(data, codec)
        if text is not None:
            found = tuple(dict.fromkeys(cell.strip() for cell in _CELL.split(text) if not cell.isascii()))[:_CELLS]
            if all(map(_is_plausible, found)):
                readings.setdefault(found, codec)
    if len(readings) <= 1:
        return next(iter(readings.values()), None)
    sense = sorted(((sum(map(_is_known, found)), codec) for found, codec in readings.items()), reverse=True)
    return sense[0][1] if sense[0][0] > sense[1][0] else None


def _is_plausible(cell: str) -> bool:
    """Say whether a text looks written: letters of one script in a word, no pieces of frames, nothing private."""
    for character in cell:
        if not character.isascii() and unicodedata.category(character) in {"Cc", "Co", "Cn", "Cf", "Sk", "Sc"}:
            return False
    return "BOX DRAWINGS" not in "".join(unicodedata.name(c, "") for c in set(cell) if not c.isascii()) and all(
        len(_scripts(word)) <= 1 and _is_cased(word) for word in _WORD.findall(cell)
    )


def _scripts(word: str) -> set[str]:
    scripts = {unicodedata.name(character, "?").split()[0] for character in set(word)} - _COMMON
    return {"CJK" if script in _EAST_ASIAN else script for script in scripts}


def _is_cased(word: str) -> bool:
    """Say whether no capital stands behind a small letter, as where bytes are taken for those of another script."""
    return not any(one.islower() and two.isupper() for one, two in itertools.pairwise(word))


@functools.lru_cache(maxsize=4096)
def _is_known(cell: str) -> bool:
    cell = cell[:128]
    return any(not character.isascii() and character.isalpha() for character in cell) and (
        headings.is_known(cell)
        or units.resolve(cell).code is not None
        or analytes.resolve(names_and_units.split_heading(cell)[0]).analyte is not None
    )
