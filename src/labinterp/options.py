"""What a caller may choose, checked once, for every face: `Options`.

The words that explain the choices stand here once; `documented` puts them into the docstrings of the faces.
"""

from __future__ import annotations

import functools
import inspect
import textwrap
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import attrs

from labinterp import reasoning
from labinterp._version import __version__
from labinterp.arguments import checked_flag, checked_number, checked_text, checked_texts
from labinterp.errors import InputError
from labinterp.frozen import frozen, thawed
from labinterp.kernel import calcium
from labinterp.kernel import panel as slots
from labinterp.kernel.session import Session
from labinterp.model import EditionRef, Provenance
from labinterp.ranges import ReferenceSet, gradings, reference_set
from labinterp.reading import values
from labinterp.reading.analytes import TestMap, test_map
from labinterp.reading.times import check_date_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import PurePath

    Tests = Mapping[str, str | None] | str | PurePath | TestMap

__all__ = ["DateOrder", "DecimalSign", "OnProblem", "Options", "Tests", "documented", "resolve_ranges"]

_F = TypeVar("_F", bound="Callable[..., Any]")

DecimalSign = Literal[",", "."]
DateOrder = Literal["dmy", "mdy"]
OnProblem = Literal["collect", "raise"]

NO_TESTS: Final = TestMap(())

_KERNEL_DOC: Final = """\
ranges: a profile (`"us"`, `"uk"`, `"us@2020-01-01"`), an edition id, a path to a TOML file, a `ReferenceSet`, or a list
    of these in order of priority; `[]` for none.
grading: `"ctcae/5.0"`, `"ctcae/6.0"`, `"daids/2.1"`, … adds a grade from 0 to 4.
reported_ranges: whether a range that came with a result wins over the editions.
assume_adult: apply adult ranges where the age is unknown.
decimal: `","` or `"."`, where `1,234` could be read in two ways.
default_units: analyte key → unit, for results without one.
reference_albumin: albumin in g/L at which calcium is not adjusted; 40 by default.
tests: your laboratory's own names and codes → analyte key, or the path of a CSV with the columns `test,analyte`; an
    empty analyte refuses the name. It comes before every other reading of a name.
date_order: `"dmy"` or `"mdy"`, where `03/04/2026` could be read in two ways.
"""
_TABLE_DOC: Final = """\
panel: which results are seen together: `"collection"` (same patient and collection time), `"patient"`, or a look-back
    such as `"30D"`: each collection sees the latest earlier result of every analyte within that span.
one_patient: all rows are of one patient, where the table has no column that says whose they are; without it such rows
    stay apart, each a panel of its own.
"""
_MARKS: Final = {"{kernel options}": _KERNEL_DOC, "{table options}": _TABLE_DOC + _KERNEL_DOC}
_WIDTH: Final = 120


def documented(function: _F) -> _F:
    """Put the words about the options into a docstring, where it says `{kernel options}` or `{table options}`."""
    if function.__doc__ is not None:
        text = inspect.cleandoc(function.__doc__)
        for mark, words in _MARKS.items():
            text = text.replace(f"    {mark}\n", textwrap.indent(words, "    "))
        function.__doc__ = text
    return function


