"""FHIR R4 and R5 laboratory results: read, interpreted, and written as an R4 collection Bundle.

Plain dicts in, plain dicts out; JSON text, NDJSON and the model objects of `fhir.resources` or `fhirclient` are taken
as well. Every Observation that is no mere grouping gives one row, every component one row. What may not be used
(entered in error, cancelled, about a fetus or a device, with a modifier that we don't know) stays as a row without a
value, and its note says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labinterp.errors import InputError
from labinterp.interpretation import interpret
from labinterp.json_text import MAX_BYTES
from labinterp.messages import fhir_observation
from labinterp.messages.fhir_in import Documents
from labinterp.messages.fhir_out import bundle_of, entries_of, from_report
from labinterp.reading.analytes import test_map
from labinterp.tables import rows as rows_

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from labinterp.model import LabResult, Patient
    from labinterp.options import Tests
    from labinterp.tables.rows import Row

__all__ = ["from_report", "interpret_fhir", "to_frame", "to_results"]


def _rows(source: Any, tests: Tests | None, max_bytes: int) -> Iterator[Row]:
    return fhir_observation.rows(Documents(source, max_bytes=max_bytes), None if tests is None else test_map(tests))


def to_frame(source: Any, *, tests: Tests | None = None, max_bytes: int = MAX_BYTES) -> pd.DataFrame:
    """Read FHIR resources into a frame in the `labinterp` layout, one row per result in order.

    Args:
        source: an Observation, DiagnosticReport or Bundle as a dict, model object, JSON text, bytes or `Path`;
            NDJSON; or a list of resources.
        tests: as for `labinterp.interpret`; codes, displays and texts are looked up.
        max_bytes: longest text that is read.

    Returns:
        A frame of texts; the column `note` says what the reader noticed, several joined by `;`.

    Raises:
        InputError: malformed, too large, too deep, or of another kind; the message names the place.

    Example:
        >>> observation = {
        ...     "resourceType": "Observation",
        ...     "status": "final",
        ...     "code": {"coding": [{"system": "http://loinc.org", "code": "19123-9"}], "text": "Magnesium"},
        ...     "valueQuantity": {"value": 1.2, "unit": "mg/dL", "comparator": "<"},
        ... }
        >>> to_frame(observation)[["test", "loinc", "value", "unit"]].to_dict("records")
        [{'test': 'Magnesium', 'loinc': '19123-9', 'value': '<1.2', 'unit': 'mg/dL'}]
    """
    return rows_.to_frame(_rows(source, tests, max_bytes))


def to_results(
    source: Any,
    *,
    tests: Tests | None = None,
    max_bytes: int = MAX_BYTES,
    panel: str = "patient",
    date_order: str | None = None,
) -> list[tuple[Patient, list[LabResult]]]:
    """Read FHIR resources into patients with their results, in order of appearance.

    Results without a subject stand alone, each with a patient of whom nothing is known. Arguments as for `to_frame`;
    `panel` is `"patient"`, or `"collection"` for a patient once for each time of collection.
    """
    return rows_.to_results(_rows(source, tests, max_bytes), panel, date_order)


def interpret_fhir(
    bundle: Any,
    *,
    ranges: Any = "us",
    recorded: Any = None,
    max_bytes: int = MAX_BYTES,
    panel: str = "collection",
    **options: Any,
) -> dict[str, Any]:
    """Interpret every patient's results and return derived resources.

    Results of a patient are seen together as `interpret_frame` sees them: those of one time of collection, so that a
    vitamin D of today is not judged beside a calcium of years ago. `panel="patient"` takes all of them together.

    Args:
        bundle: as `source` of `to_frame`.
        ranges: as for `labinterp.interpret`.
        recorded: when this was done, a `datetime` or an ISO text with a zone; the latest collection if not given, so
            that the same input gives the same Bundle.
        max_bytes: as for `to_frame`.
        panel: `"collection"` or `"patient"`.
        options: as for `labinterp.interpret`.

    Returns:
        A collection Bundle for all patients: an Observation per result, a DetectedIssue per finding, Provenance,
        Device and, where there are problems, an OperationOutcome.

    Raises:
        InputError: as for `to_frame`.

    Example:
        >>> import labinterp as li
        >>> observation = {
        ...     "resourceType": "Observation", "status": "final", "code": {"text": "Magnesium"},
        ...     "valueQuantity": {"value": 1.1, "unit": "mg/dL"},
        ... }
        >>> bundle = li.interpret_fhir(observation, assume_adult=True)
        >>> [each["resource"]["resourceType"] for each in bundle["entry"]]
        ['Device', 'Observation', 'DetectedIssue', 'Provenance']
    """
    if options.get("decimal") == ",":
        raise InputError("numbers in FHIR have a decimal point", hint="Leave `decimal` out")
    groups = rows_.grouped(_rows(bundle, options.get("tests"), max_bytes), panel, options.get("date_order"))
    entries: list[dict[str, Any]] = []
    for part, group in enumerate(groups):
        report = interpret([row.noted() for row in group], group[0].patient, ranges=ranges, **options)
        entries += entries_of(report, subject=group[0].subject, recorded=recorded, part=part)
    return bundle_of(entries) if groups else from_report(interpret([], ranges=ranges, **options), recorded=recorded)
