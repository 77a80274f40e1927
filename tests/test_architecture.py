"""The layering is held by reading the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import labinterp

SOURCE = Path(labinterp.__file__).parent
FLOORS = {
    "errors": 0, "_data": 0, "_version": 0, "arguments": 0, "frozen": 0, "formulas": 0, "checking": 0, "json_text": 0.1,
    "model": 1, "codes": 1.1, "reading": 1.2,
    "ranges": 2.1,
    "tables": 3, "reasoning": 3, "kernel": 3.1, "options": 3.2,
    "as_sent": 3.9, "interpretation": 4, "serialization": 4, "changes": 4, "batch": 4.05, "frames": 4.1, "verification": 4.1, "schema": 4.1, "reading_back": 4.2,
    "messages": 5, "documents": 5.1, "engines": 5.2, "auditing": 5.3, "report": 5, "impact": 5, "pandas": 5,
    "service": 6, "cli": 6, "__main__": 7,
}  # fmt: skip
"""Floor by module, tenths for those that stand on a neighbor."""

ALONE = {
    "pint": ("reading.units",),
    "pandas": ("batch", "frames", "engines", "tables", "documents", "messages", "pandas", "impact", "cli", "auditing"),
    "pyspark": ("engines.spark",),
    "duckdb": ("engines",),
    "datasketches": ("auditing.distribution",),
    "click": ("cli",),
    "rich": ("cli",),
    "starlette": ("service",),
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


def floor(name):
    return FLOORS[name.split(".")[0]]


def imports(path, *, typing_too=False):
    """Return what a module imports, at its top or inside functions, but not for type checking alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not typing_too:
            skipped.update(id(child) for child in ast.walk(node))
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "labinterp":
                yield from ((f"labinterp.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_module_imports_only_from_floors_below(name, path):
    """A module imports only from the floors below it, or from its own package; results make themselves lazily."""
    own = name.split(".")[0]
    lazy = {"model"}
    for target, line in imports(path):
        if not target.startswith("labinterp."):
            continue
        inside = target.removeprefix("labinterp.")
        if inside.split(".")[0] == own or name in lazy:
            continue
        assert floor(inside) < floor(name), f"{name}:{line} imports {target}"


@pytest.mark.parametrize("package", sorted(ALONE))
def test_package_is_imported_in_its_place_alone(package):
    """Each third-party package is imported where it belongs and nowhere else."""
    for name, path in modules():
        for target, line in imports(path):
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
    """`__all__` and the lazy table name the same things, and each of them can be had."""
    assert set(labinterp.__all__) == {*labinterp._HOME, "__version__"}
    for name in labinterp.__all__:
        assert getattr(labinterp, name) is not None


def test_submodule_never_hides_a_public_function():
    """No module of the package has the name of a public function, which importing it would replace."""
    names = {path.stem if path.stem != "__init__" else path.parent.name for path in SOURCE.glob("*")}
    assert not names & set(labinterp.__all__)
