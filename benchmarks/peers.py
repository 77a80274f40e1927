"""What pip can install that converts units, on the same column: conversion alone, which is less than we do."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pint

import labinterp as li
from benchmarks.timing import Row, compare

if TYPE_CHECKING:
    from collections.abc import Callable

MASS = 24.305


def measure(rows: int = 20_000) -> list[Row]:
    """Compare reading, converting, judging and tracing a column with its conversion by each peer that is installed."""
    frame = pd.DataFrame({"test": "magnesium", "unit": "mg/dL", "age": 50, "value": np.linspace(0.8, 3.0, rows)})
    values = frame["value"].tolist()
    found = []
    for name, make in PEERS.items():
        try:
            convert = make(values)
        except ImportError as error:
            print(f"{error.name} is not installed: left out")
            continue
        found.append(
            compare(
                f"interpret_frame / {name}, {rows:,} rows",
                lambda: li.interpret_frame(frame),
                convert,
                runs=3,
                key=f"peer {name}",
            )
        )
    return found


def _arithmetic(values: list[float]) -> Callable[[], Any]:
    registry = pint.UnitRegistry()
    mass = registry.Quantity(MASS, "g/mol")
    return lambda: [(registry.Quantity(value, "mg/dL") / mass).to("mmol/L") for value in values]


def _context(values: list[float]) -> Callable[[], Any]:
    registry = pint.UnitRegistry()
    mass = registry.Quantity(MASS, "g/mol")
    return lambda: [registry.Quantity(value, "mg/dL").to("mmol/L", "chemistry", mw=mass) for value in values]


def _pint_pandas(values: list[float]) -> Callable[[], Any]:
    registry = importlib.import_module("pint_pandas").PintType.ureg
    mass = registry.Quantity(MASS, "g/mol")
    column = pd.Series(values)
    return lambda: (column.astype("pint[mg/dL]").pint.quantity / mass).to("mmol/L")


def _labunits(values: list[float]) -> Callable[[], Any]:
    convert = importlib.import_module("labunits.converters").to_si_unit
    return lambda: [convert(value, "19123-9") for value in values]


def _ucumvert(values: list[float]) -> Callable[[], Any]:
    registry = importlib.import_module("ucumvert").PintUcumRegistry()
    mass = MASS * registry.from_ucum("g/mol")
    return lambda: [(value * registry.from_ucum("mg/dL") / mass).to(registry.from_ucum("mmol/L")) for value in values]


PEERS: dict[str, Callable[[list[float]], Callable[[], Any]]] = {
    "pint arithmetic, row by row": _arithmetic,
    "pint with a context, row by row": _context,
    "pint-pandas, one unit a column": _pint_pandas,
    "labunits, row by row": _labunits,
    "ucumvert, row by row": _ucumvert,
}
