"""Spellings of units, exact factors, conversion, and pint Quantities from anywhere."""

import pickle
import subprocess
import sys
import time
import types
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pint
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import labinterp
from labinterp._data import knowledge
from labinterp.errors import IncompatibleUnitError, LabInterpError, UnknownTestError, UnknownUnitError, ValueParseError
from labinterp.reading import analytes, naming, units

KEYS = tuple(analytes.analytes())
TRIPLES = [(key, one, other) for key in KEYS for one in units.accepted(key) for other in units.accepted(key)]

# What each unit is in grams, moles or equivalents per liter, written down apart from the data.
PER_LITER = {
    "g/L": "1", "g/dL": "10", "mg/mL": "1", "mg/dL": "0.01", "mg/L": "1e-3", "ug/mL": "1e-3", "ug/dL": "1e-5",
    "ug/L": "1e-6", "ng/mL": "1e-6", "ng/dL": "1e-8", "ng/L": "1e-9", "pg/mL": "1e-9", "pg/dL": "1e-11",
    "mmol/L": "1e-3", "umol/L": "1e-6", "nmol/L": "1e-9", "pmol/L": "1e-12", "umol/mL": "1e-3", "umol/dL": "1e-5",
    "nmol/mL": "1e-6", "pmol/mL": "1e-9", "fmol/mL": "1e-12", "meq/L": "1e-3", "meq/dL": "1e-2",
}  # fmt: skip
MOLAR_MASS = {
    "magnesium": "24.305", "calcium": "40.078", "calcium_adjusted": "40.078", "calcium_ionized": "40.078",
    "vitamin_d": "400.64", "vitamin_b12": "1355.37", "homocysteine": "135.18", "methylmalonic_acid": "118.09",
    "folate": "441.40", "creatinine": "113.12", "phosphate": "30.974", "parathyroid_hormone": "9424.76",
}  # fmt: skip
VALENCE = {"magnesium": 2, "calcium": 2, "calcium_adjusted": 2, "calcium_ionized": 2, "potassium": 1}

# Published, rounded factors: analyte, from, to, factor, relative error of the publication in percent.
PUBLISHED = [
    ("magnesium", "mg/dL", "mmol/L", "0.4114", -0.009),
    ("magnesium", "mg/dL", "mmol/L", "0.411", -0.106),
    ("magnesium", "mg/dL", "mmol/L", "0.41", -0.35),
    ("magnesium", "meq/L", "mmol/L", "0.5", 0.0),
    ("magnesium", "meq/L", "mg/dL", "1.21525", 0.0),
    ("calcium", "mg/dL", "mmol/L", "0.2495", -0.005),
    ("calcium", "mg/dL", "mmol/L", "0.25", 0.195),
    ("calcium", "meq/L", "mg/dL", "2.0039", 0.0),
    ("vitamin_d", "ng/mL", "nmol/L", "2.496", -0.0003),
    ("vitamin_d", "ng/mL", "nmol/L", "2.5", 0.16),
    ("vitamin_b12", "pg/mL", "pmol/L", "0.7378", -0.001),
    ("vitamin_b12", "pg/mL", "pmol/L", "0.738", 0.026),
    ("vitamin_b12", "pg/mL", "pmol/L", "0.74", 0.30),
    ("homocysteine", "mg/L", "umol/L", "7.397", -0.007),
    ("homocysteine", "mg/L", "umol/L", "7.4", 0.033),
    ("homocysteine", "mg/dL", "umol/L", "73.975", -0.0006),
    ("methylmalonic_acid", "ng/mL", "nmol/L", "8.47", 0.022),
    ("folate", "ng/mL", "nmol/L", "2.265", -0.023),
    ("folate", "ng/mL", "nmol/L", "2.266", 0.021),
    ("creatinine", "mg/dL", "umol/L", "88.4", -0.002),
    ("phosphate", "mg/dL", "mmol/L", "0.3229", 0.017),
    ("parathyroid_hormone", "pg/mL", "pmol/L", "0.106", -0.1),
]
# Digits that decide at a limit.
DIGITS = [
    ("vitamin_d", "20", "ng/mL", "nmol/L", "49.920"), ("vitamin_d", "12", "ng/mL", "nmol/L", "29.952"),
    ("vitamin_d", "10", "ng/mL", "nmol/L", "24.960"), ("vitamin_d", "30", "ng/mL", "nmol/L", "74.880"),
    ("vitamin_d", "50", "nmol/L", "ng/mL", "20.032"), ("vitamin_b12", "180", "ng/L", "pmol/L", "132.805"),
    ("vitamin_b12", "350", "ng/L", "pmol/L", "258.232"), ("vitamin_b12", "200", "pg/mL", "pmol/L", "147.561"),
    ("vitamin_b12", "133", "pmol/L", "ng/L", "180.264"), ("vitamin_b12", "221", "pmol/L", "pg/mL", "299.5"),
    ("calcium", "8.6", "mg/dL", "mmol/L", "2.1458"), ("calcium", "10.2", "mg/dL", "mmol/L", "2.5450"),
    ("magnesium", "1.6", "mg/dL", "mmol/L", "0.6583"), ("magnesium", "2.6", "mg/dL", "mmol/L", "1.0697"),
    ("magnesium", "1.7", "mg/dL", "mmol/L", "0.6994"), ("magnesium", "0.9", "mg/dL", "mmol/L", "0.3703"),
    ("magnesium", "1.5", "mEq/L", "mmol/L", "0.75"), ("calcium", "6.4", "mg/dL", "mmol/L", "1.5969"),
    ("albumin", "4.1", "g/dL", "g/L", "41"), ("potassium", "4.2", "mEq/L", "mmol/L", "4.2"),
    ("methylmalonic_acid", "0.4", "umol/L", "nmol/L", "400"), ("homocysteine", "15", "nmol/mL", "umol/L", "15"),
]  # fmt: skip

