"""Who a result belongs to: sex, age, pregnancy and id as the field writes them."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import labinterp as li
from labinterp._data import knowledge
from labinterp.reading import demographics
from labinterp.reading.ids import read_id

DATA = knowledge("people.toml")


@pytest.mark.parametrize("meaning", ["female", "male", "unknown"])
def test_every_word_of_a_sex_is_read(meaning):
    """Each word means what its list says, in any case and with a point."""
    expected = meaning if meaning != "unknown" else None
    for word in DATA["sex"][meaning]:
        for text in (word, word.upper(), f" {word}. ", word.title()):
            assert demographics.read_sex(text) == expected, text
            assert not demographics.sex_is_unreadable(text)


def test_no_word_stands_in_two_lists():
    """A word of a person means one thing."""
    pregnancy = {name: DATA["pregnancy"][name] for name in ("none", "pregnant", "unknown")}
    for groups in (DATA["sex"], DATA["age"]["units"], pregnancy, DATA["pregnancy"]["ordinals"]):
        owner = {}
        for name, words in groups.items():
            for word in words:
                assert owner.setdefault(demographics._plain(word), name) == name, word


@pytest.mark.parametrize(("unit", "years"), [("a", 20), ("mo", 20 / 12), ("wk", 20 * 7 / 365.25), ("d", 20 / 365.25)])
def test_every_unit_of_an_age_is_read(unit, years):
    """Each word behind a number is its unit of time."""
    for word in DATA["age"]["units"][unit]:
        for text in (f"20 {word}", f"20{word}", f"20 {word.upper()}", f" 20 {word}."):
            assert demographics.read_age(text)[0] == pytest.approx(years), text


def test_an_age_is_read_whole_or_not_at_all():
    """Blanks in front do not cut an age, and a long text is none."""
    assert demographics.read_age(" " * 31 + "54") == (54, 55)
    assert demographics.read_age("5" * 65) is None
    assert demographics.read_age("54M") is None
    assert demographics.read_age("6 M") == (0.5, 0.5)


@pytest.mark.parametrize("weeks", range(46))
def test_weeks_give_the_trimester(weeks):
    """Completed weeks give the trimester; where the week that is going on leaves two, it stays open."""
    expected = f"trimester_{1 + (weeks >= 14) + (weeks >= 28)}"
    for form in (
        "{} weeks",
        "{}w",
        "{}+0",
        "{} SA",
        "{}/40",
        "{} недель",
        "{} semanas",
        "{} weeks 6 days",
        "pregnant {} weeks",
    ):
        assert demographics.read_pregnancy(form.format(weeks)) == expected, form
    for form in ("{}. SSW", "SSW {}", "week {}"):
        assert demographics.read_pregnancy(form.format(weeks)) in (expected, "pregnant")
        assert (demographics.read_pregnancy(form.format(weeks)) == "pregnant") == (weeks in (14, 28))


@pytest.mark.parametrize("meaning", ["none", "pregnant"])
def test_every_word_of_a_pregnancy_is_read(meaning):
    """Each word means what its list says."""
    for word in DATA["pregnancy"][meaning]:
        assert demographics.read_pregnancy(word) == demographics.read_pregnancy(word.upper()) == meaning, word


def test_every_ordinal_of_a_trimester_is_read():
    """Each ordinal is its trimester with the word behind it; a number alone is none."""
    for number, words in DATA["pregnancy"]["ordinals"].items():
        for word in words:
            assert demographics.read_pregnancy(f"{word} trimester") == f"trimester_{number}"
    assert [demographics.read_pregnancy(value) for value in (0, 1, 2, "2", 3, True, False)] == [
        "none", "pregnant", "unreadable", "unreadable", "unreadable", "pregnant", "none",
    ]  # fmt: skip


@given(st.one_of(st.text(max_size=100), st.integers(), st.floats(), st.booleans(), st.none()))
def test_anything_is_read_or_not(value):
    """Reading a person never raises, and what is sent and not read says so."""
    age, sex, pregnancy = (
        demographics.read_age(value), demographics.read_sex(value), demographics.read_pregnancy(value)
    )  # fmt: skip
    assert age is None or 0 <= age[0] <= age[1] <= 131
    assert sex in (None, "female", "male")
    assert pregnancy in (None, "none", "pregnant", "trimester_1", "trimester_2", "trimester_3", "unreadable")
    found = read_id(value)
    assert found is None or (found == found.strip() and read_id(found) == found)


@pytest.mark.parametrize(
    ("field", "text"), [("sex", "green"), ("age", "old"), ("pregnancy", "perhaps"), ("sex", "female/male")]
)
def test_a_patient_refuses_what_it_cannot_read(field, text):
    """A text that is no sex, age or pregnancy is a `ValueError` without the text; in a table it is a note."""
    with pytest.raises(ValueError, match=f"{field} is not known") as caught:
        li.Patient(**{field: text})
    assert text not in str(caught.value)
    patient = li.Patient.as_sent(**{field: text})
    report = li.interpret([li.LabResult("magnesium", 0.5, "mmol/L")], patient)
    assert f"{field}_unreadable" in report.interpretations[0].notes
    assert li.Report.from_json(report.to_json()) == report
    frame = pd.DataFrame({"test": ["magnesium"], "value": [0.5], "unit": ["mmol/L"], field: [text]})
    assert f"{field}_unreadable" in li.interpret_frame(frame).results["notes"].astype(str)[0]


@pytest.mark.parametrize("sent", ["28 weeks later", "perhaps", "2", "g2p1"])
def test_an_unreadable_pregnancy_is_never_none(sent):
    """What is sent of a pregnancy and not read leaves every state of it possible."""
    result = li.LabResult("magnesium", 2.4, "mg/dL")
    person = {"age": 30, "sex": "female"}
    (item,) = li.interpret(
        [result], li.Patient.as_sent(**person, pregnancy=sent), ranges="pregnancy-us"
    ).interpretations
    assert item.flag != "N"
    assert "pregnancy_unreadable" in item.notes
    (third,) = li.interpret([result], li.Patient(**person, pregnancy="28 weeks"), ranges="pregnancy-us").interpretations
    assert third.flag not in ("N", None)


def test_ids_are_one_text():
    """5, 5.0 and "5 " are one patient, an id that names nobody is none, and a report keeps it."""
    assert {read_id(value) for value in (5, 5.0, "5 ", "5")} == {"5"}
    assert {read_id(value) for value in (None, "", " ", float("nan"), pd.NA, pd.NaT, "x" * 1025)} == {None}
    report = li.interpret([li.LabResult("magnesium", 0.5, "mmol/L", id=7)], li.Patient(age=50, id=5))
    assert (report.patient.id, report.interpretations[0].result.id) == ("5", "7")
    assert li.Report.from_json(report.to_json()) == report
    assert report.to_fhir()["resourceType"] == "Bundle"


def test_rows_of_one_id_are_one_patient_in_a_table():
    """However an id is written in a table, its results meet."""
    frame = pd.DataFrame(
        {
            "patient_id": pd.Series([5, 5.0, "5 "], dtype=object),
            "test": ["calcium", "albumin", "magnesium"],
            "value": [1.9, 25, 0.9],
            "unit": ["mmol/L", "g/L", "mmol/L"],
            "age": 50,
        }
    )
    assert "uncorrected_calcium" not in li.interpret_frame(frame, panel="patient").results["notes"].astype(str)[0]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Age: 54", (54.0, 55.0)),
        ("Alter 54 Jahre", (54.0, 55.0)),
        ("P54Y", (54.0, 55.0)),
        ("P6M", (0.5, 0.5)),
        ("P1Y6M", (1.5, 1.5)),
        ("P200Y", None),
        ("P", None),
        ("54 y 6 h", None),
        ("2 mo 3 y", None),
        ("130 y 11 mo", None),
    ],
)
def test_an_age_in_words_of_two_parts_or_as_a_duration_is_read(text, age):
    """A word before the age, two parts, and durations of ISO 8601 are read; what is no age of a person is not."""
    assert demographics.read_age(text) == age


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("妊娠中期", "trimester_2"),
        ("孕晚期", "trimester_3"),
        ("妊娠30週", "trimester_3"),
        ("44 weeks", "trimester_3"),
        ("46 weeks", demographics.UNREADABLE),
        ("trimester 4", demographics.UNREADABLE),
    ],
)
def test_pregnancy_written_together_and_in_weeks_is_read(text, meaning):
    """Words that are written together are taken apart; weeks that no pregnancy has are unreadable, never none."""
    assert demographics.read_pregnancy(text) == meaning
