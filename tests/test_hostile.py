"""Texts that attack a terminal, a page, a drawing or a spreadsheet, in every field, on every face that shows them."""

import csv
import io
import re
import sys
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

import labinterp as li
from cli_tools import run
from labinterp.report import html

EVIL = '=cmd|\x1b]0;own\x07\x1b[31m\x9b1m"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}]]>'
HUGE = "P<" + "A" * (1 << 20)
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
COLUMNS = ("collected_at", "reported_flag", "reference_range", "specimen", "method", "comment")


def rows(patient, count=1):
    """Return rows of one patient that are attacked in every text; the first of each day is severe."""
    made = []
    for i in range(count):
        common = {"patient_id": patient if i == 0 else f"{patient}{i}", "age": 50} | dict.fromkeys(COLUMNS, EVIL)
        for day, value in (("2026-01-01", "0.6"), ("2026-02-01", "0.7")):
            sound = {"collected_at": day, "reference_range": "", "specimen": "", "reported_flag": ""}
            made.append(common | {"test": "magnesium", "value": value, "unit": "mg/dL"} | sound)
        made.append(common | {"test": EVIL, "value": EVIL, "unit": EVIL})
        made.append(common | {"test": "calcium", "value": "9.5", "unit": EVIL})
    return made


def harmless(page):
    """Say whether a page has no element or attribute of an attacker's, no control character, and no huge text."""
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "|49]]" not in page
    assert not OBEYED.search(page)
    assert len(page) < 400_000
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(drawing)  # noqa: S314 - our own drawing
    return True


@pytest.fixture(params=[EVIL, HUGE], ids=["evil", "huge"])
def patient(request):
    return request.param


@pytest.fixture(params=[1, 3])
def file(request, patient, tmp_path):
    path = tmp_path / "a.csv"
    pd.DataFrame(rows(patient, request.param)).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "args",
    [(), ("--traces",), ("--one-patient",), ("-q",), ("--format", "csv"), ("--format", "json")],
    ids=["screen", "traces", "one", "quiet", "csv", "json"],
)
def test_nothing_in_a_table_reaches_a_terminal_as_a_command(capsys, monkeypatch, file, args):
    """Whatever is printed on a terminal holds no control character of the data's, and no line without end."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, err = run(capsys, "interpret", file, *args)
    assert code == 0
    assert out
    assert not OBEYED.search(out + err)
    assert max(map(len, out.splitlines())) < 2000


def test_nothing_typed_reaches_a_terminal_as_a_command(capsys, monkeypatch):
    """Typed results, names of files and words of options come back without what a terminal would obey."""
    monkeypatch.setenv("NO_COLOR", "1")
    for args in (
        ("panel", f"{EVIL} 1.1 mg/dL", f"Mg 1.1 {EVIL}", "Mg 0.6 mg/dL"),
        ("interpret", f"/nowhere/{EVIL}.csv"),
        ("verify", EVIL),
        ("explain", EVIL),
        ("convert", "1", EVIL, "mmol/L", "--analyte", EVIL),
        ("panel", "Mg 1 mg/dL", "--symptom", EVIL),
    ):
        _, out, err = run(capsys, *args)
        assert out + err
        assert not OBEYED.search(out + err)


def test_nothing_in_a_table_gets_into_a_page(capsys, file, tmp_path):
    """Pages of one and of many, in a file and in a folder, show texts as texts and cut those that no page can hold."""
    assert run(capsys, "interpret", file, "-q", "--report", tmp_path / "a.html")[0] == 0
    assert run(capsys, "interpret", file, "-q", "--report", tmp_path / "pages")[0] == 0
    made = [tmp_path / "a.html", *(tmp_path / "pages").rglob("*.html")]
    assert len(made) > 2
    assert all(harmless(page.read_text(encoding="utf-8")) for page in made)


def test_nothing_in_a_patient_gets_into_trends_and_visits(patient):
    """A patient's page with trends, a notebook's view and an explained row show texts as texts."""
    table = pd.DataFrame(rows(patient))
    frames = li.interpret_frame(table)
    assert harmless(frames.to_html())
    assert harmless(frames._repr_html_())
    assert not [row for row in table.index if OBEYED.search(frames.explain(row))]
    visits = [
        li.interpret([li.LabResult("magnesium", 0.6, "mg/dL", collected_at=day, method=EVIL, id=EVIL)],
                     li.Patient(age=54, id=patient))
        for day in ("2026-01-01", "2026-02-01")
    ]  # fmt: skip
    page = html.render_visits(visits)
    assert 'class="trend"' in page
    assert harmless(page)


def test_nothing_in_a_table_gets_into_an_audit(patient):
    """The page of an audit shows the names of tests, units and groups as texts."""
    assert harmless(li.audit(pd.DataFrame(rows(patient, 3)), by="patient_id").to_html())


def test_no_cell_of_a_table_is_a_formula(capsys, file, tmp_path):
    """No cell of any CSV that is written or printed begins as a formula does, ids included."""
    assert run(capsys, "interpret", file, "-q", "-o", tmp_path / "out")[0] == 0
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").rglob("*.csv")]
    texts += [run(capsys, "interpret", file, "--format", "csv", "--table", name)[1] for name in ("results", "findings")]
    texts.append(run(capsys, "panel", f"{EVIL} 1.1 mg/dL", "--format", "csv")[1])
    cells = [cell for text in texts for row in csv.reader(io.StringIO(text)) for cell in row]
    assert len(cells) > 100
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
