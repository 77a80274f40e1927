"""The public contract, section 3: what a result can come to."""

from __future__ import annotations

import math

import pytest

import labinterp as li
from contract_helpers import ADULT, CANONICAL, ORDINARY, both, codes, single
from labinterp.reading.units import accepted

NEAR_MISSES = [
    "1,25-OH D", "1,25-dihydroxyvitamin D", "1,25(OH)2D", "Calcitriol", "1,25 VITAMIN D", "Magnesium, Urine", "Urine Magnesium",
    "Magnesium, RBC", "RBC magnesium", "homocystine", "HOMOCYSTINE", "URINE CYSTINE/HOMOCYSTINE", "prealbumin", "Pre-albumin",
    "Vitamin D2", "25-Hydroxyvitamin D2", "Calcium Oxalate Crystals", "24 hr Calcium", "Calcium, Urine", "% Ionized Calcium",
    "BODYFLUID CALCIUM", "B12 AND FOLATE SCREEN", "B12 binding capacity", "Mg Ionized", "IMg2+", "Ionized Magnesium",
    "Manganese", "Manganese, serum", "Transcobalamin II", "Urine calcium", "Calcium/Creatinine ratio", "Microalbumin", "CA 125",
    "Ca-I adj pH7.4", "Ionized calcium pH 7.4", "Creatinine clearance", "eGFR", "RBC folate", "", "   ",
]  # fmt: skip
REFUSED_CODES = [
    "62290-2", "1649-3", "14566-4", "2236-8", "26746-8", "2597-3", "2600-5", "55937-7", "51950-4", "59148-7", "18281-6",
    "34907-6", "47597-0", "57333-7", "59472-1", "59473-9", "19072-8", "47598-8", "53138-4", "53139-2", "53140-0", "54366-0",
    "13959-2", "32341-0", "3030-4", "2171-7", "15052-4", "72157-1", "20646-6", "2430-7", "30035-0", "33937-4", "32615-7",
    "58859-0", "54301-7", "5683-8", "2283-0", "14731-4", "17820-2", "52957-8", "99999-9", "14866-4",
]  # fmt: skip
CODES = {
    "magnesium": "19123-9 2601-3", "calcium": "17861-6 2000-8 49765-1 1996-8", "calcium_adjusted": "29265-6 46099-8",
    "calcium_ionized": "1995-0 1994-3 12180-6 17863-2 17864-0 38230-9 47596-2 34581-9 41645-3 41644-6 41646-1 59470-5 59471-3",
    "vitamin_d": "62292-8 68438-1 1989-3 14635-7", "vitamin_b12": "2132-9 14685-2 16695-9",
    "holotranscobalamin": "72160-5", "homocysteine": "13965-9 2428-1", "methylmalonic_acid": "13964-2 2629-4",
    "albumin": "1751-7 61151-7 61152-5 2862-1", "parathyroid_hormone": "2731-8 14866-8", "phosphate": "2777-1 14879-1",
    "folate": "2284-8 14732-2", "creatinine": "2160-0 14682-9", "potassium": "2823-3",
}  # fmt: skip
NAMES = {
    "magnesium": ["Magnesium", "MAGNESIUM", "Serum Magnesium", "Plasma Magnesium", "S Magnesium", "Magnesium, Total", "MAG", "MG", "Mg", "Mg2+", "Mg++", "Magnésium", "Magnésio", "Magnes"],
    "calcium": ["Calcium", "Calcium, Total", "Total Calcium", "CALCIUM ARSENAZO", "Ca", "CA", "CAL", "Kalzium", "S-Ca", "fS-Kalsium"],
    "calcium_adjusted": ["Corrected Calcium", "CORRECTED CALCIUM", "Adjusted calcium", "Calcium corrected for albumin", "Albumin-korrigiertes Calcium", "Albuminkorrigeret"],
    "calcium_ionized": ["Free Calcium", "Calcium, Ionized", "Ionised calcium", "IONISED CALCIUM [WHOLE B]", "iCa", "Ca-I", "CaI", "ionic calcium", "kalsium ionisoitunut"],
    "vitamin_d": ["25-Hydroxyvitamin D", "Vitamin D, 25-Hydroxy", "Vitamin D (25-OH)", "25-OH Vitamin D", "25-OH VITAMIN D", "25(OH)D", "25OHD", "25-OH Vit D Total", "Calcidiol", "Calcifediol", "25 hydroxycholecalciferol", "VITAMIN_D3_25_0H_RIA", "25HDN", "Vitamin D, Total"],
    "vitamin_b12": ["Vitamin B12", "Vitamin B-12", "Vit B12", "B12", "Serum B12", "Cobalamin", "Cbl", "Cyanocobalamin", "s-b12-vit", "p-b12-vit", "Vitamine B12"],
    "holotranscobalamin": ["Active B12", "Holotranscobalamin", "Holo-TC", "Holo-TC-II", "TC2"],
    "homocysteine": ["Homocysteine", "Homocysteine, Plasma", "Homocysteine (total)", "tHcy", "HCY", "Hcys", "Homocystein", "Homozystein", "Homocisteína"],
    "methylmalonic_acid": ["Methylmalonic Acid", "MMA", "Methylmalonate", "Metylmalonsyre"],
}  # fmt: skip


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_are_unknown_tests(name):
    """A name that only resembles an analyte is an unknown test and never lands on it."""
    found = single(name, 5, "mg/dL")
    assert (found.problem, found.analyte, found.value) == ("unknown_test", None, None)


