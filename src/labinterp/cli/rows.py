"""Editions, entries and changes as rows for tables and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labinterp.formulas import Rows
from labinterp.words import labels, titles
from labinterp.words.faces import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from labinterp.cli.printing import Printer
    from labinterp.ranges import Edition, Entry, Library


def print_rows(table: Sequence[dict[str, Any]], form: str) -> None:
    """Print rows as CSV or JSON on standard output."""
    from labinterp.cli.outputs import print_json, standard_output

    if form == "json":
        print_json(list(table))
        return
    names = list(dict.fromkeys(name for row in table for name in row))
    writer = Rows(standard_output())
    writer.write(names)
    for row in table:
        writer.write(row.get(name, "") for name in names)


def group_of(edition: Edition, library: Library) -> str:
    """Return under which heading of `screen_editions` an edition is listed."""
    if edition.status != "current" or (edition.id in library.replaced() and not edition.grades):
        return "withdrawn"
    if edition.use == "descriptive":
        return "descriptive"
    if edition.grades:
        return "gradings"
    if edition.id in library.local():
        return "local"
    kinds = {entry.kind for entry in edition.entries}
    return {frozenset({"severity"}): "severity", frozenset({"critical_limit"}): "critical"}.get(
        frozenset(kinds), "ranges"
    )


def of_edition(edition: Edition) -> dict[str, Any]:
    """Return an edition as a row."""
    return {
        "edition": edition.id,
        "title": edition.title,
        "status": edition.status,
        "use": edition.use,
        "published_on": _day(edition.published_on),
        "valid_from": _day(edition.valid_from),
        "valid_until": _day(edition.valid_until),
        "reviewed_on": _day(edition.reviewed_on),
        "supersedes": edition.supersedes,
        "ranges": len(edition.entries),
        "grades": len(edition.grades),
        "analytes": ";".join(edition.analytes),
        "sha256": edition.sha256,
    }


def _day(day: Any) -> str | None:
    return None if day is None else str(day.isoformat())


def of_entries(edition: Edition, analyte: str | None = None) -> Iterator[dict[str, Any]]:
    """Return the bands of an edition's entries as rows."""
    key = None if analyte is None else analyte_keys((analyte,))
    for entry in (*edition.entries, *edition.grades):
        if key is not None and entry.analyte not in key:
            continue
        for band in entry.bands:
            yield {
                "range": entry.range_id,
                "analyte": entry.analyte,
                "kind": entry.kind,
                "who": str(entry.partition),
                "term": entry.term,
                "band": band.band,
                "level": band.level,
                "limits": band.printed(),
                "method": entry.method,
                "place": entry.place,
                "evidence": entry.evidence,
                "source": entry.source.text,
                "locator": entry.source.locator,
                "url": entry.source.url,
                "reviewed_on": _day(entry.reviewed_on),
                "note": entry.note,
            }


def of_change(change: Any) -> dict[str, Any]:
    """Return a change between two reference sets as a row."""
    return {
        "analyte": change.analyte,
        "who": str(change.who),
        "limit": change.limit,
        "kind": change.kind,
        "before": change.before,
        "after": change.after,
        "percent": change.percent,
        "before_id": change.before_id,
        "after_id": change.after_id,
    }


def of_uncovered(name: str, row: Any) -> dict[str, Any]:
    """Return patients without a range as a row."""
    return {"ranges": name, "analyte": row.analyte, "who": str(row.who), "reason": row.reason, "detail": row.detail}


def analyte_keys(names: Iterable[str]) -> tuple[str, ...] | None:
    """Return the keys of analytes given by key, code or name; nothing for none.

    Raises:
        UnknownTestError: if one is not known.
    """
    from labinterp.errors import UnknownTestError
    from labinterp.reading.analytes import analytes, resolve

    keys = []
    for name in names:
        key = resolve(name).analyte
        if key is None:
            raise UnknownTestError("the analyte is not known", hint="Known are " + ", ".join(analytes()))
        keys.append(key)
    return tuple(keys) or None


def show_edition(printer: Printer, edition: Edition, analyte: str | None) -> None:
    """Print an edition: what it is, and every range of it."""
    keys = None if analyte is None else analyte_keys((analyte,))
    entries = [entry for entry in (*edition.entries, *edition.grades) if keys is None or entry.analyte in keys]
    nones = [none for none in edition.no_categories if keys is None or none.analyte in keys]
    if keys is not None and not entries and not nones:
        return
    printer.heading(f"{edition.id}: {edition.title}")
    days = [
        f"{word} {day.isoformat()}"
        for word, day in (
            ("published", edition.published_on),
            ("in force from", edition.valid_from),
            ("until", edition.valid_until),
            ("reviewed", edition.reviewed_on),
        )
        if day is not None
    ]
    about = [edition.status, *([line("screen", "descriptive")] if edition.use == "descriptive" else [])]
    about += [*days, *([f"supersedes {edition.supersedes}"] if edition.supersedes else [])]
    printer.paragraph("; ".join(about) + f"; SHA-256 {edition.sha256[:16]}", style="quiet")
    if edition.note:
        printer.paragraph(edition.note, style="quiet")
    for entry in entries:
        _show_entry(printer, entry)
    for none in nones:
        printer.line()
        printer.paragraph(
            f"{none.reason} ({_source(none)})", label=f"{titles.analyte(none.analyte)}: no limits.", hang=4
        )


def _show_entry(printer: Printer, entry: Entry) -> None:
    what = f"{titles.analyte(entry.analyte)}, {labels.word('range_kind', entry.kind)}, {entry.partition}"
    extras = [entry.term, entry.method and f"method {entry.method}", entry.place and f"called by {entry.place}"]
    printer.line()
    printer.paragraph("; ".join([what, *(text for text in extras if text)]), style="heading", hang=2)
    for band in entry.bands:
        word = labels.word("level", band.level)
        level = "" if band.band == word or band.grade else f" ({word})"
        printer.paragraph(band.printed(), label=f"  {band.band}{level}:", hang=6)
    reviewed = "" if entry.reviewed_on is None else f"; reviewed {entry.reviewed_on.isoformat()}"
    printer.paragraph(
        f"{_source(entry)}; {entry.evidence}{reviewed}; {entry.range_id}", label="  source", hang=9, style="quiet"
    )
    if entry.note:
        printer.paragraph(entry.note, label="  note", hang=9, style="quiet")


def _source(item: Any) -> str:
    source = item.source
    return f"{source.text.rstrip('.')}{f', {source.locator}' if source.locator else ''}"
