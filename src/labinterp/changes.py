"""Two results of one patient: how far apart, and whether that is more than biology and the assay explain.

The reference change value is log-normal, after Fokkema 2006:

    sigma = sqrt(ln(CVA^2 + 1) + ln(CVI^2 + 1))
    low, high = 100 * (exp(-+ z * sqrt(2) * sigma) - 1)

CVI and the default of CVA come with their citation from `knowledge/variation.toml`.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Final

import attrs

from labinterp._data import knowledge
from labinterp.arguments import as_float, checked_instance
from labinterp.errors import InputError
from labinterp.kernel import scalar
from labinterp.model import Citation, LabResult, Patient
from labinterp.options import DateOrder, DecimalSign, Options
from labinterp.reading import analytes, demographics
from labinterp.reading.times import read_time
from labinterp.words import faces, problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from labinterp.options import Tests

TWO_SIDED_95: Final = 1.96
"""Standard deviations within which 95 % of the changes of a steady person lie; one-sided it is 1.645."""

_LARGEST_Z: Final = 10.0
_LARGEST_CV: Final = 100.0


@attrs.frozen
class Variation:
    """What is known of an analyte's variation within a person.

    Args:
        analyte: analyte key.
        cvi: within-subject biological variation in percent; missing where there is no checked figure.
        cva: analytical variation in percent that is taken unless the caller knows better.
        cva_basis: `measured` in the study, or `desirable`, half of CVI.
        problem: why there is no reference change value: `no_variation_data` or `not_in_steady_state`.
        evidence: `primary` or `secondary`.
        citations: where the figures come from.
    """

    analyte: str
    cvi: float | None = None
    cva: float | None = None
    cva_basis: str | None = None
    problem: str | None = None
    evidence: str | None = None
    citations: tuple[Citation, ...] = ()


@attrs.frozen
class Change:
    """The answer of `change`. Either `exceeds` is given, or `problem` says why not.

    Args:
        analyte: analyte key, missing where the results have none in common.
        unit: UCUM code of the analyte's canonical unit.
        difference: current less previous, in `unit`; missing where the two cannot be compared.
        percent: the difference in percent of the previous value.
        reference_change_value: lowest and highest change in percent that variation explains.
        exceeds: whether `percent` lies outside of that.
        problem: code of what stands against an answer.
        message: the problem in words.
        notes: codes of what limits the answer.
        citations: where the figures and the formula come from.
        z: number of standard deviations.
        cvi: within-subject biological variation in percent.
        cva: analytical variation in percent.
        evidence: `primary` or `secondary`, of the biological variation.

    Example:
        >>> import labinterp as li
        >>> answer = li.change(li.LabResult("magnesium", 0.8, "mmol/L"), li.LabResult("albumin", 41, "g/L"))
        >>> answer.exceeds, answer.problem
        (None, 'different_analytes')
    """

    analyte: str | None
    unit: str | None
    difference: float | None = attrs.field(default=None, repr=False)
    percent: float | None = attrs.field(default=None, repr=False)
    reference_change_value: tuple[float, float] | None = None
    exceeds: bool | None = attrs.field(default=None, repr=False)
    problem: str | None = None
    message: str = ""
    notes: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = attrs.field(default=(), repr=False)
    z: float | None = None
    cvi: float | None = None
    cva: float | None = None
    evidence: str | None = None


def change(
    previous: LabResult,
    current: LabResult,
    *,
    z: float = TWO_SIDED_95,
    cva: float | None = None,
    decimal: DecimalSign | None = None,
    default_units: Mapping[str, str] | None = None,
    tests: Tests | None = None,
    date_order: DateOrder | None = None,
) -> Change:
    """Compare two results of one analyte of one patient, and the change with its reference change value.

    Before any arithmetic: both are read as `interpret` reads them and normalized by exact factors; analyte and, where
    both are known, method must be the same; the previous result must be the earlier one where both times are known.

    Args:
        previous: the earlier result.
        current: the later result.
        z: number of standard deviations: 1.96 is two-sided 95 %, 1.645 one-sided.
        cva: your laboratory's analytical variation in percent; by default that of the cited data.
        decimal: as in `interpret`.
        default_units: as in `interpret`.
        tests: as in `interpret`.
        date_order: as in `interpret`.

    Returns:
        Difference and percent, what variation explains of it, and whether it is more; or the problem.

    Raises:
        TypeError: if one of the two is no `LabResult`.
        InputError: if `z` or `cva` cannot be one.

    Example:
        >>> import labinterp as li
        >>> first = li.LabResult("calcium", 9.2, "mg/dL", method="NM-BAPTA")
        >>> second = li.LabResult("calcium", 2.15, "mmol/L", method="NM-BAPTA")
        >>> answer = li.change(first, second)
        >>> round(answer.percent, 1), [round(end, 2) for end in answer.reference_change_value], answer.exceeds
        (-6.3, [-5.39, 5.7], True)
    """
    for name, result in (("previous", previous), ("current", current)):
        checked_instance(result, LabResult, name)
    z, cva = checked_z(z), checked_cva(cva)
    options = Options.checked(
        ranges=[],
        reported_ranges=False,
        decimal=decimal,
        default_units=default_units,
        tests=tests,
        date_order=date_order,
    )
    session = options.session
    person = scalar.PatientGroups(Patient(), session)
    readings = [scalar.read(result, person, session, options.decimal) for result in (previous, current)]
    keys = {reading.channel.analyte for reading in readings}
    analyte = keys.pop() if len(keys) == 1 else None
    unit = readings[0].channel.canonical_unit if analyte is not None else None
    base = Change(analyte, unit, notes=_notes((previous, current), readings, date_order), z=z)
    problem = _incomparable((previous, current), readings, analyte, date_order)
    if problem is not None:
        return attrs.evolve(base, problem=problem[0], message=problem[1])
    before, after = (float(reading.value or 0.0) for reading in readings)
    return _compared(base, before, after, variation(str(analyte)), cva)


def _compared(base: Change, before: float, after: float, known: Variation, cva: float | None) -> Change:
    difference, percent = after - before, percent_of(before, after)
    base = attrs.evolve(
        base, difference=difference, percent=percent, citations=known.citations, evidence=known.evidence
    )
    problem = known.problem or ("previous_is_zero" if percent is None else None)
    if problem is not None or known.cvi is None or known.cva is None or percent is None:
        return attrs.evolve(base, problem=problem, message=problem_text(str(problem)))
    cva_used = known.cva if cva is None else cva
    low, high = reference_change_value(known.cvi, cva_used, z=float(base.z or 0.0))
    return attrs.evolve(
        base,
        reference_change_value=(low, high),
        exceeds=percent < low or percent > high,
        notes=(*base.notes, "cva_desirable") if cva is None and known.cva_basis == "desirable" else base.notes,
        citations=(*known.citations, formula_citation()),
        cvi=known.cvi,
        cva=cva_used,
    )


def percent_of(before: float, after: float) -> float | None:
    """Return the change in percent of the first value; None where that is zero."""
    return None if before == 0 else (after - before) / before * 100.0


def reference_change_value(cvi: float, cva: float, *, z: float = TWO_SIDED_95) -> tuple[float, float]:
    """Return the lowest and highest change in percent that variation explains, after Fokkema 2006.

    Args:
        cvi: within-subject biological variation in percent.
        cva: analytical variation in percent.
        z: number of standard deviations.

    Raises:
        InputError: if one of them cannot be one.

    Example:
        >>> [round(end, 1) for end in reference_change_value(8.6, 7.5)]
        [-27.1, 37.1]
    """
    spread = checked_z(z) * math.sqrt(2) * math.sqrt(_log_variance(cva, "cva") + _log_variance(cvi, "cvi"))
    return math.expm1(-spread) * 100.0, math.expm1(spread) * 100.0


def variation(analyte: str) -> Variation:
    """Return what is known of an analyte's variation within a person.

    Raises:
        UnknownTestError: if `analyte` is not a key.

    Example:
        >>> variation("calcium").cvi, variation("vitamin_d").problem, variation("magnesium").problem
        (1.81, 'not_in_steady_state', 'no_variation_data')
    """
    return _variations().get(analytes.analyte(analyte).key) or Variation(analyte, problem="no_variation_data")


def checked_z(z: float) -> float:
    """Return a number of standard deviations that can be one.

    Raises:
        InputError: if it is not above 0 and at most 10.
    """
    number = as_float(z)
    if number is None or not 0 < number <= _LARGEST_Z:
        raise InputError("z is no number above 0 and up to 10", hint="1.96 is two-sided 95 %, 1.645 one-sided")
    return number


def checked_cva(cva: float | None) -> float | None:
    """Return an analytical variation in percent that can be one, or None.

    Raises:
        InputError: if it is not between 0 and 100.
    """
    return None if cva is None else _checked_cv(cva, "cva")


def fold_method(method: object) -> str | None:
    """Return a method as methods are compared: without case and surplus white space; None where it is not given."""
    text = demographics.read_text(method)
    return None if text is None else " ".join(text.casefold().split()) or None


def problem_text(problem: str) -> str:
    """Return the sentence behind a problem of `change`."""
    return str(knowledge("variation.toml")["problems"][problem])


def note_text(note: str) -> str:
    """Return the sentence behind a note of `change`.

    Example:
        >>> note_text("cva_desirable")
        "CVA is the desirable imprecision, half of CVI; give your laboratory's own with `cva=`."
    """
    return str(knowledge("variation.toml")["notes"][note])


def formula_citation() -> Citation:
    """Return where the formula comes from."""
    return _citation(knowledge("variation.toml")["formula"]["source"])


def _incomparable(
    results: tuple[LabResult, LabResult],
    readings: list[scalar.Reading],
    analyte: str | None,
    date_order: str | None,
) -> tuple[str, str] | None:
    """Return why two results cannot be compared, code and sentence; None where they can."""
    for which, reading in zip(("previous", "current"), readings, strict=True):
        if reading.value is None:
            met = str(reading.problem)
            return met, faces.line("result", "unusable", which=which, reason=problems.message(met))
    methods = [fold_method(result.method) for result in results]
    times = [read_time(result.collected_at, date_order) for result in results]
    code: str | None = None
    if analyte is None:
        code = "different_analytes"
    elif methods[0] is not None and methods[1] is not None and methods[0] != methods[1]:
        code = "different_methods"
    elif times[0] is not None and times[1] is not None and times[0] >= times[1]:
        code = "times_not_in_order"
    elif any(reading.comparator is not None for reading in readings):
        code = "censored_value"
    return None if code is None else (code, problem_text(code))


def _notes(
    results: tuple[LabResult, LabResult], readings: list[scalar.Reading], date_order: str | None
) -> tuple[str, ...]:
    kinds = {analytes.specimen_kind(result.specimen) for result in results} - {None, "drawn"}  # may be either
    found = {
        "method_unknown": any(fold_method(result.method) is None for result in results),
        "time_unknown": any(read_time(result.collected_at, date_order) is None for result in results),
        "different_specimens": len(kinds) > 1,
        "soft_implausible": any(reading.soft for reading in readings),
    }
    return tuple(note for note, holds in found.items() if holds)


@functools.cache
def _variations() -> Mapping[str, Variation]:
    data = knowledge("variation.toml")
    found = [
        Variation(
            analyte=row["analyte"],
            cvi=_optional(row.get("cvi")),
            cva=_optional(row.get("cva")),
            cva_basis=row.get("cva_basis"),
            problem=row.get("problem"),
            evidence=row["evidence"],
            citations=(_citation(row["source"]),),
        )
        for row in (*data["variation"], *data["refused"])
    ]
    return {item.analyte: item for item in found}


def _citation(named: Mapping[str, str]) -> Citation:
    source = next(source for source in knowledge("variation.toml")["source"] if source["id"] == named["id"])
    return Citation(source["id"], source["text"], named.get("locator"), source.get("url"))


def _optional(number: Decimal | None) -> float | None:
    return None if number is None else float(number)


def _log_variance(percent: float, name: str) -> float:
    return math.log1p((_checked_cv(percent, name) / 100.0) ** 2)


def _checked_cv(percent: float, name: str) -> float:
    number = as_float(percent)
    if number is None or not 0 <= number <= _LARGEST_CV:
        raise InputError(f"{name} is no number of percent from 0 to 100", hint="Give 2.5 for 2.5 %")
    return number