@pytest.mark.parametrize("code", REFUSED_CODES)
def test_codes_of_other_quantities_are_unknown_tests(code):
    """A LOINC code of another quantity is an unknown test."""
    assert single(code, 5, "mg/dL").problem == "unknown_test"


@pytest.mark.parametrize("code", REFUSED_CODES[:6])
def test_a_foreign_code_decides_whatever_name_stands_beside_it(code):
    """A code that is given and isn't ours decides over the name beside it."""
    report = li.interpret([li.LabResult("Magnesium", 1.8, "mg/dL", loinc=code)], ADULT)
    assert report.interpretations[0].problem == "unknown_test"


@pytest.mark.parametrize(("analyte", "code"), [(a, c) for a, cs in CODES.items() for c in cs.split()])
def test_every_code_of_the_facts_is_known(analyte, code):
    """Every LOINC code that belongs to an analyte means it."""
    assert single(code, ORDINARY[analyte], CANONICAL[analyte]).analyte == analyte


@pytest.mark.parametrize(("analyte", "name"), [(a, n) for a, ns in NAMES.items() for n in ns])
def test_every_name_of_the_facts_is_known(analyte, name):
    """Every name that was seen for an analyte means it."""
    assert single(name, ORDINARY[analyte], CANONICAL[analyte]).analyte == analyte


@pytest.mark.parametrize("specimen", ["urine", "CSF", "red cells", "stool", "saliva", "dialysate"])
def test_other_specimens_are_unsuitable(specimen):
    """A specimen other than serum, plasma or whole blood is refused."""
    assert single("magnesium", 1.8, "mg/dL", specimen=specimen).problem == "unsuitable_specimen"


@pytest.mark.parametrize("specimen", [None, "", "serum", "Serum", "SER", "plasma", "PLASMA"])
def test_serum_and_plasma_are_suitable(specimen):
    """Serum, plasma and an unnamed specimen are interpreted."""
    assert single("magnesium", 1.8, "mg/dL", specimen=specimen).flag == "N"


