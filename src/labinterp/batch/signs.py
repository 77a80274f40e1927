"""How a table writes its decimals, for rows that `decimal=` would settle."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from labinterp.codes import NOTE_BIT
from labinterp.kernel.vector import PROBLEM_CODE
from labinterp.words.faces import line
from labinterp.words.numbers import counted

if TYPE_CHECKING:
    from labinterp.batch.core import Answer

_PLAIN: Final = re.compile(r"(?<![0-9.,])([0-9]{1,15})([.,])([0-9]{1,15})(?![0-9.,])", re.ASCII)
_THOUSAND: Final = 3


@attrs.frozen
class Signs:
    """Rows that can be read in two ways, and what the other numbers beside them show.

    Args:
        rows: with the problem `ambiguous_number`; `decimal=` would settle them.
        points: rows whose decimal sign can only be a point.
        commas: rows whose decimal sign can only be a comma.
    """

    rows: int = 0
    points: int = 0
    commas: int = 0

    @property
    def suggests(self) -> str | None:
        """The only decimal sign that the other numbers show, or None where they show none or both."""
        if bool(self.points) == bool(self.commas):
            return None
        return "." if self.points else ","

    def as_data(self) -> dict[str, int | str | None]:
        """Return it as JSON-ready data."""
        return {**attrs.asdict(self), "suggests": self.suggests}

    def plus(self, more: Signs) -> Signs:
        """Return both taken together."""
        return Signs(self.rows + more.rows, self.points + more.points, self.commas + more.commas)

    def in_words(self) -> str | None:
        """Say how many rows `decimal=` would settle and what the other numbers suggest; nothing where there are none.

        Example:
            >>> Signs(2, 0, 9).in_words()
            "decimal= would settle 2 rows; the other numbers show a decimal comma (9 rows): decimal=','"
        """
        if not self.rows:
            return None
        start = line("decimals", "settles", rows=counted(self.rows, "row"))
        if self.suggests is not None:
            key, count = ("point", self.points) if self.suggests == "." else ("comma", self.commas)
            known = {"name": line("decimals", key), "rows": counted(count, "row"), "sign": self.suggests}
            return start + line("decimals", "one", **known)
        if self.points:
            return start + line("decimals", "both", points=f"{self.points:,}", commas=f"{self.commas:,}")
        return start + line("decimals", "none")


def sign_of(text: object) -> str | None:
    """Return the decimal sign that a text of a value shows beyond doubt.

    Example:
        >>> sign_of("7,9"), sign_of("<0.735"), sign_of("1,234"), sign_of("140")
        (',', '.', None, None)
    """
    found = _PLAIN.search(text) if isinstance(text, str) and len(text) <= 64 else None  # noqa: PLR2004 - as values are
    if found is None:
        return None
    whole, sign, rest = found.groups()
    doubtful = len(rest) == _THOUSAND and len(whole) <= _THOUSAND and not whole.startswith("0")
    return None if doubtful else sign


def signs_of(answer: Answer) -> Signs:
    """Return the ambiguous rows of an answer; the other numbers are looked at only where there are some."""
    sent = answer.sent
    if sent is None:
        return Signs()
    rows = int((answer.batch.problem == PROBLEM_CODE["ambiguous_number"]).sum())
    shown = np.array([(".", ",").index(sign) + 1 if (sign := sign_of(v)) else 0 for v in sent.distinct], np.int64)
    counts = np.bincount(shown[sent.codes], minlength=3)
    return Signs(rows, int(counts[1]), int(counts[2]))


def not_covered(answer: Answer) -> int:
    """Return how many rows are results of tests that are known and not covered."""
    noted = (answer.batch.notes & np.uint64(NOTE_BIT["not_covered"])) != 0
    return int((noted & (answer.batch.problem != 0)).sum())
