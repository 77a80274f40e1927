"""Text of a date or time → the point in time that it says, where it says only one.

Read are the forms of ISO 8601, HL7 v2 and FHIR; a month by its name in the languages of `knowledge/times.toml`;
points, which mean day first; strokes and dashes where only one order of day and month is possible; years, months and
days marked by their characters. `date_order` settles the order of the rest. A cell is read by itself, whatever its
neighbors.

A year of two digits is read where its place is certain, as 1970 to 2069, for no result in a file is older; of a birth
date the century can't be told, and it is not read. Serial numbers of spreadsheets are not guessed.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import re
import unicodedata
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp._data import knowledge
from labinterp.errors import InputError
from labinterp.reading.cells import as_shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_AGE: Final = 130.0
LONGEST_TIME: Final = 64
"""Characters; longer than any time that is read."""
ORDERS: Final = ("dmy", "mdy")
"""What `date_order` may say."""

Age = tuple[float, float]
"""Lowest and highest possible age in years; both equal where the age is exact."""

_FIRST_YEAR: Final = 1800  # digits without marks that begin with less are no date
_PIVOT: Final = 70
_NOON: Final = 12
_MIDNIGHT: Final = 24
_MONTHS: Final = 12
_SHORT_YEAR: Final = 2
_DAY_LENGTH: Final = 8
_BETWEEN: Final = ("-", ".", ",", "/", "'")
_D: Final = r"([0-9]{1,2})"
_Y: Final = r"([0-9]{4})"

_COMPACT = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})([0-9]{2})?)?)?)?)?(\.[0-9]{1,9})?", re.ASCII
)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?", re.ASCII)
_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)
_WEEK = re.compile(r"([0-9]{4})-?w([0-9]{2})-?([1-7])", re.ASCII)
_YEAR_FIRST = re.compile(rf"{_Y}([-/.]) ?{_D}\2 ?{_D}\.?", re.ASCII)
_YEAR_LAST = re.compile(rf"{_D}([-/. ]) ?{_D}\2 ?([0-9]{{4}}|[0-9]{{2}})\.?", re.ASCII)
_MARKED = re.compile(rf"{_Y} ?[年년] ?{_D} ?[月월](?: ?{_D} ?[日일號号]?)?", re.ASCII)
_VIETNAMESE = re.compile(rf"(?:ngay )?{_D} ?thang {_D},? ?(?:nam )?{_Y}", re.ASCII)
_MONTH_YEAR = re.compile(rf"{_D}[-/.]{_Y}", re.ASCII)
_WORDS = re.compile(r"[0-9]+|[^\W\d_]+|[^\w\s]|[ºª]")
_CLOCK = re.compile(
    r"([0-9]{1,2})(?:[:.h]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"|([0-9]{2})([0-9]{2})?(?:\.([0-9]{1,9}))?)?",
    re.ASCII,
)
_MARKED_CLOCK = re.compile(
    r"([0-9]{1,2}) ?[時时点點시] ?(?:([0-9]{1,2}) ?[分분])? ?(?:([0-9]{1,2}) ?[秒초])?", re.ASCII
)
_OFFSET = re.compile(r"(.*?) ?(?:(?:utc|gmt) ?)?([+-])([0-9]{2}):?([0-9]{2})?", re.ASCII)
_CTIME = re.compile(r"(.* [0-9]{1,2}) ([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)((?: [a-z]{1,4})?) ([0-9]{4})", re.ASCII)


@attrs.frozen
class Moment:
    """What the text of a time says.

    Args:
        at: the time, or the first one of the day, month or year that is named; naive, in UTC where a zone was given.
        until: the last day that the text can mean, at midnight.
        century: whether the year has all its digits.
    """

    at: dt.datetime
    until: dt.datetime
    century: bool = True

    @property
    def is_exact(self) -> bool:
        """Whether a day is named, and not a month or a year alone."""
        return self.at == self.until


def check_date_order(date_order: str | None) -> str | None:
    """Return an order of day and month that there is.

    Raises:
        InputError: if it is none.

    Example:
        >>> check_date_order("dmy")
        'dmy'
    """
    if date_order is None or (isinstance(date_order, str) and date_order in ORDERS):
        return date_order
    raise InputError("date_order is neither 'dmy' nor 'mdy'", hint="Use 'dmy', 'mdy', or leave it out")


def read_time(value: Any, date_order: str | None = None) -> dt.datetime | None:
    """Read a point in time: a `date`, a `datetime`, or text; naive, in UTC where a zone was given.

    Args:
        value: as it was sent; of a month or a year alone the first day is meant.
        date_order: `"dmy"` or `"mdy"`, for what could be read in either order.

    Returns:
        None where it is missing, can't be read, or can be read in two ways.

    Example:
        >>> read_time("2026-11-22T08:00:00+01:00")
        datetime.datetime(2026, 11, 22, 7, 0)
        >>> read_time("5. März 2024 08:15"), read_time("13/05/2024")
        (datetime.datetime(2024, 3, 5, 8, 15), datetime.datetime(2024, 5, 13, 0, 0))
        >>> read_time("05/03/2024"), read_time("05/03/2024", "mdy")
        (None, datetime.datetime(2024, 5, 3, 0, 0))
    """
    found = read_moment(value, date_order)
    return None if found is None else found.at


def read_birth(value: Any, date_order: str | None = None) -> Moment | None:
    """Read a birth date; one whose century can't be told is not read.

    Example:
        >>> read_birth("05.03.24") is None, read_birth("1971").until
        (True, datetime.datetime(1971, 12, 31, 0, 0))
    """
    found = read_moment(value, date_order)
    return found if found is not None and found.century else None


def read_moment(value: Any, date_order: str | None = None) -> Moment | None:
    """Read a point in time, with what is left open in it; see `read_time`."""
    if isinstance(value, str):
        text = str.__str__(value)
        return _read_text(text, date_order) if len(text) <= LONGEST_TIME else None
    if isinstance(value, dt.datetime):  # NaT and far Timestamps are outside
        return _exact(_naive(value)) if dt.MINYEAR <= value.year <= dt.MAXYEAR else None
    if isinstance(value, dt.date):
        return _exact(dt.datetime.combine(value, dt.time()))
    return _read_number(value, date_order)


def age_at(birth: Moment, when: dt.datetime) -> Age | None:
    """Return the age in years at `when`, by the calendar, or None if it is not between 0 and 130.

    Example:
        >>> age_at(read_birth("1971-03-02"), dt.datetime(2021, 3, 2))
        (50.0, 50.0)
    """
    oldest = _exact_age(birth.at, when)
    youngest = oldest if birth.is_exact else _exact_age(birth.until, when)
    if oldest is None:
        return None
    return (0.0 if youngest is None else youngest), oldest


def _exact_age(birth: dt.datetime, when: dt.datetime) -> float | None:
    """Return the age between two days.

    A time in the last year of the calendar, such as 9999-12-31 for "never", gives no age. Below one year the age is the
    number of days over 365.25; from then on completed years and the share of the next.
    """
    days = (when - birth).days
    if days < 0 or when.year == dt.MAXYEAR:
        return None
    years = when.year - birth.year - ((when.month, when.day) < (birth.month, birth.day))
    if years < 1:
        age = min(days / 365.25, math.nextafter(1.0, 0.0))
    else:
        last = _birthday(birth, birth.year + years)
        following = _birthday(birth, birth.year + years + 1)
        age = years + (when - last).days / (following - last).days
    return age if age <= MAX_AGE else None


def _birthday(birth: dt.datetime, year: int) -> dt.datetime:
    try:
        return birth.replace(year=year)
    except ValueError:
        return birth.replace(year=year, month=3, day=1)


def _exact(at: dt.datetime | None) -> Moment | None:
    return None if at is None else Moment(at, at)


def _naive(value: dt.datetime) -> dt.datetime | None:
    if value.tzinfo is None:
        return value
    try:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    except (OverflowError, ValueError):
        return None


def _read_number(value: Any, date_order: str | None) -> Moment | None:
    """Read digits that a table took for a number: 20240305, or a year."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
        if not number.is_integer() or not _FIRST_YEAR <= number < 10**14:
            return None
        text = str(int(number))
    except Exception:  # noqa: BLE001 - the object is not ours
        return None
    return _read_text(text, date_order) if len(text) in (4, 8, 12, 14) else None


