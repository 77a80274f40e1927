"""`labinterp ranges import` and `export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from labinterp import json_text
from labinterp.cli.checking import read_bytes
from labinterp.errors import InputError, ReferenceSetNotFound


@click.command("export", short_help="Write an edition as CSV, FHIR or TOML.")
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "fhir", "toml"]),
    default="csv",
    show_default=True,
    help="CSV that survives a spreadsheet, FHIR R4 ObservationDefinitions, or TOML.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Instead of printing."
)
def export_ranges(name: str, form: str, output: Path | None) -> None:
    """Write an edition, shipped or your own, as CSV, FHIR or TOML; 'ranges import' reads it back."""
    from labinterp.ranges import reference_set

    editions = reference_set(name).editions
    if len(editions) != 1:
        raise ReferenceSetNotFound(
            "one edition can be exported at a time", hint="`labinterp ranges show` lists the editions of a profile"
        )
    _emit(_exported(editions[0], form), output)


def _exported(edition: Any, form: str) -> str:
    if form == "csv":
        from labinterp.ranges.exchange.csv import export_csv

        return export_csv(edition)
    if form == "fhir":
        from labinterp.ranges.exchange.fhir import export_fhir

        return json.dumps(export_fhir(edition), indent=2, ensure_ascii=False) + "\n"
    from labinterp.ranges.exchange.toml import to_toml

    return to_toml(edition)


@click.command("import", short_help="Turn ranges in CSV or FHIR into TOML.")
@click.argument("file")
@click.option(
    "--id", "edition_id", metavar="ID", help="Id of the edition, such as my-hospital/2026, if not in the file."
)
@click.option("--title", metavar="TITLE", help="Title of the edition, if not in the file.")
@click.option("--citation", metavar="TEXT", help="Where the ranges come from, for FHIR that does not say so.")
@click.option("--locator", metavar="TEXT", help="Page or table of that source.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Instead of printing."
)
def import_ranges(file: str, output: Path | None, edition_id: str | None, **about: str | None) -> None:
    """Turn ranges in CSV or FHIR into a TOML file for --ranges; every fault is printed at once.

    '-' reads standard input. The columns are those of 'ranges export'.
    """
    from labinterp.ranges.exchange.toml import to_toml

    given = {name: value for name, value in {"id": edition_id, **about}.items() if value is not None}
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text", hint="Save it as CSV in UTF-8, or as JSON") from None
    if text.lstrip()[:1] == "{":
        from labinterp.ranges.exchange.fhir import import_fhir

        edition = import_fhir(json_text.loads(text), label=file, **given)
    else:
        from labinterp.ranges.exchange.csv import import_csv

        edition = import_csv(text, label=file, **given)
    _emit(to_toml(edition), output)


def _emit(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    from labinterp.places import write_text

    write_text(output, text)
    click.echo(f"Written to {output}", err=True)
