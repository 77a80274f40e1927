"""Tables of results of a plain shape (five tests a draw, one unit each, 2,000 days), made here.

The same seed gives the same table.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TESTS = {
    "magnesium": ("Magnesium", 1.9, {"mg/dL": 1.0, "mmol/L": 0.4114, "meq/L": 0.8229, "MG/DL": 1.0, "mg/L": 10.0}),
    "calcium": ("17861-6", 9.4, {"mg/dL": 1.0, "mmol/L": 0.2495, "mg/dl": 1.0, "meq/L": 0.499, "MMOL/L": 0.2495}),
    "vitamin_d": ("25(OH)D", 28.0, {"ng/mL": 1.0, "nmol/L": 2.496, "ug/L": 1.0, "µg/L": 1.0, "NG/ML": 1.0}),
    "vitamin_b12": ("Vitamin B12", 420.0, {"pg/mL": 1.0, "pmol/L": 0.7378, "ng/L": 1.0, "pg/ml": 1.0, "PG/ML": 1.0}),
    "albumin": ("Albumin", 4.2, {"g/dL": 1.0, "g/L": 10.0, "gm/dl": 1.0, "G/DL": 1.0, "g/l": 10.0}),
}
RANGES = {
    "magnesium": (1.6, 2.6), "calcium": (8.6, 10.2), "vitamin_d": (20.0, 50.0), "vitamin_b12": (200.0, 900.0),
    "albumin": (3.5, 5.2),
}  # fmt: skip
DIRTY = np.array(["QNS", "", "hemolyzed", "NEG", "see note"])


def table(draws: int, *, first: int = 0, seed: int = 1, distinct: bool = False, shuffled: bool = False) -> pa.Table:
    """Return a table of five results a draw.

    Args:
        draws: number of draws; rows are five times as many.
        first: number of the first draw, so that a large file can be made in parts.
        seed: of the random numbers.
        distinct: whether values have six digits, so that most texts are distinct.
        shuffled: whether the rows of a draw are scattered.
    """
    random = np.random.default_rng([seed, first])
    rows = draws * len(TESTS)
    which = np.tile(np.arange(len(TESTS)), draws)
    names = np.array([name for name, _, _ in TESTS.values()])
    unit_names = np.array([list(units) for _, _, units in TESTS.values()])
    factors = np.array([list(units.values()) for _, _, units in TESTS.values()])
    site = np.repeat(random.integers(0, 5, draws), len(TESTS))
    center = np.array([center for _, center, _ in TESTS.values()])[which]
    value = center * np.exp(random.normal(0, 0.22, rows)) * factors[which, site]
    digits = np.where(value < 10, 2, np.where(value < 100, 1, 0))  # noqa: PLR2004 - as analyzers print
    text = np.char.mod("%.6f", value) if distinct else rounded(value, digits)
    text = text.astype(object)
    dirty = np.flatnonzero(random.random(rows) < 0.03)  # noqa: PLR2004 - 3 % as in real data
    kind = random.integers(0, 3, len(dirty))
    text[dirty] = np.where(
        kind == 0,
        [f"<{t}" for t in text[dirty]],
        np.where(
            kind == 1, [t.replace(".", ",") for t in text[dirty]], DIRTY[random.integers(0, len(DIRTY), len(dirty))]
        ),
    )
    has_range = np.repeat(random.random(draws) < 0.5, len(TESTS))  # noqa: PLR2004 - half of the rows
    low, high = (np.array([ends[i] for ends in RANGES.values()])[which] * factors[which, site] for i in (0, 1))
    draw = first + np.repeat(np.arange(draws), len(TESTS))
    patient = draw // 3
    age = 18 + (patient * 7919) % 75
    day = np.datetime64("2020-01-01") + (draw % 2000).astype("timedelta64[D]")
    columns = {
        "patient_id": np.char.add("P", patient.astype(str)),
        "collected_at": day.astype(str),
        "test": names[which],
        "value": text,
        "unit": unit_names[which, site],
        "reference_low": np.where(has_range, rounded(low, np.full(rows, 2)), ""),
        "reference_high": np.where(has_range, rounded(high, np.full(rows, 2)), ""),
        "age": age.astype(str),
        "sex": np.where(patient % 2 == 0, "F", "M"),
    }
    order = random.permutation(rows) if shuffled else slice(None)
    return pa.table({name: pa.array(column[order], pa.string()) for name, column in columns.items()})


def rounded(value: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Return numbers as texts with so many places each."""
    out = np.empty(len(value), "U12")
    for places in (0, 1, 2):
        at = digits == places
        out[at] = np.char.mod(f"%.{places}f", value[at])
    return out


def write(path: Path, rows: int, *, part: int = 200_000, **options: bool) -> Path:
    """Write a CSV file of at least `rows` rows of the plain shape, in parts; a shuffled one is shuffled as a whole."""
    draws = -(-rows // len(TESTS))
    return write_parts(path, draws, draws if options.get("shuffled") else part, partial(table, **options))


def write_parts(path: Path, draws: int, part: int, make: Callable[..., pa.Table]) -> Path:
    """Write a CSV file of so many draws, `part` of them at a time."""
    with path.open("wb") as sink:
        writer = None
        for first in range(0, draws, part):
            block = make(min(part, draws - first), first=first)
            writer = writer or pacsv.CSVWriter(
                sink, block.schema, write_options=pacsv.WriteOptions(quoting_style="needed")
            )
            writer.write_table(block)
        if writer is not None:
            writer.close()
    return path
