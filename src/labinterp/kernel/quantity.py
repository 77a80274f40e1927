"""Texts of a result → what they mean: analyte, unit, factor, plausibility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from labinterp.codes import NOTE_BIT, bits_of_notes, bits_of_text
from labinterp.kernel.limits import UNBOUNDED, Bounds
from labinterp.reading import analytes, flags, names_and_units, units, values
from labinterp.reading.naming import same_unit

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_value(value: Any, decimal: str | None) -> values.Parsed:
    """Read a value of any kind; the unit of a pint Quantity is read as text behind its number.

    Example:
        >>> read_value("<8", None).comparator
        '<'
    """
    if isinstance(value, (str, float, int)) or not units.is_quantity(value):
        return values.parse(value, decimal)
    magnitude, unit = units.from_quantity(value)
    parsed = values.parse(magnitude, decimal)
    code = units.resolve(unit).code
    if parsed.problem is None and code is None:
        return values.Parsed(problem="unknown_unit")
    return attrs.evolve(parsed, unit_text=code)


class Sent(NamedTuple):
    """The texts of a result that do not depend on its number, as they were sent.

    Attributes:
        test: key, code or name of the analyte.
        unit: the unit field.
        specimen: the specimen field.
        loinc: a LOINC code sent beside the name.
        written: text found behind the number.
        note: notes of the source, joined by `;`.
        method: the assay.
    """

    test: str
    unit: str | None = None
    specimen: str | None = None
    loinc: str | None = None
    written: str | None = None
    note: str | None = None
    method: str | None = None


@attrs.frozen
class Channel:
    """What a distinct (test, unit, specimen) means.

    Args:
        analyte: analyte key, or None with `problem`.
        unit: UCUM code of the result's unit, or None with `unit_problem`.
        mul: with `div`: canonical value = value * mul / div.
        div: see `mul`.
        problem: `unknown_test` or `unsuitable_specimen`.
        value_problem: `not_numeric` where what is written behind the number is no unit.
        unit_problem: why the unit cannot be used.
        notes: bit mask.
        hard: beyond these a value cannot be right.
        soft: beyond these a value is doubtful.
        ordinary: where most values of patients lie.
        canonical_unit: UCUM code of the unit after conversion.
        method: the assay, where it is known.
        between: the analytes that the name may mean, where it has several meanings.
        mark: the side of normal that a star or an arrow beside the name says.
    """

    analyte: str | None
    unit: str | None = None
    mul: float = 1.0
    div: float = 1.0
    problem: str | None = None
    value_problem: str | None = None
    unit_problem: str | None = None
    notes: int = 0
    hard: Bounds = UNBOUNDED
    soft: Bounds = UNBOUNDED
    ordinary: Bounds = UNBOUNDED
    canonical_unit: str | None = None
    method: str | None = None
    between: tuple[str, ...] = ()
    mark: str | None = None


def resolve(sent: Sent, default_units: Mapping[str, str], tests: analytes.TestMap | None = None) -> Channel:
    """Resolve a combination of texts.

    Args:
        sent: the texts.
        default_units: analyte key → unit for results without one.
        tests: what the caller says of local names and codes.
    """
    resolution = analytes.resolve(sent.test, sent.loinc, tests, sent.specimen)
    notes = bits_of_text(sent.note) | bits_of_notes(resolution.notes)
    if resolution.reason == analytes.REFUSED_BY_CALLER:
        notes |= NOTE_BIT["test_refused"]
    if resolution.analyte is None or notes & NOTE_BIT["test_refused"]:
        between = analytes.MEANINGS.get(resolution.reason or "", ())
        return Channel(None, problem="unknown_test", notes=notes, between=between)
    analyte = analytes.analytes()[resolution.analyte]
    base = Channel(
        analyte.key,
        canonical_unit=analyte.canonical_unit,
        notes=notes,
        hard=Bounds.of(analyte.hard),
        soft=Bounds.of(analyte.soft),
        ordinary=Bounds.of(analyte.ordinary),
        method=sent.method,
        mark=flags.side_in_name(sent.test),
    )
    if not analytes.specimen_suitable(analyte.key, sent.specimen):
        return attrs.evolve(base, problem="unsuitable_specimen")
    if analytes.specimen_kind(sent.specimen) == "drawn":
        notes |= NOTE_BIT["specimen_generic"]
    unit, note, problem = _unit(sent, default_units.get(analyte.key))
    base = attrs.evolve(base, notes=notes | note)
    if problem == "not_numeric":
        return attrs.evolve(base, value_problem=problem)
    if problem is not None:
        return attrs.evolve(base, unit_problem=problem)
    return _with_unit(base, unit, resolution.property)


def _unit(sent: Sent, default: str | None) -> tuple[str | None, int, str | None]:
    """Return the text of the unit, a note about it, and what is wrong with it.

    The unit field decides, then what is written behind the number, then the name of the test, then the default. A unit
    that the source says in two ways is not known; text behind the number that is no unit makes the value not numeric.
    """
    given = units.resolve(sent.unit).problem != "missing_unit"
    written = None if sent.written is None else units.resolve(sent.written).code
    if "unit_conflict" in (sent.note or "").split(";"):
        return None, 0, "unknown_unit"
    if sent.written is not None and written is None:
        return None, 0, "not_numeric"
    named = names_and_units.unit_of(sent.test)
    said = [text for text in (sent.unit if given else None, sent.written) if text is not None]
    clash = given and written is not None and units.resolve(sent.unit).code not in (None, written)
    if clash or (named is not None and any(_is_other(text, named) for text in said)):
        return None, NOTE_BIT["unit_conflict"], "unknown_unit"
    chosen = next(iter([*said, *filter(None, [named])]), None)
    if chosen is not None:
        return chosen, 0, None
    if default is not None:
        return default, NOTE_BIT["default_unit_used"], None
    return None, 0, "missing_unit"


def _is_other(unit: str, named: str) -> bool:
    return units.resolve(unit).code is not None and not same_unit(unit, named)


def _with_unit(base: Channel, unit: str | None, expected_kind: str | None) -> Channel:
    """Complete a channel by its unit; a kind of unit that the LOINC code does not expect is noted."""
    analyte, resolved = str(base.analyte), units.resolve(unit)
    if resolved.code is None:
        return attrs.evolve(base, unit_problem="unknown_unit")
    if resolved.code not in units.accepted(analyte):
        return attrs.evolve(base, unit_problem="incompatible_unit")
    notes = base.notes | (NOTE_BIT["unit_cleaned"] if resolved.cleaned else 0)
    if expected_kind and expected_kind != units.units()[resolved.code].kind:
        notes |= NOTE_BIT["loinc_unit_conflict"]
    scale = units.scale(analyte, resolved.code)
    return attrs.evolve(base, unit=resolved.code, mul=scale.mul, div=scale.div, notes=notes)
