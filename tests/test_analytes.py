"""Names, LOINC codes and specimens: what each means, and what is refused."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labinterp._data import knowledge
from labinterp.errors import UnknownTestError
from labinterp.reading import analytes
from labinterp.reading.analyte_table import tables

KEYS = {
    "magnesium": "mmol/L",
    "calcium": "mmol/L",
    "calcium_adjusted": "mmol/L",
    "calcium_ionized": "mmol/L",
    "vitamin_d": "nmol/L",
    "vitamin_b12": "pmol/L",
    "homocysteine": "umol/L",
    "albumin": "g/L",
    "holotranscobalamin": "pmol/L",
    "methylmalonic_acid": "nmol/L",
    "parathyroid_hormone": "pmol/L",
    "phosphate": "mmol/L",
    "folate": "nmol/L",
    "creatinine": "umol/L",
    "potassium": "mmol/L",
}

# Every code of the LOINC survey, with its analyte or with the reason of its refusal.
ACCEPTED_CODES = {
    "magnesium": "19123-9:mass 2601-3:moles 21377-7:mass 2593-2:moles 11554-3:moles",
    "calcium": "17861-6:mass 2000-8:moles 49765-1:mass 1996-8:moles",
    "calcium_adjusted": "29265-6:moles 46099-8:mass",
    "calcium_ionized": "1995-0:moles 1994-3:moles 12180-6:moles 17863-2:mass 17864-0:mass 38230-9:mass 47596-2:moles "
    "34581-9:moles 41645-3:moles 41644-6:moles 41646-1:moles 59470-5:mass 59471-3:mass",
    "vitamin_d": "62292-8:mass 68438-1:moles 1989-3:mass 14635-7:moles 83070-3:mass 83071-1:moles 35365-6:mass",
    "vitamin_b12": "2132-9:mass 14685-2:moles 16695-9:mass 15039-1:moles 2170-9:mass",
    "holotranscobalamin": "72160-5:moles",
    "homocysteine": "13965-9:moles 2428-1:mass",
    "methylmalonic_acid": "13964-2:moles 2629-4:mass",
    "albumin": "1751-7:mass 54347-0:moles 77148-5:mass 61151-7:mass 61152-5:mass 2862-1:mass",
    "parathyroid_hormone": "2731-8:mass 14866-8:moles",
    "phosphate": "2777-1:mass 14879-1:moles",
    "folate": "2284-8:mass 14732-2:moles",
    "creatinine": "2160-0:mass 14682-9:moles",
    "potassium": "2823-3:moles",
}
REFUSED_CODES = {
    "ionized_magnesium": "2600-5 32698-3 73572-0 73573-8",
    "red_cells": "26746-8 2597-3 2283-0 14731-4",
    "dialysis": "55937-7 51950-4 59148-7",
    "protein_corrected_calcium": "18281-6 34907-6 47597-0",
    "calculated_ionized_calcium": "13959-2",
    "cord_blood": "54367-8",
    "ph_adjusted_calcium": "57333-7 59472-1 59473-9 19072-8 47598-8 53138-4 53139-2 53140-0 54366-0",
    "d2_alone": "49054-0 46269-7",
    "calcitriol": "62290-2 1649-3 14566-4",
    "parent_vitamin": "2236-8",
    "transcobalamin": "72157-1 32341-0 3030-4 2171-7 15052-4",
    "homocystine": "20646-6 2430-7 30035-0 33937-4 32615-7",
    "challenge_or_dried_blood": "58859-0 54301-7",
    "filtration_rate": "62238-1 33914-3 48642-3 48643-1 50210-4 77147-7 88293-6 88294-4 98979-8",
    "other_substance": "30552-4 62236-5 3016-3 5683-8",
    "unknown_loinc": "14866-4 17820-2 52957-8 2345-7 99999-9 14685-6",
}
NOTED_CODES = {
    "d3_only": "1989-3 14635-7",
    "vague_code": "35365-6",
    "deprecated_code": "11554-3 15039-1 2170-9",
    "whole_blood_code": "21377-7 2593-2 49765-1 1996-8 16695-9",
}

# Every name seen in laboratories' files.
SEEN = {
    "magnesium": "Magnesium|MAGNESIUM|Serum Magnesium|Plasma Magnesium|S Magnesium|S-Magnesium|Magnesium, Total|MAG|MG"
    "|Mg|Mg2+|Mg++|Mg²⁺|Magnésium|Magnésio|Magnes|magnesium level|Magnesium (Mg)"
    "|Magnesium [Mass/volume] in Serum or Plasma",
    "calcium": "Calcium|Calcium, Total|Total Calcium|CALCIUM ARSENAZO|Ca|CA|CAL|Kalzium|S-Ca|fS-Kalsium"
    "|LBXSCA|LBDSCASI|Calcium, Total, Serum|Calcium (total)|\uff43\uff41\uff4c\uff43\uff49\uff55\uff4d",
    "calcium_adjusted": "calcium_adjusted|Corrected Calcium|CORRECTED CALCIUM|Adjusted calcium"
    "|Calcium corrected for albumin"
    "|Albumin-korrigiertes Calcium|Albuminkorrigeret",
    "calcium_ionized": "calcium_ionized|Free Calcium|Calcium, Ionized|Ionised calcium|IONISED CALCIUM [WHOLE B]"
    "|iCa|Ca-I|CaI"
    "|ionic calcium|kalsium ionisoitunut|ionized calcium|CAION|Calcium.ionized [Moles/volume] in Blood",
    "vitamin_d": "vitamin_d|25-Hydroxyvitamin D|Vitamin D, 25-Hydroxy|Vitamin D (25-OH)|25-OH Vitamin D"
    "|25-OH VITAMIN D|25(OH)D|25OHD|25-OH Vit D Total|Calcidiol|Calcifediol|25 hydroxycholecalciferol"
    "|VITAMIN_D3_25_0H_RIA|25HDN|Vitamin D, Total|25-OH-D|25\u2011hydroxyvitamin D|Vit D|LBXVIDMS"
    "|25-hydroxyvitamin D3",
    "vitamin_b12": "vitamin_b12|Vitamin B12|Vitamin B-12|Vit B12|B12|B₁₂|Serum B12|Cobalamin|Cbl|Cyanocobalamin"
    "|s-b12-vit|p-b12-vit|Vitamine B12|VITB12|LBXB12|LBDB12|LBDB12SI|Vitamin B12 (Cobalamin)|B-12",
    "holotranscobalamin": "Active B12|Holotranscobalamin|Holo-TC|Holo-TC-II|TC2|holoTC",
    "homocysteine": "Homocysteine|Homocysteine, Plasma|Homocysteine (total)|tHcy|HCY|Hcys|HCYS|Homocystein|Homozystein"
    "|Homocisteína|LBXHCY|LBDHCY",
    "methylmalonic_acid": "methylmalonic_acid|Methylmalonic Acid|MMA|Methylmalonate|Metylmalonsyre|NPU02780"
    "|LBXMMASI|LBXMMA",
    "albumin": "Albumin|ALB|Albumin, Serum|Albúmina",
    "parathyroid_hormone": "PTH|Intact PTH|PTH, intact|iPTH|Parathyroid hormone|Parathyroid hormone (PTH)|LBXPT21",
    "phosphate": "Phosphate|PHOS|Phosphorus|Inorganic phosphate|PO4",
    "folate": "Folate|FOLATE|Folic acid|Serum folate|Folate, serum|Folsäure",
    "creatinine": "Creatinine|CREAT|Kreatinin|Créatinine",
    "potassium": "Potassium|K|K+|Kalium|S-K|Potassium (K)",
}
NEAR_MISSES = [
    "Magnesium, RBC", "RBC Magnesium", "Mg Ionized", "IMg2+", "Magnesium, Urine", "Urine Mg", "24 hr Calcium",
    "Calcium, Urine", "% Ionized Calcium", "Calcium Oxalate Crystals", "BODYFLUID CALCIUM", "1,25 VITAMIN D",
    "1,25-OH D", "1,25-(OH)2 D", "1,25(OH)2D3", "1,25-dihydroxyvitamin D", "Calcitriol", "Vitamin D2",
    "25-OH Vitamin D2", "Vitamin D3", "B12 AND FOLATE SCREEN", "B12 binding capacity", "HOMOCYSTINE",
    "URINE CYSTINE/HOMOCYSTINE", "Prealbumin", "Pre-albumin", "Microalbumin", "Albumin/Creatinine ratio",
    "Alkaline Phosphatase", "Creatine Kinase", "CA 125", "CA 19-9", "CA-125", "Calcitonin", "Calprotectin",
    "Manganese", "PTHrP", "eGFR", "Creatinine clearance", "RBC folate", "Ionized calcium pH 7.4",
    "Ionized calcium, calculated", "Calcium corrected for total protein", "Transcobalamin II", "LBXVD2MS", "LBXVE3MS",
    "PK", "SCA", "Sodium", "Cholesterol", "Magnesium hydroxide", "Albumin Globulin", "P", "D", "B", "25", "12",
    "Acid phosphatase", "Potassium hydroxide", "Calcium score", "Hydroxyvitamin", "Total", "Serum", "",
]  # fmt: skip
SDTM_TESTS = [
    "Alkaline Phosphatase", "Alanine Aminotransferase", "Bilirubin", "Urea Nitrogen", "Cholesterol",
    "Creatine Kinase", "Chloride", "Gamma Glutamyl Transferase", "Glucose", "Sodium", "Protein", "Urate",
    "Hemoglobin A1C", "Ketones", "pH", "Specific Gravity", "Thyrotropin", "Platelets", "ALP", "BILI", "UREAN", "CHOL",
    "CK", "CL", "GGT", "GLUC", "SODIUM", "PROT", "URATE", "PH", "TSH", "MCH", "PLAT",
]  # fmt: skip


def pairs(table, sep=None):
    return [(item, key) for key, items in table.items() for item in items.split(sep)]


def test_the_analytes_are_those_of_the_contract_with_their_canonical_units():
    """Fifteen analytes in the documented order, each with the documented canonical unit."""
    assert {key: item.canonical_unit for key, item in analytes.analytes().items()} == KEYS


@pytest.mark.parametrize(("code", "key"), pairs(ACCEPTED_CODES))
def test_code_means_its_analyte(code, key):
    """Every LOINC code of an analyte is accepted with its property, bare, prefixed, beside a name and as `loinc`."""
    code, kind = code.split(":")
    for text in (code, f" {code} ", f"LOINC:{code}", f"http://loinc.org|{code}", code.replace("-", "\u2013")):
        found = analytes.resolve(text)
        assert (found.analyte, found.loinc, found.property, found.reason) == (key, code, kind, None)
    assert analytes.resolve(f"{code}^any text^LN").analyte == key
    assert analytes.resolve("some local name", code).analyte == key
    assert analytes.resolve(key, code).notes == analytes.resolve(code).notes


@pytest.mark.parametrize(("code", "reason"), pairs(REFUSED_CODES))
def test_foreign_code_is_refused_whatever_name_stands_beside_it(code, reason):
    """A LOINC code of another quantity refuses the result, even beside an analyte's name."""
    for found in (analytes.resolve(code), analytes.resolve("magnesium", code), analytes.resolve(f"Calcium ({code})")):
        assert (found.analyte, found.reason) == (None, reason)
    assert analytes.reason_text(reason)