SPELLINGS = {
    "mg/dL": "mg/dL|mg/dl|MG/DL|mg%|mg/100mL|mg/100 ml|mg per dL|mg dL-1|milligram / deciliter|mg/dL^mg/dL^A400"
    "|mg/dl^milligram per deciliter^UCUM|milligram per deciliter|mg·dL⁻¹|Mg/dL| mg/dL |mg / dL|㎎/㎗|mg/dL^^UCUM",
    "mg/L": "mg/L|mg/l",
    "meq/L": "meq/L|mEq/L|MEQ/L|meg/l|meq per l|mval/L|milliequivalent per liter",
    "mmol/L": "mmol/L|mmol/l|MMOL/L|MMOLL|mM|mmo/l|mmmol/l|mmol/l (total)|mmol/L{total}|mmol/L [total]|mmol.L-1"
    "|mmol l-1|millimole per liter|mmol/litre|\uff4d\uff4d\uff4f\uff4c\uff0f\uff2c|10-3 mol/l",
    "umol/L": "umol/L|umol/l|µmol/L|μmol/L|UMOL/L|ymol/l|mcmol/L|micromol/L|umole/l"
    "|Âµmol/l|Î¼mol/l|uM|µM|μM|10-6 mol/l",
    "nmol/L": "nmol/L|nmol/l|NMOL/L|nM|10-9 mol/l|10*-9 mol/L|10⁻⁹ mol/L|nanomole per liter",
    "nmol/mL": "nmoles/ml|nmol/mL|nmol/ml",
    "pmol/L": "pmol/L|Pmol/L|PMOL/L|pM|picomole / liter",
    "ng/mL": "ng/mL|ng/ml|NG/ML|nG/ML|ng per ml|nanogram per milliliter",
    "ng/dL": "ng/dL|NG/DL",
    "pg/mL": "pg/mL|pg/ml|PG/ML",
    "ng/L": "ng/L|ng/l",
    "ug/L": "ug/L|mcg/L|µg/L|μg/l|Î¼g/l|UG/L",
    "ug/dL": "ug/dL|mcg/dL|uG/DL",
    "g/L": "g/L|g/l|G/L",
    "g/dL": "g/dL|gm/dl|G/DL|g%|gm%",
}
AS_UCUM = ["mg/dL", "mg/dl", "mmol/L", "mmol/l", "meq/L", "meq/l", "ng/mL", "ng/ml", "pmol/l", "umol/L", "ug/l", "g/dl"]
UNKNOWN = [
    "mmol/l/ph74", "mmol/l/ph7", "mmol/L (pH 7.4)", "mmol/l/ph74^mmol/L^L", "mmol/L^mg/dL^L", "MM", "mm", "Mm",
    "um", "UM", "NM", "nm", "PM", "pm", "mmol", "mg", "dL", "/dL", "mg/", "mg//dL", "mg/dL/dL", "mg/kg",
    "1,8 mg/dL", "1.8 mg/dL", "9**9**9", "m**9**9**9", "__import__('os')", "mg/dL; rm", "acidity", "K/uL", "mol",
    "10-9", "10-9 l/mol", "mmol/l urine", "mmol/l (urine)", "mmol/L(", "mmol/L)", "()", "{}", "^mg/kg^", "ppm",
    "?mol/L", "\ufffdmol/L", "m²", "mg²/dL", "x", "٣mg/dL", "mg/dL²", "mgm/dL", "mmol/mg", "dL/mg",
]  # fmt: skip


