"""Pages from reports."""

from __future__ import annotations

import base64
import builtins
import hashlib
import logging
import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

import attrs
import markupsafe
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp import reasoning
from labinterp.answer import Report
from labinterp.codes import FLAGS, LEVELS, NOTES
from labinterp.errors import MissingExtraError
from labinterp.model import (
    Citation,
    Coding,
    EditionRef,
    Evidence,
    Finding,
    Guidance,
    Interpretation,
    LabResult,
    Pathway,
    Patient,
    Presentation,
    Problem,
    Provenance,
    Step,
)
from labinterp.report import bars, html, pages
from labinterp.words import labels, numbers

VOID = {"meta", "br", "link", "img", "input"}
HOSTILE = "</title></style></svg><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload='x' {{ 7*7 }} \x00"


class Page(HTMLParser):
    """What a browser would make of a page, as far as the tests ask."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        """Keep a tag and what it opens."""
        self.tags.append((tag, tuple(name for name, _ in attributes)))
        self.attributes.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        """Keep a tag that closes itself."""
        self.tags.append((tag, tuple(name for name, _ in attributes)))
        self.attributes.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        """Hold that a tag closes the one opened last."""
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        """Keep text."""
        self.texts.append(data)

    def all(self, tag):
        """Return the attributes of every such tag."""
        return [attributes for name, attributes in self.attributes if name == tag]

    @property
    def text(self):
        """All text, pieces apart by one space."""
        return " ".join(" ".join(self.texts).split())


def made_report(text: str = "words", url: str | None = None) -> Report:
    """Return a report by hand in which every free text is `text`."""
    citation = Citation(text, text, text, url)
    steps = tuple(
        Step(source, target, text, observation, (citation,), "weak")
        for source, target, observation in (
            ("vitamin_d_deficiency", "reduced_calcium_absorption", "unobservable"),
            ("reduced_calcium_absorption", "hypocalcemia", "contradicted"),
            ("hypocalcemia", "fasciculation", "unmeasured"),
        )
    )
    pathways = tuple(
        Pathway(f"{text}{support}", "indirect", support, steps, broken_at, "weak", text)
        for support, broken_at in (("supported", None), ("possible", None), ("interrupted", "hypocalcemia"))
    )
    finding = Finding(
        text, text, "present", "high", (Evidence("calcium", "low", "reported", 0, 1.9, "mmol/L"),), pathways,
        (text,), (text, "albumin"), (text,), (text, "cramps"), ("cramps",), (Coding(text, text, text),), text, text,
    )  # fmt: skip
    result = LabResult(
        text, text, text, collected_at=text, specimen=text, reference_low=text, reference_high=text, method=text,
        id=text, reported_flag=text, loinc=text,
    )  # fmt: skip
    return Report(
        (
            Interpretation(
                result, "calcium", "<", 1.9, "mmol/L", 2.1, 2.6, "reported", "L", "low", text, 2, None,
                ("censored", text), text,
            ),
            Interpretation(
                result, None, None, None, None, None, None, text, None, None, None, None, text, (text,), text
            ),
        ),
        (finding, finding),
        {text: "present", "hypocalcemia": text},
        (Problem(text, 1, text, text),),
        Provenance(text, text, text, (EditionRef(text, text),), {text: text, "list": [text], "nothing": None}),
        Patient.as_sent(age=text, sex=text, pregnancy=text, id=text),
        Presentation((text,), (text,), text),
        Guidance(text, text, (text,), {text: text}, (text,), (text,)),
        (text,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def report():
    """A report of real results: findings, problems, notes, a censored value, a range that came with the result."""
    return li.interpret(
        [
            li.LabResult("25-hydroxyvitamin D", 9, "ng/mL"),
            li.LabResult("17861-6", "7,9", "mg/dL", reference_low=8.6, reference_high=10.2),
            li.LabResult("albumin", 4.1, "g/dL"),
            li.LabResult("B12", "<150", "pg/mL"),
            li.LabResult("magnesium", "QNS", "mg/dL"),
        ],
        li.Patient(age=54, sex="female", id="MRN-777-CANARY"),
    )


@pytest.fixture(scope="module")
def page(report):
    return html.render(report)


def test_page_is_wellformed_and_has_the_landmarks_of_an_accessible_page(page):
    """Every tag is closed, the language said, one h1, no level of heading skipped, ids unique, links lead somewhere."""
    parsed = Page(page)
    assert parsed.open == []
    assert parsed.all("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in parsed.attributes if "id" in attributes]
    assert max(Counter(ids).values()) == 1
    assert {item["href"][1:] for item in parsed.all("a") if item["href"].startswith("#")} <= set(ids)
    assert {item["aria-labelledby"] for item in parsed.all("section")} <= set(ids)


def test_table_headers_say_what_they_head(page):
    """Every header cell has a scope, every table a caption."""
    parsed = Page(page)
    assert all(item.get("scope") in ("col", "row") for item in parsed.all("th"))
    assert len(parsed.all("table")) == len(parsed.all("caption"))


def test_every_judged_result_has_a_number_line_that_can_be_read_aloud(report, page):
    """Each result with a flag has one drawing, with role and label, adjusted calcium its own; a problem has none."""
    drawings = [item for item in Page(page).all("svg") if item["class"] == "line"]
    assert len(drawings) == 1 + sum(item.flag is not None for item in report.interpretations)
    assert all(item["role"] == "img" and item["aria-label"] for item in drawings)
    assert "Vitamin B12: <" in " ".join(item["aria-label"] for item in drawings)


def test_policy_allows_the_style_sheet_of_the_page_and_nothing_else(page):
    """The policy names the style sheet by its hash; no script, no event handler, no style attribute, no fetch."""
    parsed = Page(page)
    policy = next(item["content"] for item in parsed.all("meta") if item.get("http-equiv"))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert_harmless(parsed)
    assert "@import" not in style
    assert "url(" not in style


def assert_harmless(parsed: Page, *, scripts: int = 0) -> None:
    assert len(parsed.all("script")) == scripts
    assert not {"iframe", "object", "embed", "form", "img", "link", "base"} & {tag for tag, _ in parsed.tags}
    names = {name for _, attributes in parsed.tags for name in attributes}
    assert not {name for name in names if name.startswith("on")} | (names & {"style", "src", "srcset", "data"})


def test_page_shows_what_was_sent_and_what_it_became(page):
    """The value and unit as sent stand beside the canonical value, the limits, and where these come from."""
    text = Page(page).text
    assert "7,9 mg/dL" in text
    assert "1.971 mmol/L" in text
    assert "sent by the laboratory with the result, as 8.6 to 10.2 mg/dL" in text
    assert "nam/2011#vitamin_d-all" in text
    assert "from 20 ng/mL = 50 nmol/L" in text


def test_every_statement_of_a_chain_has_a_numbered_source(report, page):
    """Every step of every pathway is shown, and every citation of it is in the list of references."""
    text = Page(page).text
    for finding in report.findings:
        for pathway in finding.pathways:
            for step in pathway.steps:
                assert step.statement in text
                assert all(" ".join(citation.text.split()) in text for citation in step.citations)


def test_supports_differ_without_color():
    """Supported, possible and interrupted chains differ in words, mark and kind of line; the break is named."""
    page = html.render(made_report())
    for support in ("supported", "possible", "interrupted"):
        assert f'class="pathway {support}"' in page
        assert labels.word("support", support) in page
    text = Page(page).text
    assert "✕ Interrupted by the data, at: Hypocalcemia" in text
    assert "✕ Hypocalcemia → Fasciculation" in text
    style = page[: page.index("</style>")]
    assert ".pathway.possible { border-left-style: dashed; }" in style
    assert ".pathway.interrupted { border-left-style: dotted; }" in style


def test_values_stand_in_the_unit_that_was_sent_and_above_the_findings(page):
    """Bars and limits are drawn in mg/dL and ng/mL for who sent these; the canonical value stands beside."""
    labels = [item["aria-label"] for item in Page(page).all("svg") if item["class"] == "line"]
    assert labels[0].startswith("25-hydroxyvitamin D: 9 ng/mL, low; normal from 20 to 50 ng/mL")
    assert labels[1].startswith("Calcium, total: 7.9 mg/dL, low; normal from 8.6 to 10.2 mg/dL")
    assert "= 22.46 nmol/L" in Page(page).text
    assert page.index("22.46") < page.index('id="findings"')


@pytest.mark.parametrize(
    ("unit", "albumin", "shown"),
    [("g/dL", 3.1, "8.62 mg/dL , normal"), ("g/dL", 4.1, "7.82 mg/dL , low"), ("g/L", 20, None)],
)
def test_adjusted_calcium_stands_beside_the_total(unit, albumin, shown):
    """Where albumin adjusts calcium, the adjusted value is shown in the unit of the total; else none is."""
    page = li.interpret(
        [
            li.LabResult("calcium", "7.9", "mg/dL", reference_low=8.6, reference_high=10.2),
            li.LabResult("albumin", albumin, unit),
        ],
        li.Patient(age=54),
    ).to_html()
    text = Page(page).text
    assert "Adjusted by albumin" in text if shown else "Adjusted by albumin" not in text
    assert shown is None or f"Adjusted by albumin: {shown}" in text


def test_severe_finding_heads_the_page_and_is_marked():
    """Where a finding is severe, the lines at the top name it first, say that it is, and are marked as such."""
    severe = li.interpret([li.LabResult("Mg", 0.5, "mg/dL"), li.LabResult("B12", 90, "pg/mL")], li.Patient(age=54))
    lead = re.search(r'<p class="headline severe">(.*?)</p>', severe.to_html(), re.DOTALL)[1]
    what = "Hypomagnesemia (severity high); vitamin B12 deficiency (severity moderate)."
    assert f"<strong>What</strong>: {what}" in lead
    assert reasoning.urgency(["high"]) in lead


def test_settings_that_hold_nothing_are_not_set(page):
    """No setting shows how Python writes an empty mapping."""
    assert "FrozenMap" not in page
    assert "default units: not set" in Page(page).text


def test_style_serves_paper_and_dark_screens(page):
    """The style sheet has rules for print and for dark mode."""
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page


def test_step_that_pathways_share_is_told_once(report, page):
    """Each statement of a step stands once on the page, however many pathways take it."""
    text = Page(page).text
    steps = {step for finding in report.findings for pathway in finding.pathways for step in pathway.steps}
    assert len(steps) < sum(len(pathway.steps) for finding in report.findings for pathway in finding.pathways)
    assert all(text.count(step.statement) == 1 for step in steps)


def test_problems_disclaimer_and_provenance_are_shown(report, page):
    """What could not be read is said, with what to do; so are the disclaimer, versions and hashes."""
    text = Page(page).text
    for problem in report.problems:
        assert problem.message in text
    assert report.guidance.disclaimer in text
    assert all(edition.sha256 in text for edition in report.provenance.editions)
    assert report.provenance.knowledge_sha256 in text


def test_ids_are_not_shown_and_nothing_is_logged(report, caplog):
    """The ids of patient and results stay out of the page, and no log record is written."""
    with caplog.at_level(logging.DEBUG):
        page = html.render(report)
    assert "CANARY" not in page
    assert caplog.records == []


def test_page_is_the_same_every_time(report):
    """The page depends on the report alone: no clock, no random ids."""
    assert html.render(report) == html.render(report)
    assert report.to_html(title="T") == html.render(report, title="T")


def test_report_without_anything_makes_a_page():
    """No results, findings, patient or guidance: still a page, and it does not call anything normal."""
    bare = Report((), (), {}, (), Provenance("0", "0", "0", (), {}))
    parsed = Page(html.render(bare))
    assert parsed.open == []
    assert "No results were sent." in parsed.text


def test_hostile_text_in_every_field_comes_out_as_text():
    """Markup in any text of a report is shown as text: no tag, attribute or template expression comes of it."""
    parsed = Page(html.render(made_report(HOSTILE), title=HOSTILE))
    assert_harmless(parsed)
    assert parsed.open == []
    assert "{{ 7*7 }}" in parsed.text
    assert "<script>alert(1)</script>" in parsed.text


_NASTY = st.text(alphabet=st.sampled_from("<>\"'&;/=!-`{}%# \x00\ud800\u202eaonlick\n"), min_size=1, max_size=40)


@given(_NASTY)
@settings(max_examples=60)
def test_structure_of_a_page_does_not_depend_on_its_texts(text):
    """Whatever the texts are, the page has the tags and attributes of the same page with plain words."""
    page = html.render(made_report(text), title=text)
    page.encode()
    plain = Page(html.render(made_report(), title="words"))
    assert Page(page).tags == plain.tags


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", " https://x", "//x", "vbscript:x", "file:///x"]
)
def test_only_web_addresses_are_linked(url):
    """An address of another scheme than http and https is never a link."""
    hrefs = [item["href"] for item in Page(html.render(made_report(url=url))).all("a")]
    assert all(href.startswith("#") for href in hrefs)
    assert pages.link("https://example.org") == "https://example.org"


def test_other_edition_of_the_same_name_is_not_quoted(report):
    """Where the edition of a report is not the file at hand, its figures are not shown as that edition's."""
    changed = attrs.evolve(
        report,
        provenance=attrs.evolve(
            report.provenance,
            editions=tuple(EditionRef(edition.id, "0" * 64) for edition in report.provenance.editions),
        ),
    )
    text = Page(html.render(changed)).text
    assert "nam/2011#vitamin_d-all" in text
    assert "from 20 ng/mL = 50 nmol/L" not in text


