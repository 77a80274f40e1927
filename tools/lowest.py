"""Write `constraints/lowest.txt`: the lowest version that is declared of everything a user can install.

Run: python tools/lowest.py. Made from `pyproject.toml` alone; a test holds that it is up to date.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "constraints" / "lowest.txt"
OWN = ("all", "test")


def text() -> str:
    """Return the file's text."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [texts for name, texts in project["optional-dependencies"].items() if name not in OWN]
    lowest: dict[str, str] = {}
    for declared in (text for texts in [project["dependencies"], *extras] for text in texts):
        name, version = re.match(r"([\w.-]+)(?:\[.*\])?>=([\d.]+)", declared).groups()
        lowest[name] = version
    return "# Made by tools/lowest.py from pyproject.toml.\n" + "".join(
        f"{name}=={version}\n" for name, version in sorted(lowest.items())
    )


if __name__ == "__main__":
    PLACE.write_text(text(), encoding="utf-8", newline="\n")
