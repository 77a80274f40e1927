"""The built documentation in a real browser: axe, a phone, and the search."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDED = ("sphinx", "furo", "myst_parser", "playwright", "axe_playwright_python")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
PAGES = [path.relative_to(DOCS).with_suffix("").as_posix() for path in sorted(DOCS.rglob("*.md"))]
READ_BY_AXE = [
    "index",
    "quickstart",
    "how_to",
    "how_to/fhir_server",
    "api",
    "codes",
    "spellings",
    "mechanisms",
    "coverage",
]
READ_BY_AXE = [*(f"{name}.html" for name in READ_BY_AXE), "search.html?q=ng%2FmL"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The documentation, built once for all workers of the session, warnings as errors."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    missing += ["Chromium"] if BROWSER is None else []
    if missing:
        if os.environ.get("CI"):
            pytest.fail(f"missing, and CI installs them: {missing}")
        pytest.skip(f"not installed: {missing}")
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "docs"
    said = place / "said.txt"
    try:
        place.mkdir()
    except FileExistsError:  # another worker builds it
        while not said.exists():
            time.sleep(0.1)
    else:
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(DOCS), str(place / "html")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        part = place / "said.part"
        part.write_text(done.stderr if done.returncode else "", encoding="utf-8")
        part.replace(said)
    assert said.read_text(encoding="utf-8") == ""
    return place / "html"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def address(built):
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(built):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


THIN_OUT = """() => {
  const seen = {};
  for (const each of document.querySelectorAll('dl.py, tr, li, pre span')) {
    const kind = [each.tagName, each.className, each.parentElement?.className].join();
    seen[kind] = (seen[kind] ?? 0) + 1;
    if (seen[kind] > 20) each.remove();
  }
}"""
"""Of entries, rows and tokens made alike, thousands on a page of reference, twenty of each kind are read."""


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(THIN_OUT)
    found = Axe().run(page, options={"runOnly": TAGS, "resultTypes": ["violations"]}).response["violations"]
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", READ_BY_AXE)
def test_axe_finds_nothing(browser, address, name, scheme):
    """No rule of WCAG 2.2 AA and good practice is violated by a page of the documentation, in light and in dark."""
    context = browser.new_context(viewport=PHONE if scheme == "dark" else DESK, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{address}/{name}")
    if name.startswith("search"):
        page.wait_for_selector("ul.search p")
    assert violations(page) == []
    context.close()


def test_nothing_runs_off_a_phone(browser, address):
    """At 390 px no page is wider than the screen, what is wider scrolls by keyboard, and no script fails."""
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    said = []
    page.on("pageerror", lambda error: said.append(str(error)))
    for name in PAGES:
        page.goto(f"{address}/{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        unreached = "[...document.querySelectorAll('pre, .table-wrapper')].filter((box) => "
        unreached += "box.scrollWidth > box.clientWidth && box.tabIndex !== 0).length"
        assert page.evaluate(unreached) == 0, name
    assert said == []
    context.close()


@pytest.mark.parametrize(
    "typed, expected",
    [
        ("ng/mL", {"units", "quickstart"}),
        ("mEq/L", {"units", "how_to/nine_hospitals"}),
        ("µmol/L", {"units"}),
        ("25-OH", {"quickstart", "concepts"}),
        ("hypocalcaemia", {"mechanisms", "cases"}),
        ("ionised calcium", {"concepts", "mechanisms"}),
        ("missing_unit", {"codes"}),
        ("interpret_files", {"api", "scale"}),
    ],
)
def test_search_finds(browser, address, typed, expected):
    """Units, names with hyphens, British spellings, codes and functions are found as they are typed."""
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.goto(f"{address}/index.html")
    page.fill(".sidebar-search", typed)
    page.press(".sidebar-search", "Enter")
    page.wait_for_function("document.querySelector('.search-summary')?.innerText.startsWith('Search finished')")
    links = page.eval_on_selector_all("ul.search a", "(all) => all.map((each) => each.getAttribute('href'))")
    found = {link.split(".html")[0] for link in links}
    assert expected <= found
    assert len(found) < len(PAGES) / 2  # a unit is one word, and no page is found for its L alone
    context.close()
