"""labinterp in a notebook: one patient, then a table."""

# %% [markdown]
# # Low calcium: what is upstream?
#
# Open this file as a notebook in VS Code, PyCharm or Spyder, convert it with `jupytext --to ipynb notebook.py`, or run
# it as a script.

# %%
import pandas as pd

import labinterp as li
import labinterp.pandas  # registers `df.labinterp`

# %% [markdown]
# ## One patient

# %%
report = li.interpret(
    [
        li.LabResult("25-hydroxyvitamin D", 9, "ng/mL"),
        li.LabResult("calcium", "7,9", "mg/dL"),
        li.LabResult("albumin", 4.1, "g/dL"),
    ],
    li.Patient(age=54, sex="female"),
    ranges="us",
)
for finding in report.findings:
    print(finding.title, "-", finding.status)
    print("  upstream:", ", ".join(finding.upstream) or "nothing that these results show")
    for pathway in finding.pathways:
        print(f"  {pathway.support}: {pathway.explanation}")

# %% [markdown]
# ## A table, and what changed since the last visit

# %%
table = pd.DataFrame(
    {
        "patient_id": ["p1", "p1", "p1", "p2"],
        "collected_at": ["2026-01-10", "2026-01-10", "2026-06-02", "2026-02-01"],
        "test": ["calcium", "magnesium", "calcium", "vitamin B12"],
        "value": ["9.4", "1.9", "2.0", "160"],
        "unit": ["mg/dL", "mg/dL", "mmol/L", "pg/mL"],
        "age": 54,
    }
)
frames = table.labinterp.interpret(delta=True)
print(frames.results[["analyte", "value", "unit", "flag", "delta_percent", "delta_exceeds"]])
print(frames.findings[["patient_id", "finding", "status"]])
