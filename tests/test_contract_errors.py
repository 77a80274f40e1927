"""The public contract, section 6: errors."""

from __future__ import annotations

import ast
import inspect
import logging
import pickle
import warnings
from pathlib import Path

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


def raises():
    """Every call of one of our errors in the source, as (place, class, keywords)."""
    kinds = {name: kind for name, kind in vars(li.errors).items() if inspect.isclass(kind)}
    for path in sorted(Path(li.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", None))
                if name in kinds and issubclass(kinds[name], li.LabInterpError):
                    keywords = {keyword.arg for keyword in node.keywords} - {"hint", None}
                    yield f"{path.name}:{node.lineno}", kinds[name], keywords


def test_every_attribute_of_an_error_is_declared_with_its_type():
    """What an error is raised with is an attribute that its class declares, so that a type checker knows it."""
    found = list(raises())
    assert any(keywords for _, _, keywords in found)
    for place, kind, keywords in found:
        declared = set().union(*(vars(base).get("__annotations__", {}) for base in kind.__mro__))
        assert keywords <= declared, place


@pytest.mark.parametrize("name", ERRORS)
def test_attribute_that_is_not_known_is_empty(name):
    """An attribute that the place of the error does not know is None or empty, never missing."""
    error = getattr(li, name)("something is wrong")
    declared = set().union(*(vars(base).get("__annotations__", {}) for base in type(error).__mro__))
    assert {key for key in declared - {"message", "hint"} if getattr(error, key)} == set()


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
