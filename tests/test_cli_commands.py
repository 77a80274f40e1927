"""The other commands of the command line: convert, explain, verify, serve, and what holds for all."""

import json
import os
import subprocess
import sys

import pytest

import labinterp as li
from cli_tools import launch, run
from labinterp import reasoning
from labinterp.cli import main

# --- convert -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["1.8", "mg/dL", "mmol/L", "--analyte", "magnesium"], "0.740588 mmol/L"),
        (["<1,8", "MG/DL", "mmol/l", "-a", "19123-9"], "<0.740588 mmol/L"),
        (["1.8", "mg/dL", "mmol/L", "-a", "magnesium", "--digits", "16"], "0.7405883563052871 mmol/L"),
        (["≥ 20", "ng/mL", "nmol/L", "-a", "25-hydroxyvitamin D"], ">=49.9201 nmol/L"),
        (["1.8 mg/dL", "mg/dL", "mg/dL", "-a", "magnesium"], "1.8 mg/dL"),
    ],
)
def test_convert_prints_number_and_unit(capsys, args, line):
    """VALUE is read as results are, the comparator stays, the unit is printed as UCUM writes it."""
    assert run(capsys, "convert", *args) == (0, f"{line}\n", "")


@pytest.mark.parametrize(
    "args",
    [
        ["1,234", "mg/dL", "mmol/L", "-a", "magnesium"],
        ["hemolyzed", "mg/dL", "mmol/L", "-a", "magnesium"],
        ["", "mg/dL", "mmol/L", "-a", "magnesium"],
        ["17.5", "lightyears", "mmol/L", "-a", "magnesium"],
        ["17.5", "mg/dL", "lightyears", "-a", "magnesium"],
        ["17.5", "mg/dL", "mmol/L", "-a", "unobtainium"],
        ["17.5", "mg/dL", "pmol/s", "-a", "magnesium"],
        ["17.5 mmol/L", "mg/dL", "mmol/L", "-a", "magnesium"],
        ["17.5", "mg/dL", "mmol/L"],
        ["9**9**9**9", "mg/dL", "mmol/L", "-a", "magnesium"],
    ],
)
def test_convert_refuses_without_showing_the_value(capsys, args):
    """What cannot be converted ends with 2 and a hint; the value is in no message."""
    code, out, err = run(capsys, "convert", *args)
    assert (code, out) == (2, "")
    assert err
    assert "17.5" not in err
    assert "hemolyzed" not in err


def test_convert_takes_a_decimal_sign(capsys):
    """--decimal settles a comma."""
    assert run(capsys, "convert", "1,234", "mg/dL", "mg/dL", "-a", "calcium", "--decimal", ",")[1] == "1.234 mg/dL\n"
    assert run(capsys, "convert", "1,234", "mg/dL", "mg/dL", "-a", "calcium", "--decimal", ".")[1] == "1234 mg/dL\n"


# --- explain -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", reasoning.nodes())
def test_everything_can_be_explained(capsys, node):
    """Every key that the knowledge has prints a text, and as JSON."""
    code, out, err = run(capsys, "explain", node)
    assert (code, err) == (0, "")
    assert " ".join(reasoning.explain(node).title.split()) in " ".join(out.split())
    assert json.loads(run(capsys, "explain", node, "--format", "json")[1])["id"] == reasoning.explain(node).id


def test_explain_without_a_node_lists_them_by_kind(capsys):
    """The list has every kind, and every key in it can be explained."""
    out = run(capsys, "explain")[1]
    for heading in ("States of the body", "Mechanisms", "Symptoms", "Tests", "Claims of the source document"):
        assert heading in out
    groups = json.loads(run(capsys, "explain", "--format", "json")[1])
    assert {"hypocalcemia", "cramps", "magnesium", "F1"} <= {key for keys in groups.values() for key in keys}
    for keys in groups.values():
        for key in keys:
            reasoning.explain(key)


def test_explain_shows_edges_with_their_sources(capsys):
    """A state shows what leads to it, what it leads to, how well that is known, and the sources."""
    out = " ".join(run(capsys, "explain", "hypocalcemia")[1].split())
    assert "What leads to it" in out
    assert "reduced_calcium_absorption: When parathyroid hormone" in out
    assert "(moderate evidence, indirect)" in out
    assert "Sources" in out


