"""Edges of the faces: formulas, closed outputs, full disks, signals, links, missing extras, keys given twice."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import labinterp as li
from labinterp import formulas, json_text, places
from labinterp.cli.outputs import write_csv
from labinterp.errors import InputError, MissingExtraError
from labinterp.messages.hl7_out import to_oru
from labinterp.reading.ids import read_id

PANEL = "test,value,unit,age\nmagnesium,1.1,mg/dL,50\n"


def command(*args, **options):
    return subprocess.run([sys.executable, "-m", "labinterp", *args], check=False, **options)  # noqa: S603 - command of ours


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "panel.csv"
    path.write_text(PANEL, encoding="utf-8")
    return path


HIDDEN = ["\u200b=", "\ufeff=", "\u00ad=", "\u202e=", " =", "\u00a0=", "\u3000\uff1d", "\x0b=", "\t\u200d-"]


@pytest.mark.parametrize("sign", [*formulas.SIGNS, *formulas.CONTROLS, *HIDDEN])
def test_no_cell_of_csv_begins_a_formula(tmp_path, sign):
    """A text that a spreadsheet would run, also behind what cannot be seen or with a full-width sign, is guarded."""
    ids = [f"{sign}1+1", "plain"]
    frame = pd.DataFrame({"patient_id": ids, "test": "Mg", "value": "1.1", "unit": "mg/dL", "age": 50})
    frame.to_parquet(tmp_path / "in.parquet")
    li.interpret_files(tmp_path / "in.parquet", tmp_path / "out", format="csv")
    with next((tmp_path / "out" / "results").glob("*.csv")).open(encoding="utf-8", newline="") as file:
        written = [row["patient_id"] for row in csv.DictReader(file)]
    assert written == [formulas.guard(read_id(ids[0])), "plain"]
    assert formulas.guard(ids[0]) == f"'{ids[0]}"


def test_no_text_ends_a_row_of_csv(tmp_path):
    """A text with a carriage return alone stays in its cell in every CSV, and nothing behind it begins a row."""
    ids = ["=1", "'=1", "p\r=1+1", "plain"]
    frame = pd.DataFrame({"patient_id": ids, "test": ["Mg", "Mg", "Mg", "x\r=2"], "value": "1.1", "unit": "mg/dL"})
    frame.to_parquet(tmp_path / "in.parquet")
    li.interpret_files(tmp_path / "in.parquet", tmp_path / "out", format="csv")
    printed = io.StringIO()
    write_csv(li.interpret_frame(frame).results.astype({"patient_id": "category"}), printed)
    assert "\r\n" not in printed.getvalue()
    draft = li.audit(frame).tests_draft()
    texts = [path.read_bytes().decode() for path in (tmp_path / "out").rglob("*.csv")]
    for text in (*texts, printed.getvalue(), draft):
        cells = list(csv.reader(io.StringIO(text, newline="")))
        assert not [cell for row in cells for cell in row if cell.startswith("=")]
        assert len(set(map(len, cells))) == 1


@pytest.mark.parametrize("words", ["interpret {} --format json", "--version"])
def test_a_pipe_that_closes_is_no_finding(table, words):
    """`| head` ends the command with a code of its own, and without a traceback."""
    shell = f"{sys.executable} -m labinterp {words.format(table)}; echo $? >&2"
    done = subprocess.run(f"({shell}) | true", shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - ours
    assert done.stderr.split()[-1] in ("0", "141")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["interpret {} --format csv", "--version", "--help"])
def test_a_full_disk_has_a_code_of_its_own(table, words):
    """What cannot be written ends with 74, which is neither a finding nor usage."""
    with Path("/dev/full").open("w") as full:
        done = command(*words.format(table).split(), stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (74, False)


@pytest.mark.skipif(os.name != "posix", reason="shells of POSIX")
def test_a_closed_output_is_no_traceback(table):
    """A command whose outputs are closed ends without a traceback."""
    done = subprocess.run(  # noqa: S602 - command of ours
        f"{sys.executable} -m labinterp interpret {table} >&-", shell=True, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_version_needs_no_extra(tmp_path):
    """`--version` answers where click is not installed; the module can be run."""
    (tmp_path / "click.py").write_text("raise ImportError(name='click')\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = command("--version", env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"labinterp {li.__version__}\n")
    done = command("interpret", "x.csv", env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "labinterp[cli]" in done.stderr


@contextlib.contextmanager
def begun(folder, number, handler):
    """A run that has begun to write, started where a signal is handled so, as processes hand it on."""
    before = signal.signal(number, handler)
    try:
        running = subprocess.Popen(  # noqa: S603 - command of ours
            [sys.executable, "-m", "labinterp", "interpret", "-", "-o", str(folder / "out")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    finally:
        signal.signal(number, before)
    with running:
        running.stdin.write(PANEL.encode() * 1000)
        running.stdin.flush()
        until = time.monotonic() + 60
        while not list(folder.iterdir()) and time.monotonic() < until:
            time.sleep(0.05)
        yield running


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("number", [15, 1], ids=["SIGTERM", "SIGHUP"])
def test_termination_leaves_nothing_behind(tmp_path, number, times):
    """SIGTERM and SIGHUP, sent once or again, remove the hidden folder with patients' rows, as an interruption does."""
    with begun(tmp_path, number, signal.SIG_DFL) as running:
        for _ in range(times):
            running.send_signal(number)
        _, said = running.communicate(timeout=60)
    assert list(tmp_path.iterdir()) == []
    assert running.returncode == 128 + number or (times > 1 and running.returncode == -number)  # when all is tidy
    assert b"Traceback" not in said


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_hangup_that_is_ignored_ends_nothing(tmp_path):
    """Where hangups are ignored, as `nohup` sees to, a run works on and writes its answer."""
    with begun(tmp_path, 1, signal.SIG_IGN) as running:
        running.send_signal(1)
        running.communicate(timeout=60)
    assert (running.returncode, (tmp_path / "out" / "manifest.json").is_file()) == (0, True)


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_an_output_that_is_a_link_is_written_where_it_points(tmp_path, table):
    """A symbolic link stays one, its target gets the output, and nothing hidden stays."""
    target = tmp_path / "target"
    target.mkdir()
    link = tmp_path / "link"
    link.symlink_to(target)
    li.interpret_files(table, link)
    assert link.is_symlink()
    assert (target / "manifest.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "panel.csv", "target"]


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_page_that_is_a_link_is_written_where_it_points(tmp_path):
    """A link in the place of a page stays one; what stands there, or nothing yet, gets the page."""
    for name in ("there", "nowhere"):
        (tmp_path / f"{name}-link.html").symlink_to(f"{name}.html")
    (tmp_path / "there.html").write_text("old", encoding="utf-8")
    for name in ("there", "nowhere"):
        places.write_text(tmp_path / f"{name}-link.html", "page")
        assert (tmp_path / f"{name}-link.html").is_symlink()
        assert (tmp_path / f"{name}.html").read_text(encoding="utf-8") == "page"


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_an_output_that_links_to_itself_is_refused(tmp_path, table):
    """Links in a circle are no place to write to, on any face."""
    for one, other in ("ab", "ba"):
        (tmp_path / one).symlink_to(tmp_path / other)
    with pytest.raises(InputError, match="leads back to itself"):
        li.interpret_files(table, tmp_path / "a")
    with pytest.raises(InputError, match="leads back to itself"):
        places.write_text(tmp_path / "b", "page")
    with pytest.raises(InputError, match="cannot be made"):
        li.interpret_files(table, tmp_path / "a" / "inside")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "panel.csv"]


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_pipe_in_the_place_of_a_file_is_written_to(tmp_path):
    """What is no file, such as a pipe or /dev/stdout, is written to and never replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    places.write_text(pipe, "page")
    assert os.read(reader, 9) == b"page"
    os.close(reader)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("power", ["99999999999999999999", "-99999999999999999999", "999999", "+400"])
@pytest.mark.parametrize("digits", ["1", "-1.5", "0"])
def test_a_power_that_no_number_has_is_no_result(digits, power):
    """JSON numbers beyond any measure are read without an error, and are no results."""
    value = f"{digits}e{power}"
    assert isinstance(json_text.loads(value), Decimal)
    resource = (
        '{"resourceType": "Observation", "status": "final", "code": {"text": "magnesium"}, '
        f'"valueQuantity": {{"value": {value}, "unit": "mg/dL"}}}}'
    )
    frame = li.interpret_frame(li.read(resource)).results
    assert frame["flag"].isna().all()
    assert '"inf' not in json.dumps(li.interpret_fhir(resource)).lower()


def test_half_a_character_in_an_answer_can_be_written():
    """A text with a surrogate without its pair is kept in JSON that every encoding can hold, and in HL7 replaced."""
    report = li.interpret([li.LabResult("\ud800\u00e9", 1.1, "mg/dL", id="\udfff")], li.Patient(id="\ud800"))
    assert li.Report.from_json(report.to_json().encode()) == report
    assert to_oru([report]).encode().startswith(b"MSH")


def test_a_report_with_a_key_twice_is_refused():
    """A report in which two readers could see two values is none, and the message does not repeat the key."""
    text = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")]).to_json()
    for twice in ('"value": 9, "value"', '"v\\u0061lue": 9, "value"'):
        with pytest.raises(li.ReportError, match="a key twice") as caught:
            li.Report.from_json(text.replace('"value"', twice, 1))
        assert "value" not in str(caught.value)


def test_a_key_given_twice_is_not_repeated():
    """An error about JSON holds nothing that was sent."""
    with pytest.raises(InputError) as caught:
        json_text.loads('{"Smith_John": 1, "Smith_John": 2}')
    assert "Smith" not in str(caught.value)
    with pytest.raises(InputError) as caught:
        json_text.loads('{"Smith_John": ' * 100 + "1" + "}" * 100)
    assert "Smith" not in str(caught.value)


def test_a_missing_template_engine_is_named(monkeypatch):
    """A page without the extra `report` says which is missing; a notebook's cell and an explanation need none."""
    for name in ("jinja2", "markupsafe"):
        monkeypatch.setitem(sys.modules, name, None)
    from labinterp.report import pages

    pages._environment.cache_clear()
    pages._markupsafe.cache_clear()
    report = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=50))
    try:
        with pytest.raises(MissingExtraError, match="report"):
            report.to_html()
        assert report._repr_html_().startswith("<div>")
        rows = [{"test": "Mg", "value": 1.1, "unit": "mg/dL", "age": 50}]
        assert li.interpret_frame(rows).explain(0).startswith("Magnesium")
    finally:
        pages._environment.cache_clear()
        pages._markupsafe.cache_clear()


