"""What is said and shown lies once, in the room `words`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import labinterp
from labinterp.words import uris

SOURCE = Path(labinterp.__file__).parent
URI = re.compile(r"(?:https?://[a-z]|urn:labinterp)")
EXAMPLE = re.compile(r"https://(?:[a-z]+\.example\.org|www\.nice\.org\.uk/)")
"""What shows the form of an address in a hint or in the documentation of a file."""


def modules():
    return sorted(path for path in SOURCE.rglob("*.py"))


def texts(path):
    """Return the texts of a module's code with their lines: not its docstrings, each f-string as one text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (node for node in ast.walk(tree) if isinstance(node, ast.Expr))
    passed = {id(inner) for node in documented for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in passed:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = [part for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            passed |= {id(part) for part in parts}
            yield node.lineno, "".join(part.value for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_uri_of_a_system_stands_in_the_list_alone(path):
    """No module but the list spells the URI of a system, a form or a kind of ours."""
    if path == SOURCE / "words" / "uris.py":
        assert any(URI.search(text) for _, text in texts(path))
        return
    found = [f"{line}: {text}" for line, text in texts(path) if URI.search(EXAMPLE.sub("", text))]
    assert not found


def test_every_uri_of_the_list_is_another():
    """No URI stands twice in the list."""
    known = [value for name, value in vars(uris).items() if name.isupper() and not name.startswith("_")]
    assert len(known) == len(set(known))
