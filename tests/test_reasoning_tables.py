"""Decision tables are complete and free of conflict, by enumeration."""

from __future__ import annotations

import itertools

import attrs
import pytest

from labinterp.reasoning import CONTEXTS, LEVELS, SLOTS
from labinterp.reasoning.slots import resolved
from labinterp.reasoning.tables import compiled, tables
from reasoning_panels import EVERY_LEVEL

STATUSES = {"present", "possible", "excluded", "undetermined"}
SEVERITIES = ("low", "moderate", "high")
EVERY_STATE = list(tables())


@pytest.mark.parametrize("state", EVERY_STATE)
def test_exactly_one_row_answers(state):
    """For every combination of classes one row answers, no more and no less."""
    table = tables()[state]
    counts = {combination: len(table.rows_for(combination)) for combination in table.combinations()}
    assert counts
    assert {combination: n for combination, n in counts.items() if n != 1} == {}


@pytest.mark.parametrize("state", EVERY_STATE)
def test_every_row_answers_for_something(state):
    """No row is dead, and every class that a row names exists."""
    table = tables()[state]
    answering = {id(row) for combination in table.combinations() for row in table.rows_for(combination)}
    assert {id(row) for row in table.rows} == answering
    for row in table.rows:
        for name, classes in row.when.items():
            assert classes <= set(table.schemes[name].values())


@pytest.mark.parametrize("state", EVERY_STATE)
def test_every_level_has_a_class(state):
    """A scheme has a class for each level, missing and indeterminate included, and for nothing else."""
    options = {option.slot for option in resolved().order}
    for name, scheme in tables()[state].schemes.items():
        expected = {"missing", *options} if name == resolved().basis_id else set(CONTEXTS.get(name, EVERY_LEVEL))
        assert scheme.keys() == expected
        assert name in {*SLOTS, *CONTEXTS, resolved().id, resolved().basis_id}


@pytest.mark.parametrize("state", EVERY_STATE)
def test_answers_use_the_contract_s_words(state):
    """Statuses and severities are those of the contract, and every answer gives its reason as a sentence."""
    for row in tables()[state].rows:
        assert row.status in STATUSES
        assert row.severity in SEVERITIES
        assert row.because.endswith(".")


@pytest.mark.parametrize("state", EVERY_STATE)
def test_what_is_not_known_is_never_excluded(state):
    """With every input missing, not judged or indeterminate a state is undetermined."""
    table = tables()[state]
    for blank in ("missing", "unjudged", "indeterminate"):
        known = {resolved().basis_id, *CONTEXTS}
        classes = [
            sorted(set(scheme.values())) if name in known else [scheme[blank]] for name, scheme in table.schemes.items()
        ]
        for combination in itertools.product(*classes):
            assert compiled(state)[combination].status == "undetermined"


def test_a_table_with_a_hole_or_a_conflict_is_refused(monkeypatch):
    """A table that answers twice, or not at all, is found when it is compiled."""
    sound = tables()["folate_deficiency"]
    for rows in (sound.rows[1:], (*sound.rows, sound.rows[0])):
        broken = {**tables(), "folate_deficiency": attrs.evolve(sound, rows=rows)}
        monkeypatch.setattr("labinterp.reasoning.tables.tables", lambda broken=broken: broken)
        with pytest.raises(ValueError, match=r"folate_deficiency: [02] rows answer"):
            compiled.__wrapped__("folate_deficiency")


def test_vitamin_d_is_never_more_severe_than_hypocalcemia_at_equal_levels():
    """So that hypocalcemia comes first where it explains what low vitamin D alone would not."""
    calcium = compiled("hypocalcemia")
    for level in LEVELS:
        scheme = tables()["vitamin_d_deficiency"].schemes["vitamin_d"]
        low = calcium[(tables()["hypocalcemia"].schemes["calcium_resolved"][level], "corrected", "unknown", "valid")]
        for state in ("vitamin_d_deficiency", "vitamin_d_insufficiency"):
            row = compiled(state)[(scheme[level],)]
            if row.status in ("present", "possible"):
                assert SEVERITIES.index(row.severity) <= SEVERITIES.index(low.severity)


# --- vitamin B12, told a second time -------------------------------------------------------------------------------


def _expected_b12(combination):  # noqa: PLR0911 - one return per line of the contract
    """The contract's section 7.4 and what is known around it, written out independently of the table."""
    b12, holo, mma, hcy, creatinine, folate, pregnancy, limit = combination
    explained = creatinine == "raised"
    both = mma == hcy == "raised"
    if b12 in ("very_low", "low"):
        if pregnancy == "pregnant" and holo == "normal":
            return "possible"
        return "present" if not (mma == hcy == "not_raised") or limit == "diagnostic" else "possible"
    if b12 == "borderline":
        functional = (
            holo == "low"
            or (mma == "raised" and not explained)
            or (mma == "unknown" and hcy == "raised" and not explained and folate != "low")
        )
        return "present" if functional else "possible"
    if both and creatinine == "not_raised":
        return "present"
    if holo == "low":
        return "possible" if b12 == "normal" else "present"
    if b12 == "unknown" and holo == "borderline":
        return "present" if mma == "raised" and not explained else "possible"
    if mma == "raised":
        return "possible"
    if b12 == "unknown" and holo == "unknown":
        return "undetermined"
    if mma == "not_raised":
        return "excluded"
    return "undetermined" if hcy == "raised" else "excluded"


def test_vitamin_b12_follows_the_contract():
    """Over every combination of the six results and two contexts, vitamin B12 deficiency has the status that the contract gives it."""
    table = tables()["vitamin_b12_deficiency"]
    differing = {
        combination
        for combination, row in compiled("vitamin_b12_deficiency").items()
        if row.status != _expected_b12(combination)
    }
    assert differing == set()
    assert len(list(itertools.product(*(set(scheme.values()) for scheme in table.schemes.values())))) == 6480
