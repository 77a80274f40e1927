"""A page about a finding: what leads from its state to twitching, step by step, with the sources; of no patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp import reasoning
from labinterp.reasoning import graph
from labinterp.report.pages import draw
from labinterp.words.citations import References

if TYPE_CHECKING:
    from labinterp.reasoning import Explanation


def render(code: str) -> str:
    """Return the page about a finding.

    Args:
        code: of the finding.

    Raises:
        LookupError: if there is no such finding.
        MissingExtraError: if jinja2 is not installed (extra `report`).

    Example:
        >>> "NALCN" in render("hypocalcemia")
        True
    """
    found = reasoning.explain(code)
    if found.finding != code:
        raise LookupError("there is no such finding")
    references = References()
    context = {
        "found": found,
        "paths": graph.paths(found.id),
        "caveats": _caveats(found),
        "cite": references.cite,
        "references": references,
        "guidance": reasoning.guidance(),
    }
    return draw("explained.html", found.title, context)


def _caveats(found: Explanation) -> list[str]:
    known = set(reasoning.nodes())
    return [reasoning.explain(f"caveat:{key}").text for key in found.related if f"caveat:{key}" in known]
