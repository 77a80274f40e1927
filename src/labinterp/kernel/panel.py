"""From the results of one panel to the levels on which reasoning rests.

The slots of a panel are those of `labinterp.reasoning`; `calcium_computed` is filled here, by adjusting total calcium
by the panel's albumin.
"""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp import reasoning
from labinterp._data import knowledge
from labinterp.arguments import checked_number
from labinterp.codes import HIGH_SIDE, LEVEL_CODE
from labinterp.errors import ImplausibleValueError, LayoutError, ValueParseError
from labinterp.kernel.limits import Bounds
from labinterp.reading import analytes, units, values

if TYPE_CHECKING:
    from labinterp.kernel.quantity import Channel

SLOT: Final = {name: i for i, name in enumerate(reasoning.SLOTS)}
CALCIUM: Final = SLOT["calcium"]
COMPUTED: Final = SLOT["calcium_computed"]
ALBUMIN: Final = SLOT["albumin"]
SOFT: Final = reasoning.SOFT
ABOVE_NORMAL: Final = frozenset(LEVEL_CODE[level] for level in HIGH_SIDE)
_DAY: Final = 86_400_000_000
_SPAN: Final = re.compile(r"([0-9]{1,5})\s*([DdHh])", re.ASCII)


def read_span(panel: str) -> int | None:
    """Return a look-back in microseconds, or None for `collection` and `patient`.

    Raises:
        LayoutError: if it is none of them.
    """
    if isinstance(panel, str) and panel in ("collection", "patient"):
        return None
    match = _SPAN.fullmatch(panel) if isinstance(panel, str) else None
    if match is None:
        raise LayoutError("panel is not known", hint="Use 'collection', 'patient' or a look-back such as '30D'")
    return int(match[1]) * (_DAY if match[2] in "Dd" else _DAY // 24)


@attrs.frozen
class Adjustment:
    """The formula that adjusts total calcium by albumin: calcium + slope * (reference - albumin).

    Args:
        reference: albumin at which nothing is adjusted, in g/L.
        albumin_from: albumin below which the formula is not valid, in g/L.
        albumin_up_to: albumin above which it is not valid, also where the albumin has no range of its own.
    """

    reference: float
    albumin_from: float
    albumin_up_to: float

    def slope(self, channel: Channel) -> float:
        """Return the slope in the unit of the calcium result per g/L of albumin."""
        return slope_in(str(channel.unit))


@functools.cache
def slope_in(code: str) -> float:
    """Return the conventional slope for calcium in the unit `code`, per g/L of albumin."""
    data = knowledge("adjustment.toml")["slope"][units.units()[code].kind]
    return units.scale_between("calcium", data["unit"], code).apply(float(data["value"]))


def adjustment(reference_albumin: float | None = None) -> Adjustment:
    """Return the formula with its default reference albumin or the caller's, in g/L."""
    data = knowledge("adjustment.toml")
    reference = data["reference_albumin"] if reference_albumin is None else reference_albumin
    valid = data["valid"]
    return Adjustment(float(reference), float(valid["albumin_from"]), float(valid["albumin_up_to"]))


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