@pytest.mark.parametrize("make", [np.array, pd.Series])
def test_convert_takes_many_numbers(make):
    """Arrays and Series come back as what they were, number by number as one alone; NaN stays."""
    given = make([1.8, 2.0, np.nan])
    got = li.convert(given, "mg/dL", "mmol/L", analyte="magnesium")
    assert type(got) is type(given)
    assert got[:2].tolist() == [li.convert(x, "mg/dL", "mmol/L", analyte="magnesium") for x in (1.8, 2.0)]
    assert np.isnan(got[2])
    for wrong in (make(["1.8"]), make([np.inf]), make([True])):
        with pytest.raises(li.ValueParseError):
            li.convert(wrong, "mg/dL", "mmol/L", analyte="magnesium")


def test_mappings_are_results_and_patients():
    """A mapping with the fields of a result or the columns of a table is one; a slip in a key is said."""
    row = {"test": "magnesium", "value": "1.1", "unit": "mg/dL"}
    by_class = li.interpret([li.LabResult(**row)], li.Patient(age=50, sex="female"))
    assert li.interpret([row], {"age": 50, "sex": "female"}).findings == by_class.findings
    assert li.interpret([{**row, "age": 50, "sex": "female", "patient_id": "7"}]).patient.id == "7"
    with pytest.raises(li.InputError, match="did you mean 'value'"):
        li.interpret([{"test": "magnesium", "valeu": "1.1", "unit": "mg/dL"}])
    with pytest.raises(li.InputError, match="did you mean 'sex'"):
        li.interpret([row], {"sexx": "female"})
    with pytest.raises(li.InputError, match="different things of the patient"):
        li.interpret([{**row, "patient_id": "7"}, {**row, "patient_id": "8"}])


