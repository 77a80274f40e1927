"""`labinterp ranges`: list, show, check, diff, coverage; impact, import and export are beside."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labinterp.cli import rows
from labinterp.cli.exchanging import export_ranges, import_ranges
from labinterp.cli.impacts import impact
from labinterp.cli.options import NONE, format_option, no_color_option, read_ranges
from labinterp.words import titles
from labinterp.words.faces import line, lines
from labinterp.words.numbers import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

FAULTS = 3
_LABEL = 14


@click.group(short_help="Show, check and compare reference ranges.")
def ranges() -> None:
    """Show, check and compare reference ranges: editions, profiles and your own files."""


for _command in (impact, import_ranges, export_ranges):
    ranges.add_command(_command)


def _found(spec: str) -> Any:
    from labinterp.ranges import reference_set

    return reference_set(read_ranges((spec,)) if spec != NONE else [])


@ranges.command("list", short_help="List profiles, editions and gradings.")
@click.option("--on", metavar="DATE", help="Only what was in force on a day, such as 2020-01-31.")
@click.option("--long", is_flag=True, help="A line per edition, with its title.")
@format_option("text", "csv", "json")
@no_color_option
def list_ranges(on: str | None, long: bool, form: str, no_color: bool) -> None:
    """List the profiles, the editions of ranges and the gradings."""
    from labinterp.cli.printing import Printer
    from labinterp.ranges import shipped
    from labinterp.ranges.sets import reference_set, reference_sets

    library = shipped()
    editions = library.editions()
    if on is not None:
        reference_sets(on=on)  # says what is wrong with the date
        import datetime as dt

        editions = tuple(edition for edition in editions if edition.in_force(dt.date.fromisoformat(on)))
    if form != "text":
        rows.print_rows([rows.of_edition(edition) for edition in editions], form)
        return
    printer = Printer(no_color=no_color)
    printer.paragraph(line("screen", "profiles"))
    printer.line()
    for profile in library.profiles().values():
        at = reference_set(profile.id, on).editions
        members = ", ".join(edition.id for edition in at) or line("screen", "none_in_force")
        printer.paragraph(f"{profile.title}: {members}", label=profile.id, hang=_LABEL)
    groups: dict[str, list[Any]] = {}
    for edition in editions:
        groups.setdefault(rows.group_of(edition, library), []).append(edition)
    for group, title in lines("screen_editions").items():
        listed = groups.get(group, [])
        if not listed:
            continue
        if long:
            printer.heading(title)
            printer.table(
                ("edition", "published", "title"),
                [(edition.id, edition.published_on or "", edition.title) for edition in listed],
            )
        else:
            printer.line()
            printer.paragraph(", ".join(edition.id for edition in listed), label=f"{title}:", hang=2)


@ranges.command(short_help="Show a profile, an edition or your own file.")
@click.argument("name")
@click.option("--analyte", "-a", metavar="A", help="Only this analyte.")
@format_option("text", "csv", "json")
@no_color_option
def show(name: str, analyte: str | None, form: str, no_color: bool) -> None:
    """Show a profile, an edition or your own TOML file: every range, for whom, and from where."""
    from labinterp.cli.printing import Printer
    from labinterp.ranges import shipped

    reference = _found(name)
    if form != "text":
        rows.print_rows([row for edition in reference.editions for row in rows.of_entries(edition, analyte)], form)
        return
    printer = Printer(no_color=no_color)
    profile = shipped().profiles().get(name.partition("@")[0])
    if profile is not None:
        printer.line(f"{profile.id}: {profile.title}", "heading")
        if profile.note:
            printer.paragraph(profile.note)
        held = {edition.id for edition in reference.editions}
        for i, member in enumerate(profile.editions, 1):
            left_out = "" if member.id in held else f" ({line('screen', 'not_in_force')})"
            printer.paragraph(f"{member.id}{left_out}: {member.why}", label=f"{i:>2}.", hang=4)
    for edition in reference.editions:
        rows.show_edition(printer, edition, analyte)


@ranges.command(short_help="Check your own files; print every fault.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE...]")
def check(files: tuple[Path, ...]) -> int:
    """Print every fault of your own TOML files at once; without FILE, check what is shipped. Exit code 3 on faults."""
    from labinterp.ranges import check as faults_of
    from labinterp.ranges import shipped

    library = shipped()
    faults: list[str] = []
    if files:
        for file in files:
            faults += faults_of(file)
    else:
        for edition_id in library.ids():
            faults += library.check(edition_id)
    for fault in faults:
        click.echo(fault)
    count = counted(len(files) or len(library.ids()), "file")
    click.echo(f"{count} checked, {counted(len(faults), 'fault')}", err=bool(faults))
    return FAULTS if faults else 0


@ranges.command(short_help="What changes from A to B.")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--analyte", "-a", metavar="ANALYTE", help="Only this analyte.")
@format_option("text", "csv", "json")
@no_color_option
def diff(before: str, after: str, analyte: str | None, form: str, no_color: bool) -> None:
    """Say what changes from A to B (profiles, editions or files): which analyte, for whom, which limit, how far."""
    from labinterp.cli.printing import Printer
    from labinterp.ranges.diff import diff as compare

    changes = [each for each in compare(_found(before), _found(after)) if analyte in (None, each.analyte)]
    if form != "text":
        rows.print_rows([rows.of_change(change) for change in changes], form)
        return
    printer = Printer(no_color=no_color)
    printer.line(f"From {before} to {after}: {counted(len(changes), 'change')}", "heading")
    last = None
    for change in changes:
        if change.analyte != last:
            printer.heading(titles.analyte(change.analyte))
            last = change.analyte
        printer.paragraph(str(change).removeprefix(f"{change.analyte} "), label="-", hang=2)


@ranges.command(short_help="Whom a profile leaves without a range.")
@click.argument("names", nargs=-1, metavar="[P...]")
@click.option("--analyte", "-a", "analytes", multiple=True, metavar="A", help="Only this analyte; repeatable.")
@format_option("text", "csv", "json")
@no_color_option
def coverage(names: Sequence[str], analytes: tuple[str, ...], form: str, no_color: bool) -> None:
    """List every analyte, age, sex and pregnancy that a profile leaves without a range; every profile without P."""
    from labinterp.cli.printing import Printer
    from labinterp.ranges import shipped
    from labinterp.ranges.coverage import coverage as uncovered

    keys = rows.analyte_keys(analytes)
    found = {name: uncovered(_found(name), keys) for name in names or shipped().profiles()}
    if form != "text":
        rows.print_rows([rows.of_uncovered(name, row) for name, group in found.items() for row in group], form)
        return
    printer = Printer(no_color=no_color)
    for name, group in found.items():
        printer.heading(line("screen_heading", "without_range", profile=name))
        by_analyte: dict[str, list[str]] = {}
        for row in group:
            reason = " (the source deliberately has none)" if row.reason == "no_categories" else ""
            by_analyte.setdefault(row.analyte, []).append(f"{row.who}{reason}")
        for key, who in by_analyte.items():
            printer.paragraph("; ".join(who), label=f"{titles.analyte(key)}:", hang=4)
        if not group:
            printer.line("nothing")
    sys.stdout.flush()
