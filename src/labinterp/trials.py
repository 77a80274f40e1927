"""Columns of an ADaM laboratory data set (ADLB) from an answer of `interpret_frame`.

Nothing is judged anew: `ANRIND` is the flag, `ATOXGRL` and `ATOXGRH` are the grades, and a baseline is the one that the
data set marks or carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from labinterp.codes import GRADES, SIDE_OF_FLAG
from labinterp.errors import InputError, LayoutError
from labinterp.kernel.baseline import marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labinterp.frames import FrameReport

__all__ = ["COLUMNS", "INDICATORS", "UNKNOWN", "adlb", "shift_table"]

COLUMNS: Final = (
    "USUBJID", "PARAMCD", "AVAL", "AVALU", "ANRLO", "ANRHI", "ANRIND", "BASE", "BNRIND", "CHG", "SHIFT1", "ATOXGRL",
    "ATOXGRH", "ATOXGR", "BTOXGR", "ABLFL",
)  # fmt: skip
"""The columns of `adlb`."""
INDICATORS: Final = {"low": "LOW", "normal": "NORMAL", "high": "HIGH"}
"""Side of normal → value of `ANRIND` and `BNRIND`; missing where the result could not be judged."""
UNKNOWN: Final = "NULL"
"""What `SHIFT1` has for an indicator that is missing."""
_FLAGS: Final = ("ABLFL", "LBBLFL")
_PARAMETERS: Final = ("PARAMCD", "LBTESTCD")


def adlb(frame: pd.DataFrame, answer: FrameReport, *, baseline: str | None = None) -> pd.DataFrame:
    """Return the columns of an ADLB, with the index of the answer.

    Args:
        frame: the table that was interpreted: SDTM LB, ADaM ADLB, or any with `USUBJID` and a parameter's code; names
            in upper or lower case.
        answer: what `interpret_frame` made of it, with a grading where grades are wanted.
        baseline: the flag on each subject's and parameter's baseline; `ABLFL` or `LBBLFL` where the table has one of
            them. Without a flag a column `BASE` is carried over; with neither there is no baseline: none is guessed.

    Returns:
        The columns `COLUMNS`. `AVAL`, the limits, `BASE` and `CHG` are in the canonical unit, `AVALU`; `ATOXGRL` and
        `ATOXGRH` are 0 to 4, `ATOXGR` is -4 to 4, below 0 for what is too low.

    Raises:
        LayoutError: if there is no column of subjects or of parameters, or no flag of that name.
        InputError: if the answer is not of this table.

    Example:
        >>> import labinterp as li
        >>> lb = pd.DataFrame({
        ...     "USUBJID": "01-001", "LBTEST": "Potassium", "LBTESTCD": "K", "LBORRES": ["4.1", "3.2"],
        ...     "LBORRESU": "mmol/L", "LBORNRLO": 3.5, "LBORNRHI": 5.1, "LBBLFL": ["Y", None],
        ... })
        >>> found = adlb(lb, li.interpret_frame(lb, grading="ctcae/5.0"))
        >>> found[["PARAMCD", "ANRIND", "SHIFT1", "ATOXGR"]].values.tolist()
        [['K', 'NORMAL', 'NORMAL to NORMAL', 0], ['K', 'LOW', 'NORMAL to LOW', -2]]
    """
    results = answer.results
    if len(results) != len(frame):
        raise InputError("the answer is not of this table", hint="Give the table that interpret_frame was given")
    names = {str(name).upper(): name for name in frame.columns}
    out = pd.DataFrame(index=results.index)
    out["USUBJID"] = _column(frame, names, ("USUBJID",), "subjects")
    out["PARAMCD"] = _column(frame, names, _PARAMETERS, "parameters")
    out["AVAL"], out["AVALU"] = results["value"], results["unit"].astype(object)
    out["ANRLO"], out["ANRHI"] = results["low"], results["high"]
    sides = {flag: INDICATORS.get(side or "") for flag, side in SIDE_OF_FLAG.items()}
    out["ANRIND"] = results["flag"].astype(object).map(sides)
    _baseline(out, frame, names, baseline, results)
    out["CHG"] = (out["AVAL"] - out["BASE"]).where(out["ABLFL"].isna())
    out["SHIFT1"] = _shift(out["BNRIND"], out["ANRIND"]).where(out["BNRIND"].notna() | out["ANRIND"].notna())
    return out[list(COLUMNS)]


def _column(frame: pd.DataFrame, names: dict[str, Any], wanted: Sequence[str], what: str) -> Any:
    for name in wanted:
        if name in names:
            return frame[names[name]].to_numpy()
    raise LayoutError(f"the table has no column of {what}: {' or '.join(wanted)}", column=wanted[0])


def _baseline(
    out: pd.DataFrame, frame: pd.DataFrame, names: dict[str, Any], flag: str | None, results: pd.DataFrame
) -> None:
    """Add the grades, and what the baseline of each subject and parameter has."""
    grades = {name: results.get(name, pd.Series(pd.NA, results.index)).astype("Int64") for name in GRADES}
    out["ATOXGRL"], out["ATOXGRH"] = grades["grade_low"], grades["grade_high"]
    signed = grades["grade"].where(~(grades["grade_low"] > 0).fillna(value=False), -grades["grade_low"])
    out["ATOXGR"] = signed
    if flag is not None and flag.upper() not in names:
        raise LayoutError("the table has no flag of that name", column=flag)
    flags = [flag.upper()] if flag is not None else [name for name in _FLAGS if name in names]
    marked = np.zeros(len(out), np.bool_)
    if flags:
        marked = frame[names[flags[0]]].map(marks).to_numpy(np.bool_)
    out["ABLFL"] = pd.Series("Y", out.index, dtype=object).where(marked, None)
    taken = {"BASE": "AVAL", "BNRIND": "ANRIND", "BTOXGR": "ATOXGR"}
    keys = ["USUBJID", "PARAMCD"]
    own = out[marked & out["AVAL"].notna().to_numpy()]
    single = own.groupby(keys)["AVAL"].nunique()
    first = own.groupby(keys)[list(taken.values())].first().where(single.eq(1), axis=0)
    at = pd.MultiIndex.from_frame(out[keys])
    for name, source in taken.items():
        out[name] = first[source].reindex(at).to_numpy()
    out["BTOXGR"] = out["BTOXGR"].astype("Int64")
    if not flags and "BASE" in names and "AVAL" in names:
        sent = pd.to_numeric(frame[names["AVAL"]], errors="coerce").to_numpy(np.float64)
        base = pd.to_numeric(frame[names["BASE"]], errors="coerce").to_numpy(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            out["BASE"] = np.where(sent > 0, base * (out["AVAL"].to_numpy() / sent), np.nan)


def _shift(before: pd.Series[Any], after: pd.Series[Any]) -> pd.Series[Any]:
    return before.fillna(UNKNOWN).astype(str) + " to " + after.fillna(UNKNOWN).astype(str)


def shift_table(
    table: pd.DataFrame, *, before: str = "BNRIND", after: str = "ANRIND", by: Sequence[str] = ("PARAMCD",)
) -> pd.DataFrame:
    """Return how many rows lie at each baseline (down) and each later value (across), group by group.

    Args:
        table: of `adlb`, reduced to the rows that count, such as one visit of each subject; more columns may be
            joined.
        before: the column of the baseline, such as `BNRIND` or `BTOXGR`.
        after: the column of the later value, such as `ANRIND` or `ATOXGR`.
        by: the columns of the groups, such as the treatment and `PARAMCD`.

    Example:
        >>> seen = pd.DataFrame({"PARAMCD": "K", "BNRIND": ["NORMAL", "NORMAL"], "ANRIND": ["LOW", "NORMAL"]})
        >>> shift_table(seen).to_dict("records")
        [{'LOW': 1, 'NORMAL': 1}]
    """
    missing = [name for name in (*by, before, after) if name not in table]
    if missing:
        raise LayoutError(f"the table has no column {missing[0]}", column=missing[0])
    keys = [*(table[name] for name in by), table[before].astype(object).fillna(UNKNOWN)]
    counts = pd.crosstab(keys, table[after].astype(object).fillna(UNKNOWN))
    order = [name for name in (*INDICATORS.values(), UNKNOWN) if name in counts.columns]
    return counts[order] if len(order) == len(counts.columns) else counts
