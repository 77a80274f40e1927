"""Clinicians' cases as data: every file of this folder, every case in it; README.md says how one is written."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import labinterp as li

HERE = Path(__file__).parent
NEEDED = {"id", "title", "source", "results"}
EXPECTED = {"present", "possible", "absent", "states", "severity", "upstream", "suggests", "next", "next_is", "unjudged", "flags", "says", "never_says"}  # fmt: skip
KEYS = NEEDED | EXPECTED | {"patient", "ranges", "presentation", "options"}


def load(path):
    """Return the cases of a file; what is wrong with one names the file and the entry."""
    cases = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    for i, case in enumerate(cases):
        place = f"{path.name}: case[{i}] {case.get('id', '')}"
        if unknown := case.keys() - KEYS:
            raise ValueError(f"{place}: unknown key {', '.join(sorted(unknown))}")
        if lacking := NEEDED - case.keys():
            raise ValueError(f"{place}: lacks {', '.join(sorted(lacking))}")
        if not case.keys() & EXPECTED:
            raise ValueError(f"{place}: expects nothing")
    return cases


CASES = [case for path in sorted(HERE.glob("*.toml")) for case in load(path)]
IDS = [case["id"] for case in CASES]
ROW = ("test", "value", "unit", "reference_low", "reference_high")


def interpret(case):
    """Return the report of a case."""
    told = li.Presentation(**case["presentation"]) if "presentation" in case else None
    rows = [dict(zip(ROW, row, strict=False)) for row in case["results"]]
    return li.interpret(
        rows,
        li.Patient(**case.get("patient", {})),
        ranges=case.get("ranges", "us"),
        presentation=told,
        **case.get("options", {}),
    )


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_case(case):
    """What must be found is found, what must not is not, and the report says what it should."""
    report = interpret(case)
    found = {finding.code: finding for finding in report.findings}
    text = report.to_json()
    status = {code: finding.status for code, finding in found.items()}
    assert {code: status.get(code) for code in case.get("present", ())} == dict.fromkeys(
        case.get("present", ()), "present"
    )
    assert {code: status.get(code) for code in case.get("possible", ())} == dict.fromkeys(
        case.get("possible", ()), "possible"
    )
    assert not found.keys() & set(case.get("absent", ()))
    assert {state: report.states[state] for state in case.get("states", {})} == case.get("states", {})
    assert {code: found[code].severity for code in case.get("severity", {})} == case.get("severity", {})
    for code, states in case.get("upstream", {}).items():
        assert list(found[code].upstream[: len(states)]) == states
    for code, tests in case.get("suggests", {}).items():
        assert list(found[code].suggested_tests[: len(tests)]) == tests
    assert set(case.get("next", ())) <= set(report.next_tests)
    assert list(report.next_tests) == case.get("next_is", list(report.next_tests))
    assert list(report.unjudged) == case.get("unjudged", list(report.unjudged))
    flags = [item.flag or item.problem for item in report.interpretations]
    assert flags == case.get("flags", flags)
    assert [words for words in case.get("says", ()) if words not in text] == []
    assert [words for words in case.get("never_says", ()) if words in text] == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('id = "a"\nflag = 1', r"broken\.toml: case\[0\] a: unknown key flag"),
        ('id = "b"', r"broken\.toml: case\[0\] b: lacks"),
    ],
)
def test_a_faulty_case_is_refused_with_its_place(tmp_path, entry, words):
    """An unknown key or a lack of one is an error that names file and entry."""
    (tmp_path / "broken.toml").write_text(f"[[case]]\n{entry}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        load(tmp_path / "broken.toml")


def test_there_are_cases_enough_and_none_twice():
    """At least 150 cases, each with an id of its own and the source of what it expects."""
    assert len(CASES) >= 150
    assert len(set(IDS)) == len(IDS)
    assert all(case["source"].strip() for case in CASES)


def test_the_page_lists_every_case():
    """`docs/cases.md` is what `tools/cases_page.py` writes."""
    root = HERE.parents[1]
    tool = runpy.run_path(str(root / "tools" / "cases_page.py"))
    assert (root / "docs" / "cases.md").read_text("utf-8") == tool["page"]()


def test_a_frame_answers_every_case_alike():
    """All cases as rows of one table have the findings and the statuses that each has alone."""
    plain = [case for case in CASES if case.get("ranges", "us") == "us" and "options" not in case]
    rows = [
        {"patient_id": case["id"], **dict(zip(ROW, row, strict=False)), **case.get("patient", {})}
        for case in plain
        for row in case["results"]
    ]
    alone = [
        (case["id"], finding.code, finding.status, finding.severity)
        for case in plain
        for finding in interpret(case).findings
    ]
    found = li.interpret_frame(pd.DataFrame(rows), panel="patient").findings
    together = found[["patient_id", "finding", "status", "severity"]].itertuples(index=False, name=None)
    assert sorted(together) == sorted(alone)
