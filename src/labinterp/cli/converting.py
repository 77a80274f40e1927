"""`labinterp convert`."""

from __future__ import annotations

import click

from labinterp.errors import UnknownUnitError, ValueParseError
from labinterp.words import numbers, problems


@click.command(
    short_help="Convert a value from one unit to another.", context_settings={"ignore_unknown_options": True}
)
@click.argument("value")
@click.argument("unit")
@click.argument("to")
@click.option("--analyte", "-a", required=True, metavar="A", help="Analyte key, LOINC code or name.")
@click.option("--decimal", type=click.Choice([".", ","]), help="Decimal sign, where 1,234 could be read in two ways.")
@click.option(
    "--digits", type=click.IntRange(1, 17), default=6, show_default=True, metavar="N", help="Significant digits."
)
def convert(*, value: str, unit: str, to: str, analyte: str, decimal: str | None, digits: int) -> None:
    """Convert VALUE from UNIT to the unit TO; a comparator such as in '<8' is kept.

    Example: labinterp convert 1.8 mg/dL mmol/L --analyte magnesium
    """
    from labinterp.errors import UnknownTestError
    from labinterp.reading import analytes, units, values

    key = analytes.resolve(analyte).analyte
    if key is None:
        raise UnknownTestError("the analyte is not known", hint="Known are " + ", ".join(analytes.analytes()))
    parsed = values.parse(value, decimal)
    problem = parsed.problem or ("ambiguous_number" if parsed.alternative is not None else None)
    if problem is not None:
        raise ValueParseError(problems.message(problem), hint=problems.suggestion(problem, typed=True))
    if parsed.unit_text is not None and units.resolve(parsed.unit_text).code != units.resolve(unit).code:
        raise ValueParseError("another unit stands behind the number", hint="Give the unit once")
    code = units.resolve(to).code
    if code is None:
        raise UnknownUnitError("the unit TO is not known", hint="Accepted are " + ", ".join(units.accepted(key)))
    converted = units.convert(parsed.number, unit, code, analyte=key)
    click.echo(f"{parsed.comparator or ''}{numbers.plain(converted, digits)} {code}")
