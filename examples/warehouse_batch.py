"""A nightly batch as dbt would run it: SQL, then `interpret_files`, then SQL, then tests. Everything lies in DuckDB.

Run: python examples/warehouse_batch.py [WAREHOUSE.duckdb]

In a dbt project `STAGING` and `MARTS` are models of SQL and `TESTS` its tests; `interpret` is called by a Python model
of dbt-duckdb, or by a step of the orchestrator between them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

import labinterp as li

if TYPE_CHECKING:
    from labinterp.engines.manifest import Manifest

PANELS = Path(__file__).parent / "data" / "panels.csv"

# Names of the warehouse become those of the layout. Rows of a panel lie together, so that they are read in one pass.
STAGING = """
SELECT patient_id, collected_at, test, value, unit, specimen, reference_low, reference_high, reported_flag,
       age, sex, pregnancy
FROM raw_results ORDER BY patient_id, collected_at
"""
MARTS = {
    "findings_by_severity": """
        SELECT finding, status, severity, count(DISTINCT patient_id) AS patients FROM findings GROUP BY ALL ORDER BY ALL
    """,
    "not_interpreted": """
        SELECT problem, count(*) AS results FROM results WHERE problem IS NOT NULL GROUP BY ALL ORDER BY ALL
    """,
}
# As in dbt: a test passes if it returns no row.
TESTS = {
    "every row is there": "SELECT 1 WHERE (SELECT count(*) FROM results) <> (SELECT count(*) FROM raw_results)",
    "no flag with a problem": "SELECT 1 FROM results WHERE problem IS NOT NULL AND flag IS NOT NULL",
}


def interpret(connection: duckdb.DuckDBPyConnection, folder: Path) -> Manifest:
    """Write the staged rows down, interpret them in bounded memory, and load the answer's tables."""
    connection.sql(STAGING).write_parquet(str(folder / "staged.parquet"))
    manifest = li.interpret_files(folder / "staged.parquet", folder / "out", ranges="us")
    for table in ("results", "findings", "pathways"):
        parts = connection.read_parquet(str(folder / "out" / table / "*.parquet"))
        parts.create(f"new_{table}")
        connection.execute(f"CREATE OR REPLACE TABLE {table} AS FROM new_{table}; DROP TABLE new_{table}")
    return manifest


def check(connection: duckdb.DuckDBPyConnection, bad_rows: int) -> None:
    """Run the tests, and refuse a batch of which a row could not be read."""
    failed = [name for name, query in TESTS.items() if connection.execute(query).fetchall()]
    if failed or bad_rows:
        raise RuntimeError(f"tests failed: {failed}; rows that could not be read: {bad_rows}")


def run(connection: duckdb.DuckDBPyConnection) -> None:
    """Build everything in one transaction: a run that fails leaves yesterday's tables."""
    connection.begin()
    try:
        with tempfile.TemporaryDirectory() as folder:
            manifest = interpret(connection, Path(folder))
        for name, query in MARTS.items():
            connection.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")
        check(connection, manifest.bad_rows)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def main(warehouse: str = ":memory:") -> None:
    """Load the example's raw table, run the batch and show its marts."""
    with duckdb.connect(warehouse) as connection:
        connection.execute("CREATE OR REPLACE TABLE raw_results AS FROM read_csv(?, all_varchar = true)", [str(PANELS)])
        run(connection)
        for name in MARTS:
            print(name)
            for row in connection.table(name).fetchall():
                print(*row, sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:2])