@functools.lru_cache(maxsize=65536)
def _read_text(text: str, date_order: str | None) -> Moment | None:
    folded = fold(text)
    try:
        return _read_folded(folded, date_order)
    except (ValueError, OverflowError):  # a month 13, a 30th of February, a year beyond the calendar
        return None


def fold(text: str) -> str:
    """Return what a cell shows, in NFKC, without case and accents, runs of white space as one blank."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", as_shown(text)).casefold())
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(unicodedata.normalize("NFC", bare).translate(_LIKE_ASCII).split())


_LIKE_ASCII: Final = str.maketrans({**dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"), "\u0131": "i"})


def _read_folded(text: str, date_order: str | None) -> Moment | None:
    if not any(map(str.isdigit, text)):
        return None
    compact, offset = _take_zone(text, _DAY_LENGTH)
    digits = _COMPACT.fullmatch(compact)
    if digits is not None:
        return _shifted(_of_digits(compact, digits), offset)
    bare = _without_weekday(text)
    if bare is None:
        return None
    text = bare
    whole = _date(text, date_order)
    if whole is not None:
        return whole
    ctime = _CTIME.fullmatch(text)
    if ctime is not None:
        text = f"{ctime[1]} {ctime[4]} {ctime[2]}{ctime[3]}"
    found = {moment for left, right in _splits(text) for moment in _pair(left, right, date_order)}
    return found.pop() if len(found) == 1 else None


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Yield every way to part a text into two at a blank, a comma or the `t` of ISO 8601."""
    for i, sign in enumerate(text[1:-1], 1):
        if sign in " ,":
            yield text[:i].rstrip(" ,"), text[i + 1 :].lstrip(" ,")
        elif sign in "t:" and text[i - 1].isdigit():  # `:` as in 05MAR2024:08:15:00
            clock = text[i + 1 :]
            yield text[:i], f"{clock}:00" if sign == "t" and len(clock) <= 2 else clock  # noqa: PLR2004 - hours alone
        elif text[i - 1] in "日일":
            yield text[:i], text[i:]


