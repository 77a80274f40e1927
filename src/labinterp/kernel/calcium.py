"""Total calcium adjusted by albumin: the formula, where it holds, and for whom; the only place of the rule.

`labinterp.kernel.scalar` and the batch both look validity up in a table over few classes, which `why_not` makes.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp import reasoning
from labinterp._data import knowledge
from labinterp.arguments import checked_number
from labinterp.codes import HIGH_SIDE, LEVEL_CODE, LOW_SIDE
from labinterp.errors import ImplausibleValueError, ValueParseError
from labinterp.kernel.limits import Bounds
from labinterp.reading import analytes, units, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.kernel.quantity import Channel

ADULT_FROM: Final = 18
"""Age in years from which laboratories print the ranges of adults, and calcium is adjusted for albumin."""
ADULT, MINOR, PREGNANT, AGE_UNKNOWN = range(4)
"""For whom the formula holds: adults who are not pregnant; where the age is unknown it is used, and said."""
REASON: Final = {name: i for i, name in enumerate(reasoning.CONTEXTS["adjustment"])}
SIDE: Final = {name: i for i, name in enumerate(reasoning.CONTEXTS["albumin_side"])}
_LOW: Final = frozenset(LEVEL_CODE[level] for level in LOW_SIDE)
_HIGH: Final = frozenset(LEVEL_CODE[level] for level in HIGH_SIDE)
_GRAMS: Final = 4
_LEVELS: Final = 16
_PEOPLE: Final = 4


@attrs.frozen
class Adjustment:
    """The formula that adjusts total calcium by albumin: calcium + slope * (reference - albumin).

    Args:
        reference: albumin at which nothing is adjusted, in g/L.
        albumin_from: albumin below which the formula is not valid, in g/L.
        albumin_up_to: albumin above which it is not valid, also where the albumin has no range of its own.
        albumin_low_below: albumin below which it counts as low where it has no range of its own.
    """

    reference: float
    albumin_from: float
    albumin_up_to: float
    albumin_low_below: float

    def adjusted(self, number: Any, slope: Any, grams: Any) -> Any:
        """Return calcium adjusted by albumin; numbers or arrays."""
        return number + slope * (self.reference - grams)

    def grams_class(self, grams: Any) -> Any:
        """Return where albumin lies: 0 below the span, 1 in it but low, 2 in it, 3 above it; a number or an array."""
        return (
            1 * (grams >= self.albumin_from) + 1 * (grams >= self.albumin_low_below) + 1 * (grams > self.albumin_up_to)
        )

    def slope(self, channel: Channel) -> float:
        """Return the slope in the unit of the calcium result per g/L of albumin."""
        return slope_in(str(channel.unit))


@functools.cache
def slope_in(code: str) -> float:
    """Return the conventional slope for calcium in the unit `code`, per g/L of albumin."""
    data = knowledge("adjustment.toml")["slope"][units.units()[code].kind]
    return units.scale_between("calcium", data["unit"], code).apply(float(data["value"]))


@functools.lru_cache(maxsize=64)
def adjustment(reference_albumin: float | None = None) -> Adjustment:
    """Return the formula with its default reference albumin or the caller's, in g/L."""
    data = knowledge("adjustment.toml")
    reference = data["reference_albumin"] if reference_albumin is None else reference_albumin
    valid = data["valid"]
    return Adjustment(
        float(reference), float(valid["albumin_from"]), float(valid["albumin_up_to"]), float(valid["albumin_low_below"])
    )


@attrs.frozen
class Verdict:
    """Whether albumin of a class adjusts calcium for a person of a class.

    Args:
        valid: whether the formula is used.
        reason: position in the reasons of `labinterp.reasoning.CONTEXTS`: why it is not used, or what to know of it.
        side: position in the sides of albumin.
    """

    valid: bool
    reason: int
    side: int


