"""The public contract, section 7: clinical behaviour."""

from __future__ import annotations

import json

import pint
import pytest

import labinterp as li
from contract_helpers import ADULT, both, codes, finding, row, supports


@pytest.mark.parametrize(
    ("rows", "status", "evidence"),
    [
        ([("calcium_ionized", 1.0, "mmol/L"), ("calcium_adjusted", 2.3, "mmol/L"), ("calcium", 2.3, "mmol/L"), ("albumin", 40, "g/L")], "present", "calcium_ionized"),
        ([("calcium_ionized", 1.2, "mmol/L"), ("calcium_adjusted", 1.9, "mmol/L"), ("calcium", 1.9, "mmol/L"), ("albumin", 40, "g/L")], "excluded", None),
        ([("calcium_adjusted", 1.9, "mmol/L"), ("calcium", 2.3, "mmol/L"), ("albumin", 40, "g/L")], "present", "calcium_adjusted"),
        ([("calcium_adjusted", 2.3, "mmol/L"), ("calcium", 1.9, "mmol/L"), ("albumin", 40, "g/L")], "excluded", None),
        ([("calcium", 2.0, "mmol/L"), ("albumin", 28, "g/L")], "excluded", None),
        ([("calcium", 2.0, "mmol/L"), ("albumin", 40, "g/L")], "present", "calcium"),
        ([("calcium", 2.2, "mmol/L"), ("albumin", 50, "g/L")], "present", "calcium"),
        ([("calcium", 2.0, "mmol/L")], "possible", "calcium"),
        ([("calcium", 2.3, "mmol/L")], "excluded", None),
        ([("calcium", 2.0, "mmol/L"), ("albumin", 18, "g/L")], "possible", "calcium"),
        ([("calcium", 2.3, "mmol/L"), ("albumin", 18, "g/L")], "excluded", None),
        ([("calcium", 2.0, "mmol/L"), ("albumin", "<20", "g/L")], "possible", "calcium"),
        ([("calcium", 2.0, "mmol/L"), ("albumin", "QNS", "g/L")], "possible", "calcium"),
        ([("calcium_ionized", "QNS", "mmol/L"), ("calcium", 2.0, "mmol/L")], "possible", "calcium"),
    ],
)  # fmt: skip
def test_calcium_is_resolved_in_the_order_of_the_contract(rows, status, evidence):
    """Ionized decides, else adjusted, else total with albumin, else unadjusted total, which is possible at most."""
    report = both(rows)
    assert report.states["hypocalcemia"] == status
    if evidence:
        assert finding(report, "hypocalcemia").evidence[0].analyte == evidence


@pytest.mark.parametrize("albumin", [None, ("albumin", 18, "g/L"), ("albumin", 24.9, "g/L"), ("albumin", 58, "g/L")])
def test_unadjusted_total_calcium_is_noted(albumin):
    """Without an albumin inside the formula's span total calcium is judged unadjusted and says so."""
    rows = [("calcium", 2.0, "mmol/L"), *([albumin] if albumin else [])]
    report = both(rows)
    assert "uncorrected_calcium" in report.interpretations[0].notes
    assert codes(report)["hypocalcemia"] == "possible"


@pytest.mark.parametrize("ranges", ["us", "uk", "nordic", "anz"])
@pytest.mark.parametrize(("albumin", "adjusted"), [(24.9, False), (25, True), (45, True), (55.1, False), (60, False)])
def test_the_formula_has_a_valid_span_also_where_albumin_has_no_range(ranges, albumin, adjusted):
    """Outside the formula's span calcium stays unadjusted, whether or not the profile has a range for albumin."""
    report = both([("calcium", 2.75, "mmol/L"), ("albumin", albumin, "g/L")], ranges=ranges)
    assert ("uncorrected_calcium" not in report.interpretations[0].notes) == adjusted
    assert adjusted or report.states["hypercalcemia"] == "possible"


def test_a_quantity_and_another_unit_beside_it_are_a_conflict():
    """A Quantity with another unit beside it says its unit in two ways, and is not read in either."""
    quantity = pint.UnitRegistry().Quantity
    for value, unit, problem in [
        (quantity(0.8, "mmol/L"), "mg/dL", "unknown_unit"),
        (quantity(1.8, "mg/dL"), "mg/dL", None),
        (quantity(1.8, "meter"), None, "unknown_unit"),
    ]:
        report = li.interpret([li.LabResult("magnesium", value, unit)], ADULT)
        again = li.Report.from_json(report.to_json()).interpretations[0].result
        for result in (report.interpretations[0].result, again):
            assert li.interpret([result], ADULT).interpretations[0].problem == problem


