"""Distinct times → instants: the common forms at once by their digits, every other by `labinterp.reading.times`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp.batch.letters import Letters
from labinterp.codes import NOTE_BIT
from labinterp.reading.demographics import is_missing
from labinterp.reading.times import MAX_AGE, read_birth, read_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labinterp.kernel.vector import Bools, Floats, Ints
    from labinterp.reading.times import Moment

_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - times are naive UTC here
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_MICROSECONDS: Final = 1_000_000
_DAY: Final = 86_400 * _MICROSECONDS
_FEW: Final = 64
NO_TIME: Final = int(np.iinfo(np.int64).min)
UNREADABLE: Final = NOTE_BIT["time_unreadable"]
IMPRECISE: Final = NOTE_BIT["time_imprecise"]

_FORMS: Final = ("Y-M-D", "Y/M/D", "YMD", "D.M.Y", "A/B/Y", "A-B-Y")
_LOOSE: Final = ("", " h:m", "Th:m", " h:m:s", "Th:m:s")
_TIGHT: Final = ("", "hm", "hms")
_FRACTIONS: Final = (".fff", ".ffffff")
_ZONES: Final = ("Z", "+o:p", "-o:p", "+op", "-op")
_DIGITS: Final = "YMDABhmsfop"


@attrs.frozen(eq=False)
class Instants:
    """Times in microseconds.

    Args:
        at: `NO_TIME` where there is none or it cannot be read.
        notes: bit mask of what is wrong with each.
    """

    at: Ints
    notes: Ints


@attrs.frozen(eq=False)
class Births:
    """Birth dates.

    Args:
        day: in days since 1970; `NO_TIME` where no day is named, or a time of day besides.
        known: whether it could be read.
        others: those that could be read and are no day, by position.
    """

    day: Ints
    known: Bools
    others: Mapping[int, Moment]


def read_instants(distinct: Sequence[Any], date_order: str | None, letters: Letters | None = None) -> Instants:
    """Read times, of which a None or a blank is none.

    Args:
        distinct: as they were sent.
        date_order: of days and months, where they tell it otherwise in no way.
        letters: the same spelled, where they are at hand.
    """
    at = np.full(len(distinct), NO_TIME, np.int64)
    notes = np.zeros(len(distinct), np.uint64)
    rest: Any = range(len(distinct))
    if len(distinct) > _FEW:
        done = _read_texts(letters or Letters.of(distinct), date_order, at)
        if letters is None:
            done |= _read_stamps(distinct, at)
        rest = np.flatnonzero(~done).tolist()
    for i in rest:
        value = distinct[i]
        moment = read_moment(value, date_order)
        if moment is not None:
            at[i] = (moment.at - _EPOCH) // _MICROSECOND
            notes[i] = 0 if moment.is_exact else IMPRECISE
        elif not is_missing(value):
            notes[i] = UNREADABLE
    return Instants(at, notes)


def read_births(distinct: Sequence[Any], date_order: str | None, letters: Letters | None = None) -> Births:
    """Read birth dates; the arguments are those of `read_instants`."""
    at = np.full(len(distinct), NO_TIME, np.int64)
    read = np.zeros(len(distinct), np.bool_)
    if len(distinct) > _FEW:
        read = _read_texts(letters or Letters.of(distinct), date_order, at)
    plain = read & (at % _DAY == 0)
    day = np.where(plain, at // _DAY, NO_TIME)
    others: dict[int, Moment] = {}
    for i in np.flatnonzero(~plain).tolist():
        birth = read_birth(distinct[i], date_order)
        if birth is not None and birth.is_exact and birth.at.time() == dt.time():
            day[i] = (birth.at - _EPOCH).days
        elif birth is not None:
            others[i] = birth
    known = day != NO_TIME
    known[list(others)] = True
    return Births(day, known, others)


def exact_ages(birth: Ints, instant: Ints) -> Floats:
    """Return ages as `reading.times.age_at` does for birth dates to the day, NaN where there is none.

    Args:
        birth: in days.
        instant: in microseconds.
    """
    if not len(birth):
        return np.zeros(0)
    seen = instant // _DAY
    year = seen.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    month = birth.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    years = year - month // 12
    around = month + 12 * np.minimum(years - 1, 0), month + 12 * np.maximum(years + 1, 0)
    starts, earliest = _months(int(around[0].min()), int(around[1].max()))
    into = birth - starts.take(month - earliest)

    def birthday(years: Ints) -> Ints:
        """Return the birthday so many years after the birth; of a 29th of February the 1st of March."""
        day: Ints = starts.take(month + 12 * years - earliest) + into
        return day

    years -= birthday(years) > seen
    last = birthday(years)
    share = (seen - last) / (birthday(years + 1) - last)
    days = seen - birth
    age: Floats = np.where(years < 1, np.minimum(days / 365.25, np.nextafter(1.0, 0.0)), years + share)
    age[(days < 0) | (year == dt.MAXYEAR - 1970) | (age > MAX_AGE)] = np.nan
    return age


def _months(first: int, last: int) -> tuple[Ints, int]:
    """Return the days since 1970 on which months begin, one more than asked for, and the number of the first month."""
    return np.arange(first, last + 2).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64), first


def _read_stamps(distinct: Sequence[Any], at: Ints) -> Bools:
    """Fill in the instants of a column of naive timestamps; return which are done."""
    done = np.zeros(len(distinct), np.bool_)
    if {*map(type, distinct)} <= {pd.Timestamp, type(None)}:
        rows = [i for i, value in enumerate(distinct) if value is not None]
        if all(distinct[i].tzinfo is None for i in rows):
            done[rows] = True
            stamps = pd.DatetimeIndex([distinct[i] for i in rows])
            at[rows] = stamps.to_numpy().astype("datetime64[us]").astype(np.int64)
    return done


def _read_texts(letters: Letters, date_order: str | None, at: Ints) -> Bools:
    """Fill in the instants of the texts in a common form; return which are done."""
    done = np.zeros(len(at), np.bool_)
    for length in np.flatnonzero(np.bincount(letters.lengths)).tolist():
        forms = _BY_LENGTH.get(length)
        if forms is None:
            continue
        rows, columns = letters.of_length(length)
        digits = columns - np.uint8(ord("0"))
        is_digit = digits <= 9  # noqa: PLR2004 - what is below "0" wraps around
        for form in forms:
            fits = _rows_of_form(columns, is_digit, form)
            if len(fits):
                good, instants = _instants(digits[:, fits], form, date_order)
                at[rows[fits][good]] = instants
                done[rows[fits][good]] = True
    return done


def _rows_of_form(columns: Ints, is_digit: Bools, form: str) -> Ints:
    """Return which texts have a form's marks at their places and digits everywhere else; place by place."""
    fits = np.ones(columns.shape[1], np.bool_)
    for place, mark in enumerate(form):
        if mark not in _DIGITS:
            fits &= columns[place] == ord(mark)
    if fits.any():
        fits &= is_digit[[place for place, mark in enumerate(form) if mark in _DIGITS]].all(axis=0)
    rows: Ints = np.flatnonzero(fits)
    return rows


