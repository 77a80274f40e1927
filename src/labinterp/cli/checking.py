"""`labinterp verify`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from labinterp.cli.options import read_ranges
from labinterp.errors import InputError
from labinterp.markup import clean
from labinterp.words.faces import line

DIFFERS = 1


def read_bytes(path: str) -> bytes:
    """Return the bytes of a file, or of standard input for `-`.

    Raises:
        InputError: if they cannot be read.
    """
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise InputError(f"{path} cannot be read: {reason}", hint="Check the path", file=path) from None


@click.command(short_help="Make a report again and say what differs.")
@click.argument("report", metavar="REPORT.json")
@click.option(
    "--ranges", "-r", multiple=True, metavar="P", help="Your own TOML file, where the report was made with one."
)
def verify(report: str, ranges: tuple[str, ...]) -> int:
    """Make a report again from its own inputs and say what differs; exit code 1 if anything does.

    REPORT.json is what Report.to_json wrote; '-' reads standard input.
    """
    from labinterp.answer import Report
    from labinterp.verification import verify as make_again

    made = Report.from_json(read_bytes(report))
    found = make_again(made, ranges=read_ranges(ranges) if ranges else None)
    if found.ok:
        editions = ", ".join(edition.id for edition in made.provenance.editions) or line("screen", "no_editions")
        click.echo(line("screen", "same_again", editions=editions))
        return 0
    click.echo(line("screen", "differs"))
    for difference in found.differences:
        click.echo(f"  {clean(difference)}")
    return DIFFERS
