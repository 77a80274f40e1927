"""FHIR as a server speaks it: the CapabilityStatement, and `Observation/$interpret` with its definition."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from labinterp._version import __version__
from labinterp.service.problems import RefusedError
from labinterp.words import uris
from labinterp.words.service import said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labinterp.service.settings import Settings

_DATE: Final = "2026-11-26"
_FORMS: Final = ("application/fhir+json", "json")
_INPUTS: Final = {
    "resource": ("resource", "Resource"),
    "ranges": ("valueString", "string"),
    "grading": ("valueString", "string"),
    "reportedRanges": ("valueBoolean", "boolean"),
    "assumeAdult": ("valueBoolean", "boolean"),
}
"""Parameter → where its value stands, and its type."""
_OPTIONS: Final = {
    "ranges": "ranges", "grading": "grading", "reportedRanges": "reported_ranges", "assumeAdult": "assume_adult",
}  # fmt: skip
_REPEATED: Final = ("resource", "ranges")
_ISSUES: Final = {
    401: "login", 404: "not-found", 405: "not-supported", 406: "not-supported", 408: "timeout", 413: "too-long",
    415: "not-supported", 500: "exception", 503: "throttled",
}  # fmt: skip


@functools.cache
def definition() -> dict[str, Any]:
    """Return the OperationDefinition of `$interpret`."""
    inputs = [
        {
            "name": name,
            "use": "in",
            "min": 1 if name == "resource" else 0,
            "max": "*" if name in _REPEATED else "1",
            "documentation": said("fhir", name),
            "type": kind,
        }
        for name, (_, kind) in _INPUTS.items()
    ]
    returned = {
        "name": "return",
        "use": "out",
        "min": 1,
        "max": "1",
        "documentation": said("fhir", "return"),
        "type": "Bundle",
    }
    return {
        "resourceType": "OperationDefinition",
        "id": "interpret",
        "url": uris.OPERATION,
        "version": __version__,
        "name": "Interpret",
        "title": said("fhir", "title"),
        "status": "active",
        "kind": "operation",
        "date": _DATE,
        "description": said("fhir", "description"),
        "affectsState": False,
        "code": "interpret",
        "resource": ["Observation"],
        "system": False,
        "type": True,
        "instance": False,
        "parameter": [*inputs, returned],
    }


def capability(address: str) -> dict[str, Any]:
    """Return the CapabilityStatement.

    Args:
        address: at which the service answers.
    """
    operation = {"name": "interpret", "definition": uris.OPERATION}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "labinterp", "version": __version__},
        "implementation": {"description": said("fhir", "implementation"), "url": address},
        "fhirVersion": "4.0.1",
        "format": list(_FORMS),
        "rest": [
            {
                "mode": "server",
                "documentation": said("fhir", "server"),
                "resource": [
                    {"type": "Observation", "operation": [operation]},
                    {"type": "OperationDefinition", "interaction": [{"code": "read"}]},
                ],
            }
        ],
    }


def read(document: Any) -> tuple[Any, dict[str, Any]]:
    """Return what is to be interpreted, and the choices that came with it.

    Raises:
        RefusedError: with 422 for Parameters that the operation does not have.
    """
    if not isinstance(document, dict) or document.get("resourceType") != "Parameters":
        return document, {}
    given = document.get("parameter")
    if not isinstance(given, list) or not all(isinstance(part, dict) for part in given):
        raise RefusedError(422, "Parameters without a list of parameters", place="/parameter")
    found: dict[str, list[Any]] = {}
    for i, part in enumerate(given):
        name = part.get("name")
        place = f"/parameter/{i}"
        if not isinstance(name, str) or name not in _INPUTS:
            known = ", ".join(_INPUTS)
            raise RefusedError(422, "there is no parameter of that name", place=place, hint=f"Known are {known}")
        key, kind = _INPUTS[name]
        if not isinstance(part.get(key), {"resource": dict, "valueBoolean": bool}.get(key, str)):
            raise RefusedError(422, f"`{name}` has no {key}", place=place, hint=f"Send {kind} as {key}")
        if name in found and name not in _REPEATED:
            raise RefusedError(422, f"`{name}` stands there twice", place=place)
        found.setdefault(name, []).append(part[key])
    if "resource" not in found:
        raise RefusedError(422, "there is no parameter `resource`", place="/parameter", hint="Put the results into it")
    choices = {_OPTIONS[name]: values[0] for name, values in found.items() if name != "resource"}
    if "ranges" in found:
        choices["ranges"] = found["ranges"]
    resources = found["resource"]
    return resources[0] if len(resources) == 1 else resources, choices


def outcome(refused: RefusedError) -> dict[str, Any]:
    """Return a refusal as an OperationOutcome."""
    details = f"{refused.detail}. {refused.hint}" if refused.hint else refused.detail
    issue: dict[str, Any] = {
        "severity": "error",
        "code": _ISSUES.get(refused.status, "invalid"),
        "details": {"text": details},
    }
    if refused.place:
        issue["diagnostics"] = refused.place
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def warm(settings: Settings) -> Mapping[str, Any]:
    """Interpret one result, so that all that answers need has been read."""
    from labinterp.interpretation import interpret
    from labinterp.model import LabResult, Patient

    return interpret([LabResult("magnesium", 0.8, "mmol/L")], Patient(age=40), **settings.defaults).states
