"""`labinterp interpret`: what it prints, what it writes, and how it ends."""

import csv
import gzip
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li
from cli_tools import HEALTHY, PANELS, launch, run
from labinterp.formats.layouts import read


@pytest.fixture
def panels(tmp_path):
    path = tmp_path / "panels.csv"
    path.write_text(PANELS, encoding="utf-8")
    return path


@pytest.fixture
def healthy(tmp_path):
    path = tmp_path / "healthy.csv"
    path.write_text(HEALTHY, encoding="utf-8")
    return path


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
    _, out, _ = run(capsys, "interpret", panels)
    patient = out[out.index("Patient MRN-77, 2026-01-01") : out.index("Patient MRN-88")]
    assert "Hypocalcemia: low calcium  present, severity moderate" in patient
    assert "adjusted by albumin to 7.82 mg/dL" in " ".join(patient.split())
    assert re.search(r"upstream +Vitamin D deficiency", patient)
    assert re.search(r"next tests +Magnesium", patient)
    assert re.search(r"caveats +- ", patient)
    assert "[+] supported: direct pathway, strong evidence" in patient
    assert "[+] supported: indirect pathway" in patient
    assert "1. Without enough vitamin D the gut takes up less calcium." in patient
    assert re.search(r"Calcium, total +7.9 mg/dL +low +8.6 - 10.2 +abim/2026-01", patient)


def test_interrupted_pathway_says_where(capsys, tmp_path):
    """Low vitamin D with a normal calcium shows the pathway interrupted at hypocalcemia."""
    file = tmp_path / "a.csv"
    file.write_text(
        "patient_id,test,value,unit,age\nP,vitamin D,9,ng/mL,50\nP,calcium,9.4,mg/dL,50\nP,albumin,4.1,g/dL,50\n",
        encoding="utf-8",
    )
    _, out, _ = run(capsys, "interpret", file)
    assert "[x] interrupted at Hypocalcemia: indirect pathway" in out
    assert re.search(r"excluded +hypocalcemia", out)


def test_every_source_number_is_listed(capsys, panels):
    """Every number in brackets stands in the list of sources at the end."""
    _, out, _ = run(capsys, "interpret", panels)
    body, _, sources = out.partition("\nSources\n")
    cited = {int(n) for group in re.findall(r"\[([\d,\s]+)\]", body) for n in group.split(",")}
    listed = {int(n) for n in re.findall(r"^ *(\d+)\. ", sources, re.MULTILINE)}
    assert cited
    assert cited == listed


def test_problems_are_told_with_rows_and_what_to_do(capsys, panels):
    """Each problem code has its count, the rows, and a suggestion in the words of the command line."""
    _, out, _ = run(capsys, "interpret", panels)
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
    _, out, _ = run(capsys, "interpret", panels)
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
    colored = run(capsys, "interpret", panels)[1]
    assert "\x1b[" in colored
    assert "\x1b[0mHypocalcemia is present." in colored
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert "\x1b" not in run(capsys, "interpret", panels, *args)[1]


