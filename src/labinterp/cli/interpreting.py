"""`labinterp interpret`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from labinterp.cli.options import (
    GroupedCommand,
    checked_options,
    no_color_option,
    panel_options,
    presentation_options,
    ranges_option,
    read_options,
    read_presentation,
    read_table_options,
    reading_options,
    table_options,
)
from labinterp.codes import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labinterp.answer import Report
    from labinterp.cli.answers import Answered, PanelAnswer
    from labinterp.cli.printing import Printer
    from labinterp.engines.manifest import Manifest
    from labinterp.options import Options

FOUND: Final = 1
PROBLEMS: Final = 4


@click.command(cls=GroupedCommand, short_help="Interpret results and trace what is low or high to twitching.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Write the tables to a folder.")
@click.option("--force", is_flag=True, help="Replace an output of labinterp that is in the folder.")
@ranges_option
@click.option("--delta", is_flag=True, help="Add to the results the change since the previous one of the same patient.")
@click.option("--grading", metavar="G", help="Add grades, such as by ctcae/6.0 or daids/2.1.")
@table_options
@panel_options
@reading_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet", "json"]),
    help="Form of the output; with -o, csv by default.",
)
@click.option(
    "--table",
    type=click.Choice(["results", "findings", "pathways"]),
    default="results",
    show_default=True,
    help="The table to print, with --format csv and without -o.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="OUT.html", help="Write a page, or pages into a folder."
)
@click.option("--traces", is_flag=True, help="Tell every finding of every panel step by step, with its sources.")
@click.option("--panel-of", metavar="ID", help="Show the panels of one patient, or of a row of nobody, as in 'row 3'.")
@presentation_options
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 1 for a finding of at least this severity.")
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 4 if any row could not be interpreted, but for tests that are known and not covered.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="With --traces and findings in more panels than this, equal findings are shown together.",
)
@click.option(
    "--on-bad-row",
    type=click.Choice(["problem", "stop"]),
    help="With -o: count a row that cannot be read and go on (the default), or stop with exit code 3.",
)
@click.option(
    "--ordered/--no-ordered",
    default=None,
    help="With -o: say that the rows of each panel lie together, or that they do not.  [default: look]",
)
@click.option("--memory-limit", metavar="SIZE", help="With -o: how much DuckDB takes before it spills.  [default: 1GB]")
@click.option("--workers", type=click.IntRange(1, 256), help="With -o: processes.  [default: 2]")
@click.option("--quiet", "-q", is_flag=True, help="Print the first three lines alone, and nothing with -o or --report.")
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
    traces: bool,
    panel_of: str | None,
    symptom: tuple[str, ...],
    trigger: tuple[str, ...],
    course: str | None,
    on_bad_row: str | None,
    ordered: bool | None,
    memory_limit: str | None,
    workers: int | None,
    quiet: bool,
    no_color: bool,
    layout: str,
    columns: tuple[str, ...],
    beside: tuple[str, ...],
    encoding: str,
    delta: bool,
    **kernel: Any,
) -> int:
    """Interpret the results in FILE... and trace what is low or high to muscle twitching.

    CSV, TSV, Excel (.xlsx), Parquet, FHIR JSON and NDJSON and HL7 v2 are told apart by content, gzipped or in a zip
    with one table; '-' reads standard input. Columns that make no difference are named on standard error.
    Without -o or --format, one panel is shown with its traces, and many on one screen with the severe ones named;
    --traces and --panel-of show more. Each file is interpreted by itself. --report writes a page; of more than 1,000
    patients it is their index, and their sections lie in a folder beside it.

    With -o, tables of any size are read in pieces, all files as parts of one table, and DIR appears only whole:
    results/, findings/ and pathways/ in parts, problems.csv with the rows that could not be read, manifest.json. This
    takes PyArrow, and DuckDB where rows of a panel lie scattered (labinterp[duckdb]). With --delta, --report, --format
    json or what a patient tells, everything is held in memory, each file is interpreted by itself, and the first row
    that cannot be read stops the run.

    Exit codes: 0 done, 1 a finding at or above --fail-on, 2 usage, 3 unreadable input or unknown layout, 4 rows with
    problems or unreadable ones under --strict (a finding comes first), 74 a full disk, 129 hung up, 130 interrupted,
    141 nobody reads standard output any more, 143 terminated.

    \b
    Examples:
      labinterp interpret panels.csv
      labinterp interpret labs.csv --ranges uk --assume-adult -o out --format parquet
      labinterp interpret 2025.csv.gz 2026.csv.gz -o out --panel 30D --on-bad-row stop
      cat bundle.json | labinterp interpret - --format json
    """  # noqa: D301 - click reads this sign
    from labinterp.cli import manypanels, streaming
    from labinterp.cli.answers import answer_all, not_covered_of_all, worst
    from labinterp.cli.inputs import read_all, tell_passed_over
    from labinterp.cli.outputs import check_folder
    from labinterp.cli.printing import Printer, progress
    from labinterp.cli.single import panels_of, with_told

    if files.count("-") > 1:
        raise click.UsageError("standard input can be read once only")
    if output is None and form == "parquet":
        raise click.UsageError("--format parquet needs a folder: -o DIR")
    if output is not None:
        check_folder(output, force=force)
    told = read_presentation(symptom, trigger, course)
    if output is not None and (traces or panel_of is not None):
        raise click.UsageError("--traces and --panel-of go without -o")
    given = read_options(**kernel)
    options = checked_options(given)
    reading = read_table_options(layout=layout, columns=columns, beside=beside, encoding=encoding)
    tuning = {"on_bad_row": on_bad_row, "ordered": ordered, "memory_limit": memory_limit, "workers": workers}
    if output is not None and form != "json" and report is None and not delta and told is None:
        arguments = {**reading, **given}
        written = streaming.write(files, output, arguments, tuning, form=form or "csv", force=force, quiet=quiet)
        if not quiet:
            tell_passed_over((each.file, each.unused_columns, each.lines_above, 0) for each in written.inputs)
            streaming.show_manifest(Printer(no_color=no_color), written, output, files)
        problems = written.real_problems
        return exit_code(written.severities, problems, fail_on, strict=strict)
    _refuse_tuning(tuning)
    step = progress(quiet=quiet or no_color)
    sources = read_all(files, step, reading, has_units=bool(options.default_units), tests=options.tests)
    tell_passed_over((s.name, s.unused, s.lines_above, s.lines_below) for s in sources if not quiet)
    with step("Interpreting"):
        answered = answer_all(sources, options, delta=delta)
    made_by = options.table_provenance
    if told is not None:
        answered = answer_all(with_told(answered, told, panel_of), options, delta=delta)
        made_by = {**made_by, "settings": {**made_by["settings"], **attrs.asdict(told)}}
    with step("Writing"):
        how = {"layout": layout, "columns": reading["columns"], "encoding": encoding, "delta": delta}
        manifest = _write(answered, made_by, options, how, output=output, form=form, report=report, force=force)
    if output is None and not (quiet and report is not None):
        chosen = None if panel_of is None else panels_of(answered, panel_of)
        shown = Shown(form, table, limit, chosen, traces=traces, quiet=quiet, no_color=no_color)
        _print(answered, made_by, options, shown)
    elif output is not None and not quiet and manifest is not None:
        printer = Printer(no_color=no_color)
        manypanels.show_panels(printer, answered, made_by)
        streaming.show_outputs(printer, manifest, output)
    problems = sum(int(each.results["problem"].notna().sum()) for each in answered) - not_covered_of_all(answered)
    return exit_code(worst(answered), problems, fail_on, strict=strict)


def _refuse_tuning(tuning: dict[str, Any]) -> None:
    """Refuse options that only reading in pieces has."""
    given = [f"--{name.replace('_', '-')}" for name, value in tuning.items() if value is not None]
    if given:
        raise click.UsageError(
            f"{', '.join(given)} goes with -o and csv or parquet, without --delta, --report and what a patient tells; "
            "then rows are read in pieces"
        )


def _write(
    answered: Sequence[Answered],
    provenance: dict[str, Any],
    options: Options,
    reading: dict[str, Any],
    *,
    output: Path | None,
    form: str | None,
    report: Path | None,
    force: bool,
) -> Manifest | None:
    from labinterp.cli.outputs import write_folder
    from labinterp.cli.pages import made
    from labinterp.places import write_text

    pages, manifest = {} if report is None else made(answered, options, report), None
    if output is not None:
        settings = {**reading, "columns": reading["columns"] or {}}
        manifest = write_folder(output, answered, provenance, settings, form or "csv", force=force)
    for path, text in pages.items():
        write_text(path, text)
    return manifest


@attrs.frozen
class Shown:
    """What is printed.

    Args:
        form: `csv` or `json`, or None for people.
        table: of CSV.
        limit: findings in more panels than this are shown together.
        panels: those of one patient, where one is chosen.
        traces: whether every finding is told step by step.
        quiet: whether the first lines are enough.
        no_color: whether text is plain.
    """

    form: str | None
    table: str
    limit: int
    panels: Sequence[PanelAnswer] | None = attrs.field(repr=False)
    traces: bool
    quiet: bool
    no_color: bool


def _print(answered: Sequence[Answered], provenance: dict[str, Any], options: Options, shown: Shown) -> None:
    from labinterp.cli import manypanels, outputs
    from labinterp.cli.answers import joined
    from labinterp.cli.printing import Printer
    from labinterp.cli.single import only_report, reports_of, whose

    if shown.form == "json":
        outputs.print_json(outputs.document(answered, provenance))
        return
    if shown.form == "csv":
        outputs.write_csv(joined(answered, shown.table), outputs.standard_output())
        return
    printer = Printer(no_color=shown.no_color)
    if shown.panels is not None:
        for i, (panel, report) in enumerate(reports_of(shown.panels, options)):
            if i:
                printer.line()
                printer.line(printer.rule() * printer.width, "quiet")
            _show_report(printer, report, shown, whose(panel, named=len(answered) > 1))
        return
    only = only_report(answered, options)
    if only is not None:
        _show_report(printer, only, shown, whose(next(answered[0].each_panel(with_findings=False)), named=True))
    elif shown.quiet:
        manypanels.show_essentials(printer, answered)
    elif shown.traces:
        _show_traces(printer, answered, provenance, shown.limit)
    else:
        manypanels.show_panels(printer, answered, provenance)


def _show_report(printer: Printer, report: Report, shown: Shown, name: str) -> None:
    from labinterp.cli import onepanel

    if shown.quiet:
        onepanel.show_essentials(printer, report)
    else:
        onepanel.show_report(printer, report, traces=shown.traces, whose=name)


def _show_traces(printer: Printer, answered: Sequence[Answered], provenance: dict[str, Any], limit: int) -> None:
    """Print the summary, and every finding step by step."""
    from labinterp.cli import summary, traces

    severe = summary.show_headline(printer, answered)
    summary.show_summary(printer, answered, provenance)
    summary.show_findings(printer, answered)
    sources = traces.show_traces(printer, answered, limit)
    summary.show_problems(printer, answered)
    summary.show_guidance(printer, severe=severe)
    traces.show_sources(printer, sources)
    summary.show_disclaimer(printer)


def exit_code(severities: Mapping[str, int], problems: int, fail_on: str | None, *, strict: bool) -> int:
    """Return the exit code that findings by severity and rows with problems come to, and say why it is not 0."""
    if fail_on is not None:
        count = sum(severities.get(severity, 0) for severity in SEVERITIES[SEVERITIES.index(fail_on) :])
        if count:
            click.echo(f"labinterp: {count:,} finding(s) of severity {fail_on} or above (--fail-on)", err=True)
            return FOUND
    if strict and problems:
        click.echo(f"labinterp: {problems:,} row(s) with problems (--strict)", err=True)
        return PROBLEMS
    return 0
