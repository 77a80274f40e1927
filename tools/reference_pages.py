"""Write codes.md, mechanisms.md, spellings.md and units.md of docs from code, knowledge and cases of the field.

Run: python tools/reference_pages.py
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labinterp.codes import NOTES
from labinterp.reading.analytes import analytes
from labinterp.reading.units import accepted, exact_factor
from labinterp.reasoning import graph
from labinterp.report.mechanisms import Arrow, DrawnNode, drawn
from labinterp.words import labels, problems
from labinterp.words.citations import References
from labinterp.words.sentences import capital

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parents[1]
MADE = "<!-- Made by tools/reference_pages.py; do not edit. -->\n"
CODES = f"""# Problems and notes

{MADE}
A result with a problem has no flag. A code never changes its meaning.

"""
MECHANISMS = f"""# The graph of mechanisms

{MADE}
{{nodes}} nodes, {{edges}} edges. Drawn is what leads to twitching. Blood tests can show what has a double frame, a
plain frame is a mechanism, and the patient tells of what is rounded. A broken arrow is weakly evidenced.

```{{{{raw}}}} html
<figure class="wide">{{drawing}}</figure>
```

A step is direct where a source saw it in people, else indirect. Numbers are sources, listed below.
"""
LOOKS = {
    "state": ("measured", "results can show it"),
    "mechanism": ("supported", "a mechanism"),
    "symptom": ("unknown", "the patient tells it"),
}
SPELLINGS = f"""# What spellings are read

{MADE}
{{cases}} cases in {{languages}} languages: spellings as laboratories send them, such as ng/mL, with
what each must be read as, or be refused as. All of them run on single results, tables and streams
(`pytest tests/field`); whole tables and messages of the field are tested beside them. `-` is a spelling of no
language; shown are some that are read.

"""
UNITS = f"""# Analytes, units and LOINC codes

{MADE}
What is measured, in which units it is read, and by which codes it is known. A factor leads to the canonical unit.
Factors are exact fractions, of a cited molar mass where one is needed; shown are four digits. A unit that is not named
under an analyte cannot be converted for it (`incompatible_unit`).
"""
UNIT_SPELLINGS = """
## How units may be spelled

A unit is a word for what is above the stroke, one for what is below, and one of these joins between them: {joins}.
Case and white space do not count. A spelling that is not here is `unknown_unit`, and nothing is guessed; some are here
so that they are known and refused.

