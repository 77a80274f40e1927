"""Run: python -m benchmarks [--rows 1000000] [--only GROUP] [--json FILE] [--write].

Prints a table of ratios, each measured in this run. --write puts the figures into README.md and docs/scale.md; run it
on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import files, imports, memory, peers, service, single, spark, streams, tables

if TYPE_CHECKING:
    from benchmarks.timing import Row

GROUPS = ("single", "imports", "service", "frames", "files", "peers", "spark", "memory")


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the main file")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument(
        "--only",
        choices=GROUPS,
        action="append",
        help="measure this alone; memory then compares ROWS with ten times as many, else with a tenth",
    )
    parser.add_argument("--write", action="store_true", help="write the tables of README.md and docs/scale.md")
    arguments = parser.parse_args()
    if arguments.write and arguments.only:
        parser.error("the pages take all tables from one run: --write goes without --only")
    print(", ".join(f"{name} {what}" for name, what in tables.machine().items()), flush=True)
    rows: list[Row] = []
    for name in arguments.only or GROUPS:
        size = arguments.rows if arguments.only or name != "memory" else arguments.rows // 10
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = _measure(name, size, Path(folder))
            except (subprocess.CalledProcessError, OSError) as error:
                print(f"{name} failed and is left out: {error}", file=sys.stderr)
                continue
        rows += found
        for row in found:
            print(row.line(), flush=True)
    if arguments.json:
        figures = [row.as_dict() for row in rows]
        told = {"machine": tables.machine(), "rows": arguments.rows, "figures": figures}
        arguments.json.write_text(json.dumps(told, indent=2) + "\n")
    missing = tables.write(rows, arguments.rows) if arguments.write else []
    for line in missing:
        print(f"not measured, so that nothing was written: {line}", file=sys.stderr)
    return 1 if missing else 0


def _measure(name: str, rows: int, folder: Path) -> list[Row]:
    return {
        "single": single.measure,
        "imports": imports.measure,
        "service": service.measure,
        "frames": lambda: files.frames(rows, folder),
        "files": lambda: streams.measure(rows, folder),
        "peers": peers.measure,
        "spark": lambda: spark.measure(rows, folder),
        "memory": lambda: memory.measure(rows, folder),
    }[name]()


if __name__ == "__main__":
    sys.exit(main())
