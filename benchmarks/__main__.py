"""Run: python -m benchmarks [--rows 1000000] [--json FILE]. Prints a table of ratios, each measured in this run."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import files, imports, memory, peers, service, single, streams

if TYPE_CHECKING:
    from benchmarks.timing import Row


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the main file")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument(
        "--only", choices=["single", "imports", "service", "frames", "files", "peers", "memory"], action="append"
    )
    arguments = parser.parse_args()
    wanted = arguments.only or ["single", "imports", "service", "frames", "files", "peers"]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            for row in _measure(name, arguments.rows, Path(folder)):
                rows.append(row)
                print(row.line(), flush=True)
    if arguments.json:
        packages = ("numpy", "pandas", "pint", "pyarrow")
        machine = {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        }
        figures = [row.as_dict() for row in rows]
        arguments.json.write_text(json.dumps({"machine": machine, "figures": figures}, indent=2) + "\n")
    return 0


def _measure(name: str, rows: int, folder: Path) -> list[Row]:
    return {
        "single": single.measure,
        "imports": imports.measure,
        "service": service.measure,
        "frames": lambda: files.frames(rows, folder),
        "files": lambda: streams.measure(rows, folder),
        "peers": peers.measure,
        "memory": lambda: memory.measure(rows, folder),
    }[name]()


if __name__ == "__main__":
    sys.exit(main())
