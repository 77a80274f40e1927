"""What a source says of the state of a result → the note of one that does not hold, or the flag that it says instead.

The words and HL7's letters are those of `knowledge/statuses.toml`. A content says what it says by itself, whatever else
stands in its column, so that a table read in pieces gives what it gives as a whole.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from labinterp._data import knowledge
from labinterp.reading import flags
from labinterp.reading.times import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST: Final = 100


def _words_of(text: str) -> tuple[str, ...]:
    return tuple("".join(char if char.isalnum() else " " for char in fold(text)).split())


@functools.cache
def _notes() -> Mapping[tuple[str, ...], str]:
    return {_words_of(text): note for note, texts in knowledge("statuses.toml")["notes"].items() for text in texts}


@functools.cache
def _corrections() -> frozenset[tuple[str, ...]]:
    return frozenset(map(_words_of, knowledge("statuses.toml")["corrected"]["words"]))


@functools.cache
def _letters() -> Mapping[str, str | None]:
    """Return every letter of a state → its note; None for one whose result holds."""
    data = knowledge("statuses.toml")["letters"]
    noted = {letter: note for note, letters in data["notes"].items() for letter in letters}
    return {**dict.fromkeys(data["holds"]), **noted}


def _letter(status: Any) -> str | None:
    """Return the letter that is all of a content, its HL7 components aside."""
    text = status.partition("^")[0].strip().upper() if isinstance(status, str) else ""
    return text if len(text) == 1 else None


def note_of(status: Any) -> str | None:
    """Return the note of a result whose status says that it does not hold; None for any other.

    Example:
        >>> note_of("Entered in Error"), note_of("CANCELLED - hemolyzed"), note_of("Corrected"), note_of(None)
        ('entered_in_error', 'cancelled', None, None)
        >>> note_of("X"), note_of("F"), note_of("N")
        ('cancelled', None, None)
    """
    if not isinstance(status, str):
        return None
    letter = _letter(status)
    if letter is not None:
        return _letters().get(letter)
    return next((_notes()[words] for words in _beginnings(status) if words in _notes()), None)


def _beginnings(status: str) -> Iterator[tuple[str, ...]]:
    said = _words_of(status[:_LONGEST])
    return (said[:count] for count in range(len(said), 0, -1))


def is_corrected(status: Any) -> bool:
    """Say whether a status is that of a result that stands in place of an earlier one.

    Example:
        >>> is_corrected("Corrected result"), is_corrected("C"), is_corrected("Final")
        (True, True, False)
    """
    if not isinstance(status, str):
        return False
    if _letter(status) in knowledge("statuses.toml")["corrected"]["letters"]:
        return True
    return not _corrections().isdisjoint(_beginnings(status))


def flag_of(status: Any) -> str | None:
    """Return a status that is a flag of the laboratory on a result out of range; None for any other.

    Example:
        >>> flag_of("Low"), flag_of("H"), flag_of("Final"), flag_of("P")
        ('Low', 'H', None, None)
    """
    if not isinstance(status, str) or _letter(status) in _letters():
        return None
    return status if flags.is_flag(status) and flags.side_of_reported(status) != "normal" else None
