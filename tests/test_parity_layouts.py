"""One reading in every layout: scalar = frame = stream on dirty rows drawn in the columns of each."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp.tables.layouts import to_labinterp
from labinterp.tables.recognition import layouts
from labinterp.tables.records import patient_of, result_of
from strategies import DIRTY_TESTS, DIRTY_UNITS, DIRTY_VALUES, RANGES

COMPARED = ("analyte", "comparator", "value", "low", "high", "range_id", "flag", "level", "band", "problem")
FLAGS = st.sampled_from([None, None, "L", "H", "N", "abnormal", "*"])
ENDS = st.sampled_from([None, None, "1.6", "2.6", "8.6", "<15", "abc"])
TIMES = st.sampled_from([None, "2026-01-01", "2026-01-02T08:00:00", "05.03.2026", "03/04/2026", "soon"])
NUMBERS = st.sampled_from([None, "", "0.9", "1.4", "9.1", "250", "___"])
CELLS = {
    "labinterp": {"test": DIRTY_TESTS, "value": DIRTY_VALUES, "unit": DIRTY_UNITS, "reference_range": RANGES,
                  "reported_flag": FLAGS, "collected_at": TIMES},
    "mimic-iv": {"itemid": st.sampled_from(["50960", "50893", "50862", "51010", "1"]), "value": DIRTY_VALUES,
                 "valuenum": NUMBERS, "valueuom": DIRTY_UNITS, "ref_range_lower": ENDS, "ref_range_upper": ENDS,
                 "flag": FLAGS, "charttime": TIMES, "labevent_id": st.just("1")},
    "mimic-iii": {"itemid": st.sampled_from(["50960", "50893", "50862", "51010", "1"]), "value": DIRTY_VALUES,
                  "valuenum": NUMBERS, "valueuom": DIRTY_UNITS, "flag": FLAGS, "charttime": TIMES},
    "omop": {"measurement_concept_id": st.sampled_from(["3001420", "3006906", "3024561", "1"]),
             "value_as_number": NUMBERS, "value_source_value": DIRTY_VALUES, "range_low": ENDS, "range_high": ENDS,
             "unit_concept_id": st.sampled_from([None, "0", "8840", "8753", "9557", "8645"]),
             "unit_source_value": DIRTY_UNITS, "operator_concept_id": st.sampled_from([None, "0", "4171756"]),
             "measurement_datetime": TIMES},
    "adam-adlb": {"PARAMCD": st.sampled_from(["MG", "CA", "ALB"]), "AVAL": NUMBERS, "AVALC": DIRTY_VALUES,
                  "PARAM": st.sampled_from(["Magnesium (mmol/L)", "Calcium (mg/dL)", "Albumin (g/L)", "Nonsense"]),
                  "ANRLO": ENDS, "ANRHI": ENDS, "ANRIND": FLAGS, "ADT": TIMES},
    "sdtm-lb": {"LBTEST": DIRTY_TESTS, "LBORRES": DIRTY_VALUES, "LBORRESU": DIRTY_UNITS, "LBSTRESN": NUMBERS,
                "LBSTRESU": DIRTY_UNITS, "LBORNRLO": ENDS, "LBORNRHI": ENDS, "LBNRIND": FLAGS, "LBDTC": TIMES},
    "synthea": {"DATE": TIMES, "DESCRIPTION": DIRTY_TESTS, "VALUE": DIRTY_VALUES, "UNITS": DIRTY_UNITS,
                "CODE": st.sampled_from(["19123-9", "17861-6", "99999-9", ""])},
    "eicu": {"labname": DIRTY_TESTS, "labresult": NUMBERS, "labresulttext": DIRTY_VALUES,
             "labmeasurenamesystem": DIRTY_UNITS, "labmeasurenameinterface": DIRTY_UNITS},
    "pcornet": {"RAW_LAB_NAME": DIRTY_TESTS, "LAB_LOINC": st.sampled_from([None, "19123-9", "99999-9"]),
                "RESULT_NUM": NUMBERS, "RAW_RESULT": DIRTY_VALUES, "RESULT_UNIT": DIRTY_UNITS, "RAW_UNIT": DIRTY_UNITS,
                "RESULT_MODIFIER": st.sampled_from([None, "EQ", "LT", "GE", "TX"]), "NORM_RANGE_LOW": ENDS,
                "NORM_RANGE_HIGH": ENDS, "ABN_IND": FLAGS, "RESULT_DATE": TIMES},
    "epic-order-results": {"COMPONENT_ID_NAME": DIRTY_TESTS, "ORD_NUM_VALUE": NUMBERS, "ORD_VALUE": DIRTY_VALUES,
                           "REFERENCE_UNIT": DIRTY_UNITS, "REFERENCE_LOW": ENDS, "REFERENCE_HIGH": ENDS,
                           "RESULT_FLAG_C_NAME": FLAGS, "RESULT_DATE": TIMES},
    "cerner-clinical-event": {"EVENT_CD_DISP": DIRTY_TESTS, "RESULT_VAL": DIRTY_VALUES,
                              "RESULT_UNITS_CD_DISP": DIRTY_UNITS, "NORMAL_LOW": ENDS, "NORMAL_HIGH": ENDS,
                              "NORMALCY_CD_DISP": FLAGS, "EVENT_END_DT_TM": TIMES},
    "i2b2": {"CONCEPT_CD": st.sampled_from(["LOINC:19123-9", "LOINC:2601-3", "LOINC:17861-6", "LOINC:99999-9"]),
             "NVAL_NUM": NUMBERS, "TVAL_CHAR": st.one_of(st.sampled_from(["E", "L", "GE", "NE", "@"]), DIRTY_VALUES),
             "VALTYPE_CD": st.sampled_from(["N", "N", "T", "@", "B"]), "UNITS_CD": DIRTY_UNITS, "VALUEFLAG_CD": FLAGS,
             "MODIFIER_CD": st.sampled_from(["@", "@", None, "", "DOSE"]), "START_DATE": TIMES},
    "trinetx": {"code": st.sampled_from(["19123-9", "2601-3", "17861-6", "9037"]), "lab_result_num_val": NUMBERS,
                "lab_result_text_val": DIRTY_VALUES, "units_of_measure": DIRTY_UNITS, "date": TIMES},
    "labinterp-wide": {"collected_at": TIMES, "magnesium (mg/dL)": DIRTY_VALUES, "Calcium, mmol/L": DIRTY_VALUES,
                       "Vitamin D": DIRTY_VALUES, "Magnesium range": RANGES, "Magnesium flag": FLAGS},
}  # fmt: skip
"""Layout → its columns, and what is drawn for them."""
STATES = st.sampled_from(
    [None, "", "Final", "Corrected", "High", "CANCELLED - clotted", "Entered in error", "Not done"]
)
HALF = st.one_of(st.none(), DIRTY_VALUES)
FREELY = {
    "labinterp": ({}, {"Result Status": STATES}, {"value": None, "unit": None, "In Range": HALF, "Out Of Range": HALF}),
    "labinterp-wide": ({}, {"Result Status": STATES}),
}
"""Layout that is headed freely → what may stand there as well, or is not there."""
PATIENT = {
    "labinterp": "patient_id", "mimic-iv": "subject_id", "mimic-iii": "subject_id", "omop": "person_id",
    "adam-adlb": "USUBJID", "sdtm-lb": "USUBJID", "synthea": "PATIENT", "eicu": "patientunitstayid", "pcornet": "PATID",
    "epic-order-results": "ORDER_PROC_ID", "cerner-clinical-event": "PERSON_ID", "i2b2": "PATIENT_NUM", "trinetx": "patient_id",
    "labinterp-wide": "patient_id",
}  # fmt: skip


def nothing(cell):
    return cell is None or cell is pd.NA or cell == "" or (isinstance(cell, float) and math.isnan(cell))


def answers(results):
    for row in results.astype(object).to_dict("records"):
        notes = row["notes"]
        yield {**{key: None if nothing(row[key]) else row[key] for key in COMPARED}, "notes": notes or ""}


def scalar(table):
    for row in table.astype(object).to_dict("records"):
        cells = {key: None if nothing(cell) else cell for key, cell in row.items()}
        report = li.interpret([result_of(cells)], patient_of(cells), assume_adult=True)
        (item,) = report.interpretations
        yield {**{key: getattr(item, key) for key in COMPARED}, "notes": ";".join(item.notes)}


def test_every_layout_is_drawn():
    """No known layout is left out."""
    assert set(CELLS) == set(PATIENT) == set(layouts())


@pytest.mark.parametrize("layout", CELLS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_scalar_frame_and_stream_agree_in_every_layout(layout, data):
    """Whatever the layout, a dirty row comes to the same on the scalar, the frame and the streamed face."""
    freely = data.draw(st.sampled_from(FREELY.get(layout, ({},))))
    cells = {name: drawn for name, drawn in (CELLS[layout] | freely).items() if drawn is not None}
    drawn = data.draw(st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=6))
    frame = pd.DataFrame([{**row, PATIENT[layout]: f"{i}"} for i, row in enumerate(drawn)], dtype="object")
    options = {"layout": layout, "assume_adult": True}
    framed = list(answers(li.interpret_frame(frame, **options).results))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        frame.to_csv(path / "in.csv", index=False)
        li.interpret_files(path / "in.csv", path / "out", **options)
        parts = map(pd.read_parquet, sorted((path / "out" / "results").glob("*.parquet")))
        streamed = list(answers(pd.concat(parts, ignore_index=True)))
    assert framed == streamed
    if layout != "labinterp-wide":  # whose rows of one visit are one panel, in which adjusted calcium is noted
        assert framed == list(scalar(to_labinterp(frame, layout)))
