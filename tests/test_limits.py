"""Every limit of every edition, in every unit that it is printed in: just below, on and just above."""

from __future__ import annotations

import math
from fractions import Fraction

import pandas as pd
import pytest

import labinterp as li
from labinterp._data import reference_ranges_path
from labinterp.codes import FLAG_OF_LEVEL
from labinterp.ranges import ReferenceSet, load_edition, shipped
from labinterp.reading import units
from labinterp.reading.analytes import analytes


def editions():
    return [shipped().edition(name) for name in shipped().ids()]


def cases(edition):
    for entry in edition.entries:
        for unit in entry.units:
            limits = {float(end[unit]) for band in entry.bands for end in (band.lower, band.upper) if end is not None}
            for limit in sorted(limits):
                for value in (math.nextafter(limit, -math.inf), limit, math.nextafter(limit, math.inf)):
                    yield entry, unit, value


def band_of(entry, unit, value):
    """What the entry says of a value in a printed unit, in exact arithmetic, independent of the kernel."""
    x = Fraction(value)
    for band in entry.bands:
        low, high = band.lower, band.upper
        if low is not None:
            limit = Fraction(float(low[unit]))
            if x < limit or (x == limit and not band.lower_inclusive):
                continue
        if high is not None:
            limit = Fraction(float(high[unit]))
            if x > limit or (x == limit and not band.upper_inclusive):
                continue
        return band
    return None


def patient(entry):
    low, high = entry.partition.age_low, entry.partition.age_high
    if low is None and high is None:
        age = 40.5
    elif high is None:
        age = float(low) + 0.25
    else:
        age = (float(low or 0) + float(high)) / 2
        age = age if age != int(age) else math.nextafter(age, 0)
    return li.Patient(
        age=age,
        sex=entry.partition.sex or ("female" if entry.partition.pregnancy else "male"),
        pregnancy=entry.partition.pregnancy or "none",
    )


def plausible(analyte, unit, value):
    scale = units.scale(analyte, unit)
    return analytes()[analyte].hard.holds(value * scale.mul / scale.div)


