"""Texts of dates and times, read only where they say one time."""

import datetime as dt
import itertools

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labinterp as li
from labinterp._data import knowledge
from labinterp.batch.instants import NO_TIME, read_instants
from labinterp.batch.letters import Letters
from labinterp.errors import InputError
from labinterp.reading import times

WHENS = st.datetimes(dt.datetime.fromisoformat("1970-01-01"), dt.datetime.fromisoformat("2060-12-31")).map(
    lambda at: at.replace(second=0, microsecond=0)
)

EPOCH = dt.datetime.fromisoformat("1970-01-01")
ONE_READING = {
    "2024-03-05": "2024-03-05",
    "2024-03-05T08:15:00+01:00": "2024-03-05 07:15",
    "2024-03-05T08:15:00.123456789Z": "2024-03-05 08:15:00.123456",
    "20240305081500.123+0100": "2024-03-05 07:15:00.123",
    "20240305 0815": "2024-03-05 08:15",
    "20240305T081500Z": "2024-03-05 08:15",
    "2024": "2024-01-01",
    "2024-03": "2024-03-01",
    "5-Mar-2024": "2024-03-05",
    "05MAR2024:08:15:00": "2024-03-05 08:15",
    "05-Mar-24": "2024-03-05",
    "Mar 5th, 2024 8:15 PM": "2024-03-05 20:15",
    "Tue, 5 Mar 2024 08:15:00 -0500": "2024-03-05 13:15",
    "Tue Mar 5 08:15:00 2024": "2024-03-05 08:15",
    "5 de marzo de 2024": "2024-03-05",
    "1er mars 2024 à 08h15": "2024-03-01 08:15",
    "5 марта 2024 г.": "2024-03-05",
    "ngày 5 tháng 3 năm 2024": "2024-03-05",
    "2024年3月5日 8時15分": "2024-03-05 08:15",
    "2024년 3월 5일": "2024-03-05",
    "2024. 3. 5.": "2024-03-05",
    "５/５/２０２４": "2024-05-05",
    "05.03.2024, 08:15 Uhr": "2024-03-05 08:15",
    "05. 03. 2024 8.15": "2024-03-05 08:15",
    "5.3.24": "2024-03-05",
    "13/05/2024": "2024-05-13",
    "03/13/2024 12:05 AM": "2024-03-13 00:05",
    "25-03-2024 2:05 p.m.": "2024-03-25 14:05",
    "2024/3/5": "2024-03-05",
    "2024-03-05T24:00": "2024-03-06",
    "2024-03-05 08:15 EST": "2024-03-05 13:15",
}
NO_READING = [
    "05/03/2024", "05-03-2024", "3/5/24", "13/05/24", "03.13.2024", "45356", "1709625600", "200512", "2024-02-30",
    "2024-13-01", "31/31/2024", "5 listopada 2024", "Wed, 5 Mar 2024", "yesterday", "", " ", "8", "2024-03-05 2024-03-06",
    "5 Mar", "2024-03-05 25:00", "13:05 PM 2024-03-05", "٢٠٢٤-٠٣-٠٥", "March", "2024-03-05 or 06", "5 Mar Apr 2024",
]  # fmt: skip


@pytest.mark.parametrize(("text", "when"), list(ONE_READING.items()))
def test_text_with_one_reading_is_read(text, when):
    """What says one time is read as it, in whatever customary form."""
    assert times.read_time(text) == dt.datetime.fromisoformat(when)
    assert times.read_time(f"  {text} ") == dt.datetime.fromisoformat(when)


@pytest.mark.parametrize("text", NO_READING)
def test_text_without_one_reading_is_not_read(text):
    """What says no time, or more than one, is never read as any."""
    assert times.read_time(text) is None


