"""Tables as warehouses have them, made here, the same for the same seed.

Every draw has a time of its own, to the minute, as its site writes it: ISO with and without a zone, or the day first.
A draw has 1 to 12 results in any order, now and then one test twice. Names and units are spelled as the site does,
half of the rows have a range as text, patients have an age with decimals or a birth date, and 3 % of the values are
dirty.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.generate import DIRTY, rounded, write_parts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SITES = 8
WIDTH = 8
"""Tests of a row of the wide table."""
MOST = 12
"""Results of a draw."""
TESTS: dict[str, tuple[float, tuple[float, float], list[str], list[tuple[str, float]]]] = {
    "magnesium": (
        1.9, (1.6, 2.6),
        ["Magnesium", "Mg", "MAGNESIUM, SERUM", "Magnésium", "Magnesio", "19123-9"],
        [("mg/dL", 1), ("mmol/L", 0.4114), ("meq/L", 0.8229), ("MG/DL", 1), ("mg/L", 10), ("ммоль/л", 0.4114)],
    ),
    "calcium": (
        9.4, (8.6, 10.2),
        ["Calcium", "17861-6", "Ca", "CALCIUM, TOTAL", "Kalzium", "Calcio total", "S-Calcium"],
        [("mg/dL", 1), ("mmol/L", 0.2495), ("mg/dl", 1), ("mEq/L", 0.499), ("MMOL/L", 0.2495), ("mmol/l", 0.2495)],
    ),
    "vitamin_d": (
        28.0, (20.0, 50.0),
        ["25(OH)D", "25-Hydroxyvitamin D", "Vitamin D, 25-Hydroxy", "25-OH Vitamin D total", "62292-8"],
        [("ng/mL", 1), ("nmol/L", 2.496), ("ug/L", 1), ("µg/L", 1), ("NG/ML", 1), ("нмоль/л", 2.496)],
    ),
    "vitamin_b12": (
        420.0, (200.0, 900.0),
        ["Vitamin B12", "Vitamin B-12", "B12", "Cobalamin", "Vitamine B12", "2132-9"],
        [("pg/mL", 1), ("pmol/L", 0.7378), ("ng/L", 1), ("pg/ml", 1), ("PG/ML", 1), ("пмоль/л", 0.7378)],
    ),
    "albumin": (
        4.2, (3.5, 5.2),
        ["Albumin", "ALB", "Albumine", "Albúmina", "1751-7"],
        [("g/dL", 1), ("g/L", 10), ("gm/dl", 1), ("G/DL", 1), ("g/l", 10), ("г/л", 10)],  # noqa: RUF001 - Cyrillic
    ),
    "homocysteine": (
        11.0, (5.0, 15.0),
        ["Homocysteine", "Homocystein", "HOMOCYSTEINE, TOTAL", "Homocisteína"],
        [("umol/L", 1), ("µmol/l", 1), ("mcmol/L", 1), ("мкмоль/л", 1)],
    ),
    "creatinine": (0.9, (0.6, 1.2), ["Creatinine", "Kreatinin", "Créatinine"], [("mg/dL", 1), ("umol/L", 88.42)]),
    "phosphate": (3.5, (2.5, 4.5), ["Phosphate", "Phosphorus", "Phosphat"], [("mg/dL", 1), ("mmol/L", 0.3229)]),
    "other": (140.0, (135.0, 145.0), ["Sodium", "Natrium"], [("mmol/L", 1), ("mEq/L", 1)]),
}  # fmt: skip
TEST_CONCEPTS = {
    "magnesium": (3001420, 3012095), "calcium": (3006906, 3015377), "vitamin_d": (40765040, 40771025),
    "vitamin_b12": (3000593, 3009035), "albumin": (3024561, 3024561), "homocysteine": (3016724, 3016724),
    "creatinine": (3016723, 3020564), "phosphate": (3011904, 3003458), "other": (3019550, 3019550),
}  # fmt: skip
"""OMOP's concepts of each test, by mass and by substance."""
UNIT_CONCEPTS = {
    "mg/dL": 8840, "mmol/L": 8753, "ng/mL": 8842, "nmol/L": 8736, "pg/mL": 8845, "pmol/L": 8729, "g/dL": 8713,
    "g/L": 8636, "umol/L": 8749,
}  # fmt: skip
BELOW = 4171756
"""OMOP's concept of the operator `<`."""
SHARE = np.array([0.15, 0.2, 0.15, 0.12, 0.12, 0.06, 0.08, 0.06, 0.06])
"""How often each test is asked for."""


def _zoned(local: Any) -> Any:
    return np.char.add(np.datetime_as_string(local, "s"), "+01:00")


