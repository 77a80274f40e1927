"""`labinterp panel`: typed results, the three lines, and exit codes."""

import io
import json
import sys

import pytest

import labinterp as li
from cli_tools import run

SIX = (
    "Mg 1.1 mg/dL", "Ca 7,9 mg/dL", "albumin 4 g/dL", "25OHD <8 ng/mL", "B12 150 pg/mL (200-900)", "Hcy 25 umol/L",
)  # fmt: skip


def test_values_stand_in_the_unit_that_was_sent(capsys):
    """A result is shown as it was typed, with the canonical unit second and its range in its own unit."""
    _, out, _ = run(capsys, "panel", "Ca 7,9 mg/dL", "--age", "54")
    assert "7,9 mg/dL" in out
    assert "= 1.971 mmol/L" in out
    assert "8.6 to 10.2" in out


def test_results_are_read_from_standard_input(capsys, monkeypatch):
    """`panel -` reads a result a line."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("Mg 1.1 mg/dL\n\nCa 9.5 mg/dL\n"))
    code, out, err = run(capsys, "panel", "-", "--age", "54", "--format", "json")
    assert (code, err) == (0, "")
    assert [item["result"]["test"] for item in json.loads(out)["interpretations"]] == ["Mg", "Ca"]


def test_json_is_a_report(capsys):
    """`--format json` prints the report as `interpret` would give it."""
    _, out, _ = run(capsys, "panel", "Mg 1.1 mg/dL", "--age", "54", "--sex", "F", "--format", "json")
    expected = li.interpret([li.LabResult("Mg", "1.1", "mg/dL")], li.Patient(age="54", sex="F"))
    assert li.Report.from_json(out).findings == expected.findings
    assert li.verify(li.Report.from_json(out)).ok


def test_csv_has_a_row_per_result(capsys):
    """`--format csv` prints the results as a table."""
    _, out, _ = run(capsys, "panel", *SIX, "--format", "csv", "--assume-adult")
    assert len(out.splitlines()) == 1 + len(SIX)


def test_presentation_reaches_the_findings(capsys):
    """Symptoms, triggers and course count as in `interpret`."""
    args = ("panel", "B12 100 pg/mL", "--age", "54", "--symptom", "tingling", "--format", "json")
    _, out, _ = run(capsys, *args)
    assert "tingling" in json.loads(out)["findings"][0]["matched_symptoms"]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("Mg 1.1 mg/dL", "--age", "54"), 0),
        (("Mg 1.1 mg/dL", "--age", "54", "--fail-on", "moderate"), 1),
        (("Mg 2.0 mg/dL", "--age", "54", "--fail-on", "low"), 0),
        ((), 2),
        (("Mg 1.1 mg/dL", "--age", "old"), 2),
        (("Mg 1.1 mg/dL", "--sex", "?!"), 2),
        (("Mg 1.1 mg/dL", "--symptom", "no such"), 2),
        (("Mg 1.1 mg/dL", "--course", "no such"), 2),
        (("what is this",), 3),
        (("Mg 1.1 mg/dL", "--ranges", "no-such"), 2),
        (("Mg 1.1", "--age", "54", "--strict"), 4),
        (("Mg 2.0 mg/dL", "--age", "54", "--strict"), 0),
    ],
)
def test_exit_codes(capsys, args, code):
    """Exit codes are those of the contract."""
    assert run(capsys, "panel", *args)[0] == code


def test_result_that_cannot_be_read_is_named(capsys):
    """The message says which result, why, and the form that is read; it does not repeat what was typed."""
    code, out, err = run(capsys, "panel", "Mg 1.1 mg/dL", "secret words")
    assert (code, out) == (3, "")
    assert "result 2 cannot be read" in err
    assert "NAME VALUE UNIT" in err
    assert "secret" not in err


def test_quiet_prints_the_essentials(capsys):
    """`-q` prints what, how soon and what to measure, and nothing else."""
    _, out, _ = run(capsys, "panel", "Mg 1.1 mg/dL", "--age", "54", "-q")
    assert [line.partition(":")[0] for line in out.splitlines() if line[:1].strip()] == [
        "What",
        "How soon",
        "Measure next",
    ]


def test_traces_tell_all(capsys):
    """`--traces` tells every pathway of every finding."""
    _, short, _ = run(capsys, "panel", *SIX, "--age", "54")
    _, full, _ = run(capsys, "panel", *SIX, "--age", "54", "--traces")
    assert "more pathway" in short
    assert "more pathway" not in full
    assert full.count("[+]") > short.count("[+]")


def test_control_characters_reach_no_terminal(capsys):
    """Names, values and units with control characters are printed without them."""
    _, out, _ = run(capsys, "panel", "Fer\x1b[31mritin 30 ng/mL", "--age", "54")
    assert "\x1b" not in out