@attrs.frozen(kw_only=True)
class Options:
    """The choices of an interpretation, checked; made by `Options.checked`. Can be hashed and pickled.

    Args:
        ranges: resolved, so that a file of ranges need not lie where the rows are.
        grading: as in `interpret`.
        reported_ranges: as in `interpret`.
        assume_adult: as in `interpret`.
        decimal: as in `interpret`.
        default_units: pairs of analyte key and unit, sorted.
        reference_albumin: as in `interpret`.
        tests: as in `interpret`.
        date_order: as in `interpret`.
        panel: as in `interpret_frame`; of tables alone.
        one_patient: as in `interpret_frame`; of tables alone.
    """

    ranges: ReferenceSet
    grading: str | None = None
    reported_ranges: bool = True
    assume_adult: bool = False
    decimal: DecimalSign | None = None
    default_units: tuple[tuple[str, str], ...] = ()
    reference_albumin: float | None = None
    tests: TestMap = NO_TESTS
    date_order: str | None = None
    panel: str = "collection"
    one_patient: bool = False

    @classmethod
    def checked(
        cls,
        *,
        ranges: Any = "us",
        grading: str | None = None,
        reported_ranges: bool = True,
        assume_adult: bool = False,
        decimal: DecimalSign | None = None,
        default_units: Mapping[str, str] | None = None,
        reference_albumin: float | None = None,
        tests: Tests | None = None,
        date_order: DateOrder | None = None,
        panel: str = "collection",
        one_patient: bool = False,
    ) -> Options:
        """Check every choice before anything is read.

        Raises:
            ReferenceSetNotFound: if `ranges` or `grading` names nothing that exists.
            ReferenceSetError: if a file of ranges has faults.
            LabInterpError: the fitting child for any other choice that cannot be used.
            TypeError: if a choice is of a wrong type.

        Example:
            >>> Options.checked(ranges="uk", default_units={"magnesium": "mmol/L"}).settings["default_units"]
            {'magnesium': 'mmol/L'}
        """
        values.check_decimal(decimal)
        slots.read_span(panel)
        made = cls(
            ranges=resolve_ranges(ranges),
            grading=checked_text(grading, "grading"),
            reported_ranges=checked_flag(reported_ranges, "reported_ranges"),
            assume_adult=checked_flag(assume_adult, "assume_adult"),
            decimal=decimal,
            default_units=tuple(sorted(checked_texts(default_units, "default_units").items())),
            reference_albumin=_checked_albumin(reference_albumin),
            tests=NO_TESTS if tests is None else test_map(tests),
            date_order=check_date_order(date_order),
            panel=panel,
            one_patient=checked_flag(one_patient, "one_patient"),
        )
        made.session  # noqa: B018 - units and grading are checked where the session is made
        return made

    @property
    def session(self) -> Session:
        """The session of these choices; sessions are kept, and files of ranges are read anew each time."""
        return _session(
            self.ranges,
            self.grading,
            self.reported_ranges,
            self.assume_adult,
            self.default_units,
            self.tests,
            self.date_order,
            self.decimal,
        )

    @property
    def adjustment(self) -> calcium.Adjustment:
        """How calcium is adjusted by albumin."""
        return calcium.adjustment(self.reference_albumin)

    @property
    def by_time(self) -> bool:
        """Whether rows of one patient at different times may be interpreted apart."""
        return self.panel == "collection"

    @property
    def arguments(self) -> dict[str, Any]:
        """The choices as keyword arguments of `interpret`."""
        units = dict(self.default_units)
        return {name: getattr(self, name) for name in KERNEL} | {"default_units": units}

    @property
    def settings(self) -> dict[str, Any]:
        """The choices of `interpret` as JSON-ready data, from which `verify` makes a report again."""
        session = self.session
        return {
            "ranges": [edition.id for edition in self.ranges.editions],
            "profile": self.ranges.id,
            "grading": None if session.grading is None else session.grading.id,
            "reported_ranges": self.reported_ranges,
            "assume_adult": self.assume_adult,
            "decimal": self.decimal,
            "default_units": dict(self.default_units),
            "reference_albumin": self.reference_albumin,
            "tests": dict(self.tests.rows),
            "date_order": self.date_order,
        }

    @property
    def provenance(self) -> Provenance:
        """Versions, editions with their hashes, and the choices of `interpret`."""
        return _provenance(self)

    @property
    def table_provenance(self) -> dict[str, Any]:
        """The same JSON-ready, with what a table chooses besides."""
        made = attrs.asdict(self.provenance)
        settings = {**thawed(made["settings"]), "panel": self.panel, "one_patient": self.one_patient}
        return {**made, "settings": settings}


KERNEL: Final = (
    "ranges", "grading", "reported_ranges", "assume_adult", "decimal", "default_units", "reference_albumin", "tests",
    "date_order",
)  # fmt: skip
"""The choices that every face has."""
TABLE: Final = (*KERNEL, "panel", "one_patient")
"""The choices that every face for tables has."""


def resolve_ranges(ranges: Any) -> ReferenceSet:
    """Return the reference set that `ranges` names."""
    if isinstance(ranges, ReferenceSet):
        return ranges
    if isinstance(ranges, str) and not ranges.endswith(".toml"):
        return _shipped(ranges)
    return reference_set(ranges)


_shipped = functools.lru_cache(maxsize=64)(reference_set)


@functools.lru_cache(maxsize=64)
def _session(
    ranges: ReferenceSet,
    grading: str | None,
    reported: bool,
    adult: bool,
    units: tuple[tuple[str, str], ...],
    tests: TestMap,
    date_order: str | None,
    decimal: str | None,
) -> Session:
    return Session(
        ranges,
        None if grading is None else gradings(grading),
        reported_ranges=reported,
        assume_adult=adult,
        default_units=dict(units),
        tests=tests,
        date_order=date_order,
        decimal=decimal,
    )


@functools.lru_cache(maxsize=64)
def _provenance(options: Options) -> Provenance:
    grading = options.session.grading
    editions = (*options.ranges.editions, *(() if grading is None else grading.editions))
    return Provenance(
        library_version=__version__,
        knowledge_version=reasoning.knowledge_version(),
        knowledge_sha256=reasoning.knowledge_sha256(),
        editions=tuple(EditionRef(edition.id, edition.sha256) for edition in editions),
        settings=frozen(options.settings),
    )


def _checked_albumin(reference: float | None) -> float | None:
    if reference is None:
        return None
    number = checked_number(reference, "reference_albumin")
    if not 10 <= number <= 100:  # noqa: PLR2004 - tells g/L from g/dL
        raise InputError("reference_albumin is not an albumin in g/L", hint="Give g/L, such as 40 for 4.0 g/dL")
    return number
