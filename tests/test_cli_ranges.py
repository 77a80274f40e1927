"""`labinterp ranges`: list, show, check, diff, coverage, impact, import, export."""

import csv
import io
import json
from pathlib import Path

import pytest

from cli_tools import PANELS, launch, run
from labinterp.ranges import load_edition, shipped

OURS = """\
schema = 1
id = "my-hospital/2026"
title = "My Hospital"
source = [{ id = "handbook", citation = "My Hospital. Handbook. 2026." }]
[[range]]
id = "magnesium"
analyte = "magnesium"
source = { id = "handbook", locator = "page 12" }
evidence = "primary"
normal = { from = { "mmol/L" = "0.30" }, up_to = { "mmol/L" = "1.00" } }
"""


@pytest.fixture
def ours(tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text(OURS, encoding="utf-8")
    return path


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_list_names_every_profile_and_edition(capsys, monkeypatch):
    """Every profile and edition is listed, under what it is for, on one screen."""
    monkeypatch.setenv("COLUMNS", "120")
    code, out, err = run(capsys, "ranges", "list")
    assert (code, err) == (0, "")
    for name in (*shipped().ids(), *shipped().profiles()):
        assert name in out
    assert len(out.splitlines()) < 64
    descriptive = out[out.index("Descriptive") : out.index("Superseded")]
    assert "nhanes/2011-12" in descriptive


def test_list_as_rows(capsys):
    """CSV and JSON have a row per edition, with dates and hash; --on keeps what was in force."""
    table = rows(run(capsys, "ranges", "list", "--format", "csv")[1])
    assert [row["edition"] for row in table] == list(shipped().ids())
    old = json.loads(run(capsys, "ranges", "list", "--on", "2012-01-01", "--format", "json")[1])
    names = {row["edition"] for row in old}
    assert "nam/2011" in names
    assert "nice-ng239/2024" not in names
    assert run(capsys, "ranges", "list", "--on", "2012-02-31")[0] == 2
    assert "published" in run(capsys, "ranges", "list", "--long")[1]


def test_profiles_are_listed_as_they_were_on_a_day(capsys):
    """--on lists a profile with what was in force, and a profile at a date says which member was not."""
    out = " ".join(run(capsys, "ranges", "list", "--on", "2022-01-01")[1].split())
    members = (
        out[out.index("us United States: ") :].partition(" uk United Kingdom")[0].removeprefix("us United States: ")
    )
    assert members.split(", ")[:3] == ["nam/2011", "homocysteine-bands/2026", "abim/2021"]
    assert "nice-ng239/2024" not in members
    out = " ".join(run(capsys, "ranges", "show", "us@2022-01-01")[1].split())
    assert "abim/2026-01b (not in force on that day)" in out
    assert "abim/2021:" in out


@pytest.mark.parametrize("name", shipped().ids())
def test_show_prints_every_range_of_an_edition(capsys, name):
    """Every entry shows its bands, its source with locator and its evidence."""
    code, out, err = run(capsys, "ranges", "show", name)
    assert (code, err) == (0, "")
    text = "".join(out.split())
    edition = shipped().edition(name)
    for entry in (*edition.entries, *edition.grades):
        assert "".join(entry.range_id.split()) in text
        assert "".join((entry.source.locator or "").split()) in text
    table = rows(run(capsys, "ranges", "show", name, "--format", "csv")[1]) if edition.entries else []
    assert len(table) == sum(len(entry.bands) for entry in (*edition.entries, *edition.grades)) or not edition.entries


def test_show_tells_strictness_in_words(capsys):
    """A limit says on which side a result equal to it lies, in every printed unit."""
    out = " ".join(run(capsys, "ranges", "show", "nice-ng239/2024", "--analyte", "vitamin B12")[1].split())
    assert "confirmed deficiency (low): below 180 ng/L = 133 pmol/L" in out
    assert "from 180 ng/L = 133 pmol/L, up to 350 ng/L = 258 pmol/L" in out
    assert "Holotranscobalamin" not in out


def test_show_of_a_profile_says_why(capsys, ours):
    """A profile shows its editions in order, each with the reason; a file of one's own is shown as well."""
    out = " ".join(run(capsys, "ranges", "show", "us")[1].split())
    for member in shipped().profiles()["us"].editions:
        assert f"{member.id}: {' '.join(member.why.split())}" in out
    assert "my-hospital/2026" in run(capsys, "ranges", "show", ours)[1]
    assert run(capsys, "ranges", "show", "nowhere")[0] == 2


def test_check_prints_every_fault(capsys, ours, tmp_path):
    """Faults of a file are printed at once and end with 3; without them, and for what is shipped, 0."""
    assert run(capsys, "ranges", "check", ours)[0] == 0
    assert run(capsys, "ranges", "check")[0] == 0
    broken = tmp_path / "broken.toml"
    broken.write_text(OURS.replace('"0.30"', '"a"').replace("primary", "hearsay"), encoding="utf-8")
    code, out, _ = run(capsys, "ranges", "check", broken, ours)
    assert code == 3
    assert len(out.splitlines()) == 2
    assert all(line.startswith(str(broken)) for line in out.splitlines())


def test_a_broken_file_of_ranges_ends_with_3(capsys, tmp_path):
    """--ranges with a file that has faults ends with 3; with one that is not there, with 2."""
    table = tmp_path / "a.csv"
    table.write_text(PANELS, encoding="utf-8")
    broken = tmp_path / "broken.toml"
    broken.write_text("schema = 1\n", encoding="utf-8")
    assert run(capsys, "interpret", table, "--ranges", broken)[0] == 3
    assert run(capsys, "interpret", table, "--ranges", tmp_path / "gone.toml")[0] == 2


def test_own_ranges_decide(capsys, ours, tmp_path):
    """A file of one's own before a profile wins where it has a range."""
    table = tmp_path / "a.csv"
    table.write_text(PANELS, encoding="utf-8")
    _, out, _ = run(capsys, "interpret", table, "--ranges", f"{ours},us", "--format", "csv")
    magnesium = next(row for row in rows(out) if row["analyte"] == "magnesium")
    assert (magnesium["range_id"], magnesium["flag"]) == ("my-hospital/2026#magnesium", "N")


def test_diff_speaks_the_readers_terms(capsys):
    """Diff says analyte, who, which limit and how far; CSV and JSON hold the same changes."""
    out = run(capsys, "ranges", "diff", "nos-ros/2013", "nam/2011")[1]
    assert "25-hydroxyvitamin D" in out
    table = rows(run(capsys, "ranges", "diff", "us", "uk", "--format", "csv")[1])
    data = json.loads(run(capsys, "ranges", "diff", "us", "uk", "--format", "json")[1])
    assert len(table) == len(data) > 0
    assert {"analyte", "who", "limit", "kind", "before", "after", "percent"} <= set(table[0])
    assert "0 changes" in run(capsys, "ranges", "diff", "us", "us")[1]
    one = json.loads(run(capsys, "ranges", "diff", "us", "uk", "--analyte", "vitamin_b12", "--format", "json")[1])
    assert {row["analyte"] for row in one} == {"vitamin_b12"}


def test_coverage_lists_who_is_left_out(capsys):
    """Coverage names analyte and patients without a range, for one profile or all."""
    out = run(capsys, "ranges", "coverage", "us")[1]
    assert "under 18 years" in out
    table = rows(run(capsys, "ranges", "coverage", "--format", "csv")[1])
    assert {row["ranges"] for row in table} == set(shipped().profiles())
    data = json.loads(run(capsys, "ranges", "coverage", "nice-ng239/2024", "-a", "B12", "--format", "json")[1])
    assert [(row["analyte"], row["who"]) for row in data] == [("vitamin_b12", "under 16 years")]


@pytest.mark.parametrize("form", ["csv", "fhir", "toml"])
def test_export_comes_back(capsys, tmp_path, form):
    """An exported edition, imported again, has the same entries."""
    file = tmp_path / f"edition.{form}"
    assert run(capsys, "ranges", "export", "nice-ng239/2024", "--format", form, "-o", file)[0] == 0
    toml = file
    if form != "toml":
        toml = tmp_path / "back.toml"
        assert run(capsys, "ranges", "import", file, "-o", toml)[0] == 0
    entries = [entry.bands for entry in load_edition(toml).entries]
    assert entries == [entry.bands for entry in shipped().edition("nice-ng239/2024").entries]


def test_import_reads_standard_input(capsys):
    """A table of ten lines from a spreadsheet becomes a TOML file; what is missing is said at once."""
    table = (
        "range,analyte,from,up_to,evidence,source,locator,citation\n"
        "magnesium,magnesium,0.70 mmol/L,1.00 mmol/L,primary,handbook,page 12,My Hospital. Handbook. 2026.\n"
    )
    done = launch("ranges", "import", "-", "--id", "my-hospital/2026", "--title", "My Hospital", stdin=table.encode())
    assert done.returncode == 0
    assert b'"0.70"' in done.stdout
    done = launch("ranges", "import", "-", stdin=table.replace("0.70 mmol/L", "0.70").encode())
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"line 2" in done.stderr
    assert run(capsys, "ranges", "export", "us")[0] == 2
    for junk in (b"\xff\xfe\x00", b"{", b""):
        assert launch("ranges", "import", "-", stdin=junk).returncode == 3


def test_impact_counts_what_changes(capsys, tmp_path):
    """Impact prints how many results and findings change, as text, CSV and JSON, without ids."""
    file = tmp_path / "a.csv"
    file.write_text("patient_id,test,value,unit,age\nMRN-1,vitamin D,35,nmol/L,50\nMRN-2,vitamin D,90,nmol/L,50\n")
    out = run(capsys, "ranges", "impact", "nam/2011", "sacn/2016", file)[1]
    assert "2 of 2 results change" in out
    assert "MRN" not in out
    table = rows(run(capsys, "ranges", "impact", "nam/2011", "sacn/2016", file, "--format", "csv")[1])
    assert [(row["what"], row["of"], row["count"]) for row in table] == [
        ("result", "vitamin_d", "1"),
        ("result", "vitamin_d", "1"),
        ("finding", "vitamin-d-insufficiency", "1"),
    ]
    data = json.loads(run(capsys, "ranges", "impact", "nam/2011", "sacn/2016", file, "--format", "json")[1])
    assert data["finding_changes"][0]["kind"] == "gone"
    assert run(capsys, "ranges", "impact", "nam/2011", "sacn/2016", Path("gone.csv"))[0] == 3
