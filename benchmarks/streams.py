"""From CSV to Parquet, against merely reading, against reading and writing alone, and against polars.

Run: python -m benchmarks.streams FILE --threads 2. Prints JSON: how many threads polars takes is settled when it is
imported, so that each number of threads has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

import labinterp as li
from benchmarks.generate import TESTS, write
from benchmarks.timing import Row, compare
from labinterp.engines import sink

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = (1, 2)


def measure(rows: int, folder: Path) -> list[Row]:
    """Measure a generated file on one thread and on two."""
    path = write(folder / "streams.csv", rows)
    found = []
    for threads in THREADS:
        out = subprocess.run(  # noqa: S603 - code of ours
            [sys.executable, "-m", "benchmarks.streams", str(path), "--threads", str(threads), "--rows", str(rows)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "POLARS_MAX_THREADS": str(threads)},
        )
        found += [Row(**row) for row in json.loads(out.stdout)]
    return found


def main() -> int:
    """Measure one file on one number of threads and print JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams")
    parser.add_argument("path", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, required=True, help="for the titles")
    given = parser.parse_args()
    pa.set_cpu_count(given.threads)
    title = f"{given.rows:,} rows, {given.threads} thread{'s' * (given.threads > 1)}"
    with tempfile.TemporaryDirectory() as folder:
        rows = _compare(given.path, Path(folder), given.threads, title)
    json.dump([row.as_dict() for row in rows], sys.stdout)
    return 0


def _compare(path: Path, folder: Path, threads: int, title: str) -> list[Row]:
    out = folder / "out"

    def ours() -> None:
        shutil.rmtree(out, ignore_errors=True)
        li.interpret_files([path], out, workers=threads)

    reading = partial(pacsv.read_csv, path, read_options=pacsv.ReadOptions(use_threads=threads > 1))
    ours()
    tables = {name: _kept(out / name) for name in ("results", "findings", "pathways")}
    pairs: list[tuple[str, Callable[[], object], float | None]] = [
        ("pyarrow.csv reading", reading, 2.2),
        ("PyArrow reading, and writing our answer", partial(_read_and_write, path, tables, folder, threads), None),
    ]
    with_polars = _polars(path, folder / "polars.parquet")
    if with_polars is not None:
        with_polars()
        share = _agreement(pq.read_table(out / "results"), pq.read_table(folder / "polars.parquet"))
        pairs.append((f"polars, flags only ({share:.2%} alike)", with_polars, 1.0))
    audit = partial(li.audit, path, workers=threads)
    return [
        *(compare(f"interpret_files, {title} / {what}", ours, other, goal=goal, runs=5) for what, other, goal in pairs),
        compare(f"audit, {title} / interpret_files", audit, ours, goal=1.0, runs=5),
    ]


def _kept(folder: Path) -> pa.Table:
    """Return a table of the answer, its texts encoded, row group by row group as it was written."""
    parts = []
    for path in sorted(folder.iterdir()):
        with pq.ParquetFile(path) as file:
            texts = [field.name for field in file.schema_arrow if pa.types.is_dictionary(field.type)]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            parts += [file.read_row_group(i) for i in range(file.num_row_groups)]
    return pa.concat_tables(parts)


def _read_and_write(path: Path, tables: dict[str, pa.Table], folder: Path, threads: int) -> None:
    """Read every text by distinct text, and write tables that are there already: what is left without us."""
    names = pacsv.open_csv(path).schema.names
    pacsv.read_csv(
        path,
        read_options=pacsv.ReadOptions(use_threads=threads > 1),
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


def _polars(path: Path, out: Path) -> Callable[[], object] | None:
    """Return a function that gives nearly the same flags with polars, or None where it is not installed."""
    try:
        import polars as pl
    except ImportError:
        print("polars is not installed: left out", file=sys.stderr)
        return None
    limits = pl.DataFrame(_limits()).lazy()

    def run() -> None:
        low, high = (
            pl.col(f"reference_{end}").cast(pl.Float64, strict=False).fill_null(pl.col(end)) for end in ("low", "high")
        )
        number, low_end, high_end = pl.col("number"), pl.col("low"), pl.col("high")
        text = pl.col("value").str.strip_prefix("<").str.replace(",", ".", literal=True)
        beyond = pl.when(number < low_end).then(pl.lit("L")).when(number > high_end).then(pl.lit("H"))
        below = pl.when(number <= low_end).then(pl.lit("L")).otherwise(pl.lit("IND"))
        flag = (
            pl.when(number.is_null()).then(None).when("censored").then(below).otherwise(beyond.otherwise(pl.lit("N")))
        )
        (
            pl.scan_csv(path, infer_schema=False)
            .join(limits, on=["test", "unit"], how="left", maintain_order="left")
            .with_columns(
                number=text.cast(pl.Float64, strict=False),
                censored=pl.col("value").str.starts_with("<"),
                low=low,
                high=high,
            )
            .select(
                "patient_id",
                "collected_at",
                "analyte",
                comparator=pl.when("censored").then(pl.lit("<")),
                value=number * pl.col("factor"),
                unit=pl.col("canonical"),
                low=low_end * pl.col("factor"),
                high=high_end * pl.col("factor"),
                flag=flag,
            )
            .sink_parquet(out)
        )

    return run


def _limits() -> list[dict[str, Any]]:
    """Return analyte, factor and adult limits by test and unit, as a user would type them from a table."""
    rows = []
    for test, center, units in TESTS.values():
        for unit, scale in units.items():
            result = li.LabResult(test, center * scale, unit)
            found = li.interpret([result], li.Patient(age=50, sex="female")).interpretations[0]
            factor = found.value / (center * scale)
            low, high = (None if end is None else end / factor for end in (found.low, found.high))
            row = {"test": test, "unit": unit, "analyte": found.analyte, "canonical": found.unit, "factor": factor}
            rows.append({**row, "low": low, "high": high})
    return rows


def _agreement(ours: pa.Table, theirs: pa.Table) -> float:
    """Return the share of rows with the same flag."""
    pairs = zip(ours["flag"].to_pylist(), theirs["flag"].to_pylist(), strict=True)
    return sum(one == other for one, other in pairs) / ours.num_rows


if __name__ == "__main__":
    sys.exit(main())