def test_without_jinja2_the_error_names_the_extra(monkeypatch, report):
    """Without the extra, the error says which one to install."""
    true_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "jinja2":
            raise ImportError(name)
        return true_import(name, *args, **kwargs)

    pages._environment.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"labinterp\[report\]"):
        html.render(report)


def test_every_code_has_its_word():
    """Every level, flag and note of the vocabulary has a word, so that no page shows a bare code."""
    tables = labels.tables()
    assert set(LEVELS) <= set(tables["level"]) == set(tables["mark"])
    assert set(FLAGS) == set(tables["flag"]) == set(tables["interpretation"])
    assert set(NOTES) == set(tables["note"])


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=200)
def test_number_beside_a_limit_never_looks_equal_to_it(value, limit):
    """A value that differs from a limit by more than the tolerance of comparison is shown with enough digits."""
    if value and limit and abs(value - limit) > 1e-6 * max(abs(value), abs(limit)):
        assert float(numbers.shown(value, (limit,))) != float(numbers.shown(limit, (value,)))


def frame_of(text):
    return pd.DataFrame(
        {
            "patient_id": [text, "P2", None, "P2"],
            "collected_at": ["2026-01-01", text, None, "2026-01-02"],
            "test": ["magnesium", "calcium", "25OHD", "iron"],
            "value": ["1.1", "<8", "9", "3"],
            "unit": ["mg/dL", "mg/dL", "ng/mL", "mg/dL"],
            "age": 50,
        }
    )


