"""The answer of an audit: frames, what to mend first, drafts, and a page."""

from __future__ import annotations

import json
import math
from html import escape
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pandas as pd

from labinterp.auditing import mending
from labinterp.auditing import suspects as suspecting
from labinterp.auditing.collect import OTHER, Collector, Counted, Held
from labinterp.auditing.mending import Mend  # noqa: TC001 - attrs of a public class
from labinterp.batch.output import records_of
from labinterp.frozen import thawed
from labinterp.reading import analytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUANTILES: Final = (0.025, 0.25, 0.5, 0.75, 0.975)
_FEWEST_A_MONTH: Final = 20
_BINS: Final = 48
_QUANTILE_NAMES: Final = tuple(f"q{share * 100:g}" for share in QUANTILES)
_UNITS: Final = (
    "analyte", "unit", "problem", "spellings", "rows", "judged", *_QUANTILE_NAMES, "canonical_unit", "censored",
    "cleaned", "beyond_ordinary", "beyond_hard", "decimals", "monthly_drift", "flags_compared",
    "flagged_by_laboratory", "flagged_here",
)  # fmt: skip
_SUSPECTS: Final = (
    "analyte", "unit", "suspected_unit", "suspected_analyte", "rows", "share", "evidence", "check",
)  # fmt: skip


def _rows(frame: pd.DataFrame) -> str:
    return f"<{len(frame)} rows>"


