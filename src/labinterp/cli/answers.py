"""Tables → answers that can be shown panel by panel; everything clinical happens below."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

    from labinterp.batch.core import Answer
    from labinterp.batch.signs import Signs
    from labinterp.cli.inputs import InputSource
    from labinterp.model import Finding
    from labinterp.options import Options
    from labinterp.reasoning import Reasoned


@attrs.frozen(eq=False)
class PanelAnswer:
    """Results that were seen together, and what they come to.

    Args:
        source: the input that they are from.
        patient: as sent, or nothing.
        label: the collection time, for example.
        rows: positions in the input: the panel's own rows, and earlier ones that a look-back lets it see.
        reasoned: states and findings.
    """

    source: Answered
    patient: Any = attrs.field(repr=False)
    label: str = attrs.field(repr=False)
    rows: Sequence[int]
    reasoned: Reasoned = attrs.field(repr=False)
    index: int

    def adjusted_calcium(self) -> str:
        """Return total calcium adjusted by the panel's albumin, in its own unit, or nothing where there is none."""
        import numpy as np

        from labinterp.kernel import panel as slots

        answer = self.source.answer
        panels, numbers = answer.adjusted or ((), ())
        at = int(np.searchsorted(panels, self.index))
        if at == len(panels) or panels[at] != self.index:
            return ""
        comparator, _, unit = self.source.sent(int(answer.panels.held[self.index][slots.CALCIUM]))
        return f"{comparator}{numbers[at]:.4g} {unit}"


@attrs.frozen(eq=False, slots=False)
class Answered:
    """One input with its answer.

    Args:
        source: the input.
        answer: as the kernel and the reasoning gave it.
        results: one row per row of the input.
        findings: one row per finding and panel.
        pathways: one row per finding and pathway.
    """

    source: InputSource
    answer: Answer = attrs.field(repr=False)
    results: pd.DataFrame = attrs.field(repr=False)
    findings: pd.DataFrame = attrs.field(repr=False)
    pathways: pd.DataFrame = attrs.field(repr=False)

    @property
    def panels(self) -> int:
        """Return how many panels there are."""
        return len(self.answer.answer_of_panel)

    @property
    def panels_of_answer(self) -> np.ndarray[Any, Any]:
        """Return how many panels have each distinct answer."""
        import numpy as np

        return np.bincount(self.answer.answer_of_panel, minlength=len(self.answer.reasoned))

    @functools.cached_property
    def panels_by_answer(self) -> list[np.ndarray[Any, Any]]:
        """Return the panels that have each distinct answer."""
        import numpy as np

        order = np.argsort(self.answer.answer_of_panel, kind="stable")
        return np.split(order, np.cumsum(self.panels_of_answer)[:-1])

    def patient(self, panel: int) -> Any:
        """Return the patient of a panel as sent."""
        answer = self.answer
        return answer.patient.distinct[answer.patient.codes[answer.panels.first_row[panel]]]

    def each_panel(self, *, with_findings: bool) -> Iterator[PanelAnswer]:
        """Return the panels in order of first appearance."""
        import numpy as np

        answer = self.answer
        held = answer.panels.held
        order = np.argsort(answer.panels.of_row, kind="stable")
        bounds = np.searchsorted(answer.panels.of_row[order], np.arange(self.panels + 1))
        for panel in range(self.panels):
            reasoned = answer.reasoned[answer.answer_of_panel[panel]]
            if with_findings and not reasoned.findings:
                continue
            own = order[bounds[panel] : bounds[panel + 1]].tolist()
            seen = [row for row in held[panel].tolist() if row >= 0]
            yield PanelAnswer(
                source=self,
                patient=self.patient(panel),
                label=self._label(panel),
                rows=sorted({*own, *seen}),
                reasoned=reasoned,
                index=panel,
            )

    def _label(self, panel: int) -> str:
        answer = self.answer
        row = answer.panels.first_row[panel]
        time = answer.collected.distinct[answer.collected.codes[row]] if answer.by_time else None
        if time is None:
            return "" if answer.patient.codes[row] else f"row {row + 1}"
        return str(time.isoformat() if hasattr(time, "isoformat") else time)

    def sent(self, row: int) -> tuple[str, float, str | None]:
        """Return comparator, number and unit of a row as it was sent; only for rows with a value."""
        from labinterp.codes import COMPARATORS

        batch = self.answer.batch
        comparator = ("", *COMPARATORS)[batch.comparator[row]]
        return comparator, float(batch.number[row]), batch.channels.items[batch.channel[row]].unit


def answer_all(sources: Sequence[InputSource], options: Options, *, delta: bool) -> list[Answered]:
    """Interpret every input, each by itself."""
    from labinterp.frames.api import answer_of

    answered = []
    for source in sources:
        answer, report = answer_of(source.table, options, delta=delta)
        answered.append(
            Answered(
                source=source, answer=answer, results=report.results, findings=report.findings, pathways=report.pathways
            )
        )
    return answered


def joined(answered: Sequence[Answered], name: str) -> pd.DataFrame:
    """Return one table of all inputs, with a column `file` in front where there are several."""
    import pandas as pd

    frames = [getattr(each, name) for each in answered]
    if len(frames) == 1:
        frame: pd.DataFrame = frames[0]
        return frame
    together = {column: _column([frame[column] for frame in frames]) for column in frames[0].columns}
    files = [each.source.name for each, frame in zip(answered, frames, strict=True) for _ in range(len(frame))]
    return pd.DataFrame({"file": pd.Categorical(files), **together})


def _column(parts: list[pd.Series[Any]]) -> Any:
    """Join a column of several tables, each of which may have read it differently."""
    import pandas as pd

    categories = [isinstance(part.dtype, pd.CategoricalDtype) for part in parts]
    if not any(categories) and len({str(part.dtype) for part in parts}) == 1:
        return pd.concat(parts, ignore_index=True)
    together = pd.concat([part.astype(object) for part in parts], ignore_index=True)
    return together.astype("category") if all(categories) else together


def signs_of_all(answered: Sequence[Answered]) -> Signs:
    """Return how many rows of all inputs `decimal=` would settle, and what the other numbers show."""
    from labinterp.batch.signs import Signs, signs_of

    return functools.reduce(Signs.plus, (signs_of(each.answer) for each in answered), Signs())


def not_covered_of_all(answered: Sequence[Answered]) -> int:
    """Return how many rows of all inputs are results of tests that are known and not covered."""
    from labinterp.batch.signs import not_covered

    return sum(not_covered(each.answer) for each in answered)


def worst(answered: Sequence[Answered]) -> dict[str, int]:
    """Return how many findings there are of each severity."""
    counts: dict[str, int] = {}
    for finding, count in each_finding(answered):
        counts[finding.severity] = counts.get(finding.severity, 0) + count
    return counts


def each_finding(answered: Sequence[Answered]) -> Iterator[tuple[Finding, int]]:
    """Return every distinct finding of every distinct answer, with the number of its panels."""
    for each in answered:
        for reasoned, count in zip(each.answer.reasoned, each.panels_of_answer.tolist(), strict=True):
            for finding in reasoned.findings:
                yield finding, count
