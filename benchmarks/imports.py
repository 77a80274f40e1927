"""What it costs to start."""

from __future__ import annotations

from benchmarks.timing import Row, compare, process

FIRST = (
    "import labinterp as li;"
    "li.interpret([li.LabResult('magnesium', 1.1, 'mg/dL'), li.LabResult('calcium', 9.1, 'mg/dL')], li.Patient(age=50))"
)


def measure() -> list[Row]:
    """Compare fresh processes."""
    return [
        compare(
            "import labinterp / import attrs, cattrs",
            lambda: process("import labinterp"),
            lambda: process("import attrs, cattrs"),
            goal=1.5,
            runs=7,
            key="import",
        ),
        compare(
            "first interpret of a process / importing pint and making its registry",
            lambda: process(FIRST),
            lambda: process("import pint; pint.UnitRegistry()"),
            goal=1.5,
            runs=7,
            key="first",
        ),
    ]
