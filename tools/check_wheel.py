"""Compare a wheel with the checkout, byte for byte. Run: python tools/check_wheel.py WHEEL."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def committed(folder: str) -> list[str]:
    """Return the files that git tracks below a folder."""
    out = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607 - git, with words of ours
    return out.stdout.split()


def faults(wheel: Path) -> list[str]:
    """Return what the wheel lacks or has otherwise than the checkout."""
    found = []
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for path in committed("reference_ranges") + committed("src/labinterp"):
            inside = f"labinterp/{path}" if path.startswith("reference_ranges") else path.removeprefix("src/")
            if inside not in names:
                found.append(f"missing: {inside}")
            elif archive.read(inside) != (ROOT / path).read_bytes():
                found.append(f"differs: {inside}")
        found += [f"unwanted: {name}" for name in sorted(names) if "__pycache__" in name or name.startswith("tests/")]
    return found


if __name__ == "__main__":
    problems = faults(Path(sys.argv[1]))
    print("\n".join(problems) or "the wheel is whole")
    sys.exit(bool(problems))
