"""The public contract, section 6: errors."""

from __future__ import annotations

import logging
import pickle
import warnings

import pandas as pd
import pytest

import labinterp as li
from contract_helpers import CANARY_ID

CANARY = "73.4517"

ERRORS = {
    "UnknownTestError": LookupError, "ValueParseError": ValueError, "ReferenceSetError": ValueError,
    "ReferenceSetNotFound": LookupError, "LayoutError": ValueError, "UnknownUnitError": (LookupError, ValueError),
    "IncompatibleUnitError": (ValueError, TypeError), "UnknownNodeError": LookupError, "MissingExtraError": ImportError,
    "InputError": ValueError, "ReportError": ValueError,
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_each_error_is_also_the_fitting_builtin_pickles_and_ends_with_a_hint(name):
    """Every error is a LabInterpError and a builtin, keeps its data, pickles, and ends with a hint."""
    kind = getattr(li, name)
    assert issubclass(kind, li.LabInterpError)
    assert issubclass(kind, ERRORS[name])
    error = kind("something is wrong", hint="Do this", analyte="magnesium")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is kind
    assert str(again) == str(error)
    assert str(again).endswith("Do this")
    assert again.analyte == "magnesium"
    assert str(kind("something is wrong")).strip() != "something is wrong"


def raised(call):
    try:
        call()
    except li.LabInterpError as error:
        return error
    return None


def test_no_message_log_warning_or_repr_holds_a_value_or_an_id(caplog):
    """A canary value and a canary id show in no message, log record, warning or repr."""
    texts = []
    patient = li.Patient(age=50, id=CANARY_ID)
    rows = [
        ("magnesium", CANARY, "mmol/L"),
        ("magnesium", CANARY, "furlong"),
        ("zzz", CANARY, "mg/dL"),
        ("calcium", f"x{CANARY}", "mg/dL"),
        ("vitamin_d", float(CANARY), "ng/mL"),
        ("magnesium", "-" + CANARY, "mg/dL"),
        ("vitamin_b12", CANARY, ""),
    ]
    results = [li.LabResult(*r, id=CANARY_ID) for r in rows]
    frame = pd.DataFrame([{"test": t, "value": v, "unit": u, "patient_id": CANARY_ID, "age": 50} for t, v, u in rows])
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        report = li.interpret(results, patient)
        answer = li.interpret_frame(frame)
        texts += [
            repr(report),
            str(report),
            repr(patient),
            repr(answer),
            repr(results),
            repr(report.interpretations),
            repr(report.problems),
            repr(report.findings),
        ]
        texts += [p.message + p.suggestion for p in report.problems]
        texts += [f.explanation + "".join(f.caveats) for f in report.findings]
        texts += [str(raised(lambda r=r: li.interpret([r], patient, on_problem="raise"))) for r in results]
        calls = [
            lambda: li.convert(CANARY, "furlong", "mg/dL", analyte="magnesium"), lambda: li.convert(f"x{CANARY}", "mg/dL", "mmol/L", analyte="magnesium"),
            lambda: li.adjusted_calcium(CANARY, "mmol/L", 40, "g/L"), lambda: li.Report.from_json('{"patient": "' + CANARY_ID + '"'),
            lambda: li.Report.from_json('{"patient": "' + CANARY_ID + '"}'), lambda: li.read(f"PID|1||{CANARY_ID}|{CANARY}"),
        ]  # fmt: skip
        texts += [str(raised(call)) + repr(raised(call)) for call in calls]
    texts += [record.getMessage() for record in caplog.records] + [str(item.message) for item in warned]
    for text in texts:
        assert CANARY not in text
        assert CANARY_ID not in text
