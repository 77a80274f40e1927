"""Draw the pictures of README and documentation: python tools/pictures.py [CHROMIUM].

`docs/pictures/sources.toml` keeps the SHA-256 of each document that a browser drew. A test compares it, and the texts
of the terminals, with what is made now.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

import labinterp as li

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
SOURCES = PICTURES / "sources.toml"
TYPED = ("25OHD 9 ng/mL", "Ca 7,9 mg/dL (8.6-10.2)", "albumin 4.1 g/dL", "Mg 1.9 mg/dL")
TERMINALS = {
    "panel": (("panel", *TYPED, "--age", "54", "--sex", "female"), 32),
    "interpret": (("interpret", "examples/data/panels.csv"), 60),
}
"""Picture → a command and how many of its lines are shown."""
WIDTHS = {"report": 860, "graph": 370}
SCHEMES = {"light": "", "dark": "-dark"}


def terminal(name: str) -> str:
    """Return what a command prints as SVG, its first lines."""
    command, lines = TERMINALS[name]
    program = [sys.executable, "-m", "labinterp", *command]
    env = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    said = subprocess.run(program, check=True, capture_output=True, encoding="utf-8", cwd=ROOT, env=env)  # noqa: S603 - our own program
    with tempfile.TemporaryFile("w", encoding="utf-8") as unread:
        console = Console(record=True, width=84, file=unread, force_terminal=True)
        console.print(Text(f"$ {shlex.join(['labinterp', *command])}", style="bold"))
        for line in said.stdout.splitlines()[:lines]:
            console.print(Text.from_ansi(line), soft_wrap=True)
        drawn = console.export_svg(title="labinterp", unique_id=name)
    drawn = re.sub(r"\s*@font-face \{.*?\}\n", "\n", drawn, flags=re.DOTALL)  # a picture loads nothing
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def texts(drawn: str) -> list[str]:
    """Return the lines of an SVG of a terminal, which do not depend on the version of rich."""
    return re.findall(r"<text\b[^>]*>(.*?)</text>", drawn, re.DOTALL)


def documents() -> Mapping[str, str]:
    """Return the documents of which a browser makes pictures: the head of a report, and its graph."""
    results = li.read("\n".join(TYPED)).to_dict("records")
    page = li.interpret(results, li.Patient(age=54, sex="female")).to_html(title="Report")
    head = page[: page.index('<section aria-labelledby="mechanisms">')]
    style = "".join(re.findall(r"<style>.*?</style>", page, re.DOTALL))
    graph = re.search(r'<svg class="mechanisms".*?</svg>', page, re.DOTALL)
    drawn = "" if graph is None else graph[0]
    return {"report": f"{head}</main></body></html>", "graph": f"<!doctype html>{style}<body>{drawn}</body>"}


def sealed(document: str) -> str:
    """Return the SHA-256 of a document."""
    return hashlib.sha256(document.encode()).hexdigest()


def main() -> None:
    """Draw every picture anew."""
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(exist_ok=True)
    for name in TERMINALS:
        (PICTURES / f"{name}.svg").write_text(terminal(name), encoding="utf-8")
    made = documents()
    before = tomllib.loads(SOURCES.read_text(encoding="utf-8")) if SOURCES.exists() else {}
    stale = {name: document for name, document in made.items() if before.get(name) != sealed(document)}
    if not stale:
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium", args=["--no-sandbox"]
        )
        for name, document in stale.items():
            for scheme, suffix in SCHEMES.items():
                size = {"width": WIDTHS[name], "height": 100}
                page = browser.new_page(viewport=size, color_scheme=scheme, bypass_csp=True)
                page.set_content(document)
                page.add_style_tag(content="* { font-family: Arial, sans-serif }")  # the same wherever it is drawn
                page.screenshot(path=PICTURES / f"{name}{suffix}.png", full_page=True)
                page.close()
        browser.close()
    lines = "".join(f'{name} = "{sealed(document)}"\n' for name, document in made.items())
    SOURCES.write_text(f"# SHA-256 of what each picture shows. Made by tools/pictures.py.\n{lines}", encoding="utf-8")


if __name__ == "__main__":
    main()
