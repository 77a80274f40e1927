"""The page of the service in a real browser: by hand, by keyboard, on a phone, and with axe."""

import importlib
import os
import shutil

import pytest

from test_service_page import LINES
from test_service_server import running

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser():
    """Start a real browser; in CI it must be there."""
    api = (
        pytest.importorskip("playwright.sync_api")
        if not os.environ.get("CI")
        else __import__("playwright.sync_api").sync_api
    )
    if BROWSER is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; CI installs it")
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address():
    with running() as (_, (host, port)):
        yield f"http://{host}:{port}/"


@pytest.fixture
def page(browser, address):
    """Open the page on a phone; anything that its policy refuses, and any request elsewhere, fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=True)
    opened = context.new_page()
    said, asked = [], []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(address)
    yield opened
    context.close()
    assert not [text for text in said if "status of 422" not in text]
    assert all(url.startswith(address) for url in asked)


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth") <= 390


def press_submit(page):
    with page.expect_navigation():
        page.locator("button[type=submit]").click()


def test_paste_in_a_browser(page):
    """The page fits a phone; pasting and pressing the one button shows the report."""
    assert fits(page)
    page.fill("textarea[name=results]", LINES)
    page.fill("input[name=age]", "54")
    press_submit(page)
    assert "Hypocalcemia" in page.content()


def test_upload_in_a_browser(page, tmp_path):
    """A chosen file is read."""
    file = tmp_path / "labs.csv"
    file.write_text(LINES)
    page.set_input_files("input[type=file]", file)
    page.fill("input[name=age]", "54")
    press_submit(page)
    assert "Hypomagnesemia" in page.content()


def test_type_in_a_browser(page):
    """Five values can be typed."""
    rows = [("magnesium", "1.1", "mg/dL"), ("calcium", "7.9", "mg/dL"), ("vitamin_d", "9", "ng/mL"),
            ("vitamin_b12", "150", "pg/mL"), ("homocysteine", "30", "umol/L")]  # fmt: skip
    for i, (test, value, unit) in enumerate(rows):
        page.locator("select[name=test]").nth(i).select_option(test)
        page.locator("input[name=value]").nth(i).fill(value)
        page.locator("select[name=unit]").nth(i).select_option(unit)
    page.fill("input[name=age]", "54")
    press_submit(page)
    assert "5 results" in page.inner_text("body")


def test_keyboard_alone(page):
    """The page can be used by keyboard alone: skip, paste, and send."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "results"
    page.keyboard.insert_text(LINES)
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "age":
            page.keyboard.type("54")
        if page.evaluate("document.activeElement.type") == "submit":
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Hypomagnesemia" in page.content()


def test_tests_and_units_can_be_read_on_a_phone(browser, address):
    """At 390 px no name of a test and no unit that is chosen is cut off."""
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto(address)
        cut = page.eval_on_selector_all(
            ".row select",
            """selects => selects.flatMap(select => {
                const style = getComputedStyle(select), pen = document.createElement("canvas").getContext("2d");
                pen.font = style.font;
                const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 16;
                return [...select.options].map(each => each.text).filter(text => pen.measureText(text).width > room);
            })""",
        )
        assert cut == []
        assert fits(page)


def test_fault_in_a_browser(page):
    """A fault is announced, has the focus, and what was typed is still there."""
    page.fill("textarea[name=results]", "  garbage\nmore")
    page.locator("input[value=cramps]").check()
    press_submit(page)
    assert "fit no known layout" in page.locator("[role=alert]").inner_text()
    assert page.evaluate("document.activeElement.id") == "fault"
    assert page.input_value("textarea[name=results]") == "  garbage\nmore"
    assert page.locator("input[value=cramps]").is_checked()
    assert fits(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(browser, address, scheme):
    """Axe finds no violation on the page, with and without a fault, in light and dark."""
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    assert axe.run(page).violations_count == 0
    press_submit(page)
    result = axe.run(page)
    assert result.violations_count == 0, result.generate_report()
    context.close()
