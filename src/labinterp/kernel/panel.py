"""The slots of a panel: those of `labinterp.reasoning`, by number."""

from __future__ import annotations

import re
from typing import Final

from labinterp import reasoning
from labinterp.codes import HIGH_SIDE, LEVEL_CODE, LEVELS, LOW_SIDE, NOTE_BIT
from labinterp.errors import LayoutError

SLOT: Final = {name: i for i, name in enumerate(reasoning.SLOTS)}
CALCIUM: Final = SLOT["calcium"]
COMPUTED: Final = SLOT["calcium_computed"]
ALBUMIN: Final = SLOT["albumin"]
VITAMIN_B12: Final = SLOT["vitamin_b12"]
SOFT: Final = reasoning.SOFT
CRITICAL: Final = reasoning.CRITICAL
UNJUDGED: Final = reasoning.UNJUDGED_CODE
CONTEXT: Final = {name: len(SLOT) + i for i, name in enumerate(reasoning.CONTEXTS)}
WIDTH: Final = len(SLOT) + len(CONTEXT)
ABOVE_NORMAL: Final = frozenset(LEVEL_CODE[level] for level in HIGH_SIDE)
BELOW_NORMAL: Final = frozenset(LEVEL_CODE[level] for level in LOW_SIDE)
NORMAL: Final = LEVEL_CODE["normal"]
LEVEL_BITS: Final = SOFT - 1
"""The bits of a code in a pattern that hold its level."""
SIDE: Final = tuple((level in ABOVE_NORMAL) - (level in BELOW_NORMAL) for level in range(LEVEL_BITS + 1))
"""By the code of a level: -1 below normal, 1 above it, else 0."""

RANK: Final = tuple(
    {"normal": 0, "borderline_low": 2, "borderline_high": 2, "low": 3, "high": 3, "very_low": 4, "very_high": 4}.get(
        level, 1
    )
    for level in ("", *LEVELS)
)
"""By the code of a level: which result counts where nobody can say which is the latest. The abnormal one wins, and what
could not be judged goes before what is normal."""
FIRM: Final = 8
"""What is added to the rank of an abnormal result that is not doubtful."""
_MARK_OF_NOTE: Final = {NOTE_BIT["soft_implausible"]: SOFT, NOTE_BIT["flag_critical"]: CRITICAL}
_MARKING: Final = sum(_MARK_OF_NOTE)
_DAY: Final = 86_400_000_000
_SPAN: Final = re.compile(r"([0-9]{1,5})\s*([DdHh])", re.ASCII)


def is_diagnostic(band: str | None) -> bool:
    """Return whether a band has a name of its source, as those of decision limits have, and not of a mere interval."""
    return band is not None and band not in LEVELS


def read_span(panel: str) -> int | None:
    """Return a look-back in microseconds, or None for `collection` and `patient`.

    Raises:
        LayoutError: if it is none of them.
    """
    if isinstance(panel, str) and panel in ("collection", "patient"):
        return None
    match = _SPAN.fullmatch(panel) if isinstance(panel, str) else None
    if match is None:
        raise LayoutError("panel is not known", hint="Use 'collection', 'patient' or a look-back such as '30D'")
    return int(match[1]) * (_DAY if match[2] in "Dd" else _DAY // 24)


def marks(notes: int) -> int:
    """Return what the notes of a result add to the code of its level in a pattern.

    Example:
        >>> marks(NOTE_BIT["soft_implausible"] | NOTE_BIT["censored"]) == SOFT
        True
    """
    return sum(mark for note, mark in _MARK_OF_NOTE.items() if notes & note) if notes & _MARKING else 0


def rank(level: int, *, soft: bool, critical: bool = False) -> int:
    """Return the rank of a result by the code of its level, and whether its laboratory calls an abnormal one critical.

    Example:
        >>> rank(LEVEL_CODE["low"], soft=False) > rank(LEVEL_CODE["very_low"], soft=True) > rank(NORMAL, soft=False)
        True
        >>> rank(LEVEL_CODE["low"], soft=False, critical=True) == rank(LEVEL_CODE["very_low"], soft=False)
        True
    """
    abnormal = RANK[level] > 1
    return (max(RANK) if critical and abnormal else RANK[level]) + (FIRM if abnormal and not soft else 0)