def _pair(left: str, right: str, date_order: str | None) -> Iterator[Moment]:
    """Yield the moment of a date with a time behind it or in front of it."""
    for day, clock in ((left, right), (right, left)):
        try:
            seconds = _clock(clock)
            date = None if seconds is None else _date(day, date_order)
        except ValueError:  # no such hour, or no such day
            continue
        if seconds is not None and date is not None and date.is_exact:
            at = date.at + dt.timedelta(microseconds=seconds)
            yield Moment(at, at, date.century)


def _of_digits(text: str, match: re.Match[str]) -> Moment | None:
    """Return the time that digits say as HL7 v2 writes them."""
    year, month, day, hour, minute, second, fraction = match.groups()
    if int(year) < _FIRST_YEAR or (fraction and second is None):
        return None
    if day is None:
        if month is not None and 1 <= int(text[2:4]) <= _MONTHS:
            return None  # six digits that may be a day, a month and a year of two digits
        return _month(int(year), month)
    date = dt.datetime(int(year), int(month), int(day))  # noqa: DTZ001 - naive UTC
    if hour is None:
        return _exact(date)
    micros = int(f"{fraction[1:7]:0<6}") if fraction else 0
    return _exact(date + dt.timedelta(microseconds=_micros(int(hour), int(minute or 0), int(second or 0), micros)))


