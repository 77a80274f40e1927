"""A name and the unit that stands with it, in the heading of a column or the name of a test: `Magnesium (mmol/L)`."""

from __future__ import annotations

import functools
import re
from typing import Final

from labinterp.reading import units

_LONGEST: Final = 100
_PER: Final = re.compile(r"(ng|pg|ug|µg|mcg|mg|g|mmol|umol|µmol|nmol|pmol|meq|mval|u|iu|miu)(dl|l|ml)")
_TOKEN: Final = re.compile(r"[\s_.\-]+")
_NAME_AND_UNIT: Final = re.compile(
    r"([^\n]{0,200}\S)\s*(?:\(([^()]{0,60}(?:\([^()]{0,60}\)[^()]{0,60})?)\)|\[([^][]{1,60})\])\s*"
)


def split_heading(text: str) -> tuple[str, str | None]:
    """Split `name (unit)` or `name [unit]`; the unit is None where there is none at the end.

    Example:
        >>> split_heading("Vitamin D (25-OH) (nmol/L)"), split_heading("magnesium")
        (('Vitamin D (25-OH)', 'nmol/L'), ('magnesium', None))
    """
    match = _NAME_AND_UNIT.fullmatch(text)
    return (match[1], (match[2] or match[3] or "").strip() or None) if match else (text.strip(), None)


def split_unit(text: str) -> tuple[str, str | None]:
    """Split a heading of results from its unit, which stands in brackets, behind a comma, a blank or underscores.

    Example:
        >>> split_unit("Magnesium, mmol/L"), split_unit("vitamin_d_ng_ml"), split_unit("Calcium mg/dL")
        (('Magnesium', 'mmol/L'), ('vitamin_d', 'ng/ml'), ('Calcium', 'mg/dL'))
    """
    text = text[:_LONGEST]
    name, unit = split_heading(text)
    if unit is not None:
        return name, unit
    for sign in (",", ":", ";", " - ", "|"):
        name, found, unit = text.rpartition(sign)
        if found and name.strip() and _is_unit(unit.strip()):
            return name.strip(), unit.strip()
    tokens = list(_TOKEN.finditer(text))
    for gap in reversed(tokens[-3:]):
        name, behind = text[: gap.start()], text[gap.end() :]
        for unit in (behind, *_joined(behind)):
            if name.strip() and ("/" in unit or "%" in unit) and _is_unit(unit):
                return name.strip(), unit
    return text.strip(), None


def _joined(text: str) -> tuple[str, ...]:
    """Return the units that `ng_ml`, `mg per dl` and `mgdl` may stand for."""
    parts = [part for part in _TOKEN.split(text) if part.casefold() not in ("per", "pro", "par", "por")]
    if len(parts) == 2:  # noqa: PLR2004 - how much, in how much
        return ("/".join(parts),)
    match = _PER.fullmatch(text.casefold())
    return (f"{match[1]}/{match[2]}",) if match else ()


def _is_unit(text: str) -> bool:
    return bool(text) and units.resolve(text).code is not None


@functools.lru_cache(maxsize=4096)
def unit_of(name: str) -> str | None:
    """Return the unit that stands in the name of a test; None where none does that is known.

    Example:
        >>> unit_of("Calcium (mg/dL)"), unit_of("Magnesium, mmol/L"), unit_of("Vitamin D (25-OH)")
        ('mg/dL', 'mmol/L', None)
    """
    unit = split_unit(name)[1]
    return unit if unit is not None and _is_unit(unit) else None
