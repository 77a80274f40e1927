"""Junk at every public function: a clear refusal or an answer, quickly, and never a word of what was sent."""

from __future__ import annotations

import contextlib
import inspect
import signal
import threading
import time
import traceback
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import labinterp as li
from junk import CANARY, JUNK, CanaryError

PACKAGE = str(Path(li.__file__).parent)
LIMIT = 20
"""Seconds for one call; each takes a fraction of one."""

HL7 = "MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5\rPID|1||x\rOBR|1\rOBX|1|NM|2601-3^Mg^LN||0.8|mmol/L|0.7-1.0|N|||F\r"


def result(**fields):
    return li.LabResult(**{"test": "magnesium", "value": 1.1, "unit": "mg/dL", **fields})


def frame(**columns):
    return pd.DataFrame(
        {"test": ["Mg", "Ca"], "value": ["1.1", "<8"], "unit": "mg/dL", "patient_id": "a", "age": 50}
        | {"collected_at": ["2026-01-01", "2026-01-02"], **columns}
    )


REPORT = li.interpret([result()], li.Patient(age=50))
OPTIONS = {
    "ranges": "us",
    "grading": None,
    "reported_ranges": True,
    "assume_adult": False,
    "decimal": None,
    "default_units": None,
    "reference_albumin": None,
    "tests": None,
    "date_order": None,
}
GOOD = {
    "adjusted_calcium": {
        "calcium": 8.0, "unit": "mg/dL", "albumin": 3.0, "albumin_unit": "g/dL", "reference_albumin": 40, "slope": None,
    },
    "audit": {
        "frame": frame(), "by": None, "layout": "auto", "columns": None, "panel": "collection", "one_patient": False,
        "beside": None, "encoding": "auto", "workers": 1, "progress": None,
        **OPTIONS,
    },
    "change": {
        "previous": result(), "current": result(), "z": 1.96, "cva": None, "decimal": None, "default_units": None,
        "tests": None, "date_order": None,
    },
    "convert": {"value": 1.8, "unit": "mg/dL", "to": "mmol/L", "analyte": "magnesium"},
    "explain": {"node": "hypocalcemia"},
    "interpret": {
        "results": [result()], "patient": li.Patient(age=50), "presentation": None, "on_problem": "collect", **OPTIONS,
    },
    "interpret_fhir": {
        "bundle": {"resourceType": "Bundle", "type": "collection", "entry": []},
        "ranges": "us", "recorded": None, "panel": "collection", "max_bytes": 10**6,
    },
    "interpret_frame": {
        "frame": frame(), "layout": "auto", "columns": None, "panel": "collection", "one_patient": False, "delta": False,
        "beside": None, "baseline": None,
        **OPTIONS,
    },
    "interpret_hl7v2": {"message": HL7, "tests": None, "decimal": None, "max_bytes": 10**6},
    "read": {"source": "test,value,unit\nMg,1,mg/dL\n", "layout": "auto", "columns": None, "tests": None, "beside": None, "encoding": "auto", "has_units": False},
    "reference_set": {"spec": "us", "on": None},
    "reference_sets": {"on": None},
    "verify": {"report": REPORT, "ranges": None},
}  # fmt: skip
"""Good arguments of every public function; one of them is replaced by junk."""

ELSEWHERE = {"interpret_files": "writes files; tests/test_engines_files_broken.py throws its own junk at it"}
NAMED = {"ranges", "grading", "spec", "on", "by", "frame"}
"""Arguments that name an edition, a date, a file or a column: a text given there is repeated, shortened, so that a slip is seen."""
GONE_THROUGH = {"audit(frame)", "interpret(results)", "Presentation(symptoms)", "Presentation(triggers)"}
"""Arguments that are gone through or read: what the caller's own iterator or stream raises is the caller's and comes out as it is."""


