"""A marimo notebook: one patient, what was found, why, and what would settle the rest."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    from pathlib import Path

    import marimo as mo

    import labinterp as li

    PANELS = Path(__file__).parent / "data" / "panels.csv"


@app.cell
def _():
    mo.md("""
    # One patient

    Low 25(OH)D with low calcium, sent by a laboratory with decimal commas. Open this file with
    `marimo edit notebook_patient.py`, or run it as a script.
    """)
    return


@app.cell
def _():
    report = li.interpret(
        [
            li.LabResult("25-hydroxyvitamin D", 9, "ng/mL"),
            li.LabResult("calcium", "7,9", "mg/dL"),
            li.LabResult("albumin", 4.1, "g/dL"),
            li.LabResult("magnesium", 2.0),
        ],
        li.Patient(age=54, sex="female"),
        ranges="us",
    )
    report  # the notebook shows the whole report
    return (report,)


@app.cell
def _():
    mo.md("""
    ## Which finding stands upstream

    A pathway is supported, possible or interrupted; the sentence says by which result.
    """)
    return


@app.cell
def _(report):
    for finding in report.findings:
        print(f"{finding.title}: {finding.status}")
        print("  upstream:", ", ".join(finding.upstream) or "nothing that these results show")
        for pathway in finding.pathways:
            print(f"  {pathway.support}: {pathway.explanation}")
    return


@app.cell
def _():
    mo.md("""
    ## What was not judged

    Magnesium came without a unit: 2.0 would be normal in mg/dL and very high in mmol/L. It is not guessed.
    """)
    return


@app.cell
def _(report):
    for result in report.interpretations:
        if result.problem is not None:
            print(f"{result.analyte}: {result.problem}")
    return


@app.cell
def _():
    mo.md("""
    ## The same 25(OH)D in three patients

    With low calcium the pathway is supported, with a normal calcium it is interrupted, without calcium it stays
    possible.
    """)
    return


@app.cell
def _():
    table = li.read(PANELS)
    answer = li.interpret_frame(table[table["patient_id"].isin(["P01", "P02", "P03"])], ranges="us")
    fates = answer.pathways[answer.pathways["finding"] == "vitamin-d-deficiency"]
    fates = fates[["patient_id", "pathway", "support", "broken_at"]]
    print(fates.to_string(index=False))
    fates
    return


if __name__ == "__main__":
    app.run()
