"""What a source says of the state of a result → the note of one that does not hold.

The words are those of `knowledge/statuses.toml`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from labinterp._data import knowledge
from labinterp.reading.times import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST: Final = 100


def _words_of(text: str) -> tuple[str, ...]:
    return tuple("".join(char if char.isalnum() else " " for char in fold(text)).split())


@functools.cache
def _notes() -> Mapping[tuple[str, ...], str]:
    return {_words_of(text): note for note, texts in knowledge("statuses.toml")["notes"].items() for text in texts}


def note_of(status: Any) -> str | None:
    """Return the note of a result whose status says that it does not hold; None for any other.

    Example:
        >>> note_of("Entered in Error"), note_of("CANCELLED - hemolyzed"), note_of("Corrected"), note_of(None)
        ('entered_in_error', 'cancelled', None, None)
    """
    if not isinstance(status, str):
        return None
    said = _words_of(status[:_LONGEST])
    known = (_notes().get(said[:count]) for count in range(len(said), 0, -1))
    return next((note for note in known if note is not None), None)