@pytest.mark.parametrize(("code", "note"), pairs(NOTED_CODES))
def test_code_with_a_caveat_is_noted(code, note):
    """Codes that are accepted with a caveat carry its note; all others carry none."""
    assert analytes.resolve(code).notes == (note,)


def test_only_the_listed_codes_carry_notes():
    """No other code is noted."""
    noted = {item.code for one in analytes.analytes().values() for item in one.loinc if item.notes}
    assert noted == {code for code, _ in pairs(NOTED_CODES)}


def test_the_code_survey_is_complete():
    """Every code of the data is in the lists of this test, so that no code is added unseen."""
    listed = {code.split(":")[0] for table in (ACCEPTED_CODES, REFUSED_CODES) for code, _ in pairs(table)}
    assert set(tables().codes) <= listed


@pytest.mark.parametrize("code", sorted(tables().codes))
def test_codes_have_a_valid_check_digit(code):
    """Every LOINC code of the data passes LOINC's check-digit rule, which finds typing errors."""
    number, check = code.split("-")
    doubled = str(int(number[::-1][::2][::-1]) * 2)
    total = sum(map(int, doubled + number[::-1][1::2]))
    assert -total % 10 == int(check)


@pytest.mark.parametrize(("name", "key"), pairs(SEEN, "|"))
def test_name_seen_in_laboratories_means_its_analyte(name, key):
    """Every name seen in laboratories' files is known, in any case."""
    for text in (name, name.upper(), name.lower(), f"  {name} ", unicodedata.normalize("NFD", name)):
        assert analytes.resolve(text).analyte == key