@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)), st.sampled_from("/- "), st.sampled_from([None, "dmy", "mdy"])
)
def test_order_of_day_and_month_is_never_guessed(day, sign, order):
    """A date of three numbers is read where one order is possible, or where the order was said; else it is not."""
    dmy, mdy = (day.strftime(form.replace("/", sign)) for form in ("%d/%m/%Y", "%m/%d/%Y"))
    midnight = dt.datetime.combine(day, dt.time())
    if day.day > 12 or day.day == day.month:
        assert times.read_time(dmy, order) == times.read_time(mdy, order) == midnight
    else:
        said = {"dmy": dmy, "mdy": mdy}.get(order)
        assert (times.read_time(said, order) if said else midnight) == midnight
        assert times.read_time(dmy) is times.read_time(mdy) is None


@given(WHENS)
def test_points_mean_day_first_whatever_was_said(when):
    """A date with points has its day first."""
    for order in (None, "dmy", "mdy"):
        assert times.read_time(when.strftime("%d.%m.%Y %H:%M"), order) == when


def months():
    for language, names in knowledge("times.toml")["months"].items():
        for number, spellings in enumerate(names, 1):
            for word in spellings.split():
                yield language, number, word


@pytest.mark.parametrize(("language", "number", "word"), list(months()))
def test_every_name_of_a_month_is_read(language, number, word):
    """Each name of a month is that month in every form, or no month where it is another one's elsewhere."""
    meanings = {n for _, n, other in months() if times.fold(other) == times.fold(word)}
    expected = dt.datetime.fromisoformat(f"2024-{number:02}-05") if meanings == {number} else None
    forms = ("5 {} 2024", "05-{}-2024", "5. {} 2024", "{} 5, 2024", "2024-{}-05", "5 DE {} DE 2024", "05{}2024")
    for form, case in itertools.product(forms, (str, str.upper, str.title)):
        assert times.read_time(form.format(case(word))) == expected, (language, form, case(word))


@given(st.text(max_size=80))
def test_any_text_is_a_time_or_none(text):
    """Reading a time never raises."""
    for order in (None, "dmy", "mdy"):
        found = times.read_moment(text, order)
        assert found is None or found.at <= found.until


@pytest.mark.parametrize("value", [20240305, 20240305.0, 2024, 20240305081500])
def test_digits_that_became_numbers_are_read(value):
    """A table that took the digits of a date for a number is understood; a serial number is not guessed."""
    assert times.read_time(value) is not None
    for other in (45356, 45356.34, 1709625600, 1709625600000, True, float("nan"), -2024, 1e300):
        assert times.read_time(other) is None


def test_birth_date_needs_its_century_and_a_year_alone_leaves_a_span():
    """A birth date of two digits is not read; of a year alone every age that it allows is possible."""
    assert times.read_birth("05.03.24") is None
    born = times.read_birth("1971")
    assert times.age_at(born, dt.datetime.fromisoformat("2021-07-01")) == pytest.approx((49.5, 50.5), abs=0.01)
    assert times.age_at(times.read_birth("2021"), dt.datetime.fromisoformat("2021-07-01")) == pytest.approx(
        (0, 0.5), abs=0.01
    )


def test_unknown_order_is_refused():
    """There are two orders of a date besides ISO's."""
    with pytest.raises(InputError, match="date_order"):
        times.check_date_order("ymd")


@pytest.mark.parametrize("text", ["05/03/2024", "soon"])
def test_time_that_cannot_be_read_is_noted(text):
    """A time of collection or a birth date that can't be read is noted on each result."""
    result = li.LabResult("magnesium", 0.5, "mmol/L", collected_at=text)
    (item,) = li.interpret([result], li.Patient(age=50)).interpretations
    assert "time_unreadable" in item.notes
    frame = pd.DataFrame(
        {"test": "magnesium", "value": 0.5, "unit": "mmol/L", "age": 50, "collected_at": [text, "2024", ""]}
    )
    assert li.interpret_frame(frame).results["notes"].astype(object).str.contains("time_unreadable").tolist() == [
        True,
        False,
        False,
    ]
    born = frame.assign(birth_date=text, collected_at="2024-03-05")
    assert li.interpret_frame(born).results["notes"].astype(object).str.contains("time_unreadable").all()


