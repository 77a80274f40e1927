"""`labinterp explain`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from labinterp.cli.options import format_option, no_color_option
from labinterp.words.faces import line, lines

if TYPE_CHECKING:
    from labinterp.cli.printing import Printer
    from labinterp.reasoning import Edge, Explanation
    from labinterp.words.citations import References

_LABEL = 16


@click.command(short_help="What is known of a finding, state, test or symptom, with sources.")
@click.argument("node", required=False)
@format_option("text", "json")
@no_color_option
def explain(node: str | None, form: str, no_color: bool) -> None:
    """Print all that is known of NODE: a finding, state, test, symptom, mechanism or claim, with its sources.

    Without NODE, list what can be explained. Example: labinterp explain hypocalcemia
    """
    from labinterp import reasoning
    from labinterp.cli.printing import Printer

    if node is None:
        groups = _groups()
        if form == "json":
            click.echo(json.dumps(groups, indent=2, ensure_ascii=False))
        else:
            _list(Printer(no_color=no_color), groups)
        return
    found = reasoning.explain(node)
    if form == "json":
        import attrs

        click.echo(json.dumps(attrs.asdict(found), indent=2, ensure_ascii=False))
    else:
        _show(Printer(no_color=no_color), found)


def _groups() -> dict[str, dict[str, str]]:
    """Return kind → key → title; keys that only repeat another one are left out."""
    from labinterp import reasoning

    groups: dict[str, dict[str, str]] = {kind: {} for kind in lines("screen_kinds")}
    for key in reasoning.nodes():
        found = reasoning.explain(key)
        prefix, colon, rest = key.partition(":")
        if found.kind == "guidance":
            if key != found.id:
                continue
        elif colon and prefix != "caveat" and reasoning.explain(rest).kind == found.kind:
            continue
        groups.setdefault(found.kind, {})[key] = found.title
    return groups


def _list(printer: Printer, groups: dict[str, dict[str, str]]) -> None:
    printer.paragraph(line("screen", "explain"))
    for kind, keys in groups.items():
        if not keys:
            continue
        printer.heading(lines("screen_kinds").get(kind, kind))
        if kind in ("claim", "caveat"):
            hang = max(len(key) for key in keys) + 2
            for key, title in keys.items():
                printer.paragraph(title, label=key, hang=min(hang, 34))
        else:
            printer.paragraph(", ".join(keys))


def _show(printer: Printer, found: Explanation) -> None:
    printer.line(found.title, "heading")
    printer.paragraph(
        f"{found.kind}, {found.id}" + (f", reported as {found.finding}" if found.finding else ""), style="quiet"
    )
    if found.text != found.title:
        printer.line()
        printer.paragraph(found.text)
    for label, items in (
        ("tests", found.tests),
        ("may come with", found.symptoms),
        ("terms", [f"{coding.code} {coding.display}" for coding in found.codings]),
        ("see also", [_known(key) for key in found.related]),
    ):
        if items:
            printer.line()
            printer.paragraph(", ".join(items), label=label, hang=_LABEL)
    _show_edges(printer, found)


def _show_edges(printer: Printer, found: Explanation) -> None:
    """Print what is said of it, with numbered sources."""
    from labinterp.cli.traces import show_sources
    from labinterp.words.citations import References

    sources = References()
    for heading, edges, end in (
        ("incoming", found.incoming, "source"),
        ("outgoing", found.outgoing, "target"),
    ):
        if edges:
            printer.heading(line("screen_heading", heading))
            for edge in edges:
                _show_edge(printer, edge, getattr(edge, end), sources)
    if found.claims:
        printer.heading(line("screen_kinds", "claim"))
        for claim in found.claims:
            printer.paragraph(f"{claim.statement} {sources.mark(claim.citations)}", label=claim.id, hang=5)
    sources.cite(found.citations)
    show_sources(printer, sources)


def _known(key: str) -> str:
    """Return a key as `explain` takes it; a caveat's own has its kind in front."""
    from labinterp.reasoning import nodes

    return f"caveat:{key}" if key not in nodes() and f"caveat:{key}" in nodes() else key


def _show_edge(printer: Printer, edge: Edge, other: str, sources: References) -> None:
    text = f"{edge.statement} ({edge.strength} evidence, {edge.directness}) {sources.mark(edge.citations)}"
    if edge.quote is not None:
        text = f'{text} "{edge.quote}"'
    printer.paragraph(f"{other}: {text}", label="-", hang=2)
