"""The public contract, section 1: words, and the shipped ranges."""

from __future__ import annotations

import pytest

import labinterp as li
from contract_helpers import ADULT, CANONICAL, ORDINARY, both, codes, finding, single


@pytest.mark.parametrize("analyte", CANONICAL)
def test_every_analyte_key_has_the_canonical_unit_of_the_contract(analyte):
    """Every analyte of the contract is known by key and comes out in its canonical UCUM unit, unchanged."""
    found = single(analyte, ORDINARY[analyte], CANONICAL[analyte], reference_low=0.001, reference_high=10000)
    assert (found.analyte, found.unit, found.value) == (analyte, CANONICAL[analyte], ORDINARY[analyte])


FINDINGS = {
    "hypomagnesemia": ("magnesium_deficiency", [("magnesium", 1.2, "mg/dL")]),
    "hypermagnesemia": ("magnesium_excess", [("magnesium", 3.1, "mg/dL")]),
    "hypocalcemia": ("hypocalcemia", [("calcium_ionized", 1.0, "mmol/L")]),
    "hypercalcemia": ("hypercalcemia", [("calcium_ionized", 1.5, "mmol/L")]),
    "vitamin-d-deficiency": ("vitamin_d_deficiency", [("vitamin_d", 20, "nmol/L")]),
    "vitamin-d-insufficiency": ("vitamin_d_insufficiency", [("vitamin_d", 40, "nmol/L")]),
    "vitamin-d-excess": ("vitamin_d_excess", [("vitamin_d", 160, "nmol/L")]),
    "vitamin-b12-deficiency": ("vitamin_b12_deficiency", [("vitamin_b12", 120, "pg/mL")]),
    "vitamin-b12-elevated": ("vitamin_b12_elevated", [("vitamin_b12", 1500, "pg/mL")]),
    "hyperhomocysteinemia": ("hyperhomocysteinemia", [("homocysteine", 22, "umol/L")]),
}


@pytest.mark.parametrize("code", FINDINGS)
def test_every_finding_code_reports_its_state(code):
    """Each finding code of the contract reports the state that the contract names beside it."""
    state, rows = FINDINGS[code]
    report = both(rows)
    found = finding(report, code)
    assert found.state == state
    assert found.status == report.states[state] == "present"


@pytest.mark.parametrize("code", ["hypermagnesemia", "hypercalcemia", "vitamin-d-excess", "vitamin-b12-elevated"])
def test_excess_states_have_no_pathway_to_fasciculation(code):
    """No pathway leads from an excess to fasciculation."""
    assert finding(both(FINDINGS[code][1]), code).pathways == ()


@pytest.mark.parametrize(
    ("level_of", "code", "absent"),
    [(20, "vitamin-d-deficiency", "vitamin-d-insufficiency"), (40, "vitamin-d-insufficiency", "vitamin-d-deficiency")],
)
def test_vitamin_d_has_one_finding_for_low_and_another_for_borderline(level_of, code, absent):
    """Low 25(OH)D is deficiency and borderline is insufficiency, never both."""
    assert code in codes(both([("vitamin_d", level_of, "nmol/L")]))
    assert absent not in codes(both([("vitamin_d", level_of, "nmol/L")]))


def test_every_state_has_one_of_the_four_statuses():
    """`Report.states` maps every state of the contract to one of four statuses."""
    report = both([("magnesium", 0.8, "mmol/L")])
    assert {state for state, _ in FINDINGS.values()} <= set(report.states)
    assert set(report.states.values()) <= {"present", "possible", "excluded", "undetermined"}
    assert report.states["hypocalcemia"] == "undetermined"
    assert report.states["magnesium_deficiency"] == "excluded"


@pytest.mark.parametrize(
    ("value", "flag", "level"),
    [(1.5, "L", "low"), (1.6, "N", "normal"), (2.6, "N", "normal"), (2.7, "H", "high")],
)
def test_flags_are_fhir_codes_and_both_ends_of_an_interval_are_normal(value, flag, level):
    """A reference interval has both ends inside, and its sides are L and H."""
    found = single("magnesium", value, "mg/dL")
    assert (found.flag, found.level) == (flag, level)


@pytest.mark.parametrize(
    ("value", "flag", "alone"),
    [(0.9, "LL", "LU"), (0.91, "LU", "LU"), (4.99, "H", "H"), (5.0, "HH", "H"), (5.1, "HH", "HU"), (2.0, "N", "N")],
)
def test_double_flags_come_from_critical_limits_alone(value, flag, alone):
    """LL and HH are given only where an edition of critical limits is asked for; LU and HU come from severity."""
    assert single("magnesium", value, "mg/dL", ranges=["us", "ohsu/critical"]).flag == flag
    assert single("magnesium", value, "mg/dL").flag == alone


# --- the shipped ranges --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["us", "uk", "nordic", "anz", "canada", "pregnancy-us"])
def test_every_profile_answers_for_an_adult(profile):
    """Each profile of the contract and the issue exists and judges magnesium and 25(OH)D of an adult."""
    assert single("magnesium", 0.8, "mmol/L", ranges=profile).flag == "N"
    assert single("vitamin_d", 20, "nmol/L", ranges=profile).flag == "L"


def test_descriptive_ranges_cannot_stand_in_a_list():
    """An edition that only describes a population can't be mixed in with those that decide."""
    with pytest.raises(li.ReferenceSetError):
        li.interpret([], ADULT, ranges=["abbassi-ghanavati/2009-descriptive", "us"])