@pytest.mark.parametrize("edition", editions(), ids=lambda edition: edition.id)
def test_value_on_a_limit_takes_the_band_its_source_says(edition):
    """A result just below, on or just above a limit falls on the side that the source prints, in both faces."""
    rows, expected = [], []
    for entry, unit, value in cases(edition):
        if entry.kind in ("critical_limit", "severity") or not plausible(entry.analyte, unit, value):
            continue
        person = patient(entry)
        result = li.LabResult(entry.analyte, value, unit, method=entry.method)
        report = li.interpret([result], person, ranges=ReferenceSet("x", (edition,)))
        band = band_of(entry, unit, value)
        level = band.level if band else "indeterminate"
        item = report.interpretations[0]
        place = (entry.id, unit, value)
        assert item.range_id == entry.range_id, place
        assert (item.level, item.flag) == (level, FLAG_OF_LEVEL[level]), place
        assert item.band == (band.band if band else None), place
        rows.append({
            "test": entry.analyte, "value": value, "unit": unit, "age": person.age, "sex": person.sex,
            "pregnancy": person.pregnancy, "method": entry.method,
        })  # fmt: skip
        expected.append((item.flag, item.level, item.band, item.range_id, item.low, item.high))
    if rows:
        results = li.interpret_frame(pd.DataFrame(rows), ranges=ReferenceSet("x", (edition,))).results.astype(object)
        names = ["flag", "level", "band", "range_id", "low", "high"]
        found = results[names].where(results[names].notna(), None)
        assert list(found.itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize(
    "edition", [e for e in editions() if any(x.kind == "critical_limit" for x in e.entries)], ids=lambda e: e.id
)
def test_only_critical_limits_give_ll_and_hh(edition):
    """At and beyond a critical limit the flag is LL or HH on the side that its place prints; before it, it is not."""
    for entry, unit, value in cases(edition):
        if not plausible(entry.analyte, unit, value):
            continue
        item = li.interpret(
            [li.LabResult(entry.analyte, value, unit)], patient(entry), ranges=["us", edition.id]
        ).interpretations[0]
        band = band_of(entry, unit, value)
        if band is None:
            assert item.flag not in ("LL", "HH")
        else:
            assert item.flag == {"very_low": "LL", "very_high": "HH"}[band.level]
            assert entry.range_id in item.range_id.split("|")
            assert item.level == band.level


@pytest.mark.parametrize("name", list(shipped().profiles()))
def test_profiles_give_no_critical_flag(name):
    """No shipped profile has critical limits: places differ, so the caller names the place."""
    assert not any(entry.kind == "critical_limit" for e in li.reference_set(name).editions for entry in e.entries)


def test_limit_printed_in_another_unit_is_met_within_the_tolerance():
    """A value that is converted meets the limit itself: 0.5 mmol/L and 1 mEq/L of magnesium are one amount."""
    for value, unit in ((0.8, "mmol/L"), (1.6, "meq/L"), (800, "umol/L")):
        item = li.interpret(
            [li.LabResult("magnesium", value, unit)], li.Patient(age=40), ranges="pathology-harmony/tate-2016"
        ).interpretations[0]
        assert item.value == pytest.approx(0.8, rel=1e-12)
        assert item.flag == "N"
    edge = li.interpret(
        [li.LabResult("magnesium", 700, "umol/L")], li.Patient(age=40), ranges="pathology-harmony/tate-2016"
    )
    assert edge.interpretations[0].flag == "N"
    assert "near_limit" in edge.interpretations[0].notes


def test_dual_printed_limits_are_not_conversions_of_each_other():
    """NICE prints 180 ng/L and 133 pmol/L: each result meets the limit in its own unit."""
    patient_ = li.Patient(age=40)
    flags = {
        (value, unit): li.interpret([li.LabResult("B12", value, unit)], patient_, ranges="nice-ng239/2024")
        .interpretations[0]
        .band
        for value, unit in ((179.9, "ng/L"), (180, "pg/mL"), (132.9, "pmol/L"), (133, "pmol/L"))
    }
    assert list(flags.values()) == ["confirmed deficiency", "indeterminate"] * 2


def test_check_reads_every_shipped_file():
    """Every shipped edition loads by its path as it does by its id."""
    for edition in editions():
        path = reference_ranges_path() / f"{edition.id}.toml"
        assert load_edition(path).sha256 == edition.sha256


def own(folder, text):
    path = folder / "own.toml"
    path.write_text(
        'schema = 1\nid = "own/2026"\ntitle = "Own"\nsource = [{ id = "book", citation = "A book. 2026." }]\n' + text,
        encoding="utf-8",
    )
    return path


def test_a_limit_printed_in_two_units_that_differ_by_less_than_a_double_is_one(tmp_path):
    """Limits that two printed units put closer together than the tolerance fall on one side, in either unit."""
    ours = own(
        tmp_path,
        """[[range]]
id = "magnesium"
analyte = "magnesium"
source = { id = "book", locator = "page 1" }
evidence = "primary"
normal = { from = { "mmol/L" = "0.7", "mg/dL" = "1.701350001" }, up_to = { "mmol/L" = "1.0", "mg/dL" = "2.4305" } }
""",
    )
    flags = [
        li.interpret([li.LabResult("magnesium", *sent)], {"age": 50}, ranges=[ours]).interpretations[0].flag
        for sent in [(0.7, "mmol/L"), ("1.701350001", "mg/dL"), (0.699, "mmol/L"), ("1.70", "mg/dL")]
    ]
    assert flags == ["N", "N", "L", "L"]


def test_a_critical_limit_of_some_patients_alone_is_not_settled_where_the_sex_is_unknown(tmp_path):
    """A value that is critical for women alone is `IND` where the sex is not known, and critical where it is."""
    ours = own(
        tmp_path,
        "".join(
            f"""[[range]]
id = "magnesium-{sex}"
analyte = "magnesium"
kind = "critical_limit"
place = "Here"
partition = {{ sex = "{sex}" }}
source = {{ id = "book", locator = "page 1" }}
evidence = "primary"
bands = [{{ band = "critically low", level = "very_low", below = {{ "mmol/L" = "{limit}" }} }}]
"""
            for sex, limit in (("female", "0.5"), ("male", "0.4"))
        ),
    )
    flags = [
        li.interpret([li.LabResult("magnesium", 0.45, "mmol/L")], {"age": 50, "sex": sex}, ranges=["us", ours])
        .interpretations[0]
        .flag
        for sex in (None, "female", "male")
    ]
    assert flags == ["IND", "LL", "L"]
