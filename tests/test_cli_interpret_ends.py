"""`labinterp interpret`: how it ends."""

import csv
import io
import os
import signal
import subprocess
import sys
import time

import pytest

from cli_tools import PANELS, launch, run


@pytest.mark.parametrize(("level", "code"), [("low", 1), ("moderate", 1), ("high", 0)])
def test_fail_on_severity(capsys, panels, tmp_path, level, code):
    """--fail-on ends with 1 where a finding is at least that severe, and with 0 otherwise."""
    assert run(capsys, "interpret", panels, "--fail-on", level, "-q")[0] == code
    assert run(capsys, "interpret", panels, "--fail-on", level, "-q", "-o", tmp_path / "out")[0] == code


def test_strict_ends_with_4(capsys, panels, healthy):
    """--strict ends with 4 where a row has a problem; a finding at or above --fail-on comes first."""
    assert run(capsys, "interpret", panels, "--strict", "-q")[0] == 4
    assert run(capsys, "interpret", healthy, "--strict", "-q")[0] == 0
    assert run(capsys, "interpret", panels, "--strict", "--fail-on", "low", "-q")[0] == 1


def test_missing_file_stops_before_anything_is_written(capsys, panels, tmp_path):
    """One file that is not there ends with 3 and its name, and no folder appears."""
    code, out, err = run(capsys, "interpret", panels, tmp_path / "gone.csv", "-o", tmp_path / "out")
    assert (code, out) == (3, "")
    assert "gone.csv" in err
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["panels.csv"]


def test_broken_file_is_named_with_its_line(capsys, panels, tmp_path):
    """A ragged row ends with 3 and names file and line."""
    broken = tmp_path / "broken.csv"
    broken.write_text("test,value,unit\nmagnesium,1.1,mg/dL\nmagnesium,1.2\n", encoding="utf-8")
    code, out, err = run(capsys, "interpret", panels, broken)
    assert (code, out) == (3, "")
    assert f"{broken}, line 3" in err


@pytest.mark.parametrize("text", [b"a,b,c\n1,2,3\n", b"", b"\x00\xff\xfe", b"%PDF-1.7", b'{"resourceType": "Bundle"'])
def test_what_cannot_be_read_ends_with_3(text):
    """Unknown layouts and documents that are damaged or of another kind end with 3, one line, no traceback."""
    done = launch("interpret", "-", stdin=text)
    assert done.returncode == 3
    assert done.stdout == b""
    assert done.stderr.startswith(b"labinterp: standard input")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["--ranges", "nowhere"],
        ["--ranges", ","],
        ["--grading", "nowhere"],
        ["--panel", "always"],
        ["--default-unit", "magnesium"],
        ["--default-unit", "magnesium=lightyears"],
        ["--default-unit", "magnesium=mg/dL", "--default-unit", "magnesium=mmol/L"],
        ["--reference-albumin", "4.0"],
        ["--format", "parquet"],
        ["--limit", "0"],
        ["--ordered"],
        ["--on-bad-row", "stop"],
        ["-o", "out", "--delta", "--workers", "2"],
        ["-o", "out", "--format", "json", "--on-bad-row", "problem"],
        ["-o", "out", "--memory-limit", "much"],
        ["--nonsense"],
    ],
)
def test_wrong_usage_ends_with_2(capsys, panels, tmp_path, monkeypatch, args):
    """What is asked for wrongly ends with 2, says why, prints no answer, and writes nothing."""
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "interpret", panels, *args)
    assert (code, out) == (2, "")
    assert err.strip()
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["panels.csv"]


