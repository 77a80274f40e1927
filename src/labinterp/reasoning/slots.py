"""A panel as reasoning sees it: sixteen levels, what is known around them, and which result decides about calcium."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import attrs

from labinterp.codes import HIGH_SIDE, LEVELS, LOW_SIDE
from labinterp.errors import InputError
from labinterp.reasoning import knowledge

if TYPE_CHECKING:
    from collections.abc import Mapping

SLOTS: Final = (
    "magnesium",
    "calcium_ionized",
    "calcium_adjusted",
    "calcium_computed",
    "calcium",
    "vitamin_d",
    "vitamin_b12",
    "homocysteine",
    "holotranscobalamin",
    "methylmalonic_acid",
    "parathyroid_hormone",
    "phosphate",
    "folate",
    "creatinine",
    "potassium",
    "albumin",
)
COMPUTED: Final = "calcium_computed"
"""Total calcium of the panel adjusted by its albumin: the one slot that no result is sent for."""
MISSING: Final = "missing"
UNJUDGED: Final = "unjudged"
"""Stands for a level where a result was sent and could not be judged."""
SOFT: Final = 16
"""Added to the code of a level that rests on an implausible value."""
CRITICAL: Final = 32
"""Added to the code of a level where the laboratory calls the result critical, which makes a finding as severe."""
_MARKS: Final = SOFT | CRITICAL
LEVEL_CODES: Final = (MISSING, *LEVELS, UNJUDGED)
UNJUDGED_CODE: Final = LEVEL_CODES.index(UNJUDGED)
CONTEXTS: Final = {
    "pregnancy": (MISSING, "pregnant"),
    "adjustment": (MISSING, "minor", "pregnancy", "albumin_low", "albumin_high", "albumin_censored", "age_unknown"),
    "albumin_side": (MISSING, "low", "normal", "high"),
    "vitamin_b12_limit": (MISSING, "diagnostic"),
}
OTHER_CALCIUM: Final = "calcium_other"
"""The level of the best result of calcium but ionized calcium."""
"""What stands behind the levels of a pattern: context → its values; a code is a position.

`adjustment` says why albumin of the panel does not adjust total calcium, or that it does for want of an age;
`albumin_side` where that albumin lies, whether or not it has a range of its own; `vitamin_b12_limit` whether vitamin
B12 was judged by a limit that its source calls diagnostic.
"""
_WORST: Final = {"very_low": LOW_SIDE, "very_high": HIGH_SIDE}
_UNKNOWN: Final = frozenset((MISSING, UNJUDGED))
OPEN: Final = _UNKNOWN | {"indeterminate"}


@attrs.frozen
class Option:
    """One result that can decide a resolved input.

    Args:
        slot: the slot of the pattern.
        title: the result in words.
        basis: how the level was obtained.
        evidence: the analytes that it rests on; the first carries the level.
        needless: analytes that could no longer decide once this one is there.
    """

    slot: str
    title: str
    basis: str
    evidence: tuple[str, ...]
    needless: frozenset[str]


@attrs.frozen
class Resolved:
    """An input that several results can give: the first that is not missing decides."""

    id: str
    basis_id: str
    order: tuple[Option, ...]


@functools.cache
def resolved() -> Resolved:
    """Return how calcium is resolved."""
    (item,) = knowledge.read("states")["resolved"]
    options = (
        Option(
            slot=each["slot"],
            title=each["title"],
            basis=each["basis"],
            evidence=tuple(each["evidence"]),
            needless=frozenset(each["needless"]),
        )
        for each in item["order"]
    )
    return Resolved(item["id"], item["basis_id"], tuple(options))


@attrs.frozen
class Panel:
    """The levels of a panel.

    Args:
        levels: slot or resolved input → level; the resolved input's basis → slot; context → its value.
        soft: slots and resolved inputs whose result is implausible.
        calcium: the result that decides about calcium.
    """

    levels: Mapping[str, str]
    soft: frozenset[str]
    calcium: Option | None

    @property
    def calcium_slot(self) -> str | None:
        """The slot that decides about calcium."""
        return None if self.calcium is None else self.calcium.slot

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The analytes that were sent and say nothing: neither judged, nor used to adjust calcium."""
        calcium = self.calcium
        used = () if calcium is None or self.levels[calcium.slot] in OPEN else calcium.evidence
        silent = (slot for slot in SLOTS if self.levels[slot] in (UNJUDGED, "indeterminate"))
        return tuple(slot for slot in silent if slot not in used and slot != COMPUTED)

    def needs(self, analyte: str) -> bool:
        """Return whether an analyte is still worth measuring: not sent yet, and not made needless."""
        if self.levels[analyte] != MISSING:
            return False
        if self.calcium is None:
            return True
        settled = analyte in self.calcium.evidence and self.levels[self.calcium.slot] not in OPEN
        return not settled and analyte not in self.calcium.needless


