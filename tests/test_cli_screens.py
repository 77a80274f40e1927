"""What people see first: one panel, many panels, a table in German, and what cannot be read, as golden texts."""

import json
import re
from pathlib import Path

import pytest

import labinterp as li
from cli_tools import PANELS, launch, run
from labinterp.reading import analytes

GOLDEN = Path(__file__).parent / "golden" / "terminal"
EXAMPLES = Path(__file__).parents[1] / "examples" / "data"
SIX = (
    "Mg 1.1 mg/dL", "Ca 7,9 mg/dL", "albumin 4 g/dL", "25OHD <8 ng/mL", "B12 150 pg/mL (200-900)", "Hcy 25 umol/L",
)  # fmt: skip
GERMAN = """\
Parameter;Ergebnis;Einheit;Referenzbereich;Datum
Magnesium i.S.;0,52;mmol/l;0,75-1,00;05.03.2026
Kalzium;1,95;mmol/l;2,15-2,55;05.03.2026
25-OH-Vitamin D;18;nmol/l;;05.03.2026
Ferritin;30;ng/ml;15-150;05.03.2026
"""
NOBODY = "test,value,unit,age,remark\nmagnesium,1.1,mg/dL,50,a\ncalcium,9.4,mg/dL,50,b\nalbumin,4,g/dL,50,c\n"
SCREENS = {
    "six-results": (
        ("panel", *SIX, "--age", "54", "--sex", "F", "--symptom", "tingling", "--course", "persistent"),
        "",
    ),
    "severe": (("panel", "Mg 0.6 mg/dL", "Ca 6.0 mg/dL", "albumin 4 g/dL", "--age", "54"), ""),
    "normal": (("panel", "Mg 2.0 mg/dL", "Ca 9.4 mg/dL", "--age", "54"), ""),
    "problems": (("panel", "Mg 1.1", "Ca 9.5 foo", "B12 hemolyzed", "TSH 2 mIU/L", "25OHD 9 ng/mL"), ""),
    "german": (("interpret", "-", "--one-patient", "--assume-adult"), GERMAN),
    "nobody": (("interpret", "-"), NOBODY),
    "many-panels": (("interpret", "-"), (EXAMPLES / "panels.csv").read_text(encoding="utf-8")),
    "panel-of": (("interpret", "-", "--panel-of", "MRN-88"), PANELS),
}
MANY = ("nobody", "many-panels")


@pytest.mark.parametrize("name", SCREENS)
def test_screen_is_the_golden_one(name):
    """What is printed at 80 columns without color is the text under `tests/golden/terminal`."""
    args, stdin = SCREENS[name]
    done = launch(*args, stdin=stdin.encode(), COLUMNS="80", NO_COLOR="1", PYTHONIOENCODING="utf-8")
    assert done.returncode == 0
    assert done.stdout.decode() == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCREENS)
def test_screen_is_short_and_narrow(name):
    """One panel takes at most 120 lines and many at most 60, of 80 columns; what, how soon and what next come first."""
    lines = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= (60 if name in MANY else 120)
    assert max(map(len, lines)) <= 80
    heads = [line.partition(":")[0] for line in lines if line.startswith(("What:", "How soon:", "Measure next:"))]
    assert heads == ["What", "How soon", "Measure next"]


@pytest.mark.parametrize("grading", [(), ("--grading", "ctcae/5.0")])
def test_no_title_breaks_within_a_word(capsys, monkeypatch, grading):
    """At 80 columns the name of every test stands in the table of results with its words whole."""
    monkeypatch.setenv("COLUMNS", "80")
    known = analytes.analytes()
    typed = (f"{key} 9 {analyte.canonical_unit}" for key, analyte in known.items())
    _, shown, _ = run(capsys, "panel", *typed, "--age", "54", *grading)
    words = shown.partition("────")[2].partition("\n\n")[0].split()
    assert [analyte.title for analyte in known.values() if not {*analyte.title.split()} <= {*words}] == []


@pytest.fixture
def panels(tmp_path):
    file = tmp_path / "panels.csv"
    file.write_text(PANELS, encoding="utf-8")
    return file