def test_options_reach_the_kernel(capsys, tmp_path):
    """Decimal sign, default units, reference albumin, columns and reported ranges all change the answer."""
    file = tmp_path / "a.csv"
    file.write_text(
        'who,test,RESULT,UNIT,age,low,high\nA,vitamin b12,"1,234",,50,,\nA,calcium,8.5,,50,8.0,9.0\n',
        encoding="utf-8",
    )
    ours = {"value": "RESULT", "patient_id": "who", "unit": "UNIT", "reference_low": "low", "reference_high": "high"}
    given = [f"--column={key}={value}" for key, value in ours.items()]
    given += [f"--default-unit={unit}" for unit in ("vitamin_b12=pg/mL", "calcium=mg/dL")]

    def flags(*more):
        code, out, err = run(capsys, "interpret", file, *given, "--format", "csv", *more)
        assert (code, err) == (0, "")
        return [row["flag"] or row["problem"] for row in csv.DictReader(io.StringIO(out))]

    assert flags() == ["ambiguous_number", "N"]
    assert flags("--decimal", ",")[0] != flags("--decimal", ".")[0] == "H"
    assert flags("--no-reported-ranges")[1] == "L"
    assert flags("--ranges", "none", "--no-reported-ranges")[1] == "no_reference_range"
    assert flags("--ranges", "nice-ng239/2024,us") == flags("-r", "nice-ng239/2024", "-r", "us")


def test_reference_albumin_reaches_the_trace(capsys, panels):
    """--reference-albumin moves the adjusted calcium that the trace names."""
    _, out, _ = run(capsys, "interpret", "--traces", panels, "--reference-albumin", "44")
    assert "adjusted by albumin to 8.14 mg/dL" in " ".join(out.split())


def test_delta_adds_columns(capsys, tmp_path):
    """--delta adds the change since the previous result of the same patient and analyte."""
    file = tmp_path / "a.csv"
    file.write_text(
        "patient_id,test,value,unit,age,collected_at\n"
        "A,magnesium,1.0,mmol/L,50,2026-01-01\nA,magnesium,0.8,mmol/L,50,2026-02-01\n",
        encoding="utf-8",
    )
    _, out, _ = run(capsys, "interpret", file, "--delta", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert rows[0]["previous_value"] == ""
    assert float(rows[1]["delta"]) == pytest.approx(-0.2)


def test_no_message_holds_a_value_or_an_id(capsys, panels, tmp_path):
    """Standard error never shows an id or a result, whatever goes wrong."""
    broken = tmp_path / "broken.csv"
    broken.write_text(PANELS + 'MRN-66,"calcium,12.345\n', encoding="utf-8")
    unknown = tmp_path / "unknown.csv"
    unknown.write_text("x,y\nMRN-77,12.345\n", encoding="utf-8")
    for args in (
        [panels, "--strict", "--fail-on", "low"],
        [panels, "--strict"],
        [broken],
        [unknown],
        [panels, "--column", "value=nope"],
    ):
        _, _, err = run(capsys, "interpret", *args)
        assert err
        told = err.replace("\n", "").replace(str(tmp_path), "")
        for secret in ("MRN", "12.345", "17.25", "HEMOLYZED", "120"):
            assert secret not in told


def test_quiet_prints_the_first_lines_alone(capsys, panels, healthy, tmp_path):
    """--quiet prints what, how soon and what to measure, for one panel and for many; with -o it prints nothing."""
    for file in (panels, healthy):
        code, out, err = run(capsys, "interpret", file, "--quiet")
        heads = [line.partition(":")[0] for line in out.splitlines() if line[:1].strip()]
        assert (code, heads, err) == (0, ["What", "How soon", "Measure next"], "")
    assert run(capsys, "interpret", panels, "--quiet", "-o", tmp_path / "out") == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_interrupt_ends_with_130(tmp_path):
    """Control-C ends with 130, one line, and nothing half-written."""
    start = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    start += "runpy.run_module('labinterp.cli', run_name='__main__')"
    command = [sys.executable, "-c", start, "interpret", "-", "-o", str(tmp_path / "out")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    )
    while not list(tmp_path.iterdir()):  # until it waits for standard input
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"interrupted" in err
    assert b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="pipes differ")
def test_closed_pipe_is_quiet(panels):
    """A reader that stops early, as `head` does, leads to no traceback."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "labinterp.cli", "interpret", str(panels)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)  # noqa: S603 - ours
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert err == b""
