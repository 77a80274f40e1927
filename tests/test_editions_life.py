"""The life of an edition, as a user meets it: in force on a day, replaced, frozen, corrected, bound to a method."""

from __future__ import annotations

import datetime as dt
import shutil

import pandas as pd
import pytest

import labinterp as li
from labinterp._data import reference_ranges_path
from labinterp.errors import ReferenceSetError
from labinterp.ranges import Library, check, load_edition, shipped
from labinterp.ranges.exchange.toml import to_toml

PATIENT = li.Patient(age=54, sex="male")
DAY = dt.timedelta(days=1)
EDITIONS = [shipped().edition(name) for name in shipped().ids()]

BOUND = """\
schema = 1
id = "my-hospital/assays"
title = "My Hospital, by assay"
source = [{ id = "handbook", citation = "My Hospital. Handbook. 2026." }]
[[range]]
id = "b12-roche"
analyte = "vitamin_b12"
method = "Roche E170"
source = { id = "handbook", locator = "page 3" }
evidence = "primary"
normal = { from = { "ng/L" = "250" }, up_to = { "ng/L" = "1100" } }
"""


def judged(ranges, *, test="magnesium", value=1.65, unit="mg/dL", **more):
    report = li.interpret([li.LabResult(test, value, unit, **more)], PATIENT, ranges=ranges)
    return report, report.interpretations[0]


def test_a_profile_at_a_date_judges_by_what_was_in_force():
    """The same result is judged by the edition of its day; where there was none yet, there is no range."""
    for day, edition in (("2022-06-01", "abim/2021"), ("2026-06-01", "abim/2026-01b")):
        report, item = judged(f"us@{day}")
        assert item.range_id == f"{edition}#magnesium-adult"
        assert edition in {each.id for each in report.provenance.editions}
        assert li.verify(report).ok
    assert judged("us@2020-01-01")[1].problem == "no_reference_range"


def test_reference_sets_on_a_day_hold_what_was_in_force():
    """On the first day of every edition and the day before, the sets hold exactly the editions in force."""
    days = {day for edition in EDITIONS for day in (edition.valid_from, edition.valid_from - DAY)}
    for day in sorted(days):
        found = li.reference_sets(on=day)
        assert [each.id for each in found] == [each.id for each in li.reference_sets(on=day.isoformat())]
        held = {edition for each in found for edition in each.editions}
        assert all(edition.in_force(day) for edition in held)
        alone = {each.editions[0].id for each in found if "/" in each.id}
        replaced = {edition.supersedes for edition in EDITIONS if edition.in_force(day)}
        expected = {e.id for e in EDITIONS if e.in_force(day) and (e.entries or e.no_categories)} - replaced
        assert alone == expected


def test_an_edition_at_a_date_is_the_one_that_it_replaced():
    """Asked for at an earlier day, an edition gives way to the one that it supersedes."""
    for new in EDITIONS:
        if new.supersedes is None or shipped().edition(new.supersedes).valid_from == new.valid_from:
            continue
        before = li.reference_set(f"{new.id}@{new.valid_from - DAY}").editions
        assert [edition.id for edition in before] == [new.supersedes]
        assert [edition.id for edition in li.reference_set(f"{new.id}@{new.valid_from}").editions] == [new.id]


def test_every_released_file_is_frozen(tmp_path):
    """A single byte added to any released file is a fault of that file; put back, it is right again."""
    root = tmp_path / "reference_ranges"
    shutil.copytree(reference_ranges_path(), root)
    for edition in EDITIONS:
        path = root / f"{edition.id}.toml"
        data = path.read_bytes()
        path.write_bytes(data + b"\n")
        faults = Library(root).check(edition.id)
        assert len(faults) == 1
        assert faults[0].startswith(f"{edition.id}.toml: the file was changed after its release")
        path.write_bytes(data)
        assert Library(root).check(edition.id) == ()


def test_an_own_file_cannot_pass_for_a_released_edition(tmp_path):
    """A copy of a released edition is taken while its ranges are the same, and refused once they are not."""
    text = to_toml(shipped().edition("ohsu/magnesium"))
    copy = tmp_path / "copy.toml"
    copy.write_text(text, encoding="utf-8")
    assert load_edition(copy).id == "ohsu/magnesium"
    copy.write_text(text.replace('"1.6"', '"1.5"'), encoding="utf-8")
    [fault] = check(copy)
    assert fault.startswith(f"{copy}: id: 'ohsu/magnesium' is a released edition")
    with pytest.raises(ReferenceSetError):
        judged([copy, "us"])
    own = text.replace('"1.6"', '"1.5"').replace('id = "ohsu/magnesium"', 'id = "my/magnesium"', 1)
    copy.write_text(own.replace('title = "', 'supersedes = "ohsu/magnesium"\ntitle = "', 1), encoding="utf-8")
    assert judged([copy, "us"])[1].range_id.startswith("my/magnesium#")


def test_a_source_without_categories_says_so():
    """Where a source deliberately has no categories, the problem gives that reason and no other edition steps in."""
    report, item = judged("endocrine-society/2024", test="25OHD", value=18, unit="ng/mL")
    assert (item.problem, item.value, item.flag) == ("no_reference_range", pytest.approx(44.93, abs=0.01), None)
    assert "deliberately have no categories" in report.problems[0].message
    assert "no longer endorses" in report.problems[0].message


@pytest.mark.parametrize(
    ("method", "range_id"),
    [
        ("Roche E170", "my-hospital/assays#b12-roche"),
        ("ROCHE  e-170", "my-hospital/assays#b12-roche"),
        (None, "my-hospital/assays#b12-roche"),
        ("Bio-Rad RIA", "aafp/2025#vitamin_b12-adult"),
    ],
)
def test_a_range_bound_to_a_method_answers_for_it_alone(tmp_path, method, range_id):
    """Another method goes to the next edition, in both faces; an unknown one is judged, and that is said once."""
    path = tmp_path / "assays.toml"
    path.write_text(BOUND, encoding="utf-8")
    result = {"test": "B12", "value": 240, "unit": "ng/L", "method": method}
    report = li.interpret([li.LabResult(**result), li.LabResult(**result)], PATIENT, ranges=[path, "us"])
    assert {item.range_id for item in report.interpretations} == {range_id}
    frame = pd.DataFrame([{**result, "age": 54, "sex": "male"}])
    assert li.interpret_frame(frame, ranges=[path, "us"]).results["range_id"].tolist() == [range_id]
    assert sum("Vitamin B12 limits depend on the assay" in note for note in report.notes) == (method is None)
    if method == "Bio-Rad RIA":
        [problem] = li.interpret([li.LabResult(**result)], PATIENT, ranges=path).problems
        assert problem.code == "no_reference_range"
        assert "my-hospital/assays: ranges for another method" in problem.message
