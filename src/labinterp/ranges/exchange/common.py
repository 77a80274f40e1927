"""What the two forms of an edition besides its file, CSV and FHIR, have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from labinterp.ranges import schema
from labinterp.ranges.exchange.toml import to_toml
from labinterp.ranges.load import parse_edition
from labinterp.ranges.reader import TableReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.ranges.model import Edition

_QUANTITY = re.compile(r"\s*(\S+)\s+(\S+)\s*")


def given(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a table says, without what is missing or empty."""
    return {key: value for key, value in table.items() if value}


def limit_text(end: Any) -> str:
    """Return one end of a band as `180 ng/L; 133 pmol/L`, or its word."""
    return end if isinstance(end, str) else "; ".join(f"{value} {code}" for code, value in end.items())


def limit_from_text(text: str) -> dict[str, str] | str | None:
    """Return one end of a band as its file has it, or nothing if the text is no limit.

    Example:
        >>> limit_from_text("180 ng/L; 133 pmol/L"), limit_from_text("LLN"), limit_from_text("180")
        ({'ng/L': '180', 'pmol/L': '133'}, 'LLN', None)
    """
    if re.fullmatch(schema.WORD_PATTERN, text):
        return text
    found: dict[str, str] = {}
    for part in text.split(";"):
        quantity = _QUANTITY.fullmatch(part)
        if quantity is None:
            return None
        found[quantity[2]] = quantity[1]
    return found


def edition_of(raw: Mapping[str, Any], label: str) -> tuple[Edition | None, list[str]]:
    """Hold tables that were read to what a file is held to; return the edition, or nothing and every fault."""
    reader = TableReader(label, own=True)
    return parse_edition(to_toml(raw).encode("utf-8", "replace"), reader, lambda _name: True), reader.faults
