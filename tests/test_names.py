"""The grammar of names: what is read, and that no refusing or unknown word is ever lost."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labinterp._data import knowledge
from labinterp.reading import analytes, names
from labinterp.reading.analyte_table import tables

DATA = knowledge("names.toml")
SAMPLES = tomllib.loads((Path(__file__).parent / "names_by_language.toml").read_text(encoding="utf-8"))
LANGUAGES = list(SAMPLES["read"])
WORDED = ("stems", "forms", "refuse", "specimens")
ORDERS = ("{stem} {word}", "{word} {stem}", "{stem}, {word}", "{stem} ({word})", "[{word}] {stem}", "{word}-{stem}")


def phrases(text):
    return [phrase.strip() for phrase in text.split("|") if phrase.strip()]


def stems_of(language, most=1):
    for concept, texts in DATA["stems"].items():
        yield from ((concept, stem) for stem in phrases(texts.get(language, ""))[:most])


def bare(stem):
    return names.read(stem).analyte


@pytest.mark.parametrize(
    ("language", "key"), [(language, key) for language, keys in SAMPLES["read"].items() for key in keys]
)
def test_names_that_laboratories_print_are_read(language, key):
    """Every sampled name is read as its analyte, in any case of letters and with or without accents."""
    for name in SAMPLES["read"][language][key]:
        for text in (name, name.upper(), f"  {name}  "):
            assert (text, analytes.resolve(text).analyte) == (text, key)


@pytest.mark.parametrize("language", SAMPLES["refused"])
def test_near_misses_of_every_language_are_refused_with_a_reason(language):
    """Every sampled near miss is refused for what it is, also beside a code of the analyte it resembles."""
    for name in SAMPLES["refused"][language]:
        found = analytes.resolve(name)
        assert (name, found.analyte) == (name, None)
        assert found.reason not in (None, "unknown"), name
        assert analytes.reason_text(found.reason)


def test_every_language_is_sampled():
    """Each listed language has stems, and samples of names that are read and names that are refused."""
    assert len(LANGUAGES) == 37
    assert set(LANGUAGES) == set(SAMPLES["refused"])
    said = {language for kind in WORDED for texts in DATA[kind].values() for language in texts}
    assert said == {*LANGUAGES, "sk"}


@pytest.mark.parametrize("language", [*LANGUAGES, "sk"])
def test_no_refusing_word_is_ever_lost(language):
    """A stem with a refusing word of its language is no analyte, wherever the word stands."""
    words = {word for texts in DATA["refuse"].values() for word in phrases(texts.get(language, ""))}
    stems = [stem for _, stem in (*stems_of(language), *(stems_of("en") if language != "en" else ()))]
    for word, stem, order in itertools.product(sorted(words), stems, ORDERS):
        name = order.format(stem=stem, word=word)
        assert names.read(name).analyte is None, name


def test_refusing_words_of_any_language_refuse_names_of_any_other():
    """Laboratories mix languages: every refusing word refuses symbols and international names."""
    for texts in DATA["refuse"].values():
        for text in texts.values():
            for word, stem in itertools.product(phrases(text), ("Mg", "Calcium", "25-OH Vitamin D")):
                name = f"{stem} {word}"
                assert names.read(name).analyte is None, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_refusing_word_wins_over_unknown_words_and_over_codes(language):
    """A refusing word is heard among words that are not known, so that it refuses a code of ours too."""
    for reason, texts in DATA["refuse"].items():
        for word in phrases(texts.get(language, "")):
            found = analytes.resolve(f"Magnesium xyzzy {word} plugh", "2601-3")
            yields = reason in ("panel", "parent_vitamin")
            assert (found.analyte is None) or yields, word


@pytest.mark.parametrize("language", LANGUAGES)
def test_stem_with_words_that_change_nothing_is_still_its_analyte(language):
    """Words of specimen, method and filler around a stem leave its meaning."""
    around = [*phrases(DATA["fillers"]["method"])[:12], *phrases(DATA["fillers"].get(language, ""))[:6]]
    serum = phrases(DATA["specimens"]["serum"].get(language, "serum"))[:4]
    for _, stem in stems_of(language, 2):
        plain = bare(stem)
        if plain is None:
            continue
        for word in (*around, *serum):
            for name in (f"{stem} {word}", f"{stem}, {word}", f"{stem} ({word})"):
                assert (name, names.read(name).analyte) == (name, plain)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("stem", "form", "key"),
    [
        ("calcium", "ionized", "calcium_ionized"),
        ("calcium", "adjusted", "calcium_adjusted"),
        ("calcium", "total", "calcium"),
        ("vitamin_b12", "active", "holotranscobalamin"),
        ("parathyroid_hormone", "intact", "parathyroid_hormone"),
        ("phosphate", "inorganic", "phosphate"),
        ("magnesium", "ionized", None),
        ("magnesium", "free", None),
        ("calcium", "intact", None),
        ("albumin", "total", None),
        ("potassium", "adjusted", None),
        ("vitamin_d", "free", None),
        ("vitamin_d", "active", None),
    ],
)
def test_form_decides_which_analyte_a_stem_is(language, stem, form, key):
    """A word of form turns a stem into the analyte that the data say, or into none."""
    for one, word in itertools.product(
        phrases(DATA["stems"][stem].get(language, ""))[:3], phrases(DATA["forms"][form].get(language, ""))
    ):
        for name in (f"{one} {word}", f"{word} {one}", f"{one} ({word})"):
            assert (name, names.read(name).analyte) == (name, key)


@pytest.mark.parametrize(
    ("name", "key", "notes"),
    [
        ("25-OH Vitamin D3", "vitamin_d", ("d3_only",)),
        ("Vitamin D3 (25-OH)", "vitamin_d", ("d3_only",)),
        ("25-OH Vitamin D2+D3", "vitamin_d", ()),
        ("25-OH Vitamin D3/D2", "vitamin_d", ()),
        ("25-OH Vitamin D2", None, ()),
        ("Vitamin D3", None, ()),
        ("Vitamin D", "vitamin_d", ()),
        ("25-羟基维生素D3", "vitamin_d", ("d3_only",)),
        ("25-羟基维生素D2", None, ()),
        ("Ferritin", None, ("not_covered",)),
        ("Urine glucose", None, ("not_covered",)),
        ("Ferritin xyz", None, ("not_covered",)),
        ("Iron and magnesium", None, ()),
        ("Magnesium, Urine", None, ()),
        ("eGFR", None, ("not_covered",)),
        ("Alkaline phosphatase", None, ("not_covered",)),
        ("Creatine kinase", None, ("not_covered",)),
        ("CA 19-9", None, ("not_covered",)),
        ("xyzzy", None, ()),
    ],
)
def test_notes_of_a_name(name, key, notes):
    """D3 alone is noted, and what is known to be another test says so; near misses of an analyte do not."""
    found = analytes.resolve(name)
    assert (found.analyte, found.notes) == (key, notes)


@pytest.mark.parametrize("name", ["Ca++", "Ca2+", "Ca²⁺", "CA ++", "Ca (2+)", "Calcium (Ca++)", "S-Ca++", "Са++"])
def test_name_with_two_meanings_is_neither(name):
    """A name that means total or ionized calcium by laboratory is refused with that reason, until something settles it."""
    assert analytes.resolve(name).reason == "total_or_ionized"
    assert analytes.resolve(name, specimen="whole blood").analyte == "calcium_ionized"
    assert analytes.resolve(name, specimen="serum").reason == "total_or_ionized"
    assert analytes.resolve(name, "17861-6").analyte == "calcium"
    assert analytes.resolve(name, "1995-0").analyte == "calcium_ionized"
    assert analytes.resolve(name, tests=analytes.test_map({name: "calcium"})).analyte == "calcium"


@pytest.mark.parametrize(
    ("mixed", "key"),
    [
        ("В12", "vitamin_b12"),
        ("витамин В12", "vitamin_b12"),
        ("Витамин D 25(ОН)", "vitamin_d"),
        ("Са", "calcium"),
        ("Мagnesium", "magnesium"),
        ("Kaлий", "potassium"),
        ("ΒΙΤΑΜΙΝΗ Β12", "vitamin_b12"),
        ("ＭＡＧＮＥＳＩＵＭ", "magnesium"),
        ("ﾏｸﾞﾈｼｳﾑ", "magnesium"),
    ],
)
def test_letters_that_look_alike_are_taken_for_each_other(mixed, key):
    """A name typed with letters of another alphabet that look the same, or of another width, is read."""
    assert analytes.resolve(mixed).analyte == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Potassium, whole blood", None),
        ("Calcium, EDTA plasma", None),
        ("Homocysteine, EDTA plasma", "homocysteine"),
        ("Magnesium, whole blood", None),
        ("Folate, blood", None),
        ("Folate, serum", "folate"),
        ("Potassium [Moles/volume] in Blood", None),
        ("Kalium (bloed)", "potassium"),
    ],
)
def test_specimen_in_a_name_counts_as_in_a_column(name, key):
    """A name that says a specimen in which its analyte is not measured is refused."""
    assert analytes.resolve(name).analyte == key


JUNK = st.text(st.characters(categories=["Ll", "Lu"], max_codepoint=0x24F), min_size=4, max_size=12)


@settings(max_examples=200)
@given(JUNK, st.sampled_from([stem for language in LANGUAGES for _, stem in stems_of(language)]), st.booleans())
def test_unknown_word_leaves_a_name_unknown(junk, stem, first):
    """A word that the data do not hold makes a name unknown, whatever stands beside it."""
    if names.read(f"magnesium {junk}") != names.UNKNOWN:
        return  # the word is known
    name = f"{junk} {stem}" if first else f"{stem}, {junk}"
    assert names.read(name).analyte is None


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from([*"()[],;:-_/+&% ", "calcium", "mg", "25", "oh", "d", "钙", "尿", "в", "i"]), max_size=60)
)
def test_any_arrangement_of_words_and_signs_has_one_answer(parts):
    """Whatever is put together, a name is an analyte, or refused, never both, and never an error."""
    found = names.read("".join(parts))
    assert (found.analyte is None) != (found.reason is None)
    assert found.reason is None or found.reason in tables().reasons


def test_work_grows_with_the_length_of_a_name_only():
    """A name asks the table for a bounded number of phrases per word, and a long one is no name."""
    asked = 0

    class Counting(dict):
        def get(self, _, default=None):
            nonlocal asked
            asked += 1
            return default

    counting = names.attrs.evolve(names._grammar(), phrases=Counting())
    for repeated in (10, 100, 1000):
        asked = 0
        names._occurrences(["calcium"] * repeated, counting)
        assert asked <= 8 * repeated
    for text in ("钙" * 200, "calcium" * 28, "1 " * 100, "(" * 200, "尿钙" * 100, "25-OH " * 33, "\u0301" * 200):
        assert names.read(text).analyte in (None, "calcium")
    assert names.read("x" * 201) == names.UNKNOWN


def test_words_of_the_data_are_written_as_they_are_compared():
    """Phrases hold letters, digits and signs with blanks between words of one kind, or they could never be met."""

    def walk(part):
        if isinstance(part, str):
            yield from part.split("|")
        elif isinstance(part, dict):
            for value in part.values():
                yield from walk(value)

    for kind in (*WORDED, "prepositions", "fillers", "joiners", "others", "beside"):
        for phrase in walk(DATA[kind]):
            words = names._clean(phrase).split()
            assert words == names._WORD.findall(names._clean(phrase)), phrase
            assert words, kind


def test_no_phrase_is_both_a_stem_and_another_word():
    """What a phrase is, is said once: a stem is no refusal, no form of another and no other test."""
    for phrase, roles in names._grammar().phrases.items():
        kinds = {role.kind for role in roles}
        stems = {(role.value, role.forms) for role in roles if role.kind == "stem"}
        assert len(stems) <= 1, phrase
        assert not stems or kinds <= {"stem", "form", "beside"}, (phrase, kinds)
        assert not ("refuse" in kinds and kinds & {"form", "specimen", "filler"}), (phrase, kinds)


def test_what_stems_mean_is_spelled_in_order():
    """Every combination of forms is spelled in alphabetical order, and leads to an analyte or a reason that exists."""
    assert set(DATA["meanings"]) == set(DATA["stems"]) - set(DATA["implied"])
    for combinations in DATA["meanings"].values():
        for forms, meaning in combinations.items():
            assert forms.split() == sorted(forms.split())
            assert set(forms.split()) <= set(DATA["forms"])
            key = meaning.split()[-1].removeprefix("!")
            assert key in (tables().reasons if meaning.startswith("!") else analytes.analytes())
    assert set(DATA["refuse"]) <= set(tables().reasons)


def test_at_least_150_other_tests_are_known():
    """A normal export is mostly other tests, and they are told from names that nobody can read."""
    others = {phrase for text in DATA["others"].values() for phrase in phrases(text)}
    assert len(phrases(DATA["others"]["en"])) >= 150
    for other in others:
        found = analytes.resolve(other)
        assert found.analyte is None, other
        assert "not_covered" in found.notes, other


def test_data_name_no_word_twice_in_a_language():
    """A list of one language and one meaning holds each phrase once."""
    for kind in WORDED:
        for value, texts in DATA[kind].items():
            for language, text in texts.items():
                listed = phrases(re.sub(r"\s+", " ", text))
                assert len(listed) == len(set(listed)), (kind, value, language)
