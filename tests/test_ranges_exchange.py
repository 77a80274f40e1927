"""Editions as CSV and as FHIR ObservationDefinition, out and in."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ranges_samples as samples
from labinterp.errors import ReferenceSetError
from labinterp.ranges import shipped
from labinterp.ranges.exchange.csv import COLUMNS, export_csv, import_csv
from labinterp.ranges.exchange.fhir import export_fhir, import_fhir
from labinterp.ranges.exchange.toml import read, to_raw, to_toml

OWN = """range,analyte,age,from,up_to,evidence,source,locator,citation
magnesium,magnesium,>= 18 a,0.70 mmol/L,1.00 mmol/L,primary,handbook,page 12,My Hospital. Handbook. 2026.
"""
NAMED = {"id": "my-hospital/2026", "title": "My Hospital"}


def content(edition):
    raw = to_raw(edition)
    return {**raw, "source": sorted(raw["source"], key=lambda each: each["id"])}


@pytest.mark.parametrize("name", shipped().ids())
def test_shipped_editions_survive_csv_and_fhir(name):
    """Every shipped edition comes back from CSV and from FHIR without loss."""
    edition = shipped().edition(name)
    assert content(import_csv(export_csv(edition))) == content(edition)
    assert content(import_fhir(json.loads(json.dumps(export_fhir(edition))))) == content(edition)
    assert to_toml(import_csv(export_csv(edition))).count("[[") == to_toml(edition).count("[[")


@settings(max_examples=60)
@given(samples.editions())
def test_any_edition_survives_csv_and_fhir(raw):
    """Whatever texts an edition has, CSV and FHIR give them back."""
    edition = read(to_toml(raw))
    assert content(import_csv(export_csv(edition))) == content(edition)
    assert content(import_fhir(json.loads(json.dumps(export_fhir(edition))))) == content(edition)


@settings(max_examples=40)
@given(samples.editions())
def test_no_cell_is_active_or_changed_by_a_spreadsheet(raw):
    """No cell begins like a formula, and none is a bare number or date that a spreadsheet would rewrite."""
    rows = list(csv.reader(io.StringIO(export_csv(read(to_toml(raw))))))
    assert rows[0] == list(COLUMNS)
    for cell in (cell for row in rows[1:] for cell in row if cell):
        assert cell[0] not in "=+-@\t\r"
        assert not re.fullmatch(r"[0-9 .,:/%-]*", cell)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "@SUM(A1)",
        "-2",
        "1.10",
        "1-2",
        "2026-01",
        "Jan 2026",
        "5 Mar",
        "1e5",
        "TRUE",
        "3 a",
        "'quoted",
        "10:30",
        "+x",
        "1/2",
    ],
)
def test_cells_that_a_spreadsheet_would_change_are_marked(text):
    """A locator that looks like a formula, number or date is marked as text, and comes back as it was."""
    edition = read(to_toml(samples.edition("a/b", samples.entry("m", source={"id": "book", "locator": text}))))
    row = next(csv.DictReader(io.StringIO(export_csv(edition))))
    assert row["locator"] == f"'{text}"
    assert import_csv(export_csv(edition)).entries[0].source.locator == text


def test_zeros_survive_a_spreadsheet():
    """A number stands with its unit, so that no zero is lost."""
    row = next(csv.DictReader(io.StringIO(export_csv(read(to_toml(samples.edition("a/b", samples.entry("m"))))))))
    assert (row["from"], row["up_to"]) == ("0.70 mmol/L", "1.00 mmol/L")


@pytest.mark.parametrize("mark", [lambda text: text, lambda text: "\ufeff" + text,
                                  lambda text: text.replace("\n", "\r\n"),
                                  lambda text: text.replace(",", ";"), lambda text: text.replace(",", "\t"),
                                  lambda text: text.rstrip("\n"), lambda text: text + ",,,,,,,,\n"])  # fmt: skip
def test_own_table_is_read_however_it_was_saved(mark):
    """Byte order mark, line ends, separators and empty rows of spreadsheet programs do not matter."""
    found = import_csv(mark(OWN), **NAMED)
    assert (found.id, found.own, str(found.entries[0].normal.upper)) == ("my-hospital/2026", True, "1.00 mmol/L")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            OWN.replace("0.70 mmol/L", "0.70"),
            "line 2: from: expected a number and its unit, such as 0.70 mmol/L, got '0.70'",
        ),
        (OWN.replace("0.70 mmol/L", '"0,70 mmol/L"'), "line 2: range[1].normal.from: expected a number, got '0,70'"),
        (OWN.replace("0.70", "7.0"), "line 2: range[1].normal: the limits are inverted"),
        (OWN.replace("page 12", ""), "line 2: range[1].source.locator: missing"),
        (OWN.replace("analyte", "analite", 1), "column analite: unknown; did you mean 'analyte'?"),
        (OWN + OWN.splitlines()[1], "line 3: a second row of the interval 'magnesium', from line 2"),
        (OWN + OWN.splitlines()[1].replace("Handbook.", "Other."), "line 3: citation: is not the same as before"),
        (OWN + "a,b,c,d,e,f,g,h,i,j\n", "line 3: has more than 9 cells"),
        ("", "the table has no rows"),
        ("\0", "not a CSV text"),
        ("x" * 1_000_001, "the table is larger than 1 MB"),
        ('a\n"' + "x" * 200_000, "not CSV"),
    ],
)
def test_faults_of_a_table_name_their_line(text, words):
    """A fault in a table is reported with its line, beside all others."""
    with pytest.raises(ReferenceSetError) as caught:
        import_csv(text, **NAMED)
    assert any(words in fault for fault in caught.value.faults), caught.value.faults


@settings(max_examples=100)
@given(st.text(max_size=200))
def test_junk_is_no_table(text):
    """Whatever the text, the answer is an edition or the faults."""
    with pytest.raises(ReferenceSetError):
        import_csv(text, **NAMED)


def quantity(value, code="mmol/L"):
    return {"value": value, "unit": code, "system": "http://unitsofmeasure.org", "code": code}


def foreign(**interval):
    body = {"category": "reference", "range": {"low": quantity(0.7), "high": quantity(1)}, **interval}
    coding = {"system": "http://loinc.org", "code": "2601-3"}
    return {"resourceType": "ObservationDefinition", "code": {"coding": [coding]}, "qualifiedInterval": [body]}


CITED = {**NAMED, "citation": "My Hospital. Catalog. 2026.", "locator": "magnesium"}


def test_definitions_of_others_are_read_by_what_fhir_says():
    """Both ends of a reference range lie inside it; results outside a critical range are critical."""
    age = {"low": {"value": 18, "code": "a"}, "high": {"value": 60, "code": "a"}}
    edition = import_fhir(foreign(age=age, gender="female", condition="fasting"), **CITED)
    found = edition.entries[0]
    assert (str(found.partition), found.note, found.evidence) == ("age >= 18 a, < 60 a, female", "fasting", "primary")
    assert (str(found.normal.lower), found.normal.lower_inclusive, found.normal.upper_inclusive) == (
        "0.7 mmol/L",
        True,
        True,
    )
    critical = import_fhir(foreign(category="critical"), **CITED).entries[0]
    assert [(band.level, band.lower_inclusive, band.upper_inclusive) for band in critical.bands] == [
        ("very_low", False, False),
        ("very_high", False, False),
    ]
    with pytest.raises(ReferenceSetError, match="the file has no ranges"):
        import_fhir(foreign(category="absolute"), **CITED)


def test_exported_categories_are_those_of_fhir():
    """A normal band is a reference interval, a deficiency has no category, plausibility limits are absolute."""
    bundle = export_fhir(shipped().edition("nice-ng239/2024"))
    intervals = bundle["entry"][0]["resource"]["qualifiedInterval"]
    codes = [each.get("category") for each in intervals]
    assert codes == [None, None, "reference", "absolute"]
    critical = export_fhir(shipped().edition("fairview/critical"), absolute=False)["entry"][0]["resource"][
        "qualifiedInterval"
    ]
    assert [each["category"] for each in critical] == ["critical"]
    assert [critical[0]["range"][side]["value"] for side in ("low", "high")] == [1.0, 7.0]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "resourceType: expected an ObservationDefinition"),
        ([], "resourceType: expected"),
        ({"resourceType": "Bundle", "entry": [{"resource": {}}]}, "entry[1].resource: expected"),
        (foreign(category="odd"), "qualifiedInterval[1].category: expected reference, critical or absolute"),
        (foreign(range={}), "qualifiedInterval[1].range: has neither a low nor a high end"),
        (foreign(range={"low": quantity(0.7, "florps")}), "range.low: the number has no unit that is known"),
        (foreign(range={"low": quantity("0.7")}), "range.low: expected a plain number"),
        (foreign(range={"low": quantity(float("nan"))}), "range.low: expected a plain number"),
        (foreign(range={"low": quantity(2), "high": quantity(1)}), "the limits are inverted"),
        (foreign(gender="other"), "gender: expected female or male, got 'other'"),
        (foreign(appliesTo=[{"text": "x"}]), "appliesTo: cannot be kept"),
        (foreign(gestationalAge={"low": quantity(1)}), "gestationalAge: cannot be kept"),
        (foreign(context={"text": "luteal"}), "context: cannot be kept"),
        (foreign(age={"low": {"value": 1, "code": "fortnight"}}), "age.low: expected a number in one of a, mo, wk, d"),
        ({**foreign(), "code": {"text": "magnesium"}}, "code: no coding that is known"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(document, words):
    """What a definition says and an edition cannot keep is a fault, never dropped."""
    with pytest.raises(ReferenceSetError) as caught:
        import_fhir(document, **CITED)
    assert any(words in fault for fault in caught.value.faults), caught.value.faults


def test_citation_is_asked_for():
    """A definition of others without a citation is refused."""
    with pytest.raises(ReferenceSetError, match=r"source\[1\]\.citation: missing"):
        import_fhir(foreign(), **NAMED)


def test_edited_range_beside_its_extension_is_refused():
    """Where somebody changed the range of our export but not its extension, nobody guesses which is meant."""
    bundle = export_fhir(shipped().edition("nice-ng239/2024"))
    bundle["entry"][0]["resource"]["qualifiedInterval"][0]["range"]["high"]["value"] = 200
    with pytest.raises(ReferenceSetError, match=r"range\.high: differs from the limit in its extension"):
        import_fhir(bundle)


_KEYS = [
    "resourceType",
    "entry",
    "resource",
    "code",
    "coding",
    "qualifiedInterval",
    "range",
    "low",
    "extension",
    "url",
    "age",
    "category",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100)
@given(_JSON, st.sampled_from(["code", "qualifiedInterval", "extension"]))
def test_junk_is_no_definition(junk, key):
    """Whatever the document, the answer is an edition or the faults."""
    for document in (junk, {**foreign(), key: junk}, {"resourceType": "Bundle", "entry": junk}):
        with contextlib.suppress(ReferenceSetError):
            assert import_fhir(document, **CITED).entries