@attrs.frozen(eq=False)
class AuditReport:
    """What a data set would come to; nothing in it changes a result.

    Args:
        tests: a row per distinct test, LOINC code, specimen and unit as they were sent: `test`, `loinc`, `specimen`,
            `unit`, `analyte`, `problem` (of the name, the specimen or the unit), `not_covered` (known to be another
            test), `rows`, `did_you_mean` (a question, never an answer).
        units: a row per place, analyte and unit: `spellings`, `rows`, quantiles in the canonical unit, shares.
        numbers: a row per form of value text, every number in it as `9` and every word as `a`: `form`, `problem`,
            `rows`.
        ranges: who is covered by what: `analyte`, `age`, `sex`, `pregnancy`, `range_id` or else `reason`, `rows`,
            `patients`.
        range_texts: a row per form of range: `form`, `usable`, `rows`.
        specimens: `specimen`, `analyte`, `unsuitable`, `rows`.
        suspects: groups of places, analyte and unit whose distribution fits another unit or analyte better.
        coverage: the rows of `ranges` that no range covers.
        summary: counts of the whole.
        histograms: a row per place, analyte, unit and stretch of the canonical unit: `low`, `high`, `rows`; all units
            and places of an analyte share their stretches.
        by: the columns that tell places apart.

    Example:
        >>> import pandas as pd, labinterp as li
        >>> report = li.audit(pd.DataFrame({"test": ["Mg", "Mgg"], "value": ["2.0", "1"], "unit": "mg/dL"}))
        >>> report.tests["problem"].tolist(), report.numbers["form"].tolist()
        ([None, 'unknown_test'], ['9.9', '9'])
    """

    tests: pd.DataFrame = attrs.field(repr=_rows)
    units: pd.DataFrame = attrs.field(repr=_rows)
    numbers: pd.DataFrame = attrs.field(repr=_rows)
    ranges: pd.DataFrame = attrs.field(repr=_rows)
    range_texts: pd.DataFrame = attrs.field(repr=_rows)
    specimens: pd.DataFrame = attrs.field(repr=_rows)
    suspects: pd.DataFrame = attrs.field(repr=_rows)
    coverage: pd.DataFrame = attrs.field(repr=_rows)
    summary: Mapping[str, Any] = attrs.field(repr=False)
    histograms: pd.DataFrame = attrs.field(repr=_rows)
    by: tuple[str, ...] = ()

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the frames by name.

        Example:
            >>> import pandas as pd, labinterp as li
            >>> list(li.audit(pd.DataFrame({"test": ["Mg"], "value": ["2"], "unit": "mg/dL"})).tables)[:3]
            ['tests', 'units', 'numbers']
        """
        return {name: getattr(self, name) for name in TABLES}

    def mend_first(self, most: int = 5) -> list[Mend]:
        """Return what is worth mending first, most urgent first: what makes wrong answers, then what makes none.

        Args:
            most: so many at most.

        Example:
            >>> import pandas as pd, labinterp as li
            >>> report = li.audit(pd.DataFrame({"test": ["Mg"], "value": ["2.0"], "unit": [None]}))
            >>> report.mend_first(1)[0].what
            '1 row of magnesium without a unit'
        """
        return mending.first(self.tables, self.summary, self.by)[:most]

    def tests_draft(self) -> str:
        """Return a CSV for `tests=`, of the names that were not understood, for the user to fill in `analyte`.

        As it is, with every analyte empty, it refuses those names, which changes no result.

        Example:
            >>> import pandas as pd, labinterp as li
            >>> frame = pd.DataFrame({"test": ["LAB0123"], "value": ["2"], "unit": "mg/dL"})
            >>> li.audit(frame).tests_draft().splitlines()
            ['test,analyte,did_you_mean,rows', 'LAB0123,,,1']
        """
        return mending.tests_draft(self.tests)

    def default_units_draft(self) -> str:
        """Return a TOML for `default_units=`, of the analytes that came without a unit, for the user to complete.

        Example:
            >>> import pandas as pd, labinterp as li
            >>> draft = li.audit(pd.DataFrame({"test": ["Mg"], "value": ["2"], "unit": None})).default_units_draft()
            >>> draft.splitlines()[-1]
            '# magnesium = ""'
        """
        return mending.default_units_draft(self.units)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-ready data.

        Example:
            >>> import pandas as pd, labinterp as li
            >>> li.audit(pd.DataFrame({"test": ["Mg"], "value": ["2"], "unit": "mg/dL"})).to_dict()["summary"]["rows"]
            1
        """
        return {
            "by": list(self.by),
            "summary": thawed(self.summary),
            "mend_first": [attrs.asdict(each) for each in self.mend_first()],
            **{name: records_of(frame) for name, frame in self.tables.items()},
        }

    def to_json(self) -> str:
        """Return everything as JSON.

        Example:
            >>> import pandas as pd, labinterp as li
            >>> li.audit(pd.DataFrame({"test": ["Mg"], "value": ["2"], "unit": "mg/dL"})).to_json().splitlines()[1]
            '  "by": [],'
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False) + "\n"

    def to_html(self, *, title: str | None = None) -> str:
        """Return a self-contained page, with a small drawing of the distribution of each unit at each place.

        Args:
            title: heading of the page.

        Raises:
            MissingExtraError: if jinja2 is not installed (extra `report`).

        Example:
            >>> import pandas as pd, labinterp as li
            >>> page = li.audit(pd.DataFrame({"test": ["Mg"], "value": ["2"], "unit": "mg/dL"})).to_html(title="Ours")
            >>> "<h1>Ours</h1>" in page
            True
        """
        from labinterp.report import audits

        data = {**self.to_dict(), "histograms": records_of(self.histograms)}
        return audits.render(data, title=title)

    def _repr_html_(self) -> str:
        first = "".join(f"<li>{escape(each.what)}: {escape(each.how)}</li>" for each in self.mend_first())
        rows = f"{self.summary['rows']:,} rows; {len(self.suspects)} suspects"
        return f"<p>{rows}</p><ol>{first}</ol>{self.suspects.to_html(index=False)}"


TABLES: Final = ("tests", "units", "numbers", "ranges", "range_texts", "specimens", "suspects", "coverage")
"""The frames of a report."""


def report_of(collector: Collector, by: Sequence[str], *, unused: tuple[str, ...], together: bool) -> AuditReport:
    """Return the report of what a collector has seen.

    Args:
        collector: with everything in it.
        by: the columns that tell places apart.
        unused: the columns that made no difference.
        together: whether the rows of each patient lay together, so that patients and panels are counted once each.
    """
    ranges = _frame(collector.ranges, ("analyte", "age", "sex", "pregnancy", "range_id", "reason"), patients=together)
    return AuditReport(
        tests=_tests(collector),
        units=_units(collector, by),
        numbers=_frame(collector.numbers, ("form", "problem")),
        ranges=ranges,
        range_texts=_frame(collector.range_texts, ("form", "usable")),
        specimens=_frame(collector.specimens, ("specimen", "analyte", "unsuitable")),
        suspects=_suspects(suspecting.find(_groups(collector)), by),
        coverage=ranges[ranges["reason"].notna()].drop(columns="range_id").reset_index(drop=True),
        summary={
            "rows": collector.rows,
            "bad_rows": collector.bad_rows,
            "problems": dict(sorted(collector.problems.items())),
            "rows_without_age": collector.without_age,
            "rows_without_sex": collector.without_sex,
            "panels_with_total_calcium": collector.calcium_panels,
            "panels_with_total_calcium_without_albumin": collector.calcium_without_albumin,
            "patients_lie_together": together,
            "unused_columns": list(unused),
            "further_groups": collector.further_groups,
        },
        histograms=_histograms(collector, by),
        by=tuple(by),
    )


def _frame(counted: Counted, names: tuple[str, ...], *, patients: bool | None = None) -> pd.DataFrame:
    rows = [(*key, count) for key, count in counted.rows.most_common()]
    if counted.further:
        rows.append((OTHER, *(None,) * (len(names) - 1), counted.further))
    frame = pd.DataFrame(rows, columns=[*names, "rows"])
    frame = _with_none(frame, names)
    if patients is not None:
        people = [
            counted.patients[key] if patients and counted.patients[key] else None
            for key, _ in counted.rows.most_common()
        ]
        frame["patients"] = pd.array([*people, *[None] * (len(frame) - len(people))], dtype="Int64")
    return frame


def _tests(collector: Collector) -> pd.DataFrame:
    frame = _frame(collector.tests, ("test", "loinc", "specimen", "unit", "analyte", "problem"))
    unknown = frame["problem"] == "unknown_test"
    sent = list(zip(frame["test"], frame["loinc"], unknown, strict=True))
    tests = collector.options.tests
    reasons = [analytes.resolve(test or "", loinc, tests).reason if open_ else None for test, loinc, open_ in sent]
    known = [reason not in {None, "unknown"} for reason in reasons]
    frame["not_covered"] = known
    frame["did_you_mean"] = pd.Series(
        [
            ", ".join(analytes.suggestions(test)) or None if test and open_ and not elsewhere else None
            for (test, _, open_), elsewhere in zip(sent, known, strict=True)
        ],
        dtype=object,
    )
    return frame


def _groups(collector: Collector) -> list[suspecting.LabelGroup]:
    return [
        suspecting.LabelGroup(
            by=key[:-2], analyte=key[-2], unit=key[-1], distribution=held.distribution, range_middle=_range_middle(held)
        )
        for key, held in collector.groups.items()
        if key[-1] is not None and OTHER not in key[:-2]
    ]


def _range_middle(held: Held) -> float | None:
    """Return the median of the middles of the ranges that came with a group, where most of its rows have one."""
    counts = held.range_middles
    if not counts or counts.total() * 2 < held.rows:
        return None
    middles = sorted(counts)
    passed = np.cumsum([counts[middle] for middle in middles])
    return float(middles[int(np.searchsorted(passed, passed[-1] / 2))])


def _units(collector: Collector, by: Sequence[str]) -> pd.DataFrame:
    rows = [
        {**dict(zip(by, key[:-2], strict=True)), "analyte": key[-2], "unit": key[-1], **_described(key[-2], held)}
        for key, held in collector.groups.items()
    ]
    frame = pd.DataFrame(rows, columns=[*by, *_UNITS])
    return frame.sort_values(["analyte", "rows"], ascending=[True, False], ignore_index=True, kind="stable")


def _described(analyte: str, held: Held) -> dict[str, Any]:
    quantiles = np.exp(held.distribution.quantiles(QUANTILES))
    digits = held.decimals.most_common(1)
    means = [total / count for count, total in held.months.values() if count >= _FEWEST_A_MONTH]
    return {
        "problem": held.problem,
        "spellings": ", ".join(sorted(held.spellings)) or None,
        "rows": held.rows,
        "judged": held.judged / held.rows,
        **dict(zip(_QUANTILE_NAMES, quantiles.tolist(), strict=True)),
        "canonical_unit": analytes.analyte(analyte).canonical_unit,
        "censored": held.censored / held.rows,
        "cleaned": held.cleaned / held.rows,
        "beyond_ordinary": held.beyond_ordinary / held.rows,
        "beyond_hard": held.beyond_hard / held.rows,
        "decimals": digits[0][0] if digits and digits[0][0] >= 0 else None,
        "monthly_drift": math.exp(max(means) - min(means)) - 1 if len(means) > 1 else None,
        "flags_compared": held.flags_compared,
        "flagged_by_laboratory": held.flagged_there / held.flags_compared if held.flags_compared else None,
        "flagged_here": held.flagged_here / held.flags_compared if held.flags_compared else None,
    }


def _suspects(found: list[suspecting.Suspect], by: Sequence[str]) -> pd.DataFrame:
    rows = [
        (
            *one.group.by,
            one.group.analyte,
            one.group.unit,
            one.unit,
            None if one.analyte == one.group.analyte else one.analyte,
            one.group.distribution.count,
            one.share,
            one.evidence,
            one.check,
        )
        for one in found
    ]
    return _with_none(pd.DataFrame(rows, columns=[*by, *_SUSPECTS]), (*by, "suspected_analyte"))


def _with_none(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return a frame in which these columns say None where something is missing, whatever pandas made of it."""
    return frame.assign(**{name: frame[name].astype(object).where(frame[name].notna(), None) for name in names})


def _histograms(collector: Collector, by: Sequence[str]) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    shown = {key: held for key, held in collector.groups.items() if key[-1] is not None and held.distribution.count}
    for analyte in sorted({key[-2] for key in shown}):
        groups = {key: held for key, held in shown.items() if key[-2] == analyte}
        ends = np.array([held.distribution.quantiles([0.005, 0.995]) for held in groups.values()])
        low, high = float(ends.min()), float(ends.max())
        edges = np.linspace(low - 0.05, high + 0.05, _BINS + 1)
        values = np.exp(edges).tolist()
        for key, held in groups.items():
            counts = held.distribution.counts(edges).tolist()
            rows += [
                (*key, *stretch, count) for *stretch, count in zip(values, values[1:], counts, strict=False) if count
            ]
    return pd.DataFrame(rows, columns=[*by, "analyte", "unit", "low", "high", "rows"])
