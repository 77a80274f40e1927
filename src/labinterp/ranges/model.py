"""The frozen classes of reference ranges: limits, bands, entries, editions, and who is asked about."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - attrs classes keep their annotations readable at run time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs

from labinterp import codes
from labinterp.model import Citation  # noqa: TC001 - the same

LEVELS = codes.LEVELS[:-1]
"""The levels that rise from band to band: all but `indeterminate`."""

SEXES = ("female", "male")
NOT_PREGNANT = "none"
TRIMESTERS = ("trimester_1", "trimester_2", "trimester_3")
PREGNANCIES = (NOT_PREGNANT, *TRIMESTERS)
DIRECTIONS = ("low", "high")
LLN, ULN, BASELINE = "LLN", "ULN", "baseline"
TIMES = " x "
ADULT = Fraction(18)

AGE_UNITS = {"a": Fraction(1), "mo": Fraction(1, 12), "wk": Fraction(28, 1461), "d": Fraction(4, 1461)}
"""Years per unit of age, as UCUM defines them: a year has 365.25 days, a month is a twelfth of it."""


@attrs.frozen
class Limit:
    """One end of a band in one unit.

    Args:
        value: as printed in the source, in `unit`.
        unit: UCUM code.
        inclusive: whether a result equal to `value` lies inside the band.
    """

    value: Decimal
    unit: str
    inclusive: bool


@attrs.frozen(repr=False)
class Limits(Mapping[str, Decimal]):
    """One end of a band in every unit that its source prints: an immutable, hashable mapping of unit to number.

    Args:
        pairs: (UCUM code, number as printed), in the order of the source.

    Example:
        >>> Limits((("ng/L", Decimal("180")), ("pmol/L", Decimal("133"))))["pmol/L"]
        Decimal('133')
    """

    pairs: tuple[tuple[str, Decimal], ...]

    def __getitem__(self, unit: str) -> Decimal:
        for code, value in self.pairs:
            if code == unit:
                return value
        raise KeyError(unit)

    def __iter__(self) -> Iterator[str]:
        return (code for code, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __str__(self) -> str:
        return " = ".join(f"{value} {code}" for code, value in self.pairs)

    def __repr__(self) -> str:
        return f"Limits({str(self)!r})"


@attrs.frozen
class Band:
    """One band of an entry, from its lower to its upper end.

    Args:
        band: the source's own name of it; the level's name where the source prints an interval only.
        level: `very_low` … `very_high`, or `indeterminate`; of a grade the direction, `low` or `high`.
        grade: 1 to 5, in grade entries only.
        lower: numbers by unit, the words `LLN`, `ULN` or `baseline` or a multiple of one (`1.5 x ULN`), or nothing
            where the band is open below.
        lower_inclusive: whether a result equal to the lower end lies inside the band.
        upper: the same for the upper end.
        upper_inclusive: the same for the upper end.
    """

    band: str
    level: str
    grade: int | None = None
    lower: Limits | str | None = None
    lower_inclusive: bool = False
    upper: Limits | str | None = None
    upper_inclusive: bool = False

    def printed(self) -> str:
        """Return the ends as the source prints them, in all of its units: `from 0.70 mmol/L, up to 1.00 mmol/L`."""
        lower = f"{'from' if self.lower_inclusive else 'above'} {self.lower}" if self.lower is not None else ""
        upper = f"{'up to' if self.upper_inclusive else 'below'} {self.upper}" if self.upper is not None else ""
        return ", ".join(filter(None, (lower, upper)))

    def lower_limit(self, unit: str) -> Limit | None:
        """Return the lower end in a printed unit, or nothing where it is open, a word, or not printed in that unit."""
        return _limit(self.lower, unit, self.lower_inclusive)

    def upper_limit(self, unit: str) -> Limit | None:
        """Return the upper end in a printed unit, or nothing where it is open, a word, or not printed in that unit."""
        return _limit(self.upper, unit, self.upper_inclusive)


def multiple(word: str) -> tuple[Decimal, str]:
    """Return how many times which limit or value a word names.

    Example:
        >>> multiple("1.5 x ULN"), multiple("LLN")
        ((Decimal('1.5'), 'ULN'), (Decimal('1'), 'LLN'))
    """
    factor, _, name = word.rpartition(TIMES)
    return Decimal(factor or 1), name


def _limit(end: Limits | str | None, unit: str, inclusive: bool) -> Limit | None:
    if not isinstance(end, Limits) or unit not in end:
        return None
    return Limit(end[unit], unit, inclusive)


@attrs.frozen
class Partition:
    """For whom an entry holds; what is not said is not restricted.

    Args:
        age_low: years, the youngest age inside.
        age_high: years, the youngest age that is no longer inside.
        sex: `female` or `male`.
        pregnancy: `none`, `trimester_1`, `trimester_2` or `trimester_3`.
        age: the age as written in the file.
    """

    age_low: Fraction | None = None
    age_high: Fraction | None = None
    sex: str | None = None
    pregnancy: str | None = None
    age: str | None = attrs.field(default=None, eq=False)

    def holds(self, age: Fraction, sex: str, pregnancy: str) -> bool:
        """Say whether a patient of exactly this age, sex and pregnancy belongs to the partition."""
        return (
            (self.age_low is None or self.age_low <= age)
            and (self.age_high is None or age < self.age_high)
            and self.sex in (None, sex)
            and self.pregnancy in (None, pregnancy)
        )

    def __str__(self) -> str:
        words = [self.age and f"age {self.age}", self.sex, _PREGNANCY_WORDS.get(self.pregnancy or "")]
        return ", ".join(word for word in words if word) or "everybody"


_PREGNANCY_WORDS = {NOT_PREGNANT: "not pregnant", **{t: f"pregnant, {t.replace('_', ' ')}" for t in TRIMESTERS}}


@attrs.frozen(cache_hash=True)
class Entry:
    """One range of one edition: bands for one analyte and partition.

    Args:
        id: unique within the edition.
        edition: id of the edition.
        analyte: analyte key.
        kind: `reference_interval`, `decision_limit`, `critical_limit`, `severity` or `grade`.
        partition: for whom it holds.
        bands: in rising order.
        units: UCUM codes in which every limit is printed, in the order of the source.
        source: citation with locator.
        evidence: `primary`, `secondary`, `calculated` or `engineering`.
        reviewed_on: when the figures were last compared with the source.
        method: the assay to which the entry is bound, if any.
        specimen: as the source says, if it does.
        note: what else the reader should know.
        place: who calls at this limit; critical limits only.
        gaps: whether the source leaves regions without a band; a result there is `indeterminate`.
        direction: `low` or `high`; grades only.
        term: the grading's own name, such as `Hypomagnesemia`; grades only.
        baseline: the baselines for which multiples of them hold, `below_lln` or any; grades only.
    """

    id: str
    edition: str
    analyte: str
    kind: str
    partition: Partition
    bands: tuple[Band, ...]
    units: tuple[str, ...]
    source: Citation
    evidence: str
    reviewed_on: dt.date | None = None
    method: str | None = None
    specimen: str | None = None
    note: str | None = None
    place: str | None = None
    gaps: bool = False
    direction: str | None = None
    term: str | None = None
    baseline: str | None = None

    @property
    def against_baseline(self) -> bool:
        """Return whether the ends are multiples of a patient's baseline."""
        ends = (end for band in self.bands for end in (band.lower, band.upper))
        return any(isinstance(end, str) and multiple(end)[1] == BASELINE for end in ends)

    @property
    def range_id(self) -> str:
        """Return `edition#entry`, as shown in results."""
        return f"{self.edition}#{self.id}"

    @property
    def normal(self) -> Band | None:
        """Return the band of level `normal`, if there is exactly one."""
        found = [band for band in self.bands if band.level == "normal"]
        return found[0] if len(found) == 1 else None


