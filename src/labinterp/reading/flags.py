"""The laboratory's own flag → the side of normal on which it puts the result."""

from __future__ import annotations

import functools
from typing import Final

_SIDES: Final = {
    **dict.fromkeys(("l", "low", "ll", "lu", "low low", "lowlow", "<", "--", "critical low", "panic low"), "low"),
    **dict.fromkeys(("n", "normal", "nrm", "within range", "nl", "wnl"), "normal"),
    **dict.fromkeys(
        ("h", "high", "hh", "hu", "high high", "highhigh", ">", "++", "critical high", "panic high"), "high"
    ),
    **dict.fromkeys(("a", "aa", "abnormal", "ab", "*", "**", "abn"), "abnormal"),
}


@functools.lru_cache(maxsize=1024)
def side_of_reported(flag: str) -> str | None:
    """Return `low`, `normal`, `high` or `abnormal`; None for a flag that says nothing known.

    Example:
        >>> side_of_reported("LOW LOW"), side_of_reported("see note")
        ('low', None)
    """
    return _SIDES.get(flag.strip().casefold()) if len(flag) <= 32 else None  # noqa: PLR2004 - longer than any entry


def disagrees(side: str | None, reported: str | None) -> bool:
    """Return whether the laboratory's side contradicts ours; an unknown one on either hand contradicts nothing."""
    if side is None or reported is None:
        return False
    return side == "normal" if reported == "abnormal" else side != reported
