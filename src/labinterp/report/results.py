"""The results of a report for people: as sent, with their bars in the unit that was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from labinterp.as_sent import AsSent, as_sent, canonical, in_unit
from labinterp.errors import LabInterpError
from labinterp.kernel import calcium as rule
from labinterp.report import sources, svg
from labinterp.words import faces, labels, numbers, titles

if TYPE_CHECKING:
    from labinterp.model import Interpretation, ReportData

_TOTAL: Final = "calcium"
_CRITICAL: Final = ("LL", "HH")


def rows_of(report: ReportData) -> list[dict[str, Any]]:
    """Return what the page shows of each result, in the order in which they were sent."""
    hashes = sources.hashes_of(report)
    settings = report.provenance.settings
    defaults = settings.get("default_units")
    defaults = defaults if isinstance(defaults, Mapping) else None
    rows = [_row(item, hashes, defaults) for item in report.interpretations]
    for index, value, level in _adjusted(report):
        row = rows[index]
        held = row["shown"]
        if held is not None:
            row["adjusted"] = _adjusted_row(row, held, value, level)
    return rows


def _row(item: Interpretation, hashes: Mapping[str, str], defaults: Mapping[str, str] | None) -> dict[str, Any]:
    found = sources.sources_of(item, hashes)
    shown = as_sent(item, defaults)
    return {
        "item": item,
        "shown": shown,
        "sources": found,
        "level": labels.known("level", item.level) if item.level else "problem",
        "verdict": verdict(item),
        "normal": "; ".join(filter(None, (_normal(shown), labels.on_limit(item.flag, item.level, item.notes))))
        if shown is not None and item.flag is not None
        else "",
        "canonical": canonical(item, shown),
        "line": _line(item, shown, found),
        "adjusted": None,
    }


def verdict(item: Interpretation) -> str:
    """Say in words what a result came to."""
    if item.flag is None:
        return labels.word("verdict", "problem")
    return labels.word("verdict", item.flag if item.flag in _CRITICAL else item.level)


def _normal(shown: AsSent) -> str:
    span = numbers.span(shown.low, shown.high, shown.value, form="normal")
    return f"{span} {shown.unit}" if span else ""


def _line(item: Interpretation, shown: AsSent | None, found: tuple[sources.RangeSource, ...]) -> str | None:
    """Draw the number line of a judged result; a result with a problem has none."""
    if shown is None or item.flag is None:
        return None
    number = numbers.shown(shown.value, (shown.low, shown.high))
    label = (
        f"{titles.analyte(item.analyte)}: {item.comparator or ''}{number} "
        f"{shown.unit}, {labels.word('level', item.level)}; {_normal(shown) or faces.line('result', 'no_limits')}"
    )
    segments = sources.segments(item, found, shown)
    line = svg.number_line(shown.value, shown.unit, segments, comparator=item.comparator, label=label)
    return line or None


def _adjusted(report: ReportData) -> list[tuple[int, float, str | None]]:
    """Return result, adjusted value and level of total calcium where albumin of the same report adjusts it."""
    for finding in report.findings:
        for item in finding.evidence:
            if item.basis == "adjusted_by_albumin" and item.result_index is not None and item.value is not None:
                inside = 0 <= item.result_index < len(report.interpretations)
                return [(item.result_index, item.value, item.level)] if inside else []
    return _computed(report)


def _computed(report: ReportData) -> list[tuple[int, float, str | None]]:
    """Return total calcium adjusted by the rule of the kernel, which notes where it did not use it."""
    held = {item.analyte: i for i, item in enumerate(report.interpretations) if item.flag is not None}
    if _TOTAL not in held or "albumin" not in held:
        return []
    calcium, albumin = (report.interpretations[held[key]] for key in (_TOTAL, "albumin"))
    if calcium.comparator or albumin.comparator or "uncorrected_calcium" in calcium.notes:
        return []
    reference = report.provenance.settings.get("reference_albumin")
    used = rule.adjustment(reference if isinstance(reference, int | float) else None)
    unit = as_sent(calcium)
    if unit is None:
        return []
    try:
        value = rule.adjusted_calcium(unit.value, unit.unit, albumin.value, "g/L", reference_albumin=used.reference)
    except LabInterpError:
        return []
    scale = in_unit(_TOTAL, 1.0, unit.unit)
    return [(held[_TOTAL], value / scale, None)]


def _adjusted_row(row: Mapping[str, Any], held: AsSent, value: float, level: str | None) -> dict[str, Any]:
    item: Interpretation = row["item"]
    number = held.of(value)
    text = f"{item.comparator or ''}{numbers.shown(number, (held.low, held.high))} {held.unit}"
    if level is None or level not in labels.tables()["level"]:
        level = _level(number, held)
    said = f"{faces.line('result', 'adjusted')}: {text}, {labels.word('level', level)}"
    segments = svg.segments_of(held.low, held.high)
    line = svg.number_line(
        float(number or 0.0), held.unit, segments, comparator=item.comparator, label=f"Calcium {said}"
    )
    return {"text": text, "level": level, "line": line or None}


def _level(number: float | None, held: AsSent) -> str:
    if number is None or (held.low is None and held.high is None):
        return "indeterminate"
    if held.low is not None and number < held.low:
        return "low"
    return "high" if held.high is not None and number > held.high else "normal"
