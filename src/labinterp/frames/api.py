"""`interpret_frame`: a pandas frame in, three out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pandas as pd

from labinterp.arguments import checked_flag, checked_text
from labinterp.batch import answers, core
from labinterp.batch.columns import FrameColumns
from labinterp.batch.delta import columns as delta_columns
from labinterp.batch.output import Types, to_frame
from labinterp.batch.signs import Signs, signs_of
from labinterp.errors import InputError, LayoutError
from labinterp.exhausted import told
from labinterp.frames import native, why
from labinterp.options import DateOrder, DecimalSign, Options, documented
from labinterp.tables import layouts
from labinterp.tables.people import with_patient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from labinterp.options import Tests


def _rows(frame: pd.DataFrame) -> str:
    return f"<{len(frame)} rows>"


@attrs.frozen(eq=False)
class Asked:
    """What a `FrameReport` answers.

    Args:
        frame: as it was given, as pandas.
        table: in the `labinterp` layout, a row per result.
        options: the choices.
        back: turns pandas into the kind of frame that was given.
    """

    frame: pd.DataFrame = attrs.field(repr=_rows)
    table: pd.DataFrame = attrs.field(repr=_rows)
    options: Options = attrs.field(repr=False)
    back: Callable[[pd.DataFrame], Any] = attrs.field(repr=False)


@attrs.frozen(eq=False)
class FrameReport:
    """The answer of `interpret_frame`.

    Args:
        results: one row per row of the input, with its index and order.
        findings: one row per finding and panel.
        pathways: one row per finding and pathway.
        unused_columns: the columns of the table that made no difference to the answer, by name.
        decimals: how many rows `decimal=` would settle, and which decimal sign the other numbers of the table show.
        asked: the table and the choices that this answers, where they are at hand.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"test": ["Mg"], "value": ["1.1"], "unit": "mg/dL", "age": 50})
        >>> answer = interpret_frame(frame)
        >>> answer.results["level"].tolist(), answer.findings["finding"].tolist(), len(answer.pathways) > 1
        (['low'], ['hypomagnesemia'], True)
    """

    results: pd.DataFrame = attrs.field(repr=_rows)
    findings: pd.DataFrame = attrs.field(repr=_rows)
    pathways: pd.DataFrame = attrs.field(repr=_rows)
    unused_columns: tuple[str, ...] = ()
    decimals: Signs = attrs.field(factory=Signs)
    asked: Asked | None = attrs.field(default=None, repr=False)

    def explain(self, row: Any) -> str:
        """Return in words why a row was answered as it was, and what its panel comes to.

        Args:
            row: label of the row in the index of `results`; a position where there is none.

        Raises:
            InputError: if there is no such row, or the table that was answered is not at hand.

        Example:
            >>> import pandas as pd
            >>> frame = pd.DataFrame({"test": ["Mg"], "value": ["1.1"], "unit": "mg/dL", "age": 50})
            >>> print(interpret_frame(frame).explain(0).splitlines()[0])
            Magnesium, sent as Mg 1.1 mg/dL: low (L); normal from 1.6 to 2.6 mg/dL.
        """
        from labinterp.report import plain

        asked = self._asked()
        return plain.explained(*why.panel_of(asked.table, asked.options, why.position_of(self.results, row)))

    def joined(self) -> Any:
        """Return the columns of the table that was answered beside ours, which are prefixed `li_`.

        A table of which each row holds several results comes with one row per result, in the `labinterp` layout.

        Raises:
            InputError: if the table that was answered is not at hand.

        Example:
            >>> import pandas as pd
            >>> frame = pd.DataFrame({"test": ["Mg"], "value": ["1.1"], "unit": "mg/dL", "age": 50, "ward": "A"})
            >>> interpret_frame(frame).joined().loc[0, ["ward", "value", "li_flag"]].tolist()
            ['A', '1.1', 'L']
        """
        asked = self._asked()
        results, _ = native.enter(self.results)
        given = asked.frame if len(asked.frame) == len(results) else asked.table
        own = results.add_prefix("li_").set_axis(given.index)
        return asked.back(pd.concat([given, own], axis=1))

    def to_html(self, *, title: str | None = None, scripts: bool = True) -> str:
        """Return a self-contained page: of one patient all visits, else an index of patients; needs extra `report`.

        Args:
            title: heading of the page.
            scripts: whether an index brings the script that searches it.

        Raises:
            MissingExtraError: if jinja2 is not installed (extra `report`).

        Example:
            >>> import pandas as pd
            >>> frame = pd.DataFrame({"test": ["Mg"], "value": ["1.1"], "unit": "mg/dL", "age": 50})
            >>> "<h1>Ward 3</h1>" in interpret_frame(frame).to_html(title="Ward 3")
            True
        """
        from labinterp.report import html

        visits = () if self.asked is None else why.visits_of(self.asked.table, self.asked.options)
        if visits:
            return html.render_visits(visits, title=title)
        return html.render_frame(self._as_pandas(), sent=self._sent(), title=title, scripts=scripts)

    def to_pages(self, *, title: str | None = None, index: str = "index.html", folder: str = "") -> dict[str, str]:
        """Return pages, file name → page: an index of all patients, and a section of each.

        Args:
            title: heading of the index.
            index: file name of the index.
            folder: name of a folder beside the index that holds the other pages; they lie beside it if empty.

        Raises:
            MissingExtraError: if jinja2 is not installed (extra `report`).

        Example:
            >>> import pandas as pd
            >>> frame = pd.DataFrame({"test": "Mg", "value": "1.1", "unit": "mg/dL", "patient_id": ["a", "b"]})
            >>> list(interpret_frame(frame).to_pages())[0]
            'index.html'
        """
        from labinterp.report import html

        return html.pages_of(self._as_pandas(), sent=self._sent(), title=title, index=index, folder=folder)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: counts, and the first findings."""
        from labinterp.report import notebook

        return notebook.of_frame(self._as_pandas())

    def _as_pandas(self) -> FrameReport:
        results, findings, pathways = (native.enter(each)[0] for each in (self.results, self.findings, self.pathways))
        return attrs.evolve(self, results=results, findings=findings, pathways=pathways)

    def _sent(self) -> pd.DataFrame | None:
        return None if self.asked is None else self.asked.table

    def _asked(self) -> Asked:
        if self.asked is None:
            raise InputError(
                "the table that was answered is not at hand", hint="Use the answer that interpret_frame returned"
            )
        return self.asked


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
        InputError: if memory does not suffice; `exhausted` is `"memory"`.

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
    table.attrs.clear()  # pandas copies them with every column that is looked at
    if baseline is not None:
        if baseline not in frame or len(frame) != len(table):
            raise LayoutError("the table has no column of baselines of that name, one to each result", column=baseline)
        table["baseline"] = frame[baseline].to_numpy()
    missing = [name for name in ("test", "value") if name not in table]
    if missing:
        raise LayoutError(f"the table has no column {' and no column '.join(missing)}", column=missing[0])
    with told("Interpret it in parts of whole patients, or write it to files and use `interpret_files`"):
        _, report = answer_of(table, options, delta=delta)
    asked = Asked(frame, with_patient(table) if options.one_patient else table, options, back)
    tables = (back(report.results), back(report.findings), back(report.pathways))
    return FrameReport(*tables, unused, report.decimals, asked)


def answer_of(table: pd.DataFrame, options: Options, *, delta: bool = False) -> tuple[core.Answer, FrameReport]:
    """Interpret a pandas frame in the `labinterp` layout, all choices checked."""
    table = with_patient(table) if options.one_patient else table
    given = FrameColumns(table)
    answer = core.run(given, options)
    results = answers.results(answer, given)
    if delta:
        results |= delta_columns(answer, table)
    types: Types = {}
    frames = (
        to_frame(results, table.index, types),
        to_frame(answers.findings(answer), types=types),
        to_frame(answers.pathways(answer), types=types),
    )
    asked = Asked(table, table, options, native.same)
    return answer, FrameReport(*frames, decimals=signs_of(answer), asked=asked)