def pairs(table):
    return [(item, key) for key, items in table.items() for item in items.split("|")]


def expected_factor(key, code):
    """Compute a factor to the canonical unit from the tables of this test alone."""

    def to_base(unit):
        amount = Fraction(PER_LITER[unit])
        if "eq/" in unit:
            return amount / VALENCE[key]
        return amount / Fraction(MOLAR_MASS[key]) if unit[1 if unit[0] != "g" else 0] == "g" and molar else amount

    canonical = analytes.analyte(key).canonical_unit
    molar = "mol" in canonical
    return to_base(code) / to_base(canonical)


@pytest.mark.parametrize(("text", "code"), pairs(SPELLINGS))
def test_spelling_is_read(text, code):
    """Every spelling seen in laboratories' files has its UCUM code, and is noted unless it is UCUM's own."""
    found = units.resolve(text)
    assert (found.code, found.problem) == (code, None)
    assert found.cleaned is (text not in {code, code.replace("L", "l")})


@pytest.mark.parametrize("text", AS_UCUM)
def test_spelling_that_ucum_allows_is_not_noted(text):
    """UCUM writes the liter as L or l; neither is a repair."""
    assert units.resolve(text).cleaned is False


@pytest.mark.parametrize("text", UNKNOWN)
def test_other_spellings_are_unknown(text):
    """Nothing is parsed: what is not in the table is unknown."""
    assert units.resolve(text) == units.ResolvedUnit(problem="unknown_unit")


@pytest.mark.parametrize(
    "text", [None, "", "   ", "\t", "NA", "N/A", "null", "None", "NO UNITS", "-", float("nan"), " " * 99]
)
def test_missing_unit_is_told_from_an_unknown_one(text):
    """An empty cell and the usual words for it mean that there is no unit."""
    assert units.resolve(text) == units.ResolvedUnit(problem="missing_unit")


def test_every_spelling_of_the_table_leads_to_one_unit():
    """No two units share a spelling."""
    data = knowledge("units.toml")
    owner = {}
    for row in data["unit"]:
        above, below = row.get("of", (None, None))
        texts = [j.format(a, b) for a in data["numerators"].get(above, ()) for b in data["denominators"].get(below, ())
                 for j in data["joins"]]  # fmt: skip
        for text in (*texts, *row.get("extra", ()), row["code"]):
            assert owner.setdefault(units._fold(text), row["code"]) == row["code"]
            assert len(text) > 40 or units.resolve(text).code == row["code"]
    assert set(owner.values()) == set(units.units())


@pytest.mark.parametrize("key", KEYS)
def test_units_that_convert_are_exactly_those_with_a_cited_constant(key):
    """Mass and moles meet only where there is a molar mass, equivalents only where there is a valence."""
    kinds = {units.units()[code].kind for code in units.accepted(key)}
    canonical = units.units()[analytes.analyte(key).canonical_unit].kind
    assert kinds == {canonical} | ({"mass", "moles"} if key in MOLAR_MASS else set()) | (
        {"equivalents"} if key in VALENCE else set()
    )
    assert set(analytes.analyte(key).units) <= set(units.accepted(key))
    assert units.accepted(key)[0] == analytes.analyte(key).canonical_unit


@pytest.mark.parametrize("key", KEYS)
def test_factors_equal_those_computed_independently(key):
    """The registry's exact factors equal the fractions made of molar mass, valence and prefixes."""
    for code in units.accepted(key):
        assert units.exact_factor(key, code) == expected_factor(key, code), code


def test_every_triple_round_trips():
    """From any unit to any other and back returns the value, for every analyte."""
    for key, one, other in TRIPLES:
        there, back = units.scale_between(key, one, other), units.scale_between(key, other, one)
        assert back.apply(there.apply(7.9)) == pytest.approx(7.9, rel=1e-12)
        assert there.apply(1.0) == pytest.approx(
            float(units.exact_factor(key, one) / units.exact_factor(key, other)), rel=1e-15
        )


