"""Which ranges hold for whom: the most specific one, every possibility that is open, and why none does."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ranges_samples as samples
from labinterp.ranges import ReferenceSet, Who, grades_for, grading, reference_set, shipped
from labinterp.ranges.cells import KINDS, Cell, age_words, cells, joined
from labinterp.ranges.coverage import coverage, covered, matrix
from labinterp.ranges.exchange.toml import read, to_toml
from labinterp.ranges.load import parse_edition
from labinterp.ranges.reader import TableReader


def made(*entries, edition_id="lab/1", **more):
    return read(to_toml(samples.edition(edition_id, *entries, **more)))


def names(selection):
    return [entry.id for entry in selection.entries]


ADULT = made(samples.entry("adult", partition={"age": ">= 18 a"}))
CHILD = made(samples.entry("child", partition={"age": "< 18 a"}), edition_id="lab/2")
SEXES = made(
    samples.entry("women", partition={"age": ">= 18 a", "sex": "female"}),
    samples.entry("men", partition={"age": ">= 18 a", "sex": "male"}),
    samples.entry("child", partition={"age": "< 18 a"}),
    edition_id="lab/3",
)
PREGNANCY = made(
    samples.entry("general"),
    samples.entry("women", partition={"sex": "female"}),
    samples.entry("first", partition={"pregnancy": "trimester_1"}),
    samples.entry("third", partition={"pregnancy": "trimester_3", "sex": "female"}),
    edition_id="lab/4",
)
NOT_PREGNANT = made(samples.entry("not-pregnant", partition={"pregnancy": "none"}), edition_id="lab/5")


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Who((40, 41), "male"), ["men"]),
        (Who((40, 41)), ["women", "men"]),
        (Who((17, 18)), ["child"]),
        (Who((18, 19), "female"), ["women"]),
        (Who((18, 18), "female"), ["women"]),
        (Who((Fraction("17.999"), Fraction("17.999")), "female"), ["child"]),
        (Who((17, 19), "female"), ["women", "child"]),
        (Who(), ["women", "men", "child"]),
        (Who(None, "male"), ["men", "child"]),
        (Who(assume_adult=True), ["women", "men"]),
        (Who((5, 6), assume_adult=True), ["child"]),
    ],
)
def test_every_possibility_is_returned(who, expected):
    """What is unknown of age and sex leaves every entry that could apply; what is known leaves one."""
    selection = ReferenceSet("x", (SEXES,)).select("magnesium", who)
    assert (names(selection), selection.covered, selection.edition_id, selection.reason) == (
        expected,
        True,
        "lab/3",
        None,
    )


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Who(None, "male"), ["general"]),
        (Who(None, "female", "none"), ["women"]),
        (Who(None, "female", "trimester_1"), ["first"]),
        (Who(None, None, "trimester_1"), ["first"]),
        (Who(None, "female", "trimester_2"), ["women"]),
        (Who(None, "female", "trimester_3"), ["third"]),
        (Who(None, "female", "pregnant"), ["women", "first", "third"]),
        (Who(None, None, "none"), ["general", "women"]),
        (Who(None, "female"), ["women", "first", "third"]),
        (Who(), ["general", "women", "first", "third"]),
    ],
)
def test_the_most_specific_partition_wins(who, expected):
    """An entry that says more of sex and pregnancy holds instead of one that says less."""
    assert names(ReferenceSet("x", (PREGNANCY,)).select("magnesium", who)) == expected


def test_unknown_pregnancy_is_content_with_ranges_for_the_not_pregnant():
    """Ranges for patients who are not pregnant answer where pregnancy is unknown, but not where it is known."""
    reference = ReferenceSet("x", (NOT_PREGNANT,))
    assert names(reference.select("magnesium", Who((40, 41), "female"))) == ["not-pregnant"]
    refused = reference.select("magnesium", Who((40, 41), "female", "trimester_1"))
    assert (refused.covered, refused.reason, refused.entries) == (False, "no_entry", ())


def test_pregnancy_ranges_alone_do_not_answer_for_unknown_pregnancy():
    """An edition for pregnant patients alone leaves a patient of unknown pregnancy to the next edition."""
    pregnant = made(samples.entry("first", partition={"pregnancy": "trimester_1"}), edition_id="lab/6")
    reference = ReferenceSet("x", (pregnant, NOT_PREGNANT))
    assert names(reference.select("magnesium", Who((30, 31), "female"))) == ["not-pregnant"]
    assert names(reference.select("magnesium", Who((30, 31), "female", "trimester_1"))) == ["first"]


def test_unknown_age_is_refused_where_only_some_ages_are_covered():
    """Ranges for adults alone do not answer for an unknown age, unless the caller assumes an adult."""
    reference = ReferenceSet("x", (ADULT,))
    refused = reference.select("magnesium", Who())
    assert (refused.reason, refused.edition_id, refused.covered) == ("age_unknown", None, False)
    assert "lab/1" in refused.detail
    assert names(reference.select("magnesium", Who(assume_adult=True))) == ["adult"]


def test_unknown_sex_is_refused_where_one_sex_is_covered():
    """Ranges for women alone do not answer for an unknown sex, also where an adult is assumed."""
    women = made(samples.entry("women", partition={"age": ">= 18 a", "sex": "female"}))
    reference = ReferenceSet("x", (women,))
    assert reference.select("magnesium", Who((40, 41))).reason == "no_entry"
    assert reference.select("magnesium", Who(assume_adult=True)).covered is False
    assert reference.select("magnesium", Who(None, "female")).reason == "age_unknown"


def test_a_gap_between_ages_does_not_stop_an_assumed_adult():
    """Where an adult is assumed, ages without any range are passed over."""
    gap = made(samples.entry("young", partition={"age": "< 20 a"}), samples.entry("old", partition={"age": ">= 60 a"}))
    assert names(ReferenceSet("x", (gap,)).select("magnesium", Who(assume_adult=True))) == ["young", "old"]
    assert ReferenceSet("x", (gap,)).select("magnesium", Who((19, 21))).covered is False


def test_the_first_edition_that_covers_answers():
    """Editions are asked in order; the first one that covers every possibility answers alone."""
    reference = ReferenceSet("x", (ADULT, CHILD, SEXES))
    assert reference.select("magnesium", Who((40, 41))).edition_id == "lab/1"
    assert reference.select("magnesium", Who((5, 6))).edition_id == "lab/2"
    assert reference.select("magnesium", Who()).edition_id == "lab/3"


def test_no_categories_is_a_reason_of_its_own():
    """A source that deliberately has no limits says so, and what stands behind it may still answer."""
    none = {"analyte": "vitamin_d", "reason": "endorses no thresholds", "source": {"id": "book", "locator": "1"}}
    edition = made(edition_id="lab/7", no_categories=[none])
    refused = ReferenceSet("x", (edition,)).select("vitamin_d", Who())
    assert (refused.reason, refused.detail) == ("no_categories", "lab/7: endorses no thresholds")
    other = made(samples.entry("d", "vitamin_d", "50", "125", "nmol/L"), edition_id="lab/8")
    assert ReferenceSet("x", (edition, other)).select("vitamin_d", Who()).covered


def test_empty_set_and_unknown_analyte_have_no_entry():
    """Without editions, and for an analyte that none has, the reason is `no_entry`."""
    assert reference_set([]).select("magnesium", Who()).reason == "no_entry"
    assert ReferenceSet("x", (ADULT,)).select("potassium", Who()).reason == "no_entry"


def test_critical_limits_come_from_every_edition_and_decide_nothing():
    """Critical limits of every place that may apply are collected, and never answer what is normal."""
    bands = [{"band": "low", "level": "very_low", "below": {"mmol/L": "0.4"}}]
    critical = {"kind": "critical_limit", "bands": bands}

    def entry(name, place, **more):
        found = samples.entry(name, **critical, place=place, **more)
        found.pop("normal")
        return found

    one = made(entry("here", "Here"), entry("there", "There", partition={"age": "< 1 a"}), edition_id="lab/8")
    two = made(entry("else", "Elsewhere"), edition_id="lab/9")
    reference = ReferenceSet("x", (one, two))
    assert [each.id for each in reference.critical("magnesium", Who((40, 41)))] == ["here", "else"]
    assert [each.id for each in reference.critical("magnesium", Who())] == ["here", "there", "else"]
    assert reference.select("magnesium", Who((40, 41))).reason == "no_entry"
    assert reference.age_breaks() == (1,)


def test_gradings_are_chosen_by_age():
    """DAIDS grades calcium by its own limits under and over seven days."""
    daids = grading("daids/2.1")
    baby, adult = (grades_for(daids, "calcium_adjusted", Who((age, age))) for age in (Fraction(1, 365), 40))
    assert len(baby) == len(adult) == 2
    assert set(baby).isdisjoint(adult)
    assert len(grades_for(daids, "calcium_adjusted", Who())) == 4


_PARTITIONS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "age": st.sampled_from([">= 18 a", "< 18 a", ">= 60 a", ">= 1 a, < 18 a"]),
            "sex": st.sampled_from(["female", "male"]),
            "pregnancy": st.sampled_from(["none", "trimester_1", "trimester_2"]),
        },
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100)
@given(_PARTITIONS)
def test_selection_agrees_with_its_cells(partitions):
    """Where an edition loads, a known patient gets one entry, an unknown one those of all the possibilities."""
    reader = TableReader("x", own=True)
    raw = samples.edition(
        "a/b", *(samples.entry(f"e{number}", partition=each) for number, each in enumerate(partitions))
    )
    edition = parse_edition(to_toml(raw).encode(), reader, bool)
    assert all("overlaps" in fault or "nobody" in fault for fault in reader.faults)
    if edition is None:
        return
    reference = ReferenceSet("x", (edition,))
    every = [reference.select("magnesium", cell.who) for cell in cells(reference.age_breaks())]
    assert all(len(each.entries) == each.covered for each in every)
    unknown = reference.select("magnesium", Who())
    if unknown.covered:
        assert set(unknown.entries) == {entry for each in every for entry in each.entries}


@settings(max_examples=100)
@given(st.sets(st.integers(0, 4 * len(KINDS) - 1)))
def test_joined_groups_hold_exactly_their_cells(numbers):
    """Cells joined into groups are the same patients, none lost and none added."""
    every = list(cells([Fraction(1), Fraction(18), Fraction(60)]))
    chosen = {every[number] for number in numbers}
    groups = joined([cell for cell in every if cell in chosen])

    def holds(group, cell):
        pregnancies = {None: None, "pregnant": {"trimester_1", "trimester_2", "trimester_3"}}.get(
            group.pregnancy, {group.pregnancy}
        )
        return (
            group.age_low <= cell.age_low
            and (group.age_high is None or (cell.age_high is not None and cell.age_high <= group.age_high))
            and group.sex in (None, cell.sex)
            and (pregnancies is None or cell.pregnancy in pregnancies)
        )

    for cell in every:
        assert sum(holds(group, cell) for group in groups) == (cell in chosen)


def test_ages_are_said_in_words():
    """Spans of ages read as a person would say them."""
    assert age_words(Fraction(0), None) == ""
    assert age_words(Fraction(18), None) == "18 years and over"
    assert age_words(Fraction(28, 1461), Fraction(1, 2)) == "1 week to under 6 months"
    assert age_words(Fraction(1, 3), Fraction(22, 7)) == "4 months to under 3.14286 years"


def test_coverage_lists_whom_a_set_leaves_out():
    """Every age, sex and pregnancy without a range is a row, in words."""
    rows = coverage(ReferenceSet("x", (SEXES, NOT_PREGNANT)), ["magnesium", "vitamin_d"])
    assert [(row.analyte, str(row.who), row.reason) for row in rows] == [("vitamin_d", "everybody", "no_entry")]
    rows = coverage(
        ReferenceSet("x", (made(samples.entry("w", partition={"age": ">= 18 a", "pregnancy": "none"})),)), ["magnesium"]
    )
    assert [str(row.who) for row in rows] == ["under 18 years", "18 years and over, pregnant"]


def test_coverage_and_covered_complete_each_other():
    """For every profile and analyte each cell is either covered or listed as uncovered."""
    for name in shipped().profiles():
        reference = reference_set(name)
        for analyte in ("magnesium", "calcium", "vitamin_b12"):
            missing = [row.who for row in coverage(reference, [analyte])]
            total = len(joined(cells(reference.age_breaks(analyte))))
            assert bool(missing) or len(covered(reference, analyte)) == total
            for cell in cells(reference.age_breaks(analyte)):
                assert isinstance(cell, Cell)


def test_total_and_adjusted_calcium_stand_in_for_each_other():
    """Where a set has a range of one of the two alone, the other is covered by it, by age as the one that answers."""
    total = ReferenceSet("x", (made(samples.entry("ca", "calcium", "2.1", "2.6", partition={"age": ">= 18 a"})),))
    found = total.select_or_related("calcium_adjusted", Who((40, 41)))
    assert (names(found), found.related) == (["ca"], "calcium")
    assert total.select_or_related("calcium", Who((40, 41))).related is None
    assert total.select_or_related("magnesium", Who((40, 41))).covered is False
    assert [str(row.who) for row in coverage(total, ["calcium_adjusted"])] == ["under 18 years"]
    assert [str(group) for group in covered(total, "calcium_adjusted")] == ["18 years and over"]


def test_matrix_has_a_row_per_analyte_and_a_column_per_set():
    """The coverage matrix is a table with a head, ready for the documentation."""
    table = matrix([reference_set(name) for name in shipped().profiles()])
    assert {len(row) for row in table} == {1 + len(shipped().profiles())}
    assert table[0][0] == "analyte"
    assert all(all(cell for cell in row) for row in itertools.chain(table))