@pytest.mark.parametrize("key", KEYS)
def test_keys_titles_and_displays_of_codes_resolve_to_their_own_analyte(key):
    """No key, title or LOINC name of one analyte leads to another."""
    item = analytes.analyte(key)
    for name in (key, item.title, *(loinc.display for loinc in item.loinc)):
        assert analytes.resolve(name).analyte == key


@pytest.mark.parametrize("name", NEAR_MISSES + SDTM_TESTS)
def test_near_miss_is_never_an_analyte(name):
    """What only resembles an analyte is refused with a reason, whatever decoration stands around it."""
    for text in (name, name.upper(), f"Serum {name}", f"{name}, plasma", f"S-{name}"):
        found = analytes.resolve(text)
        assert found.analyte is None
        assert found.reason in {*tables().reasons}


def test_every_reason_has_a_sentence_without_a_full_stop():
    """Reasons of refusals are sentences ready to stand in a message."""
    for text in tables().reasons.values():
        assert text
        assert not text.endswith(".")


@pytest.mark.parametrize(
    ("test", "loinc", "key", "notes"),
    [
        ("Calcium", "19123-9", None, ()),
        ("Calcium", "1995-0", "calcium_ionized", ("loinc_name_conflict",)),
        ("Calcium", "29265-6", "calcium_adjusted", ("loinc_name_conflict",)),
        ("Calcium, total", "1995-0", None, ()),
        ("Calcium, ionized", "17861-6", None, ()),
        ("Ca++", "1995-0", "calcium_ionized", ()),
        ("Ca++", "17861-6", "calcium", ()),
        ("Ca++", "19123-9", None, ()),
        ("Vitamin B12", "72160-5", None, ()),
        ("Magnesium erytrocytair", "2593-2", None, ()),
        ("Magnesium xyz erytrocytair", "2593-2", None, ()),
        ("Ferritin", "19123-9", None, ()),
        ("Ferritin", "2276-4", None, ("not_covered",)),
        ("Glucose", "2345-7", None, ("not_covered",)),
        ("Vitamin D3", "19123-9", None, ()),
        ("B12 AND FOLATE SCREEN", "19123-9", None, ()),
        ("Bone profile", "17861-6", "calcium", ()),
        ("CA 125", "19123-9", None, ()),
        ("Magnesium, RBC", "19123-9", None, ()),
        ("Magnesium, Urine", "19123-9", None, ()),
        ("1,25-OH vitamin D", "62292-8", None, ()),
        ("Vitamin D3", "1989-3", "vitamin_d", ("d3_only",)),
        ("B12 AND FOLATE SCREEN", "2132-9", "vitamin_b12", ()),
        ("anything", "NA", None, ()),
        ("Magnesium", "NA", "magnesium", ()),
        ("Magnesium", "", "magnesium", ()),
        ("Magnesium", None, "magnesium", ()),
        ("Magnesium", "local-17", "magnesium", ()),
        ("Magnesium", "LP15645-2", None, ()),
        ("19123-9", "2601-3", "magnesium", ()),
        ("19123-9", "17861-6", None, ()),
        (None, "19123-9", "magnesium", ()),
        ("25-hydroxyvitamin D3", None, "vitamin_d", ("d3_only",)),
    ],
)
def test_code_and_name_together(test, loinc, key, notes):
    """A code decides; a name of another analyte and a near miss refuse, a vague name and no code say nothing."""
    found = analytes.resolve(test, loinc)
    assert (found.analyte, found.notes) == (key, notes)


