"""Of the several names and codes that a message gives to one thing, the one by which it is resolved.

Nothing is guessed: a code or a name that is refused decides against its neighbors, and names that mean different
analytes are no name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp.reading import analytes, units

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labinterp.model import Interpretation


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
    if loinc:
        return next(iter(names), loinc), loinc
    resolved = {name: analytes.resolve(name) for name in names}
    near_miss = next((name for name, found in resolved.items() if found.reason not in (None, "unknown")), None)
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
        >>> specimen_name(["119364003", "Serum"])
        'Serum'
    """
    names = [name for name in dict.fromkeys(names) if name]
    fit = (name for name in names if analytes.specimen_kind(name) not in (None, "other"))
    return next(fit, names[0] if names else None)


def unit_name(code: str | None, others: Iterable[str | None]) -> tuple[str | None, bool]:
    """Return the unit, and whether the spellings given for it name different units.

    Args:
        code: a UCUM code, which decides.
        others: other spellings; without a code the first that is known.
    """
    others = [other for other in others if other]
    known = [other for other in others if units.resolve(other).code is not None]
    chosen = code or next(iter([*known, *others]), None)
    ours = units.resolve(chosen).code
    return chosen, ours is not None and any(units.resolve(other).code != ours for other in known)
