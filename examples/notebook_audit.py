"""A marimo notebook: the audit of nine made sites, before anything is interpreted."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    from pathlib import Path

    import marimo as mo

    import labinterp as li

    DATA = Path(__file__).parent / "data" / "nine_sites.csv"


@app.cell
def _():
    mo.md("""
    # An audit

    Nine sites sent magnesium, calcium and vitamin B12. Whose labels lie, and what cannot be read?
    """)
    return


@app.cell
def _():
    found = li.audit(DATA, by="site")
    found  # the notebook shows the whole audit
    return (found,)


@app.cell
def _():
    mo.md("""
    ## What to mend first

    What makes wrong answers comes before what makes none.
    """)
    return


@app.cell
def _(found):
    for mend in found.mend_first():
        print(f"- {mend.what}. {mend.how}")
    return


@app.cell
def _():
    mo.md("""
    ## Labels that do not fit their numbers

    A suspicion is a question to the source; no result is changed by it.
    """)
    return


@app.cell
def _(found):
    suspects = found.suspects[["site", "analyte", "unit", "suspected_unit", "suspected_analyte", "rows"]]
    print(suspects.to_string(index=False))
    suspects
    return


@app.cell
def _():
    mo.md("""
    ## Names that only their site knows

    The draft is completed by hand and given as `tests=`.
    """)
    return


@app.cell
def _(found):
    print(found.tests_draft())
    return


if __name__ == "__main__":
    app.run()
