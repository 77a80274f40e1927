"""Hypothesis strategies that the tests share."""

from __future__ import annotations

from hypothesis import strategies as st

from labinterp.reading import analytes, units

NAMES = {
    "magnesium": ["magnesium", "Mg", "19123-9", "2601-3", "MAGNESIUM"],
    "calcium": ["calcium", "17861-6", "Ca"],
    "calcium_adjusted": ["calcium_adjusted", "Corrected Calcium", "29265-6"],
    "calcium_ionized": ["calcium_ionized", "1995-0"],
    "vitamin_d": ["vitamin_d", "25(OH)D", "1989-3", "62292-8"],
    "vitamin_b12": ["vitamin_b12", "B12", "2132-9"],
    "homocysteine": ["homocysteine", "13965-9"],
    "albumin": ["albumin", "1751-7"],
    "holotranscobalamin": ["holotranscobalamin"],
    "methylmalonic_acid": ["methylmalonic_acid", "MMA"],
    "creatinine": ["creatinine"],
    "folate": ["folate"],
    "parathyroid_hormone": ["parathyroid_hormone"],
    "phosphate": ["phosphate"],
    "potassium": ["potassium"],
}
"""Some names of every analyte."""

DIRTY_TESTS = st.one_of(
    st.sampled_from([name for names in NAMES.values() for name in names]),
    st.sampled_from(["1,25-OH vitamin D", "Urine magnesium", "homocystine", "nonsense", "", "99999-9"]),
)
DIRTY_UNITS = st.one_of(
    st.sampled_from(
        ["mg/dL", "mmol/L", "MMOL/L", "meq/L", "ng/mL", "nmol/L", "pg/mL", "ng/L", "pmol/L", "umol/L", "µmol/L", "g/dL"]
    ),
    st.sampled_from(["g/L", "mg%", "furlongs", "", "mg/dl"]),
    st.none(),
)
DIRTY_VALUES = st.one_of(
    st.decimals(0, 600, places=2, allow_nan=False).map(str),
    st.decimals(0, 30, places=1, allow_nan=False).map(str),
    st.sampled_from(
        [
            "<8",
            "> 150",
            ">=20",
            "≤ 1,2",
            "0,74",
            "1,234",
            "QNS",
            "",
            "-1",
            "1.8 mg/dL",
            "7.9 L",
            "NaN",
            "n/a",
            "1.234",
            "12.345 H",
            "GT 20",
            "&lt; 8",
            "\u2193150",
            "150 niedrig",
            "menor que 150",
            "2000\u4ee5\u4e0a",
            "* 9",
            "1.9 (A)",
        ]
    ),
)
AGES = st.sampled_from([None, "", "0", "0.01", "7", "15.5", "17", "18", "54", "90", ">89", "6 mo", "old", "-4", "200"])
SEXES = st.sampled_from([None, "F", "male", "unknown"])
PREGNANCIES = st.sampled_from([None, "none", "trimester_2", "pregnant"])
RANGES = st.sampled_from(
    [None, None, None, "1.6-2.6", "< OR = 10.3", "M: 1-2 / F: 2-3", "Deficient <20 / Insufficient 20-29 / Sufficient >=30", ">50",
     "0.700-1.000", "see note", "5-10 mg/dL", "-", "0-0", "adults: 8.6 - 10.2"]
)  # fmt: skip
LIMITS = st.sampled_from([None, None, None, "0", "1.6", "2.6", "8.6", "10.2", "<15", "abc", 12, 20.0])


def ordinary_number(draw: st.DrawFn, analyte: str, code: str) -> float:
    """Draw a number that is ordinary for the analyte in a unit."""
    span = analytes.analytes()[analyte].ordinary
    scale = units.scale(analyte, code)
    low, high = (float(end) / scale.mul * scale.div for end in (span.low, span.high))
    return draw(st.floats(low, high, allow_nan=False))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, object]:
    """Draw one row of a dirty table in the `labinterp` layout, without patient and time."""
    return {
        "test": draw(DIRTY_TESTS),
        "value": draw(DIRTY_VALUES),
        "unit": draw(DIRTY_UNITS),
        "reference_low": draw(LIMITS),
        "reference_high": draw(LIMITS),
        "reference_range": draw(RANGES),
        "specimen": draw(st.sampled_from([None, "serum", "URINE"])),
        "method": draw(st.sampled_from([None, "LC-MS/MS", "immunoassay"])),
        "note": draw(st.sampled_from([None, None, "unit_conflict", "entered_in_error", "nonsense"])),
        "loinc": draw(st.sampled_from([None, None, "19123-9", "99999-9"])),
        "reported_flag": draw(
            st.sampled_from([None, None, "L", "H", "N", "*", "LL", "HH", "Low Panic", "(H)", "see note"])
        ),
    }