def test_one_patient_joins_rows_without_an_owner(tmp_path):
    """Calcium and albumin of a table without a patient column meet where the caller says so, on every face."""
    frame = pd.DataFrame(
        {"test": ["calcium", "albumin"], "value": ["7.9", "2.5"], "unit": ["mg/dL", "g/dL"], "age": 50}
    )
    apart = li.interpret_frame(frame)
    joined = li.interpret_frame(frame, one_patient=True)
    assert "uncorrected_calcium" in apart.results["notes"][0]
    assert "uncorrected_calcium" not in str(joined.results["notes"][0])
    frame.to_csv(tmp_path / "in.csv", index=False)
    frame.to_parquet(tmp_path / "in.parquet")
    for name in ("in.csv", "in.parquet"):
        for panel in ("collection", "patient"):
            out = tmp_path / f"{name}-{panel}"
            li.interpret_files(tmp_path / name, out, one_patient=True, panel=panel)
            results = pd.concat(map(pd.read_parquet, (out / "results").glob("*.parquet")))
            assert "uncorrected_calcium" not in str(results["notes"].tolist()[0])
            assert json.loads((out / "manifest.json").read_text(encoding="utf-8"))["settings"]["one_patient"] is True


def test_read_takes_local_names():
    """`read` gives what the caller's list says: keys for names, a note for what it refuses."""
    text = "test,value,unit\nLAB1,1.8,mg/dL\nMagnesium,1.8,mg/dL\n"
    frame = li.read(text, tests={"LAB1": "magnesium", "magnesium": ""})
    assert frame["test"].tolist() == ["magnesium", "Magnesium"]
    assert frame["note"].tolist()[1] == "test_refused"
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "urn:house", "code": "LAB1"}], "text": "house test"},
        "valueQuantity": {"value": 1.8, "unit": "mg/dL"},
    }
    assert li.read(observation, tests={"LAB1": "magnesium"})["test"].tolist() == ["magnesium"]
    path = io.StringIO  # a class is no list of tests
    with pytest.raises(TypeError):
        li.read(text, tests=path)