def at_worst(pattern: tuple[int, ...]) -> tuple[int, ...]:
    """Return a pattern in which each result that its laboratory calls critical is very low or very high.

    Example:
        >>> low, very_low = (1 + LEVELS.index(level) for level in ("low", "very_low"))
        >>> at_worst((low | CRITICAL, low))[:2] == (very_low, low)
        True
    """
    return tuple(_worst(code & ~CRITICAL) if code & CRITICAL else code for code in pattern)


def _worst(code: int) -> int:
    level = LEVEL_CODES[code & ~SOFT]
    worst = next((side for side, levels in _WORST.items() if level in levels), level)
    return LEVEL_CODES.index(worst) | code & SOFT


def panel_of(pattern: tuple[int, ...]) -> Panel:
    """Return the panel that a pattern stands for.

    Raises:
        InputError: if it is no pattern.
    """
    codes, around = pattern[: len(SLOTS)], pattern[len(SLOTS) :]
    known = len(codes) == len(SLOTS) and len(around) in (0, len(CONTEXTS))
    if (
        not known
        or any(code & ~_MARKS not in range(len(LEVEL_CODES)) for code in codes)
        or any(code not in range(len(values)) for code, values in zip(around, CONTEXTS.values(), strict=False))
    ):
        raise InputError(
            f"a pattern has {len(SLOTS)} codes: 0, or 1 to {len(LEVELS)}, plus {SOFT} for an implausible result and "
            f"{CRITICAL} for one that its laboratory calls critical, {UNJUDGED_CODE} for one that was not judged; and "
            f"none or {len(CONTEXTS)} of what is known around them",
            hint="Build it from `SLOTS`, `LEVELS` and `CONTEXTS`",
        )
    levels = {slot: LEVEL_CODES[code & ~_MARKS] for slot, code in zip(SLOTS, codes, strict=True)}
    levels |= dict.fromkeys(CONTEXTS, MISSING)
    levels |= {name: CONTEXTS[name][code] for name, code in zip(CONTEXTS, around, strict=False)}
    soft = {slot for slot, code in zip(SLOTS, codes, strict=True) if code & SOFT}
    calcium = resolved()
    decided = next((option for option in calcium.order if levels[option.slot] not in _UNKNOWN), None)
    other = next((o for o in calcium.order if o.slot != "calcium_ionized" and levels[o.slot] not in _UNKNOWN), None)
    levels[OTHER_CALCIUM] = MISSING if other is None else levels[other.slot]
    sent = any(levels[option.slot] == UNJUDGED for option in calcium.order)
    levels[calcium.id] = levels[decided.slot] if decided is not None else UNJUDGED if sent else MISSING
    levels[calcium.basis_id] = MISSING if decided is None else decided.slot
    if decided is not None and decided.slot in soft:
        soft.add(calcium.id)
    return Panel(levels, frozenset(soft), decided)
