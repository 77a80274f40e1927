"""What a panel comes to: the contract's clinical behavior, over every combination where there are few enough."""

from __future__ import annotations

import pickle
import timeit

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labinterp.errors import InputError
from labinterp.reasoning import LEVELS, SLOTS, reason
from labinterp.reasoning.tables import tables
from reasoning_panels import CALCIUM_SLOTS, EVERY_LEVEL, FALLING, calcium_panels, panels, pattern

CODES = st.sampled_from([*range(len(EVERY_LEVEL)), *range(17, 17 + len(LEVELS))])
PATTERNS = st.tuples(*[CODES] * len(SLOTS))
SEVERITY = ("high", "moderate", "low")
STATUS = ("present", "possible")
ORDER = tuple(table.code for table in tables().values() if table.code)


def _codes(**levels):
    return [finding.code for finding in reason(pattern(**levels)).findings]


def _finding(code, **levels):
    (found,) = (finding for finding in reason(pattern(**levels)).findings if finding.code == code)
    return found


# --- calcium -------------------------------------------------------------------------------------------------------


def test_calcium_is_decided_by_the_best_result_there_is():
    """Ionized, then adjusted, then computed, then total calcium decides, whatever the others say."""
    for levels in panels(**dict.fromkeys(CALCIUM_SLOTS, ("missing", "low", "normal", "indeterminate"))):
        reasoned = reason(pattern(**levels))
        slot = next((slot for slot in CALCIUM_SLOTS if levels[slot] != "missing"), None)
        assert reasoned.calcium_slot == slot
        low = "possible" if slot == "calcium" else "present"
        expected = {"low": low, "normal": "excluded"}.get(levels.get(slot), "undetermined")
        assert reasoned.states["hypocalcemia"] == expected


def test_total_calcium_alone_makes_hypocalcemia_possible():
    """Without albumin low total calcium is possible hypocalcemia; albumin and ionized calcium are suggested first."""
    finding = _finding("hypocalcemia", calcium="low")
    assert finding.status == "possible"
    assert finding.suggested_tests[:2] == ("albumin", "calcium_ionized")
    assert any("without albumin" in caveat for caveat in finding.caveats)


def test_normal_total_calcium_excludes_with_a_caveat():
    """Unadjusted normal calcium interrupts the vitamin D pathway, and albumin is suggested to confirm it."""
    finding = _finding("vitamin-d-deficiency", vitamin_d="low", calcium="normal")
    assert {pathway.broken_at for pathway in finding.pathways} == {"hypocalcemia"}
    assert finding.suggested_tests == ("albumin",)
    assert any("albumin would confirm" in caveat for caveat in finding.caveats)


def test_adjusted_calcium_names_its_evidence():
    """Calcium adjusted by the panel's albumin rests on both results, and says how it was obtained."""
    finding = _finding("hypocalcemia", calcium="normal", calcium_computed="low", albumin="high")
    assert [(each.analyte, each.level, each.basis) for each in finding.evidence] == [
        ("calcium", "low", "adjusted_by_albumin"),
        ("albumin", "high", "reported"),
    ]


@pytest.mark.parametrize("slot", CALCIUM_SLOTS[:3])
def test_nothing_needless_is_suggested_once_calcium_is_decided(slot):
    """A valid calcium makes total calcium and albumin needless; an inconclusive one asks for ionized calcium if unsent."""
    decided = _finding("vitamin-d-deficiency", vitamin_d="low", **{slot: "normal"})
    assert decided.suggested_tests == ()
    unsettled = _finding("vitamin-d-deficiency", vitamin_d="low", calcium="normal", **{slot: "indeterminate"})
    assert unsettled.suggested_tests == (() if slot == "calcium_ionized" else ("calcium_ionized",))


# --- vitamin D -----------------------------------------------------------------------------------------------------


def test_low_vitamin_d_with_low_calcium_is_supported():
    """Hypocalcemia comes first, names vitamin D deficiency upstream, and both pathways are supported."""
    reasoned = reason(pattern(vitamin_d="low", calcium="low", calcium_computed="low", albumin="normal"))
    hypocalcemia, vitamin_d = reasoned.findings
    assert (hypocalcemia.code, hypocalcemia.status) == ("hypocalcemia", "present")
    assert hypocalcemia.upstream == ("vitamin_d_deficiency",)
    assert (hypocalcemia.pathways[0].kind, hypocalcemia.pathways[0].support) == ("direct", "supported")
    assert vitamin_d.code == "vitamin-d-deficiency"
    assert {(pathway.kind, pathway.support) for pathway in vitamin_d.pathways} == {("indirect", "supported")}