def test_explain_of_nothing_known(capsys):
    """A name that is not known ends with 2 and says where the list is."""
    code, out, err = run(capsys, "explain", "happiness")
    assert (code, out) == (2, "")
    assert "labinterp explain" in err


# --- verify --------------------------------------------------------------------------------------------------------


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.json"
    made = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL", id="MRN-5")], li.Patient(age=50, id="MRN-5"))
    path.write_text(made.to_json(), encoding="utf-8")
    return path


def test_verify_makes_the_report_again(capsys, report):
    """An untouched report is the same when made again."""
    code, out, err = run(capsys, "verify", report)
    assert (code, err) == (0, "")
    assert "the same" in out
    assert launch("verify", "-", stdin=report.read_bytes()).returncode == 0


def test_verify_says_where_a_report_differs(capsys, report):
    """A changed report ends with 1 and names the places, not the values or ids."""
    data = json.loads(report.read_text(encoding="utf-8"))
    data["interpretations"][0]["flag"] = "N"
    data["findings"][0]["severity"] = "low"
    report.write_text(json.dumps(data), encoding="utf-8")
    code, out, _ = run(capsys, "verify", report)
    assert code == 1
    assert "interpretations[0].flag" in out
    assert "findings[0].severity" in out
    assert "MRN-5" not in out


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": "other"}', "{" * 5000])
def test_what_is_no_report_ends_with_3(capsys, tmp_path, text):
    """Anything that is no report ends with 3 and one line."""
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    code, out, err = run(capsys, "verify", path)
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert run(capsys, "verify", tmp_path / "gone.json")[0] == 3


# --- all -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [[], ["interpret"], ["convert"], ["explain"], ["verify"], ["serve"], ["ranges"]]
    + [["ranges", name] for name in ("list", "show", "check", "diff", "coverage", "impact", "import", "export")],
)
def test_every_command_has_help(capsys, args):
    """--help ends with 0 and says what the command does."""
    code, out, _ = run(capsys, *args, "--help")
    assert code == 0
    assert out.startswith(f"Usage: labinterp {' '.join(args)}".rstrip())


def test_help_is_quick():
    """Help loads neither pandas nor pint."""
    check = (
        "import sys; from labinterp.cli import main; code = main(['interpret', '--help']); "
        "sys.exit(code or int(bool({'pandas', 'pint', 'numpy'} & set(sys.modules))))"
    )
    env_path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, env=env_path, timeout=60, check=False)  # noqa: S603 - our own
    assert done.returncode == 0


def test_version(capsys):
    """--version prints the version of the library."""
    assert run(capsys, "--version") == (0, f"labinterp {li.__version__}\n", "")


@pytest.mark.parametrize("args", [["nonsense"], ["interpret"], ["ranges", "nonsense"], ["--nonsense"]])
def test_wrong_usage_ends_with_2(capsys, args):
    """What click refuses ends with 2, never with 1, which means a finding."""
    assert run(capsys, *args)[0] == 2


@pytest.mark.parametrize("module", ["click", "rich"])
def test_without_the_extra_the_command_says_what_to_install(capsys, monkeypatch, module):
    """Without click or rich the command ends with 2 and the line that installs them."""
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["--help"]) == 2
    err = capsys.readouterr().err
    assert "pip install 'labinterp[cli]'" in err
    assert err.count("\n") == 1


def test_an_error_of_ours_shows_no_traceback_and_no_text(capsys, monkeypatch):
    """An unforeseen error ends with 70, its kind and place, without the text, which could hold a value."""

    def fail(_):
        raise RuntimeError("MRN-5 has 17.5")

    monkeypatch.delenv("LABINTERP_TRACEBACK", raising=False)
    monkeypatch.setattr(reasoning, "explain", fail)
    code, out, err = run(capsys, "explain", "hypocalcemia")
    assert (code, out) == (70, "")
    assert "RuntimeError" in err
    assert "MRN-5" not in err
    assert "17.5" not in err