@attrs.frozen
class NoCategories:
    """A source that deliberately has no limits for an analyte, and why."""

    analyte: str
    reason: str
    source: Citation


def _count(items: Any) -> str:
    return str(len(items))


@attrs.frozen
class Edition:
    """One immutable file of ranges; equal to another one when id and SHA-256 are equal.

    Args:
        id: `publisher/edition`.
        sha256: of the file.
        title: as the publisher names it.
        entries: the ranges: intervals, decision limits, critical limits, severity.
        grades: the entries of a grading.
        no_categories: analytes for which the source deliberately has no limits.
        sources: every citation by key.
        publisher: who published it.
        published_on: when; `note` says where the source gives a month or year alone.
        valid_from: first day in force.
        valid_until: last day in force, if it has ended.
        reviewed_on: when the file was last compared with its sources.
        supersedes: id of the edition that it replaces.
        extends: id of the grading to whose terms it adds others.
        status: `current`, `superseded` or `withdrawn`.
        use: `interpretive`, or `descriptive` for ranges that must not decide what is normal.
        own: whether it is a user's own file rather than a shipped one.
        note: what else the reader should know.
    """

    id: str
    sha256: str
    title: str = attrs.field(default="", eq=False)
    entries: tuple[Entry, ...] = attrs.field(eq=False, default=(), repr=_count)
    grades: tuple[Entry, ...] = attrs.field(eq=False, default=(), repr=_count)
    no_categories: tuple[NoCategories, ...] = attrs.field(eq=False, default=(), repr=_count)
    sources: tuple[Citation, ...] = attrs.field(eq=False, default=(), repr=_count)
    publisher: str | None = attrs.field(default=None, eq=False, repr=False)
    published_on: dt.date | None = attrs.field(default=None, eq=False, repr=False)
    valid_from: dt.date | None = attrs.field(default=None, eq=False, repr=False)
    valid_until: dt.date | None = attrs.field(default=None, eq=False, repr=False)
    reviewed_on: dt.date | None = attrs.field(default=None, eq=False, repr=False)
    supersedes: str | None = attrs.field(default=None, eq=False, repr=False)
    extends: str | None = attrs.field(default=None, eq=False, repr=False)
    status: str = attrs.field(eq=False, default="current")
    use: str = attrs.field(eq=False, default="interpretive")
    own: bool = attrs.field(eq=False, default=False)
    note: str | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def analytes(self) -> tuple[str, ...]:
        """Return the analytes that have an entry, in the order of the file."""
        return tuple(dict.fromkeys(entry.analyte for entry in (*self.entries, *self.grades)))

    def age_breaks(self, analyte: str | None = None) -> tuple[Fraction, ...]:
        """Return the ages in years at which a partition begins or ends, rising."""
        return age_breaks((*self.entries, *self.grades), analyte)

    def in_force(self, on: dt.date) -> bool:
        """Say whether the edition was in force on a day; a withdrawn one needs a last day to have been."""
        if self.status == "withdrawn" and self.valid_until is None:
            return False
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