def _in_utc(local: Any) -> Any:
    return np.char.add(np.datetime_as_string(local - np.timedelta64(60, "m"), "s"), "Z")


def _day_first(local: Any) -> Any:
    text = np.datetime_as_string(local, "m").astype("U16").view("U1").reshape(-1, 16)
    order = [8, 9, 7, 5, 6, 4, 0, 1, 2, 3, 10, 11, 12, 13, 14, 15]
    text = np.ascontiguousarray(text[:, order])
    text[:, [2, 5]] = "."
    text[:, 10] = " "
    return text.view("U16").ravel()


def _plain(unit: str) -> Callable[[Any], Any]:
    return lambda local: np.char.replace(np.datetime_as_string(local, unit), "T", " ")


TIMES: list[Callable[[Any], Any]] = [
    _plain("m"), _plain("s"), _zoned, _in_utc, _day_first, lambda local: np.datetime_as_string(local, "m"),
]  # fmt: skip
"""How the sites write a time; a site takes the one of its number."""
RANGES = ("{} - {}", "{}-{}", "({} to {})", "{} – {}")  # noqa: RUF001 - as laboratories print it


def draws_of(rows: int) -> int:
    """Return how many draws have about so many rows."""
    return -(-2 * rows // (MOST + 1))


def table(draws: int, *, first: int = 0, seed: int = 1, scattered: bool = False) -> pa.Table:
    """Return a long table in the `labinterp` layout.

    Args:
        draws: number of draws; rows are 6.5 times as many.
        first: number of the first draw, so that a large file can be made in parts.
        seed: of the random numbers.
        scattered: whether the rows lie in any order.
    """
    random = np.random.default_rng([seed, first])
    number = random.integers(1, MOST + 1, draws)
    of_draw = np.repeat(np.arange(draws), number)
    rows = len(of_draw)
    which = random.choice(len(TESTS), rows, p=SHARE)
    draw = first + np.arange(draws)
    patient = draw // 3
    site = (patient * 31) % SITES
    spelled = {name: _by_site(name) for name in ("name", "unit", "factor")}
    at = which, site[of_draw]
    factor = spelled["factor"][at].astype(float)
    centers = np.array([center for center, *_ in TESTS.values()])
    value = centers[which] * np.exp(random.normal(0, 0.22, rows)) * factor
    text = rounded(value, _digits(value)).astype(object)
    _soil(text, random)
    local, born = _local(patient, draw), _born(patient)
    with_age = patient % 2 == 0
    years = (local.astype("datetime64[D]") - born).astype(int) / 365.25
    columns = {
        "patient_id": np.char.add("P", patient.astype(str))[of_draw],
        "collected_at": _times(local, site)[of_draw],
        "test": spelled["name"][at],
        "value": text,
        "unit": spelled["unit"][at],
        "reference_range": _range_texts(which, site[of_draw], factor, random.random(rows) < 0.5),  # noqa: PLR2004 - half
        "age": np.where(with_age, np.char.mod("%.1f", years), "")[of_draw],
        "birth_date": np.where(with_age, "", born.astype(str))[of_draw],
        "sex": np.where(patient % 2 == 0, "F", "M")[of_draw],
    }
    order = random.permutation(rows) if scattered else slice(None)
    return pa.table({name: pa.array(column[order], pa.string()) for name, column in columns.items()})


def write(path: Path, rows: int, *, scattered: bool = False) -> Path:
    """Write a CSV file of about `rows` rows, in parts; a scattered one is shuffled as a whole."""
    draws = draws_of(rows)
    return write_parts(path, draws, draws if scattered else 30_000, partial(table, scattered=scattered))


def wide(draws: int, *, seed: int = 1) -> pa.Table:
    """Return a table of one row a draw and one column a test, its unit in the heading."""
    random = np.random.default_rng([seed, draws])
    patient = np.arange(draws) // 3
    local = _local(patient, np.arange(draws))
    columns = {
        "patient_id": np.char.add("P", patient.astype(str)),
        "collected_at": _plain("m")(local),
        "age": ((patient * 7919) % 75 + 18).astype(str),
    }
    for name, (center, _, _, units) in TESTS.items():
        if name != "other":
            value = center * np.exp(random.normal(0, 0.22, draws))
            text = rounded(value, _digits(value)).astype(object)
            _soil(text, random)
            text[random.random(draws) < 0.4] = ""  # noqa: PLR2004 - not every test is asked for
            columns[f"{name} ({units[0][0]})"] = text
    return pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})


