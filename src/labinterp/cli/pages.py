"""`--report`: one page for one panel with all its detail, or a summary of many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from labinterp.cli.answers import Answered, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from labinterp.model import Report

_RESULT: Final = ("collected_at", "specimen", "reference_low", "reference_high", "method", "reported_flag", "loinc")
_PATIENT: Final = ("age", "sex", "birth_date", "pregnancy", "patient_id")
_SETTINGS: Final = (
    "ranges", "grading", "reported_ranges", "assume_adult", "decimal", "default_units", "reference_albumin",
)  # fmt: skip


def page(answered: Sequence[Answered], options: dict[str, Any]) -> str:
    """Return the HTML page of a run.

    Raises:
        MissingExtraError: if jinja2 is not installed.
    """
    from labinterp.report import html

    if len(answered) == 1:
        report = report_of(answered[0].source.table, answered[0].panels, options)
        if report is not None:
            return html.render(report)
    from labinterp.frames import FrameReport

    tables = (joined(answered, name) for name in ("results", "findings", "pathways"))
    return html.render_frame(FrameReport(*tables))


def report_of(table: pd.DataFrame, panels: int, options: dict[str, Any]) -> Report | None:
    """Return the report of a table that is a single panel of one patient, or nothing if it is more."""
    from labinterp.interpretation import interpret
    from labinterp.model import LabResult, Patient

    about = table[[name for name in _PATIENT if name in table]].drop_duplicates()
    if panels != 1 or len(about) != 1:
        return None
    patient = _known(about.to_dict("records")[0])
    patient["id"] = patient.pop("patient_id", None)
    results = [
        LabResult(
            "" if line.get("test") is None else str(line["test"]),
            line.get("value"),
            line.get("unit"),
            **{name: line[name] for name in _RESULT if name in line},
        )
        for line in map(_known, table.to_dict("records"))
    ]
    return interpret(results, Patient(**patient), **{name: options[name] for name in _SETTINGS})


def _known(line: dict[Any, Any]) -> dict[str, Any]:
    """Return the fields of a row that are not missing."""
    import pandas as pd

    return {str(name): value for name, value in line.items() if not (pd.api.types.is_scalar(value) and pd.isna(value))}
