"""`labinterp ranges impact`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from labinterp.cli.options import (
    checked_options,
    format_option,
    no_color_option,
    panel_options,
    read_options,
    read_ranges,
    read_table_options,
    reading_options,
    table_options,
)
from labinterp.words import labels
from labinterp.words.faces import line

if TYPE_CHECKING:
    from labinterp.cli.printing import Printer
    from labinterp.impact import Impact


@click.command(short_help="How many of your results and findings change from A to B.")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.argument("file", metavar="RESULTS.csv")
@table_options
@panel_options
@reading_options
@click.option("--reported-ranges", is_flag=True, help="Let the ranges that came with the results win, in both.")
@format_option("text", "csv", "json")
@no_color_option
def impact(
    *,
    before: str,
    after: str,
    file: str,
    reported_ranges: bool,
    form: str,
    no_color: bool,
    layout: str,
    columns: tuple[str, ...],
    beside: tuple[str, ...],
    encoding: str,
    **kernel: Any,
) -> None:
    """Say how many of your results and findings change, and how, from ranges A to ranges B.

    A and B are profiles, editions or TOML files. Ranges that came with the results are left out, as they would hide
    the change. Example: labinterp ranges impact us uk results.csv
    """
    from labinterp.cli import outputs
    from labinterp.cli.inputs import read_all
    from labinterp.cli.printing import Printer, progress
    from labinterp.impact import impact as compare

    options = {**read_options(**kernel), "reported_ranges": reported_ranges}
    known = checked_options(options)
    reading = read_table_options(layout=layout, columns=columns, beside=beside, encoding=encoding)
    step = progress(quiet=False)
    table = read_all([file], step, reading, has_units=bool(known.default_units), tests=known.tests)[0].table
    with step("Interpreting twice"):
        found = compare(table, read_ranges((before,)), read_ranges((after,)), **options)
    if form == "json":
        outputs.print_json(found.to_dict())
    elif form == "csv":
        outputs.write_csv(found.to_frame(), outputs.standard_output())
    else:
        _show(Printer(no_color=no_color), found)


def _show(printer: Printer, found: Impact) -> None:
    printer.line(f"From {found.before} to {found.after}", "heading")
    counts = {
        "changed": found.results_changed,
        "results": found.results,
        "before": found.findings_before,
        "after": found.findings_after,
        "panels": found.panels_changed,
    }
    printer.paragraph(line("screen", "impact", **{name: f"{count:,}" for name, count in counts.items()}))
    if found.result_changes:
        printer.heading(line("page", "results"))
        printer.table(
            ("analyte", "before", "after", "results"),
            [
                (each.analyte, labels.spaced(each.before), labels.spaced(each.after), f"{each.results:,}")
                for each in found.result_changes
            ],
            right=(3,),
        )
    if found.finding_changes:
        printer.heading(line("page", "findings"))
        printer.table(
            ("finding", "", "before", "after", "panels", "patients"),
            [
                (each.finding, each.kind, each.before, each.after, f"{each.panels:,}", f"{each.patients:,}")
                for each in found.finding_changes
            ],
            right=(4, 5),
        )
