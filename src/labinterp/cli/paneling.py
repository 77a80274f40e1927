"""`labinterp panel`: results typed on the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from labinterp.cli.options import (
    GroupedCommand,
    checked_options,
    no_color_option,
    patient_options,
    ranges_option,
    read_options,
    read_patient,
    reading_options,
)
from labinterp.codes import SEVERITIES

if TYPE_CHECKING:
    from pathlib import Path

    from labinterp.answer import Report

_MOST: Final = 1 << 20


@click.command(
    cls=GroupedCommand,
    short_help="Interpret results that are typed, such as 'Mg 1.1 mg/dL'.",
)
@click.argument("results", nargs=-1, required=True, metavar="RESULT...")
@patient_options
@ranges_option
@reading_options
@click.option("--grading", metavar="G", help="Add grades, such as by ctcae/6.0 or daids/2.1.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="Form of the output.",
)
@click.option("--traces", is_flag=True, help="Tell every pathway, caveat and source, however long that gets.")
@click.option("--report", type=click.Path(dir_okay=False), metavar="OUT.html", help="Write a page.")
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 1 for a finding of at least this severity.")
@click.option("--strict", is_flag=True, help="Exit with 4 if any result could not be interpreted.")
@click.option("--quiet", "-q", is_flag=True, help="Print the first three lines alone.")
@no_color_option
def panel(
    *,
    results: tuple[str, ...],
    form: str,
    traces: bool,
    report: Path | None,
    fail_on: str | None,
    strict: bool,
    quiet: bool,
    no_color: bool,
    age: str | None,
    sex: str | None,
    birth_date: str | None,
    pregnancy: str | None,
    symptom: tuple[str, ...],
    trigger: tuple[str, ...],
    course: str | None,
    **kernel: Any,
) -> int:
    """Interpret the results of one person, each typed as NAME VALUE UNIT, and behind them range and flag if known.

    '-' reads one result a line from standard input. What is not given stays unknown.

    Exit codes: 0 done, 1 a finding at or above --fail-on, 2 usage, 3 a result that cannot be read, 4 results with
    problems under --strict.

    \b
    Examples:
      labinterp panel "Mg 1.1 mg/dL" "Ca 7,9 mg/dL (8.6-10.2)" --age 54
      labinterp panel "25OHD <8 ng/mL" "B12 200 pg/mL" --age 54 --sex F --symptom tingling
      labinterp panel - --assume-adult < results.txt
    """  # noqa: D301 - click reads this sign
    from labinterp.cli.interpreting import exit_code
    from labinterp.interpretation import interpret_as
    from labinterp.tables.records import result_of

    options = checked_options(read_options(**kernel))
    patient, presentation = read_patient(age, sex, birth_date, pregnancy, symptom, trigger, course)
    rows = _rows(results, options.tests)
    answer = interpret_as(options, [result_of(row) for row in rows], patient, presentation)
    if report is not None:
        from pathlib import Path

        from labinterp.places import write_text

        write_text(Path(report), answer.to_html())
    _print(answer, form, traces=traces, quiet=quiet, no_color=no_color)
    severities: dict[str, int] = {}
    for finding in answer.findings:
        severities[finding.severity] = severities.get(finding.severity, 0) + 1
    problems = sum(item.problem is not None and "not_covered" not in item.notes for item in answer.interpretations)
    return exit_code(severities, problems, fail_on, strict=strict)


def _rows(results: tuple[str, ...], tests: Any) -> list[dict[str, str]]:
    """Read every result; what is wrong is said with its number."""
    from labinterp.errors import InputError
    from labinterp.reading.lines import read_lines

    if results.count("-") > 1:
        raise click.UsageError("standard input can be read once only")
    rows = []
    for number, text in enumerate(results, 1):
        typed = sys.stdin.read(_MOST + 1) if text == "-" else text
        if len(typed) > _MOST:
            raise InputError("more than 1 MB of typed results cannot be read", hint="Use `labinterp interpret FILE`")
        try:
            found = read_lines(typed, tests)
        except InputError as error:
            if text == "-":
                raise
            said = error.message.removeprefix("line 1 cannot be read: ")
            raise InputError(f"result {number} cannot be read: {said}", hint=error.hint) from None
        rows += found
    if not rows:
        raise InputError("there are no results", hint="Type at least one, such as 'Mg 1.1 mg/dL'")
    return rows


def _print(answer: Report, form: str, *, traces: bool, quiet: bool, no_color: bool) -> None:
    from labinterp.cli import onepanel
    from labinterp.cli.outputs import standard_output
    from labinterp.cli.printing import Printer

    if form == "json":
        standard_output().write(f"{answer.to_json()}\n")
    elif form == "csv":
        _write_csv(answer)
    elif quiet:
        onepanel.show_essentials(Printer(no_color=no_color), answer)
    else:
        onepanel.show_report(Printer(no_color=no_color), answer, traces=traces)


def _write_csv(answer: Report) -> None:

    from labinterp.cli.outputs import standard_output
    from labinterp.formulas import Rows

    names = (
        "test", "analyte", "comparator", "value", "unit", "low", "high", "range_id", "flag", "level", "band", "grade",
        "problem", "notes", "suspected_unit",
    )  # fmt: skip
    writer = Rows(standard_output())
    writer.write(names)
    for item in answer.interpretations:
        cells = [item.result.test, *(getattr(item, name) for name in names[1:])]
        writer.write(";".join(cell) if isinstance(cell, tuple) else cell for cell in cells)
