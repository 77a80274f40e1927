"""A list of results in, a traced report out. Run: python examples/importing.py."""

import labinterp as li

report = li.interpret(
    [
        li.LabResult("25-hydroxyvitamin D", 9, "ng/mL"),
        li.LabResult("17861-6", "7,9", "mg/dL", reference_low=8.6, reference_high=10.2),
        li.LabResult("albumin", 4.1, "g/dL"),
    ],
    li.Patient(age=54, sex="female"),
    ranges="us",
    presentation=li.Presentation(symptoms=["fasciculation", "tingling"], course="persistent"),
)

print("What each result came to")
for item in report.interpretations:
    print(f"  {item.result.test}: {item.value:.4g} {item.unit}, {item.level} ({item.flag}), range {item.range_id}")

print("\nWhat they are compatible with")
for finding in report.findings:
    print(f"  {finding.title}: {finding.status}")
    print(f"    {finding.explanation}")
    for pathway in finding.pathways:
        print(f"    pathway to twitching ({pathway.kind}), {pathway.support}:")
        for step in pathway.steps:
            sources = "; ".join(citation.id for citation in step.citations)
            print(f"      {step.statement} [{step.observation}; {sources}]")

print("\nWhat could not be interpreted:", [problem.code for problem in report.problems] or "nothing")

# The report as data, and back; made again from its own inputs, it must be the same.
text = report.to_json()
again = li.Report.from_json(text)
print("Differences after making it again:", list(li.verify(again).differences) or "none")
