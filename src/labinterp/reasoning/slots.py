"""A panel as reasoning sees it: sixteen levels, and which result decides about calcium."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import attrs

from labinterp.codes import LEVELS
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
MISSING: Final = "missing"
SOFT: Final = 16
"""Added to the code of a level that rests on an implausible value."""
_LEVEL: Final = (MISSING, *LEVELS)
_OPEN: Final = frozenset((MISSING, "indeterminate"))


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
        Option(each["slot"], each["title"], each["basis"], tuple(each["evidence"]), frozenset(each["needless"]))
        for each in item["order"]
    )
    return Resolved(item["id"], item["basis_id"], tuple(options))


@attrs.frozen
class Panel:
    """The levels of a panel.

    Args:
        levels: slot or resolved input → level; the resolved input's basis → slot.
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

    def needs(self, analyte: str) -> bool:
        """Return whether an analyte is still worth measuring: not conclusive yet, and not made needless."""
        if self.levels[analyte] not in _OPEN:
            return False
        if self.calcium is None:
            return True
        settled = analyte in self.calcium.evidence and self.levels[self.calcium.slot] not in _OPEN
        return not settled and analyte not in self.calcium.needless


def panel_of(pattern: tuple[int, ...]) -> Panel:
    """Return the panel that a pattern stands for.

    Raises:
        InputError: if it is no pattern.
    """
    if len(pattern) != len(SLOTS) or any(code & ~SOFT not in range(len(_LEVEL)) for code in pattern):
        raise InputError(
            f"a pattern has {len(SLOTS)} codes: 0, or 1 to {len(LEVELS)}, plus {SOFT} for an implausible result",
            hint="Build it from `SLOTS` and `LEVELS`",
        )
    levels = {slot: _LEVEL[code & ~SOFT] for slot, code in zip(SLOTS, pattern, strict=True)}
    soft = {slot for slot, code in zip(SLOTS, pattern, strict=True) if code > SOFT}
    calcium = resolved()
    decided = next((option for option in calcium.order if levels[option.slot] != MISSING), None)
    levels[calcium.id] = MISSING if decided is None else levels[decided.slot]
    levels[calcium.basis_id] = MISSING if decided is None else decided.slot
    if decided is not None and decided.slot in soft:
        soft.add(calcium.id)
    return Panel(levels, frozenset(soft), decided)
