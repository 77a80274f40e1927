"""The drawings of a page but for number lines: mechanisms and trends."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree as ET

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.model import Step
from labinterp.report import html, mechanisms, trends
from labinterp.words import labels

NAMESPACE = "{http://www.w3.org/2000/svg}"
LOW = {
    "magnesium": li.LabResult("magnesium", 1.1, "mg/dL"),
    "calcium": li.LabResult("calcium", 7.9, "mg/dL"),
    "albumin": li.LabResult("albumin", 41, "g/L"),
    "vitamin_d": li.LabResult("25OHD", 9, "ng/mL"),
    "vitamin_b12": li.LabResult("B12", 120, "pg/mL"),
}
ADULT = li.Patient(age=54)


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - made here


def nodes(svg: str) -> list[ET.Element]:
    return [item for item in parse(svg).iter(f"{NAMESPACE}g") if item.get("class", "").startswith("node ")]


def boxes(report) -> dict[str, tuple[float, float]]:
    made, arrows = mechanisms.parts_of(report)
    places, _, _ = mechanisms._layout([node.id for node in made], [(each.source, each.target) for each in arrows])
    return places


@pytest.mark.parametrize("count", range(1, len(LOW) + 1))
def test_every_node_and_step_of_the_pathways_is_drawn_once(count):
    """Whatever was found, each node and each step on its pathways is in the one drawing once, and none overlaps."""
    for chosen in itertools.combinations(LOW.values(), count):
        report = li.interpret(chosen, ADULT)
        steps = {(s.source, s.target) for f in report.findings for p in f.pathways for s in p.steps}
        names = {name for step in steps for name in step}
        svg = mechanisms.draw(report)
        if not steps:
            assert mechanisms.parts_of(report) == ((), ())
            continue
        assert len(nodes(svg)) == len(names)
        assert svg.count('class="thread"') == len(steps)
        for (x, y), (other_x, other_y) in itertools.combinations(boxes(report).values(), 2):
            assert abs(x - other_x) >= mechanisms._WIDTH or abs(y - other_y) >= mechanisms._HEIGHT


def test_nodes_differ_by_shape_and_word():
    """Measured, supported, interrupted and unknown nodes have each their shape, and say in words what they are."""
    low = parse_kinds(li.interpret([LOW["magnesium"], LOW["vitamin_d"], li.LabResult("Ca", 9.5, "mg/dL")], ADULT))
    assert low["Magnesium deficiency"] == ("measured", ("rect", "rect"), "✓ seen in the results")
    assert low["Hypocalcemia"] == ("interrupted", ("path",), "✕ excluded by the results")
    assert low["More acetylcholine released per impulse"] == ("supported", ("rect",), "→ follows from the results")
    assert low["Fasciculation"] == ("unknown", ("rect",), "? not known")
    svg = mechanisms.draw(li.interpret([LOW["vitamin_d"], li.LabResult("Ca", 9.5, "mg/dL")], ADULT))
    assert svg.count('class="break"') == 1


def parse_kinds(report):
    found = {}
    for node in nodes(mechanisms.draw(report)):
        title = node.find(f"{NAMESPACE}title").text.partition(": ")[0]
        shapes = tuple(item.tag.removeprefix(NAMESPACE) for item in node if item.get("class") in ("shape", "inner"))
        found[title] = (node.get("class").split()[1], shapes, node.findall(f"{NAMESPACE}text")[-1].text)
    return found


def test_told_twitching_is_a_measured_node():
    """Where the patient tells of twitching, the last node says so."""
    told = li.Presentation(symptoms=("fasciculation",))
    kinds = parse_kinds(li.interpret([LOW["magnesium"]], ADULT, presentation=told))
    assert kinds["Fasciculation"][::2] == ("measured", "✓ told by the patient")


def test_page_has_one_drawing_of_mechanisms():
    """The graph of a patient is one drawing on the page, before the findings."""
    page = li.interpret(list(LOW.values()), ADULT).to_html()
    assert page.count('<svg class="mechanisms"') == 1
    assert page.index('<svg class="mechanisms"') < page.index('id="findings"')


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            [("Mg", 2.0, "mg/dL"), ("Ca", 9.4, "mg/dL"), ("25OHD", 35, "ng/mL"), ("B12", 600, "pg/mL")],
            {"interrupted": {"Vitamin D deficiency", "Magnesium deficiency", "Hypocalcemia", "Vitamin B12 deficiency"}},
        ),
        (
            [("Mg", 5.0, "mg/dL")],
            {
                "interrupted": {"Magnesium deficiency"},
                "unknown": {"Vitamin D deficiency", "Hypocalcemia", "Vitamin B12 deficiency", "Fasciculation"},
            },
        ),
        ([("Mg", "QNS", "mg/dL")], {"unknown": {"Magnesium deficiency", "Hypocalcemia"}}),
        ([], {"unknown": {"Magnesium deficiency", "Fasciculation"}}),
    ],
)
def test_causes_are_drawn_where_nothing_leads_to_twitching(sent, said):
    """Without a pathway the page draws each nutritional cause once, and says which the results exclude and which are open."""
    report = li.interpret([li.LabResult(*each) for each in sent], ADULT)
    drawn = nodes(mechanisms.draw(report))
    kinds = {item[0].text.partition(":")[0]: item.get("class").partition(" ")[2] for item in drawn}
    assert len(drawn) == len(kinds) == 5
    for kind, names in said.items():
        assert {kinds[name] for name in names} == {kind}
    assert "excluded" not in mechanisms.draw(li.interpret([]))
    assert report.to_html().count('<svg class="mechanisms"') == 1


NAMES = st.sampled_from("abcde<")


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=8))
@settings(max_examples=60)
def test_any_steps_can_be_drawn(pairs):
    """Circles, loops and hostile names in a report from elsewhere are drawn as well-formed SVG."""
    report = li.interpret([LOW["magnesium"]], ADULT)
    pathway = report.findings[0].pathways[0]
    steps = tuple(Step(a, b, "words", "unobservable", ()) for a, b in pairs)
    finding = attrs.evolve(report.findings[0], pathways=(attrs.evolve(pathway, steps=steps),))
    parse(mechanisms.draw(attrs.evolve(report, findings=(finding,))))


def draws(*values, test="calcium", unit="mg/dL"):
    days = ("2026-01-04", "2026-02-04", "2026-03-04", "2026-04-04")
    return [li.LabResult(test, value, unit, collected_at=day) for value, day in zip(values, days, strict=False)]


def test_trend_marks_what_is_beyond_biological_variation_and_nothing_else():
    """A change is marked exactly where `change` says that it exceeds its reference change value."""
    results = draws(9.0, 9.1, 8.2, 9.4)
    (trend,) = trends.trends_of(li.interpret(results, ADULT).interpretations)
    marked = [point.change is not None for point in trend.points]
    assert marked == [False, *(bool(li.change(a, b).exceeds) for a, b in itertools.pairwise(results))]
    assert marked == [False, False, True, True]
    assert trends.draw(trend).count('class="changed"') == 2
    assert trends.said(trend)[0] == "2026-02-04 to 2026-03-04: fell by 10 %, beyond biological variation"


def test_trend_without_known_variation_marks_nothing():
    """Where no figure of variation is checked, no change is marked."""
    (trend,) = trends.trends_of(li.interpret(draws(1.9, 1.0, test="magnesium"), ADULT).interpretations)
    assert trend.marked == ()


def test_trend_is_in_the_unit_of_the_latest_draw_with_the_range_as_a_band():
    """Draws in two units are drawn in the latest one's; the range of normal is a band."""
    results = [*draws(9.0), li.LabResult("calcium", 2.1, "mmol/L", collected_at="2026-05-01")]
    (trend,) = trends.trends_of(li.interpret(results, ADULT).interpretations)
    assert trend.unit == "mmol/L"
    assert [point.text for point in trend.points] == ["2.246", "2.1"]
    root = parse(trends.draw(trend))
    assert [item.get("class") for item in root.iter(f"{NAMESPACE}rect")] == ["band normal"]


