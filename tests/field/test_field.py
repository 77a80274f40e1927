"""What the field sends: every case of `tests/field/*.toml` on the scalar, the frame and the streamed face.

A case is a row as a table would hold it, and what must come out. See `README.md` beside this file.
"""

from __future__ import annotations

import collections
import json
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li

FOLDER = Path(__file__).parent
OPTIONS = ("ranges", "decimal", "date_order", "assume_adult", "default_units", "tests", "reported_ranges")
PERSON = ("age", "sex", "birth_date", "pregnancy")
EXACT = ("analyte", "comparator", "flag", "level", "band", "problem", "suspected_unit")
NEAR = ("value", "low", "high")


def cases():
    for path in sorted(FOLDER.glob("*.toml")):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            yield path.stem, case


CASES = list(cases())
IDS = [f"{stem}-{case['id']}" for stem, case in CASES]


def options_of(case):
    return {name: case["options"][name] for name in OPTIONS if name in case.get("options", {})}


def row_of(case):
    return {"age": 50, **case["row"]}


def check(got, expected, where):
    """Compare what came out with what must; `None` is spelled `"-"` in a case, since TOML has no null."""
    for key in EXACT:
        if key in expected:
            want = None if expected[key] == "-" else expected[key]
            assert got[key] == want, f"{where}: {key} is {got[key]!r}, not {want!r}"
    for key in NEAR:
        if key in expected:
            want = None if expected[key] == "-" else pytest.approx(expected[key], rel=1e-4)
            assert got[key] == want, f"{where}: {key}"
    missing = set(expected.get("notes", ())) - set(got["notes"])
    assert not missing, f"{where}: lacks the notes {sorted(missing)}"
    excess = set(expected.get("not_notes", ())) & set(got["notes"])
    assert not excess, f"{where}: has the notes {sorted(excess)}"
    if "not_flag" in expected:
        assert got["flag"] != expected["not_flag"], f"{where}: flag is {got['flag']!r}"


def by_scalar(case):
    row = row_of(case)
    person = {name: row.pop(name) for name in PERSON if name in row}
    report = li.interpret([row], person, **options_of(case))
    (item,) = report.interpretations
    return {key: getattr(item, key) for key in (*EXACT, *NEAR, "notes")}


def of_table(results):
    for row in results.to_dict("records"):
        notes = row["notes"]
        row["notes"] = tuple(notes.split(";")) if isinstance(notes, str) and notes else ()
        yield {key: None if key != "notes" and pd.isna(value) else value for key, value in row.items()}


@pytest.fixture(scope="module")
def by_table(tmp_path_factory):
    """Every case through `interpret_frame` and `interpret_files`, those with the same options in one table."""
    groups = collections.defaultdict(list)
    for identifier, (_, case) in zip(IDS, CASES, strict=True):
        groups[json.dumps(options_of(case), sort_keys=True)].append((identifier, case))
    found = {}
    for i, (key, members) in enumerate(groups.items()):
        options = json.loads(key)
        table = pd.DataFrame([row_of(case) for _, case in members], dtype="object")
        framed = li.interpret_frame(table, layout="labinterp", **options).results
        folder = tmp_path_factory.mktemp(f"field{i}")
        table.to_csv(folder / "in.csv", index=False)
        li.interpret_files(folder / "in.csv", folder / "out", layout="labinterp", **options)
        streamed = pd.concat(map(pd.read_parquet, sorted((folder / "out" / "results").glob("*.parquet"))))
        for (identifier, _), left, right in zip(members, of_table(framed), of_table(streamed), strict=True):
            found[identifier] = {"frame": left, "stream": right}
    return found


@pytest.mark.parametrize(("identifier", "case"), [(i, case) for i, (_, case) in zip(IDS, CASES, strict=True)], ids=IDS)
def test_field(identifier, case, by_table):
    """A spelling that the field sends comes to what a laboratory professional would read in it, on every face."""
    check(by_scalar(case), case["expect"], "scalar")
    for face, got in by_table[identifier].items():
        check(got, case["expect"], face)


def test_ids_are_unique():
    """Every case can be named."""
    assert len(set(IDS)) == len(IDS)
