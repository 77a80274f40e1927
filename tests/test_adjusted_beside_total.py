"""Calcium adjusted by albumin, beside the total that it comes from."""

import pytest

import labinterp as li
from cli_tools import run

ROWS = [li.LabResult("calcium", 9.4, "mg/dL"), li.LabResult("albumin", 3.5, "g/dL")]


def test_the_adjusted_value_stands_beside_a_total_without_a_finding():
    """A report of a normal calcium holds the adjusted value in the canonical unit, and keeps it in JSON."""
    report = li.interpret(ROWS, li.Patient(age=50))
    assert not report.findings
    expected = li.convert(li.adjusted_calcium(9.4, "mg/dL", 3.5, "g/dL"), "mg/dL", "mmol/L", analyte="calcium")
    assert report.interpretations[0].adjusted == pytest.approx(expected)
    assert report.interpretations[1].adjusted is None
    assert li.Report.from_json(report.to_json()) == report


@pytest.mark.parametrize("person", [{"age": 9}, {"age": 30, "sex": "female", "pregnancy": "trimester_3"}, {"age": 50}])
def test_nothing_is_adjusted_where_the_rule_does_not_hold(person, tmp_path, capsys):
    """Neither a report nor the printed trace shows an adjusted calcium of a child or in pregnancy."""
    rows = [li.LabResult("calcium", 7.0, "mg/dL"), li.LabResult("albumin", 3.9, "g/dL")]
    adult = person == {"age": 50}
    assert (li.interpret(rows, li.Patient(**person)).interpretations[0].adjusted is not None) == adult
    names, values = ",".join(person), ",".join(map(str, person.values()))
    lines = [f"test,value,unit,patient_id,{names}", f"calcium,7.0,mg/dL,p,{values}", f"albumin,3.9,g/dL,p,{values}"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    shown = run(capsys, "interpret", path)[1]
    assert ("7.08 mg/dL" in shown) == adult