def test_whole_blood_is_suitable_for_ionized_calcium():
    """Ionized calcium is measured in whole blood."""
    assert single("calcium_ionized", 1.2, "mmol/L", specimen="whole blood").flag == "N"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "missing_value"), ("", "missing_value"), ("  ", "missing_value"), (math.nan, "missing_value"),
        ("NEG", "not_numeric"), ("QNS", "not_numeric"), ("hemolyzed", "not_numeric"), ("see comment", "not_numeric"),
        (math.inf, "not_numeric"), (-math.inf, "not_numeric"), ("inf", "not_numeric"), ("nan", "not_numeric"),
        ("١٫٨", "not_numeric"), ("१.८", "not_numeric"), ("1.8.2", "not_numeric"), ("1.6-2.6", "not_numeric"),
        (True, "not_numeric"), ([1], "not_numeric"), ("0x10", "not_numeric"), ("1e400", "not_numeric"), ("1_8", "not_numeric"),
    ],
)  # fmt: skip
def test_what_is_no_number_has_its_problem(value, problem):
    """Empty values are missing; words, other scripts' digits and infinities are not numeric; NaN is one of the two."""
    found = single("magnesium", value, "mg/dL")
    either = value == "nan" or (isinstance(value, float) and math.isnan(value))
    assert found.problem in ({"missing_value", "not_numeric"} if either else {problem})
    assert found.flag is None


@pytest.mark.parametrize(("decimal", "value"), [(".", 1234.0), (",", 1.234)])
def test_an_ambiguous_number_is_settled_by_decimal_alone(decimal, value):
    """`1,234` with two plausible readings is ambiguous, and `decimal=` decides."""
    assert single("vitamin_b12", "1,234", "pmol/L").problem == "ambiguous_number"
    found = single("vitamin_b12", "1,234", "pmol/L", decimal=decimal)
    assert found.value == value


def test_a_comma_with_one_plausible_reading_is_read():
    """`0,74`, and `1,234` where only one reading is possible, are read and noted as cleaned."""
    found = single("magnesium", "1,234", "mmol/L")
    assert (found.value, found.problem) == (1.234, None)
    assert "number_cleaned" in found.notes


@pytest.mark.parametrize("bad", [";", "", "comma", 1])
def test_an_unknown_decimal_sign_is_an_error(bad):
    """`decimal=` takes a point or a comma and nothing else."""
    with pytest.raises(ValueError):  # noqa: PT011 - any child that is a ValueError
        li.interpret([li.LabResult("magnesium", "1,2", "mg/dL")], ADULT, decimal=bad)


def test_a_negative_value_is_a_problem():
    """A value below zero is negative, in every unit."""
    assert single("magnesium", -0.8, "mmol/L").problem == "negative_value"
    assert single("magnesium", "\u22120.8", "mmol/L").problem == "negative_value"


HARD = [
    ("magnesium", 0, 12.01, "mmol/L"), ("calcium", 0.49, 7.51, "mmol/L"), ("calcium_ionized", 0.19, 5.01, "mmol/L"),
    ("vitamin_d", 0, 4001, "nmol/L"), ("vitamin_b12", 0, 300001, "pg/mL"), ("holotranscobalamin", 0, 5001, "pmol/L"),
    ("homocysteine", 0, 1001, "umol/L"), ("methylmalonic_acid", 0, 1000001, "nmol/L"), ("albumin", 4.9, 80.1, "g/L"),
]  # fmt: skip
SOFT = [
    ("magnesium", (0.079, 0.08), (7, 7.01), "mmol/L"), ("calcium", (0.99, 1.0), (6.5, 6.51), "mmol/L"),
    ("calcium_ionized", (0.29, 0.3), (2.5, 2.51), "mmol/L"), ("vitamin_d", (1.9, 2), (3100, 3101), "nmol/L"),
    ("vitamin_b12", (14.9, 15), (9999, 10001), "pg/mL"), ("homocysteine", (0.99, 1), (500, 501), "umol/L"),
]  # fmt: skip


@pytest.mark.parametrize(("analyte", "low", "high", "unit"), HARD)
def test_beyond_the_hard_limits_is_implausible(analyte, low, high, unit):
    """A value beyond the hard limits is implausible and has neither flag nor level."""
    for value in (low, high):
        found = single(analyte, value, unit)
        assert (found.problem, found.flag) == ("implausible_value", None)


