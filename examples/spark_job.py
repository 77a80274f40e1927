"""Interpret a table of results on a Spark cluster: `spark-submit examples/spark_job.py INPUT OUTPUT`.

INPUT is a CSV or Parquet file, or a folder of them, in any layout that labinterp knows; OUTPUT gets `results`,
`findings` and `pathways` as Parquet. `labinterp[spark]` must be installed on every worker.
"""

from __future__ import annotations

import argparse

from pyspark.sql import SparkSession

from labinterp.engines import spark as engine


def main() -> None:
    """Read, interpret, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet", help="of the input")
    parser.add_argument("--ranges", default="us")
    parser.add_argument("--panel", default="collection", help="collection, patient, or a look-back such as 30D")
    parser.add_argument("--partitions", type=int, help="into how many partitions patients are spread")
    options = parser.parse_args()

    session = SparkSession.builder.appName("labinterp").getOrCreate()
    reader = session.read
    if options.format == "csv":  # every cell stays text, so that 007 stays 007
        reader = reader.option("header", True).option("inferSchema", False).option("multiLine", False)
    table = reader.format(options.format).load(options.input)
    report = engine.interpret(table, ranges=options.ranges, panel=options.panel, partitions=options.partitions)
    for name, frame in zip(("results", "findings", "pathways"), report, strict=True):
        frame.write.mode("errorifexists").parquet(f"{options.output}/{name}")
    report.unpersist()
    session.stop()


if __name__ == "__main__":
    main()
