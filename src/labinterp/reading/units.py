"""Spelling of a unit → UCUM code → exact factor to an analyte's canonical unit.

Spellings are looked up in the closed table `knowledge/units.toml`. Factors come from a private pint registry that sees
the expressions of that table and nothing else: once per analyte and unit, under a lock, as exact fractions.
"""

from __future__ import annotations

import functools
import math
import sys
import threading
import unicodedata
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import attrs

from labinterp._data import knowledge
from labinterp.arguments import as_float, has
from labinterp.errors import IncompatibleUnitError, UnknownTestError, UnknownUnitError, ValueParseError
from labinterp.reading import analytes, comparators
from labinterp.reading.cells import as_shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

_LONGEST = 64  # characters; longer texts are no units
_LOCK = threading.RLock()


@attrs.frozen
class Unit:
    """A unit of the table.

    Args:
        code: UCUM code, such as `mg/dL`.
        kind: `mass`, `moles` or `equivalents` per volume, or `other`, which no analyte here is measured in.
    """

    code: str
    kind: str


@attrs.frozen
class ResolvedUnit:
    """What the spelling of a unit came to.

    Args:
        code: UCUM code; missing where the spelling is.
        cleaned: whether the spelling was other than UCUM's own.
        problem: `missing_unit` or `unknown_unit` where there is no code.
    """

    code: str | None = None
    cleaned: bool = False
    problem: str | None = None


@attrs.frozen
class Factor:
    """How to convert: `x * mul / div`, of which one is 1, so that a decimal factor is applied without rounding it.

    Args:
        mul: multiplier.
        div: divisor.

    Example:
        >>> scale("magnesium", "mg/dL")
        Factor(mul=1.0, div=2.4305)
    """

    mul: float
    div: float

    def apply(self, value: float) -> float:
        """Return the converted value."""
        return value * self.mul / self.div


@functools.cache
def units() -> Mapping[str, Unit]:
    """Return every unit of the table by its UCUM code.

    Example:
        >>> units()["meq/L"].kind
        'equivalents'
    """
    rows = knowledge("units.toml")["unit"]
    return MappingProxyType({row["code"]: Unit(row["code"], row["kind"]) for row in rows})


def resolve(text: str | None) -> ResolvedUnit:
    """Look up a spelling. Never raises.

    Args:
        text: such as `"MG/DL"`, `"µmol/l"`, `"mmol/l (total)"` or an HL7 v2 field `"mg/dL^mg/dL^UCUM"`.

    Example:
        >>> resolve("mEq/L").code, resolve("mmol/l").cleaned, resolve("mmol/l/ph74").problem
        ('meq/L', False, 'unknown_unit')
    """
    if not isinstance(text, str):
        absent = text is None or (isinstance(text, float) and math.isnan(text))  # NaN: an empty cell of a table
        return ResolvedUnit(problem="missing_unit" if absent else "unknown_unit")
    if len(text) > _LONGEST:
        return ResolvedUnit(problem="unknown_unit" if text.strip() else "missing_unit")
    return _resolve(text)


def code_of(text: str | None, *, analyte: str | None = None) -> str:
    """Return the UCUM code of a spelling.

    Args:
        text: the spelling.
        analyte: whose unit it is, for the error to tell.

    Raises:
        UnknownUnitError: if the spelling is missing or not known.

    Example:
        >>> code_of("mEq/l")
        'meq/L'
    """
    resolved = resolve(text)
    if resolved.code is None:
        what = "the unit is missing" if resolved.problem == "missing_unit" else "the unit's spelling is not known"
        raise UnknownUnitError(what, code=resolved.problem, analyte=analyte)
    return resolved.code


def accepted(analyte: str) -> tuple[str, ...]:
    """Return the UCUM codes that can be converted for an analyte, the customary ones first.

    Args:
        analyte: its key.

    Raises:
        UnknownTestError: if `analyte` is not a key.

    Example:
        >>> accepted("potassium")[:2]
        ('mmol/L', 'meq/L')
    """
    return _accepted(analytes.analyte(analyte).key)


def exact_factor(analyte: str, code: str) -> Fraction:
    """Return the factor from a unit to the analyte's canonical unit.

    Raises:
        UnknownTestError: if `analyte` is not a key.
        UnknownUnitError: if `code` is not a UCUM code of the table.
        IncompatibleUnitError: if the unit cannot be converted for this analyte.

    Example:
        >>> exact_factor("magnesium", "meq/L")
        Fraction(1, 2)
    """
    factor = _factor(analytes.analyte(analyte).key, _known(code))
    if factor is None:
        raise IncompatibleUnitError.from_pair(analyte, code)
    return factor


