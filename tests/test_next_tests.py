"""What to measure next, and what was sent and could not be judged."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.frames.api import answer_of
from labinterp.options import Options
from labinterp.reasoning import SLOTS, UNJUDGED_CODE, reason
from reasoning_panels import EVERY_LEVEL, pattern

ADULT = li.Patient(age=50, sex="female")
NORMAL = {
    "magnesium": (2.0, "mg/dL"),
    "calcium": (9.4, "mg/dL"),
    "vitamin_d": (35, "ng/mL"),
    "vitamin_b12": (520, "pg/mL"),
    "homocysteine": (8, "umol/L"),
}
CODES = st.sampled_from([*range(len(EVERY_LEVEL)), *range(17, 25)])


def _report(*tests, **more):
    rows = [li.LabResult(test, *NORMAL[test]) for test in tests]
    return li.interpret([*rows, *(li.LabResult(test, *sent) for test, sent in more.items())], ADULT)


def test_a_normal_calcium_alone_asks_for_the_rest():
    """With nothing but a normal calcium, magnesium, vitamin D, B12 and homocysteine are next, and it is said why."""
    report = _report("calcium")
    assert report.next_tests == ("magnesium", "vitamin_d", "vitamin_b12", "homocysteine")
    (note,) = (note for note in report.notes if note.startswith("Measure next"))
    for word in ("magnesium", "25-hydroxyvitamin D", "vitamin B12 ", "homocysteine", "through calcium only", "myelin"):
        assert word in note.replace("Vitamin", "vitamin")


def test_all_of_the_tests_normal_leave_nothing_open():
    """With every one of the tests normal nothing is next."""
    report = _report(*NORMAL)
    assert (report.next_tests, report.unjudged, report.findings) == ((), (), ())
    assert not any("Measure next" in note for note in report.notes)


@pytest.mark.parametrize("left", NORMAL)
def test_what_is_left_out_is_next(left):
    """Of the tests, the one that was not sent is asked for."""
    assert left in _report(*(test for test in NORMAL if test != left)).next_tests


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ((2.0, None), "no unit"),
        (("hemolyzed", "mg/dL"), "not a number"),
        (("", "mg/dL"), "no value"),
        (("<2.0", "mg/dL"), "on which side"),
        ((2.0, "furlongs"), "spelling of the unit"),
        ((900, "mg/dL"), "beyond"),
    ],
)
def test_what_was_sent_and_not_judged_is_named_with_its_reason(sent, words):
    """A result that cannot be judged is never asked for again; it is named, and the reason said in words."""
    report = _report("calcium", magnesium=sent)
    assert report.unjudged == ("magnesium",)
    assert "magnesium" not in report.next_tests
    assert report.states["magnesium_deficiency"] == "undetermined"
    (note,) = (note for note in report.notes if "could not be judged" in note)
    assert note.startswith("Serum magnesium")
    assert words in note


def test_a_finding_says_what_was_sent_instead_of_asking_for_it():
    """A test that would be suggested but was sent without a unit is named in a caveat, and not suggested."""
    report = li.interpret(
        [li.LabResult("vitamin_b12", 300, "pg/mL", reference_low=320), li.LabResult("creatinine", 1.0)],
        ADULT,
        ranges="uk",
    )
    for finding in report.findings:
        assert "creatinine" not in finding.suggested_tests
    low = reason(pattern(magnesium="low", calcium="unjudged", albumin="unjudged")).findings[0]
    assert not {"calcium", "albumin"} & set(low.suggested_tests)
    assert any("Total calcium and albumin were sent and could not be judged" in caveat for caveat in low.caveats)


def test_albumin_without_a_range_is_used_and_not_called_missing():
    """Albumin that adjusted calcium is neither missing nor without use, though no edition ranges it."""
    low = reason(pattern(calcium="low", calcium_computed="low", albumin="unjudged"))
    assert [(each.analyte, each.level) for each in low.findings[0].evidence] == [
        ("calcium", "low"),
        ("albumin", "unjudged"),
    ]
    assert low.unjudged == ()


@settings(max_examples=300)
@given(st.tuples(*[CODES] * len(SLOTS)))
def test_what_was_sent_is_never_next(codes):
    """Over all patterns: what is next was not sent, what was not judged was sent, and neither is the computed calcium."""
    reasoned = reason(codes)
    for test in (*reasoned.next_tests, *(test for finding in reasoned.findings for test in finding.suggested_tests)):
        assert codes[SLOTS.index(test)] == 0
    assert all(codes[SLOTS.index(test)] % 16 in (8, UNJUDGED_CODE) for test in reasoned.unjudged)
    assert "calcium_computed" not in {*reasoned.next_tests, *reasoned.unjudged}


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*NORMAL, "albumin", "creatinine"]),
            st.sampled_from(["1.0", "9.4", "35", "", "QNS", "<50", "4.1", "520"]),
            st.sampled_from(["mg/dL", "g/dL", "pg/mL", "ng/mL", "umol/L", "", "furlongs"]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([None, 9, 50]),
    st.sampled_from([None, "none", "trimester_3"]),
)
def test_frames_find_the_same(rows, age, pregnancy):
    """A panel of a frame has the next tests and the unjudged results of the same panel alone."""
    alone = li.interpret([li.LabResult(*row) for row in rows], li.Patient(age=age, sex="female", pregnancy=pregnancy))
    table = pd.DataFrame(rows, columns=["test", "value", "unit"]).assign(
        patient_id="a", age=None if age is None else str(age), sex="female", pregnancy=pregnancy
    )
    answer, _ = answer_of(table, Options.checked())
    (found,) = answer.reasoned
    assert (found.next_tests, found.unjudged) == (alone.next_tests, alone.unjudged)
    assert dict(found.states) == dict(alone.states)