def test_decimal_factors_are_applied_without_rounding_them():
    """The multiplier or the divisor is exact in decimal where either is, so that 8.6 mg/dL and back is 8.6."""
    for key, one, other in TRIPLES:
        found = units.scale_between(key, one, other)
        assert 1.0 in (found.mul, found.div)
    assert units.scale("magnesium", "mg/dL") == units.Factor(1.0, 2.4305)
    assert units.scale_between("magnesium", "mmol/L", "mg/dL") == units.Factor(2.4305, 1.0)
    assert units.scale("vitamin_d", "ng/mL") == units.Factor(1.0, 0.40064)


@pytest.mark.parametrize(("key", "one", "other", "published", "percent"), PUBLISHED)
def test_published_factors_differ_by_their_rounding_only(key, one, other, published, percent):
    """Each published factor lies as far from ours as its rounding explains."""
    exact = units.exact_factor(key, one) / units.exact_factor(key, other)
    error = float(Fraction(published) / exact - 1) * 100
    assert error == pytest.approx(percent, abs=max(0.006, abs(percent) * 0.1))


@pytest.mark.parametrize(("key", "value", "unit", "to", "digits"), DIGITS)
def test_digits_that_decide(key, value, unit, to, digits):
    """Conversions near decision limits agree to every digit printed."""
    found = units.convert(float(value), unit, to, analyte=key)
    places = len(digits.partition(".")[2])
    assert round(found, places) == pytest.approx(float(digits), abs=1e-12)


def test_headline_conversion_is_exact():
    """The conversion of the documentation gives the documented digits."""
    assert units.convert(1.8, "mg/dL", "mmol/L", analyte="magnesium") == 0.7405883563052871


def test_mass_of_parathyroid_hormone_follows_from_its_formula():
    """C408H674N126O126S2 with IUPAC's abridged atomic weights weighs what the data say."""
    weights = {"C": "12.011", "H": "1.008", "N": "14.007", "O": "15.999", "S": "32.06"}
    atoms = {"C": 408, "H": 674, "N": 126, "O": 126, "S": 2}
    mass = sum(Decimal(weights[symbol]) * count for symbol, count in atoms.items())
    assert analytes.analyte("parathyroid_hormone").molar_mass == round(mass, 2)


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("vitamin_d", "meq/L"), ("vitamin_b12", "mEq/L"), ("phosphate", "mEq/L"), ("homocysteine", "meq/L"),
        ("albumin", "umol/L"), ("albumin", "mEq/L"), ("potassium", "mg/dL"), ("holotranscobalamin", "pg/mL"),
        ("vitamin_d", "IU/L"), ("parathyroid_hormone", "U/L"), ("calcium", "%"), ("calcium", "mg/24h"),
        ("creatinine", "mL/min"),
    ],
)  # fmt: skip
def test_unit_that_cannot_measure_the_analyte_is_incompatible(key, unit):
    """Equivalents without a valence, mass without a molar mass and other kinds of unit never convert."""
    code = units.resolve(unit).code
    with pytest.raises(IncompatibleUnitError) as caught:
        units.exact_factor(key, code)
    assert (caught.value.analyte, caught.value.unit) == (key, code)
    assert pickle.loads(pickle.dumps(caught.value)).unit == code  # noqa: S301 - our own error, just written
    with pytest.raises(IncompatibleUnitError):
        units.convert(1.0, unit, analytes.analyte(key).canonical_unit, analyte=key)


@pytest.mark.parametrize(
    ("value", "unit", "to", "analyte", "error"),
    [
        (1.0, "secret/unit", "mmol/L", "magnesium", UnknownUnitError),
        (1.0, None, "mmol/L", "magnesium", UnknownUnitError),
        (1.0, "mg/dL", "", "magnesium", UnknownUnitError),
        (1.0, "mg/dL", "mmol/L", "secret", UnknownTestError),
        (1.0, "mg/dL", "mmol/L", "Magnesium, RBC", UnknownTestError),
        (1.0, "mg/dL", "mmol/L", None, UnknownTestError),
        ("1.8 secret", "mg/dL", "mmol/L", "magnesium", ValueParseError),
        ("1.8", "mg/dL", "mmol/L", "magnesium", ValueParseError),
        (None, "mg/dL", "mmol/L", "magnesium", ValueParseError),
        (True, "mg/dL", "mmol/L", "magnesium", ValueParseError),
        (float("nan"), "mg/dL", "mmol/L", "magnesium", ValueParseError),
        (float("inf"), "mg/dL", "mmol/L", "magnesium", ValueParseError),
        (10**400, "mg/dL", "mmol/L", "magnesium", ValueParseError),
        (1e308, "g/L", "pmol/L", "magnesium", ValueParseError),
        (Decimal("NaN"), "mg/dL", "mmol/L", "magnesium", ValueParseError),
        (Decimal("sNaN"), "mg/dL", "mmol/L", "magnesium", ValueParseError),
        (1j, "mg/dL", "mmol/L", "magnesium", ValueParseError),
    ],
)
def test_wrong_arguments_raise_errors_that_echo_nothing(value, unit, to, analyte, error):
    """Each fault has its own class, and no message repeats what was passed."""
    with pytest.raises(error) as caught:
        units.convert(value, unit, to, analyte=analyte)
    assert isinstance(caught.value, LabInterpError)
    assert "secret" not in str(caught.value)
    assert "1.8" not in str(caught.value)


