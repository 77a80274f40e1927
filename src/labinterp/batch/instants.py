"""Distinct times → instants: the common forms at once by their digits, every other by `labinterp.reading.times`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp.codes import NOTE_BIT
from labinterp.reading.demographics import is_missing
from labinterp.reading.times import read_moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.kernel.vector import Bools, Ints

_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - times are naive UTC here
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_MICROSECONDS: Final = 1_000_000
_FEW: Final = 64
NO_TIME: Final = int(np.iinfo(np.int64).min)
UNREADABLE: Final = NOTE_BIT["time_unreadable"]
IMPRECISE: Final = NOTE_BIT["time_imprecise"]

_FORMS: Final = ("Y-M-D", "Y/M/D", "YMD", "D.M.Y", "A/B/Y", "A-B-Y")
_LOOSE: Final = ("", " h:m", "Th:m", " h:m:s", "Th:m:s")
_TIGHT: Final = ("", "hm", "hms")


@attrs.frozen(eq=False)
class Instants:
    """Times in microseconds.

    Args:
        at: `NO_TIME` where there is none or it cannot be read.
        notes: bit mask of what is wrong with each.
    """

    at: Ints
    notes: Ints


def read_instants(distinct: Sequence[Any], date_order: str | None) -> Instants:
    """Read times, of which a None or a blank is none."""
    at = np.full(len(distinct), NO_TIME, np.int64)
    notes = np.zeros(len(distinct), np.uint64)
    rest: Any = range(len(distinct))
    if len(distinct) > _FEW:
        done = _read_texts(distinct, date_order, at) | _read_stamps(distinct, at)
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


def _read_texts(distinct: Sequence[Any], date_order: str | None, at: Ints) -> Bools:
    """Fill in the instants of the texts in a common form; return which are done."""
    done = np.zeros(len(distinct), np.bool_)
    lengths = np.array([len(value) if type(value) is str else 0 for value in distinct], np.int64)
    for length in np.unique(lengths).tolist():
        forms = _BY_LENGTH.get(length)
        if forms is None:
            continue
        rows = np.flatnonzero(lengths == length)
        texts = "".join([distinct[i] for i in rows.tolist()]).encode("ascii", "replace")
        signs = np.frombuffer(texts, np.uint8).reshape(-1, length)
        for form in forms:
            fits = _rows_of_form(signs, form)
            good, instants = _instants(signs[fits], form, date_order)
            at[rows[fits][good]] = instants
            done[rows[fits][good]] = True
    return done


def _rows_of_form(signs: Ints, form: str) -> Ints:
    """Return which rows have a form's marks at their places and digits everywhere else."""
    fits = np.ones(len(signs), np.bool_)
    for place, mark in enumerate(form):
        column = signs[:, place]
        fits &= (column >= ord("0")) & (column <= ord("9")) if mark in "YMDABhms" else column == ord(mark)
    rows: Ints = np.flatnonzero(fits)
    return rows


def _instants(signs: Ints, form: str, date_order: str | None) -> tuple[Ints, Ints]:
    """Return which rows are times that there are, and their instants."""
    part = {name: _number(signs, form, name) for name in dict.fromkeys(form) if name.isalpha() and name != "T"}
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
    begin = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    end = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    good &= begin + day <= end
    seconds = np.zeros(len(signs), np.int64)
    for name, top, weight in (("h", 23, 3600), ("m", 59, 60), ("s", 59, 1)):
        if name in part:
            good &= part[name] <= top
            seconds += part[name] * weight
    rows: Ints = np.flatnonzero(good)
    days = begin + day - 1
    return rows, (days[rows] * 86_400 + seconds[rows]) * _MICROSECONDS


def _number(signs: Ints, form: str, name: str) -> Ints:
    start = form.index(name)
    number = np.zeros(len(signs), np.int64)
    for place in range(start, start + form.count(name)):
        number = number * 10 + (signs[:, place].astype(np.int64) - ord("0"))
    return number


def _spelled(form: str) -> str:
    return "".join(mark * (4 if mark == "Y" else 2) if mark in "YMDABhms" else mark for mark in form)


def _by_length() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for day in _FORMS:
        for clock in _TIGHT if day == "YMD" else _LOOSE:
            form = _spelled(day + clock)
            found.setdefault(len(form), []).append(form)
    return found


_BY_LENGTH: Final = _by_length()
