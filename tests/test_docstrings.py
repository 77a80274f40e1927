"""Docstrings: their examples run, and those of public names say what a user needs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import types
from pathlib import Path

import pytest

import labinterp as li

MODULES = sorted(
    found.name for found in pkgutil.walk_packages(li.__path__, "labinterp.") if not found.name.endswith("__main__")
)


API = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")


def listed():
    """Every function and class beyond those of `__all__` that the page of functions and classes lists, by name."""
    for name in re.findall(r"^\.\. auto(?:function|class):: labinterp\.([\w.]+\.\w+)$", API, re.MULTILINE):
        module, _, thing = name.rpartition(".")
        yield name, getattr(importlib.import_module(f"labinterp.{module}"), thing)


def public():
    """Every public function, class and method that users call, by name."""
    for name in li.__all__:
        thing = getattr(li, name)
        if isinstance(thing, str | types.ModuleType) or (inspect.isclass(thing) and issubclass(thing, Exception)):
            continue
        yield name, thing
        for method, made in vars(thing).items() if inspect.isclass(thing) else ():
            if not method.startswith("_") and isinstance(made, types.FunctionType | classmethod | property):
                yield f"{name}.{method}", made.fget if isinstance(made, property) else getattr(thing, method)


PUBLIC = dict(public()) | dict(listed())


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    """Every example in a docstring prints what the docstring says."""
    module = importlib.import_module(name)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        runner.run(example, out=said.append)
    assert not runner.summarize(verbose=False).failed, "".join(said)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_of_a_public_name_says_what_a_user_needs(name):
    """A public docstring names every argument, says what comes back, and has an example."""
    thing = PUBLIC[name]
    text = inspect.getdoc(thing) or ""
    assert "Example:" in text
    arguments = [key for key in inspect.signature(thing).parameters if key not in {"self", "cls"}]
    assert [key for key in arguments if f"{key}:" not in text] == []
    if not inspect.isclass(thing) and inspect.signature(thing).return_annotation != "None":
        assert text.startswith("Return") or "Returns:" in text
