"""What the papers of the project say is true, and their examples run."""

from __future__ import annotations

import ast
import doctest
import hashlib
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import labinterp as li
from labinterp.cli import main
from labinterp.codes import FLAGS, LEVELS, NOTES, PROBLEMS
from test_architecture import FLOORS

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs" / "how_to").glob("*.md"))
PAPERS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(path):
    """Return the Python blocks of a page with the line on which each begins."""
    text = path.read_text(encoding="utf-8")
    return [
        (match[1], text[: match.start(1)].count("\n"))
        for match in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


@pytest.mark.parametrize("path", [path for path in PAPERS if blocks(path)], ids=lambda path: path.name)
def test_examples_of_a_page_run(path):
    """Every Python example of README and documentation prints what the page says, in order, in one namespace."""
    options = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    runner = doctest.DocTestRunner(optionflags=options)
    names: dict[str, object] = {}
    for text, line in blocks(path):
        example = doctest.DocTestParser().get_doctest(text, names, path.name, str(path), line)
        said: list[str] = []
        runner.run(example, out=said.append, clear_globs=False)
        names = example.globs
        assert not runner.summarize(verbose=False).failed, "".join(said)


def sessions(path):
    """Return the commands of a page's console blocks with what each is said to print."""
    shown = re.findall(r"^```console\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [found for session in shown for found in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", session, re.MULTILINE)]


