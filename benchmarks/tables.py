"""The tables of the documentation that come from one run of the benchmark, between markers in the pages."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks.timing import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.timing import Row

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("numpy", "pandas", "pyarrow", "duckdb", "polars", "pyspark", "pint")
BEGIN: Final = "<!-- made by `python -m benchmarks --write`: {} -->"
END: Final = "<!-- end -->"
_WORLD: Final = (
    "a table as warehouses have it: a time of its own for every draw, in six forms; 1 to 12 results a draw in any "
    "order; many spellings of names and units; ranges as text on half of the rows; ages and birth dates; 3 % "
    "dirty values"
)


@attrs.frozen
class Line:
    """A line of a table.

    Args:
        key: of the row of the benchmark.
        what: was measured.
        against: what it is compared with.
    """

    key: str
    what: str
    against: str


@attrs.frozen
class Table:
    """A table of a page.

    Args:
        page: the file, from the root of the project.
        name: of the table in its markers.
        lines: of the table.
    """

    page: str
    name: str
    lines: tuple[Line, ...]


README: Final = Table(
    "README.md",
    "speed",
    (
        Line("panel", "`interpret`, a panel of five, findings included", "five pint conversions with a context"),
        Line("json", "`Report.to_json`", "`json.dumps` of its data"),
        Line("html", "`Report.to_html`", "2 ms"),
        Line("request", "a request for one panel, processor time", "interpreting it and writing it"),
        Line("frame world", "`interpret_frame`, with findings and pathways", "`pandas.read_csv`"),
        Line("results world", "the same, results only", "`pandas.read_csv`"),
        Line("frame world scattered", "`interpret_frame`, rows scattered", "`pandas.read_csv`"),
        Line("first frame world", "the first `interpret_frame` of a process", "`pandas.read_csv`"),
        Line("frame wide", "`interpret_frame`, a wide table, eight tests a row", "`pandas.read_csv`"),
        Line("frame omop", "`interpret_frame`, an OMOP table", "`pandas.read_csv`"),
        Line("frame plain", "`interpret_frame`, the plain shape", "`pandas.read_csv`"),
        Line("frame small", "`interpret_frame`, five rows", "2 ms"),
        Line(
            "files",
            "`interpret_files`, CSV to three tables as Parquet, one worker",
            "PyArrow reading that CSV and writing those tables, nothing else",
        ),
        Line("files-plain", "the same, the plain shape", "the same"),
        Line("polars-ordered", "`interpret_files`, one worker", "polars, one thread, one table, flags only"),
        Line("spark", "Spark on one core", "the same job with an identity in our place"),
        Line("import", "`import labinterp`", "`import attrs, cattrs`"),
        Line("first", "the first `interpret` of a process", "importing pint and making its registry"),
        Line(
            "peer pint arithmetic, row by row", "`interpret_frame`, 20,000 rows", "pint, row by row, converting alone"
        ),
    ),
)
SCALE: Final = Table(
    "docs/scale.md",
    "files",
    (
        Line("files-read", "ordered, one worker", "`pyarrow.csv` reading the file"),
        Line("files", "ordered, one worker", "PyArrow reading the file and writing our tables"),
        Line("files-plain", "the plain shape, one worker", "PyArrow reading the file and writing our tables"),
        Line("files-two-ordered", "ordered, two workers", "one worker"),
        Line("files-scattered", "scattered, one worker", "ordered"),
        Line("files-two-scattered", "scattered, two workers", "one worker"),
        Line("polars-ordered", "ordered, one worker", "polars, one thread, flags only"),
        Line("polars-scattered", "scattered, one worker", "polars, one thread, flags only"),
    ),
)
MEMORY: Final = Table(
    "docs/scale.md",
    "memory",
    (
        Line("growth-ordered", "time, ordered", "a tenth of the rows"),
        Line("growth-scattered", "time, scattered", "a tenth of the rows"),
        Line("memory-ordered-10", "peak memory over the imports, ordered", "250 MiB"),
        Line("memory-scattered-10", "peak memory over the imports, scattered", "`memory_limit` (512 MiB) and 250 MiB"),
        Line("memory-growth-ordered", "peak memory, ordered", "a tenth of the rows"),
    ),
)
SPARK: Final = Table(
    "docs/scale.md", "spark", (Line("spark", "Parquet to three tables", "the same job with an identity in our place"),)
)
TABLES: Final = (README, SCALE, MEMORY, SPARK)


def machine() -> dict[str, str]:
    """Return what the benchmark runs on: processor, cores, memory, system and versions."""
    found = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    if hasattr(os, "sysconf"):
        found["memory"] = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GiB"
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def write(rows: Sequence[Row], size: int) -> list[str]:
    """Write the tables into their pages.

    Args:
        rows: of one run.
        size: how many rows its tables had.

    Returns:
        What was not measured and is therefore missing; then nothing is written.
    """
    found = {row.key: row for row in rows if row.key}
    missing = [f"{table.name}: {line.key}" for table in TABLES for line in table.lines if line.key not in found]
    if not missing:
        for table in TABLES:
            path = ROOT / table.page
            path.write_text(_between(path.read_text(encoding="utf-8"), table, found, size), encoding="utf-8")
    return missing


def _between(text: str, table: Table, found: Mapping[str, Row], size: int) -> str:
    begin = BEGIN.format(table.name)
    before, _, rest = text.partition(f"{begin}\n")
    _, _, after = rest.partition(f"{END}\n")
    return f"{before}{begin}\n{_caption(size)}\n\n{_drawn(table, found)}\n{END}\n{after}"


def _caption(size: int) -> str:
    """Say on what, and with what, the figures were measured."""
    told = machine()
    with_versions = ", ".join(f"{name} {told[name]}" for name in ("python", *PACKAGES) if name in told)
    memory = f", {told['memory']} of memory" if "memory" in told else ""
    return (
        f"Measured in one run with {size:,} rows of the world's shape where nothing else is said ({_WORLD}), on "
        f"{told['cores']} core(s) of {told['processor']}{memory}, {told['system']}, with {with_versions}. The plain "
        "shape has five tests a draw, one spelling each, and 2,000 days."
    )


def _drawn(table: Table, found: Mapping[str, Row]) -> str:
    heads = ("what", "against", "ratio", "goal", "takes", "against")
    lines = [heads, ("---", "---", "---:", "---:", "---:", "---:")]
    for line in table.lines:
        row = found[line.key]
        goal = "" if row.goal is None else f"{row.goal:.3g}"
        times = (in_words(row.seconds), in_words(row.base))
        lines.append((line.what, line.against, f"{row.ratio:.3g}", goal, *times))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def lines_of(table: Table) -> list[tuple[str, str]]:
    """Return the first two cells of every line of a table as its page has it now."""
    text = (ROOT / table.page).read_text(encoding="utf-8")
    _, begun, rest = text.partition(f"{BEGIN.format(table.name)}\n")
    between, ended, _ = rest.partition(f"{END}\n")
    if not begun or not ended:
        sys.exit(f"{table.page} has no markers of the table {table.name}")
    rows = [line.strip("| ").split(" | ") for line in between.splitlines() if line.startswith("|")]
    return [(cells[0], cells[1]) for cells in rows[2:]]
