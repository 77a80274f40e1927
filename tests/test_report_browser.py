"""Reports in a real browser: nothing runs off a phone, axe finds nothing, three results print on two pages."""

from __future__ import annotations

import os
import re
import shutil

import pandas as pd
import pytest

import labinterp as li
from labinterp.report import html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1100, "height": 900}
THREE = [
    li.LabResult("25-hydroxyvitamin D", 9, "ng/mL"),
    li.LabResult("17861-6", "7,9", "mg/dL", reference_low=8.6, reference_high=10.2),
    li.LabResult("Mg", 1.1, "mg/dL"),
]
ADULT = li.Patient(age=54, sex="female")
HUGE = "x" * 1_000_000


def visits():
    draws = (("2026-01-04", 9, 8.0, 1.2), ("2026-03-05", 18, 8.9, 1.6), ("2026-07-05", 31, 9.3, 1.9))
    for day, vitamin_d, calcium, magnesium in draws:
        sent = (("25OHD", vitamin_d, "ng/mL"), ("calcium", calcium, "mg/dL"), ("Mg", magnesium, "mg/dL"))
        yield li.interpret([li.LabResult(*each, collected_at=day) for each in sent], ADULT)


def cohort():
    return pd.DataFrame(
        {
            "patient_id": ["P1", "P1", HUGE, "P3"],
            "test": ["Mg", "Ca", "Mg", "25OHD"],
            "value": ["0.5", "7.9", "2.0", "QNS"],
            "unit": ["mg/dL", "mg/dL", "mg/dL", "ng/mL"],
            "age": 50,
        }
    )


def hostile():
    return li.interpret([li.LabResult(HUGE, HUGE, HUGE, specimen=HUGE), *THREE], li.Patient.as_sent(sex=HUGE, age=54))


PAGES = {
    "three": lambda: li.interpret(THREE, ADULT).to_html(),
    "nothing": lambda: li.interpret([li.LabResult("Mg", "QNS", "mg/dL")]).to_html(),
    "visits": lambda: html.render_visits(list(visits())),
    "hostile": lambda: hostile().to_html(),
    "cohort": lambda: li.interpret_frame(cohort()).to_html(),
}


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a network; missing, it fails under CI and skips elsewhere."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if BROWSER is None or sync_playwright is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium or playwright is missing; CI installs both")
        pytest.skip("Chromium or playwright is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The pages as files."""
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, page in PAGES.items():
        made[name] = folder / f"{name}.html"
        made[name].write_text(page(), encoding="utf-8")
    return made


@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_off_a_phone(browser, files, name):
    """At 390 px no page is wider than the screen, also with its details open, and nothing offends its policy."""
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    told = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(files[name].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert told == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(browser, files, name, scheme):
    """No rule of WCAG 2.2 AA and good practice is violated, in light and in dark, details open."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    context = browser.new_context(viewport=DESK, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(files[name].as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = axe.Axe().run(page, options={"runOnly": TAGS, "resultTypes": ["violations"]}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
    context.close()


@pytest.mark.parametrize("font", ["sans-serif", "DejaVu Sans", "Liberation Sans", "Noto Sans", "Verdana"])
@pytest.mark.parametrize("size", [("210mm", "297mm"), ("216mm", "279mm")])
def test_three_results_print_on_two_pages(browser, files, size, font):
    """A report of three results takes at most two pages of A4 or Letter, whatever the font, with a centimeter to spare."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(files["three"].as_uri())
    page.add_style_tag(content=f"* {{ font-family: '{font}', sans-serif !important; }}")
    width, height = size[0], f"{int(size[1].removesuffix('mm')) - 10}mm"
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(width=width, height=height))) <= 2
    context.close()


def test_first_screen_shows_every_value(browser, files):
    """On a desk every value of three results is on the first screen; on a phone the first one is."""
    for viewport, count in ((DESK, 3), (PHONE, 1)):
        context = browser.new_context(viewport=viewport)
        page = context.new_page()
        page.goto(files["three"].as_uri())
        ends = page.evaluate(
            "[...document.querySelectorAll('.value .number')].map((e) => e.getBoundingClientRect().bottom)"
        )
        assert len(ends) == 3
        assert max(ends[:count]) < viewport["height"]
        context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_index_breaks_no_name(browser, tmp_path, width):
    """Ids of an ordinary length and the names of findings stand whole in the index of many, and nothing runs off."""
    sent = {"test": ["Mg", "Ca", "B12"], "value": ["0.5", "6.0", "100"], "unit": ["mg/dL", "mg/dL", "pg/mL"], "age": 50}
    table = pd.concat([pd.DataFrame(sent).assign(patient_id=f"P{i:05}") for i in range(60)], ignore_index=True)
    path = tmp_path / "index.html"
    path.write_text(li.interpret_frame(table).to_html(), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(path.as_uri())
    heights = page.eval_on_selector_all(
        "#people tr", "rows => rows.map(row => row.cells[0].firstElementChild.getClientRects().length)"
    )
    assert set(heights) == {1}
    broken = page.eval_on_selector_all(
        "#people tr td:nth-child(3)",
        """cells => cells.flatMap(cell => [...cell.textContent.matchAll(/[^ ]+/g)].filter(word => {
            const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode(), range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, Math.min(word.index + word[0].length, text.length));
            return range.getClientRects().length > 1;
        }).map(word => word[0]))""",
    )
    assert broken == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_index_can_be_searched_and_filtered(browser, files):
    """The rows of an index can be searched and filtered by severity; without a script all of them are shown."""
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.goto(files["cohort"].as_uri())
    shown = "[...document.querySelectorAll('#people tr')].filter((row) => row.offsetHeight).length"
    assert page.evaluate(shown) == 3
    page.fill("#search", "p3")
    assert page.evaluate(shown) == 1
    page.fill("#search", "")
    page.select_option("#severity", "high")
    assert page.evaluate(shown) == 1
    assert page.inner_text("#found") == "1 of 3 listed"
    context.close()
    plain = browser.new_context(viewport=DESK, java_script_enabled=False).new_page()
    plain.goto(files["cohort"].as_uri())
    assert plain.locator("#people tr").count() == 3
    assert not plain.locator("#filters").is_visible()
    plain.context.close()