def omop(draws: int, *, seed: int = 1) -> tuple[pa.Table, pa.Table]:
    """Return a measurement table of OMOP CDM 5.4, as warehouses fill it, and its person table.

    Tests, units and operators are concepts; what was sent stands beside them. A measurement is a number, where it is
    one, with the ends of its range on half of the rows. Persons have a year of birth, every second one a birth date.
    """
    random = np.random.default_rng([seed, draws])
    of_draw = np.repeat(np.arange(draws), random.integers(1, MOST + 1, draws))
    rows = len(of_draw)
    which = random.choice(len(TESTS), rows, p=SHARE)
    person = of_draw // 3
    local = _local(person, of_draw)
    kind = person % 2
    units = [[(text, factor) for text, factor in units if text in UNIT_CONCEPTS][:2] for *_, units in TESTS.values()]
    units = [[each[at % len(each)] for at in (0, 1)] for each in units]
    unit, factor = (np.array([[each[part] for each in pair] for pair in units])[which, kind] for part in (0, 1))
    center, low, high = np.array([(center, *ends) for center, ends, *_ in TESTS.values()])[which].T * factor
    value = center * np.exp(random.normal(0, 0.22, rows))
    text = rounded(value, _digits(value)).astype(object)
    _soil(text, random)
    below = np.array([each.startswith("<") for each in text])
    number = pd.to_numeric(pd.Series(text).str.removeprefix("<"), errors="coerce").to_numpy()
    sent = random.random(rows) < 0.5  # noqa: PLR2004 - half
    concepts = np.array([TEST_CONCEPTS[name] for name in TESTS])
    measurement = {
        "measurement_id": np.arange(rows),
        "person_id": person,
        "measurement_concept_id": concepts[which, kind],
        "measurement_date": local.astype("datetime64[D]").astype(str),
        "measurement_datetime": _plain("s")(local),
        "operator_concept_id": np.where(below, BELOW, 0),
        "value_as_number": number,
        "unit_concept_id": np.array([UNIT_CONCEPTS[each] for each in unit.tolist()]),
        "range_low": np.where(sent, np.round(low, 3), np.nan),
        "range_high": np.where(sent, np.round(high, 3), np.nan),
        "measurement_source_value": np.array([names[0] for _, _, names, _ in TESTS.values()])[which],
        "unit_source_value": unit,
        "value_source_value": text,
    }
    ids = np.arange(draws // 3 + 1)
    born = _born(ids)
    people = {
        "person_id": ids,
        "gender_concept_id": np.where(ids % 2 == 0, 8532, 8507),
        "year_of_birth": born.astype("datetime64[Y]").astype(str).astype(int),
        "birth_datetime": np.where(ids % 2 == 0, born.astype(str), ""),
    }
    return pa.table(measurement), pa.table(people)


def _local(patient: Any, draw: Any) -> Any:
    """Return the time of a draw at its place, to the minute."""
    return np.datetime64("2015-01-01T06:00", "m") + ((patient * 7919) % 1_500_000 + (draw % 3) * 129_607)


def _born(patient: Any) -> Any:
    return np.datetime64("1930-01-01", "D") + (patient * 7919) % 29_000


def _by_site(what: str) -> Any:
    """Return names, units or factors by test and site."""
    found = []
    for _, _, names, units in TESTS.values():
        each = names if what == "name" else [unit if what == "unit" else factor for unit, factor in units]
        found.append([each[site % len(each)] for site in range(SITES)])
    return np.array(found)


def _digits(value: Any) -> Any:
    return np.where(value < 10, 2, np.where(value < 100, 1, 0))  # noqa: PLR2004 - as analyzers print


def _soil(text: Any, random: np.random.Generator) -> None:
    """Make 3 % of the values dirty, in place."""
    dirty = np.flatnonzero(random.random(len(text)) < 0.03)  # noqa: PLR2004 - 3 % as in real data
    kind = random.integers(0, 3, len(dirty))
    below = [f"<{t}" for t in text[dirty]]
    comma = [t.replace(".", ",") for t in text[dirty]]
    text[dirty] = np.select([kind == 0, kind == 1], [below, comma], DIRTY[random.integers(0, len(DIRTY), len(dirty))])


def _times(local: Any, site: Any) -> Any:
    text = np.empty(len(local), object)
    for number, write in enumerate(TIMES):
        rows = site % len(TIMES) == number
        text[rows] = write(local[rows])
    return text


def _range_texts(which: Any, site: Any, factor: Any, sent: Any) -> Any:
    """Return the texts of the ranges, one for each test, site and way to write it."""
    found = np.full(len(which), "", object)
    for test, (_, ends, _, _) in enumerate(TESTS.values()):
        for place in range(SITES):
            rows = np.flatnonzero(sent & (which == test) & (site == place))
            if len(rows):
                low, high = (f"{end * factor[rows[0]]:.3g}" for end in ends)
                found[rows] = RANGES[place % len(RANGES)].format(low, high)
    return found