def test_low_vitamin_d_without_calcium_is_possible():
    """With no calcium the pathway is possible, and calcium with albumin is suggested."""
    finding = _finding("vitamin-d-deficiency", vitamin_d="low")
    assert {pathway.support for pathway in finding.pathways} == {"possible"}
    assert finding.suggested_tests == ("calcium", "albumin")


def test_insufficiency_is_not_deficiency():
    """Borderline low is insufficiency, low and very low are deficiency; never both."""
    assert _codes(vitamin_d="borderline_low") == ["vitamin-d-insufficiency"]
    assert _codes(vitamin_d="low") == _codes(vitamin_d="very_low") == ["vitamin-d-deficiency"]


def test_vitamin_d_acts_through_calcium_only():
    """Over every level of magnesium, calcium and vitamin D, its pathways follow calcium and nothing else."""
    support = {"present": "supported", "possible": "possible", "excluded": "interrupted", "undetermined": "possible"}
    for calcium in calcium_panels():
        for levels in panels(magnesium=("missing", "low", "normal"), vitamin_d=EVERY_LEVEL):
            reasoned = reason(pattern(**calcium, **levels))
            for finding in reasoned.findings:
                if finding.code in ("vitamin-d-deficiency", "vitamin-d-insufficiency"):
                    for pathway in finding.pathways:
                        assert pathway.support == support[reasoned.states["hypocalcemia"]]
                        assert "hypocalcemia" in {step.target for step in pathway.steps}
                        assert pathway.kind == "indirect"


# --- magnesium -----------------------------------------------------------------------------------------------------


def test_low_magnesium_has_direct_pathways_and_one_through_calcium():
    """Low magnesium acts directly and through parathyroid hormone and calcium."""
    finding = _finding("hypomagnesemia", magnesium="low")
    kinds = [(pathway.kind, pathway.support) for pathway in finding.pathways]
    assert kinds == [("direct", "supported")] * 4 + [("indirect", "possible")] * 4
    assert any("parathyroid_impairment" in pathway.id for pathway in finding.pathways)
    assert any("reduced_calcium_absorption" in pathway.id for pathway in finding.pathways)
    assert finding.suggested_tests[0] == "calcium"


def test_magnesium_is_named_upstream_before_vitamin_d():
    """With low calcium, low magnesium comes before low vitamin D as a cause, and the caveat says magnesium first."""
    finding = _finding("hypocalcemia", magnesium="low", vitamin_d="low", calcium_ionized="low")
    assert finding.upstream == ("magnesium_deficiency", "vitamin_d_deficiency")
    assert any("Look at magnesium first" in caveat for caveat in finding.caveats)


def test_unmeasured_causes_of_low_calcium_are_suggested():
    """Low calcium alone asks for magnesium, vitamin D and parathyroid hormone."""
    finding = _finding("hypocalcemia", calcium_ionized="low")
    assert finding.suggested_tests[:3] == ("magnesium", "vitamin_d", "parathyroid_hormone")
    assert finding.upstream == ()


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"potassium": "high"}, "potassium EDTA"),
        ({"parathyroid_hormone": "high", "vitamin_d": "low"}, "strengthens vitamin D deficiency"),
        ({"parathyroid_hormone": "normal"}, "hypoparathyroidism"),
        ({"creatinine": "high", "calcium_computed": "low", "calcium": "low"}, "kidney disease"),
        ({"magnesium": "very_high"}, "suppresses parathyroid hormone"),
    ],
)
def test_the_rest_of_the_panel_adds_caveats_to_low_calcium(levels, words):
    """What else the panel shows is said where it matters."""
    calcium = {} if "calcium" in levels else {"calcium_ionized": "low"}
    assert any(words in caveat for caveat in _finding("hypocalcemia", **calcium, **levels).caveats)


# --- vitamin B12 and homocysteine ----------------------------------------------------------------------------------


def test_borderline_vitamin_b12_asks_for_methylmalonic_acid():
    """Borderline vitamin B12 alone is possible deficiency, methylmalonic acid the first test."""
    finding = _finding("vitamin-b12-deficiency", vitamin_b12="borderline_low")
    assert (finding.status, finding.suggested_tests[0]) == ("possible", "methylmalonic_acid")