def test_summary_of_many_patients_counts_and_groups():
    """The page of a frame has the counts of results, problems and findings, and the patients of each group."""
    text = Page(li.interpret_frame(frame_of("P1")).to_html(title="Batch")).text
    assert "4 results of 3 patients: 3 interpreted, 1 not; 3 panels with findings." in text
    assert "Hypomagnesemia: low magnesium" in text
    assert "no patient id, row 3" in text
    assert "Magnesium 1.1 mg/dL ▼ low (1.6 to 2.6 mg/dL), 2026-01-01" in " ".join(text.split()).replace(" (", " (")
    assert "iron 3 mg/dL – unknown test" in " ".join(text.split())


@pytest.mark.parametrize("text", [HOSTILE, "\u202e", "a" * 500])
def test_hostile_ids_in_a_frame_come_out_as_text(text):
    """Markup in patient ids and times of a frame is shown as text."""
    page = li.interpret_frame(frame_of(text)).to_html()
    page.encode()
    parsed = Page(page)
    assert_harmless(parsed, scripts=1)
    assert parsed.tags == Page(li.interpret_frame(frame_of("P1")).to_html()).tags


def test_empty_frame_makes_a_page():
    """A table without rows gives a page without findings."""
    report = li.interpret_frame(frame_of("P1").iloc[:0])
    assert "No finding." in Page(report.to_html()).text


