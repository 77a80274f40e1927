"""Spark from Parquet to three tables as Parquet, against the same job with an identity in our place.

Run: python -m benchmarks.spark FOLDER --rows 1000000. Prints JSON. The session runs on one core, `local[1]`.
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
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from benchmarks import world
from benchmarks.timing import Row, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.session.timeZone": "UTC",
}
NUMBER = "number"
TABLES = ("results", "findings", "pathways")


def measure(rows: int, folder: Path) -> list[Row]:
    """Measure a generated table in a process of its own; nothing where PySpark or Java is missing."""
    try:
        import pyspark  # noqa: F401 - the process below needs it
    except ImportError:
        print("pyspark is not installed: left out", file=sys.stderr)
        return []
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        print("Java is not installed: left out", file=sys.stderr)
        return []
    path = world.write(folder / "spark.csv", rows, scattered=True)
    texts = dict.fromkeys(pacsv.open_csv(path).schema.names, pa.string())
    reading = pacsv.ConvertOptions(column_types=texts, strings_can_be_null=True)
    pq.write_table(pacsv.read_csv(path, convert_options=reading), folder / "spark.parquet")
    out = subprocess.run(  # noqa: S603 - code of ours
        [sys.executable, "-m", "benchmarks.spark", str(folder), "--rows", str(rows)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_DIRS": str(folder)},
    )
    return [Row(**row) for row in json.loads(out.stdout.splitlines()[-1])]


def main() -> int:
    """Measure and print JSON."""
    from pyspark.sql import SparkSession

    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, required=True, help="for the title")
    given = parser.parse_args()
    builder = SparkSession.builder.master("local[1]").appName("labinterp benchmark")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        found = _compare(session, given.folder, f"{given.rows:,} rows of the world's shape, scattered")
    finally:
        session.stop()
    print(json.dumps([row.as_dict() for row in found]))
    return 0


def _compare(session: Any, folder: Path, rows: str) -> list[Row]:
    from labinterp.engines import spark

    path = str(folder / "spark.parquet")

    def ours() -> None:
        report = spark.interpret(session.read.parquet(path))
        for name in TABLES:
            _write(getattr(report, name), folder / f"spark-{name}")
        report.unpersist()

    ours()
    counts = {name: session.read.parquet(str(folder / f"spark-{name}")).count() for name in TABLES}
    title = f"spark.interpret, {rows} / the same job with an identity in our place"
    identity = partial(_identity, session, path, folder, counts)
    return [compare(title, ours, identity, goal=1.3, runs=3, key="spark")]


def _identity(session: Any, path: str, folder: Path, counts: dict[str, int]) -> None:
    """Read, shuffle by patient, sort, pass Arrow batches through, keep, and write three tables with as many rows."""
    from pyspark import StorageLevel
    from pyspark.sql import functions as sql

    rows = session.read.parquet(path).withColumn(NUMBER, sql.monotonically_increasing_id())
    rows = rows.repartition(sql.col("patient_id")).sortWithinPartitions("patient_id", NUMBER)
    whole = rows.mapInArrow(_through, rows.schema).persist(StorageLevel.MEMORY_AND_DISK)
    for name, count in counts.items():
        share = sql.pmod(sql.col(NUMBER), sql.lit(1000)) < round(1000 * count / counts["results"])
        _write(whole.where(share), folder / f"spark-identity-{name}")
    whole.unpersist()


def _through(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


def _write(frame: Any, folder: Path) -> None:
    frame.write.mode("overwrite").parquet(str(folder))


if __name__ == "__main__":
    sys.exit(main())