@pytest.mark.parametrize("columns", ["40", "60"])
def test_narrow_terminal_gets_rows_as_blocks(columns):
    """Where columns do not fit beside each other, each result stands by itself, its words whole and in the width."""
    out = launch("panel", *SIX, "--age", "54", COLUMNS=columns, NO_COLOR="1", PYTHONIOENCODING="utf-8").stdout.decode()
    assert "25-hydroxyvitamin D\n  result: <8 ng/mL  = <19.97 nmol/L\n  level: low\n" in out
    assert max(map(len, out.splitlines())) <= int(columns)


def test_rows_of_nobody_are_told_first(capsys, tmp_path):
    """A table without a patient column says first that its rows stay apart, and how to join them."""
    file = tmp_path / "a.csv"
    file.write_text(NOBODY, encoding="utf-8")
    _, out, err = run(capsys, "interpret", file)
    assert out.startswith("No row says whose it is, so rows stay apart; --one-patient joins them.")
    assert err.count("remark") == 1
    assert "stay apart" not in run(capsys, "interpret", file, "--one-patient")[1]


def test_many_panels_fit_one_screen(capsys, tmp_path):
    """Thousands of panels with long ids and every kind of problem take no more than 60 lines."""
    file = tmp_path / "many.csv"
    tests = ("magnesium", "calcium", "25OHD", "B12", "homocysteine", "albumin", "creatinine", "PTH", "TSH")
    units = ("mg/dL", "", "foo", "ng/mL", "umol/L", "g/dL", "mmol/L", "pmol/L")
    rows = [
        f"{'P' * 1000}{i},{test},{value},{units[(i + j) % len(units)]},{50 if i % 3 else ''}"
        for i in range(200)
        for j, (test, value) in enumerate(
            zip(tests, ("0.4", "5", "9", '"1,234"', "QNS", "2", "-3", "900", "2"), strict=True)
        )
    ]
    file.write_text("patient_id,test,value,unit,age\n" + "\n".join(rows) + "\n", encoding="utf-8")
    _, out, _ = run(capsys, "interpret", file)
    assert len(out.splitlines()) <= 60
    assert max(map(len, out.splitlines())) <= 80


def test_severe_panels_are_named(capsys, tmp_path):
    """Panels with a severe finding are named with their findings, and the others are not."""
    file = tmp_path / "a.csv"
    rows = [f"P{i},magnesium,{'0.5' if i == 7 else '1.4'},mg/dL,50" for i in range(30)]
    file.write_text("patient_id,test,value,unit,age\n" + "\n".join(rows) + "\n", encoding="utf-8")
    _, out, _ = run(capsys, "interpret", file)
    assert "30 findings (1 high, 29 moderate)" in " ".join(out.split())
    assert "1 panel: P7" in " ".join(out.split())
    assert re.search(r"^P7 +Hypomagnesemia$", out, re.MULTILINE)
    assert "P8" not in out


def test_panel_of_shows_one_patient(capsys, panels):
    """--panel-of shows the panels of one patient, or of a row of nobody; one that is not there is a matter of usage."""
    code, out, _ = run(capsys, "interpret", panels, "--panel-of", "MRN-88")
    assert code == 0
    assert "Patient MRN-88, 2026-01-01" in out
    assert "MRN-77" not in out
    code, out, err = run(capsys, "interpret", panels, "--panel-of", "MRN-1234")
    assert (code, out) == (2, "")
    assert "MRN-1234" not in err


def test_row_of_nobody_is_shown_by_its_number(capsys, tmp_path):
    """A row without a patient is named by its number."""
    file = tmp_path / "a.csv"
    file.write_text(NOBODY, encoding="utf-8")
    _, out, _ = run(capsys, "interpret", file, "--panel-of", "row 1")
    assert out.startswith("What:         Hypomagnesemia")


