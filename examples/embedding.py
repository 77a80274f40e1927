"""Inside another program: JSON in, JSON out, many threads, no values in logs. Run: python examples/embedding.py."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import labinterp as li

log = logging.getLogger("host.laboratory")

REQUESTS = [
    '{"id": "a", "age": 67, "sex": "female", "results": [{"test": "Mg", "value": "1.1", "unit": "mg/dL"}]}',
    '{"id": "b", "age": 38, "sex": "female", "results": [{"test": "25OHD", "value": "10", "unit": "ng/mL"}]}',
    '{"id": "c", "age": 53, "sex": "male", "results": [{"test": "Mg", "value": "2.0", "unit": "IU"}]}',
    '{"id": "d", "results": [{"test": "calcium", "value": "7.9", "unit": "mg/dL", "color": "red"}]}',
]


def answer(request: str, ranges: li.ReferenceSet) -> dict[str, Any]:
    """Interpret one request.

    Args:
        request: JSON text with `results`, and as far as known `age` and `sex`.
        ranges: resolved once by the host and handed in; there is no global state.

    Returns:
        `report`, or `error` with words that are safe to log: no value, no patient id.
    """
    data = json.loads(request)
    try:
        results = [li.LabResult(**item) for item in data["results"]]
        report = li.interpret(results, li.Patient(age=data.get("age"), sex=data.get("sex")), ranges=ranges)
    except (TypeError, KeyError):
        return {"id": data.get("id"), "error": "the request has fields that are not known, or lacks results"}
    except li.LabInterpError as error:
        return {"id": data.get("id"), "error": str(error)}
    log.info("interpreted %d results, %d problems", len(results), len(report.problems))
    return {"id": data["id"], "report": report.to_dict()}


def main() -> None:
    """Answer the requests side by side and print what a host would show."""
    ranges = li.reference_set("us")
    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(lambda request: answer(request, ranges), REQUESTS))
    for item in answers:
        if "error" in item:
            print(f"{item['id']}: refused: {item['error']}")
            continue
        report = item["report"]
        findings = [f"{finding['code']} ({finding['status']})" for finding in report["findings"]]
        problems = [f"{problem['code']}: {problem['suggestion']}" for problem in report["problems"]]
        print(f"{item['id']}: findings {findings or 'none'}; problems {problems or 'none'}")


if __name__ == "__main__":
    main()
