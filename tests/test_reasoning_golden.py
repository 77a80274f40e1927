"""Answers for typical panels, kept under git so that a change of any sentence shows in the diff.

One is kept in full, the others as differences from it. LABINTERP_UPDATE_GOLDEN=1 writes them anew.
"""

from __future__ import annotations

import json

import attrs
import pytest

from golden_text import GOLDEN, compare, difference, outline
from labinterp.reasoning import reason
from reasoning_panels import pattern

FULL = "all-deficient"
PANELS = {
    "all-deficient": {
        "magnesium": "very_low", "calcium_ionized": "low", "vitamin_d": "low", "vitamin_b12": "low", "homocysteine": "high",
    },
    "nothing-measured": {},
    "all-normal": {
        "magnesium": "normal", "calcium": "normal", "calcium_computed": "normal", "albumin": "normal",
        "vitamin_d": "normal", "vitamin_b12": "normal", "homocysteine": "normal",
    },
    "low-calcium-low-vitamin-d": {"calcium": "low", "calcium_computed": "low", "albumin": "normal", "vitamin_d": "low"},
    "low-vitamin-d-normal-calcium": {"calcium_adjusted": "normal", "vitamin_d": "low"},
    "low-vitamin-d-alone": {"vitamin_d": "low"},
    "vitamin-d-insufficiency": {"vitamin_d": "borderline_low", "calcium": "normal"},
    "low-magnesium-alone": {"magnesium": "low"},
    "low-magnesium-low-calcium": {
        "magnesium": "very_low", "calcium_ionized": "low", "vitamin_d": "low", "parathyroid_hormone": "normal",
    },
    "low-total-calcium-high-potassium": {"calcium": "low", "potassium": "high"},
    "low-vitamin-b12": {"vitamin_b12": "low", "homocysteine": "high"},
    "borderline-vitamin-b12": {"vitamin_b12": "borderline_low"},
    "borderline-vitamin-b12-raised-mma": {
        "vitamin_b12": "borderline_low", "methylmalonic_acid": "high", "creatinine": "normal",
    },
    "raised-homocysteine-normal-vitamin-b12": {"vitamin_b12": "normal", "homocysteine": "high"},
    "raised-homocysteine-low-folate": {
        "vitamin_b12": "normal", "homocysteine": "high", "methylmalonic_acid": "normal", "folate": "low",
    },
    "implausible-magnesium": {"magnesium": "very_low!"},
    "excesses": {"magnesium": "high", "calcium": "high", "vitamin_d": "very_high", "vitamin_b12": "high"},
}  # fmt: skip


def _brief(attribute, value):
    return attribute.name != "citations"


def _answer(levels):
    reasoned = reason(pattern(**levels))
    return {
        "panel": levels,
        "calcium_slot": reasoned.calcium_slot,
        "states": dict(reasoned.states),
        "findings": [attrs.asdict(finding, filter=_brief) for finding in reasoned.findings],
    }


def _outline(levels):
    answer = _answer(levels)
    panel = {"levels": levels, "calcium_slot": answer["calcium_slot"]}
    return {"panel": panel, **outline(answer["states"], answer["findings"])}


def test_answer_in_full_stays_as_it_was_agreed():
    """The answer for the panel with most pathways is, word for word, the one under git."""
    compare(f"reasoning/{FULL}.json", json.dumps(_answer(PANELS[FULL]), indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("name", [name for name in PANELS if name != FULL])
def test_answers_stay_as_they_were_agreed(name):
    """What the answer for a typical panel has otherwise than the one in full is what the file under git says."""
    compare(f"reasoning/{name}.diff", difference(_outline(PANELS[FULL]), _outline(PANELS[name])))


def test_no_golden_file_is_left_over():
    """Every file belongs to a panel of this list."""
    assert {path.stem for path in (GOLDEN / "reasoning").iterdir()} == set(PANELS)
