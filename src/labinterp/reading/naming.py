"""Of the several names and codes that a message gives to one thing, the one by which it is resolved.

Nothing is guessed: a code or a name that is refused decides against its neighbors, and names that mean different
analytes are no name.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from labinterp.errors import LabInterpError
from labinterp.reading import analytes, units
from labinterp.words import uris

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labinterp.model import Interpretation


_LOINC: Final = frozenset({uris.LOINC.rpartition("/")[2], "loinc", "ln", uris.LOINC_OID})
_UCUM: Final = frozenset({uris.UCUM.rpartition("/")[2], "ucum", uris.UCUM_OID})
_SCHEME: Final = re.compile(r"(?:https?://|urn:oid:)?(?:www\.)?(.{0,64}?)/?", re.IGNORECASE)
_CODE: Final = re.compile(r"0{0,8}([1-9][0-9]{0,6}-[0-9])", re.ASCII)
_NINE: Final = 9


def is_loinc(system: str | None) -> bool:
    """Return whether a code system is LOINC, as FHIR or HL7 v2 spell it.

    Example:
        >>> is_loinc("http://loinc.org/"), is_loinc("LN"), is_loinc("urn:local")
        (True, True, False)
    """
    return _is_of(system, _LOINC)


def is_ucum(system: str | None) -> bool:
    """Return whether a code system is UCUM, as FHIR or HL7 v2 spell it."""
    return _is_of(system, _UCUM)


def _is_of(system: str | None, known: frozenset[str]) -> bool:
    match = _SCHEME.fullmatch(system.strip()) if system else None
    return match is not None and match[1].casefold() in known


def loinc_code(code: str | None, system: str | None) -> str | None:
    """Return a LOINC code without zeros in front; None where the code is of another system.

    A code without a system is one of LOINC where it has the form of one and its check digit is right.

    Example:
        >>> loinc_code("017861-6", "LN"), loinc_code("17861-6", None), loinc_code("17861-5", None)
        ('17861-6', '17861-6', None)
    """
    if not code:
        return None
    match = _CODE.fullmatch(code.strip())
    if is_loinc(system):
        return match[1] if match else code
    return match[1] if match and not system and _checks(match[1]) else None


def _checks(code: str) -> bool:
    """Return whether the last digit is the check digit of those before it."""
    *digits, check = map(int, code.replace("-", ""))
    doubled = [digit * (1 + (i % 2 == 0)) for i, digit in enumerate(reversed(digits))]
    return (sum(digit - _NINE if digit > _NINE else digit for digit in doubled) + check) % 10 == 0


def name_of_test(codes: Iterable[str], names: Iterable[str]) -> tuple[str, str | None]:
    """Return the name of the test and its LOINC codes.

    Args:
        codes: every LOINC code that was given; where there are several, all of them have to mean the same analyte.
        names: texts and displays, best first.

    Example:
        >>> name_of_test(["17861-6"], ["Calcium, total", "Ca"])
        ('Calcium, total', '17861-6')
        >>> name_of_test([], ["Calcium", "Calcium ionized"])
        ('Calcium / Calcium ionized', None)
    """
    names = [name for name in dict.fromkeys(names) if name]
    loinc = " ".join(dict.fromkeys(codes))
    resolved = {name: analytes.resolve(name) for name in names}
    near_miss = next((name for name, found in resolved.items() if found.reason not in (None, "unknown")), None)
    if loinc:
        return near_miss or next(iter(names), loinc), loinc
    if near_miss is not None:
        return near_miss, None
    meant = {name: found.analyte for name, found in resolved.items() if found.analyte is not None}
    if len(set(meant.values())) > 1:
        return " / ".join(names), None
    return next(iter([*meant, *names]), ""), None


def local_test(tests: analytes.TestMap | None, codes: Iterable[str], names: Iterable[str]) -> str | None:
    """Return what the caller says of a test: an analyte key, `""` where it is refused, None where nothing is said.

    Args:
        tests: the caller's own names and codes.
        codes: every code that was given, which are looked up first.
        names: texts and displays.

    Example:
        >>> local_test(analytes.test_map({"LAB0123": "magnesium"}), ["LAB0123"], ["Mg (house)"])
        'magnesium'
    """
    if tests is None:
        return None
    return next((said for name in (*codes, *names) if (said := tests.lookup(name)) is not None), None)


def loinc_of(item: Interpretation) -> analytes.Loinc | None:
    """Return the LOINC code for a value in the canonical unit: the one sent if it fits, else one that does."""
    analyte = analytes.analyte(str(item.analyte))
    kind = units.units()[analyte.canonical_unit].kind
    fitting = [loinc for loinc in analyte.loinc if loinc.status == "active" and loinc.property == kind]
    sent = analytes.resolve(item.result.test, item.result.loinc).loinc
    return next((loinc for loinc in fitting if loinc.code == sent), next(iter(fitting), None))


def specimen_name(names: Iterable[str]) -> str | None:
    """Return the first name that is a specimen in which some analyte is measured, else the first one.

    Example:
        >>> specimen_name(["LAB7", "Serum"]), specimen_name(["119364003", "Serum"])
        ('Serum', '119364003')
    """
    names = [name for name in dict.fromkeys(names) if name]
    fit = (name for name in names if analytes.specimen_kind(name) not in (None, "other"))
    return next(fit, names[0] if names else None)


def unit_name(code: str | None, others: Iterable[str | None]) -> tuple[str | None, bool]:
    """Return the unit, and whether the spellings given for it name different units.

    Args:
        code: a UCUM code, which decides.
        others: other spellings; without a code the first that is known.

    Example:
        >>> unit_name("mg/dL", ["mmol/L"]), unit_name(None, ["ng/mL", "ug/L"])
        (('mg/dL', True), ('ng/mL', False))
    """
    others = [other for other in others if other]
    known = [other for other in others if units.resolve(other).code is not None]
    chosen = code or next(iter([*known, *others]), None)
    ours = units.resolve(chosen).code
    return chosen, ours is not None and any(not same_unit(str(chosen), other) for other in known)


@functools.lru_cache(maxsize=4096)
def same_unit(first: str, second: str) -> bool:
    """Return whether two spellings are one unit, as `ng/mL` and `ug/L` are.

    Example:
        >>> same_unit("ng/mL", "ug/L"), same_unit("mg/dL", "mmol/L")
        (True, False)
    """
    if first.strip().casefold() == second.strip().casefold():
        return True
    one, other = units.resolve(first).code, units.resolve(second).code
    if one is None or other is None or one == other:
        return one is not None and one == other
    for analyte in analytes.analytes():
        try:
            return units.exact_factor(analyte, one) == units.exact_factor(analyte, other)
        except LabInterpError:
            continue
    return False
