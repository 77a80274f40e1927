"""Panels for the tests of the reasoning: levels by name, and what goes through every combination of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from labinterp.reasoning import CONTEXTS, LEVELS, SLOTS, UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_LEVEL = ("missing", *LEVELS, UNJUDGED)
CALCIUM_SLOTS = ("calcium_ionized", "calcium_adjusted", "calcium_computed", "calcium")


def pattern(**levels: str) -> tuple[int, ...]:
    """Return a pattern from levels by slot and values by context; one that ends with `!` is of an implausible result."""
    unknown = levels.keys() - {*SLOTS, *CONTEXTS}
    if unknown:
        raise AssertionError(unknown)
    around = tuple(values.index(levels.get(name, "missing")) for name, values in CONTEXTS.items())
    return (*(_code(levels.get(slot, "missing")) for slot in SLOTS), *around)


def _code(level: str) -> int:
    return EVERY_LEVEL.index(level.rstrip("!")) + (16 if level.endswith("!") else 0)


def panels(**choices: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield every combination of the levels given for each slot."""
    for levels in itertools.product(*choices.values()):
        yield dict(zip(choices, levels, strict=True))


def calcium_panels() -> Iterator[dict[str, str]]:
    """Yield every level of calcium, from each kind of result that can decide about it."""
    yield {}
    for slot in CALCIUM_SLOTS:
        for level in LEVELS:
            yield {slot: level}


# what a new observation of the same thing may do without making it less of a deficiency
FALLING = ("very_high", "high", "borderline_high", "normal", "borderline_low", "low", "very_low")
