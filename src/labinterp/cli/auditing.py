"""`labinterp audit`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from labinterp.cli.options import (
    checked_options,
    no_color_option,
    panel_options,
    ranges_option,
    read_options,
    read_table_options,
    reading_options,
    table_options,
)
from labinterp.words.faces import line
from labinterp.words.numbers import counted

if TYPE_CHECKING:
    from labinterp.auditing import AuditReport
    from labinterp.cli.printing import Printer

SUSPECTED: Final = 1
_SCREEN: Final = "screen_of_audit"
_MOST: Final = 12
_TABLES: Final = ("tests", "units", "numbers", "ranges", "range_texts", "specimens", "suspects", "coverage")


@click.command(short_help="Say what a data set would come to, before it is interpreted.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN",
    help="Column that tells places apart, such as the hospital; repeatable; 'file' for the name of the file.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Write tables and drafts.")
@click.option("--force", is_flag=True, help="Replace an output of labinterp that is in the folder.")
@ranges_option
@table_options
@panel_options
@reading_options
@click.option("--format", "form", type=click.Choice(["csv", "json"]), help="Print a table, or everything.")
@click.option(
    "--table",
    type=click.Choice(_TABLES),
    default="suspects",
    show_default=True,
    help="The table to print, with --format csv.",
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT.html", help="Write a page.")
@click.option("--fail-on", type=click.Choice(["suspects"]), help="Exit with 1 if a group is suspected.")
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True, help="Threads.")
@click.option("--quiet", "-q", is_flag=True, help="Print neither the screen nor progress.")
@no_color_option
def audit(
    *,
    files: tuple[str, ...],
    by: tuple[str, ...],
    output: Path | None,
    force: bool,
    form: str | None,
    table: str,
    report: Path | None,
    fail_on: str | None,
    workers: int,
    quiet: bool,
    no_color: bool,
    layout: str,
    columns: tuple[str, ...],
    beside: tuple[str, ...],
    encoding: str,
    **kernel: Any,
) -> int:
    """Say what the results in FILE... would come to: how names, units, numbers and ranges are read, who has no range.

    Groups of results whose distribution fits another unit or another analyte better than their label are named with
    the evidence. Nothing in it changes a result. Files are read in one pass, whatever their size; '-' reads standard
    input.

    With -o, DIR holds audit/ with every table as CSV and audit.json, and two drafts for you to complete: tests.csv for
    --tests, and default_units.toml.

    Exit codes: 0 done, 1 a suspect under --fail-on suspects, 2 usage, 3 unreadable input or unknown layout.

    \b
    Examples:
      labinterp audit labs.csv --by hospital --report audit.html
      labinterp audit north.csv south.csv --by file -o audit
      labinterp audit labs.parquet --by site --fail-on suspects --format csv
    """  # noqa: D301 - click reads this sign
    from labinterp.auditing import audit as run
    from labinterp.cli.outputs import check_folder, print_json, standard_output, write_csv
    from labinterp.cli.printing import Printer, status
    from labinterp.cli.streaming import named, progress_text
    from labinterp.places import write_text

    if files.count("-") > 1:
        raise click.UsageError("standard input can be read once only")
    if output is not None:
        check_folder(output, force=force)
    given = read_options(**kernel)
    checked_options(given)
    reading = read_table_options(layout=layout, columns=columns, beside=beside, encoding=encoding)
    with status(quiet=quiet) as show, named():
        found = run(
            [sys.stdin.buffer if file == "-" else Path(file) for file in files],
            by=by,
            workers=workers,
            progress=None if show is None else lambda done: show(progress_text(done)),
            **reading,
            **given,
        )
    if report is not None:
        write_text(report, found.to_html())
    if output is not None:
        _write(output, found, force=force)
    if form == "json":
        print_json(found.to_dict())
    elif form == "csv":
        write_csv(getattr(found, table), standard_output())
    elif not quiet:
        _show(Printer(no_color=no_color), found, output)
    return SUSPECTED if fail_on is not None and len(found.suspects) else 0


def _write(output: Path, found: AuditReport, *, force: bool) -> None:
    from labinterp._version import __version__
    from labinterp.cli.outputs import write_csv
    from labinterp.engines.folder import DRAFTS, MANIFEST, workplace

    with workplace(output, force=force) as place:
        out = place / "out"
        (out / "audit").mkdir()
        for name in _TABLES:
            with (out / "audit" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                write_csv(getattr(found, name), file)
        (out / "audit" / "audit.json").write_text(found.to_json(), encoding="utf-8")
        for name, text in zip(DRAFTS, (found.tests_draft(), found.default_units_draft()), strict=True):
            (out / name).write_text(text, encoding="utf-8")
        told = {"labinterp": __version__, "by": list(found.by), "summary": dict(found.summary)}
        (out / MANIFEST).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _show(printer: Printer, found: AuditReport, output: Path | None) -> None:
    from labinterp.cli.printing import clean

    summary = found.summary
    read = summary["rows"] - sum(summary["problems"].values())
    results, suspects = counted(summary["rows"], "result"), counted(len(found.suspects), "suspect")
    unread = f"{summary['rows'] - read:,}"
    head = line(_SCREEN, "judged", results=results, read=f"{read:,}", unread=unread, suspects=suspects)
    printer.paragraph(head, style="heading")
    if summary["bad_rows"]:
        printer.paragraph(line(_SCREEN, "bad_rows", rows=counted(summary["bad_rows"], "row")))
    printer.heading(line("page_of_audit", "mend"))
    mends = found.mend_first()
    for i, mend in enumerate(mends, 1):
        printer.paragraph(clean(f"{mend.what}. {mend.how}", 400), label=f"{i}.")
    if not mends:
        printer.paragraph(line(_SCREEN, "nothing"))
    if len(found.suspects):
        printer.heading(line("page_of_audit", "suspects"))
        for row in found.suspects.head(_MOST).to_dict("records"):
            place = ", ".join(f"{name} {row[name]}" for name in found.by)
            printer.paragraph(clean(row["evidence"], 600), label=clean(f"{place} {row['analyte']}".strip()) + ":")
        if len(found.suspects) > _MOST:
            printer.paragraph(line(_SCREEN, "more", count=f"{len(found.suspects) - _MOST:,}"))
    printer.heading(line("screen_heading", "covered"))
    counts = {
        "rows": summary["rows"],
        "without_age": summary["rows_without_age"],
        "without_sex": summary["rows_without_sex"],
        "without_albumin": summary["panels_with_total_calcium_without_albumin"],
        "calcium": summary["panels_with_total_calcium"],
    }
    printer.paragraph(line(_SCREEN, "covered", **{name: f"{count:,}" for name, count in counts.items()}))
    if not summary["patients_lie_together"]:
        printer.paragraph(line(_SCREEN, "scattered"))
    if output is not None:
        printer.paragraph(line(_SCREEN, "written", output=clean(output)), style="quiet")
