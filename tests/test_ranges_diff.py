"""What changes between two editions, in the reader's terms."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

import ranges_samples as samples
from labinterp.ranges import reference_set, shipped
from labinterp.ranges.diff import diff
from labinterp.ranges.exchange.toml import read, to_toml


def made(*entries, **more):
    return read(to_toml(samples.edition(more.pop("edition_id", "lab/1"), *entries, **more)))


def decision(*bands, entry_id="d", **more):
    found = samples.entry(entry_id, "vitamin_d", kind="decision_limit", bands=list(bands), **more)
    found.pop("normal")
    return found


def test_mayo_calcium_moves_its_lower_limit():
    """Between the two Mayo editions of calcium the lower limit of normal moves, for whom, and how far, is said."""
    lines = [str(change) for change in diff("mayo/calcium-earlier", "mayo/calcium")]
    assert "calcium (22 years to under 60 years, male): lower limit of normal 8.9 mg/dL -> 8.6 mg/dL (-3.4 %)" in lines
    assert any("under 1 year" in line and "is new" in line for line in lines)


@pytest.mark.parametrize("name", shipped().ids())
def test_edition_does_not_differ_from_itself(name):
    """An edition has no difference to itself."""
    assert diff(name, name) == ()


@settings(max_examples=30)
@given(samples.editions(), samples.editions())
def test_differences_have_a_direction(one, two):
    """What is added one way is removed the other way, and what moved moves back."""
    first, second = read(to_toml(one)), read(to_toml(two))
    there, back = diff(first, second), diff(second, first)
    opposite = {"added": "removed", "removed": "added"}
    assert sorted((c.limit, str(c.who), opposite.get(c.kind, c.kind)) for c in there if c.kind in opposite) == sorted(
        (c.limit, str(c.who), c.kind) for c in back if c.kind in opposite
    )
    assert sorted((c.before, c.after) for c in there if c.kind == "moved") == sorted(
        (c.after, c.before) for c in back if c.kind == "moved"
    )


def test_a_limit_in_another_unit_is_compared_by_its_exact_value():
    """Limits printed in different units are compared once converted, and shown as printed."""
    old = made(samples.entry("mg", low="1.7", high="2.4", unit="mg/dL"))
    new = made(samples.entry("mg", low="0.70", high="1.00"))
    found = diff(old, new)
    assert [(c.limit, c.before, c.after) for c in found] == [
        ("lower limit of normal", "1.7 mg/dL", "0.70 mmol/L"),
        ("upper limit of normal", "2.4 mg/dL", "1.00 mmol/L"),
    ]
    assert found[0].percent == pytest.approx(0.08, abs=0.01)


def test_strictness_alone_is_a_change():
    """The same number on another side of the limit is said as what happens to a result on it."""
    change = diff(
        made(samples.entry("mg")),
        made(samples.entry("mg", normal={"above": {"mmol/L": "0.70"}, "up_to": {"mmol/L": "1.00"}})),
    )
    assert [str(each) for each in change] == [
        "magnesium (everybody): lower limit of normal: a result of 0.70 mmol/L is normal -> it is low"
    ]


def test_bands_that_come_and_go_are_named():
    """A further band shows as a further limit; a new name of a band as a renaming."""
    low = {"band": "deficient", "level": "low", "below": {"nmol/L": "50"}}
    fine = {"band": "sufficient", "level": "normal", "from": {"nmol/L": "50"}}
    new = decision(
        {"band": "deficient", "level": "low", "below": {"nmol/L": "30"}},
        {"band": "inadequate", "level": "borderline_low", "from": {"nmol/L": "30"}, "below": {"nmol/L": "50"}},
        fine,
    )
    changes = {change.kind: str(change) for change in diff(made(decision(low, fine)), made(new))}
    assert (
        changes["added"]
        == "vitamin_d (everybody): limit between deficient and inadequate 30 nmol/L is new, from lab/1#d"
    )
    renamed = diff(made(decision(low, fine)), made(decision(low, {**fine, "band": "enough"})))
    assert [change.kind for change in renamed] == ["renamed"]


def test_profiles_and_dates_can_be_compared():
    """Whatever `ranges=` accepts can be compared, and a source without categories takes its ranges away."""
    assert diff("us", "uk")
    assert diff(reference_set("us"), "us") == ()
    found = diff("endocrine-society/2011", "endocrine-society/2024")
    assert {change.kind for change in found} == {"removed"}


def test_a_profile_is_compared_by_the_range_that_would_judge():
    """Total calcium is judged in the United Kingdom by the range of adjusted calcium, and that is what is compared."""
    adult = {(c.limit, c.before, c.after) for c in diff("us", "uk") if c.analyte == "calcium" and c.before is not None}
    assert ("lower limit of normal", "8.6 mg/dL", "2.20 mmol/L") in adult


def test_grades_are_compared_by_grade():
    """Two gradings are compared grade by grade and direction by direction."""
    assert diff("ctcae/4.03", "ctcae/5.0") == ()
    found = [change for change in diff("daids/2.1", "ctcae/5.0") if change.analyte == "magnesium"]
    assert ("limit of grade 3, low", "0.45 mmol/L", "0.4 mmol/L") in {(c.limit, c.before, c.after) for c in found}
