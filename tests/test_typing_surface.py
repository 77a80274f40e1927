"""The public surface seen from outside by strict type checkers."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import labinterp

HERE = Path(__file__).parent / "typing_surface"
SOURCE = Path(labinterp.__file__).parents[1]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder in which one check leaves for the next what it found out of the libraries."""
    return tmp_path_factory.mktemp("kept")


def mypy(tmp_path, kept, name, *options):
    """Check a file in a folder of its own, where no configuration of the project is found."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    shutil.copy(HERE / name, tmp_path / name)
    installed = "site-packages" in SOURCE.parts
    environment = {**os.environ, "MYPY_CACHE_DIR": str(kept)}
    if not installed:
        environment["MYPYPATH"] = str(SOURCE)
    return subprocess.run(  # noqa: S603 - words of ours
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--follow-imports=silent", *options, name],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
        timeout=600,
    )


def test_mypy_accepts_a_strict_embedder(tmp_path, kept):
    """A strictly checked program of somebody else needs no cast and no ignore."""
    out = mypy(tmp_path, kept, "embedder.py")
    assert out.stdout + out.stderr == ""
    assert out.returncode == 0


def test_mypy_sees_mistakes(tmp_path, kept):
    """Misspelled and missing arguments, wrong types, and writing to a frozen object are errors on their lines."""
    out = mypy(tmp_path, kept, "misuse.py", "--show-error-codes")
    found = {}
    for line, code in re.findall(r"misuse\.py:(\d+): error: .*\[([a-z-]+)\]$", out.stdout, re.MULTILINE):
        found.setdefault(int(line), set()).add(code)
    expected = {
        i: set(match[1].split())
        for i, line in enumerate((HERE / "misuse.py").read_text(encoding="utf-8").splitlines(), 1)
        if (match := re.search(r"# expect: ([a-z -]+?)(?:  #|$)", line))
    }
    assert found.keys() == expected.keys()
    for line, codes in expected.items():
        assert codes & found[line], line


def test_pyright_accepts_a_strict_embedder(tmp_path):
    """Pyright in its strict mode finds no error either."""
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    shutil.copy(HERE / "embedder.py", tmp_path / "embedder.py")
    settings = {"extraPaths": [str(SOURCE)], "pythonVersion": "3.11", "typeCheckingMode": "strict"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    out = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "embedder.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=600,
    )
    if " error" not in out.stdout:
        pytest.skip("pyright cannot start here: it needs Node.js, as in pyright[nodejs]")
    assert "0 errors" in out.stdout, out.stdout


def test_package_says_that_it_is_typed():
    """The marker that makes type checkers read the package is there."""
    assert (Path(labinterp.__file__).parent / "py.typed").is_file()