TEXTS = st.one_of(
    st.builds(
        lambda at, form: at.strftime(form),
        st.datetimes(dt.datetime.fromisoformat("1600-01-01"), dt.datetime.fromisoformat("2200-12-31")),
        st.sampled_from(
            [
                day + clock
                for day in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%m-%d-%Y")
                for clock in ("", " %H:%M", "T%H:%M:%S", "T%H:%M:%SZ")
            ]
            + ["%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y", "%Y-%m", "%d-%b-%Y"]
        ),
    ),
    st.from_regex(r"[0-3][0-9][./-][0-3][0-9][./-][12][0-9]{3}( [0-2][0-9]:[0-6][0-9])?", fullmatch=True),
    st.from_regex(r"[0-2][0-9]{3}[/-][0-3][0-9][/-][0-3][0-9]([ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9])?", fullmatch=True),
    st.from_regex(r"[0-2][0-9]{3}[0-3][0-9][0-3][0-9]([0-2][0-9]([0-6][0-9]){1,2})?", fullmatch=True),
    st.text(max_size=20),
    st.none(),
    st.datetimes(dt.datetime.fromisoformat("1900-01-01"), dt.datetime.fromisoformat("2100-01-01")).map(pd.Timestamp),
)


@settings(max_examples=30)
@given(st.lists(TEXTS, min_size=65, max_size=300), st.sampled_from([None, "dmy", "mdy"]))
def test_many_times_at_once_are_read_as_each_alone(values, order):
    """What is read by its digits, many at a time, is what the one grammar reads."""
    read = read_instants(values, order)
    for value, at, note in zip(values, read.at.tolist(), read.notes.tolist(), strict=True):
        moment = times.read_moment(value, order)
        assert at == (NO_TIME if moment is None else (moment.at - EPOCH) // dt.timedelta(microseconds=1)), value
        assert note == 0 if moment is not None and moment.is_exact else True


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXTS, min_size=65, max_size=300), st.sampled_from([pa.string(), pa.large_string()]))
def test_times_are_read_from_the_bytes_of_arrow_as_from_texts(values, kind):
    """The bytes of an Arrow column, of a slice of one too, say what its texts say, ASCII or not."""
    texts = [str(value) for value in values]
    column = pa.array(["Ω 2024-03-05", *texts], kind)[1:]
    read, spelled = read_instants(texts, None), read_instants(texts, None, Letters.of_arrow(column))
    assert spelled.at.tolist() == read.at.tolist()
    assert spelled.notes.tolist() == read.notes.tolist()


def test_a_column_of_timestamps_is_read_at_once():
    """Naive timestamps are their own instants, whatever their resolution."""
    stamps = [None, *pd.date_range("1950-01-01 00:00:00.000000001", periods=200, freq="123h7min")]
    read = read_instants(stamps, None)
    instants = read.at[1:]  # noqa: PD008 - a field of ours
    assert instants.tolist() == [(stamp - EPOCH) // dt.timedelta(microseconds=1) for stamp in stamps[1:]]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("05MAR2024:08:15:00", "2024-03-05T08:15:00"),
        ("2024년 3월 5일 오전 8시 15분", "2024-03-05T08:15:00"),
        ("2024년3월5일8:15", "2024-03-05T08:15:00"),
        ("2024-W10-2", "2024-03-05T00:00:00"),
        ("2024-W10-2T08:15", "2024-03-05T08:15:00"),
        ("03/2024", "2024-03-01T00:00:00"),
        ("March 2024", "2024-03-01T00:00:00"),
        ("2024 March 5", "2024-03-05T00:00:00"),
        ("05-Mar-24", "2024-03-05T00:00:00"),
        ("2024-03-05t08", "2024-03-05T08:00:00"),
    ],
)
def test_a_day_in_other_forms_is_read(text, iso):
    """A day as statistics programs, calendars of weeks and Korean laboratories write it is read; a month is its first day."""
    assert times.read_time(text) == dt.datetime.fromisoformat(iso)


@pytest.mark.parametrize(
    "text", ["2024-W60-1", "March 5 24", "5 5 March 2024", "2024 5 March 6", "März", "32 March 2024"]
)
def test_what_is_no_day_is_none(text):
    """A week, a day or a month that does not exist, and a day without its year, are not read."""
    assert times.read_time(text) is None
