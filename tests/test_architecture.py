"""The layering is held by reading the imports."""

from __future__ import annotations

import ast
import functools
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import labinterp

SOURCE = Path(labinterp.__file__).parent
FLOORS = {
    "errors": 0, "exhausted": 0.1, "_data": 0, "_version": 0, "arguments": 0, "markup": 0, "frozen": 0, "formulas": 0, "checking": 0, "json_text": 0.1, "kept": 0, "json_writing": 0.1, "places": 0.1, "tolerance": 0,
    "words": 0.5,
    "reading.cells": 0.7, "reading.times": 0.8, "reading.ids": 0.8, "reading.demographics": 0.9, "model": 1, "codes": 1.1, "reading": 1.2,
    "ranges": 2.1,
    "tables": 3, "reasoning": 3, "kernel": 3.1, "options": 3.2, "as_sent": 3.3, "changes": 3.4,
    "serialization": 3.5, "schema": 3.6, "reading_back": 3.7, "report": 3.8, "messages.fhir_out": 3.8, "messages.hl7_out": 3.8, "answer": 3.9,
    "interpretation": 4, "batch": 4.05, "frames": 4.1, "verification": 4.1,
    "messages": 5, "documents": 5.1, "engines": 5.2, "auditing": 5.3, "impact": 5, "pandas": 5, "trials": 5,
    "service": 6, "cli": 6, "__main__": 7,
}  # fmt: skip
"""Floor by module, tenths for those that stand on a neighbor."""

ALONE = {
    "pint": ("reading.units",),
    "pandas": (
        "batch",
        "frames",
        "engines",
        "tables",
        "documents",
        "messages",
        "pandas",
        "impact",
        "cli",
        "auditing",
        "trials",
    ),
    "pyspark": ("engines.spark",),
    "duckdb": ("engines",),
    "datasketches": ("auditing.distribution",),
    "click": ("cli",),
    "rich": ("cli",),
    "starlette": ("service",),
    "prometheus_client": ("service.metrics",),
    "jinja2": ("report",),
    "hl7": ("messages.hl7",),
}
"""Package → the only places that import it."""


def modules():
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name:
            yield name, path


PATHS = {"labinterp": SOURCE / "__init__.py", **{f"labinterp.{name}": path for name, path in modules()}}


def floor(name):
    return FLOORS[name] if name in FLOORS else floor(name.rpartition(".")[0])


@functools.cache
def imports(path, *, running=False):
    """Return what a module imports: at its top, inside functions, by `import_module` and, if not `running` alone, for type checking."""
    return tuple(_imports(path, running=running))


def _imports(path, *, running):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    skipped = {id(child) for node in typing if running for child in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            if isinstance(node.args[0], ast.Constant):
                yield node.args[0].value, node.lineno
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno} imports by a relative name"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if inner in PATHS else node.module), node.lineno


def graph():
    """Return module → the modules of ours that it imports, the package itself among them."""
    return {name: {target for target, _ in imports(path)} & PATHS.keys() - {name} for name, path in PATHS.items()}


def components(edges):
    """Return the strongly connected components of a graph (Tarjan 1972, doi:10.1137/0201010)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in edges[node]:
            if target not in index:
                visit(target)
            if target in stack:
                low[node] = min(low[node], low[target])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for node in edges:
        if node not in index:
            visit(node)
    return found


def test_no_modules_import_each_other_in_a_circle():
    """No module imports itself by way of others: not at the top, not in a function, not for types."""
    circles = [found for found in components(graph()) if len(found) > 1]
    assert not circles, "\n".join(" <-> ".join(circle) for circle in circles)


def test_components_see_a_circle():
    """The search for circles finds one that goes through three modules."""
    assert [found for found in components({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) if len(found) > 1] == [
        ["a", "b", "c"]
    ]


def test_every_name_of_a_class_is_taken_once():
    """No two classes have one name, so that a name in a message, a search or a review means one thing."""
    places = {}
    for name, path in modules():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name)
    assert not {name: found for name, found in places.items() if len(found) > 1}


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_module_imports_only_from_floors_below(name, path):
    """A module imports only from the floors below it, or from its own package where that is one floor."""
    for target, line in imports(path):
        inside = target.removeprefix("labinterp.")
        if inside == target:
            continue
        same = inside.split(".")[0] == name.split(".")[0]
        assert floor(inside) < floor(name) or (same and floor(inside) == floor(name)), f"{name}:{line} imports {target}"


@pytest.mark.parametrize("package", sorted(ALONE))
def test_package_is_imported_in_its_place_alone(package):
    """Each third-party package is imported where it belongs and nowhere else."""
    for name, path in modules():
        for target, line in imports(path, running=True):
            if target.split(".")[0] == package:
                assert any(name == place or name.startswith((f"{place}.", place)) for place in ALONE[package]), (
                    f"{name}:{line} imports {target}"
                )


def test_import_loads_nothing_heavy():
    """`import labinterp` loads neither pandas, numpy, pyarrow nor a unit registry."""
    code = (
        "import sys, labinterp\n"
        "print([m for m in ('pandas', 'numpy', 'pint', 'pyarrow', 'cattrs', 'click') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - code of ours
    assert out.stdout.strip() == "[]"


def test_scalar_face_needs_no_arrays():
    """Interpreting Python objects loads neither pandas nor numpy's users among our modules."""
    code = (
        "import sys, labinterp as li\n"
        "li.interpret([li.LabResult('magnesium', 1.1, 'mg/dL')], li.Patient(age=50)).to_json()\n"
        "print([m for m in ('pandas', 'pyarrow', 'labinterp.kernel.vector', 'labinterp.frames') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - code of ours
    assert out.stdout.strip() == "[]"


def test_every_public_name_is_there():
    """Each name of `__all__` can be had, and type checkers see the same names."""
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    seen = {alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(labinterp.__all__) == seen - {None}
    for name in labinterp.__all__:
        assert getattr(labinterp, name) is not None


def test_package_shows_what_is_public_and_nothing_else():
    """`dir(labinterp)` lists the public names, whatever was imported before, and no module or helper."""
    importlib.import_module("labinterp.engines.files")
    assert [name for name in dir(labinterp) if not name.startswith("__")] == sorted(
        set(labinterp.__all__) - {"__version__"}
    )


def test_submodule_never_hides_a_public_function():
    """No module of the package has the name of a public function, which importing it would replace."""
    names = {path.stem if path.stem != "__init__" else path.parent.name for path in SOURCE.glob("*")}
    assert not names & set(labinterp.__all__)