def test_what_a_patient_tells_applies_to_one_patient(capsys, panels):
    """--symptom, --trigger and --course count for a single patient, and are refused for several."""
    code, out, err = run(capsys, "interpret", panels, "--symptom", "tingling")
    assert (code, out) == (2, "")
    assert "single patient" in err
    _, out, _ = run(capsys, "interpret", panels, "--panel-of", "MRN-88", "--symptom", "tingling")
    assert "matches     tingling" in out


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_a_patient_tells_reaches_every_output(capsys, tmp_path, form):
    """Symptoms, triggers and course stand in the findings of folder, page and JSON as on the screen."""
    file = tmp_path / "typed.txt"
    file.write_text("Mg 1.1 mg/dL\nB12 100 pg/mL\n", encoding="utf-8")
    told = ("--assume-adult", "--symptom", "tingling", "--trigger", "caffeine", "--course", "persistent")
    out, page = tmp_path / "out", tmp_path / "page.html"
    assert run(capsys, "interpret", file, *told, "-o", out, "--format", form, "--report", page)[0] == 0
    assert "Told: tingling; triggers: caffeine; course: persistent" in page.read_text(encoding="utf-8")
    _, printed, _ = run(capsys, "interpret", file, *told, "--format", "json")
    for text in ((out / "findings" / f"part-00000.{form}").read_text(encoding="utf-8"), printed):
        assert "Told with it: tingling" in text
        assert "caffeine" in text
        assert "persistent" in text
    chosen = {"symptoms": ["tingling"], "triggers": ["caffeine"], "course": "persistent"}
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    for settings in (manifest["settings"], json.loads(printed)["provenance"]["settings"]):
        assert settings.items() >= chosen.items()


def test_typed_lines_go_to_a_folder_as_to_the_screen(capsys, tmp_path):
    """Lines as `panel` takes them are results of one patient with -o too; the first is no line of headings."""
    file, out = tmp_path / "typed.txt", tmp_path / "out"
    file.write_text("Mg 1.1 mg/dL\nCa 7.9 mg/dL\n25OHD 9 ng/mL\n", encoding="utf-8")
    _, printed, _ = run(capsys, "interpret", file, "--assume-adult", "--format", "csv")
    assert run(capsys, "interpret", file, "--assume-adult", "-o", out)[0] == 0
    written = (out / "results" / "part-00000.csv").read_text(encoding="utf-8")
    plain = [line.replace('"', "").split(",")[2:] for line in written.splitlines()]
    assert plain == [line.split(",")[2:] for line in printed.splitlines()]
    assert len(written.splitlines()) == 4


def test_other_tests_are_counted_apart(capsys, tmp_path):
    """Tests that are known to be others are counted apart in one line, and are no matter for --strict."""
    file = tmp_path / "a.csv"
    file.write_text(
        "patient_id,test,value,unit,age\nP,magnesium,2.0,mg/dL,50\nP,TSH,2,mIU/L,50\nQ,ferritin,30,ng/mL,50\n",
        encoding="utf-8",
    )
    code, out, _ = run(capsys, "interpret", file, "--strict")
    assert code == 0
    assert "2 rows of other tests" in out
    assert "not judged" not in out
    assert run(capsys, "panel", "TSH 2 mIU/L", "Mg 2.0 mg/dL", "--age", "50", "--strict")[0] == 0


@pytest.mark.parametrize("one", [True, False])
def test_what_was_left_out_says_why(tmp_path, capsys, one):
    """A result that was cancelled or entered in error says so where it is said to have no value."""
    rows = "Test,Result,Unit,Age,Status\nMg,0.85,mmol/L,50,{}\nCa,2.3,mmol/L,50,F\n"
    more = ["--one-patient"] if one else []
    for status, said in (
        ("cancelled", "the test was cancelled"),
        ("W", "was entered in error"),
        ("I", "why"),
        ("", ""),
    ):
        path = tmp_path / "in.csv"
        path.write_text(rows.format(status) if said else rows.format("").replace("0.85", ""), encoding="utf-8")
        _, out, _ = run(capsys, "interpret", path, *more)
        assert "the result has no value" in " ".join(out.split())
        assert said in " ".join(out.split())
        assert ("The source says" in out or "its source says" in " ".join(out.split())) == bool(said)


def test_notes_say_why_a_result_was_left_out():
    """Report, problems and notes say it alike."""
    report = li.interpret([{"test": "magnesium", "unit": "mmol/L", "note": "superseded"}], {"age": 50})
    (problem,) = report.problems
    assert problem.code == "missing_value"
    assert "a later version of it was sent" in problem.message
    assert any("a later version of it was sent" in note for note in report.notes)