def _month(year: int, month: str | int | None) -> Moment:
    """Return the span of a month, or of a year."""
    first = dt.datetime(year, int(month or 1), 1)  # noqa: DTZ001 - naive UTC
    if month is None:
        return Moment(first, first.replace(month=12, day=31))
    following = (first + dt.timedelta(days=31)).replace(day=1) if first.year < dt.MAXYEAR else first
    return Moment(first, max(first, following - dt.timedelta(days=1)))


def _date(text: str, date_order: str | None) -> Moment | None:
    for pattern, order in ((_ISO, "ymd"), (_YEAR_FIRST, "ysmd"), (_MARKED, "ymd"), (_VIETNAMESE, "dmy")):
        match = pattern.fullmatch(text)
        if match is not None:
            part = dict(zip(order, match.groups(), strict=True))
            return _day(int(part["y"]), int(part["m"]), part["d"])
    match = _DIGITS.fullmatch(text)
    if match is not None:
        return _day(int(match[1]), int(match[2]), match[3]) if int(match[1]) >= _FIRST_YEAR else None
    match = _WEEK.fullmatch(text)
    if match is not None:
        return _exact(dt.datetime.combine(dt.date.fromisocalendar(*map(int, match.groups())), dt.time()))
    match = _YEAR_LAST.fullmatch(text)
    if match is not None:
        return _in_order(match, date_order)
    match = _MONTH_YEAR.fullmatch(text)
    if match is not None:
        return _month(int(match[2]), match[1])
    return _named(text)


def _day(year: int, month: int, day: str | None, *, century: bool = True) -> Moment:
    if day is None:
        return _month(year, month)
    at = dt.datetime(year, month, int(day))  # noqa: DTZ001 - naive UTC
    return Moment(at, at, century)


def _in_order(match: re.Match[str], date_order: str | None) -> Moment | None:
    """Read two numbers and a year in the only order in which they are a date, or in the one that was said."""
    first, sign, second, year = match.groups()
    if sign == ".":
        return _day(_full(year), int(second), first, century=len(year) > _SHORT_YEAR)
    readings = {"dmy": (year, second, first), "mdy": (year, first, second)}
    if len(year) == _SHORT_YEAR and date_order is None:
        readings["ymd"] = first, second, year
    found = {order: moment for order, parts in readings.items() if (moment := _possible(*parts)) is not None}
    if date_order in found:
        return found[date_order]
    distinct = set(found.values())
    return distinct.pop() if len(distinct) == 1 else None


def _possible(year: str, month: str, day: str) -> Moment | None:
    try:
        return _day(_full(year), int(month), day, century=len(year) > _SHORT_YEAR)
    except ValueError:
        return None


def _full(year: str) -> int:
    if len(year) > _SHORT_YEAR:
        return int(year)
    return int(year) + (1900 if int(year) >= _PIVOT else 2000)


def _named(text: str) -> Moment | None:
    """Read a date whose month has a name."""
    words = _words()
    tokens = [t for t in _WORDS.findall(text) if t not in words["filler"] and t not in _BETWEEN]
    months = [i for i, token in enumerate(tokens) if token in _names("months")]
    place = months[0] if len(months) == 1 else len(tokens)
    numbers = [*tokens[:place], *tokens[place + 1 :]]
    if len(numbers) > 1 and numbers[1] in words["ordinal"]:  # 5th March 2024, March 5th 2024
        del numbers[1]
    if place == len(tokens) or not all(token.isascii() and token.isdigit() for token in numbers):
        return None
    month = _names("months")[tokens[place]]
    match (place, *map(len, numbers)):
        case (_, 4):
            return _month(int(numbers[0]), month)
        case (0 | 1, 4, 1 | 2):  # 2024 March 5
            return _day(int(numbers[0]), month, numbers[1])
        case (_, 1 | 2, 4):  # 5 March 2024, March 5, 2024
            return _day(int(numbers[1]), month, numbers[0])
        case (1 | 2, 1 | 2, 2):  # 05-Mar-24
            return _day(_full(numbers[1]), month, numbers[0], century=False)
    return None