def test_the_note_is_absent_where_albumin_corrects():
    """With a valid albumin total calcium carries no such note."""
    assert (
        "uncorrected_calcium" not in both([("calcium", 2.0, "mmol/L"), ("albumin", 40, "g/L")]).interpretations[0].notes
    )


def test_unadjusted_normal_calcium_excludes_with_the_caveat_that_albumin_would_confirm():
    """Normal total calcium alone excludes hypocalcemia; a finding that rests on that says that albumin would confirm."""
    report = both([("calcium", 2.3, "mmol/L"), ("vitamin_d", 20, "nmol/L")])
    assert report.states["hypocalcemia"] == "excluded"
    low_d = finding(report, "vitamin-d-deficiency")
    assert any("albumin would confirm" in caveat for caveat in low_d.caveats)
    assert "albumin" in low_d.suggested_tests


@pytest.mark.parametrize(
    ("unit", "calcium", "albumin", "grams", "low", "high", "state"),
    [
        ("mmol/L", 2.05, 30, "g/L", 2.24, 2.6, "present"), ("mmol/L", 2.05, 30, "g/L", 2.25, 2.6, "excluded"),
        ("mg/dL", 7.9, 4.1, "g/dL", 7.83, 10.2, "present"), ("mg/dL", 7.9, 4.1, "g/dL", 7.82, 10.2, "excluded"),
    ],
)  # fmt: skip
def test_an_adjusted_value_is_judged_by_the_range_that_its_total_calcium_came_with(
    unit, calcium, albumin, grams, low, high, state
):
    """Total calcium adjusted at 0.02 and 40 g/L, or 0.8 and 4.0 g/dL, is compared with the total's own range."""
    low = low + 0.02 if unit == "mmol/L" and state == "present" else low
    report = both(
        [row("calcium", calcium, unit, reference_low=low, reference_high=high), ("albumin", albumin, grams)], ranges=[]
    )
    assert report.states["hypocalcemia"] == state


def test_the_reference_albumin_is_settable_on_every_face():
    """Another reference albumin moves the adjusted value: 2.10 with albumin 40 is 2.20 at 45."""
    rows = [row("calcium", 2.10, "mmol/L", reference_low=2.15, reference_high=2.55), ("albumin", 40, "g/L")]
    assert both(rows, ranges=[]).states["hypocalcemia"] == "present"
    assert both(rows, ranges=[], reference_albumin=45).states["hypocalcemia"] == "excluded"
    assert li.adjusted_calcium(2.10, "mmol/L", 40, "g/L", reference_albumin=45) == pytest.approx(2.20)
    assert li.adjusted_calcium(2.10, "mmol/L", 30, "g/L", slope=0.025) == pytest.approx(2.35)
    assert li.adjusted_calcium(8.0, "mg/dL", 3.0, "g/dL") == pytest.approx(8.8)


def test_low_vitamin_d_with_low_calcium_is_supported_and_upstream():
    """Low 25(OH)D with low calcium: its pathway is supported, and hypocalcemia names it upstream."""
    report = both([("vitamin_d", 20, "nmol/L"), ("calcium_ionized", 1.0, "mmol/L")])
    assert supports(finding(report, "vitamin-d-deficiency")) == {"supported"}
    assert finding(report, "hypocalcemia").upstream == ("vitamin_d_deficiency",)


@pytest.mark.parametrize(
    "calcium",
    [
        [("calcium_ionized", 1.2, "mmol/L")],
        [("calcium_adjusted", 2.3, "mmol/L")],
        [("calcium", 2.3, "mmol/L"), ("albumin", 40, "g/L")],
    ],
)
@pytest.mark.parametrize(("value", "code"), [(20, "vitamin-d-deficiency"), (40, "vitamin-d-insufficiency")])
def test_low_vitamin_d_with_normal_calcium_is_interrupted_at_hypocalcemia(calcium, value, code):
    """A valid normal calcium interrupts the chain of vitamin D at hypocalcemia."""
    item = finding(both([("vitamin_d", value, "nmol/L"), *calcium]), code)
    assert supports(item) == {"interrupted"}
    assert {pathway.broken_at for pathway in item.pathways} == {"hypocalcemia"}
    step = next(step for step in item.pathways[0].steps if step.target == "hypocalcemia")
    assert step.observation == "contradicted"


