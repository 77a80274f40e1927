"""In a warehouse query: labinterp as Arrow functions of DuckDB. Run: python examples/duckdb_udf.py.

DuckDB hands over whole vectors of rows, and takes vectors back: no row goes through Python by itself. A function of SQL
sees rows, not panels, so it gives what follows from a result alone: analyte, canonical value and unit, limits, flag, or
the problem, as if it were sent alone. Findings, and what is noted of the results beside it, need the whole panel; see
`warehouse_batch.py`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

import labinterp as li

PANELS = Path(__file__).parent / "data" / "panels.csv"
INPUTS = ["test", "value", "unit", "specimen", "reference_low", "reference_high", "reported_flag", "age", "sex"]
INPUTS += ["pregnancy", "collected_at"]
NUMBERS = {"value", "low", "high"}
OUTPUTS = ["analyte", "comparator", "value", "unit", "low", "high", "flag", "problem", "notes"]
TYPES = [f"{name} {'DOUBLE' if name in NUMBERS else 'VARCHAR'}" for name in OUTPUTS]
STRUCT = f"STRUCT({', '.join(TYPES)})"
# The fields go in by name, so that no limit is taken for an age.
ROW = f"STRUCT({', '.join(f'{name} VARCHAR' for name in INPUTS)})"
SENT = f"{{{', '.join(f'{name}: {name}' for name in INPUTS)}}}"

QUERY = f"""
WITH judged AS (SELECT patient_id, result({SENT}) AS lab FROM panels)
SELECT
    lab.analyte, lab.unit, count(*) AS results, count(*) FILTER (lab.flag IN ('L', 'LL', 'LU')) AS low,
    count(*) FILTER (lab.flag IN ('H', 'HH', 'HU')) AS high, count(*) FILTER (lab.flag = 'IND') AS undecided,
    count(lab.problem) AS not_interpreted
FROM judged GROUP BY ALL ORDER BY results DESC, 1, 2 LIMIT 8
"""  # noqa: S608 - names of ours


def result(sent: pa.ChunkedArray) -> pa.Array:
    """Judge each row by itself: every row is a patient of its own."""
    frame = pa.table({"sent": sent}).flatten().rename_columns(INPUTS).to_pandas()
    frame["patient_id"] = [str(row) for row in range(len(frame))]
    judged = li.interpret_frame(frame, layout="labinterp").results
    kinds = {name: pa.float64() if name in NUMBERS else pa.string() for name in OUTPUTS}
    arrays = [pa.Array.from_pandas(judged[name], type=kind) for name, kind in kinds.items()]
    return pa.StructArray.from_arrays(arrays, names=OUTPUTS)


def magnesium_mmol(value: pa.ChunkedArray, unit: pa.ChunkedArray) -> pa.Array:
    """Convert magnesium to mmol/L, one call for each unit that occurs; what has no known unit is NULL."""
    frame = pd.DataFrame({"value": value.to_pandas(), "unit": unit.to_pandas()})
    made = pd.Series(float("nan"), index=frame.index)
    for sent, rows in frame.groupby("unit"):
        try:
            made[rows.index] = li.convert(rows["value"], str(sent), "mmol/L", analyte="magnesium")
        except li.LabInterpError:
            continue
    return pa.Array.from_pandas(made, type=pa.float64())


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to a connection. NULL is passed on: it means that something was not sent."""
    for function, inputs, output in (
        (result, [ROW], STRUCT),
        (magnesium_mmol, ["DOUBLE", "VARCHAR"], "DOUBLE"),
    ):
        connection.create_function(
            function.__name__, function, inputs, output, type="arrow", null_handling="special"
        )  # an exception ends the query: no row is dropped silently


def main() -> None:
    """Count what is low, high and not interpreted, analyte by analyte."""
    with duckdb.connect() as connection:
        register(connection)
        # All columns as text, so that `<8`, `7,9` and `007` arrive as they were written.
        connection.read_csv(str(PANELS), all_varchar=True).create("panels")
        for row in connection.sql(QUERY).fetchall():
            print(*("-" if cell is None else cell for cell in row), sep="\t")
        print(*connection.sql("SELECT magnesium_mmol(1.8, 'mg/dL'), magnesium_mmol(1.8, 'furlong')").fetchall())


if __name__ == "__main__":
    main()