def test_control_characters_never_reach_the_terminal(capsys, tmp_path):
    """An id with an escape sequence is shown without it."""
    file = tmp_path / "a.csv"
    file.write_text("patient_id,test,value,unit,age\nA\x1b[31m\x07Z,magnesium,1.1,mg/dL,50\n", encoding="utf-8")
    _, out, _ = run(capsys, "interpret", file)
    assert "A?[31m?Z" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_narrow_encoding_is_no_error(panels):
    """Standard output that knows ASCII alone gets every line."""
    done = launch("interpret", panels, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert b"Hypocalcemia: low calcium  present" in done.stdout


def test_many_panels_group_equal_findings(capsys, tmp_path):
    """With findings in more panels than --limit, equal findings come once with counts of panels and patients."""
    file = tmp_path / "many.csv"
    rows = [f"P{i},magnesium,1.{i % 3},mg/dL,50" for i in range(60)]
    file.write_text("patient_id,test,value,unit,age\n" + "\n".join(rows) + "\n", encoding="utf-8")
    _, out, _ = run(capsys, "interpret", file)
    assert out.count("1. Hypomagnesemia: low magnesium") == 1
    assert "60 panels of 60 patients: P0, P1" in " ".join(out.split())
    assert "Patient P0" not in out
    assert "Patient P0" in run(capsys, "interpret", file, "--limit", 60)[1]


def test_panels_without_a_finding_are_counted(capsys, tmp_path):
    """Among many panels, those with findings are shown and the others counted."""
    file = tmp_path / "many.csv"
    rows = [f"P{i},magnesium,{'1.1' if i == 7 else '2.0'},mg/dL,50" for i in range(60)]
    file.write_text("patient_id,test,value,unit,age\n" + "\n".join(rows) + "\n", encoding="utf-8")
    _, out, _ = run(capsys, "interpret", file)
    assert "Patient P7" in out
    assert "Patient P8" not in out
    assert "Without a finding, and not shown: 59 panels." in out


def test_no_findings_is_said(capsys, healthy):
    """A normal panel says that there are no findings, what is excluded and what is not settled."""
    code, out, _ = run(capsys, "interpret", healthy)
    assert code == 0
    assert "None." in out
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
    _, out, _ = run(capsys, "interpret", file, "--grading", "ctcae/5.0", "--panel", "30D")
    later = out[out.index("Patient A, 2026-01-11") :]
    assert re.search(r"Magnesium +1.1 mg/dL +low +1.6 - 2.6 +2 +abim/2026-01", later)
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
    _, out, _ = run(capsys, "interpret", panels, healthy, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["file"] for row in rows] == [str(panels)] * 9 + [str(healthy)]
    assert [row["flag"] for row in rows][-1] == "N"
    _, out, _ = run(capsys, "interpret", panels, healthy)
    assert "10 results in 4 panels of 4 patients" in out
    assert f"Patient MRN-11 ({healthy})" in out


# --- folders and files ---------------------------------------------------------------------------------------------


def part(out, name, form="csv"):
    return out / name / f"part-00000.{form}"


def rows_of(out, name):
    with part(out, name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("more", [[], ["--delta"]])
@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
def test_folder_holds_three_tables_and_a_manifest(capsys, panels, tmp_path, form, more):
    """-o writes results, findings, pathways and a manifest whose counts and hashes are true, streamed or not."""
    out = tmp_path / "deep" / "out"
    code, text, err = run(capsys, "interpret", panels, "-o", out, "--format", form, *more)
    assert (code, err) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == [
        "findings", "manifest.json", "pathways", "problems.csv", "results",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "panels.csv"]
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["rows_in"], manifest["bad_rows"], manifest["rows_out"]) == (9, 0, 9)
    assert manifest["engine"] == ("memory" if more or form == "json" else "stream")
    assert manifest["problems"] == {"missing_unit": 1, "not_numeric": 1, "unknown_test": 1}
    assert manifest["severities"] == li.interpret_frame(read(panels)).findings["severity"].value_counts().to_dict()
    assert sum(manifest["severities"].values()) == manifest["findings"]
    for file in manifest["outputs"]:
        assert hashlib.sha256((out / file["file"]).read_bytes()).hexdigest() == file["sha256"]
    assert [file["rows"] for file in manifest["outputs"]][:2] == [9, manifest["findings"]]
    assert manifest["inputs"][0]["sha256"] == hashlib.sha256(panels.read_bytes()).hexdigest()
    assert "Patient" not in text
    assert "manifest.json" in text
    if form == "parquet":
        assert pd.read_parquet(part(out, "results", form))["flag"].tolist()[:3] == ["L", "L", "N"]


def test_streamed_summary_counts_rows_findings_and_problems(capsys, panels, tmp_path):
    """With -o the summary has rows in and out, findings by severity, problems by code, and what was written where."""
    _, out, err = run(capsys, "interpret", panels, "-o", tmp_path / "out")
    assert err == ""
    assert "9 rows in, 9 results out, from" in out
    assert re.search(r"moderate +\d+\n", out)
    assert "1  missing_unit: the result has no unit" in " ".join(out.split("\n")).replace("      1", "1")
    assert "--default-unit" in out
    assert "Written to" in out
    assert re.search(r"results +9 +1\n", out)


def test_same_input_gives_the_same_bytes(capsys, panels, tmp_path):
    """Two runs write the same folders."""
    for name in ("one", "two"):
        run(capsys, "interpret", panels, "-o", tmp_path / name)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


@pytest.mark.parametrize("more", [[], ["--no-ordered"], ["--delta"]])
def test_formulas_are_disarmed_in_csv(capsys, tmp_path, more):
    """Text cells that a spreadsheet would run begin with an apostrophe; numbers stay numbers."""
    file = tmp_path / "=a.csv"
    lines = [f'"{sign}cmd, ""x""",magnesium,1.1,mg/dL,50' for sign in ("=", "+", "-", "@", "\t")]
    file.write_text("patient_id,test,value,unit,age\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert run(capsys, "interpret", file, "-o", tmp_path / "out", *more)[0] == 0
    for name in ("results", "findings", "pathways"):
        rows = rows_of(tmp_path / "out", name)
        assert {row["patient_id"] for row in rows} == {f'\'{sign}cmd, "x"' for sign in ("=", "+", "-", "@", "\t")}
        assert len(rows) >= 5
    assert float(rows_of(tmp_path / "out", "results")[0]["value"]) == pytest.approx(0.4526, abs=1e-3)


def test_streamed_answer_is_that_of_the_frame(capsys, tmp_path):
    """Some thousand rows, together or scattered, with a line that cannot be read: every other row has its answer."""
    lines = [
        f"P{i // 3},{test},{value},{unit},{20 + i % 60}"
        for i in range(3000)
        for test, value, unit in [(("magnesium", 0.5 + i % 7 / 10, "mmol/L"), ("calcium", '"7,9"', "mg/dL"),
                                   ("albumin", 30 + i % 20, "g/L"))[i % 3]]
    ]  # fmt: skip
    head = "patient_id,test,value,unit,age"
    whole = tmp_path / "whole.csv"
    whole.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    expected = li.interpret_frame(read(whole))
    broken = tmp_path / "broken.csv"
    broken.write_text("\n".join([head, *lines[:1500], "P500,short", *lines[1500:], ""]), encoding="utf-8")
    for name, more in (
        ("stream", ["--ordered", "--workers", "1"]),
        ("duckdb", ["--no-ordered", "--memory-limit", "200MB"]),
    ):
        out = tmp_path / name
        code, text, _ = run(capsys, "interpret", broken, "-o", out, "--format", "parquet", *more)
        assert code == 0
        assert "3,001 rows in, 3,000 results out" in text
        assert "1 row could not be read" in text
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        assert (manifest["engine"], manifest["bad_rows"]) == (name, 1)
        for table in ("results", "findings", "pathways"):
            ours = pd.read_parquet(part(out, table, "parquet")).astype(object)
            other = getattr(expected, table).astype(object)
            assert (
                ours.where(ours.notna(), None).to_numpy().tolist()
                == other.where(other.notna(), None).to_numpy().tolist()
            )
        assert (out / "problems.csv").read_text(encoding="utf-8").splitlines()[1].startswith("broken.csv,1502,")
    assert run(capsys, "interpret", broken, "-o", tmp_path / "strict", "--strict", "-q")[0] == 4


def test_unreadable_row_stops_if_so_chosen(capsys, panels, tmp_path):
    """--on-bad-row stop ends with 3, names file and line, and leaves nothing; otherwise --strict ends with 4."""
    broken = tmp_path / "broken.csv"
    broken.write_text("patient_id,test,value,unit,age\nP,magnesium,2.0,mg/dL,40\nMRN-5,magnesium\n", encoding="utf-8")
    code, out, err = run(capsys, "interpret", panels, broken, "-o", tmp_path / "out", "--on-bad-row", "stop")
    assert (code, out) == (3, "")
    assert "broken.csv, line 3" in err
    assert "--on-bad-row problem" in err
    assert "MRN-5" not in err
    assert not (tmp_path / "out").exists()
    assert run(capsys, "interpret", broken, "-o", tmp_path / "out", "-q") == (0, "", "")
    code, _, err = run(capsys, "interpret", broken, "-o", tmp_path / "strict", "-q", "--strict")
    assert code == 4
    assert "1 row(s)" in err


def test_scattered_rows_contradict_ordered(capsys, tmp_path):
    """--ordered for rows that lie scattered ends with 3 and says so in the words of the command line."""
    files = [tmp_path / f"{names}.csv" for names in ("AB", "CA")]
    for file in files:
        lines = [f"{name},magnesium,1.1,mg/dL,50" for name in file.stem]
        file.write_text("\n".join(["patient_id,test,value,unit,age", *lines, ""]), encoding="utf-8")
    code, _, err = run(capsys, "interpret", *files, "-o", tmp_path / "out", "--ordered")
    assert code == 3
    assert "--ordered" in err
    assert "ordered=" not in err


def test_standard_input_is_kept_beside_the_output_and_removed(tmp_path):
    """A dash goes with -o, too, packed or not; the manifest and messages call it standard input."""
    for name, data in (("plain", PANELS.encode()), ("packed", gzip.compress(PANELS.encode()))):
        done = launch("interpret", "-", "-o", tmp_path / name, "--no-ordered", stdin=data)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"from standard input" in done.stdout
        manifest = json.loads((tmp_path / name / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["inputs"][0]["file"] == "standard input"
        assert manifest["rows_out"] == 9
    done = launch("interpret", "-", "-o", tmp_path / "none", stdin=b"a,b\n1,2\n")
    assert done.returncode == 3
    assert done.stderr.startswith(b"labinterp: standard input")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packed", "plain"]


@pytest.mark.parametrize("name", ["fhir/bundle.json", "panels.csv"])
def test_documents_go_with_a_folder(capsys, tmp_path, name):
    """Whatever can be read can be written to a folder: the rows are those of the frame."""
    file = Path(__file__).parents[1] / "examples" / "data" / name
    assert run(capsys, "interpret", file, "-o", tmp_path / "out", "-q") == (0, "", "")
    flags = li.interpret_frame(read(file)).results["flag"].astype(object)
    assert [row["flag"] for row in rows_of(tmp_path / "out", "results")] == flags.where(flags.notna(), "").tolist()


def test_several_files_are_parts_of_one_table(capsys, tmp_path):
    """With -o, the rows of a patient meet although they are in two files of one name."""
    head = "patient_id,test,value,unit,age"
    files = [tmp_path / name / "a.csv" for name in ("one", "two")]
    for file, line in zip(files, ("A,calcium,7.9,mg/dL,50", "A,albumin,41,g/L,50\nshort"), strict=True):
        file.parent.mkdir()
        file.write_text(f"{head}\n{line}\n", encoding="utf-8")
    assert run(capsys, "interpret", *files, "-o", tmp_path / "out", "-q") == (0, "", "")
    calcium = rows_of(tmp_path / "out", "results")[0]
    assert "uncorrected_calcium" not in calcium["notes"]
    problems = csv.DictReader((tmp_path / "out" / "problems.csv").read_text(encoding="utf-8").splitlines())
    assert [(row["file"], row["line"]) for row in problems] == [(str(files[1]), "3")]


def test_help_keeps_the_examples_line_by_line(capsys):
    """The examples in the help stand each on a line of its own."""
    _, out, _ = run(capsys, "interpret", "--help")
    assert "\n    labinterp interpret panels.csv\n" in out
    assert "\\b" not in out


def test_progress_says_rows_rate_and_time_left():
    """The text of progress has what is done, how fast, and how long it still takes."""
    from labinterp.cli.streaming import progress_text
    from labinterp.engines.manifest import Progress

    assert progress_text(Progress("grouping", 0, 0.0, 0.0)) == "Grouping: 0 rows, 0 rows a second"
    assert progress_text(Progress("reading", 1000, 0.01, 2.0)).endswith("500 rows a second, about 3 min 18 s left")


def test_folder_that_is_not_empty_is_kept(capsys, panels, tmp_path):
    """An output is replaced with --force only, and a folder with anything else in it never is."""
    out = tmp_path / "out"
    assert run(capsys, "interpret", panels, "-o", out, "-q")[0] == 0
    for more in ([], ["--format", "json"]):
        code, text, err = run(capsys, "interpret", panels, "-o", out, *more)
        assert (code, text) == (2, "")
        assert "overwrite it with --force" in err
        assert run(capsys, "interpret", panels, "-o", out, "-q", "--force", *more)[0] == 0
        assert len(list((out / "results").iterdir())) == 1
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    for more in ([], ["--force"], ["--force", "--delta"]):
        code, text, err = run(capsys, "interpret", panels, "-o", out, *more)
        assert (code, text) == (2, "")
        assert "nothing else" in err
    assert (out / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_empty_folder_is_used(capsys, panels, tmp_path):
    """A folder that exists and is empty is filled."""
    (tmp_path / "out").mkdir()
    assert run(capsys, "interpret", panels, "-o", tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_folder_and_report_go_together(capsys, panels, tmp_path):
    """-o with --report writes both, and prints the whole summary."""
    pytest.importorskip("jinja2")
    code, out, _ = run(capsys, "interpret", panels, "-o", tmp_path / "out", "--report", tmp_path / "page.html")
    assert code == 0
    assert "Results by analyte" in out
    assert len(rows_of(tmp_path / "out", "results")) == 9
    assert (tmp_path / "page.html").is_file()


def test_report_is_a_page(capsys, panels, healthy, tmp_path):
    """--report writes one page: in full for a single panel, a summary for many."""
    pytest.importorskip("jinja2")
    for file, word in ((panels, "MRN-77"), (healthy, "agnesium")):
        page = tmp_path / f"{file.stem}.html"
        assert run(capsys, "interpret", file, "--report", page, "--quiet") == (0, "", "")
        assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
        assert word in page.read_text(encoding="utf-8")


# --- how it ends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "code"), [("low", 1), ("moderate", 1), ("high", 0)])
def test_fail_on_severity(capsys, panels, tmp_path, level, code):
    """--fail-on ends with 1 where a finding is at least that severe, and with 0 otherwise."""
    assert run(capsys, "interpret", panels, "--fail-on", level, "-q")[0] == code
    assert run(capsys, "interpret", panels, "--fail-on", level, "-q", "-o", tmp_path / "out")[0] == code


def test_strict_ends_with_4(capsys, panels, healthy):
    """--strict ends with 4 where a row has a problem; a finding at or above --fail-on comes first."""
    assert run(capsys, "interpret", panels, "--strict", "-q")[0] == 4
    assert run(capsys, "interpret", healthy, "--strict", "-q") == (0, "", "")
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
    _, out, _ = run(capsys, "interpret", panels, "--reference-albumin", "44")
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
        for secret in ("MRN", "12.345", "17.25", "HEMOLYZED", "120"):
            assert secret not in err


def test_quiet_prints_nothing(capsys, panels):
    """--quiet leaves both streams empty."""
    assert run(capsys, "interpret", panels, "--quiet") == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_interrupt_ends_with_130(tmp_path):
    """Control-C ends with 130, one line, and nothing half-written."""
    command = [sys.executable, "-m", "labinterp.cli", "interpret", "-", "-o", str(tmp_path / "out")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    )
    time.sleep(1.5)  # until it waits for standard input
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
