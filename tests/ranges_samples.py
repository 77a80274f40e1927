"""Small editions for the tests of ranges, written into a folder of the test's own."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

from hypothesis import strategies as st

from labinterp import _data
from labinterp.ranges import Library
from labinterp.ranges.exchange.toml import to_toml

SOURCE = [{"id": "book", "citation": "A book. 2020."}]


def entry(entry_id, analyte="magnesium", low="0.70", high="1.00", unit="mmol/L", **more):
    return {
        "id": entry_id,
        "analyte": analyte,
        "kind": "reference_interval",
        "partition": {},
        "source": {"id": "book", "locator": "page 1"},
        "evidence": "primary",
        "reviewed_on": dt.date(2026, 11, 22),
        "normal": {"from": {unit: low}, "up_to": {unit: high}},
        **more,
    }


def edition(edition_id, *entries, valid_from=dt.date(2020, 1, 1), **more):
    raw = {
        "schema": 1,
        "id": edition_id,
        "title": edition_id,
        "publisher": "A publisher",
        "published_on": valid_from,
        "valid_from": valid_from,
        "reviewed_on": dt.date(2026, 11, 22),
        "status": "current",
        "use": "interpretive",
        "source": SOURCE,
        **more,
    }
    return raw | ({"range": list(entries)} if entries else {})


def library(folder, *editions, profiles=None):
    """Write editions, profiles and a manifest, and return the library."""
    root = Path(folder)
    for raw in editions:
        path = root / f"{raw['id']}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_toml(raw), encoding="utf-8")
    lines = []
    for name, members in (profiles or {}).items():
        listed = ", ".join(f'{{ id = "{member}", why = "a test" }}' for member in members)
        lines.append(f'[[profile]]\nid = "{name}"\ntitle = "{name}"\neditions = [{listed}]\n')
    (root / "profiles.toml").write_text("\n".join(lines), encoding="utf-8")
    files = {
        path.relative_to(root).as_posix(): _data.sha256(path.read_bytes())
        for path in (*root.glob("*/*.toml"), root / "profiles.toml")
    }
    listed = "".join(f'"{path}" = "{digest}"\n' for path, digest in files.items())
    (root / "manifest.toml").write_text(f"[files]\n{listed}", encoding="utf-8")
    return Library(root)


_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30).filter(
    lambda text: text.strip()
)
_NUMBERS = st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True).map(sorted)
_AGES = st.sampled_from([None, ">= 18 a", "< 7 d", ">= 1 wk, < 18 a", ">= 0.5 a, < 12 mo"])


@st.composite
def _limits(draw, number):
    text = f"{Decimal(number) / 100:.{draw(st.integers(2, 4))}f}"
    return {"mmol/L": text}


@st.composite
def _interval(draw):
    ends = [draw(_limits(number)) for number in draw(_NUMBERS)]
    sides = {draw(st.sampled_from(["from", "above"])): ends[0]}
    if len(ends) > 1:
        sides[draw(st.sampled_from(["up_to", "below"]))] = ends[-1]
    return {"kind": "reference_interval", "normal": sides}


@st.composite
def _decision(draw):
    ends = [draw(_limits(number)) for number in draw(_NUMBERS)]
    levels = ["very_low", "low", "borderline_low", "normal", "high", "very_high"][: len(ends) + 1]
    bands = [{"band": draw(_TEXT).strip(), "level": level} for level in levels]
    for end, below, over in zip(ends, bands, bands[1:], strict=False):
        inside = draw(st.booleans())
        below["up_to" if inside else "below"] = end
        over["above" if inside else "from"] = end
    return {"kind": "decision_limit", "bands": bands}


@st.composite
def _critical(draw):
    low, high = sorted(draw(st.sets(st.integers(1, 99), min_size=2, max_size=2)))
    bands = [
        {"band": "low", "level": "very_low", draw(st.sampled_from(["below", "up_to"])): draw(_limits(low))},
        {"band": "high", "level": "very_high", draw(st.sampled_from(["above", "from"])): draw(_limits(high))},
    ]
    return {
        "kind": "critical_limit",
        "place": draw(_TEXT),
        "bands": draw(st.sampled_from([bands, bands[:1], bands[1:]])),
    }


def severity(entry_id="severe", analyte="magnesium", low="0.40", high="2.00", unit="mmol/L", **more):
    """Return an entry that says from where on a result is severe."""
    bands = [
        {"band": "severely low", "level": "very_low", "below": {unit: low}},
        {"band": "severely high", "level": "very_high", "above": {unit: high}},
    ]
    body = entry(entry_id, analyte, **more)
    body.pop("normal")
    return body | {"kind": "severity", "bands": bands}


@st.composite
def _severity(draw):
    critical = draw(_critical())
    return {"kind": "severity", "bands": critical["bands"]}


@st.composite
def editions(draw):
    """Right editions of magnesium with texts of every kind."""
    where = {
        "age": draw(_AGES),
        "sex": draw(st.sampled_from([None, "female"])),
        "pregnancy": draw(st.sampled_from([None, "none"])),
    }
    partition = {key: value for key, value in where.items() if value}
    entries = []
    for number, part in enumerate([draw(st.one_of(_interval(), _decision())), draw(_critical()), draw(_severity())]):
        body = {**entry(f"range-{number}"), "partition": partition, "note": draw(_TEXT), "method": draw(_TEXT)}
        body.pop("normal")
        entries.append({**body, **part, "source": {"id": "book", "locator": draw(_TEXT)}})
    sources = [{"id": "book", "citation": draw(_TEXT)}, {"id": "unused", "citation": draw(_TEXT)}]
    raw = edition("a-publisher/2020.1", *entries, title=draw(_TEXT), note=draw(_TEXT), source=sources)
    none = {"analyte": "vitamin_d", "reason": draw(_TEXT), "source": {"id": "book", "locator": draw(_TEXT)}}
    return raw | {"no_categories": [none]} if draw(st.booleans()) else raw