def _calls():
    for name, arguments in GOOD.items():
        for parameter in arguments:
            yield f"{name}({parameter})", lambda junk, n=name, p=parameter: getattr(li, n)(**{**GOOD[n], p: junk})
    yield "Report.from_json(text)", li.Report.from_json
    yield "Report.to_json(indent)", lambda junk: REPORT.to_json(indent=junk)
    yield "Report.to_html(title)", lambda junk: REPORT.to_html(title=junk)
    fields = ("test", "value", "unit", "collected_at", "specimen", "reference_low", "reference_high", "method", "id")
    for field in (*fields, "reported_flag", "loinc", "note"):
        yield (
            f"LabResult({field})",
            lambda junk, f=field: repr(li.interpret([result(**{f: junk})], li.Patient(age=50)).to_json()),
        )
    for field in ("age", "sex", "birth_date", "pregnancy", "id"):
        yield (
            f"Patient({field})",
            lambda junk, f=field: li.interpret([result()], li.Patient.as_sent(**{f: junk})).to_json(),
        )
    for field in ("symptoms", "triggers", "course"):
        yield (
            f"Presentation({field})",
            lambda junk, f=field: li.interpret([result()], presentation=li.Presentation(**{f: junk})).to_json(),
        )
    for field in ("test", "value", "unit", "collected_at", "specimen", "method"):
        yield f"change({field})", lambda junk, f=field: li.change(result(**{f: junk}), result())
    for column in ("test", "value", "unit", "patient_id", *fields[3:-1], "age", "sex", "birth_date", "pregnancy"):
        yield (
            f"cell({column})",
            lambda junk, c=column: li.interpret_frame(
                frame(**{c: pd.Series([junk, None], dtype=object)}), delta=True, panel="30D"
            ),
        )


CALLS = dict(_calls())


@contextlib.contextmanager
def limit(seconds):
    """Stop what hangs, where the platform can."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise BaseException(f"still running after {seconds} seconds")  # noqa: TRY002 - nothing may catch it

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fault(name, junk):
    """Call with junk; return what is wrong with how it ended, None for nothing."""
    start = time.process_time()
    try:
        with limit(LIMIT):
            CALLS[name](junk)
    except CanaryError as error:
        return None if name in GONE_THROUGH else f"{error!r} came out"
    except (li.LabInterpError, TypeError) as error:
        text = str(error)
        parameter = name.partition("(")[2].rstrip(")")
        if CANARY in text and not (parameter in NAMED and isinstance(junk, str | list | tuple)):
            return f"{type(error).__name__} repeats what was sent"
        if not 8 < len(text) < 2_000:
            return f"{type(error).__name__} says {len(text)} characters"
        if not traceback.extract_tb(error.__traceback__)[-1].filename.startswith(PACKAGE):
            return f"{type(error).__name__} is not ours: {text[:80]}"
    except Exception as error:  # noqa: BLE001 - this is what must not be
        place = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(PACKAGE)]
        return f"{type(error).__name__} at {place[-1].filename}:{place[-1].lineno}" if place else type(error).__name__
    return "slow" if time.process_time() - start > LIMIT / 2 else None


@pytest.mark.parametrize("name", CALLS)
def test_junk_is_refused_or_answered(name, caplog):
    """For every kind of junk in every argument, field and cell: an answer, or an error of ours that repeats nothing."""
    found = {kind: wrong for kind, make in JUNK.items() if (wrong := fault(name, make())) is not None}
    assert not found
    assert CANARY not in caplog.text


def test_every_public_function_and_parameter_gets_junk():
    """No public function is left out, and no parameter of one."""
    functions = {name for name in li.__all__ if inspect.isfunction(getattr(li, name))}
    assert functions == {*GOOD, *ELSEWHERE}
    for name, arguments in GOOD.items():
        parameters = inspect.signature(getattr(li, name)).parameters.values()
        names = {p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD} - {"library"}
        assert names == set(arguments), name


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.datetimes()
    | st.complex_numbers() | st.fractions() | st.dates() | st.timedeltas() | st.uuids()
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(CALLS)), ANYTHING)
def test_anything_is_refused_or_answered(name, junk):
    """Whatever is sent, wherever: an answer, or an error of ours."""
    assert fault(name, junk) is None


@settings(max_examples=100)
@given(st.text(max_size=80))
def test_texts_of_a_result_never_show_in_a_message(text):
    """No message holds what a result said, whatever that was."""
    marked = f"{text}{CANARY}"
    for field in ("test", "value", "unit", "specimen", "loinc"):
        report = li.interpret([result(**{field: marked})], li.Patient(age=50, id=marked))
        assert CANARY not in "".join(problem.message + problem.suggestion for problem in report.problems)
        if report.problems:
            with pytest.raises(li.LabInterpError) as caught:
                li.interpret([result(**{field: marked})], on_problem="raise")
            assert CANARY not in f"{caught.value}{caught.value!r}{caught.value.data}"


def test_row_that_cannot_be_read_leaves_the_others_alone():
    """A row without analyte or unit beside a good one is no matter, whatever columns the table lacks."""
    for test, unit in (("nonsense", "mg/dL"), ("calcium", None), ("calcium", "furlongs")):
        table = pd.DataFrame({"test": ["calcium", test], "value": [9.2, 9.2], "unit": ["mg/dL", unit]})
        results = li.interpret_frame(table, assume_adult=True).results
        assert results["flag"].astype(object).tolist()[0] == "N"
        assert results["problem"].notna().tolist() == [False, True]