@functools.cache
def _names(table: str) -> Mapping[str, int]:
    """Return the words of months or weekdays, folded; a word of two meanings is none."""
    meanings: dict[str, set[int]] = {}
    for names in knowledge("times.toml")[table].values():
        for i, spellings in enumerate(names, 1):
            for word in spellings.split():
                meanings.setdefault(fold(word), set()).add(i)
    return MappingProxyType({word: found.pop() for word, found in meanings.items() if len(found) == 1})


@functools.cache
def _words() -> Mapping[str, tuple[str, ...]]:
    """Return the small words of dates, folded, the longest first."""
    table = knowledge("times.toml")["words"]
    return MappingProxyType(
        {name: tuple(sorted(map(fold, words), key=len, reverse=True)) for name, words in table.items()}
    )


def _without_weekday(text: str) -> str | None:
    """Return a text without the weekday in front of it; None where the date falls on another day."""
    head, _, rest = text.partition(" ")
    weekday = _names("weekdays").get(head.rstrip(",."))
    if weekday is None or not rest:
        return text
    found = _read_folded(rest.lstrip(), None)
    return rest.lstrip() if found is None or found.at.isoweekday() == weekday else None


def _take_zone(text: str, shortest: int = 0) -> tuple[str, int]:
    """Return a text without the zone at its end, and the zone's offset in minutes; behind a short text it is none."""
    match = _OFFSET.fullmatch(text)
    if match is not None and len(match[1]) >= shortest:
        minutes = int(match[3]) * 60 + int(match[4] or 0)
        if minutes < 24 * 60:
            return match[1], minutes if match[2] == "+" else -minutes
    zones = knowledge("times.toml")["zones"]
    head = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    name = text[len(head) :]
    if name in zones and head.strip():
        return head.rstrip(), int(zones[name])
    return text, 0


def _shifted(moment: Moment | None, offset: int) -> Moment | None:
    if moment is None or not offset:
        return moment
    return _exact(moment.at - dt.timedelta(minutes=offset))


def _clock(text: str) -> int | None:
    """Return the microseconds since midnight UTC of a time of day; negative or beyond a day where its zone moves it."""
    text, offset = _take_zone(text)
    words = _words()
    if (head := text.partition(" "))[0].rstrip(".") in words["at"]:
        text = head[2]
    half, text = _take_half(text)
    for word in words["clock"]:
        text = text.removesuffix(f" {word}")
    match = _MARKED_CLOCK.fullmatch(text)
    if match is not None:
        hour, minute, second = match.groups()
        fraction = None
    else:
        match = _CLOCK.fullmatch(text)
        if match is None:
            return None
        hour = match[1]
        minute, second, fraction = match[2] or match[5], match[3] or match[6], match[4] or match[7]
        if minute is None and half is None:
            return None
    micros = int(f"{fraction[:6]:0<6}") if fraction else 0
    return _micros(_hour(int(hour), half), int(minute or 0), int(second or 0), micros) - offset * 60_000_000


def _take_half(text: str) -> tuple[str | None, str]:
    """Return which half of the day a time names, and the rest of it."""
    for half in ("am", "pm"):
        for word in _words()[half]:
            if text.endswith(word) or text.startswith(word):
                return half, text.removesuffix(word).removeprefix(word).strip()
    return None, text


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= _NOON:
        raise ValueError("no hour of half a day")
    return hour % _NOON + (_NOON if half == "pm" else 0)


def _micros(hour: int, minute: int, second: int, micros: int) -> int:
    """Return the microseconds since midnight; 24:00 is the next one, and a leap second the last of its minute.

    Raises:
        ValueError: if there is no such time.
    """
    if (hour, minute, second, micros) == (_MIDNIGHT, 0, 0, 0):
        return 86_400_000_000
    time = dt.time(hour, minute, min(second, 59) if second <= 60 else second, micros)  # noqa: PLR2004 - a leap second
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond
