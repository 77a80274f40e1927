"""The public contract, beside its sections: provenance, round trip and `verify`."""

from __future__ import annotations

import copy
import datetime as dt
import json
import math
import pickle
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pint
import pytest

import labinterp as li
from contract_helpers import ADULT, CANARY_ID, single


def full_report():
    return li.interpret(
        [
            li.LabResult("25-hydroxyvitamin D", Decimal(9), "ng/mL", collected_at=dt.date(2026, 1, 2), id="x1"),
            li.LabResult("17861-6", "7,9", "mg/dL", reference_low=8.6, reference_high=10.2, collected_at="2026-01-02T08:00:00"),
            li.LabResult("albumin", 4.1, "g/dL", specimen="serum", method="BCG"),
            li.LabResult("magnesium", "<0.5", "mmol/L"), li.LabResult("nonsense", math.nan, None),
            li.LabResult("potassium", math.inf, "mmol/L"),
        ],
        li.Patient(age=54, sex="female", id=CANARY_ID, birth_date=dt.date(1971, 5, 6)),
        grading="ctcae/5.0",
        presentation=li.Presentation(symptoms=("cramps",), course="persistent"),
        decimal=",",
        default_units={"magnesium": "mmol/L"},
    )  # fmt: skip


def test_a_report_round_trips_through_json():
    """`from_json(to_json())` is the same report, and its JSON is plain JSON."""
    report = full_report()
    text = report.to_json()
    json.loads(text, parse_constant=pytest.fail)
    again = li.Report.from_json(text)
    assert again.to_json() == text
    assert again.findings == report.findings
    assert again.states == report.states
    assert again.provenance == report.provenance
    assert json.loads(json.dumps(report.to_dict())) == json.loads(text)


ODD = [
    math.inf, -math.inf, math.nan, Decimal("NaN"), Decimal("Infinity"), Decimal("0.80"), Fraction(4, 5), True, [1], b"0.8", "0,8",
    "<0.5", pd.NA, pd.NaT, dt.date(2020, 1, 1), 0.8 + 0j, 10**400, pint.UnitRegistry().Quantity(8, "g/m^3"),
]  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=lambda value: f"{type(value).__name__}-{value}"[:24])
def test_whatever_was_interpreted_is_read_back_and_verifies(value):
    """A report of any value that `interpret` takes can be written, read back and verified."""
    report = li.interpret([li.LabResult("magnesium", value, "mmol/L" if not hasattr(value, "units") else None)], ADULT)
    assert li.verify(li.Report.from_json(report.to_json())).differences == ()


@pytest.mark.parametrize(
    "age", [54, 54.5, "54", "6 mo", Decimal(54), Fraction(109, 2), math.inf, math.nan, -3, True, "old", None]
)
@pytest.mark.parametrize("pregnancy", [None, "none", True, "trimester_2"])
def test_whatever_a_patient_holds_is_read_back_and_verifies(age, pregnancy):
    """A report of any patient that `interpret` takes can be written, read back and verified."""
    patient = li.Patient.as_sent(age=age, sex="female", pregnancy=pregnancy, birth_date=dt.date(1970, 1, 1))
    report = li.interpret([li.LabResult("magnesium", 0.5, "mmol/L")], patient)
    assert li.verify(li.Report.from_json(report.to_json())).differences == ()


def test_provenance_names_versions_and_hashes():
    """Provenance holds the version of library and knowledge, and id and SHA-256 of every edition."""
    provenance = full_report().provenance
    assert provenance.library_version == li.__version__
    assert provenance.knowledge_version
    editions = {edition.id: edition.sha256 for edition in provenance.editions}
    assert {"abim/2026-01b", "nam/2011", "ctcae/5.0"} <= set(editions)
    assert all(len(sha) == 64 and int(sha, 16) >= 0 for sha in editions.values())


def test_verify_finds_no_difference_in_a_report_and_one_in_a_changed_one():
    """`verify` recomputes a report from its own inputs and says what differs."""
    report = full_report()
    assert li.verify(report).ok
    assert li.verify(li.Report.from_json(report.to_json())).differences == ()
    data = json.loads(report.to_json())
    data["interpretations"][0]["flag"] = "N"
    data["states"]["hypocalcemia"] = "excluded"
    found = li.verify(li.Report.from_json(json.dumps(data)))
    assert not found.ok
    assert len(found.differences) >= 2


def test_reports_and_results_pickle_and_copy():
    """A report survives pickling and copying."""
    report = full_report()
    assert pickle.loads(pickle.dumps(report)).to_json() == report.to_json()  # noqa: S301 - our own bytes
    assert copy.deepcopy(report).to_json() == report.to_json()


def test_editions_in_force_on_a_day():
    """`us@date` and `reference_sets(on=)` pick what was in force on that day."""
    found = {item.id.partition("@")[0] for item in li.reference_sets(on="2022-06-01")}
    assert "abim/2021" in found
    assert "abim/2026-01b" not in found
    assert "nice-ng239/2024" not in found
    assert "nos-ros/2018" in found
    assert "endocrine-society/2011" in found
    now = {item.id for item in li.reference_sets()}
    assert "endocrine-society/2011" not in now
    assert "abim/2026-01b" in now
    assert single("magnesium", 1.2, "mg/dL", ranges="us@2022-06-01").range_id.startswith("abim/2021#")
    early = li.interpret([li.LabResult("magnesium", 1.2, "mg/dL")], ADULT, ranges="us@2020-01-01")
    assert {edition.id for edition in early.provenance.editions}.isdisjoint({"abim/2021", "abim/2026-01b"})