def test_index_is_readable_and_its_policy_names_its_one_script():
    """The index of many patients has each in a row, severe first, and allows its own script by hash and nothing else."""
    page = li.interpret_frame(frame_of("P1")).to_html()
    parsed = Page(page)
    policy = next(item["content"] for item in parsed.all("meta") if item.get("http-equiv"))
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "'unsafe" not in policy
    assert page.index("P1</bdi>") < page.index("P2</bdi>") or "high" in page


def many(count, panels=1):
    tests = ["magnesium", "calcium", "albumin", "25OHD", "B12", "homocysteine"]
    values = ["1.1", "7.9", "41", "9", "120", "22"]
    units = ["mg/dL", "mg/dL", "g/L", "ng/mL", "pg/mL", "umol/L"]
    rows = count * len(tests) * panels
    return pd.DataFrame(
        {
            "patient_id": [f"P{i // (len(tests) * panels)}" for i in range(rows)],
            "collected_at": [f"2026-0{1 + i // len(tests) % panels}-01" for i in range(rows)],
            "test": tests * count * panels,
            "value": values * count * panels,
            "unit": units * count * panels,
            "age": 50,
        }
    )


def test_five_hundred_patients_fit_three_megabytes():
    """Each of 500 patients has a row and a section, in less than 3 MB."""
    page = li.interpret_frame(many(500)).to_html()
    assert len(page.encode()) < 3_000_000
    assert page.count('<article class="person"') == 500