@pytest.mark.parametrize(("analyte", "low", "high", "unit"), SOFT)
def test_beyond_the_soft_limits_is_noted(analyte, low, high, unit):
    """A value between the hard and the soft limits is interpreted with a note; one on the soft limit has none."""
    for value, soft in ((low[0], True), (low[1], False), (high[0], False), (high[1], True)):
        found = single(analyte, value, unit)
        assert found.problem is None
        assert ("soft_implausible" in found.notes) == soft


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "suspect"),
    [
        ("magnesium", 18, "mmol/L", {"mg/L"}),
        ("calcium", 9.4, "mmol/L", {"mg/dL"}),
        ("albumin", 4.1, "g/L", {"g/dL"}),
        ("calcium", 2.3, "mg/dL", {"mmol/L"}),
        ("magnesium", 800, "mmol/L", {"umol/L"}),
    ],
)
def test_an_implausible_value_names_the_unit_that_would_fit_and_is_not_re_read(analyte, value, unit, suspect):
    """`suspected_unit` names a unit in which the number would be ordinary, and nothing is converted by it."""
    found = single(analyte, value, unit)
    assert found.suspected_unit in suspect
    assert found.problem == "implausible_value" or "soft_implausible" in found.notes


def test_a_state_that_rests_on_a_soft_implausible_value_is_at_most_possible():
    """A doubtful value makes a state possible at most, and excludes nothing."""
    low = both([("magnesium", 0.05, "mmol/L")])
    assert codes(low) == {"hypomagnesemia": "possible"}
    assert low.states["magnesium_excess"] in ("possible", "undetermined")
    high = both([("calcium_ionized", 2.8, "mmol/L")])
    assert codes(high) == {"hypercalcemia": "possible"}
    assert "present" not in high.states.values()


@pytest.mark.parametrize("blank", [None, "", "  ", math.nan])
def test_a_missing_unit_is_never_guessed(blank):
    """A result without a unit is not interpreted, however ordinary its number is."""
    assert single("magnesium", 2.0, blank).problem == "missing_unit"


def test_default_units_let_the_caller_say_it():
    """`default_units` fills a missing unit, is noted, and yields to a unit that is there."""
    units = {"magnesium": "mg/dL"}
    found = single("magnesium", 1.2, None, default_units=units)
    assert found.flag == "L"
    assert single("magnesium", 0.8, "mmol/L", default_units=units).flag == "N"
    assert single("calcium", 9.4, None, default_units=units).problem == "missing_unit"


@pytest.mark.parametrize(
    ("analyte", "unit", "problem"),
    [
        ("magnesium", "furlong", "unknown_unit"), ("magnesium", "mmol/L/ph74", "unknown_unit"), ("magnesium", "9**9**9", "unknown_unit"),
        ("magnesium", "mmol", "unknown_unit"), ("albumin", "mmol/L", "incompatible_unit"), ("vitamin_d", "meq/L", "incompatible_unit"),
        ("holotranscobalamin", "pg/mL", "incompatible_unit"), ("potassium", "mg/dL", "incompatible_unit"),
    ],
)  # fmt: skip
def test_unknown_and_incompatible_units(analyte, unit, problem):
    """A spelling outside the table is unknown; a unit of the table that can't measure the analyte is incompatible."""
    found = single(analyte, 2, unit)
    assert (found.problem, found.value, found.flag) == (problem, None, None)


DIRTY_UNITS = {
    "mg/dL": ["mg/dL", "mg/dl", "MG/DL", "mg%", "mg/100mL", "mg/dL^mg/dL^A400"],
    "meq/L": ["mEq/L", "meq/L", "MEQ/L", "meg/l", "meq per l"],
    "mmol/L": ["mmol/L", "mmol/l", "MMOL/L", "MMOLL", "mM", "mmo/l", "mmmol/l", "mmol/l (total)"],
    "umol/L": ["µmol/L", "μmol/L", "umol/l", "ymol/l", "mcmol/L", "micromol/L", "umole/l", "Âµmol/l"],
}