@pytest.mark.parametrize(
    ("system", "code", "key"),
    [
        ("mimic-iv", 50960, "magnesium"),
        ("mimic-iv", "50893", "calcium"),
        ("mimic-iv", 50808, "calcium_ionized"),
        ("mimic-iv", 51010, "vitamin_b12"),
        ("mimic-iv", 50945, "homocysteine"),
        ("omop", 3001420, "magnesium"),
        ("omop", 3006906, "calcium"),
        ("omop", 3016431, None),
        ("omop", 3021197, None),
        ("omop", 0, None),
        ("nobody", 50960, None),
    ],
)
def test_identifiers_of_data_models(system, code, key):
    """MIMIC-IV itemids and OMOP concepts lead to the analyte of their LOINC code."""
    assert analytes.resolve_code(system, code).analyte == key


def test_every_identifier_of_a_data_model_leads_to_a_known_code():
    """No identifier maps to a LOINC code outside the table."""
    codes = tables().codes
    for table in knowledge("analytes.toml")["codes"].values():
        assert set(table.values()) <= set(codes)


@pytest.mark.parametrize(
    ("specimen", "suitable"),
    [
        (None, "mvh"), ("", "mvh"), ("  ", "mvh"), ("NA", "mvh"), (float("nan"), "mvh"),
        ("SERUM", "mvh"), ("Serum or Plasma", "mvh"), ("SerPl", "mvh"), ("PLASMA", "mvh"), ("Li-heparin plasma", "mvh"),
        ("ser", "mvh"), ("plas", "mvh"), ("SER^Serum^HL70487", "mvh"), ("Sérum", "mvh"), ("Siero", "mvh"),
        ("BLOOD", "mvh"), ("Bld", "mvh"), ("WHOLE BLOOD", ""), ("venous blood", "mvh"), ("Vollblut", ""),
        ("EDTA plasma", "vh"), ("K2-EDTA plasma", "vh"),
        ("urine", ""), ("URINE", ""), ("CSF", ""), ("RBC", ""), ("erythrocytes", ""), ("saliva", ""),
        ("citrate plasma", ""),
        ("cord blood", ""), ("dried blood spot", ""), ("dialysate", ""), ("xyzzy", ""), ("x" * 1000, ""),
        ("SER^Urine", "mvh"), ("UR^Serum", ""), ("SER^Blood", ""), ("Body fluid", ""), ("stool", ""), ("hair", ""),
    ],
)  # fmt: skip
def test_specimen_decides_by_a_closed_table(specimen, suitable):
    """Serum, plasma and drawn blood suit all, whole blood and EDTA plasma some, unknown spellings none; none is fine."""
    for letter, key in {"m": "magnesium", "v": "vitamin_d", "h": "homocysteine"}.items():
        assert analytes.specimen_suitable(key, specimen) is (letter in suitable)


