"""Write `sboms/labinterp.cdx.json`, the CycloneDX bill of materials that the wheel carries (PEP 770).

Run: python tools/sbom.py [--check]. Made from `pyproject.toml` alone: no time stamp, no random number, so that the same
project gives the same bytes. What is installed beside labinterp is the installer's choice; the bill names the ranges.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "sboms" / "labinterp.cdx.json"
NOT_SHIPPED = ("all", "test")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)")


def version() -> str:
    """Return the version of the project."""
    text = (ROOT / "src/labinterp/_version.py").read_text(encoding="utf-8")
    match = re.search(r'__version__(?:: [^=]+)? = "([^"]+)"', text)
    if match is None:
        raise SystemExit("no version in src/labinterp/_version.py")
    return match[1]


def requirements() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return each dependency's range of versions and the extras that bring it; none where it is always needed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    extras = {extra: texts for extra, texts in project["optional-dependencies"].items() if extra not in NOT_SHIPPED}
    for extra, texts in {"": project["dependencies"], **extras}.items():
        for text in texts:
            match = _REQUIREMENT.match(text)
            if match is None:
                raise SystemExit(f"a requirement of {extra or 'the project'} cannot be read")
            name = re.sub(r"[-_.]+", "-", match[1]).lower()
            _, before = found.get(name, ("", ()))
            found[name] = (match[2].strip(), (*before, extra) if extra and (before or name not in found) else ())
    return dict(sorted(found.items()))


def bill() -> dict[str, Any]:
    """Return the bill of materials."""
    root = f"pkg:pypi/labinterp@{version()}"
    needed = requirements()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root)}",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "library",
                "bom-ref": root,
                "name": "labinterp",
                "version": version(),
                "purl": root,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": [_component(name, *what) for name, what in needed.items()],
        "dependencies": [
            {"ref": root, "dependsOn": [f"pkg:pypi/{name}" for name in needed]},
            *({"ref": f"pkg:pypi/{name}"} for name in needed),
        ],
    }


def _component(name: str, versions: str, extras: tuple[str, ...]) -> dict[str, Any]:
    properties = [{"name": "labinterp:versions", "value": versions or "any"}]
    properties += [{"name": "labinterp:extra", "value": extra} for extra in extras]
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}",
        "name": name,
        "purl": f"pkg:pypi/{name}",
        "scope": "optional" if extras else "required",
        "properties": properties,
    }


def text() -> str:
    """Return the file's content."""
    return json.dumps(bill(), indent=2) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        stale = not PLACE.is_file() or PLACE.read_text(encoding="utf-8") != text()
        sys.exit("sboms/labinterp.cdx.json is stale; run python tools/sbom.py" if stale else 0)
    PLACE.write_text(text(), encoding="utf-8", newline="\n")
