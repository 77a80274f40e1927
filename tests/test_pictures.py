"""The pictures of README and documentation show what is printed and drawn now; `python tools/pictures.py` draws them anew."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"


@pytest.fixture(scope="module")
def tool():
    return runpy.run_path(str(ROOT / "tools" / "pictures.py"))


@pytest.mark.parametrize("name", ["panel", "interpret"])
def test_pictures_of_terminals_are_current(tool, name):
    """Each line of a picture of a terminal is what its command prints now."""
    assert name in tool["TERMINALS"]
    shown = (PICTURES / f"{name}.svg").read_text(encoding="utf-8")
    assert tool["texts"](shown) == tool["texts"](tool["terminal"](name))


def test_pictures_of_pages_are_current(tool):
    """Each picture of a browser was drawn from the document that is made now, in light and in dark."""
    kept = tomllib.loads(tool["SOURCES"].read_text(encoding="utf-8"))
    assert kept == {name: tool["sealed"](document) for name, document in tool["documents"]().items()}
    assert {path.stem for path in PICTURES.glob("*.png")} == {f"{name}{end}" for name in kept for end in ("", "-dark")}


def test_every_picture_is_shown():
    """Every picture is in the documentation, and the README shows a terminal, a report and a graph, with words for each."""
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    for path in [*PICTURES.glob("*.png"), *PICTURES.glob("*.svg")]:
        assert f"pictures/{path.name}" in pages, path.name
    shown = re.findall(
        r"!\[([^\]]+)\]\(docs/pictures/([\w-]+)\.\w+\)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert {name for _, name in shown} >= {"panel", "interpret", "report", "graph"}
