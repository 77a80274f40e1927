"""Tables against the readers that everybody uses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

import labinterp as li
from benchmarks import world
from benchmarks.generate import write
from benchmarks.timing import Row, compare
from labinterp.batch import answers, core
from labinterp.batch.columns import FrameColumns
from labinterp.batch.output import to_frame
from labinterp.options import Options
from labinterp.tables import layouts

if TYPE_CHECKING:
    from pathlib import Path


def frames(rows: int, folder: Path) -> list[Row]:
    """Compare `interpret_frame` with `pandas.read_csv` of the same file."""
    found = []
    for key, name, make, factor in (
        ("world", " of the world's shape", world.write, 0.8),
        ("world scattered", " of the world's shape, scattered", partial(world.write, scattered=True), 0.8),
        ("plain", " of the plain shape", write, 1),
        ("plain shuffled", " of the plain shape, shuffled", partial(write, shuffled=True), 1),
        ("plain distinct", " of the plain shape, distinct values", partial(write, distinct=True), 2),
    ):
        path = make(folder / "table.csv", rows)
        frame = _read(path)
        what = f"{rows:,} rows{name} / pandas.read_csv"
        found.append(
            compare(
                f"interpret_frame, {what}",
                partial(li.interpret_frame, frame),
                partial(_read, path),
                goal=1.0 * factor,
                key=f"frame {key}",
            )
        )
        found.append(
            compare(
                f"results only, {what}",
                partial(_results_only, frame),
                partial(_read, path),
                goal=0.5 * max(1, factor),
                key=f"results {key}",
            )
        )
    plain = _read(write(folder / "table.csv", rows)).astype(object)
    found.append(
        compare(
            f"interpret_frame, {rows:,} rows of the plain shape, object columns / pandas.read_csv",
            partial(li.interpret_frame, plain),
            partial(_read, folder / "table.csv"),
            goal=1.0,
        )
    )
    return found


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _results_only(frame: pd.DataFrame) -> pd.DataFrame:
    table = layouts.to_labinterp(frame)
    columns = FrameColumns(table)
    answer = core.run(columns, Options.checked())
    return to_frame(answers.results(answer, columns), table.index)
