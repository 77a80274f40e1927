"""`labinterp convert`."""

from __future__ import annotations

from typing import Final

import click

from labinterp.errors import UnknownUnitError, ValueParseError

_PLAIN: Final = 1e15


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
    from labinterp.codes import PROBLEM_TEXTS
    from labinterp.errors import UnknownTestError
    from labinterp.reading import analytes, units, values

    key = analytes.resolve(analyte).analyte
    if key is None:
        raise UnknownTestError("the analyte is not known", hint="Known are " + ", ".join(analytes.analytes()))
    parsed = values.parse(value, decimal)
    problem = parsed.problem or ("ambiguous_number" if parsed.alternative is not None else None)
    if problem is not None:
        message, suggestion, _ = PROBLEM_TEXTS[problem]
        raise ValueParseError(message, hint=suggestion.replace("decimal=", "--decimal "))
    if parsed.unit_text is not None and units.resolve(parsed.unit_text).code != units.resolve(unit).code:
        raise ValueParseError("another unit stands behind the number", hint="Give the unit once")
    code = units.resolve(to).code
    if code is None:
        raise UnknownUnitError("the unit TO is not known", hint="Accepted are " + ", ".join(units.accepted(key)))
    converted = units.convert(parsed.number, unit, code, analyte=key)
    click.echo(f"{parsed.comparator or ''}{shown(converted, digits)} {code}")


def shown(number: float, digits: int) -> str:
    """Return a number with so many significant digits, and without an exponent where it is of an ordinary size.

    Example:
        >>> shown(0.7405883563052871, 6), shown(1234567.0, 6), shown(2.5, 6)
        ('0.740588', '1234567', '2.5')
    """
    text = f"{number:.{digits}g}"
    return f"{number:.0f}" if "e+" in text and abs(number) < _PLAIN else text
