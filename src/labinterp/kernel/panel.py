"""The slots of a panel: those of `labinterp.reasoning`, by number."""

from __future__ import annotations

import re
from typing import Final

from labinterp import reasoning
from labinterp.errors import LayoutError

SLOT: Final = {name: i for i, name in enumerate(reasoning.SLOTS)}
CALCIUM: Final = SLOT["calcium"]
COMPUTED: Final = SLOT["calcium_computed"]
ALBUMIN: Final = SLOT["albumin"]
VITAMIN_B12: Final = SLOT["vitamin_b12"]
SOFT: Final = reasoning.SOFT
UNJUDGED: Final = reasoning.UNJUDGED_CODE
CONTEXT: Final = {name: len(SLOT) + i for i, name in enumerate(reasoning.CONTEXTS)}
WIDTH: Final = len(SLOT) + len(CONTEXT)
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