@pytest.mark.parametrize(("value", "code"), [(20, "vitamin-d-deficiency"), (40, "vitamin-d-insufficiency")])
def test_low_vitamin_d_without_calcium_is_possible_and_asks_for_calcium_with_albumin(value, code):
    """Without calcium the chain of vitamin D is possible, and calcium with albumin comes first."""
    item = finding(both([("vitamin_d", value, "nmol/L")]), code)
    assert supports(item) == {"possible"}
    assert item.suggested_tests[:2] == ("calcium", "albumin")
    step = next(step for step in item.pathways[0].steps if step.target == "hypocalcemia")
    assert step.observation == "unmeasured"


def test_low_vitamin_d_with_unadjusted_low_calcium_is_possible():
    """Where hypocalcemia is only possible, so is the chain through it."""
    report = both([("vitamin_d", 20, "nmol/L"), ("calcium", 2.0, "mmol/L")])
    assert supports(finding(report, "vitamin-d-deficiency")) == {"possible"}


@pytest.mark.parametrize(
    "rows",
    [
        [("vitamin_d", v, "nmol/L"), *more]
        for v in (10, 20, 40)
        for more in (
            [],
            [("calcium_ionized", 1.0, "mmol/L")],
            [("calcium", 2.3, "mmol/L")],
            [("magnesium", 0.4, "mmol/L")],
        )
    ],
)
def test_vitamin_d_acts_through_calcium_only(rows):
    """Every pathway of vitamin D is indirect and has hypocalcemia on it."""
    for item in both(rows).findings:
        if item.code.startswith("vitamin-d-"):
            assert item.pathways
            for pathway in item.pathways:
                assert pathway.kind == "indirect"
                assert "hypocalcemia" in [step.target for step in pathway.steps]


def test_low_magnesium_has_direct_pathways_and_one_through_parathyroid_hormone():
    """Low magnesium alone: its direct pathways are supported, the one through hypocalcemia is open."""
    item = finding(both([("magnesium", 0.4, "mmol/L")]), "hypomagnesemia")
    direct = [p for p in item.pathways if p.kind == "direct"]
    indirect = [p for p in item.pathways if p.kind == "indirect"]
    assert len(direct) >= 2
    assert {p.support for p in direct} == {"supported"}
    assert {p.support for p in indirect} == {"possible"}
    assert all("hypocalcemia" in [step.target for step in p.steps] for p in indirect)
    targets = [step.target for step in indirect[0].steps]
    assert any("parathyroid" in target for target in targets[: targets.index("hypocalcemia")])
    assert item.suggested_tests[:2] == ("calcium", "albumin")


@pytest.mark.parametrize(("calcium", "support"), [(1.0, "supported"), (1.2, "interrupted")])
def test_the_indirect_pathway_of_magnesium_follows_calcium(calcium, support):
    """Low magnesium's chain through hypocalcemia is supported by low and interrupted by normal calcium."""
    item = finding(both([("magnesium", 0.4, "mmol/L"), ("calcium_ionized", calcium, "mmol/L")]), "hypomagnesemia")
    assert {p.kind: p.support for p in item.pathways} == {"direct": "supported", "indirect": support}


@pytest.mark.parametrize(("vitamin_d", "state"), [(20, "vitamin_d_deficiency"), (40, "vitamin_d_insufficiency")])
def test_magnesium_is_named_upstream_before_vitamin_d(vitamin_d, state):
    """With low calcium, low magnesium is upstream before vitamin D, in whatever order they were sent."""
    rows = [("vitamin_d", vitamin_d, "nmol/L"), ("calcium_ionized", 1.0, "mmol/L"), ("magnesium", 0.4, "mmol/L")]
    for order in (rows, rows[::-1]):
        assert finding(both(order), "hypocalcemia").upstream == ("magnesium_deficiency", state)


def test_upstream_holds_states_that_are_present_or_possible_alone():
    """A cause that was measured and is normal is not upstream."""
    report = both([("calcium_ionized", 1.0, "mmol/L"), ("magnesium", 0.8, "mmol/L"), ("vitamin_d", 80, "nmol/L")])
    assert finding(report, "hypocalcemia").upstream == ()


