"""Findings worked out once for all patterns that share what they depend on are those of each pattern."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labinterp.batch import findings
from labinterp.batch.encode import combine, encode
from labinterp.batch.findings import by_parts, by_pattern
from labinterp.batch.instants import exact_ages, read_births, read_instants
from labinterp.batch.runs import Runs
from labinterp.reading.times import Moment, age_at, read_birth, read_moment
from labinterp.reasoning import CRITICAL, LEVELS, SOFT, UNJUDGED_CODE, parts
from labinterp.reasoning.slots import CONTEXTS, SLOTS

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC


def drawn(seed, count=600):
    random = np.random.default_rng(seed)
    level = random.integers(1, len(LEVELS) + 1, (count, len(SLOTS)))
    level += SOFT * (random.random(level.shape) < 0.15) + CRITICAL * (random.random(level.shape) < 0.15)
    what = random.random(level.shape)
    level[what < 0.1] = UNJUDGED_CODE
    level[what > random.choice([0.3, 0.6, 0.9], (count, 1))] = 0
    context = np.stack([random.integers(0, len(values), count) for values in CONTEXTS.values()], axis=1)
    context[random.random(context.shape) < 0.6] = 0
    return np.unique(np.hstack([level, context]).astype(np.uint8), axis=0)


@pytest.mark.parametrize("seed", range(8))
def test_findings_by_parts_are_those_of_each_pattern(seed):
    """A finding that is shared by patterns is word for word the one that reasoning about each pattern gives."""
    patterns = drawn(seed)
    assert told(by_pattern(patterns)) == told(by_parts(patterns))


def told(found):
    """Return how many findings each pattern has, and all of them."""
    return found.number.tolist(), [found.items[i] for i in found.item.tolist()]


@pytest.mark.parametrize("most", [1 << 13, 1])
@pytest.mark.parametrize("before", [1, 300])
def test_findings_do_not_depend_on_what_was_asked_before(before, most, monkeypatch):
    """Findings that are remembered are told in the order and the words of those worked out anew, each listed once."""
    patterns = drawn(8)
    monkeypatch.setattr(findings, "_KEPT", {})
    monkeypatch.setattr(findings, "_MOST_KEPT", most)
    by_parts(patterns[::-1][:before])
    found = by_parts(patterns)
    assert told(found) == told(by_pattern(patterns))
    assert len(set(found.items)) == len(found.items)


def test_what_a_finding_depends_on_is_reasoned_about_once(monkeypatch):
    """Patterns of the next part of a table that differ in nothing that matters cost a look."""
    patterns = drawn(9)
    found = by_parts(patterns)
    monkeypatch.setattr(findings, "reason", None)
    monkeypatch.setattr(parts, "status_of", None)
    assert told(by_parts(patterns)) == told(found)


@given(
    st.lists(
        st.tuples(
            st.dates(dt.date(1800, 1, 1), dt.date(2030, 1, 1)) | st.dates(dt.date(2000, 2, 27), dt.date(2000, 3, 2)),
            st.integers(-400, 49_000) | st.sampled_from([0, 364, 365, 366, 1460, 1461]),
            st.integers(0, 86_399),
        ),
        min_size=1,
    )
)
def test_ages_of_a_column_are_those_of_each_row(rows):
    """Ages by birth date and time of collection are the same number as where one patient is interpreted."""
    births = [dt.datetime.combine(birth, dt.time()) for birth, _, _ in rows]
    seen = [birth + dt.timedelta(days, seconds) for birth, (_, days, seconds) in zip(births, rows, strict=True)]
    day = np.array([(birth - EPOCH).days for birth in births], np.int64)
    instant = np.array([(at - EPOCH) // dt.timedelta(microseconds=1) for at in seen], np.int64)
    each = [age_at(Moment(birth, birth), at) for birth, at in zip(births, seen, strict=True)]
    ages = [None if age != age else (age, age) for age in exact_ages(day, instant).tolist()]  # noqa: PLR0124 - NaN
    assert ages == each


CLOCKS = ("", "T08:15", " 23:59", "T08:15:59", " 00:00:00", "T08:15:59.123", "T08:15:59.123456", "T24:00", "T08:60")
ZONES = ("", "Z", "z", "+01:00", "-0530", "+23:59", "+24:00", "-00:61", "+99:99", " UTC", "+1:00")


@pytest.mark.parametrize("day", ["0001-01-01", "2024-02-29", "2023-02-29", "1969-12-31", "9999-12-31"])
def test_times_with_zones_and_fractions_are_read_alike_in_columns(day):
    """A column of many times reads each as `read_moment` does: clocks, fractions and zones, and what is none."""
    texts = [None, *(day + clock + zone for clock in CLOCKS for zone in ZONES)]
    read = read_instants(texts, None)
    moments = [None if text is None else read_moment(text) for text in texts]
    expected = [(moment.at - EPOCH) // dt.timedelta(microseconds=1) for moment in moments if moment is not None]
    known = [at for at, moment in zip(read.at.tolist(), moments, strict=True) if moment is not None]
    assert known == expected
    assert [bool(note) for note in read.notes.tolist()[1:]] == [moment is None for moment in moments[1:]]


def test_birth_dates_of_a_column_are_read_like_each():
    """A column of many birth dates knows those that `read_birth` reads, days apart from months and years."""
    texts = [
        None,
        "",
        "1971",
        "1971-03",
        "03/04/71",
        "4.5.1971",
        "1971-03-02T08:00",
        "x",
        *(f"19{i}-02-28" for i in range(10, 99)),
    ]
    births = read_births(texts, None)
    each = [None if text is None else read_birth(text) for text in texts]
    assert births.known.tolist() == [birth is not None for birth in each]
    assert set(births.others) == {2, 3, 6}
    days = [
        EPOCH + dt.timedelta(days=day)
        for i, day in enumerate(births.day.tolist())
        if births.known[i] and i not in births.others
    ]
    assert days == [birth.at for i, birth in enumerate(each) if birth is not None and i not in births.others]


@pytest.mark.parametrize("longest", [1, 6])
def test_texts_that_lie_in_runs_are_encoded_like_any_others(longest):
    """A long column gives back its own texts and gaps, whether neighbors are alike or not."""
    random = np.random.default_rng(longest)
    texts = np.array(["P1", "P2", "", "Ω", None, *map(str, range(3000))], object)
    sent = np.repeat(texts[random.integers(0, len(texts), 40_000)], random.integers(1, longest + 1, 40_000))
    column = pd.Series(sent, dtype="str")
    encoded = encode(column, len(column))
    assert [encoded.distinct[code] for code in encoded.codes.tolist()] == sent.tolist()
    assert len(set(encoded.distinct)) == len(encoded.distinct)


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=12), st.integers(0, 11))
def test_runs_give_every_row_what_holds_for_it(texts, alone):
    """Whatever is worked out once a run comes back to each of its rows; a row that is alone is a run."""
    column = encode(pd.Series(texts, dtype=object), len(texts))
    single = np.arange(len(texts)) == alone
    runs = Runs.of([column], single)
    once = runs.encoded(column)
    assert runs.spread(once.codes).tolist() == column.codes.tolist()
    of_row = runs.spread(np.arange(len(runs.starts))).tolist()
    assert all(of_row.count(run) == 1 for run in of_row[alone : alone + 1])


@pytest.mark.parametrize("rows", [0, 1, 20, 33, 40_000])
@pytest.mark.parametrize("sizes", [(1,), (3, 1, 2), (300, 1, 200, 7), (70_000, 70_000, 3), (5, 4, 70_000, 70_000)])
@pytest.mark.parametrize("share", [None, 0.0, 0.6])
def test_combinations_of_codes_are_numbered_once_each(rows, sizes, share):
    """Rows share a number where they agree in every column, it leads back to their codes, and rows left out have none."""
    random = np.random.default_rng(rows + len(sizes))
    parts = [(random.integers(0, size, rows) // random.integers(1, 4), size) for size in sizes]
    only = None if share is None else random.random(rows) < share
    codes, columns = combine(parts, only)
    wanted = np.full(rows, fill_value=True) if only is None else only
    assert not codes[~wanted].any()
    sent = list(zip(*(part[wanted].tolist() for part, _ in parts), strict=True))
    back = list(zip(*(column[codes[wanted]].tolist() for column in columns), strict=True))
    assert back == sent
    assert len(columns) == len(parts)
    assert {len(column) for column in columns} == {len(set(sent))}
