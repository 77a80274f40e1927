"""One result written as a number and as text, in every layout that has both: what the scalar face says of the text."""

from __future__ import annotations

import pandas as pd
import pytest

import labinterp as li
from labinterp.reading import comparators
from labinterp.reading.beside import value_of
from labinterp.tables.layouts import to_labinterp

SPELLINGS = [
    *(f"{word}{'' if not word.isalpha() or not word.isascii() else ' '}0.9" for word in comparators.before()),
    *(f"0.9{'' if not word.isascii() else ' '}{word}" for word in comparators.after()),
    *("&lt;0.9", "&gt; 0.9", "</= 0.9", "<OR=0.9", "< OR = 0.9", "\uff1c0.9", "\u2264 0,9", "0.9 <", "0.9 or less (L)"),
]
LAYOUTS = {
    "adam-adlb": (
        {"USUBJID": "1", "PARAM": "Magnesium (mmol/L)", "AVAL": "number", "AVALC": "text"},
        {"PARAMCD": "MG"},
    ),
    "omop": (
        {"person_id": 1, "measurement_concept_id": 3012095, "value_as_number": "number", "value_source_value": "text"},
        {"unit_concept_id": 8753, "unit_source_value": "mmol/L", "operator_concept_id": None},
    ),
    "mimic-iv": (
        {"subject_id": 1, "itemid": 50960, "valuenum": "number", "value": "text"},
        {"valueuom": "mmol/L", "labevent_id": 1, "charttime": None},
    ),
    "mimic-iii": (
        {"subject_id": 1, "itemid": 50960, "valuenum": "number", "value": "text"},
        {"valueuom": "mmol/L", "charttime": None},
    ),
    "sdtm-lb": (
        {"USUBJID": "1", "LBTEST": "Magnesium", "LBSTRESN": "number", "LBORRES": "text"},
        {"LBSTRESU": "mmol/L", "LBORRESU": None},
    ),
    "eicu": (
        {"patientunitstayid": 1, "labname": "magnesium", "labresult": "number", "labresulttext": "text"},
        {"labmeasurenamesystem": "mmol/L", "labmeasurenameinterface": "mmol/L"},
    ),
    "pcornet": (
        {"PATID": 1, "RAW_LAB_NAME": "Magnesium", "RESULT_NUM": "number", "RAW_RESULT": "text"},
        {"RESULT_UNIT": "mmol/L", "RAW_UNIT": "mmol/L", "LAB_LOINC": None, "RESULT_MODIFIER": None},
    ),
    "epic-order-results": (
        {"ORDER_PROC_ID": 1, "COMPONENT_ID_NAME": "Magnesium", "ORD_NUM_VALUE": "number", "ORD_VALUE": "text"},
        {"REFERENCE_UNIT": "mmol/L"},
    ),
    "trinetx": (
        {"patient_id": 1, "code": "2601-3", "lab_result_num_val": "number", "lab_result_text_val": "text"},
        {"units_of_measure": "mmol/L"},
    ),
}


def judged(layout, texts, numbers):
    columns, others = LAYOUTS[layout]
    rows = [
        {**{name: {"number": number, "text": text}.get(kind, kind) for name, kind in columns.items()}, **others}
        for text, number in zip(texts, numbers, strict=True)
    ]
    table = to_labinterp(pd.DataFrame(rows, dtype="object"), layout).assign(age=50)
    return li.interpret_frame(table, layout="labinterp").results


def scalar(text):
    result = li.LabResult("magnesium", text, "mmol/L")
    return li.interpret([result], li.Patient(age=50)).interpretations[0]


@pytest.mark.parametrize("number", [0.9, "0.9"], ids=["native", "text"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_spelling_of_a_comparator_beside_a_number_is_what_the_scalar_face_says(layout, number):
    """In every layout the comparator of the text holds for the number beside it, however it is spelled."""
    results = judged(layout, SPELLINGS, [number] * len(SPELLINGS))
    for text, flag, comparator in zip(SPELLINGS, results["flag"], results["comparator"], strict=True):
        want = scalar(text)
        assert (None if pd.isna(flag) else flag) == want.flag, (layout, text)
        assert (None if pd.isna(comparator) else comparator) == want.comparator, (layout, text)
        assert want.flag != "N" or text.lstrip().startswith(("=", "eq")), text


@pytest.mark.parametrize("layout", LAYOUTS)
def test_text_alone_and_number_alone_are_the_result(layout):
    """Where one of the two is missing the other is the result."""
    results = judged(layout, ["<0.9", None], [None, 0.9])
    assert results["flag"].iloc[1] == "N"
    assert results["flag"].iloc[0] != "N"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", ["1.9", "see note <1", "hemolyzed", "0.9-1.1", "< 0.5 or > 2"])
def test_text_that_contradicts_its_number_leaves_no_silent_number(layout, text):
    """A text that says another number, or nothing that is understood, makes the value no number."""
    if layout == "sdtm-lb" and text == "1.9":
        return  # the original result may be in another unit
    assert judged(layout, [text], [0.9])["problem"].tolist() == ["not_numeric"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_flag_in_the_text_is_the_laboratorys_own(layout):
    """A flag behind the text is heard though the number is taken from its own column."""
    results = judged(layout, ["0.9 L", "0.9*", "0.9"], [0.9] * 3)
    assert results["flag"].tolist() == ["IND", "IND", "N"]


@pytest.mark.parametrize(
    ("number", "text", "operator", "value"),
    [
        (1.234, "<1.234", None, "<1.2340"),
        ("1.9", "1,9", None, "1.9"),
        (1.8912, "1.89", None, 1.8912),
        (0.9, "0.9", "?", "not a number"),
        ("<5", None, ">", "not a number"),
        ("5", None, ">=", ">=5"),
        ("<5", None, "<=", "<=5.0"),
        (0.9, "less than", None, "<0.9"),
        (0.9, "High", None, "0.9 High"),
        (0.9, "1.2 mg/dL", None, 0.9),
        (None, None, "<", None),
        ("see note", None, "<", "see note"),
        (0.9, " ", None, 0.9),
    ],
)
def test_number_text_and_operator_come_to_one_value(number, text, operator, value):
    """The three say one thing together, or the value is no number."""
    assert value_of(number, text, operator) == value


def test_comparator_column_is_read_by_the_same_grammar():
    """The column of operators of a long table takes every sign and word that a value takes."""
    words = [word for word in comparators.before() if comparators.read(word) is not None]
    frame = pd.DataFrame({"test": "magnesium", "value": 0.9, "unit": "mmol/L", "age": 50, "comparator": words})
    results = li.interpret_frame(frame).results
    assert results["comparator"].tolist() == [comparators.read(word) for word in words]
    assert not (results["flag"] == "N").any()
