"""The pages on ranges: what they print is what the files and the commands give."""

from __future__ import annotations

import doctest
import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest

from labinterp.cli import main

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ranges.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_coverage_page_is_that_of_the_files():
    """`docs/coverage.md` is what `tools/coverage_page.py` makes of the shipped ranges; run it after a change."""
    made = runpy.run_path(str(ROOT / "tools" / "coverage_page.py"))
    assert (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8") == made["text"]()


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.splitlines()[0][2:])
def test_commands_print_what_the_page_says(session, capsys, monkeypatch, tmp_path):
    """Every command of the page runs and prints what the page shows; `...` stands for further lines."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples" / "data" / "ours.toml", tmp_path)
    shutil.copytree(ROOT / "examples" / "data", tmp_path / "examples" / "data")
    for command, said in re.findall(r"^\$ labinterp (.*)\n((?:(?!\$ ).*\n?)*)", session, re.MULTILINE):
        assert main(shlex.split(command)) == 0
        printed = capsys.readouterr().out
        assert doctest.OutputChecker().check_output(said, printed, doctest.ELLIPSIS), printed
