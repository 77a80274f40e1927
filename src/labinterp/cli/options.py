"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from labinterp.errors import LabInterpError, ReferenceSetError, ReferenceSetNotFound
from labinterp.model import Patient, Presentation
from labinterp.options import DateOrder, Options

_F = TypeVar("_F", bound=Callable[..., Any])
NONE = "none"

_GROUPS: Final = {
    "The patient": ("age", "sex", "birth_date", "pregnancy", "symptom", "trigger", "course", "one_patient", "panel"),
    "Ranges": ("ranges", "no_reported_ranges", "assume_adult", "reference_albumin", "grading"),
    "Reading": (
        "layout", "columns", "beside", "encoding", "tests", "default_units", "decimal", "date_order", "on_bad_row",
    ),
    "What is shown": ("traces", "panel_of", "limit", "form", "table", "quiet", "no_color"),
    "Files": ("output", "force", "report", "delta", "ordered", "memory_limit", "workers"),
    "Exit code": ("fail_on", "strict"),
}  # fmt: skip
"""Heading of the help -> options."""


class GroupedCommand(click.Command):
    """A command whose help lists its options by what they are about."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings; those of none come last."""
        records = {
            str(item.name): item.get_help_record(ctx) for item in self.get_params(ctx) if isinstance(item, click.Option)
        }
        groups = {**_GROUPS, "Other": tuple(name for name in records if not any(name in g for g in _GROUPS.values()))}
        for heading, names in groups.items():
            rows = [record for name in names if (record := records.get(name)) is not None]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def ranges_option(function: _F) -> _F:
    """Add `--ranges`."""
    return click.option(
        "--ranges",
        "-r",
        multiple=True,
        metavar="P",
        default=("us",),
        help="Profile, edition or TOML file; repeat it, or separate by commas, in order of priority; 'none' for none."
        "  [default: us]",
    )(function)


def panel_options(function: _F) -> _F:
    """Add the options that say which results are seen together."""
    options = (
        click.option(
            "--panel",
            default="collection",
            show_default=True,
            metavar="W",
            help="Which results are seen together: collection, patient, or a look-back such as 30D.",
        ),
        click.option(
            "--one-patient",
            is_flag=True,
            help="All rows are of one patient, where no column says whose they are; without it they stay apart.",
        ),
    )
    return _with(function, options)


def reading_options(function: _F) -> _F:
    """Add the options that say how results are read and judged, other than `--ranges`."""
    options = (
        click.option("--assume-adult", is_flag=True, help="Apply adult ranges where the age is unknown."),
        click.option("--no-reported-ranges", is_flag=True, help="Ignore the ranges that came with the results."),
        click.option(
            "--decimal", type=click.Choice([".", ","]), help="Decimal sign, where 1,234 could be read in two ways."
        ),
        click.option(
            "--date-order",
            type=click.Choice(get_args(DateOrder)),
            help="Order of day and month, where 03/04/2026 could be read in two ways.",
        ),
        click.option(
            "--tests",
            metavar="FILE",
            help="CSV with the columns test,analyte that says what your own names and codes mean; an empty analyte"
            " refuses the name.",
        ),
        click.option(
            "--default-unit",
            "default_units",
            multiple=True,
            metavar="ANALYTE=UNIT",
            help="Unit of results without one, such as magnesium=mg/dL; repeatable.",
        ),
        click.option(
            "--reference-albumin",
            type=float,
            metavar="G_PER_L",
            help="Albumin in g/L at which calcium is not adjusted.  [default: 40]",
        ),
    )
    return _with(function, options)


def patient_options(function: _F) -> _F:
    """Add what is known of the one patient."""
    options = (
        click.option("--age", metavar="YEARS", help="Age, such as 54 or '6 months'."),
        click.option("--sex", metavar="S", help="female or male."),
        click.option("--birth-date", metavar="DATE", help="Instead of the age; counts for results with a date."),
        click.option("--pregnancy", metavar="P", help="none, trimester_1, trimester_2 or trimester_3."),
        *_presentation(),
    )
    return _with(function, options)


def presentation_options(function: _F) -> _F:
    """Add what the one patient tells."""
    return _with(function, _presentation())


def _presentation() -> tuple[Callable[[Any], Any], ...]:
    return (
        click.option(
            "--symptom", multiple=True, metavar="S", help="What the patient tells, such as tetany; repeatable."
        ),
        click.option(
            "--trigger", multiple=True, metavar="T", help="stress, caffeine, fatigue or exercise; repeatable."
        ),
        click.option("--course", metavar="C", help="transient, persistent or widespread."),
    )


def _with(function: _F, options: Iterable[Callable[[Any], Any]]) -> _F:
    for option in reversed(tuple(options)):
        function = option(function)
    return function