@pytest.mark.parametrize(
    "marker", [{"methylmalonic_acid": "high"}, {"holotranscobalamin": "low"}, {"homocysteine": "high"}]
)
def test_borderline_vitamin_b12_is_present_on_functional_grounds(marker):
    """A functional marker turns borderline into present, and the term for low vitamin B12 is not claimed."""
    finding = _finding("vitamin-b12-deficiency", vitamin_b12="borderline_low", **marker)
    assert finding.status == "present"
    assert finding.codings == ()


@pytest.mark.parametrize("explanation", [{"creatinine": "high"}, {"folate": "low"}])
def test_raised_homocysteine_with_another_explanation_leaves_it_possible(explanation):
    """Renal impairment or low folate explain raised homocysteine."""
    levels = {"vitamin_b12": "borderline_low", "homocysteine": "high", **explanation}
    assert _finding("vitamin-b12-deficiency", **levels).status == "possible"


def test_normal_vitamin_b12_with_raised_homocysteine():
    """No vitamin B12 finding; raised homocysteine names other causes and shows the B12 pathways as possible."""
    levels = {"vitamin_b12": "normal", "homocysteine": "high"}
    assert _codes(**levels) == ["hyperhomocysteinemia"]
    finding = _finding("hyperhomocysteinemia", **levels)
    assert {pathway.support for pathway in finding.pathways} == {"possible"}
    text = " ".join(finding.caveats)
    assert all(word in text for word in ("folate", "vitamin B6", "renal", "thyroid"))
    assert finding.suggested_tests[0] == "methylmalonic_acid"


def test_normal_methylmalonic_acid_interrupts_the_vitamin_b12_pathways():
    """With normal methylmalonic acid raised homocysteine does not speak for vitamin B12."""
    finding = _finding("hyperhomocysteinemia", vitamin_b12="normal", homocysteine="high", methylmalonic_acid="normal")
    assert {(pathway.support, pathway.broken_at) for pathway in finding.pathways} == {
        ("interrupted", "vitamin_b12_deficiency")
    }


def test_raised_homocysteine_names_what_is_upstream():
    """Vitamin B12, folate and the kidneys are named where the panel shows them."""
    levels = {"homocysteine": "high", "vitamin_b12": "low", "folate": "low", "creatinine": "high"}
    assert _finding("hyperhomocysteinemia", **levels).upstream == (
        "vitamin_b12_deficiency",
        "folate_deficiency",
        "renal_impairment",
    )


def test_homocysteine_is_never_a_step():
    """Over every combination of the B12 results, no pathway has homocysteine as a step."""
    three = ("missing", "normal", "high")
    for levels in panels(vitamin_b12=EVERY_LEVEL, homocysteine=EVERY_LEVEL, methylmalonic_acid=three, folate=three):
        for finding in reason(pattern(**levels)).findings:
            for pathway in finding.pathways:
                assert "homocystein" not in pathway.id


# --- what holds for every panel ------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(PATTERNS)
def test_answers_are_coherent(codes):
    """Findings report held states, in order, and supports, observations and suggestions agree with the panel."""
    reasoned = reason(codes)
    assert tuple(reasoned.states) == tuple(tables())
    held = {table.code for table in tables().values() if table.code and reasoned.states[table.id] in STATUS}
    assert {finding.code for finding in reasoned.findings} == held
    order = [(SEVERITY.index(f.severity), STATUS.index(f.status), ORDER.index(f.code)) for f in reasoned.findings]
    assert order == sorted(order)
    for finding in reasoned.findings:
        assert finding.status == reasoned.states[finding.state]
        assert finding.evidence
        assert all(each.level != "missing" or each.analyte == "albumin" for each in finding.evidence)
        assert set(finding.suggested_tests) <= set(SLOTS) - {"calcium_computed"}
        for test in finding.suggested_tests:
            assert codes[SLOTS.index(test)] == 0
        assert all(reasoned.states[state] in STATUS for state in finding.upstream)
        for pathway in finding.pathways:
            _check_pathway(pathway, reasoned.states)


def _check_pathway(pathway, states):
    on_path = [node for node in pathway.id.split(">") if node in states]
    statuses = [states[node] for node in on_path]
    assert pathway.id.split(">") == [pathway.steps[0].source, *(step.target for step in pathway.steps)]
    if "excluded" in statuses:
        assert (pathway.support, pathway.broken_at) == ("interrupted", on_path[statuses.index("excluded")])
    else:
        supported = set(statuses) == {"present"}
        assert (pathway.support, pathway.broken_at) == ("supported" if supported else "possible", None)
    assert pathway.kind == ("indirect" if len(on_path) > 1 else "direct")
    for step in pathway.steps:
        observed = {"present": "confirmed", "excluded": "contradicted"}
        fallback = "unmeasured" if step.target == "fasciculation" else "unobservable"
        status = states.get(step.target)
        assert step.observation == (fallback if status is None else observed.get(status, "unmeasured"))
        assert step.citations


