"""Nine made sites, some of whose labels lie, and what the audit says of them.

`python examples/nine_sites.py --write` makes `data/nine_sites.csv` anew; without it, the file is audited. No row is of
a person: values are drawn around middles that the editions give.
"""

from __future__ import annotations

import csv
import math
import random
import sys
from pathlib import Path

import labinterp as li

DATA = Path(__file__).parent / "data" / "nine_sites.csv"
ROWS = 60
MIDDLES = {
    "magnesium": (0.86, 0.09, "mmol/L"),
    "calcium": (2.35, 0.045, "mmol/L"),
    "vitamin_b12": (390.0, 0.35, "pmol/L"),
}
"""Analyte → middle, spread of the logarithms, unit of both."""
SENT_IN = {"magnesium": "mg/dL", "calcium": "mg/dL", "vitamin_b12": "pg/mL"}
LIES = {("Elm", "magnesium"): "mEq/L", ("Oak", "vitamin_b12"): "pmol/L"}
"""Site and analyte → the label under which the numbers are sent."""
IONIZED = "Ash"
"""The site whose calcium is ionized calcium, in mmol/L."""
SITES = ("Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Oak", "Pine")
NAMES = {"Larch": {"magnesium": "Magnesum"}, "Pine": {"calcium": "LAB-0417"}}
"""Site → names that are its own."""


def rows(seed: int = 14) -> list[dict[str, str]]:
    """Return the rows of all sites."""
    draw = random.Random(seed)  # noqa: S311 - made data
    made = []
    for site in SITES:
        sicker = draw.uniform(-0.04, 0.04)
        for person in range(ROWS):
            for test, (middle, spread, unit) in MIDDLES.items():
                value = middle * math.exp(sicker + draw.gauss(0, spread))
                sent = LIES.get((site, test), SENT_IN[test])
                number = li.convert(value, unit, SENT_IN[test], analyte=test)
                if site == IONIZED and test == "calcium":
                    number, sent = 1.24 * math.exp(draw.gauss(0, 0.03)), "mmol/L"
                text = f"{number:.0f}" if test == "vitamin_b12" else f"{number:.2f}"
                if site == "Fir":
                    text, sent = text.replace(".", ","), "" if test == "magnesium" and person % 3 == 0 else sent
                made.append(
                    {
                        "site": site,
                        "patient_id": f"{site}-{person:03}",
                        "collected_at": f"2026-{1 + person % 12:02}-{1 + person % 28:02}",
                        "test": NAMES.get(site, {}).get(test, test),
                        "value": text,
                        "unit": sent,
                        "age": str(20 + (person * 7) % 60) if site != "Cedar" or person % 2 else "",
                        "sex": "F" if person % 2 else "M",
                    }
                )
    return made


def main() -> None:
    """Write the file, or audit it."""
    if "--write" in sys.argv[1:]:
        made = rows()
        with DATA.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(made[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(made)
        return
    found = li.audit(DATA, by="site")
    for mend in found.mend_first():
        print(f"- {mend.what}. {mend.how}")
    print(found.suspects[["site", "analyte", "unit", "suspected_unit", "suspected_analyte", "rows"]].to_string())


if __name__ == "__main__":
    main()