@pytest.mark.parametrize("path", [path for path in GUIDES if sessions(path)], ids=lambda path: path.name)
def test_commands_of_a_guide_print_what_it_shows(path, tmp_path):
    """Every command of a how-to guide runs, one after the other, and prints what is shown; `...` stands for more."""
    if shutil.which("sh") is None:
        pytest.skip("the commands of the guides are those of a POSIX shell")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__*__"))
    (tmp_path / "bin").mkdir()
    for name, begins in (("python", ""), ("labinterp", " -m labinterp")):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{begins} "$@"\n', encoding="utf-8")
        program.chmod(0o700)
    places = {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    env = {**os.environ, **places, "COLUMNS": "80", "PYTHONUTF8": "1", "PYTHONWARNINGS": "error"}
    for command, said in sessions(path):
        done = subprocess.run(  # noqa: S603 - commands of our own pages
            ["/bin/sh", "-c", command], cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert doctest.OutputChecker().check_output(said, done.stdout, flags), done.stdout


def test_every_guide_is_on_the_first_page_of_guides():
    """The page of how-to guides links every guide, in its table and in the tree of pages."""
    page = read("docs/how_to.md")
    for path in GUIDES:
        assert page.count(f"how_to/{path.stem}") == 2, path.name


def test_readme_begins_with_the_two_commands():
    """The first screen of the README has the two commands, each alone in its block."""
    found = re.findall(r"^```\n(.*?)\n```$", read("README.md"), re.MULTILINE | re.DOTALL)
    assert found[:2] == [
        "python -m pip install '.[all]' && labinterp interpret examples/data/panels.csv",
        "python -m pip install -e '.[all,test]' && python -m pytest",
    ]
    assert read("README.md").index(found[1]) < 700


def test_readme_shows_what_the_command_line_prints(capsys, monkeypatch):
    """The trace in the README is printed by the command before it, line for line but for what the dots leave out."""
    command, shown = re.search(
        r"command line, `labinterp (panel .*?)`:\n\n```\n(.*?)```", read("README.md"), re.DOTALL
    ).groups()
    monkeypatch.setenv("COLUMNS", "80")
    main(shlex.split(command))
    printed = capsys.readouterr().out
    lines = iter([line.rstrip() for line in printed.splitlines()])
    for line in shown.splitlines():
        assert line.strip() == "…" or line in lines, line


def test_links_between_papers_lead_somewhere():
    """Every relative link of README, contributing guide, changelog and documentation names a file that exists."""
    for path in [*PAPERS, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md"]:
        for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (path.parent / target).is_file(), f"{path.name}: {target}"


def test_every_public_name_is_documented():
    """The page of functions and classes has every name of `__all__`; the errors come with their module."""
    page = read("docs/api.md")
    errors = {name for name in li.__all__ if getattr(getattr(li, name), "__module__", "") == "labinterp.errors"}
    listed = set(re.findall(r"^\.\. auto\w+:: labinterp\.(\w+)$", page, re.MULTILINE))
    assert set(li.__all__) - errors <= listed
    assert "automodule:: labinterp.errors" in page


def test_contributing_shows_the_rooms_that_there_are():
    """The table of floors names every room of the package and no other, from the ground up as imports are held."""
    rows = re.findall(r"^\| [a-z ]*\| (`[^|]+) \|", read("CONTRIBUTING.md").partition("### Where")[0], re.MULTILINE)
    rooms = [[name.strip("/").replace("/", ".") for name in re.findall(r"`([\w/]+)`", row)] for row in rows]
    inside = ROOT / "src" / "labinterp"
    there = {path.stem for path in inside.iterdir() if path.suffix == ".py" or path.is_dir()} - {"__pycache__"}
    beside = {"tools", "tests", "benchmarks", "docs"}
    assert {name.partition(".")[0] for row in rooms for name in row} - beside == there - {"__init__", "__main__"}
    assert all((ROOT / name).is_dir() for name in beside)
    lowest = [min(FLOORS[name] for name in row) for row in rooms if set(row) - beside and row != ["knowledge"]]
    assert lowest == sorted(lowest)


def test_contributing_sends_to_files_that_exist():
    """Every file that the guide names lies where it says."""
    inside = ROOT / "src" / "labinterp"
    for name in re.findall(r"`([\w/]+\.(?:py|toml|md|txt|json))`", read("CONTRIBUTING.md").partition("## Data")[0]):
        assert any((place / name).is_file() for place in (ROOT, inside, inside / "words")), name


def test_every_example_is_listed():
    """The page of the examples names every program and folder of data beside it."""
    page = read("examples/README.md")
    for path in [*(ROOT / "examples").glob("*.py"), *(ROOT / "examples" / "data").iterdir()]:
        assert f"`{path.relative_to(ROOT / 'examples').as_posix()}{'/' if path.is_dir() else ''}`" in page, path.name


def test_every_code_is_explained():
    """The pages of concepts and codes have every level, flag, problem and note of the vocabulary."""
    named = set(re.findall(r"`([A-Za-z_0-9]+)`", read("docs/concepts.md") + read("docs/codes.md")))
    assert {*LEVELS, *FLAGS, *PROBLEMS, *NOTES} <= named


@pytest.mark.parametrize("name", ["codes.md", "mechanisms.md", "spellings.md", "units.md"])
def test_made_pages_are_those_of_the_data(name):
    """The pages of codes, mechanisms, spellings and units are what `tools/reference_pages.py` writes; run it after a change."""
    pages = runpy.run_path(str(ROOT / "tools" / "reference_pages.py"))["PAGES"]
    assert pages[name]() == read(f"docs/{name}")


def test_every_control_of_a_hazard_has_its_test():
    """Every row of the table of hazards names a control, and a test that exists."""
    there = {
        node.name
        for path in (ROOT / "tests").glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    table = read("docs/safety.md").split("## Hazards")[1].split("## For those")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        tests = re.findall(r"`(test_\w+)`", row[-1])
        assert row[-2].strip()
        assert tests, row
        assert set(tests) <= there, row


@pytest.mark.parametrize("path, name", [("noxfile.py", "SLOW"), ("tests/conftest.py", "LONG")])
def test_lists_of_slow_tests_name_files_that_are_there(path, name):
    """A file of tests that gets another name gets it where the slow ones are listed."""
    values = {
        ast.unparse(node.targets[0]): node.value for node in ast.parse(read(path)).body if isinstance(node, ast.Assign)
    }
    listed = ast.literal_eval(values[name])
    assert [each for each in listed if not (ROOT / "tests" / f"test_{each}.py").is_file()] == []


def test_versions_agree():
    """Citation and changelog name the version of the package."""
    assert f"\nversion: {li.__version__}\n" in read("CITATION.cff")
    assert f"\n## [{li.__version__}]" in read("CHANGELOG.md")


def test_license_is_whole():
    """The license is the Apache License 2.0, word for word."""
    words = " ".join(read("LICENSE").split())
    assert words.startswith("Apache License Version 2.0, January 2004")
    assert (
        hashlib.sha256(words.encode()).hexdigest() == "0ffddef9e48f8a09aed5caf2d44f7ba1c1be2d9b8e0a6f693b1635b2d5566645"
    )