@pytest.mark.parametrize("value", [2, 2.0, Decimal("2.0"), Fraction(2), np.float64(2), np.int32(2), np.float32(2)])
def test_any_kind_of_number_converts(value):
    """Integers, decimals, fractions and numpy scalars give the float that the number stands for."""
    found = units.convert(value, "mEq/L", "mmol/L", analyte="Magnesium")
    assert (found, type(found)) == (1.0, float)


def test_codes_of_the_table_are_required_where_spellings_are_not_read():
    """Functions that take a UCUM code refuse spellings, unknown codes and unknown analytes."""
    for call in (units.exact_factor, units.scale):
        with pytest.raises(UnknownUnitError):
            call("magnesium", "MG/DL")
        with pytest.raises(UnknownUnitError):
            call("magnesium", None)
        with pytest.raises(UnknownTestError):
            call("nothing", "mg/dL")
    with pytest.raises(UnknownTestError):
        units.accepted("nothing")


def registries():
    compact = pint.UnitRegistry()
    compact.formatter.default_format = "~P"
    odd = pint.UnitRegistry(non_int_type=Decimal)
    odd.define("equivalent = [charge_equivalent] = eq")
    return {"application": pint.get_application_registry(), "compact": compact, "decimal": odd}


def test_quantity_of_any_registry_is_read():
    """A Quantity gives its magnitude and a UCUM code, whatever registry made it and however that prints units."""
    made = registries()
    for name, registry in made.items():
        number = Decimal("1.8") if name == "decimal" else 1.8
        for expression, code in {
            "mg/dL": "mg/dL", "millimole/liter": "mmol/L", "ug/L": "ug/L", "nmol/mL": "nmol/mL", "g/L": "g/L",
            "pg/milliliter": "pg/mL", "umol/L": "umol/L", "millimolar": "mmol/L",
        }.items():  # fmt: skip
            assert units.from_quantity(registry.Quantity(number, expression)) == (number, code)
    assert units.from_quantity(made["decimal"].Quantity(Decimal("1.5"), "meq/L")) == (Decimal("1.5"), "meq/L")
    assert (
        units.convert(made["compact"].Quantity(1.8, "mg/dL"), None, "mmol/L", analyte="magnesium") == 0.7405883563052871
    )
    assert units.convert(
        made["decimal"].Quantity(Decimal(3), "meq/L"), None, "mg/dL", analyte="calcium"
    ) == pytest.approx(6.0117)


def test_quantity_in_an_unlisted_unit_is_converted_by_its_own_registry():
    """Mass or substance per volume in any unit is brought to mg/L or mmol/L; anything else keeps its own text."""
    registry = pint.UnitRegistry()
    magnitude, code = units.from_quantity(registry.Quantity(0.018, "kg/m**3"))
    assert (magnitude, code) == (pytest.approx(18.0), "mg/L")
    magnitude, code = units.from_quantity(registry.Quantity(0.74, "mol/m**3"))
    assert (magnitude, code) == (pytest.approx(0.74), "mmol/L")
    magnitude, text = units.from_quantity(registry.Quantity(37.0, "kelvin"))
    assert magnitude == 37.0
    assert units.resolve(text).problem == "unknown_unit"
    assert units.resolve(units.from_quantity(registry.Quantity(1.8))[1]).code is None
    with pytest.raises(UnknownUnitError):
        units.convert(registry.Quantity(1.8, "mg"), None, "mmol/L", analyte="magnesium")
    with pytest.raises(ValueParseError):
        units.convert(registry.Quantity(1.8, "mg/dL"), "mg/dL", "mmol/L", analyte="magnesium")
    with pytest.raises(ValueParseError):
        units.convert(registry.Quantity(np.array([1.8]), "mg/dL"), None, "mmol/L", analyte="magnesium")