def test_results_of_one_time_are_no_change():
    """The same test twice at one time is drawn twice; a change is counted from an earlier time alone."""
    first, second, third = draws(9.0, 9.1, 9.0)
    again = li.LabResult("calcium", 7.9, "mg/dL", collected_at=second.collected_at)
    (trend,) = trends.trends_of(li.interpret([first, second, again, third], ADULT).interpretations)
    assert [point.text for point in trend.points] == ["9", "9.1", "7.9", "9"]
    assert [round(point.change or 0) for point in trend.points] == [0, 0, -12, 14]
    drawn = parse(trends.draw(trend))
    assert len([item for item in drawn.iter(f"{NAMESPACE}circle") if item.get("class") == "draw"]) == 4


def test_censored_draws_point_to_what_they_can_stand_for():
    """A value that was sent with a comparator is an open arrow, down for `<` and up for `>`, and is no change."""
    (trend,) = trends.trends_of(li.interpret(draws("<5", 9.0, ">15"), ADULT).interpretations)
    assert trend.marked == ()
    marks = [item.get("d") for item in parse(trends.draw(trend)).iter(f"{NAMESPACE}path")]
    assert [mark.rpartition("l-5 ")[2] for mark in marks if "h10" in mark] == ["9z", "-9z"]


def test_band_follows_a_range_that_changes():
    """Each draw lies on its own range: where the range changes, another band with its own limits begins."""
    ranges = ((8.6, 10.2), (8.6, 10.2), (8.4, 9.9), (8.4, None))
    results = [
        li.LabResult("calcium", 9, "mg/dL", collected_at=f"2026-0{i}-04", reference_low=low, reference_high=high)
        for i, (low, high) in enumerate(ranges, 1)
    ]
    (trend,) = trends.trends_of(li.interpret(results, ADULT).interpretations)
    drawn = parse(trends.draw(trend))
    bands = list(drawn.iter(f"{NAMESPACE}rect"))
    ends = [(float(band.get("x")), float(band.get("x")) + float(band.get("width"))) for band in bands]
    assert [end for _, end in ends[:-1]] == pytest.approx([start for start, _ in ends[1:]], abs=0.2)
    limits = [item.text for item in drawn.iter(f"{NAMESPACE}text") if item.get("class") == "limit"]
    assert limits == ["8.6", "10.2", "8.4", "9.9", "8.4"]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(60, 120)), min_size=2, max_size=14))
