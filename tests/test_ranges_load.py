"""Loading editions: what is kept, the library of shipped files, their life in time."""

from __future__ import annotations

import datetime as dt
import pickle
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edition_manifest as manifests
import ranges_samples as samples
from edition_schema import FILE, json_schema, text
from labinterp._data import read_toml
from labinterp.errors import ReferenceSetError, ReferenceSetNotFound
from labinterp.ranges import Limit, Limits, check, grading, load_edition, reference_set, reference_sets, shipped
from labinterp.ranges.exchange.toml import read, to_toml
from labinterp.ranges.load import parse_edition
from labinterp.ranges.reader import TableReader

ROOT = Path(__file__).parents[1] / "reference_ranges"
OLD = samples.edition("lab/1", samples.entry("mg", low="0.60"), valid_from=dt.date(2010, 1, 1), status="superseded")
NEW = samples.edition(
    "lab/2", samples.entry("mg"), samples.severity(), valid_from=dt.date(2020, 1, 1), supersedes="lab/1"
)
GONE = samples.edition("gone/1", samples.entry("mg"), status="withdrawn", valid_until=dt.date(2021, 1, 1))
DESCRIPTIVE = samples.edition("told/1", samples.entry("mg"), use="descriptive")


def test_numbers_stay_as_printed():
    """A limit keeps its zeros, its unit and its strictness."""
    found = read(to_toml(NEW)).entries[0]
    assert str(found.normal.lower["mmol/L"]) == "0.70"
    assert found.normal.lower_limit("mmol/L") == Limit(Decimal("0.70"), "mmol/L", inclusive=True)
    assert found.normal.lower_limit("mg/dL") is None
    assert [(band.level, band.upper_inclusive) for band in found.bands] == [
        ("low", False),
        ("normal", True),
        ("high", False),
    ]


def test_bare_numbers_stay_as_printed():
    """A number without quotation marks keeps its zeros too."""
    found = read(to_toml(NEW).replace('"0.70"', "0.70")).entries[0]
    assert str(found.normal.lower["mmol/L"]) == "0.70"


def test_limits_are_an_immutable_mapping():
    """The printed values of a limit are a mapping that can be hashed and pickled but not changed."""
    limits = Limits((("ng/L", Decimal(180)), ("pmol/L", Decimal(133))))
    assert dict(limits) == {"ng/L": Decimal(180), "pmol/L": Decimal(133)}
    assert pickle.loads(pickle.dumps(limits)) == limits  # noqa: S301 - our own bytes
    assert len({limits, Limits(limits.pairs)}) == 1
    with pytest.raises(AttributeError):
        limits.pairs = ()
    with pytest.raises(KeyError):
        limits["mg/dL"]


def test_ages_are_exact():
    """Ages are fractions of a year as UCUM defines it."""
    where = read(to_toml(samples.edition("a/b", samples.entry("m", partition={"age": ">= 7 d, < 18 mo"}))))
    assert where.entries[0].partition.age_low == Fraction(28, 1461)
    assert where.entries[0].partition.age_high == Fraction(3, 2)
    assert where.age_breaks() == (Fraction(28, 1461), Fraction(3, 2))


@settings(max_examples=80)
@given(samples.editions())
def test_toml_comes_back(raw):
    """What is written as TOML is read as the same edition."""
    found = read(to_toml(raw), own=False)
    again = read(to_toml(found), own=False)
    assert (again.entries, again.no_categories, again.sources) == (found.entries, found.no_categories, found.sources)
    assert (again.title, again.note, again.published_on) == (found.title, found.note, found.published_on)
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own bytes


@settings(max_examples=100)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_junk_is_refused_in_words(data):
    """Whatever the bytes, the answer is an edition or faults, never another exception."""
    reader = TableReader("junk", own=True)
    assert parse_edition(data, reader, lambda _: True) is None
    assert reader.faults