@pytest.mark.parametrize(("code", "spelling"), [(c, s) for c, ss in DIRTY_UNITS.items() for s in ss])
def test_spellings_seen_in_the_wild_mean_their_unit(code, spelling):
    """Every spelling that laboratories were seen to send means its UCUM unit."""
    value = {"mg/dL": 1.8, "meq/L": 1.6, "mmol/L": 0.8, "umol/L": 800}[code]
    assert single("magnesium", value, spelling).value == pytest.approx(
        li.convert(value, code, "mmol/L", analyte="magnesium"), rel=1e-12
    )


@pytest.mark.parametrize(
    ("spelling", "value", "nmol"),
    [
        ("10-9 mol/l", 60, 60),
        ("nmol/l", 60, 60),
        ("nmoles/ml", 0.06, 60),
        ("ng per ml", 24, 59.90415),
        ("ng/ml", 24, 59.90415),
        ("µg/L", 24, 59.90415),
    ],
)
def test_vitamin_d_units_seen_in_the_wild(spelling, value, nmol):
    """Spellings of the units of 25(OH)D mean what they say, 10-9 mol/l being nmol/L; or they are refused."""
    found = single("vitamin_d", value, spelling)
    if found.problem is None:
        assert found.value == pytest.approx(nmol, rel=1e-6)
    else:
        assert found.problem in ("unknown_unit", "incompatible_unit")


def test_a_code_never_proves_the_unit():
    """Where LOINC code and unit disagree the unit decides, the conflict is noted, and nothing is converted silently."""
    found = single("19123-9", 1.00, "mmol/L", reference_low=0.70, reference_high=1.05)
    assert (found.value, found.flag) == (1.0, "N")
    assert "loinc_unit_conflict" in found.notes
    half = single("2601-3", 2.0, "mEq/L")
    assert half.value == 1.0


def test_no_reference_range_still_gives_the_value():
    """Where nothing covers the analyte the normalized value is there, and no limits."""
    found = single("potassium", 4.2, "meq/L", ranges="nice-ng239/2024")
    assert (found.problem, found.value, found.unit, found.low, found.high, found.range_id) == (
        "no_reference_range",
        4.2,
        "mmol/L",
        None,
        None,
        None,
    )


def test_the_withdrawn_categories_are_no_reference_range():
    """The Endocrine Society's 2024 edition has no categories, so it answers `no_reference_range`."""
    found = single("vitamin_d", 15, "ng/mL", ranges="endocrine-society/2024")
    assert (found.problem, found.value) == ("no_reference_range", pytest.approx(37.44, abs=0.001))
    assert single("vitamin_d", 25, "ng/mL", ranges="endocrine-society/2011").level == "borderline_low"


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("<1.6", "L"),
        ("<1.5", "L"),
        ("<=1.6", "IND"),
        ("<1.7", "IND"),
        (">2.6", "H"),
        (">=2.6", "IND"),
        (">2.5", "IND"),
        (">1.0", "IND"),
        ("<3", "IND"),
        (">3", "H"),
    ],
)
def test_a_censored_value_has_a_flag_only_where_all_it_stands_for_agrees(text, flag):
    """A censored value has the flag of every value that it can stand for, or IND."""
    found = single("magnesium", text, "mg/dL")
    assert found.flag == flag
    assert found.level == {"L": "low", "H": "high", "IND": "indeterminate"}[flag]