def scale(analyte: str, code: str) -> Factor:
    """Return how to convert a unit to the analyte's canonical unit in floating point.

    Raises:
        UnknownTestError: if `analyte` is not a key.
        UnknownUnitError: if `code` is not a UCUM code of the table.
        IncompatibleUnitError: if the unit cannot be converted for this analyte.

    Example:
        >>> scale("vitamin_b12", "pg/mL").apply(180)
        132.8050642997853
    """
    return scale_between(analyte, code, analytes.analyte(analyte).canonical_unit)


def scale_between(analyte: str, code: str, to: str) -> Factor:
    """Return how to convert one unit to another for an analyte in floating point.

    Raises:
        UnknownTestError: if `analyte` is not a key.
        UnknownUnitError: if `code` or `to` is not a UCUM code of the table.
        IncompatibleUnitError: if one of them cannot be converted for this analyte.

    Example:
        >>> scale_between("calcium", "mmol/L", "mg/dL")
        Factor(mul=4.0078, div=1.0)
    """
    return _scale(analyte, code, to)


@overload
def convert(
    value: np.ndarray[Any, Any], unit: str | None, to: str, *, analyte: str
) -> np.ndarray[Any, np.dtype[np.float64]]: ...
@overload
def convert(value: pd.Series[Any], unit: str | None, to: str, *, analyte: str) -> pd.Series[float]: ...
@overload
def convert(value: Any, unit: str | None, to: str, *, analyte: str) -> float: ...
def convert(value: Any, unit: str | None, to: str, *, analyte: str) -> Any:
    """Convert a number, or numbers, from one unit to another for an analyte.

    Args:
        value: a number, a pint Quantity of any registry, or an array of numpy or a Series of pandas with numbers, n of
            them, in which NaN stays NaN.
        unit: its unit, in any known spelling; None with a Quantity.
        to: the unit wanted, in any known spelling.
        analyte: analyte key, LOINC code or known name.

    Returns:
        The number in the unit `to`; of an array or a Series the same kind with n numbers.

    Raises:
        UnknownTestError: if the analyte is not known.
        UnknownUnitError: if a unit is missing or not known.
        IncompatibleUnitError: if a unit cannot be converted for this analyte.
        ValueParseError: if `value` is no finite number, or holds something else than finite numbers and NaN.

    Example:
        >>> convert(1.8, "mg/dL", "mmol/L", analyte="magnesium")
        0.7405883563052871
        >>> import pandas as pd
        >>> convert(pd.Series([1.8, None]), "mg/dL", "mmol/L", analyte="magnesium").tolist()
        [0.7405883563052871, nan]
    """
    resolution = analytes.resolve(analyte)
    if resolution.analyte is None:
        why = analytes.reason_text(resolution.reason or "unknown")
        raise UnknownTestError(f"the analyte is not known: {why}")
    many = _is_array(value)
    if not many and is_quantity(value):
        if unit is not None:
            raise ValueParseError("a Quantity carries its own unit", hint="Pass None as the unit")
        value, unit = from_quantity(value)
    key = resolution.analyte
    scale = scale_between(key, code_of(unit, analyte=key), code_of(to, analyte=key))
    if many:
        return _convert_all(value, scale)
    result = scale.apply(_number(value))
    if not math.isfinite(result):
        raise ValueParseError("the converted value is too large for a number")
    return result


def _is_array(value: Any) -> bool:
    """Say whether a value is an array or a Series, without loading what would make it one.

    A module that another thread is still importing lacks its names, and so has made no value yet.
    """
    kinds = (
        getattr(sys.modules.get(module), name, None) for module, name in (("numpy", "ndarray"), ("pandas", "Series"))
    )
    return any(kind is not None and isinstance(value, kind) for kind in kinds)


def _convert_all(values: Any, scale: Factor) -> Any:
    if getattr(values.dtype, "kind", "O") not in "iuf":
        raise ValueParseError("the values are no numbers", hint="Read texts with interpret_frame")
    numbers = values.astype("float64")
    if (abs(numbers) == math.inf).any():
        raise ValueParseError("the values are no finite numbers", hint="NaN stands for a missing one")
    if (abs(numbers) > sys.float_info.max / max(scale.mul, scale.mul / scale.div, 1.0)).any():
        raise ValueParseError("a converted value is too large for a number")
    return numbers * scale.mul / scale.div


def is_quantity(value: object) -> bool:
    """Say whether a value is a pint Quantity, of whatever registry.

    Example:
        >>> is_quantity(1.8)
        False
    """
    return has(value, "magnitude", "units", "to", "dimensionality")


