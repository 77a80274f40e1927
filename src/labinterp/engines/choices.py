"""The options of an interpretation, checked once and carried to wherever the rows are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from labinterp.batch import core
from labinterp.batch.panels import read_span
from labinterp.errors import LayoutError
from labinterp.frozen import thawed
from labinterp.interpretation import checked_albumin, provenance_of, resolve_ranges, session_for
from labinterp.kernel import panel as slots
from labinterp.reading import values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.batch.columns import Columns
    from labinterp.kernel.session import Session
    from labinterp.kernel.vector import Ints
    from labinterp.ranges import ReferenceSet


@attrs.frozen(eq=False)
class Choices:
    """What `interpret_frame` takes besides the table; pickles, and opens its session where it is used.

    Args:
        ranges: resolved, so that a file of ranges need not lie where the rows are.
        grading: as in `interpret`.
        panel: as in `interpret_frame`.
        reported_ranges: as in `interpret`.
        assume_adult: as in `interpret`.
        decimal: as in `interpret`.
        default_units: as in `interpret`.
        reference_albumin: as in `interpret`.
    """

    ranges: ReferenceSet
    grading: str | None
    panel: str
    reported_ranges: bool
    assume_adult: bool
    decimal: str | None
    default_units: dict[str, str]
    reference_albumin: float | None

    @classmethod
    def checked(
        cls,
        *,
        ranges: Any,
        grading: str | None,
        panel: str,
        reported_ranges: bool,
        assume_adult: bool,
        decimal: str | None,
        default_units: Mapping[str, str] | None,
        reference_albumin: float | None,
    ) -> Choices:
        """Check the options before any row is read."""
        values.check_decimal(decimal)
        read_span(panel)
        checked_albumin(reference_albumin)
        choices = cls(
            resolve_ranges(ranges),
            grading,
            panel,
            reported_ranges,
            assume_adult,
            decimal,
            dict(default_units or {}),
            reference_albumin,
        )
        choices.open()
        return choices

    @property
    def by_time(self) -> bool:
        """Whether rows of one patient at different times may be interpreted apart."""
        return self.panel == "collection"

    def open(self) -> Session:
        """Return the session of these choices."""
        return session_for(self.ranges, self.grading, self.reported_ranges, self.assume_adult, self.default_units)

    def provenance(self) -> dict[str, Any]:
        """Return versions, editions with their hashes, and what was chosen, JSON-ready."""
        made_by = attrs.asdict(provenance_of(self.open(), self.decimal, self.reference_albumin))
        return {**made_by, "settings": {**thawed(made_by["settings"]), "panel": self.panel}}


class Interpreter:
    """Interprets tables that hold whole panels.

    Args:
        choices: the options.
    """

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self._session = choices.open()
        self._adjustment = slots.adjustment(choices.reference_albumin)

    def run(self, table: Columns, numbers: Ints) -> core.Answer:
        """Interpret a table in the `labinterp` layout.

        Args:
            table: n rows.
            numbers: each row's number in the whole.
        """
        missing = [name for name in ("test", "value") if name not in table]
        if missing:
            raise LayoutError(f"the table has no column {' and no column '.join(missing)}", column=missing[0])
        answer = core.run(table, self._session, self._adjustment, self.choices.decimal, self.choices.panel)
        answer.numbers = numbers
        return answer
