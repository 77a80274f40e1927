"""The bill of materials in the wheel."""

from __future__ import annotations

import json
import runpy
import tomllib
from pathlib import Path

import labinterp

ROOT = Path(__file__).parents[1]


def test_bill_of_materials_is_that_of_the_project():
    """`sboms/labinterp.cdx.json` is what `tools/sbom.py` makes of `pyproject.toml`, byte for byte."""
    made = runpy.run_path(str(ROOT / "tools" / "sbom.py"))
    assert (ROOT / "sboms" / "labinterp.cdx.json").read_text(encoding="utf-8") == made["text"]()


def test_bill_of_materials_names_every_dependency():
    """Every dependency is there, required or by the extra that brings it, and the wheel is told to carry the file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    bill = json.loads((ROOT / "sboms" / "labinterp.cdx.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["version"] == labinterp.__version__
    required = {item["name"] for item in bill["components"] if item["scope"] == "required"}
    assert required == {text.partition(">")[0] for text in project["project"]["dependencies"]}
    extras = {
        found["value"] for item in bill["components"] for found in item["properties"] if found["name"].endswith("extra")
    }
    declared = {name: texts for name, texts in project["project"]["optional-dependencies"].items() if texts}
    assert extras == declared.keys() - {"all", "test"}
    references = {item["bom-ref"] for item in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {item["ref"] for item in bill["dependencies"]} == references
    target = project["tool"]["hatch"]["build"]["targets"]
    assert target["wheel"]["sbom-files"] == ["sboms/labinterp.cdx.json"]
    assert "/sboms" in target["sdist"]["include"]


def test_lowest_versions_are_the_declared_ones():
    """`constraints/lowest.txt` names the lowest version that is declared of everything a user can install."""
    assert (ROOT / "constraints" / "lowest.txt").read_text(encoding="utf-8") == runpy.run_path(
        str(ROOT / "tools" / "lowest.py")
    )["text"]()


def test_nothing_of_the_wheel_is_a_tool():
    """What only developers run lies under `tools/` and not in the package."""
    for path in (ROOT / "src").rglob("*.py"):
        assert '__name__ == "__main__"' not in path.read_text(encoding="utf-8"), path.name