"""
SHOWN = 4
KINDS = {
    "name": "Names of tests",
    "number": "Numbers",
    "comparator": "Comparators",
    "unit": "Units",
    "range": "Ranges that came with the result",
    "bands": "Ranges in bands",
    "flag": "Flags of the laboratory",
    "specimen": "Specimens",
    "date": "Dates and times",
    "person": "Age, sex and pregnancy",
    "tests": "Names and codes of your own",
    "slip": "Units that do not fit the value",
}
FIELDS = {
    "name": ("test",),
    "number": ("value",),
    "comparator": ("value",),
    "unit": ("unit",),
    "range": ("reference_range", "value"),
    "bands": ("reference_range",),
    "flag": ("reported_flag", "value"),
    "specimen": ("specimen", "test"),
    "date": ("collected_at", "birth_date"),
    "person": ("age", "sex", "pregnancy"),
    "tests": ("test",),
    "slip": ("unit",),
}


def codes() -> str:
    """Return the page of problems and notes."""
    said = labels.tables()["note"]
    rows = [(f"`{code}`", said["message"], said["suggestion"]) for code, said in problems.problems().items()]
    reasons = "".join(f"- {capital(said['message'])}.\n" for said in problems.reasons().values() if "message" in said)
    return (
        f"{CODES}## Problems ({len(rows)})\n\n{_table(('code', 'what is wrong', 'what to do'), rows)}\n"
        f"`no_reference_range` may say instead:\n\n{reasons}\n"
        f"## Notes ({len(NOTES)})\n\nThey do not stop the interpretation.\n\n"
        f"{_table(('code', 'what it says'), [(f'`{note}`', said[note]) for note in NOTES])}"
    )


def mechanisms() -> str:
    """Return the page of the graph of mechanisms: every node, every edge, every source."""
    nodes, edges = graph.nodes(), graph.edges()
    sources = References()
    leading = {*graph.distances(graph.target()), graph.target()}
    boxes = tuple(DrawnNode(key, *LOOKS[node.kind]) for key, node in nodes.items() if key in leading)
    arrows = tuple(
        Arrow(edge.source, edge.target, "possible" if edge.strength == "weak" else "supported", breaks=False)
        for edge in edges
        if edge.source in leading and edge.target in leading
    )
    drawing = drawn(boxes, arrows, "The mechanisms that lead to fasciculation")
    parts = [MECHANISMS.format(nodes=len(nodes), edges=len(edges), drawing=drawing)]
    for key, node in nodes.items():
        steps = [edge for edge in edges if edge.source == key]
        parts.append(f"\n## {node.title}\n\n{node.text} {sources.mark(node.citations)}\n")
        rows = [
            (
                f"leads to {nodes[edge.target].title}",
                edge.statement,
                f"{edge.strength}, {edge.directness}",
                sources.mark(edge.citations),
            )
            for edge in steps
        ]
        if rows:
            parts.append(f"\n{_table(('step', 'how', 'evidence', 'sources'), rows)}")
    parts.append("\n## Sources\n\n")
    parts.extend(f"{source.number}. {source.line}\n" for source in sources.listed())
    return "".join(parts)


def spellings() -> str:
    """Return the page of what spellings are read, counted by kind and language."""
    cases = [case for path in sorted((ROOT / "tests" / "field").glob("*.toml")) for case in _toml(path)["case"]]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    shown: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        kind, language = case["kind"], case["language"]
        counts[kind][language] += 1
        if case["expect"].get("problem", "-") != "-" or case["expect"].get("analyte") == "-":
            continue
        row = case["row"]
        text = next((str(row[field]) for field in FIELDS.get(kind, ()) if row.get(field) not in (None, "")), "")
        if text and text not in shown[kind][language] and len(shown[kind][language]) < SHOWN:
            shown[kind][language].append(text)
    kinds = [kind for kind in KINDS if kind in counts]
    languages = {language for counted in counts.values() for language in counted} - {"-"}
    summary = [(KINDS[kind], counts[kind].total(), len(set(counts[kind]) - {"-"})) for kind in kinds]
    parts = [
        SPELLINGS.format(cases=len(cases), languages=len(languages)),
        _table(("kind", "cases", "languages"), summary),
    ]
    for kind in kinds:
        rows = [(language, count, _listed(shown[kind][language])) for language, count in sorted(counts[kind].items())]
        table = _table(("language", "cases", "among them"), rows)
        parts.append(f"\n## {KINDS[kind]} ({counts[kind].total()})\n\n{table}")
    return "".join(parts)


def units() -> str:
    """Return the page of analytes: the units in which each is read, its codes, and how units may be spelled."""
    parts = [UNITS]
    for key, analyte in analytes().items():
        mass = (
            f"; molar mass {analyte.molar_mass} g/mol ({analyte.molar_mass_source.text})" if analyte.molar_mass else ""
        )
        parts.append(f"\n## {analyte.title}\n\n`{key}`, canonical unit `{analyte.canonical_unit}`{mass}.\n\n")
        customary = [(f"`{code}`", f"{float(exact_factor(key, code)):.4g}") for code in analyte.units]
        others = ", ".join(f"`{code}`" for code in accepted(key) if code not in analyte.units)
        parts.append(f"{_table(('unit', 'factor'), customary)}\nRead as well: {others}.\n\n")
        parts.append(_table(("LOINC", "name"), [(f"`{loinc.code}`", loinc.display) for loinc in analyte.loinc]))
    data = _toml("src/labinterp/knowledge/units.toml")
    parts.append(UNIT_SPELLINGS.format(joins=", ".join(f"`{join.format('mg', 'L')}`" for join in data["joins"])))
    words = [
        (f"`{name}`", _listed(spelled))
        for part in ("numerators", "denominators")
        for name, spelled in data[part].items()
    ]
    parts.append(_table(("word", "spelled"), words))
    whole = [(f"`{row['code']}`", _listed(row["extra"])) for row in data["unit"] if row.get("extra")]
    parts.append(f"\nAs a whole:\n\n{_table(('unit', 'spelled'), whole)}")
    exact = [(f"`{code}`", f"`{spelled}`") for spelled, code in data["exact_case"].items()]
    parts.append(f"\nIn this case of letters alone:\n\n{_table(('unit', 'spelled'), exact)}")
    return "".join(parts)


PAGES: Mapping[str, Callable[[], str]] = {
    "codes.md": codes,
    "mechanisms.md": mechanisms,
    "spellings.md": spellings,
    "units.md": units,
}


def _toml(path: str | Path) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |\n" for row in lines)


def _listed(spelled: Sequence[str]) -> str:
    return ", ".join(f"<code>{_escaped(text)}</code>" for text in spelled)


def _escaped(text: str) -> str:
    """Return a text that Markdown shows letter by letter, on one line."""
    kept = (char if char.isalnum() or char in " .,/" else f"&#{ord(char)};" for char in " ".join(text.split()))
    return "".join(kept)


if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / "docs" / name).write_text(page(), encoding="utf-8")
