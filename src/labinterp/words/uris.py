"""Every URI by which a system, a form or a kind of ours is known; a URI stands here and nowhere else."""

from __future__ import annotations

from typing import Final

LOINC: Final = "http://loinc.org"
LOINC_OID: Final = "2.16.840.1.113883.6.1"
UCUM: Final = "http://unitsofmeasure.org"
UCUM_OID: Final = "2.16.840.1.113883.6.8"
HPO: Final = "http://purl.obolibrary.org/obo/hp.owl"
DOI: Final = "https://doi.org/"

_FHIR: Final = "http://terminology.hl7.org/CodeSystem/"
CATEGORY: Final = f"{_FHIR}observation-category"
INTERPRETATION: Final = f"{_FHIR}v3-ObservationInterpretation"
ABSENT_REASON: Final = f"{_FHIR}data-absent-reason"
RANGE_MEANING: Final = f"{_FHIR}referencerange-meaning"
PARTICIPANT: Final = f"{_FHIR}provenance-participant-type"
ABSENT_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

JSON_SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"
SVG: Final = "http://www.w3.org/2000/svg"
XHTML: Final = "http://www.w3.org/1999/xhtml"

_SCHEMAS: Final = "https://labinterp.org/schema/"
REPORT_SCHEMA: Final = f"{_SCHEMAS}report-1.json"
OPERATION: Final = "https://labinterp.org/fhir/OperationDefinition/interpret"

_OWN: Final = "urn:labinterp:"
FINDING: Final = f"{_OWN}finding"
PROBLEM: Final = f"{_OWN}problem"
EDITION: Final = f"{_OWN}edition"
ANALYTE: Final = f"{_OWN}analyte"
PREGNANCY: Final = f"{_OWN}pregnancy"
ENTRY: Final = f"{_OWN}range"
OVERRIDE_REASON: Final = f"{_OWN}override-reason"
EDITION_EXTENSION: Final = f"{_OWN}fhir:edition"
RANGE_EXTENSION: Final = f"{_OWN}fhir:range"
NO_CATEGORIES_EXTENSION: Final = f"{_OWN}fhir:no-categories"


def schema(name: str) -> str:
    """Return the id of a JSON schema of ours.

    Example:
        >>> schema("tables")
        'https://labinterp.org/schema/tables-1.json'
    """
    return f"{_SCHEMAS}{name}-1.json"