def leaves(value, path=()):
    """Give the path of every part of a document."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(item, (*path, key))


def test_a_tampered_report_is_refused_or_answered():
    """Whatever is changed in a report: it is refused with the place, or pages, FHIR and `verify` answer."""
    rows = [li.LabResult("magnesium", 1.1, "mg/dL", id="a"), li.LabResult("25OHD", "<8", "ng/mL"), li.LabResult("x", 1)]
    text = li.interpret(
        rows, li.Patient(age=50), presentation=li.Presentation(["cramps"]), grading="ctcae/6.0"
    ).to_json()
    places = list(leaves(json.loads(text)))
    refused = 0
    for path in places[1::3]:
        for junk in (None, "", "junk", -7, 10**400, [], {}, [None]):
            document = json.loads(text)
            parent = document
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = junk
            try:
                report = li.Report.from_json(json.dumps(document))
            except li.ReportError:
                refused += 1
                continue
            assert isinstance(li.verify(report).ok, bool), path
            if junk in ("junk", -7):
                assert report.to_fhir()["resourceType"] == "Bundle", path
                assert "<html" in report.to_html(), path
    assert refused > len(places)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    """A run over a file that another process writes to ends without an output."""
    path = tmp_path / "in.csv"
    path.write_text(PANEL * 1, encoding="utf-8")

    def touch(_):
        with path.open("a", encoding="utf-8") as file:
            file.write("calcium,9,mg/dL,50\n")

    with pytest.raises(InputError, match="changed while"):
        li.interpret_files(path, tmp_path / "out", progress=touch)
    assert not (tmp_path / "out").exists()


def test_the_summary_says_that_rows_of_nobody_stay_apart(tmp_path):
    """Where no row says whose it is, the first lines of the summary say so and how to join the rows."""
    path = tmp_path / "in.csv"
    path.write_text(PANEL + "calcium,9,mg/dL,50\n", encoding="utf-8")
    said = command("interpret", str(path), capture_output=True, text=True).stdout
    assert "--one-patient joins them" in " ".join(said.split())
    said = command("interpret", str(path), "--one-patient", capture_output=True, text=True).stdout
    assert "--one-patient" not in said
