"""Write docs/cases.md: every case of tests/cases in a table by file."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD = """# Cases

What labinterp must answer for results as clinicians meet them. Every line is a case of `tests/cases`, run by
`pytest tests/cases`; the last column says where the expectation comes from. This page is made by `tools/cases_page.py`.
"""


def page() -> str:
    """Return the page as text."""
    parts = [HEAD]
    for path in sorted((ROOT / "tests" / "cases").glob("*.toml")):
        cases = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
        parts.append(f"\n## {path.stem.replace('-', ' ').capitalize()} ({len(cases)})\n")
        parts.append("\n| case | results | found | not found | source |\n|---|---|---|---|---|\n")
        parts.extend(f"| {' | '.join(_cells(case))} |\n" for case in cases)
    return "".join(parts)


def _cells(case: dict[str, object]) -> list[str]:
    rows = [row if isinstance(row, list) else list(row.values()) for row in case["results"]]  # type: ignore[attr-defined]
    results = "; ".join(" ".join(str(item) for item in row[:3] if item != "") for row in rows)
    found = [*case.get("present", ()), *(f"{code} (possible)" for code in case.get("possible", ()))]  # type: ignore[misc]
    cells = [case["title"], results, ", ".join(found) or "-", ", ".join(case.get("absent", ())) or "-", case["source"]]  # type: ignore[arg-type]
    return [str(cell).replace("|", "\\|") for cell in cells]


if __name__ == "__main__":
    (ROOT / "docs" / "cases.md").write_text(page(), encoding="utf-8")
