"""Peak memory of streaming, over what the imports need, each in a process of its own; and growth of time."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.generate import write
from benchmarks.timing import Row

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import sys, time
import labinterp as li
from labinterp.engines import files
import pyarrow, pyarrow.csv, pyarrow.parquet, pandas, duckdb
from pathlib import Path
li.interpret_files([sys.argv[2]], Path(sys.argv[3]) / "warm")
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
base = peak()
start = time.perf_counter()
li.interpret_files([sys.argv[1]], Path(sys.argv[3]) / "out", ordered=True)
print((peak() - base) / 1024, time.perf_counter() - start)
"""


def measure(rows: int, folder: Path) -> list[Row]:
    """Stream a file and one ten times as long."""
    tiny = write(folder / "tiny.csv", 1000)
    taken = {}
    for size in (rows, 10 * rows):
        path = write(folder / "table.csv", size)
        target = folder / f"streamed-{size}"
        target.mkdir()
        out = subprocess.run(  # noqa: S603 - code of ours
            [sys.executable, "-c", CODE, str(path), str(tiny), str(target)], check=True, capture_output=True, text=True
        )
        taken[size] = tuple(map(float, out.stdout.split()))
    small, large = taken[rows], taken[10 * rows]
    return [
        Row(f"time of {10 * rows:,} rows / {rows:,} rows", large[1] / small[1], 10.5, large[1], small[1]),
        Row(f"peak memory over imports, {10 * rows:,} rows, in 250 MiB", large[0] / 250, 1.0, large[1], small[1]),
    ]
