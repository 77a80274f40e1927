"""The page of an audit: what to mend first, the suspects, and the distribution of each unit at each place."""

from __future__ import annotations

from html import escape
from math import log
from typing import TYPE_CHECKING, Any, Final

from labinterp.arguments import checked_text
from labinterp.markup import clean
from labinterp.report.pages import draw, drawing
from labinterp.words import faces, numbers, titles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_DRAWN: Final = 400
"""Distributions on a page; the table of units has the rest."""
MOST_ROWS: Final = 100
"""Rows of a table on a page."""
_WIDTH: Final = 320
_HEIGHT: Final = 40


def render(data: Mapping[str, Any], *, title: str | None = None) -> str:
    """Return an audit as one self-contained HTML page.

    Args:
        data: as `AuditReport.to_dict` makes it, with `histograms`.
        title: heading of the page.

    Raises:
        MissingExtraError: if jinja2 is not installed (extra `report`).
    """
    suspected = {_key(row, data["by"]) for row in data["suspects"]}
    groups = _drawn(data, suspected)
    context = {
        "data": data,
        "groups": groups[:MOST_DRAWN],
        "more": max(0, len(groups) - MOST_DRAWN),
        "most": MOST_ROWS,
        "tables": [(name, words, data[name]) for name, words in faces.lines("audit").items()],
        "cell": _cell,
        "names": lambda rows: list(rows[0]) if rows else [],
    }
    return draw("audit.html", checked_text(title, "title") or faces.line("title", "audit"), context)


def _key(row: Mapping[str, Any], by: Sequence[str]) -> tuple[Any, ...]:
    return (*(row[name] for name in by), row["analyte"], row["unit"])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else clean(numbers.sent(value))


def _drawn(data: Mapping[str, Any], suspected: set[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Return analyte, unit, place and drawing of every group, analyte by analyte."""
    bins: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in data["histograms"]:
        bins.setdefault(_key(row, data["by"]), []).append(row)
    spans: dict[str, list[float]] = {}
    for row in data["histograms"]:
        span = spans.setdefault(row["analyte"], [row["low"], row["high"]])
        span[0], span[1] = min(span[0], row["low"]), max(span[1], row["high"])
    units = {_key(row, data["by"]): row for row in data["units"]}
    found = []
    for key, stretches in bins.items():
        analyte, unit, about = key[-2], key[-1], units[key]
        low, high = spans[analyte]
        words = ", ".join(_cell(place) for place in key[:-2])
        label = f"{titles.analyte(analyte)} in {unit}{f' at {words}' if words else ''}, median {_cell(about['q50'])}"
        found.append(
            {
                "analyte": analyte,
                "unit": unit,
                "place": words,
                "rows": about["rows"],
                "median": about["q50"],
                "canonical": about["canonical_unit"],
                "suspect": key in suspected,
                "svg": drawing(_svg(stretches, low, high, f"{label} {about['canonical_unit']}")),
            }
        )
    return sorted(found, key=lambda group: (group["analyte"], not group["suspect"], -group["rows"]))


def _svg(stretches: Sequence[Mapping[str, Any]], low: float, high: float, label: str) -> str:
    """Draw a distribution over a logarithmic axis from `low` to `high`."""
    width = log(high / low) or 1.0
    top = max(row["rows"] for row in stretches)
    bars = []
    for row in stretches:
        x, end = (_WIDTH * log(row[name] / low) / width for name in ("low", "high"))
        height = _HEIGHT * row["rows"] / top
        bars.append(
            f'<rect class="bar" x="{x:.1f}" y="{_HEIGHT - height:.1f}" width="{max(end - x, 0.5):.1f}" '
            f'height="{height:.1f}"/>'
        )
    return (
        f'<svg class="distribution" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(clean(label))}">'
        f'{"".join(bars)}<path class="axis" d="M0 {_HEIGHT}H{_WIDTH}"/></svg>'
    )
