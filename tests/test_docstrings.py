"""Docstrings: their examples run, and those of public names say what a user needs."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import types
from pathlib import Path

import pytest

import labinterp as li
from labinterp import errors

MODULES = sorted(
    found.name for found in pkgutil.walk_packages(li.__path__, "labinterp.") if not found.name.endswith("__main__")
)


SOURCE = Path(li.__file__).parent
PAGES = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))
API = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def listed():
    """Every function and class beyond those of `__all__` that a page of the documentation lists, by name."""
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


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith(("Error", "NotFound"))])
def test_docstring_of_an_error_shows_its_attributes(name):
    """Every exception has an example, and says of each attribute of its own what it holds."""
    kind = getattr(errors, name)
    text = inspect.getdoc(kind) or ""
    assert "Example:" in text
    own = [key for key in vars(kind).get("__annotations__", {}) if key != "hint"]
    assert [key for key in own if f"`{key}`" not in text and f"{key}:" not in text] == []


def told():
    """Every text that is shown: what a module says beside its docstrings, and what stands in data."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
                yield node.value
    for path in sorted((SOURCE / "words").glob("*.toml")):
        yield path.read_text(encoding="utf-8")


def test_what_messages_send_users_to_is_public():
    """Every function that a message names can be had, and a page of the documentation has it."""
    found = {name for text in told() for name in re.findall(r"`(labinterp\.[\w.]+)\(", text)}
    assert "labinterp.reading.units.accepted" in found
    for name in found:
        module, _, thing = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), thing))
        assert f":: {name}\n" in API, name


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
