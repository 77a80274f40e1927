"""The example data show everything that the contract names, and the examples run."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li
from labinterp._data import knowledge
from labinterp.codes import PROBLEMS

EXAMPLES = Path(__file__).parents[1] / "examples"
PANELS = EXAMPLES / "data" / "panels.csv"
COLUMNS = (
    "patient_id,collected_at,test,value,unit,specimen,reference_low,reference_high,age,sex,pregnancy,reported_flag"
)


@pytest.fixture(scope="module")
def report():
    return li.interpret_frame(li.read(PANELS), ranges="us")


def pathways_of(report, patient, finding):
    rows = report.pathways
    return set(rows[(rows["patient_id"] == patient) & (rows["finding"] == finding)]["support"])


def test_panels_show_every_finding(report):
    """Every finding that labinterp can make occurs among the synthetic patients."""
    codes = {state["finding"]["code"] for state in knowledge("states.toml")["state"] if "finding" in state}
    assert set(report.findings["finding"]) == codes
    assert set(report.findings["status"]) == {"present", "possible"}


def test_panels_show_every_support_of_a_pathway(report):
    """Supported, possible and interrupted pathways occur, direct and indirect ones."""
    assert set(report.pathways["support"]) == {"supported", "possible", "interrupted"}
    assert set(report.pathways["kind"]) == {"direct", "indirect"}


def test_panels_show_every_problem(report):
    """Every reason for which a result is not interpreted occurs, and none of these rows has a flag."""
    assert set(report.results["problem"].dropna()) == set(PROBLEMS)
    assert report.results.loc[report.results["problem"].notna(), "flag"].isna().all()


def test_panels_have_forty_patients_each_explained():
    """At least forty patients, and the README says of each one what it shows."""
    patients = pd.read_csv(PANELS)["patient_id"].dropna().unique()
    assert len(patients) >= 40
    explained = re.findall(r"^\| (P\d+) \|", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert explained == list(patients)


def test_panels_are_in_the_layout_of_labinterp():
    """The table has the columns of the layout, and no row has more or fewer."""
    with PANELS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert ",".join(rows[0]) == COLUMNS
    assert {len(row) for row in rows} == {len(rows[0])}


def test_one_vitamin_d_result_has_three_fates(report):
    """The same 25(OH)D supports its pathway with low calcium, breaks with normal calcium, and stays open without."""
    assert pathways_of(report, "P01", "vitamin-d-deficiency") == {"supported"}
    assert pathways_of(report, "P02", "vitamin-d-deficiency") == {"interrupted"}
    assert pathways_of(report, "P03", "vitamin-d-deficiency") == {"possible"}


def test_patients_show_what_the_readme_says_of_their_notes(report):
    """The notes that the README names occur on the patients for which it names them."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    results = report.results
    for patient, story in re.findall(r"^\| (P\d+) \| (.*) \|$", text, re.MULTILINE):
        rows = results[results["patient_id"] == patient]
        shown = {note for notes in rows["notes"].dropna() for note in notes.split(";")}
        shown |= set(rows["problem"].dropna()) | set(rows["flag"].dropna())
        named = set(re.findall(r"`([a-z_]+|[A-Z]{1,3})`", story))
        assert named <= shown, patient


def run(name, folder):
    """Run an example in a folder, warnings counted as errors, and return what it prints."""
    done = subprocess.run(  # noqa: S603 - our own files
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("name", ["importing.py", "batch.py", "embedding.py"])
def test_example_runs_from_anywhere(name, tmp_path):
    """Each example runs to its end from any folder, warnings counted as errors."""
    run(name, tmp_path)


NOTEBOOKS = {
    "notebook_patient": ["upstream: vitamin_d_deficiency", "magnesium: missing_unit", "P02", "interrupted"],
    "notebook_cohort": [
        "180 of 1620 results left out",
        "People judged",
        "no_reference_range",
        "Percent of the people judged",
    ],
    "notebook_impact": ["us -> sacn/2016+us", "vitamin-d-deficiency", "vitamin-b12-elevated", "nordic"],
    "notebook_audit": ["magnesium in meq/L at site Elm look like mg/dL", "calcium_ionized", "Magnesum,,magnesium"],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_shows_what_it_promises(name, tmp_path):
    """Each marimo notebook runs as a script from any folder and prints what its headings announce."""
    pytest.importorskip("marimo", reason="marimo is not installed")
    out = run(f"{name}.py", tmp_path)
    assert [promise for promise in NOTEBOOKS[name] if promise not in out] == []


def test_every_notebook_is_run_and_listed():
    """No notebook lies in the folder that the tests do not run or the README does not name."""
    found = {path.name for path in EXAMPLES.glob("notebook_*.py")}
    assert found == {f"{name}.py" for name in NOTEBOOKS}
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert sorted(name for name in found if f"`{name}`" not in text) == []


def test_cohort_notebook_gives_no_prevalence_where_nobody_was_judged(tmp_path):
    """People of unknown age are judged by no range: their column holds a dash, never 0 %."""
    pytest.importorskip("marimo", reason="marimo is not installed")
    percent = run("notebook_cohort.py", tmp_path).partition("Percent of the people judged")[2].splitlines()
    rows = [line.split() for line in percent if line.strip()][2:]
    assert rows
    assert {row[-1] for row in rows} == {"-"}