def _instants(digits: Ints, form: str, date_order: str | None) -> tuple[Ints, Ints]:
    """Return which texts are times that there are, and their instants."""
    part = {name: _number(digits, form, name) for name in _DIGITS if name in form}
    year, good = part["Y"], part["Y"] >= 1
    if "A" in part:
        first, second = part["A"], part["B"]
        month_first = (second > 12) | ((date_order == "mdy") & (first <= 12))  # noqa: PLR2004 - months
        if date_order is None:
            good &= month_first | (first > 12) | (first == second)  # noqa: PLR2004 - months
        day, month = np.where(month_first, second, first), np.where(month_first, first, second)
    else:
        day, month = part["D"], part["M"]
    if form.startswith("YYYYMM"):
        good &= year >= 1800  # noqa: PLR2004 - as in `labinterp.reading.times`
    good &= (month >= 1) & (month <= 12) & (day >= 1)  # noqa: PLR2004 - months
    months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
    first_day, earliest = _months(int(months.min()), int(months.max()))
    month_number = months - earliest
    begin = first_day.take(month_number)
    good &= day <= np.diff(first_day).take(month_number)
    seconds = np.zeros(len(months), np.int64)
    for name, top, weight in (("h", 23, 3600), ("m", 59, 60), ("s", 59, 1)):
        if name in part:
            good &= part[name] <= top
            seconds += part[name] * weight
    if "o" in part:
        minutes = part["o"] * 60 + part["p"]
        good &= (minutes < 24 * 60) & (year > 1) & (year < dt.MAXYEAR)
        seconds -= minutes * (60 if "+" in form else -60)
    rows: Ints = np.flatnonzero(good)
    days = begin + day - 1
    instants = (days * 86_400 + seconds) * _MICROSECONDS
    if "f" in part:
        instants += part["f"] * 10 ** (6 - form.count("f"))
    return rows, instants[rows]


def _number(digits: Ints, form: str, name: str) -> Ints:
    start = form.index(name)
    number: Ints = digits[start].astype(np.int32)
    for place in range(start + 1, start + form.count(name)):
        number *= 10
        number += digits[place]
    return number


def _spelled(form: str) -> str:
    return "".join(mark * (4 if mark == "Y" else 2) if mark in _DIGITS and mark != "f" else mark for mark in form)


def _by_length() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for day in _FORMS:
        for clock in _TIGHT if day == "YMD" else _LOOSE:
            form = _spelled(day + clock)
            found.setdefault(len(form), []).append(form)
    for clock in _LOOSE[1:]:
        for fraction in ("", *_FRACTIONS) if clock.endswith("s") else ("",):
            for zone in _ZONES if not fraction else ("", *_ZONES):
                form = _spelled("Y-M-D" + clock + fraction + zone)
                found.setdefault(len(form), []).append(form)
    return found


_BY_LENGTH: Final = _by_length()
