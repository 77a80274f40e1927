"""What a competent user of polars would write for the world's shape: flags, and no more.

Names and units of the file are typed into a table with factors and limits for adults and children; ranges that come
as text win over it, times are read in the forms of the file, values have a comparator or a decimal comma. There are no
panels, findings or pathways, no specimens, no plausibility, no grades and no reasons why a row could not be judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import labinterp as li
from benchmarks.world import TESTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ADULT = 18
AGES = {True: 50, False: 10}
"""An adult and a child, by whose limits all are judged."""
TIME_FORMS = (
    "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M",
    "%Y-%m-%dT%H:%M",
)  # fmt: skip


def flags_of(path: Path, out: Path) -> Callable[[], object] | None:
    """Return a function that writes nearly our flags with polars, or None where it is not installed."""
    try:
        import polars as pl
    except ImportError:
        return None
    limits = pl.DataFrame(_limits(), infer_schema_length=None).lazy()

    def run() -> None:
        ends = pl.col("reference_range").str.extract_groups(r"^\(?([0-9.]+)\D+([0-9.]+)\)?$")
        own = [ends.struct.field(str(i)).cast(pl.Float64, strict=False) for i in (1, 2)]
        forms = [pl.col("collected_at").str.to_datetime(form, strict=False, time_zone="UTC") for form in TIME_FORMS]
        time = pl.coalesce(*forms)
        years = (time.dt.date() - pl.col("birth_date").str.to_date(strict=False)).dt.total_days() / 365.25
        number, low, high = pl.col("number"), pl.col("own_low"), pl.col("own_high")
        text = pl.col("value").str.strip_prefix("<").str.replace(",", ".", literal=True)
        beyond = pl.when(number < low).then(pl.lit("L")).when(number > high).then(pl.lit("H")).otherwise(pl.lit("N"))
        below = pl.when(number <= low).then(pl.lit("L")).otherwise(pl.lit("IND"))
        unknown = number.is_null() | pl.col("analyte").is_null() | (low.is_null() & high.is_null())
        (
            pl.scan_csv(path, infer_schema=False)
            .with_columns(time=time)
            .with_columns(adult=pl.coalesce(pl.col("age").cast(pl.Float64, strict=False), years) >= ADULT)
            .join(limits, on=["test", "unit", "adult"], how="left", maintain_order="left")
            .with_columns(
                number=text.cast(pl.Float64, strict=False),
                below=pl.col("value").str.starts_with("<"),
                own_low=pl.coalesce(own[0], "low"),
                own_high=pl.coalesce(own[1], "high"),
            )
            .select(
                "patient_id",
                "time",
                "analyte",
                comparator=pl.when("below").then(pl.lit("<")),
                value=number * pl.col("factor"),
                unit=pl.col("canonical"),
                low=low * pl.col("factor"),
                high=high * pl.col("factor"),
                flag=pl.when(unknown).then(None).when("below").then(below).otherwise(beyond),
            )
            .sink_parquet(out)
        )

    return run


def _limits() -> list[dict[str, Any]]:
    """Return analyte, factor and limits by test, unit and age, as a user would type them from a table."""
    rows = []
    for center, _, names, units in TESTS.values():
        for unit, scale in units:
            for adult, age in AGES.items():
                result = li.LabResult(names[0], center * scale, unit)
                found = li.interpret([result], li.Patient(age=age, sex="female")).interpretations[0]
                if found.value is None:
                    continue
                factor = found.value / (center * scale)
                low, high = (None if end is None else end / factor for end in (found.low, found.high))
                known = {"analyte": found.analyte, "canonical": found.unit, "factor": factor, "low": low, "high": high}
                rows += [{"test": name, "unit": unit, "adult": adult, **known} for name in names]
    return rows
