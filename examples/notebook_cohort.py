"""A marimo notebook: a cohort of nine sites, and how often each finding is made by age."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    from pathlib import Path

    import marimo as mo
    import pandas as pd

    import labinterp as li

    DATA = Path(__file__).parent / "data" / "nine_sites.csv"
    ABOUT = {
        "hypomagnesemia": "magnesium",
        "hypermagnesemia": "magnesium",
        "hypocalcemia": "calcium",
        "hypercalcemia": "calcium",
        "vitamin-b12-deficiency": "vitamin_b12",
        "vitamin-b12-elevated": "vitamin_b12",
    }


@app.cell
def _():
    mo.md("""
    # A cohort: prevalence by age

    540 made people at nine sites. Labels that lie are left out first. The denominator is the people whose result was
    judged, and whoever was not judged is counted beside it.
    """)
    return


@app.cell
def _():
    table = li.read(DATA)
    analytes = li.interpret_frame(table, ranges="us").results["analyte"]
    suspects = li.audit(DATA, by="site").suspects[["site", "analyte"]]
    suspected = pd.MultiIndex.from_arrays([table["site"], analytes]).isin(pd.MultiIndex.from_frame(suspects))
    cohort = table[~suspected].reset_index(drop=True)
    print(f"{suspected.sum()} of {len(table)} results left out, because the audit suspects their labels:")
    print(suspects.to_string(index=False))
    return (cohort,)


@app.cell
def _():
    mo.md("""
    ## Who was judged

    A result without a unit, a name that only its laboratory knows and a person without an age are no "normal".
    """)
    return


@app.cell
def _(cohort):
    answer = li.interpret_frame(cohort, ranges="us")
    ages = pd.cut(
        pd.to_numeric(cohort["age"]),
        [18, 35, 50, 65, float("inf")],
        right=False,
        labels=["18-34", "35-49", "50-64", "65+"],
    )
    ages = ages.cat.add_categories("unknown").fillna("unknown").rename("age")
    results = answer.results.assign(
        age=ages, judged=answer.results["flag"].notna() & (answer.results["level"] != "indeterminate")
    )
    judged = results[results["judged"]].pivot_table(
        index="analyte", columns="age", values="patient_id", aggfunc="nunique", observed=False, fill_value=0
    )
    judged = judged.loc[sorted(set(ABOUT.values()))]
    print("People judged")
    print(judged.to_string())
    print("Results not judged")
    print(results.loc[~results["judged"], "problem"].astype(str).value_counts().to_string(header=False))
    judged
    return ages, answer, judged


@app.cell
def _():
    mo.md("""
    ## Prevalence

    Calcium without albumin makes findings that are *possible* at the most, so the status stands beside each. An age
    group in which nobody was judged has no prevalence, and not one of 0 %.
    """)
    return


@app.cell
def _(ages, answer, cohort, judged):
    age_of = ages.groupby(cohort["patient_id"]).first()
    found = answer.findings[["patient_id", "finding", "status"]].astype(str)
    found = found.assign(age=found["patient_id"].map(age_of))
    people = found.pivot_table(
        index=["finding", "status"], columns="age", values="patient_id", aggfunc="nunique", observed=False, fill_value=0
    )
    of = judged.loc[[ABOUT[finding] for finding, _status in people.index]].set_axis(people.index)
    prevalence = (100 * people / of.where(of > 0)).round(1)
    print("People with the finding")
    print(people.to_string())
    print("Percent of the people judged")
    print(prevalence.to_string(na_rep="-"))
    prevalence
    return


if __name__ == "__main__":
    app.run()
