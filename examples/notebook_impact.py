"""A marimo notebook: what putting another edition first would change in one's own results."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    from pathlib import Path

    import marimo as mo

    import labinterp as li
    from labinterp.impact import impact

    TABLE = li.read(Path(__file__).parent / "data" / "panels.csv")


@app.cell
def _():
    mo.md("""
    # The impact of an edition

    Before other ranges go live: which results get another level, which findings come and go, in how many patients. The
    answer holds no value and no id, so it can be passed round.
    """)
    return


@app.cell
def _():
    mo.md("""
    ## One edition before the profile

    Vitamin D by SACN 2016 in place of NAM 2011; all else stays as the profile `us` has it. SACN names one threshold and
    no category from there on, so what NAM calls low, normal or high there is judged no more.
    """)
    return


@app.cell
def _():
    edition = impact(TABLE, "us", ["sacn/2016", "us"])
    print(f"{edition.before} -> {edition.after}")
    print(f"{edition.results_changed} of {edition.results} results, {edition.panels_changed} panels change")
    print(f"{edition.findings_before} findings before, {edition.findings_after} after")
    changes = edition.to_frame()
    print(changes.to_string(index=False))
    changes
    return


@app.cell
def _():
    mo.md("""
    ## Another country's profile
    """)
    return


@app.cell
def _():
    profiles = impact(TABLE, "us", "uk").to_frame()
    print(profiles.to_string(index=False))
    profiles
    return


@app.cell
def _():
    mo.md("""
    ## Every profile against `us`
    """)
    return


@app.cell
def _():
    for name in ("uk", "nordic", "anz", "canada", "japan", "dach"):
        other = impact(TABLE, "us", name)
        print(f"{name:8}{other.results_changed:4} results{other.panels_changed:4} panels change")
    return


if __name__ == "__main__":
    app.run()