@pytest.mark.parametrize(
    "key", ["calcium", "calcium_ionized", "calcium_adjusted", "magnesium", "potassium", "phosphate"]
)
def test_edta_plasma_does_not_suit_what_edta_binds_or_brings(key):
    """Calcium, magnesium and potassium are never read from an EDTA tube."""
    assert not analytes.specimen_suitable(key, "EDTA plasma")


@pytest.mark.parametrize("key", KEYS)
def test_plausibility_spans_are_nested(key):
    """What is ordinary is soft-plausible, what is soft-plausible is hard-plausible; zero and below never are."""
    item = analytes.analyte(key)
    assert item.hard.low <= item.soft.low <= item.ordinary.low < item.ordinary.high <= item.soft.high < item.hard.high
    assert not item.hard.holds(0.0)
    assert not item.hard.holds(-1.0)


@pytest.mark.parametrize(
    ("key", "inside_soft", "soft_only_hard", "outside"),
    [
        ("magnesium", [0.08, 0.85, 7], [0.07, 7.1, 12], [0, 12.01]),
        ("calcium", [1.0, 2.3, 6.5], [0.5, 0.99, 6.6, 7.5], [0.49, 7.51]),
        ("calcium_ionized", [0.3, 1.2, 2.5], [0.2, 0.29, 2.6, 5], [0.19, 5.01]),
        ("vitamin_d", [2, 50, 3100], [0.1, 1.9, 3101, 4000], [0, 4001]),
        (
            "vitamin_b12",
            [15.1 / 1.35537, 10_000 / 1.35537],
            [14.9 / 1.35537, 300_000 / 1.35537],
            [0, 300_100 / 1.35537],
        ),
        ("holotranscobalamin", [25, 300], [301, 5000], [5001]),
        ("homocysteine", [1, 500], [0.9, 501, 1000], [1001]),
        ("methylmalonic_acid", [22, 100_000], [100_001, 1_000_000], [1_000_001]),
        ("albumin", [12, 60], [61, 80], [4.9, 80.1]),
    ],
)
def test_suggested_plausibility_limits(key, inside_soft, soft_only_hard, outside):
    """The limits are the suggested ones, each end on its side."""
    item = analytes.analyte(key)
    assert all(item.soft.holds(value) for value in inside_soft)
    assert all(item.hard.holds(value) and not item.soft.holds(value) for value in soft_only_hard)
    assert not any(item.hard.holds(value) for value in outside)


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [
        ("calcium", 6.4 / 4.0078, 14.8 / 4.0078),
        ("albumin", 12, 56),
        ("vitamin_d", 7.04, 422),
        ("vitamin_b12", 18 / 1.35537, 240_599 / 1.35537),
        ("homocysteine", 1.65, 145),
        ("methylmalonic_acid", 26.6, 7590),
        ("parathyroid_hormone", 9 / 9.42476, 491 / 9.42476),
    ],
)
def test_extremes_seen_in_a_national_survey_are_never_dropped(key, low, high):
    """Values observed in NHANES lie within the hard limits."""
    assert analytes.analyte(key).hard.holds(low)
    assert analytes.analyte(key).hard.holds(high)