def test_the_users_registry_is_left_alone():
    """Converting does not define anything in the application registry."""
    before = set(dir(pint.get_application_registry()))
    units.convert(1.5, "mEq/L", "mmol/L", analyte="magnesium")
    assert set(dir(pint.get_application_registry())) == before
    assert "equivalent" not in before


THREADS = """
import sys, threading
sys.setswitchinterval(1e-6)
from labinterp.reading import units
start, wrong = threading.Barrier(16), []
def work(number):
    start.wait()
    for key, unit, want in (("magnesium", "mg/dL", 0.7405883563052871), ("calcium", "meq/L", 0.9),
                            ("vitamin_d", "ng/mL", 4.492811501597444), ("vitamin_b12", "pg/mL", 1.328050642997853)):
        from labinterp.reading.analytes import analyte
        got = units.convert(1.8, unit, analyte(key).canonical_unit, analyte=key)
        if abs(got - want) > 1e-12: wrong.append((key, got))
threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
[t.start() for t in threads]; [t.join() for t in threads]
print("pint" in sys.modules, len(wrong))
"""


def run(code):
    root = str(Path(labinterp.__path__[0]).parent)
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own text
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{code}"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


def test_first_use_from_many_threads_gives_right_numbers():
    """Sixteen threads that convert at once, before anything is loaded, all get the right answer."""
    assert run(THREADS) == "True 0"


def test_importing_and_looking_up_does_not_load_pint():
    """Spellings are looked up without the registry; pint is loaded by the first factor."""
    code = "from labinterp.reading import units; units.resolve('MG/DL'); print('pint' in sys.modules, 'numpy' in sys.modules)"
    assert run(code) == "False False"


JUNK = st.one_of(st.text(max_size=100), st.none(), st.integers(), st.floats(), st.binary(), st.just([]), st.just({}))


@settings(max_examples=200)
@given(JUNK)
@example("mg/dL" * 1000)
@example("^" * 60)
@example("(" * 64)
@example("mmol/L" + "(total)" * 8)
def test_junk_never_raises(text):
    """Whatever is thrown at the table, it answers with a code or a problem."""
    found = units.resolve(text)
    assert (found.code is None) != (found.problem is None)


@settings(max_examples=200)
@given(st.sampled_from(TRIPLES), st.floats(1e-6, 1e6))
def test_conversion_is_monotone_and_keeps_nine_digits(triple, value):
    """Larger values stay larger, and there and back differs by rounding only."""
    key, one, other = triple
    there = units.convert(value, one, other, analyte=key)
    assert units.convert(there, other, one, analyte=key) == pytest.approx(value, rel=1e-12)
    assert units.convert(value * 2, one, other, analyte=key) > there


def test_hostile_texts_are_answered_quickly():
    """Texts on which a parser of units would hang cost nothing."""
    start = time.perf_counter()
    for text in ("9**9**9", "m**9**9**9", "(" * 10**6, "mg/" * 10**6, "^" * 64, "{" * 64, "(total)" * 9):
        assert units.resolve(text).code is None
    assert time.perf_counter() - start < 1


def test_repeated_lookup_is_cached():
    """A spelling looked up again costs a dictionary lookup."""
    units.resolve("MG/DL")
    units.scale("magnesium", "mg/dL")
    before, scales = units._resolve.cache_info().hits, units._scale.cache_info().hits
    units.resolve("MG/DL")
    units.scale("magnesium", "mg/dL")
    assert units._resolve.cache_info().hits == before + 1
    assert units._scale.cache_info().hits == scales + 1


def test_units_that_no_analyte_has_are_not_the_same():
    """Two units that are known, and in which no analyte is measured in both, are never taken for one."""
    assert not naming.same_unit("mg/dL", "%")
    assert naming.same_unit("%", " % ")


def test_a_converted_column_has_to_fit_into_numbers():
    """Values that become too large by conversion are refused, not given as infinite."""
    with pytest.raises(ValueParseError, match="too large"):
        labinterp.convert(np.array([1e308]), "g/L", "ng/L", analyte="magnesium")


def test_a_quantity_whose_registry_cannot_print_is_read_by_its_own_text():
    """A registry with a formatter of its own that fails loses no quantity."""

    class Units:
        def __format__(self, spec):
            raise RuntimeError

        def __str__(self):
            return "mg/dL"

    quantity = types.SimpleNamespace(magnitude=1.8, units=Units())
    assert units.from_quantity(quantity) == (1.8, "mg/dL")
