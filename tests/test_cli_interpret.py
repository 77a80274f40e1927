"""`labinterp interpret`: what it prints, for people and for programs."""

import csv
import io
import json
import re

import pandas as pd
import pytest

import labinterp as li
from cli_tools import PANELS, launch, run
from labinterp.documents import read

# --- what is printed -----------------------------------------------------------------------------------------------


def test_summary_counts_every_row_once(capsys, panels):
    """The summary has a line per analyte with its rows by level, and rows with problems are among them."""
    code, out, err = run(capsys, "interpret", panels)
    assert (code, err) == (0, "")
    assert "9 results in 3 panels of 3 patients" in out
    assert re.search(r"Calcium, total +3 +1 +0 +0 +0 +2\n", out)
    assert re.search(r"\(test not known\) +1 +0 +0 +0 +0 +1\n", out)
    assert re.search(r"all +9 +4 +1 +1 +0 +3\n", out)


def test_trace_of_a_finding_is_told_in_words(capsys, panels):
    """A finding shows status, severity, evidence with levels, upstream, tests, caveats, and its pathways by step."""
    _, out, _ = run(capsys, "interpret", "--traces", panels)
    patient = out[out.index("Patient MRN-77, 2026-01-01") : out.index("Patient MRN-88")]
    assert "Hypocalcemia: low calcium  present, severity moderate" in patient
    assert "adjusted by albumin to 7.82 mg/dL" in " ".join(patient.split())
    assert re.search(r"upstream +Vitamin D deficiency", patient)
    assert re.search(r"next tests +Magnesium", patient)
    assert re.search(r"caveats +- ", patient)
    assert "[+] supported: direct pathway, moderate evidence" in patient
    assert "[+] supported: indirect pathway" in patient
    assert "1. Without enough vitamin D the gut takes up less calcium " in patient
    assert re.search(r"Calcium, total +7.9 mg/dL +low +8.6 to 10.2 +abim/2026-01", patient)


def test_interrupted_pathway_says_where(capsys, tmp_path):
    """Low vitamin D with a normal calcium shows the pathway interrupted at hypocalcemia."""
    file = tmp_path / "a.csv"
    file.write_text(
        "patient_id,test,value,unit,age\nP,vitamin D,9,ng/mL,50\nP,calcium,9.4,mg/dL,50\nP,albumin,4.1,g/dL,50\n",
        encoding="utf-8",
    )
    _, out, _ = run(capsys, "interpret", "--traces", file)
    assert "[x] interrupted at Hypocalcemia: indirect pathway" in out
    assert re.search(r"excluded +hypocalcemia", out)


def test_every_source_number_is_listed(capsys, panels):
    """Every number in brackets stands in the list of sources at the end."""
    _, out, _ = run(capsys, "interpret", "--traces", panels)
    body, _, sources = out.partition("\nSources\n")
    cited = {int(n) for group in re.findall(r"\[([\d,\s]+)\]", body) for n in group.split(",")}
    listed = {int(n) for n in re.findall(r"^ *(\d+)\. ", sources, re.MULTILINE)}
    assert cited
    assert cited == listed


def test_problems_are_told_with_rows_and_what_to_do(capsys, panels):
    """Each problem code has its count, the rows, and a suggestion in the words of the command line."""
    _, out, _ = run(capsys, "interpret", "--traces", panels)
    text = " ".join(out.split())
    assert "1 missing_unit: the result has no unit, and a unit is never guessed (row 8)" in text
    assert "--default-unit" in text
    assert "1 unknown_test:" in text
    assert "(row 6)" in text


def test_unknown_age_names_the_option_that_helps(capsys, tmp_path):
    """Where only the age is missing, the hint is --assume-adult; with it the rows are interpreted."""
    file = tmp_path / "a.csv"
    file.write_text("test,value,unit\nmagnesium,1.1,mg/dL\n", encoding="utf-8")
    _, out, _ = run(capsys, "interpret", file)
    assert "--assume-adult" in out
    code, out, _ = run(capsys, "interpret", file, "--assume-adult", "--strict")
    assert code == 0
    assert "Hypomagnesemia" in out


