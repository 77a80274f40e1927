"""Peak memory of streaming, each run in a process of its own; and growth of time.

The peak over what the imports need is that of the process that reads and writes. That of all processes is the sum of
its peak and those of the workers beside it, imports included: no less than what they ever took together.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import world
from benchmarks.timing import Row

if TYPE_CHECKING:
    from pathlib import Path

MEMORY_LIMIT = 512
"""What DuckDB may use for scattered rows, in MiB."""
MORE = 250
"""What may be used beside it over the imports, in MiB."""
CODE = """
import os, sys, time
import labinterp as li
from labinterp.engines import files
import pyarrow, pyarrow.csv, pyarrow.parquet, pandas, duckdb
from pathlib import Path
path, tiny, out, ordered, limit = sys.argv[1:]
chosen = {"ordered": ordered == "ordered", "memory_limit": limit}
def peak(process="self"):
    return int(next(line for line in open(f"/proc/{process}/status") if line.startswith("VmHWM")).split()[1])
base = peak()
li.interpret_files([tiny], Path(out) / "warm", **chosen)
start = time.perf_counter()
li.interpret_files([path], Path(out) / "out", **chosen)
seconds = time.perf_counter() - start
workers = open(f"/proc/self/task/{os.getpid()}/children").read().split()
print((peak() - base) / 1024, (peak() + sum(map(peak, workers))) / 1024, seconds)
"""


def measure(rows: int, folder: Path) -> list[Row]:
    """Stream a file and one ten times as long, ordered and scattered."""
    found = []
    for name, goal in (("ordered", MORE), ("scattered", MEMORY_LIMIT + MORE)):
        make = partial(world.write, scattered=name == "scattered")
        tiny = make(folder / "tiny.csv", 1000)
        (small, all_small, short), (large, all_large, long) = (
            _streamed(make(folder / "table.csv", size), tiny, folder / f"{name}-{size}", name)
            for size in (rows, 10 * rows)
        )
        what = f"interpret_files, the world's shape, {name}: "
        sizes = f"{10 * rows:,} rows / {rows:,} rows"
        limit = "250 MiB" if name == "ordered" else f"memory_limit ({MEMORY_LIMIT} MiB) and 250 MiB"
        found += [
            Row(f"{what}time of {sizes}", long / short, 10.5, long, short, key=f"growth-{name}"),
            Row(f"{what}peak memory of {sizes}", large / small, None, long, short, key=f"memory-growth-{name}"),
            Row(
                f"{what}peak over imports, {rows:,} rows / {limit}",
                small / goal,
                1.0,
                short,
                short,
                key=f"memory-{name}",
            ),
            Row(
                f"{what}peak over imports, {10 * rows:,} rows / {limit}",
                large / goal,
                1.0,
                long,
                long,
                f"memory-{name}-10",
            ),
            *(
                Row(f"{what}peak of all processes, {size:,} rows / 1 GiB", everything / 1024, None, seconds, seconds)
                for size, everything, seconds in ((rows, all_small, short), (10 * rows, all_large, long))
            ),
        ]
    return found


def _streamed(path: Path, tiny: Path, out: Path, name: str) -> tuple[float, float, float]:
    """Return peak memory over the imports, and that of all processes, in MiB; and seconds."""
    out.mkdir()
    arguments = [str(path), str(tiny), str(out), name, f"{MEMORY_LIMIT}MiB"]
    told = subprocess.run(  # noqa: S603 - code of ours
        [sys.executable, "-c", CODE, *arguments], check=True, capture_output=True, text=True
    )
    peak, everything, seconds = map(float, told.stdout.split())
    return peak, everything, seconds
