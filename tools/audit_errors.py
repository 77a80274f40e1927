"""How often the audit errs, by simulation: honest groups that are suspected, wrong labels that are missed.

`python tools/audit_errors.py [RUNS]` prints the table of docs/audit.md. The seed is fixed.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from labinterp.auditing.distribution import Distribution
from labinterp.auditing.populations import populations
from labinterp.auditing.suspects import LabelGroup, suspect
from labinterp.reading.analytes import analytes
from labinterp.reading.units import scale

PAIRS = (
    ("magnesium", "mg/dL", "mmol/L"), ("magnesium", "mg/dL", "meq/L"), ("magnesium", "meq/L", "mg/dL"),
    ("magnesium", "mmol/L", "meq/L"),
    ("calcium", "mg/dL", "mmol/L"), ("calcium", "meq/L", "mg/dL"), ("vitamin_d", "ng/mL", "nmol/L"),
    ("vitamin_d", "nmol/L", "ng/mL"), ("vitamin_b12", "pg/mL", "pmol/L"), ("vitamin_b12", "pmol/L", "pg/mL"),
)  # fmt: skip
ROWS = 400


def sample(random, analyte, rows, shift=0.0, tails=30.0):
    """Values of an honest hospital in the canonical unit: its median shifted, its tails as long as asked."""
    known = populations()[analyte]
    return np.exp(known.center + shift + known.spread * random.standard_t(tails, rows))


def mislabelled(values, analyte, true, label):
    return values / scale(analyte, true).apply(1.0) * scale(analyte, label).apply(1.0)


def group(by, analyte, unit, values):
    held = Distribution()
    held.add(values)
    return LabelGroup((by,), analyte, unit, held)


def others(random, analyte, unit, count):
    return [
        group(
            f"h{i}",
            analyte,
            unit,
            sample(random, analyte, ROWS, random.uniform(-0.095, 0.095), random.choice([4, 8, 30])),
        )
        for i in range(count)
    ]


def names(found, analyte, true):
    """Say whether the true unit is named: as the one that fits, or as one that fits nearly as well."""
    if found is None:
        return False
    named = {found.unit} if found.analyte == analyte else set()
    named |= set(found.evidence.partition("nearly as well as ")[2].split(", "))
    right = scale(analyte, true).apply(1.0)
    codes = analytes()[analyte].units
    return any(code in named and math.isclose(scale(analyte, code).apply(1.0), right) for code in codes)


def main():
    """Print one row per question."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    random = np.random.default_rng(20261126)
    print("| analyte | sent in | labelled | alone | among 8 others | half of the rows, among 8 |")
    print("|---|---|---|---|---|---|")
    for analyte, true, label in PAIRS:
        alone = among = mixed = 0
        for _ in range(runs):
            shift, tails = random.uniform(-0.095, 0.095), random.choice([4, 8, 30])
            values = sample(random, analyte, ROWS, shift, tails)
            wrong = group("x", analyte, label, mislabelled(values, analyte, true, label))
            half = values.copy()
            half[: ROWS // 2] = mislabelled(values[: ROWS // 2], analyte, true, label)
            part = group("x", analyte, label, half)
            rest = others(random, analyte, label, 8)
            alone += names(suspect(wrong, [wrong]), analyte, true)
            among += names(suspect(wrong, [wrong, *rest]), analyte, true)
            mixed += names(suspect(part, [part, *rest]), analyte, true)
        print(
            f"| {analyte} | {true} | {label} | {alone / runs:.1%} | {among / runs:.1%} | {mixed / runs:.1%} |",
            flush=True,
        )
    print("\n| honest groups suspected | alone | among 8 others |\n|---|---|---|")
    for analyte, unit in dict.fromkeys((analyte, label) for analyte, _, label in PAIRS):
        alone = among = 0
        for _ in range(runs):
            shift = random.choice([-1, 1]) * random.uniform(0.05, math.log(1.1))
            honest = group("x", analyte, unit, sample(random, analyte, ROWS, shift, random.choice([3, 4, 8])))
            alone += suspect(honest, [honest]) is not None
            among += suspect(honest, [honest, *others(random, analyte, unit, 8)]) is not None
        print(f"| {analyte} in {unit} | {alone / runs:.1%} | {among / runs:.1%} |", flush=True)


if __name__ == "__main__":
    main()
