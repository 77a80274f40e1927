"""`labinterp interpret`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from labinterp.cli.options import kernel_options, no_color_option, ranges_option, read_kernel
from labinterp.codes import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.cli.answers import Answered

FOUND: Final = 1
PROBLEMS: Final = 4


@click.command(short_help="Interpret results and trace what is low or high to twitching.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Write the tables to a folder.")
@click.option("--force", is_flag=True, help="Overwrite in a folder that is not empty.")
@ranges_option
@click.option("--delta", is_flag=True, help="Add to the results the change since the previous one of the same patient.")
@click.option("--grading", metavar="G", help="Add grades, such as by ctcae/6.0 or daids/2.1.")
@kernel_options
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "json"]), help="Form of the output.")
@click.option(
    "--table",
    type=click.Choice(["results", "findings", "pathways"]),
    default="results",
    show_default=True,
    help="The table to print, with --format csv and without -o.",
)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT.html", help="Write a page.")
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 1 for a finding of at least this severity.")
@click.option("--strict", is_flag=True, help="Exit with 4 if any row could not be interpreted.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="With findings in more panels than this, equal findings are shown together.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print neither summary nor progress.")
@no_color_option
def interpret(
    *,
    files: tuple[str, ...],
    output: Path | None,
    force: bool,
    form: str | None,
    table: str,
    report: Path | None,
    fail_on: str | None,
    strict: bool,
    limit: int,
    quiet: bool,
    no_color: bool,
    **kernel: Any,
) -> int:
    r"""Interpret the results in FILE... and trace what is low or high to muscle twitching.

    CSV, TSV, gzip, Parquet, FHIR JSON and NDJSON and HL7 v2 are told apart by content; '-' reads standard input. Each
    file is interpreted by itself. Without -o or --format, a summary and the findings with their traces are printed.

    Exit codes: 0 done, 1 a finding at or above --fail-on, 2 usage, 3 unreadable input or unknown layout, 4 rows with
    problems under --strict (a finding comes first), 130 interrupted.

    \b
    Examples:
      labinterp interpret panels.csv
      labinterp interpret labs.csv --ranges uk --assume-adult -o out --format parquet
      cat bundle.json | labinterp interpret - --format json
    """
    from labinterp.cli.answers import answer_all, provenance_of, session_of
    from labinterp.cli.inputs import read_all
    from labinterp.cli.outputs import check_folder
    from labinterp.cli.printing import progress

    if files.count("-") > 1:
        raise click.UsageError("standard input can be read once only")
    if output is None and form == "parquet":
        raise click.UsageError("--format parquet needs a folder: -o DIR")
    if output is not None:
        check_folder(output, force=force)
    options = read_kernel(**kernel)
    session = session_of(options)
    step = progress(quiet=quiet)
    sources = read_all(files, options["layout"], options["columns"], step)
    with step("Interpreting"):
        answered = answer_all(sources, session, options)
    provenance = provenance_of(session, options)
    with step("Writing"):
        _write(answered, provenance, options, output=output, form=form, report=report, force=force)
    if not quiet:
        form = form if output is None else None
        _print(answered, provenance, form=form, table=table, limit=limit, output=output, no_color=no_color)
    return _exit_code(answered, fail_on, strict=strict)


def _write(
    answered: Sequence[Answered],
    provenance: dict[str, Any],
    options: dict[str, Any],
    *,
    output: Path | None,
    form: str | None,
    report: Path | None,
    force: bool,
) -> None:
    from labinterp.cli.outputs import write_folder, write_text
    from labinterp.cli.pages import page

    html = None if report is None else page(answered, options)
    if output is not None:
        write_folder(output, answered, provenance, form or "csv", force=force)
    if report is not None and html is not None:
        write_text(report, html)


def _print(
    answered: Sequence[Answered],
    provenance: dict[str, Any],
    *,
    form: str | None,
    table: str,
    limit: int,
    output: Path | None,
    no_color: bool,
) -> None:
    from labinterp.cli import outputs, summary, traces
    from labinterp.cli.answers import joined
    from labinterp.cli.printing import Printer

    if form == "json":
        outputs.print_json(outputs.document(answered, provenance))
        return
    if form == "csv":
        outputs.write_csv(joined(answered, table), sys.stdout)
        return
    printer = Printer(no_color=no_color)
    summary.show_summary(printer, answered, provenance)
    summary.show_findings(printer, answered)
    sources = traces.show_traces(printer, answered, limit) if output is None else None
    summary.show_problems(printer, answered)
    if sources is not None:
        summary.show_guidance(printer)
        traces.show_sources(printer, sources)
        summary.show_disclaimer(printer)
    else:
        printer.line()
        printer.line(f"Written to {output}: results, findings, pathways, manifest.json")


def _exit_code(answered: Sequence[Answered], fail_on: str | None, *, strict: bool) -> int:
    from labinterp.cli.answers import worst

    if fail_on is not None:
        counts = worst(answered)
        count = sum(counts.get(severity, 0) for severity in SEVERITIES[SEVERITIES.index(fail_on) :])
        if count:
            click.echo(f"labinterp: {count:,} finding(s) of severity {fail_on} or above (--fail-on)", err=True)
            return FOUND
    problems = sum(int(each.results["problem"].notna().sum()) for each in answered)
    if strict and problems:
        click.echo(f"labinterp: {problems:,} row(s) with problems (--strict)", err=True)
        return PROBLEMS
    return 0