def test_every_molar_mass_is_cited():
    """A molar mass comes with its source and evidence, or is not given."""
    for item in analytes.analytes().values():
        assert (item.molar_mass is None) == (item.molar_mass_source is None) == (item.molar_mass_evidence is None)
        assert item.specimens[:2] == ("serum", "plasma")


def test_unknown_key_is_refused_without_echo():
    """An unknown key raises, and the message does not repeat it."""
    for call in (lambda: analytes.analyte("MRN-12345"), lambda: analytes.specimen_suitable("MRN-12345", "serum")):
        with pytest.raises(UnknownTestError) as caught:
            call()
        assert "MRN" not in str(caught.value)


@pytest.mark.parametrize(("text", "first"), [("magnesum", "magnesium"), ("homocystein total level", "homocysteine")])
def test_suggestions_name_the_analyte_that_a_misspelling_resembles(text, first):
    """A misspelled name is not accepted, but its analyte can be suggested."""
    assert analytes.suggestions(text)[:1] == ((first,) if analytes.resolve(text).analyte is None else ())


@pytest.mark.parametrize("text", ["prealbumin", "Magnesium, RBC", "zzzz", "", "x" * 5000, "magnesium"])
def test_nothing_is_suggested_for_near_misses_and_nonsense(text):
    """A near miss gets no suggestion: it is another quantity, not a misspelling."""
    assert analytes.suggestions(text) == ()


JUNK = st.one_of(st.text(max_size=300), st.none(), st.integers(), st.floats(), st.binary(), st.just([]), st.just({}))


@settings(max_examples=150)
@given(JUNK, JUNK)
def test_junk_never_raises(test, loinc):
    """Whatever is thrown at the lookups, they answer."""
    found = analytes.resolve(test, loinc)
    assert (found.analyte is None) != (found.reason is None)
    assert analytes.suggestions(test) is not None
    assert analytes.resolve_code("omop", test).reason == "unknown"
    assert analytes.specimen_suitable("magnesium", loinc) in {True, False}


def test_long_and_nested_texts_are_answered_quickly():
    """Hostile texts cost no more than others."""
    start = time.perf_counter()
    for text in ("(" * 10**6, "1-" * 10**6, "(" * 200, "1-" * 100, "a" * 200, "serum " * 33, "%" * 200, "\u0301" * 200):
        assert analytes.resolve(text, text).analyte is None
        assert analytes.specimen_suitable("magnesium", text) is False or not analytes.fold(text)
    assert time.perf_counter() - start < 1


def test_repeated_lookup_is_cached():
    """A name looked up again costs a dictionary lookup."""
    analytes.resolve("S-Magnesium")
    before = analytes._resolve.cache_info().hits
    for _ in range(100):
        analytes.resolve("S-Magnesium")
    assert analytes._resolve.cache_info().hits == before + 100


def test_every_spelling_of_a_specimen_has_one_kind():
    """Each spelling of a specimen is read as the kind that its list says."""
    for kind, spellings in knowledge("analytes.toml")["specimens"].items():
        for spelling in spellings:
            found = analytes.specimen_kind(spelling.upper())
            assert found == (None if kind == "missing" else kind), spelling