def test_each_row_of_many_patients_has_its_bar():
    """Each judged result of a patient is drawn against its range; the words beside say the same, so that none reads it twice."""
    page = html.render_frame(li.interpret_frame(many(3)))
    judged = int(li.interpret_frame(many(3)).results["flag"].notna().sum())
    assert page.count('<svg class="bar"') == judged
    for shape in set(re.findall(r'href="#(bar-\w+)"', page)):
        assert page.count(f'id="{shape}"') == 1
    assert len(re.findall(r'<svg class="bar"[^>]*aria-hidden="true"', page)) == judged


@pytest.mark.parametrize(
    ("value", "low", "high", "comparator", "left", "right"),
    [
        (1.9, 2, 4, None, 0, 30),
        (2, 2, 4, None, 30, 70),
        (4, 2, 4, None, 30, 70),
        (4.1, 2, 4, None, 70, 100),
        (1e9, 2, 4, ">", 70, 100),
        (0, None, 4, "<", 0, 70),
        (9, 2, None, None, 30, 100),
        (-1, 0, 4, None, 0, 30),
    ],
)
def test_small_bar_shows_on_which_side_a_value_stands(value, low, high, comparator, left, right):
    """The line of a value stands on the side of each limit on which the value is, on a limit inside; an arrow says censored."""
    drawn = bars.small(value, low, high, comparator)
    assert left < float(re.search(r'd="M([\d.]+)', drawn)[1]) < right
    assert ("m0 6h" in drawn) == (comparator is not None)