def test_values_in_a_trend_do_not_overlap(drawn):
    """However close draws lie, no value is written over another, and the latest is always there."""
    results = [
        li.LabResult("calcium", value / 10, "mg/dL", collected_at=f"2026-01-01T{minute // 60:02}:{minute % 60:02}")
        for minute, value in sorted(drawn)
    ]
    for trend in trends.trends_of(li.interpret(results, ADULT).interpretations):
        texts = [item for item in parse(trends.draw(trend)).iter(f"{NAMESPACE}text") if item.get("class") == "value"]
        assert texts[0].text == trend.points[-1].text
        for one, other in itertools.combinations(texts, 2):
            apart = abs(float(one.get("x")) - float(other.get("x")))
            assert (
                apart > 3 * (len(one.text) + len(other.text)) or abs(float(one.get("y")) - float(other.get("y"))) > 12
            )


def test_one_draw_has_no_trend():
    """A single draw, or draws without a time, make no trend."""
    report = li.interpret([*draws(9.0), li.LabResult("Mg", 1, "mg/dL"), li.LabResult("Mg", 2, "mg/dL")], ADULT)
    assert trends.trends_of(report.interpretations) == ()


def test_visits_of_one_patient_stand_on_one_page_the_latest_first():
    """Any number of draws of one patient is one page: a trend per analyte, then each visit with its own results."""
    visits = [li.interpret([result], ADULT) for result in draws(9.0, 8.0, 8.4)]
    page = html.render_visits(visits)
    assert page.count('<svg class="trend"') == 1
    assert page.count('class="visit"') == 3
    assert page.index("2026-03-04</bdi></h2>") < page.index("2026-01-04</bdi></h2>")
    assert page.count('id="references"') == 1


def test_every_kind_of_node_is_explained():
    """Each kind of node has its mark and its meaning under the drawing."""
    assert [kind for kind, mark, meaning in mechanisms.legend() if mark and meaning] == list(mechanisms.KINDS)
    assert set(labels.tables()["node_mark"]) == set(mechanisms.KINDS)
