"""labinterp as one step of a pandas pipeline, with pandera checking what goes in and what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.pandas as pa

import labinterp as li

if TYPE_CHECKING:
    import pandas as pd

FLAGS = ["LL", "LU", "L", "N", "H", "HU", "HH", "IND"]

RAW = pa.DataFrameSchema(
    {
        "test": pa.Column(object, coerce=True),
        "value": pa.Column(object, nullable=True, coerce=True),  # text or numbers: labinterp reads both
        "unit": pa.Column(object, nullable=True, coerce=True),
        "patient_id": pa.Column(object, coerce=True),
    },
    unique_column_names=True,
)

RESULTS = pa.DataFrameSchema(
    {
        "analyte": pa.Column(nullable=True),
        "value": pa.Column(float, nullable=True),
        "unit": pa.Column(nullable=True),
        "flag": pa.Column(checks=pa.Check.isin(FLAGS), nullable=True),
        "problem": pa.Column(nullable=True),
    },
    checks=pa.Check(
        lambda results: results["flag"].isna() != results["problem"].isna(),
        error="a row has either a flag or a problem",
    ),
)


def interpret_step(raw: pd.DataFrame, *, ranges: str = "us", max_problems: float = 0.1) -> pd.DataFrame:
    """Return the interpreted results of a table; stop the pipeline where too many rows cannot be read.

    Args:
        raw: columns `patient_id`, `test`, `value`, `unit` at least, n rows.
        ranges: as in `labinterp.interpret_frame`.
        max_problems: the share of rows that may have a problem.

    Returns:
        n rows, in the order of `raw`.

    Raises:
        pandera.errors.SchemaError: if a table is not what it should be.
        ValueError: if too many rows have a problem; the message counts them by kind.
    """
    results = RESULTS.validate(li.interpret_frame(RAW.validate(raw), ranges=ranges).results)
    problems = results["problem"].dropna()
    if len(problems) > max_problems * len(results):
        kinds = ", ".join(f"{kind}: {count}" for kind, count in problems.value_counts().items() if count)
        raise ValueError(f"{len(problems)} of {len(results)} rows cannot be interpreted ({kinds})")
    return results
