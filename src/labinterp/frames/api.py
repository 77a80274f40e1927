"""`interpret_frame`: a pandas frame in, three out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from labinterp.arguments import checked_flag, checked_text
from labinterp.batch import answers, core
from labinterp.batch.columns import FrameColumns
from labinterp.batch.delta import columns as delta_columns
from labinterp.batch.output import to_frame
from labinterp.batch.signs import Signs, signs_of
from labinterp.errors import LayoutError
from labinterp.frames import native
from labinterp.options import DateOrder, DecimalSign, Options, documented
from labinterp.tables import layouts
from labinterp.tables.people import with_patient

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from labinterp.options import Tests


def _rows(frame: pd.DataFrame) -> str:
    return f"<{len(frame)} rows>"


@attrs.frozen(eq=False)
class FrameReport:
    """The answer of `interpret_frame`.

    Args:
        results: one row per row of the input, with its index and order.
        findings: one row per finding and panel.
        pathways: one row per finding and pathway.
        unused_columns: the columns of the table that made no difference to the answer, by name.
        decimals: how many rows `decimal=` would settle, and which decimal sign the other numbers of the table show.
    """

    results: pd.DataFrame = attrs.field(repr=_rows)
    findings: pd.DataFrame = attrs.field(repr=_rows)
    pathways: pd.DataFrame = attrs.field(repr=_rows)
    unused_columns: tuple[str, ...] = ()
    decimals: Signs = attrs.field(factory=Signs)


@documented
def interpret_frame(  # noqa: D417 - the options are documented once, in `options`
    frame: Any,
    *,
    layout: str = "auto",
    columns: Mapping[str, str] | None = None,
    ranges: Any = "us",
    grading: str | None = None,
    panel: str = "collection",
    reported_ranges: bool = True,
    assume_adult: bool = False,
    decimal: DecimalSign | None = None,
    default_units: Mapping[str, str] | None = None,
    reference_albumin: float | None = None,
    tests: Tests | None = None,
    date_order: DateOrder | None = None,
    one_patient: bool = False,
    delta: bool = False,
    beside: Mapping[str, Any] | None = None,
    baseline: str | None = None,
) -> FrameReport:
    """Interpret a table of results; the frame is not changed.

    Args:
        frame: a pandas frame, or any with the Arrow PyCapsule interface or known to narwhals (polars, PyArrow, …),
            which get the same kind back; one row per result, n rows; columns `test`, `value`, `unit`, and as far as
            known `patient_id`, `collected_at`, `specimen`, `reference_low`, `reference_high`, `age`, `sex`,
            `birth_date`, `pregnancy`, `method`, `reported_flag`, `symptoms`, `triggers`, `course` (texts divided by
            `;`, or lists), or those of another known layout.
        layout: name of the layout; `"auto"` recognizes it by its columns, in many languages.
        columns: our column name → yours, for a table in no known layout.
        {table options}
        delta: add `previous_value`, `delta`, `delta_percent`, `delta_exceeds` and `delta_problem` to `results`: each
            result against the previous one of the same patient and analyte, as `change` compares them.
        beside: the tables beside by name, such as `{"d_labitems": "D_LABITEMS.csv"}`, as in `read`.
        baseline: the column of each result's baseline, in the result's unit (ADaM's `BASE`), or of a flag on the
            result that is its patient's baseline (`ABLFL`, `LBBLFL`), for gradings that compare with it; a column
            `baseline`, and the `BASE` of an ADLB, need no saying.

    Returns:
        `results` with n rows, `findings` and `pathways`.

    Raises:
        LayoutError: if the columns fit no layout, or one of them cannot be used.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"test": ["Mg", "Ca"], "value": ["1.1", "<8"], "unit": "mg/dL", "age": 50})
        >>> interpret_frame(frame).results["flag"].tolist()
        ['L', 'L']
    """
    options = Options.checked(
        ranges=ranges,
        grading=grading,
        reported_ranges=reported_ranges,
        assume_adult=assume_adult,
        decimal=decimal,
        default_units=default_units,
        reference_albumin=reference_albumin,
        tests=tests,
        date_order=date_order,
        panel=panel,
        one_patient=one_patient,
    )
    delta = checked_flag(delta, "delta")
    baseline = checked_text(baseline, "baseline")
    frame, back = native.enter(frame)
    table = layouts.to_labinterp(
        frame, layout, columns, beside=beside, has_units=bool(default_units), tests=options.tests
    )
    unused = tuple(name for name in table.attrs[layouts.UNUSED] if name != baseline)
    if baseline is not None:
        if baseline not in frame or len(frame) != len(table):
            raise LayoutError("the table has no column of baselines of that name, one to each result", column=baseline)
        table["baseline"] = frame[baseline].to_numpy()
    missing = [name for name in ("test", "value") if name not in table]
    if missing:
        raise LayoutError(f"the table has no column {' and no column '.join(missing)}", column=missing[0])
    _, report = answer_of(table, options, delta=delta)
    return FrameReport(back(report.results), back(report.findings), back(report.pathways), unused, report.decimals)


def answer_of(table: pd.DataFrame, options: Options, *, delta: bool = False) -> tuple[core.Answer, FrameReport]:
    """Interpret a pandas frame in the `labinterp` layout, all choices checked."""
    table = with_patient(table) if options.one_patient else table
    given = FrameColumns(table)
    answer = core.run(given, options)
    results = answers.results(answer, given)
    if delta:
        results |= delta_columns(answer, table)
    findings, pathways = to_frame(answers.findings(answer)), to_frame(answers.pathways(answer))
    return answer, FrameReport(to_frame(results, table.index), findings, pathways, decimals=signs_of(answer))
