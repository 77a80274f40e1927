"""Messages as the field sends them: every case on every face. See `README.md` beside this file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li
from labinterp.cli import main
from labinterp.messages import fhir, hl7v2

FOLDER = Path(__file__).parent
EXACT = ("analyte", "comparator", "flag", "level", "problem", "range_id", "suspected_unit")
NEAR = ("value", "low", "high")


def cases():
    for path in sorted(FOLDER.glob("*.toml")):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            yield pytest.param(case, id=f"{path.stem}-{case['id']}")


def text_of(case):
    """Return the message as it is sent."""
    text = case["message"].lstrip("\n")
    return text if text.startswith("{") else text.replace("\n", "\r")


def options_of(case):
    return {"assume_adult": True, **case.get("options", {})}


def scalar(text, options):
    reader = fhir if text.startswith("{") else hl7v2
    for patient, results in reader.to_results(text):
        for item in li.interpret(results, patient, **options).interpretations:
            yield {name: getattr(item, name) for name in (*EXACT, *NEAR, "notes")}


def of_table(rows):
    for row in rows:
        notes = row["notes"]
        found = {name: None if pd.isna(row[name]) else row[name] for name in (*EXACT, *NEAR)}
        yield {**found, "notes": tuple(notes.split(";")) if isinstance(notes, str) and notes else ()}


def stream(table, folder, options):
    table.to_csv(folder / "in.csv", index=False)
    li.interpret_files(folder / "in.csv", folder / "out", layout="labinterp", **options)
    parts = sorted((folder / "out" / "results").glob("*.parquet"))
    return pd.concat(map(pd.read_parquet, parts)).astype(object).to_dict("records")


def command_line(text, folder, options, capsys):
    path = folder / "message.txt"
    path.write_text(text, encoding="utf-8", newline="")
    more = ["--assume-adult"] if options["assume_adult"] else []
    assert main(["interpret", str(path), "--format", "json", *more]) == 0
    return json.loads(capsys.readouterr().out)["results"]


def check(got, expected, where):
    for key in EXACT:
        if key in expected:
            want = None if expected[key] == "-" else expected[key]
            assert got[key] == want, f"{where}: {key} is {got[key]!r}, not {want!r}"
    for key in NEAR:
        if key in expected:
            assert got[key] == pytest.approx(expected[key], rel=1e-3), f"{where}: {key} is {got[key]!r}"
    missing = set(expected.get("notes", ())) - set(got["notes"])
    assert not missing, f"{where}: lacks the notes {sorted(missing)}, has {got['notes']}"
    excess = set(expected.get("not_notes", ())) & set(got["notes"])
    assert not excess, f"{where}: has the notes {sorted(excess)}"
    if "not_flag" in expected:
        assert got["flag"] != expected["not_flag"], f"{where}: flag is {got['flag']!r}"


@pytest.mark.parametrize("case", list(cases()))
def test_message(case, tmp_path, capsys):
    """A message comes to what a laboratory professional would read in it, row by row, on every face."""
    text, options = text_of(case), options_of(case)
    table = li.read(text)
    faces = {
        "scalar": list(scalar(text, options)),
        "frame": list(of_table(li.interpret_frame(table, **options).results.astype(object).to_dict("records"))),
        "stream": list(of_table(stream(table, tmp_path, options))),
        "command line": list(of_table(command_line(text, tmp_path, options, capsys))),
    }
    for face, rows in faces.items():
        assert len(rows) == len(case["expect"]), face
        for i, (got, expected) in enumerate(zip(rows, case["expect"], strict=True)):
            check(got, expected, f"{face}, row {i}")
        assert rows == faces["scalar"], face


@pytest.mark.parametrize("case", [case for case in cases() if case.id.startswith("fhir")])
def test_message_comes_back_as_fhir(case):
    """Every result of a FHIR document is an Observation of the answer or an issue of its OperationOutcome."""
    bundle = fhir.interpret_fhir(text_of(case), **options_of(case))
    resources = [entry["resource"] for entry in bundle["entry"]]
    observations = [resource for resource in resources if resource["resourceType"] == "Observation"]
    expected = case["expect"]
    known = [row for row in expected if row.get("problem") != "unknown_test"]
    assert len(observations) == len(known)
    assert any(r["resourceType"] == "OperationOutcome" for r in resources) or all("problem" not in r for r in expected)
    json.dumps(bundle, default=float)