def age_breaks(entries: tuple[Entry, ...], analyte: str | None = None) -> tuple[Fraction, ...]:
    """Return the ages in years at which a partition of these entries begins or ends, rising."""
    ends = (
        end
        for entry in entries
        if analyte in (None, entry.analyte)
        for end in (entry.partition.age_low, entry.partition.age_high)
    )
    return tuple(sorted({end for end in ends if end is not None}))


def _age(value: Any) -> tuple[Fraction, Fraction] | None:
    if value is None:
        return None
    low, high = (Fraction(end) for end in value)
    return low, high


@attrs.frozen
class Who:
    """Whom a range is wanted for. What is unknown stays unknown, and every possibility is considered.

    Args:
        age: years: (54, 55) for 54 completed years, (a, a) for exactly a; nothing if unknown.
        sex: `female`, `male`, or nothing if unknown.
        pregnancy: `none`, `trimester_1` …, `pregnant` where the trimester is unknown, `unreadable` where something was
            sent that can't be read, or nothing if all is unknown.
        assume_adult: take an unknown age as 18 years or more.
    """

    age: tuple[Fraction, Fraction] | None = attrs.field(default=None, converter=_age, repr=False)
    sex: str | None = attrs.field(default=None, repr=False)
    pregnancy: str | None = attrs.field(default=None, repr=False)
    assume_adult: bool = False


@attrs.frozen
class Selection:
    """What a reference set answers for one analyte and patient.

    Args:
        edition_id: the edition that answers, if any.
        entries: one entry per possibility that the unknown leaves open, the most specific one each; no entry twice.
        covered: whether every possibility has an entry.
        reason: `no_entry`, `age_unknown`, `no_categories` or `other_method`, where nothing covers.
        detail: the reason in words.
        related: the analyte whose range stands in, where the one asked for has none.
    """

    edition_id: str | None
    entries: tuple[Entry, ...]
    covered: bool
    reason: str | None = None
    detail: str | None = None
    related: str | None = None
