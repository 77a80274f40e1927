"""Tables against the readers that everybody uses."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.csv as pacsv

import labinterp as li
from benchmarks.generate import write
from benchmarks.timing import Row, compare
from labinterp.formats import layouts
from labinterp.frames import assemble, core
from labinterp.interpretation import session_for
from labinterp.kernel import panel

if TYPE_CHECKING:
    from pathlib import Path


def frames(rows: int, folder: Path) -> list[Row]:
    """Compare `interpret_frame` with `pandas.read_csv` of the same file."""
    found = []
    for name, options, factor in (
        ("", {}, 1),
        (", shuffled", {"shuffled": True}, 1),
        (", distinct values", {"distinct": True}, 2),
    ):
        path = write(folder / "table.csv", rows, **options)
        frame = _read(path)
        what = f"{rows:,} rows{name} / pandas.read_csv"
        found.append(
            compare(
                f"interpret_frame, {what}", partial(li.interpret_frame, frame), partial(_read, path), goal=1.0 * factor
            )
        )
        found.append(
            compare(f"results only, {what}", partial(_results_only, frame), partial(_read, path), goal=0.5 * factor)
        )
    plain = _read(write(folder / "table.csv", rows)).astype(object)
    found.append(
        compare(
            f"interpret_frame, {rows:,} rows, object columns / pandas.read_csv",
            partial(li.interpret_frame, plain),
            partial(_read, folder / "table.csv"),
            goal=1.0,
        )
    )
    return found


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _results_only(frame: pd.DataFrame) -> pd.DataFrame:
    session = session_for("us", None, reported_ranges=True, assume_adult=False, default_units=None)
    table = layouts.to_labinterp(frame)
    return assemble.results(core.run(table, session, panel.adjustment(), None, "collection"), table)


def streams(rows: int, folder: Path) -> list[Row]:
    """Compare `interpret_files` with merely reading, and with polars doing part of the work."""
    path = write(folder / "table.csv", rows)
    out = folder / "out"

    def ours(**options: object) -> None:
        shutil.rmtree(out, ignore_errors=True)
        li.interpret_files([path], out, **options)

    return [
        compare(
            f"interpret_files CSV to Parquet, {rows:,} rows / pyarrow.csv reading",
            ours,
            partial(pacsv.read_csv, path),
            goal=2.2,
            runs=3,
        ),
        *_against_polars(path, folder, ours, rows),
    ]


def _against_polars(path: Path, folder: Path, ours, rows: int) -> list[Row]:  # noqa: ANN001 - a function
    try:
        import polars as pl
    except ImportError:
        print("polars is not installed: left out")
        return []
    factor = pl.DataFrame(
        [
            {"test": test, "unit": unit, "factor": 1 / scale, "low": low, "high": high}
            for (_, (test, _, units)), (low, high) in zip(_tests(), _limits(), strict=True)
            for unit, scale in units.items()
        ]
    ).lazy()

    def with_polars() -> None:
        number = pl.col("value").str.strip_prefix("<").str.replace(",", ".").cast(pl.Float64, strict=False)
        low = pl.col("reference_low").cast(pl.Float64, strict=False).fill_null(pl.col("low") / pl.col("factor"))
        high = pl.col("reference_high").cast(pl.Float64, strict=False).fill_null(pl.col("high") / pl.col("factor"))
        flag = pl.when(number.is_null()).then(None).when(number < low).then(pl.lit("L")).when(number > high)
        (
            pl.scan_csv(path, infer_schema=False)
            .join(factor, on=["test", "unit"], how="left", maintain_order="left")
            .with_columns(
                flag.then(pl.lit("H")).otherwise(pl.lit("N")).alias("flag"), (number * pl.col("factor")).alias("number")
            )
            .sink_parquet(folder / "polars.parquet")
        )

    return [
        compare(
            f"interpret_files with findings, {rows:,} rows / polars, flags only", ours, with_polars, goal=1.0, runs=3
        )
    ]


def _tests():  # noqa: ANN202 - items of the generator's table
    from benchmarks.generate import TESTS

    return TESTS.items()


def _limits():  # noqa: ANN202 - as above
    from benchmarks.generate import RANGES

    return RANGES.values()
