"""`labinterp interpret`: folders and files that it writes."""

import csv
import gzip
import hashlib
import json
import re
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import labinterp as li
from cli_tools import PANELS, launch, run
from labinterp.documents import read
from labinterp.report import html


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


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("more", [["--report", "page.html"], ["--delta"]])
def test_the_folder_of_memory_is_that_of_the_stream(capsys, panels, tmp_path, monkeypatch, form, more):
    """One writer makes both folders: the same tables, types included, and the same account of the input."""
    monkeypatch.chdir(tmp_path)
    run(capsys, "interpret", panels, "-o", tmp_path / "stream", "--format", form)
    run(capsys, "interpret", panels, "-o", tmp_path / "memory", "--format", form, *more)
    for name in ("results", "findings", "pathways"):
        files = [tmp_path / way / name / f"part-00000.{form}" for way in ("stream", "memory")]
        if form == "csv" and not (name == "results" and "--delta" in more):
            assert files[0].read_bytes() == files[1].read_bytes()
        elif form == "parquet":
            one, two = map(pq.read_table, files)
            two = two.select(one.column_names)
            assert one.schema.equals(two.schema)
            assert one.to_pylist() == two.to_pylist()
    one, two = (json.loads((tmp_path / way / "manifest.json").read_text()) for way in ("stream", "memory"))
    for key in ("rows_in", "bad_rows", "rows_out", "findings", "pathways", "severities", "problems", "inputs"):
        assert one[key] == two[key], key


@pytest.mark.parametrize("more", [[], ["--no-ordered"], ["--delta"]])
def test_formulas_are_disarmed_in_csv(capsys, tmp_path, more):
    """Text cells that a spreadsheet would run begin with an apostrophe; numbers stay numbers."""
    file = tmp_path / "=a.csv"
    lines = [f'"{sign}cmd, ""x""",magnesium,1.1,mg/dL,50' for sign in ("=", "+", "-", "@")]
    file.write_text("patient_id,test,value,unit,age\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert run(capsys, "interpret", file, "-o", tmp_path / "out", *more)[0] == 0
    for name in ("results", "findings", "pathways"):
        rows = rows_of(tmp_path / "out", name)
        assert {row["patient_id"] for row in rows} == {f'\'{sign}cmd, "x"' for sign in ("=", "+", "-", "@")}
        assert len(rows) >= 4
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
    assert "9 results in 3 panels" in out
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


def test_page_of_very_many_patients_is_an_index_with_a_folder(capsys, monkeypatch, panels, tmp_path):
    """More patients than one page holds are listed in the file that --report names, and have their sections beside it."""
    monkeypatch.setattr(html, "SECTIONS", 2)
    page = tmp_path / "pages" / "out.html"
    assert run(capsys, "interpret", panels, "--report", page, "-q")[0] == 0
    assert sorted(str(path.relative_to(page.parent)) for path in page.parent.rglob("*.html")) == [
        "out.html",
        "out_pages/patients-0001.html",
    ]
    section = (page.parent / "out_pages" / "patients-0001.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="out_pages/patients-0001.html#(p\d+)"', page.read_text(encoding="utf-8"))
    assert [f'id="{link}"' in section for link in links] == [True] * 3
