"""From CSV to Parquet: against reading and writing alone, with more workers, with scattered rows, and against polars.

Run: python -m benchmarks.streams FOLDER --rows 1000000 --workers 1. Prints JSON: how many threads PyArrow and polars
take is settled when they are imported, so that each number of workers has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

import labinterp as li
from benchmarks import expressions, generate, world
from benchmarks.timing import Row, compare
from labinterp.engines import sink

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 3
TABLES = ("results", "findings", "pathways")


def measure(rows: int, folder: Path) -> list[Row]:
    """Measure generated files, with one worker and with two."""
    world.write(folder / "ordered.csv", rows)
    world.write(folder / "scattered.csv", rows, scattered=True)
    generate.write(folder / "plain.csv", rows)
    found = []
    for workers in (1, 2):
        out = subprocess.run(  # noqa: S603 - code of ours
            [sys.executable, "-m", "benchmarks.streams", str(folder), "--workers", str(workers), "--rows", str(rows)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "POLARS_MAX_THREADS": str(workers)},
        )
        found += [Row(**row) for row in json.loads(out.stdout)]
    return found


def main() -> int:
    """Measure with one number of workers and print JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, choices=(1, 2), default=1)
    parser.add_argument("--rows", type=int, required=True, help="for the titles")
    given = parser.parse_args()
    pa.set_cpu_count(given.workers)
    found = (_one_worker if given.workers == 1 else _two_workers)(given.folder, f"{given.rows:,} rows")
    json.dump([row.as_dict() for row in found], sys.stdout)
    return 0


def _one_worker(folder: Path, rows: str) -> list[Row]:
    ordered, scattered = (partial(_run, folder / f"{name}.csv", folder / name, 1) for name in ("ordered", "scattered"))
    what = f"interpret_files, {rows} of the world's shape"
    written, reading = "PyArrow reading, and writing our answer", partial(_read, folder / "ordered.csv")
    found = [
        compare(f"{what} / {written}", ordered, _again(folder, "ordered", ordered), goal=1.6, runs=RUNS, key="files"),
        compare(f"{what} / pyarrow.csv reading", ordered, reading, runs=RUNS, key="files-read"),
        compare(f"{what}, scattered / ordered", scattered, ordered, goal=2.0, runs=RUNS, key="files-scattered"),
    ]
    for name, ours in (("ordered", ordered), ("scattered", scattered)):
        found += _against_polars(folder, name, ours, f"{what}, {name}")
    audit = partial(li.audit, folder / "ordered.csv", workers=1)
    found.append(compare(f"audit, {rows} of the world's shape / interpret_files", audit, ordered, goal=1.0, runs=RUNS))
    plain = partial(_run, folder / "plain.csv", folder / "plain", 1)
    what = f"interpret_files, {rows} of the plain shape / {written}"
    return [*found, compare(what, plain, _again(folder, "plain", plain), runs=RUNS, key="files-plain")]


def _two_workers(folder: Path, rows: str) -> list[Row]:
    found = []
    for name, goal in (("ordered", 0.625), ("scattered", None)):
        two, one = (partial(_run, folder / f"{name}.csv", folder / name, workers) for workers in (2, 1))
        what = f"interpret_files, {rows} of the world's shape, {name}, two workers / one"
        found.append(compare(what, two, one, goal=goal, runs=RUNS, key=f"files-two-{name}"))
    return found


def _run(path: Path, out: Path, workers: int) -> None:
    shutil.rmtree(out, ignore_errors=True)
    li.interpret_files([path], out, workers=workers)


def _read(path: Path) -> None:
    pacsv.read_csv(path, read_options=pacsv.ReadOptions(use_threads=False))


def _again(folder: Path, name: str, ours: Callable[[], object]) -> Callable[[], object]:
    """Return a function that reads a file and writes the tables of its answer, which are there already."""
    ours()
    tables = {table: _kept(folder / name / table) for table in TABLES}
    return partial(_read_and_write, folder / f"{name}.csv", tables, folder)


def _kept(folder: Path) -> pa.Table:
    """Return a table of the answer, its texts encoded, row group by row group as it was written."""
    parts = []
    for path in sorted(folder.iterdir()):
        with pq.ParquetFile(path) as file:
            texts = [field.name for field in file.schema_arrow if pa.types.is_dictionary(field.type)]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            parts += [file.read_row_group(i) for i in range(file.num_row_groups)]
    return pa.concat_tables(parts)


def _read_and_write(path: Path, tables: dict[str, pa.Table], folder: Path) -> None:
    """Read every text by distinct text, and write tables that are there already: what is left without us."""
    names = pacsv.open_csv(path).schema.names
    pacsv.read_csv(
        path,
        read_options=pacsv.ReadOptions(use_threads=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.dictionary(pa.int32(), pa.string())),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    for name, table in tables.items():
        parts = sink.PartWriter(folder / f"again-{name}", table.schema)
        for batch in table.to_batches():
            parts.write(pa.Table.from_batches([batch]))
        parts.close()
        shutil.rmtree(folder / f"again-{name}")


def _against_polars(folder: Path, name: str, ours: Callable[[], object], what: str) -> list[Row]:
    out = folder / "polars.parquet"
    theirs = expressions.flags_of(folder / f"{name}.csv", out)
    if theirs is None:
        print("polars is not installed: left out", file=sys.stderr)
        return []
    ours(), theirs()
    share = _agreement(pq.read_table(folder / name / "results"), pq.read_table(out))
    title = f"{what} / polars, flags only ({share:.1%} alike)"
    return [compare(title, ours, theirs, runs=RUNS, key=f"polars-{name}")]


def _agreement(ours: pa.Table, theirs: pa.Table) -> float:
    """Return the share of rows with the same flag."""
    pairs = zip(ours["flag"].to_pylist(), theirs["flag"].to_pylist(), strict=True)
    return sum(one == other for one, other in pairs) / ours.num_rows


if __name__ == "__main__":
    sys.exit(main())