@settings(max_examples=60)
@given(samples.editions(), st.data())
def test_damaged_files_are_refused_in_words(raw, data):
    """Any value of a right file may be replaced by junk: the answer is an edition or faults."""
    places = [(raw, key) for key in raw] + [(part, key) for part in raw["range"] for key in part]
    table, key = data.draw(st.sampled_from(places))
    junk = st.sampled_from(
        [5, True, "", "x", [], {}, [[]], {"a": 1}, [{"band": {}}], Decimal("1e9"), dt.date(2020, 1, 1)]
    )
    table[key] = data.draw(junk)
    reader = TableReader("junk", own=True)
    found = parse_edition(to_toml(raw).encode("utf-8", "replace"), reader, lambda _: True)
    assert (found is None) == bool(reader.faults)


def test_own_file_needs_less_than_a_shipped_one(tmp_path):
    """The ten lines of FORMAT.md are a whole file of one's own, and not enough for a shipped one."""
    text = re.search(r"```toml\n(schema = 1\n.*?)```", (ROOT / "FORMAT.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    assert len(text.strip().splitlines()) == 10
    path = tmp_path / "ours.toml"
    path.write_text(text, encoding="utf-8")
    found = load_edition(path)
    assert (found.own, found.status, found.use) == (True, "current", "interpretive")
    assert found.entries[0].kind == "reference_interval"
    with pytest.raises(ReferenceSetError) as caught:
        read(text, own=False)
    missing = {fault.split(": ")[1] for fault in caught.value.faults}
    assert {"publisher", "valid_from", "range[1].partition", "range[1].kind", "range[1].reviewed_on"} <= missing


@pytest.mark.parametrize(
    "block",
    re.findall(
        r"```toml\n((?:normal|place|bands) .*?)```", (ROOT / "FORMAT.md").read_text(encoding="utf-8"), re.DOTALL
    ),
)
def test_examples_of_the_format_page_load(block):
    """Every piece of TOML in FORMAT.md is right within its range or grade."""
    grade = "grade =" in block
    head = to_toml(samples.edition("a/b"))
    analyte = "vitamin_d" if "nmol/L" in block else "magnesium"
    body = samples.entry("x", analyte) | {"kind": "critical_limit"}
    if "place" not in block or grade:
        del body["kind"]
    del body["normal"]
    if grade:
        body |= {"term": "Low", "direction": "low"}
    table = to_toml({"grade" if grade else "range": [body]})
    assert read(head + table + block)


def test_byte_order_mark_and_line_ends_do_not_matter(tmp_path):
    """A file saved under Windows is the same edition, with the same hash apart from the mark."""
    plain, windows, marked = (tmp_path / name for name in ("a.toml", "b.toml", "c.toml"))
    data = to_toml(NEW | {"supersedes": "abim/2021"}).encode()
    plain.write_bytes(data)
    windows.write_bytes(data.replace(b"\n", b"\r\n"))
    marked.write_bytes(b"\xef\xbb\xbf" + data)
    assert load_edition(plain) == load_edition(windows)
    assert load_edition(marked).entries == load_edition(plain).entries


def test_profile_reads_only_its_own_files(tmp_path):
    """A broken file among the shipped ones loses no other edition and no profile that does without it."""
    library = samples.library(tmp_path, OLD, NEW, profiles={"fine": ["lab/2"], "hurt": ["bad/1", "lab/2"]})
    bad = tmp_path / "bad" / "1.toml"
    bad.parent.mkdir()
    bad.write_text("schema = ", encoding="utf-8")
    assert "hurt" not in "".join(found.id for found in reference_sets(library=_fresh(library, "fine")))
    library = _fresh(library, "fine", "hurt")
    assert [each.id for each in reference_set("fine", library=library).editions] == ["lab/2"]
    with pytest.raises(ReferenceSetError, match=r"bad/1\.toml: not TOML"):
        reference_set("hurt", library=library)
    assert [found.id for found in reference_sets(library=library)] == ["fine", "lab/2"]
    assert [each.id for each in library.editions()] == ["lab/1", "lab/2"]


def _fresh(library, *profiles):
    table = {"fine": ["lab/2"], "hurt": ["bad/1", "lab/2"]}
    return samples.library(library.root, profiles={name: table[name] for name in profiles})


def test_broken_profiles_leave_editions_alone(tmp_path):
    """A fault in profiles.toml is reported with its place, and editions can still be named."""
    library = samples.library(tmp_path, NEW | {"supersedes": "lab/2x"}, OLD, profiles={"us": ["lab/1", "lab/3"]})
    with pytest.raises(
        ReferenceSetError, match=r"profiles\.toml: profile\[1\]\.editions\[2\]\.id: there is no edition 'lab/3'"
    ):
        reference_set("us", library=library)
    assert reference_set("lab/1", library=library).editions
    with pytest.raises(ReferenceSetError, match="supersedes: there is no edition 'lab/2x'"):
        reference_set("lab/2", library=library)


def test_shipped_file_is_named_by_its_path(tmp_path):
    """A shipped file whose id is not its path is refused."""
    library = samples.library(tmp_path, OLD)
    (tmp_path / "lab" / "1.toml").rename(tmp_path / "lab" / "7.toml")
    assert library.check("lab/7") == ("lab/7.toml: id: expected 'lab/7', as the path says, got 'lab/1'",)


def test_edited_released_file_is_refused(tmp_path):
    """A released file that was changed is refused, by loading and by the manifest, and the others still load."""
    library = samples.library(tmp_path, OLD, NEW)
    path = tmp_path / "lab" / "2.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("0.70", "0.75"), encoding="utf-8")
    with pytest.raises(ReferenceSetError, match=r"lab/2\.toml: the file was changed after its release"):
        library.edition("lab/2")
    assert library.edition("lab/1")
    assert manifests.differences(tmp_path) == (
        "lab/2.toml: changed after its release; restore it, and put changes into a new edition that supersedes it",
    )
    before = (tmp_path / "manifest.toml").read_text(encoding="utf-8")
    assert manifests.update(tmp_path)
    assert (tmp_path / "manifest.toml").read_text(encoding="utf-8") == before


def test_manifest_takes_new_files_and_profiles(tmp_path):
    """New editions and changed profiles enter the manifest; a removed edition is refused."""
    samples.library(tmp_path, OLD)
    (tmp_path / "lab" / "2.toml").write_text(to_toml(NEW), encoding="utf-8")
    (tmp_path / "profiles.toml").write_text("# changed\n", encoding="utf-8")
    assert len(manifests.differences(tmp_path)) == 2
    assert manifests.update(tmp_path) == ()
    assert manifests.differences(tmp_path) == ()
    (tmp_path / "lab" / "1.toml").unlink()
    assert manifests.update(tmp_path) == ("lab/1.toml: in the manifest, but missing",)
    assert manifests.update(tmp_path, rewrite=True) == ()
    assert set(manifests.released(tmp_path)) == {"lab/2.toml", "profiles.toml"}


@pytest.mark.parametrize(
    ("day", "editions"),
    [
        ("2009-12-31", []),
        ("2010-01-01", ["lab/1"]),
        ("2019-12-31", ["lab/1"]),
        ("2020-01-01", ["lab/2", "gone/1"]),
        ("2021-01-02", ["lab/2"]),
    ],
)
def test_profile_at_a_date_has_what_was_in_force(tmp_path, day, editions):
    """A profile at a date goes back along `supersedes`; withdrawn and future editions drop out."""
    library = samples.library(tmp_path, OLD, NEW, GONE, profiles={"us": ["lab/2", "gone/1"]})
    found = reference_set(f"us@{day}", library=library)
    assert [each.id for each in found.editions] == editions
    assert found.id == f"us@{day}"
    assert reference_set("us", on=day, library=library) == found
    assert reference_set("us", on=dt.date.fromisoformat(day), library=library) == found
    in_force = {
        each.editions[0].id for each in reference_sets(on=day, library=library) if each.id.startswith(("lab", "gone"))
    }
    assert in_force == set(editions)


def test_editions_that_supersede_each_other_end(tmp_path):
    """Editions that name each other in a circle stop nothing."""
    library = samples.library(tmp_path, OLD | {"supersedes": "lab/2"}, NEW)
    assert reference_set("lab/2@2000-01-01", library=library).editions == ()


def test_descriptive_edition_stands_alone(tmp_path):
    """Descriptive ranges can be asked for alone, and are refused in profiles and lists."""
    library = samples.library(tmp_path, NEW | {"supersedes": "told/1"}, DESCRIPTIVE, profiles={"us": ["told/1"]})
    assert reference_set("told/1", library=library).editions
    assert reference_set(["told/1"], library=library).editions
    for spec in ("us", ["lab/2", "told/1"]):
        with pytest.raises(ReferenceSetError, match="told/1: its ranges are descriptive"):
            reference_set(spec, library=library)


@pytest.mark.parametrize(
    "spec",
    ["nope", "", "/", "us@", "us@2020-02-30", "us@yesterday", "../profiles", "../../etc/passwd", "abim/../nam/2011",
     "US", "a" * 10_000, "none.toml", "\0", 5, None, b"us", {"us"}, ["us", "nope"], 1.5, object()],
)  # fmt: skip
def test_unknown_names_are_not_found(spec):
    """Whatever is no known name is not found; nothing outside the closed list is opened."""
    with pytest.raises(ReferenceSetNotFound) as caught:
        reference_set(spec)
    assert len(str(caught.value)) < 600


def test_names_are_suggested():
    """A name that is nearly right is suggested."""
    with pytest.raises(ReferenceSetNotFound, match=r"did you mean 'nice-ng239/2024'\?"):
        reference_set("nice-ng239/2023")


def test_lists_keep_their_order(tmp_path):
    """A list of names, files and sets is one set in the order given, without repetitions."""
    path = tmp_path / "ours.toml"
    path.write_text(to_toml(samples.edition("ours/1", samples.entry("mg"))), encoding="utf-8")
    found = reference_set([path, "nam/2011", reference_set("nam/2011"), str(path)])
    assert [each.id for each in found.editions] == ["ours/1", "nam/2011"]
    assert found.id == "ours/1+nam/2011"
    assert reference_set([]).editions == ()
    assert reference_set(reference_set(["nam/2011"])) == reference_set("nam/2011")


def test_grading_is_no_range_and_range_no_grading():
    """An edition without grades is no grading, and the message lists those that are."""
    assert grading("ctcae/5.0").grades
    with pytest.raises(ReferenceSetNotFound, match=r"ctcae/4\.03, ctcae/5\.0, ctcae/6\.0, daids/2\.1"):
        grading("nam/2011")


def test_every_shipped_edition_is_right():
    """No shipped edition and no profile has a fault."""
    library = shipped()
    assert {name: faults for name in library.ids() if (faults := library.check(name))} == {}
    assert [check(ROOT / f"{name}.toml") for name in library.ids()] == [()] * len(library.ids())
    for name in library.profiles():
        assert reference_set(name).editions


def test_released_files_are_unchanged():
    """Every shipped file is in the manifest and is the one that was released."""
    assert manifests.differences() == ()
    assert manifests.main(["--check"]) == 0


def test_every_superseded_edition_says_so():
    """An edition that another one replaces counts as replaced, whatever its frozen file says, and does not begin later."""
    library = shipped()
    for edition in library.editions():
        if edition.supersedes is not None:
            old = library.edition(edition.supersedes)
            assert old.status != "current" or old.id in library.replaced(), (edition.id, old.id)
            assert old.valid_from <= edition.valid_from, (edition.id, old.id)


def test_json_schema_is_up_to_date():
    """The JSON Schema for editors is the one that the loader's own tables give."""
    assert (ROOT / FILE).read_text(encoding="utf-8") == text()


def _json(value):
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else float(value) if isinstance(value, Decimal) else value


def test_json_schema_takes_every_shipped_edition():
    """The JSON Schema is one, takes every shipped edition and refuses an unknown key."""
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    for name in shipped().ids():
        validator.validate(_json(read_toml(ROOT / f"{name}.toml")))
    assert not validator.is_valid(_json(NEW | {"sttus": "current"}))
    assert not validator.is_valid(_json(samples.edition("a/b", samples.entry("m", low="1A"))))
