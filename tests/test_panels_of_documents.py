"""Which results of a document are seen together: as those of a table are."""

import pytest

import labinterp as li

PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1970-01-01", "gender": "female"}


def observation(name, value, unit, time):
    return {
        "resourceType": "Observation", "status": "final", "code": {"text": name}, "subject": {"reference": "Patient/p"},
        "valueQuantity": {"value": value, "unit": unit}, **({"effectiveDateTime": time} if time else {}),
    }  # fmt: skip


def bundle(*observations):
    return {
        "resourceType": "Bundle", "type": "collection",
        "entry": [{"fullUrl": "https://x.org/Patient/p", "resource": PATIENT}, *({"resource": each} for each in observations)],
    }  # fmt: skip


def findings(made):
    issues = [entry["resource"] for entry in made["entry"] if entry["resource"]["resourceType"] == "DetectedIssue"]
    return sorted(issue["code"]["coding"][-1]["code"] for issue in issues), str(issues)


@pytest.mark.parametrize("panel", ["collection", "patient"])
@pytest.mark.parametrize(
    "times", [("2026-05-04", "2014-03-02"), ("2026-05-04", "2026-05-04"), (None, None), ("2026-05-04", None)]
)
def test_documents_and_tables_see_the_same_results_together(times, panel):
    """A vitamin D of 2026 beside a calcium of 2014 has one answer on every face, and `panel` changes it on all alike."""
    given = bundle(
        observation("25-hydroxyvitamin D", 9, "ng/mL", times[0]), observation("calcium", 9.4, "mg/dL", times[1])
    )
    table = li.interpret_frame(li.read(given), panel=panel)
    codes, text = findings(li.interpret_fhir(given, panel=panel))
    assert codes == sorted(table.findings["finding"])
    together = panel == "patient" or times[0] == times[1]
    supports = set(table.pathways["support"])
    assert ("interrupted" in text) == ("interrupted" in supports)
    if None not in times:
        assert supports == {"interrupted" if together else "possible"}


def test_a_look_back_is_refused_for_documents():
    """A look-back, in which a result would belong to several panels, is refused and says what to use."""
    with pytest.raises(li.LayoutError, match="by collection or by patient"):
        li.interpret_fhir(bundle(observation("magnesium", 1, "mg/dL", None)), panel="30D")