BORDERLINE = ("vitamin_b12", 220, "ng/L")
NORMAL_B12 = ("vitamin_b12", 600, "ng/L")
MMA_HIGH, MMA_OK = ("methylmalonic_acid", 600, "nmol/L"), ("methylmalonic_acid", 150, "nmol/L")
HCY_HIGH, HCY_OK = ("homocysteine", 25, "umol/L"), ("homocysteine", 9, "umol/L")
HOLO_LOW, HOLO_OK = ("holotranscobalamin", 20, "pmol/L"), ("holotranscobalamin", 100, "pmol/L")
CREA_HIGH = row("creatinine", 200, "umol/L", reference_low=50, reference_high=100)
CREA_OK = row("creatinine", 80, "umol/L", reference_low=50, reference_high=100)
FOLATE_LOW = row("folate", 3, "nmol/L", reference_low=8, reference_high=45)
FOLATE_OK = row("folate", 20, "nmol/L", reference_low=8, reference_high=45)


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([("vitamin_b12", 150, "ng/L")], "present"),
        ([("vitamin_b12", 150, "ng/L"), MMA_OK], "present"),
        ([BORDERLINE], "possible"),
        ([BORDERLINE, MMA_HIGH], "present"),
        ([BORDERLINE, MMA_HIGH, CREA_OK], "present"),
        ([BORDERLINE, HOLO_LOW], "present"),
        ([BORDERLINE, HOLO_OK], "possible"),
        ([BORDERLINE, HCY_HIGH, CREA_OK, FOLATE_OK], "present"),
        ([BORDERLINE, HCY_HIGH, CREA_HIGH, FOLATE_OK], "possible"),
        ([BORDERLINE, HCY_HIGH, CREA_OK, FOLATE_LOW], "possible"),
        ([BORDERLINE, HCY_OK], "possible"),
        ([NORMAL_B12], "excluded"),
        ([NORMAL_B12, MMA_OK], "excluded"),
        ([NORMAL_B12, HCY_OK], "excluded"),
    ],
)  # fmt: skip
def test_vitamin_b12_deficiency_follows_the_table_of_the_contract(rows, status):
    """Low is present, borderline is present on functional grounds alone, borderline alone is possible."""
    report = both(rows, ranges="uk")
    assert report.states["vitamin_b12_deficiency"] == status
    if status in ("present", "possible"):
        item = finding(report, "vitamin-b12-deficiency")
        assert supports(item) == {"supported" if status == "present" else "possible"}


def test_borderline_vitamin_b12_alone_asks_for_methylmalonic_acid_first():
    """Borderline B12 alone suggests MMA before anything else."""
    item = finding(both([BORDERLINE], ranges="uk"), "vitamin-b12-deficiency")
    assert item.suggested_tests[0] == "methylmalonic_acid"


def test_normal_b12_with_raised_homocysteine_is_hyperhomocysteinemia():
    """Raised homocysteine with normal B12 names folate, renal and thyroid causes; the B12 pathway is possible at most."""
    report = both([NORMAL_B12, HCY_HIGH], ranges="uk")
    assert "vitamin-b12-deficiency" not in {c for c, s in codes(report).items() if s == "present"}
    item = finding(report, "hyperhomocysteinemia")
    assert item.status == "present"
    said = " ".join((*item.caveats, item.explanation)).casefold()
    assert "folate" in said
    assert "renal" in said or "kidney" in said
    assert "thyroid" in said
    assert supports(item) <= {"possible"}
    assert "methylmalonic_acid" in item.suggested_tests


def test_normal_mma_interrupts_the_b12_pathway_of_raised_homocysteine():
    """With normal MMA and normal B12, raised homocysteine does not support a lack of B12."""
    report = both([NORMAL_B12, HCY_HIGH, MMA_OK], ranges="uk")
    assert supports(finding(report, "hyperhomocysteinemia")) <= {"interrupted"}


def test_homocysteine_is_a_marker_and_never_a_step():
    """No step of any pathway starts or ends at homocysteine."""
    for rows in ([BORDERLINE, HCY_HIGH], [NORMAL_B12, HCY_HIGH], [("vitamin_b12", 150, "ng/L"), HCY_HIGH], [HCY_HIGH]):
        for item in both(rows, ranges="uk").findings:
            for pathway in item.pathways:
                for step in pathway.steps:
                    assert "homocystein" not in step.source + step.target