@pytest.mark.parametrize(
    ("value", "unit", "band"),
    [
        (19.99, "ng/mL", "borderline_low"), (20, "ng/mL", "normal"), (49.99, "nmol/L", "borderline_low"), (50, "nmol/L", "normal"),
        (12, "ng/mL", "borderline_low"), (11.99, "ng/mL", "low"), (30, "nmol/L", "borderline_low"), (29.99, "nmol/L", "low"),
        (50, "ng/mL", "normal"), (50.01, "ng/mL", "high"), (125, "nmol/L", "normal"), (125.1, "nmol/L", "high"),
        (20, "ug/L", "normal"), (12, "ug/L", "borderline_low"),
    ],
)  # fmt: skip
def test_vitamin_d_is_compared_in_the_unit_of_the_published_limit(value, unit, band):
    """20 ng/mL is sufficient though it is 49.92 nmol/L: each unit has the limit that its source prints for it."""
    assert single("vitamin_d", value, unit).level == band


@pytest.mark.parametrize(
    ("value", "unit", "level", "band"),
    [
        (179, "ng/L", "low", "confirmed deficiency"), (180, "ng/L", "borderline_low", "indeterminate"),
        (350, "ng/L", "borderline_low", "indeterminate"), (351, "ng/L", "normal", "deficiency unlikely"),
        (132, "pmol/L", "low", "confirmed deficiency"), (133, "pmol/L", "borderline_low", "indeterminate"),
        (258, "pmol/L", "borderline_low", "indeterminate"), (259, "pmol/L", "normal", "deficiency unlikely"),
        (132.9, "pmol/L", "low", "confirmed deficiency"), (180, "pg/mL", "borderline_low", "indeterminate"),
        (350, "pg/mL", "borderline_low", "indeterminate"), (350.1, "pg/mL", "normal", "deficiency unlikely"),
    ],
)  # fmt: skip
def test_nice_limits_of_vitamin_b12_in_each_printed_unit(value, unit, level, band):
    """NICE's limits in ng/L and pmol/L are each used for results in that unit, on the side that NICE prints."""
    found = single("vitamin_b12", value, unit, ranges="uk")
    assert (found.level, found.band, found.range_id.partition("#")[0]) == (level, band, "nice-ng239/2024")


@pytest.mark.parametrize(
    ("value", "level"), [(24.9, "low"), (25, "borderline_low"), (70, "borderline_low"), (70.1, "normal")]
)
def test_nice_limits_of_active_b12(value, level):
    """NICE's limits of holotranscobalamin are strict below 25 and above 70."""
    assert single("holotranscobalamin", value, "pmol/L", ranges="uk").level == level


def test_a_value_on_a_converted_limit_is_on_the_limit():
    """A limit converted into another accepted unit lies on the limit, within 1e-9 of it and not within 1e-8."""
    for unit in accepted("magnesium"):
        for limit, outside, flag in ((1.6, 1 - 1e-8, "L"), (2.6, 1 + 1e-8, "H")):
            value = li.convert(limit, "mg/dL", unit, analyte="magnesium")
            near = (value,) if unit == "mg/dL" else (value, value * (1 - 5e-10), value * (1 + 5e-10))
            assert [single("magnesium", x, unit).flag for x in near] == ["N"] * len(near), (unit, limit)
            assert single("magnesium", value * outside, unit).flag == flag


@pytest.mark.parametrize(
    ("value", "band", "level"),
    [
        (14.9, "normal", "normal"),
        (15, "moderate", "high"),
        (29.9, "moderate", "high"),
        (30, "intermediate", "high"),
        (99.9, "intermediate", "high"),
        (100, "severe", "very_high"),
    ],
)
def test_homocysteine_bands_are_closed_below(value, band, level):
    """The bands of homocysteine begin on 15, 30 and 100."""
    found = single("homocysteine", value, "umol/L")
    assert (found.band, found.level) == (band, level)


def test_the_laboratorys_own_flag_is_compared():
    """A reported flag on another side is noted and changes nothing; one on the same side is not noted."""
    assert "flag_disagrees" in single("magnesium", 1.8, "mg/dL", reported_flag="L").notes
    for same in ("L", "LL", "low", "LU"):
        assert "flag_disagrees" not in single("magnesium", 1.2, "mg/dL", reported_flag=same).notes
