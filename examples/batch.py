"""A table of many patients through pandas. Run: python examples/batch.py [table.csv]."""

import sys
from pathlib import Path

import labinterp as li

PANELS = Path(__file__).parent / "data" / "panels.csv"


def main(path: Path = PANELS) -> None:
    """Interpret a table and print what a first look asks for."""
    frame = li.read(path)
    report = li.interpret_frame(frame, ranges="us")

    print(f"{len(report.results)} results, {report.results['flag'].notna().sum()} interpreted\n")

    print("Flags by analyte")
    print(report.results.groupby(["analyte", "flag"], observed=True).size().unstack(fill_value=0), "\n")

    print("Problems: rows that were not interpreted, and are never called normal")
    print(report.results["problem"].value_counts().loc[lambda counts: counts > 0].to_string(), "\n")

    print("Findings by status")
    print(report.findings.groupby(["finding", "status"], observed=True).size().to_string(), "\n")

    print("Patients whose calcium was made low by something that was measured as well")
    low_calcium = report.findings.query("finding == 'hypocalcemia' and upstream != ''")
    print(low_calcium[["patient_id", "panel", "status", "upstream"]].to_string(index=False), "\n")

    print("Vitamin D deficiency that a valid normal calcium keeps from explaining twitching")
    interrupted = report.pathways.query("support == 'interrupted' and finding.str.startswith('vitamin-d')")
    print(interrupted[["patient_id", "finding", "broken_at"]].to_string(index=False))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
