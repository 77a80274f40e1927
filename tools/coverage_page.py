"""Write `docs/coverage.md`: which analytes and patients the shipped profiles and editions cover.

Run: python tools/coverage_page.py [--check]. Made from the files of `reference_ranges` alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from labinterp.ranges import ReferenceSet, reference_set, shipped
from labinterp.ranges.cells import cells, joined
from labinterp.ranges.coverage import coverage, matrix
from labinterp.reading.analytes import analytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labinterp.ranges import Edition

PLACE = Path(__file__).resolve().parents[1] / "docs" / "coverage.md"
HEAD = """\
<!-- Made by tools/coverage_page.py; do not edit. -->
# Coverage

Whom the shipped ranges cover, made from the files themselves. A patient whom no edition of a profile covers gets
`no_reference_range`, and `labinterp ranges coverage` lists these patients for any profile, edition or file; see
[](ranges.md).
"""
KINDS = {
    "reference_interval": "intervals",
    "decision_limit": "decision limits",
    "critical_limit": "critical limits",
    "severity": "severity",
    "grade": "grades",
}


def title(key: str) -> str:
    """Return an analyte in words."""
    return analytes()[key].title


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Return a table in Markdown."""
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def profiles() -> Iterator[str]:
    """Return the matrix of analytes and profiles, and what every profile leaves out."""
    names = list(shipped().profiles())
    head, *rows = matrix([reference_set(name) for name in names])
    yield "\n## Profiles"
    yield "\nWho has a range. Total and adjusted calcium stand in for each other where a profile has one of them alone;"
    yield "the result then notes `range_of_related_analyte`."
    covered = [(title(key), *("" if who == "nobody" else who for who in row)) for key, *row in rows]
    yield from table(["analyte", *head[1:]], covered)
    yield "\n## Left out"
    yield "\nWho has none, by profile."
    for name in names:
        missing: dict[str, list[str]] = {}
        for row in coverage(reference_set(name)):
            missing.setdefault(row.analyte, []).append(str(row.who))
        yield f"\n**{name}**\n"
        yield from (f"- {title(key)}: {'; '.join(who)}" for key, who in missing.items())


def editions() -> Iterator[str]:
    """Return what every edition has, for whom, and how its figures were read."""
    yield "\n## Editions"
    yield "\nEvidence says how the figures were read: `primary` in the source itself, `secondary` in a transcription,"
    yield "`engineering` where labinterp had to decide something that the source leaves open."
    rows = []
    for edition in (shipped().edition(name) for name in shipped().ids()):
        for kind, key in dict.fromkeys((entry.kind, entry.analyte) for entry in (*edition.entries, *edition.grades)):
            own = [e for e in (*edition.entries, *edition.grades) if (e.kind, e.analyte) == (kind, key)]
            evidence = ", ".join(dict.fromkeys(entry.evidence for entry in own))
            rows.append((*_about(edition), title(key), KINDS[kind], _who(edition, kind, key), evidence))
        rows += [(*_about(edition), title(none.analyte), "none, on purpose", "", "") for none in edition.no_categories]
    yield from table(["edition", "in force from", "analyte", "has", "for", "evidence"], rows)


def _about(edition: Edition) -> tuple[str, str]:
    marks = [edition.status] if edition.status != "current" else []
    marks += [edition.use] if edition.use != "interpretive" else []
    said = f" ({', '.join(marks)})" if marks else ""
    return f"`{edition.id}`{said}", str(edition.valid_from)


def _who(edition: Edition, kind: str, key: str) -> str:
    entries = [e for e in (*edition.entries, *edition.grades) if (e.kind, e.analyte) == (kind, key)]
    every = cells(ReferenceSet(edition.id, (edition,)).age_breaks(key))
    held = [cell for cell in every if any(e.partition.holds(cell.age_low, cell.sex, cell.pregnancy) for e in entries)]
    return "; ".join(map(str, joined(held)))


def text() -> str:
    """Return the page."""
    return HEAD + "\n".join([*profiles(), *editions()]) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is what the files make."""
    made = text()
    if "--check" in arguments:
        return int(not PLACE.is_file() or PLACE.read_text(encoding="utf-8") != made)
    PLACE.write_text(made, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