def test_every_step_has_a_statement_citations_and_a_strength():
    """Each edge of each pathway is cited and graded, and pathways are simple paths that end at fasciculation."""
    rows = [
        ("magnesium", 0.4, "mmol/L"),
        ("calcium_ionized", 1.0, "mmol/L"),
        ("vitamin_d", 20, "nmol/L"),
        ("vitamin_b12", 150, "ng/L"),
    ]
    report = both(rows)
    assert len(report.findings) == 4
    for item in report.findings:
        assert item.pathways
        for pathway in item.pathways:
            nodes = [pathway.steps[0].source, *(step.target for step in pathway.steps)]
            assert nodes[-1] == "fasciculation"
            assert nodes[0] == item.state
            assert len(set(nodes)) == len(nodes)
            for step, after in zip(pathway.steps, pathway.steps[1:], strict=False):
                assert step.target == after.source
            for step in pathway.steps:
                assert step.statement
                assert step.citations
                assert all(citation.text for citation in step.citations)
                assert step.strength in ("strong", "moderate", "weak")
                assert step.observation in ("confirmed", "contradicted", "unmeasured", "unobservable")


def test_the_chain_of_vitamin_b12_says_that_it_is_weakly_evidenced():
    """The B12-to-fasciculation chain says so of itself, in the pathway and in the finding."""
    item = finding(both([("vitamin_b12", 120, "pg/mL")]), "vitamin-b12-deficiency")
    assert "weakly evidenced" in item.explanation
    assert all("weak" in pathway.explanation and pathway.strength == "weak" for pathway in item.pathways)


def test_guidance_is_part_of_every_reports_data():
    """Symptoms, benign triggers, the advice to see a clinician and the disclaimer are in every report, also empty ones."""
    for rows in ([("magnesium", 0.4, "mmol/L")], [("magnesium", 0.8, "mmol/L")]):
        data = json.dumps(both(rows).to_dict()).casefold()
        for word in ("stress", "caffeine", "exercise", "fatigue", "clinician", "no diagnosis", "persist", "ninds"):
            assert word in data, word
    assert {"fatigue", "weakness", "cramps"} <= set(
        finding(both([("magnesium", 0.4, "mmol/L")]), "hypomagnesemia").accompanying_symptoms
    )
    assert {"numbness", "tingling"} <= set(
        finding(both([("calcium_ionized", 1.0, "mmol/L")]), "hypocalcemia").accompanying_symptoms
    )
    assert {"bone_pain", "weakness"} <= set(
        finding(both([("vitamin_d", 20, "nmol/L")]), "vitamin-d-deficiency").accompanying_symptoms
    )


def test_a_presentation_matches_symptoms():
    """Symptoms that the patient names are matched with those that accompany a finding."""
    results = [li.LabResult("vitamin_b12", 120, "pg/mL")]
    told = li.Presentation(
        symptoms=("fasciculation", "numbness", "balance_problems", "fatigue"),
        triggers=("caffeine",),
        course="persistent",
    )
    item = li.interpret(results, ADULT, presentation=told).findings[0]
    assert set(item.matched_symptoms) == {"numbness", "balance_problems", "fatigue"}
    alone = li.interpret(results, ADULT, presentation=li.Presentation(symptoms=("fasciculation",))).findings[0]
    assert alone.matched_symptoms == ()
    assert any("broader picture" in caveat for caveat in alone.caveats)


@pytest.mark.parametrize(
    "symptom",
    ["fasciculation", "cramps", "numbness", "tingling", "bone_pain", "weakness", "fatigue", "balance_problems"],
)
def test_the_symptoms_of_the_contract_are_known(symptom):
    """Every symptom key that the contract names is taken."""
    li.interpret([], ADULT, presentation=li.Presentation(symptoms=(symptom,)))


@pytest.mark.parametrize(
    "claim",
    [
        "F1",
        "F2",
        "F3",
        "F4",
        "M1",
        "M2",
        "M3",
        "M4",
        "M5",
        "C1",
        "C2",
        "C3",
        "C4",
        "C5",
        "D1",
        "D2",
        "D3",
        "D4",
        "D5",
        "D6",
        "B1",
        "B2",
        "B3",
        "B4",
        "B5",
        "X1",
        "X2",
        "X3",
    ],
)
def test_every_claim_of_the_source_document_is_explained(claim):
    """Each claim of the source document can be explained by its id, is cited, and names where it shows."""
    found = li.explain(claim)
    assert found.text
    assert found.citations
    assert found.related