def from_quantity(quantity: Any) -> tuple[Any, str | None]:
    """Take a pint Quantity of any registry apart.

    A unit that is not in the table but is a mass or an amount of substance per volume is converted by the quantity's
    own registry to mg/L or mmol/L.

    Args:
        quantity: the Quantity.

    Returns:
        Its magnitude and the UCUM code of its unit, or the unit's own text if the unit is not known.

    Example:
        >>> import pint
        >>> from_quantity(pint.UnitRegistry().Quantity(1.8, "mg/dL"))
        (1.8, 'mg/dL')
    """
    try:
        text = format(quantity.units, "D")
    except Exception:  # noqa: BLE001 - a registry may have replaced its formatter by anything
        text = str(quantity.units)
    code = resolve(text).code
    if code is not None:
        return quantity.magnitude, code
    for target in ("mg/L", "mmol/L"):
        try:
            return quantity.to(target).magnitude, target
        except Exception:  # noqa: BLE001, S112 - the class of pint's errors depends on its version
            continue
    return quantity.magnitude, text


@attrs.frozen
class _Spellings:
    """Every folded spelling: whole, or as what is put together by a join of a numerator and a denominator.

    Args:
        whole: spelling → UCUM code.
        above: spelling of a numerator → its name.
        below: spelling of a denominator → its name.
        joins: what stands between the two, and behind them.
        codes: names of both → UCUM code.
    """

    whole: Mapping[str, str]
    above: Mapping[str, str]
    below: Mapping[str, str]
    joins: tuple[tuple[str, str], ...]
    codes: Mapping[tuple[str, str], str]

    def code_of(self, folded: str) -> str | None:
        """Return the code of a folded spelling; no spelling has two (a test goes through all of them)."""
        whole = self.whole.get(folded)
        if whole is not None:
            return whole
        for between, behind in self.joins:
            if not folded.endswith(behind):
                continue
            end = len(folded) - len(behind)
            cut = folded.find(between, 0, end)
            while cut >= 0:
                pair = self.above.get(folded[:cut], ""), self.below.get(folded[cut + len(between) : end], "")
                if pair in self.codes:
                    return self.codes[pair]
                cut = folded.find(between, cut + 1, end)
        return None


@functools.cache
def _spellings() -> _Spellings:
    data = knowledge("units.toml")
    above, below = (
        {_fold(spelling): name for name, spellings in data[part].items() for spelling in spellings}
        for part in ("numerators", "denominators")
    )
    joins = dict.fromkeys(tuple(_fold(join).split("{}")[1:]) for join in data["joins"])
    codes = {tuple(row["of"]): row["code"] for row in data["unit"] if "of" in row}
    whole = {_fold(spelling): row["code"] for row in data["unit"] for spelling in row.get("extra", ())}
    return _Spellings(
        whole=whole, above=above, below=below, joins=tuple((between, behind) for between, behind in joins), codes=codes
    )


_SLASHES = str.maketrans("\u2044\u2215", "//")


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).translate(analytes.DASHES).translate(comparators.INVISIBLE)
    return "".join(plain.translate(_SLASHES).casefold().split())


@functools.lru_cache(maxsize=4096)
def _resolve(text: str) -> ResolvedUnit:
    data = knowledge("units.toml")
    text = repaired = as_shown(text)
    for garbled, sign in data["mojibake"].items():
        repaired = repaired.replace(garbled, sign)
    if not _fold(repaired) or _fold(repaired) in data["missing"]:
        return ResolvedUnit(problem="missing_unit")
    code = _lookup(repaired)
    if code is None and "^" in repaired:
        parts = [part for part in repaired.split("^") if part.strip()]  # an HL7 v2 field: code^text^system
        codes = [_lookup(part) for part in parts]
        code = codes[0] if codes and set(codes) <= {codes[0], None} else None
    if code is None:
        return ResolvedUnit(problem="unknown_unit")
    return ResolvedUnit(code, cleaned=text not in (code, code.replace("L", "l")))


def _lookup(text: str) -> str | None:
    """Return the code of a spelling, or of the one spelling inside brackets, annotations and marks around it."""
    found = _plain_lookup(text)
    if found is not None:
        return found
    bare = _without_annotations(unicodedata.normalize("NFKC", text).translate(analytes.DASHES).strip())
    if bare is None:
        return None
    for opening, closing in ("()", "[]"):
        inner = bare[1:-1]
        if bare.startswith(opening) and bare.endswith(closing) and not set("()[]") & set(inner):
            bare = inner.strip()
    bare = bare.rstrip(".,; ")
    return _plain_lookup(bare) or _plain_lookup(_without_remark(bare))