def test_folder_of_pages_has_a_section_of_each_patient():
    """Whatever their number, each patient has a section in one page of the folder, and the index links to it."""
    made = html.pages_of(li.interpret_frame(many(450)))
    assert list(made) == ["index.html", "patients-0001.html", "patients-0002.html", "patients-0003.html"]
    assert sum(page.count('<article class="person"') for page in made.values()) == 450
    for href in re.findall(r'<a href="(patients[^"]+)"', made["index.html"]):
        name, _, place = href.partition("#")
        assert f'id="{place}"' in made[name]


def test_index_may_lie_beside_its_folder():
    """An index with a name of its own links into the folder beside it, whose pages link back, whatever signs the names have."""
    made = html.pages_of(li.interpret_frame(many(3)), index="a #1.html", folder="a #1_pages")
    assert list(made) == ["a #1.html", "a #1_pages/patients-0001.html"]
    assert 'href="a%20%231_pages/patients-0001.html#p1"' in made["a #1.html"]
    assert 'href="../a%20%231.html"' in made["a #1_pages/patients-0001.html"]


def test_huge_id_is_cut():
    """An id of a megabyte is cut, wherever it stands."""
    page = li.interpret_frame(many(2).replace("P1", "x" * 1_000_000)).to_html()
    assert len(page) < 100_000


def test_table_of_one_patient_is_a_page_of_visits():
    """A table of one patient with several collections is the page of that patient, as its visits are interpreted."""
    page = li.interpret_frame(many(1, panels=3)).to_html()
    assert page.count('class="visit"') == 3
    assert page.count('<svg class="trend"') == 6


def test_answer_of_a_table_explains_a_row_and_stands_beside_its_input():
    """`explain` says what was sent and what judged it, `joined` keeps the input's columns, also of other frames."""
    polars = pytest.importorskip("polars")
    frame = many(2).assign(value=["1.1", "7.9", "41", "9", "QNS", "22"] * 2, ward="A")
    answer = li.interpret_frame(frame)
    assert answer.explain(1).startswith(
        "Calcium, total, sent as calcium 7.9 mg/dL: low (L); normal from 8.6 to 10.2 mg/dL."
    )
    assert "could not be judged" in answer.explain(4)
    assert "agnesium deficiency is present" not in answer.explain(3)
    for row in (99, "x", None, -1):
        with pytest.raises(li.LabInterpError):
            answer.explain(row)
    joined = answer.joined()
    assert list(joined.columns[: len(frame.columns)]) == list(frame.columns)
    assert joined["li_flag"].tolist() == answer.results["flag"].tolist()
    assert joined["value"].tolist() == frame["value"].tolist()
    other = li.interpret_frame(polars.from_pandas(frame))
    assert other.joined().columns == list(joined.columns)
    assert other.explain(1) == answer.explain(1)
    assert "<table" in other._repr_html_()


def test_notebooks_show_reports_answers_and_sets(report):
    """Reports, answers of tables and sets of ranges have a form for notebooks, with every text escaped."""
    assert "7,9 mg/dL" in report._repr_html_()
    assert "<td>vitamin-d-deficiency" in li.interpret_frame(many(1))._repr_html_()
    assert "nam/2011" in li.ranges.reference_set("us")._repr_html_()
    hostile = made_report(HOSTILE)._repr_html_()
    assert "<script" not in hostile
    assert "<img" not in hostile


def test_a_caveat_is_said_once():
    """What limits two findings alike stands in the page once."""
    results = [li.LabResult("magnesium", 0.5, "mg/dL"), li.LabResult("calcium_ionized", 1.0, "mmol/L")]
    report = li.interpret(results, li.Patient(age=50))
    shared = set(report.findings[0].caveats) & set(report.findings[1].caveats)
    assert shared
    page = report.to_html()
    assert all(page.count(f"<li>{markupsafe.escape(text)}</li>") == 1 for text in shared)