def read_patient(
    age: str | None,
    sex: str | None,
    birth_date: str | None,
    pregnancy: str | None,
    symptom: tuple[str, ...],
    trigger: tuple[str, ...],
    course: str | None,
) -> tuple[Patient, Presentation | None]:
    """Return what the options say of the one patient; what cannot be read there is a matter of usage.

    Raises:
        click.UsageError: names the option.
    """
    fields = {"age": age, "sex": sex, "birth_date": birth_date, "pregnancy": pregnancy}
    for name, value in fields.items():
        if value is not None:
            try:
                Patient(**{name: value})
            except LabInterpError as error:
                raise click.UsageError(f"--{name.replace('_', '-')} cannot be read: {error}") from None
    return Patient(**fields), read_presentation(symptom, trigger, course)


def read_presentation(symptom: tuple[str, ...], trigger: tuple[str, ...], course: str | None) -> Presentation | None:
    """Return what the patient tells, or nothing where nothing is told.

    Raises:
        click.UsageError: for a word that is not known.
    """
    from labinterp import reasoning

    if not (symptom or trigger or course):
        return None
    try:
        return reasoning.checked(Presentation(_each(symptom), _each(trigger), course))
    except LabInterpError as error:
        raise click.UsageError(str(error)) from None


def _each(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of texts that may hold several, divided by commas or semicolons."""
    return tuple(word.strip() for text in texts for word in text.replace(";", ",").split(",") if word.strip())


def table_options(function: _F) -> _F:
    """Add the options that say how tables are read."""
    options = (
        click.option("--layout", default="auto", show_default=True, metavar="L", help="Layout of a table."),
        click.option(
            "--column",
            "columns",
            multiple=True,
            metavar="OURS=YOURS",
            help="Which of your columns is which of ours, such as value=RESULT_NUM; repeatable.",
        ),
        click.option(
            "--beside",
            multiple=True,
            metavar="NAME=FILE",
            help="A table beside, such as d_labitems=D_LABITEMS.csv or patients=patients.csv; repeatable.",
        ),
        click.option(
            "--encoding",
            default="auto",
            show_default=True,
            metavar="E",
            help="Encoding of texts, such as cp1252, where the bytes leave more than one reading.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def read_table_options(
    *, layout: str, columns: tuple[str, ...], beside: tuple[str, ...], encoding: str
) -> dict[str, Any]:
    """Return the options of tables as the arguments of `read` and `interpret_files`."""
    from labinterp.tables import encodings

    try:
        encodings.check(encoding)
    except LabInterpError as error:
        raise click.UsageError(str(error)) from None
    return {
        "layout": layout,
        "columns": read_pairs("--column", columns) or None,
        "beside": {name: Path(file) for name, file in read_pairs("--beside", beside).items()} or None,
        "encoding": encoding,
    }


def format_option(*kinds: str) -> Callable[[_F], _F]:
    """Add `--format` with these kinds, the first one by default."""
    return click.option(
        "--format", "form", type=click.Choice(kinds), default=kinds[0], show_default=True, help="Form of the output."
    )


def no_color_option(function: _F) -> _F:
    """Add `--no-color`."""
    return click.option("--no-color", is_flag=True, help="Plain text; so does the variable NO_COLOR.")(function)


def read_ranges(texts: tuple[str, ...]) -> Any:
    """Return what `ranges=` takes: one name, or a list of them; `none` stands for no editions.

    Example:
        >>> read_ranges(("us",)), read_ranges(("ohsu/critical,us",)), read_ranges(("none",))
        ('us', ['ohsu/critical', 'us'], [])
    """
    names: list[str] = []
    for text in texts:
        parts = [text] if "," not in text or Path(text).is_file() else text.split(",")
        names += [part.strip() for part in parts if part.strip()]
    if not names:
        raise click.UsageError("--ranges names nothing; 'none' stands for no ranges at all")
    names = [name for name in names if name != NONE]
    return names[0] if len(names) == 1 else names


def read_pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    """Return texts such as `magnesium=mg/dL` as a mapping."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, sign, value = (part.strip() for part in text.partition("="))
        if not (key and sign and value):
            raise click.UsageError(f"{option} takes two words joined by '=', such as magnesium=mg/dL or value=RESULT")
        if key in pairs:
            raise click.UsageError(f"{option} names {key} twice")
        pairs[key] = value
    return pairs


def read_options(
    *,
    ranges: tuple[str, ...] | None = None,
    no_reported_ranges: bool,
    default_units: tuple[str, ...],
    **rest: Any,
) -> dict[str, Any]:
    """Return the options as the arguments of `Options.checked`."""
    return {
        **({} if ranges is None else {"ranges": read_ranges(ranges)}),
        "reported_ranges": not no_reported_ranges,
        "default_units": read_pairs("--default-unit", default_units) or None,
        **rest,
    }


def checked_options(given: dict[str, Any]) -> Options:
    """Check options before any input is read; what is wrong with one of them is a matter of usage.

    Raises:
        click.UsageError: for an option that cannot be used.
        ReferenceSetNotFound: for ranges that there are not.
    """
    try:
        return Options.checked(**given)
    except (ReferenceSetError, ReferenceSetNotFound):
        raise
    except LabInterpError as error:
        raise click.UsageError(str(error)) from None
