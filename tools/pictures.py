"""Draw the pictures of README and documentation: python tools/pictures.py [CHROMIUM]."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

import labinterp as li

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
TYPED = ("25OHD 9 ng/mL", "Ca 7,9 mg/dL (8.6-10.2)", "albumin 4.1 g/dL", "Mg 1.9 mg/dL")
PERSON = ("--age", "54", "--sex", "female")


def terminal(name: str, shown: str, command: tuple[str, ...], lines: int) -> None:
    """Write what a command prints as SVG, its first lines."""
    program = [sys.executable, "-m", "labinterp", *command]
    said = subprocess.run(program, check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603 - our own program
    console = Console(record=True, width=84, file=tempfile.TemporaryFile("w"), force_terminal=True)  # noqa: SIM115 - nobody reads it
    console.print(Text(f"$ {shown}", style="bold"))
    for line in said.stdout.splitlines()[:lines]:
        console.print(Text.from_ansi(line), soft_wrap=True)
    drawn = console.export_svg(title="labinterp", unique_id=name)
    drawn = re.sub(r"\s*@font-face \{.*?\}\n", "\n", drawn, flags=re.DOTALL)  # a picture loads nothing
    lines_ = [line.rstrip() for line in drawn.splitlines()]
    (PICTURES / f"{name}.svg").write_text("\n".join(lines_) + "\n", encoding="utf-8")


def screenshot(name: str, page: str, chromium: str, size: tuple[int, int]) -> None:
    """Write what a browser shows of a page as PNG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page, encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={folder}/profile"]
        wanted = [f"--window-size={size[0]},{size[1]}", f"--screenshot={PICTURES / name}.png", path.as_uri()]
        subprocess.run([chromium, *options, *wanted], check=True, capture_output=True, timeout=120)  # noqa: S603 - the browser named


def main() -> None:
    """Draw every picture anew."""
    chromium = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium"
    PICTURES.mkdir(exist_ok=True)
    command = ("panel", *TYPED, *PERSON)
    terminal("panel", shlex.join(["labinterp", *command]), command, 32)
    example = "examples/data/panels.csv"
    terminal("interpret", f"labinterp interpret {example}", ("interpret", example), 60)
    report = li.interpret(
        [
            li.LabResult("25OHD", "9", "ng/mL"),
            li.LabResult("Ca", "7,9", "mg/dL", reference_low=8.6, reference_high=10.2),
            li.LabResult("albumin", "4.1", "g/dL"),
            li.LabResult("Mg", "1.9", "mg/dL"),
        ],
        li.Patient(age=54, sex="female"),
    )
    page = report.to_html(title="Report")
    screenshot("report", page, chromium, (860, 815))
    graph = next(found for found in re.findall(r"<svg\b.*?</svg>", page, re.DOTALL) if "fasciculation" in found.lower())
    style = re.search(r"<style>.*?</style>", page, re.DOTALL)
    screenshot("graph", f"<!doctype html>{style[0] if style else ''}<body>{graph}</body>", chromium, (370, 730))


if __name__ == "__main__":
    main()
