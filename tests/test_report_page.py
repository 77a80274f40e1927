"""The page in a real browser: it draws, and its own content policy has nothing to refuse."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib

import pytest

import labinterp as li

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OFFLINE = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return the log and the picture of a report's page."""
    if BROWSER is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; CI installs it")
        pytest.skip("Chromium is not installed")
    folder = tmp_path_factory.mktemp("page")
    report = li.interpret(
        [li.LabResult("25(OH)D", 9, "ng/mL"), li.LabResult("Ca", "7,9", "mg/dL"), li.LabResult("Mg", "<1.2", "mg/dL")],
        li.Patient(age=54, sex="female"),
    )
    page, picture = folder / "report.html", folder / "report.png"
    page.write_text(report.to_html(), encoding="utf-8")
    command = [
        BROWSER, *OFFLINE, f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--v=0",
        "--window-size=1000,1600", f"--screenshot={picture}", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - the browser
    return done.stderr, picture


def pixels(picture):
    """Return the bytes of a PNG's image data, filters and all."""
    data, at, parts = picture.read_bytes(), 8, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            parts.append(data[at + 8 : at + 8 + size])
        at += size + 12
    return zlib.decompress(b"".join(parts))


def test_browser_refuses_nothing_of_the_page(drawn):
    """No style, picture or script of the page offends its own content policy."""
    log, _ = drawn
    assert "Content Security Policy" not in log
    assert "Refused to" not in log


def test_page_is_drawn(drawn):
    """The picture of the page is not blank: many different bytes in its image data."""
    _, picture = drawn
    assert len(set(pixels(picture))) > 50