def _without_annotations(text: str) -> str | None:
    """Return a text without UCUM's annotations; None where one says that something else was measured."""
    refused = knowledge("units.toml")["refused_annotations"]
    kept: list[str] = []
    for piece in text.split("{"):
        annotation, closing, rest = piece.partition("}")
        if not kept:
            kept.append(piece)
            continue
        words = {_fold(word) for word in annotation.replace("_", " ").split()}
        if not closing or words & set(refused) or _fold(annotation) in refused:
            return None
        kept.append(rest)
    return "".join(kept).strip()


def _without_remark(text: str) -> str:
    """Return a text without the word behind its last blank or bracket, where it is a remark that changes nothing."""
    head, blank, remark = text.replace("(", " ").rpartition(" ")
    return head if blank and _fold(remark).rstrip(")") in knowledge("units.toml")["annotations"] else text


def _plain_lookup(text: str) -> str | None:
    data = knowledge("units.toml")
    for exact, code in data["exact_case"].items():
        if unicodedata.normalize("NFKC", text).strip() == unicodedata.normalize("NFKC", exact):
            return str(code)
    folded = _fold(text)
    found = _spellings().code_of(folded)
    if found is None and any(mark in folded for mark in data["marks"]):
        found = _spellings().code_of("".join(sign for sign in folded if sign not in data["marks"]))
    if found is None and folded.endswith((")", "}", "]")):
        head, _, remark = folded.replace("{", "(").replace("[", "(").rpartition("(")
        if remark[:-1] in data["annotations"]:
            return _lookup(head)
    return found


def _known(code: str) -> str:
    if not isinstance(code, str) or code not in units():
        raise UnknownUnitError("the unit is not one of labinterp's UCUM codes")
    return code


def _number(value: Any) -> float:
    number = as_float(value)
    if number is None or not math.isfinite(number):
        raise ValueParseError("the value is no finite number", hint="Pass a number or a pint Quantity")
    return number


@functools.cache
def _accepted(analyte: str) -> tuple[str, ...]:
    customary = analytes.analyte(analyte).units
    others = (code for code in units() if code not in customary and _factor(analyte, code) is not None)
    return (*customary, *others)


@functools.lru_cache(maxsize=4096)
def _scale(analyte: str, code: str, to: str) -> Factor:
    ratio = exact_factor(analyte, code) / exact_factor(analyte, to)
    if not _terminates(ratio) and _terminates(1 / ratio):
        return Factor(1.0, float(1 / ratio))
    return Factor(float(ratio), 1.0)


def _terminates(number: Fraction) -> bool:
    """Say whether a fraction has a finite decimal expansion."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


@functools.cache
def _factor(analyte: str, code: str) -> Fraction | None:
    """Return the factor to the canonical unit, None where there is none."""
    what = analytes.analyte(analyte)
    per_mole = {"plain": "1", "mass": what.molar_mass, "equivalents": what.valence}
    with _LOCK:
        canonical, dimension = _ways(what.canonical_unit)["plain"]
        for name, (way, its_dimension) in _ways(code).items():
            each = per_mole[name]
            if each is not None and its_dimension == dimension:
                return Fraction((way / Fraction(each)).to(canonical.units).magnitude)
    return None


@functools.cache
def _ways(code: str) -> dict[str, tuple[Any, Any]]:
    """Return one of a unit, plain and per gram or equivalent a mole, with its dimension; call it under the lock."""
    expression = next(row.get("pint") for row in knowledge("units.toml")["unit"] if row["code"] == code)
    if expression is None:
        return {}
    quantity = functools.partial(_registry().Quantity, Fraction(1))
    one, mass, charge = map(quantity, (expression, "gram / mole", "equivalent / mole"))
    ways = {"plain": one, "mass": one / mass, "equivalents": one / charge}
    return {name: (way, way.dimensionality) for name, way in ways.items()}


@functools.cache
def _registry() -> Any:
    """Build the private registry; call it under the lock."""
    import pint

    registry: Any = pint.UnitRegistry(None, non_int_type=Fraction)
    for definition in (
        "deci- = 1/10",
        "milli- = 1/1000",
        "micro- = 1/1000000",
        "nano- = 1/1000000000",
        "pico- = 1/1000000000000",
        "femto- = 1/1000000000000000",
        "gram = [mass]",
        "liter = [volume]",
        "mole = [substance]",
        "equivalent = [charge_equivalent]",  # a dimension of its own: equivalents without a valence do not convert
    ):
        registry.define(definition)
    return registry