def verdict(grams_class: int, level: int, person: int, *, censored: bool) -> Verdict:
    """Return whether albumin adjusts calcium, from where it lies, its level code, and who the patient is."""
    judged = 0 < level < LEVEL_CODE["indeterminate"]
    low = level in _LOW if judged else grams_class <= 1
    high = level in _HIGH if judged else grams_class == _GRAMS - 1
    side = "low" if low or grams_class == 0 else "high" if high or grams_class == _GRAMS - 1 else "normal"
    reason = None
    if person == PREGNANT:
        reason = "pregnancy"
    elif person == MINOR:
        reason = "minor"
    elif censored:
        reason, side = "albumin_censored", "missing"
    elif grams_class == 0:
        reason = "albumin_low"
    elif side == "high":
        reason = "albumin_high"
    if reason is not None:
        return Verdict(False, REASON[reason], 0 if censored else SIDE[side])
    return Verdict(True, REASON["age_unknown" if person == AGE_UNKNOWN else "missing"], SIDE[side])


def without_albumin(person: int) -> int:
    """Return why albumin, had it been sent, would not adjust calcium: a position in the reasons, 0 for no reason."""
    return {MINOR: REASON["minor"], PREGNANT: REASON["pregnancy"]}.get(person, 0)


@functools.cache
def verdicts() -> Mapping[int, Verdict]:
    """Return every verdict by `verdict_key`."""
    every = itertools.product(range(_GRAMS), range(_LEVELS), range(_PEOPLE), (False, True))
    return {
        verdict_key(grams, level, person, censored): verdict(grams, level, person, censored=censored)
        for grams, level, person, censored in every
    }


def verdict_key(grams_class: Any, level: Any, person: Any, censored: Any) -> Any:
    """Return the position of a verdict; numbers or arrays."""
    return ((grams_class * _LEVELS + level) * _PEOPLE + person) * 2 + censored


def adjusted_calcium(
    calcium: Any,
    unit: str,
    albumin: Any,
    albumin_unit: str,
    *,
    reference_albumin: float = 40,
    slope: float | None = None,
) -> float:
    """Adjust total calcium by albumin: calcium + slope * (reference albumin - albumin).

    An estimate with known failures: not for albumin below 25 g/L, raised albumin, kidney disease, intensive care,
    pregnancy or children, where ionized calcium decides.

    Args:
        calcium: total calcium in `unit`: a number or numeric text without comparator.
        unit: mass, moles or equivalents per volume.
        albumin: in `albumin_unit`.
        albumin_unit: such as `"g/L"` or `"g/dL"`.
        reference_albumin: albumin in g/L at which nothing is adjusted.
        slope: mmol/L of calcium per g/L of albumin, or for calcium in mass units mg/dL per g/dL. By default 0.02, or
            0.8 for mass units; the two conventions differ in the third decimal.

    Returns:
        Adjusted calcium in `unit`.

    Raises:
        ValueParseError: if a value is not a plain number.
        ImplausibleValueError: if a value is negative or beyond what can be.
        UnknownUnitError: if a unit is not known.
        IncompatibleUnitError: if a unit does not fit.

    Example:
        >>> adjusted_calcium(2.05, "mmol/L", 30, "g/L")
        2.25
        >>> round(adjusted_calcium(7.9, "mg/dL", 4.1, "g/dL"), 2)
        7.82
    """
    code = units.code_of(unit)
    amount = _plausible("calcium", calcium, code)
    grams_code = units.code_of(albumin_unit)
    grams = units.scale("albumin", grams_code).apply(_plausible("albumin", albumin, grams_code))
    per_gram = slope_in(code) if slope is None else _slope(slope, code)
    adjusted = amount + per_gram * (checked_number(reference_albumin, "reference_albumin") - grams)
    if not math.isfinite(adjusted):
        raise ValueParseError("slope or reference_albumin is no number that can be used")
    return float(f"{adjusted:.12g}")


def _slope(slope: float, code: str) -> float:
    """Return a caller's slope in the unit `code` per g/L of albumin."""
    mass = units.units()[code].kind == "mass"
    scale = units.scale_between("calcium", "mg/dL" if mass else "mmol/L", code)
    return scale.apply(checked_number(slope, "slope") / (10 if mass else 1))


def _plausible(analyte: str, value: Any, code: str) -> float:
    parsed = values.parse(value)
    if parsed.number is None or parsed.comparator or parsed.alternative is not None or parsed.unit_text is not None:
        raise ValueParseError(f"the {analyte} is not a plain number", analyte=analyte)
    if not Bounds.of(analytes.analytes()[analyte].hard).hold(units.scale(analyte, code).apply(parsed.number)):
        raise ImplausibleValueError(f"the {analyte} is beyond what can be in this unit", analyte=analyte)
    return parsed.number