@settings(max_examples=100)
@given(PATTERNS)
def test_implausible_results_support_nothing_firmly(codes):
    """Where every result is implausible nothing is present or excluded: at most possible."""
    soft = tuple(code if code == 0 or code > 16 else code + 16 for code in codes)
    assert set(reason(soft).states.values()) <= {"possible", "undetermined"}


@settings(max_examples=100)
@given(PATTERNS)
def test_doubt_never_strengthens(codes):
    """Making results implausible never turns a state into one that is surer than before."""
    allowed = {
        "present": "possible",
        "possible": "possible",
        "excluded": "undetermined",
        "undetermined": "undetermined",
    }
    sure = reason(tuple(code % 16 for code in codes)).states
    doubted = reason(codes).states
    assert all(doubted[state] in (sure[state], allowed[sure[state]]) for state in sure)


DEFICIENCIES = {
    "magnesium": {"hypomagnesemia"},
    "vitamin_d": {"vitamin-d-deficiency", "vitamin-d-insufficiency"},
    "vitamin_b12": {"vitamin-b12-deficiency"},
    "calcium_ionized": {"hypocalcemia"},
    "calcium": {"hypocalcemia"},
}


@pytest.mark.parametrize("slot", DEFICIENCIES)
def test_a_lower_level_never_removes_a_deficiency(slot):
    """Going down in one result, all else equal, a deficiency that was found stays found, and grows no milder."""
    others = [{}, {"homocysteine": "high"}, {"methylmalonic_acid": "high"}, {"creatinine": "high", "folate": "low"}]
    for rest in others:
        found_before, severity_before = False, len(SEVERITY)
        for level in FALLING:
            findings = reason(pattern(**{slot: level}, **rest)).findings
            mine = [finding for finding in findings if finding.code in DEFICIENCIES[slot]]
            assert not found_before or mine
            if mine:
                severity = SEVERITY.index(mine[0].severity)
                assert severity <= severity_before
                found_before, severity_before = True, severity


@settings(max_examples=60)
@given(PATTERNS)
def test_answers_pickle_and_do_not_depend_on_memory(codes):
    """A remembered answer equals one worked out anew, and one that went through pickle."""
    assert reason(codes) == reason.__wrapped__(codes) == pickle.loads(pickle.dumps(reason(codes)))  # noqa: S301


def test_answers_cannot_be_changed():
    """An answer is shared by everyone with the same panel, so nothing in it can be changed."""
    reasoned = reason(pattern(magnesium="low"))
    with pytest.raises(TypeError):
        reasoned.states["hypocalcemia"] = "present"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        reasoned.findings[0].status = "possible"
    assert hash(reasoned) == hash(reason.__wrapped__(pattern(magnesium="low")))


@pytest.mark.parametrize(
    "codes", [(), (0,) * 15, (10,) + (0,) * 15, (-1,) + (0,) * 15, (64,) + (0,) * 15, (0,) * 18, (0,) * 18 + (9,)]
)
def test_what_is_no_pattern_is_refused(codes):
    """A tuple of the wrong length or with an unknown code is an error, not an answer."""
    with pytest.raises(InputError):
        reason(codes)


def test_explanations_hold_no_numbers_of_the_patient():
    """Explanations are made of levels, so every digit in them comes from the knowledge."""
    for levels in panels(magnesium=LEVELS, vitamin_d=LEVELS, vitamin_b12=LEVELS):
        for finding in reason(pattern(**levels)).findings:
            assert finding.explanation.endswith(".")
            assert "{" not in finding.explanation
            assert "  " not in finding.explanation
            assert all("{" not in pathway.explanation for pathway in finding.pathways)


def test_reasoning_is_fast():
    """A new pattern takes milliseconds at most, a remembered one about a microsecond."""
    codes = pattern(magnesium="low", calcium_ionized="low", vitamin_d="low", vitamin_b12="low", homocysteine="high")
    reason(codes)
    assert min(timeit.repeat(lambda: reason.__wrapped__(codes), number=20, repeat=5)) / 20 < 0.02
    assert min(timeit.repeat(lambda: reason(codes), number=2000, repeat=5)) / 2000 < 2e-5