def test_guidance_closes_the_output(capsys, panels):
    """Advice, everyday causes and the disclaimer are printed, the disclaimer last."""
    _, out, _ = run(capsys, "interpret", "--traces", panels)
    assert "See a clinician when twitching persists" in out
    assert "stress, caffeine, fatigue, exercise" in out
    assert out.rstrip().splitlines()[-3].startswith("A finding is no diagnosis.")


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_the_width(monkeypatch, capsys, panels, width):
    """No line is wider than the terminal, but for addresses, which stay whole; none ends in spaces."""
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = run(capsys, "interpret", panels)
    assert not [line for line in out.splitlines() if len(line) > width and "https://" not in line]
    assert not [line for line in out.splitlines() if line != line.rstrip()]


def test_plain_text_where_there_is_no_terminal(capsys, panels):
    """A pipe gets no escape sequences."""
    _, out, _ = run(capsys, "interpret", panels)
    assert "\x1b" not in out


@pytest.mark.parametrize(("args", "environment"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_no_color_turns_styles_off(monkeypatch, capsys, panels, args, environment):
    """--no-color and NO_COLOR hold even where color is forced; without them it shows."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    colored = run(capsys, "interpret", "--traces", panels)[1]
    assert "\x1b[" in colored
    assert "\x1b[0mHypocalcemia is present." in colored
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert "\x1b" not in run(capsys, "interpret", "--traces", panels, *args)[1]


def test_control_characters_never_reach_the_terminal(capsys, tmp_path):
    """An id with an escape sequence is shown without it."""
    file = tmp_path / "a.csv"
    file.write_text("patient_id,test,value,unit,age\nA\x1b[31m\x07Z,magnesium,1.1,mg/dL,50\n", encoding="utf-8")
    _, out, _ = run(capsys, "interpret", "--traces", file)
    assert "A?[31m?Z" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_narrow_encoding_is_no_error(panels):
    """Standard output that knows ASCII alone gets every line."""
    done = launch("interpret", "--traces", panels, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert b"Hypocalcemia: low calcium  present" in done.stdout


def test_many_panels_group_equal_findings(capsys, tmp_path):
    """With findings in more panels than --limit, equal findings come once with counts of panels and patients."""
    file = tmp_path / "many.csv"
    rows = [f"P{i},magnesium,1.{i % 3},mg/dL,50" for i in range(60)]
    file.write_text("patient_id,test,value,unit,age\n" + "\n".join(rows) + "\n", encoding="utf-8")
    _, out, _ = run(capsys, "interpret", "--traces", file)
    assert out.count("1. Hypomagnesemia: low magnesium") == 1
    assert "60 panels of 60 patients: P0, P1" in " ".join(out.split())
    assert "Patient P0" not in out
    assert "Patient P0" in run(capsys, "interpret", "--traces", file, "--limit", 60)[1]


def test_panels_without_a_finding_are_counted(capsys, tmp_path):
    """Among many panels, those with findings are shown and the others counted."""
    file = tmp_path / "many.csv"
    rows = [f"P{i},magnesium,{'1.1' if i == 7 else '2.0'},mg/dL,50" for i in range(60)]
    file.write_text("patient_id,test,value,unit,age\n" + "\n".join(rows) + "\n", encoding="utf-8")
    _, out, _ = run(capsys, "interpret", "--traces", file)
    assert "Patient P7" in out
    assert "Patient P8" not in out
    assert "Without a finding, and not shown: 59 panels." in out


def test_no_findings_is_said(capsys, healthy):
    """A normal panel says that there is no finding, what is excluded and what is not settled."""
    code, out, _ = run(capsys, "interpret", "--traces", healthy)
    assert code == 0
    assert out.startswith("What:         No finding, but not settled: hypocalcemia")
    assert re.search(r"excluded +magnesium deficiency", out)
    assert re.search(r"not settled +hypocalcemia", out)


def test_table_without_rows(capsys, tmp_path):
    """A file with a header alone is interpreted: nothing in, nothing out."""
    file = tmp_path / "none.csv"
    file.write_text("test,value,unit\n", encoding="utf-8")
    code, out, err = run(capsys, "interpret", file, "--strict", "--fail-on", "low")
    assert (code, err) == (0, "")
    assert "0 results in 0 panels of 0 patients" in out


def test_grades_and_look_back_are_shown(capsys, tmp_path):
    """--grading adds a column; --panel 30D lets a collection see earlier results."""
    file = tmp_path / "a.csv"
    file.write_text(
        "patient_id,test,value,unit,age,collected_at\n"
        "A,magnesium,1.1,mg/dL,50,2026-01-01\nA,calcium,7.9,mg/dL,50,2026-01-11\n",
        encoding="utf-8",
    )
    _, out, _ = run(capsys, "interpret", "--traces", file, "--grading", "ctcae/5.0", "--panel", "30D")
    later = out[out.index("Patient A, 2026-01-11") :]
    assert re.search(r"Magnesium +1.1 mg/dL +low +1.6 to 2.6 +2 +abim/2026-01", later)
    assert "Hypocalcemia: low calcium" in later


# --- machine-readable ----------------------------------------------------------------------------------------------


def test_json_holds_the_frames_and_their_provenance(capsys, panels):
    """JSON on standard output has the rows of the three frames, versions, hashes and settings, and nothing else."""
    code, out, err = run(capsys, "interpret", panels, "--format", "json", "--ranges", "uk")
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert list(data) == ["results", "findings", "pathways", "provenance"]
    frames = li.interpret_frame(read(panels), ranges="uk")
    for name in ("results", "findings", "pathways"):
        frame = getattr(frames, name)
        assert [row[frame.columns[-1]] for row in data[name]] == [
            None if pd.isna(value) else value for value in frame[frame.columns[-1]]
        ]
        assert len(data[name]) == len(frame)
    assert data["results"][0]["value"] == frames.results["value"].iloc[0]
    assert data["provenance"]["settings"]["profile"] == "uk"
    assert all(len(edition["sha256"]) == 64 for edition in data["provenance"]["editions"])


@pytest.mark.parametrize("table", ["results", "findings", "pathways"])
def test_csv_goes_to_standard_output(capsys, panels, table):
    """--format csv prints the table that --table names, ready for another program."""
    _, out, _ = run(capsys, "interpret", panels, "--format", "csv", "--table", table)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == len(getattr(li.interpret_frame(read(panels)), table))
    assert rows[0]["patient_id"] == "MRN-77"


def test_standard_input(panels):
    """A dash reads standard input, whatever its kind."""
    done = launch("interpret", "-", "--format", "csv", stdin=PANELS.encode())
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 10
    fhir = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "19123-9"}]},
        "subject": {"reference": "Patient/1"},
        "valueQuantity": {"value": 1.1, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
    }
    done = launch("interpret", "-", "--format", "json", "--assume-adult", stdin=json.dumps(fhir).encode())
    assert json.loads(done.stdout)["findings"][0]["finding"] == "hypomagnesemia"


def test_several_files_name_each_row(capsys, panels, healthy):
    """Several files are interpreted each by itself, and every row says which one it is from."""
    _, out, _ = run(capsys, "interpret", "--traces", panels, healthy, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["file"] for row in rows] == [str(panels)] * 9 + [str(healthy)]
    assert [row["flag"] for row in rows][-1] == "N"
    _, out, _ = run(capsys, "interpret", "--traces", panels, healthy)
    assert "10 results in 4 panels of 4 patients" in out
    assert f"Patient MRN-11 ({healthy})" in out
