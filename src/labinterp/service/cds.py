"""CDS Hooks 2.0: what the services are, and from a call to its cards.

Nothing is ever fetched: what the call does not bring is missing, and the answer says so.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp._data import words as packaged_words
from labinterp.errors import LabInterpError
from labinterp.interpretation import interpret
from labinterp.messages import fhir
from labinterp.model import LabResult, Patient
from labinterp.reading import analytes, demographics
from labinterp.reading.times import read_time
from labinterp.service import cards as cards_
from labinterp.service.problems import RefusedError
from labinterp.words import uris

if TYPE_CHECKING:
    from labinterp.service.settings import Settings

_LABS: Final = "labs"
_PATIENT: Final = "patient"
_NEWEST: Final = 500
"""Observations asked for, newest first."""


class MissingDataError(Exception):
    """A prefetch key without which there is no advice was not sent, or could not be filled."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(key)
        self.key = key
        self.why = why

    def outcome(self) -> dict[str, Any]:
        """Return an OperationOutcome."""
        issue = {
            "severity": "error",
            "code": "required",
            "details": {"text": words()["card"]["missing"]},
            "diagnostics": f"CDS Hooks prefetch key '{self.key}' {self.why}",
        }
        return {"resourceType": "OperationOutcome", "issue": [issue]}


def words() -> dict[str, Any]:
    """Return what the services say."""
    return packaged_words("service.toml")


@functools.cache
def services() -> tuple[dict[str, Any], ...]:
    """Return the services as the discovery document has them.

    Example:
        >>> [service["hook"] for service in services()]
        ['patient-view', 'order-select']
    """
    known = analytes.analytes().values()
    codes = ",".join(f"{uris.LOINC}|{loinc.code}" for analyte in known for loinc in analyte.loinc)
    patient = "{{context.patientId}}"
    labs = f"Observation?patient={patient}&code={codes}&_sort=-date&_count={_NEWEST}"
    prefetch = {_PATIENT: f"Patient/{patient}", _LABS: labs}
    return tuple(
        {**service, "prefetch": prefetch, "usageRequirements": words()["usage"]} for service in words()["service"]
    )


@attrs.frozen
class Seen:
    """What a call brings about its patient.

    Args:
        patient: age and sex as far as known.
        results: those that are seen together.
        remarks: what was left out, in sentences.
    """

    patient: Patient = attrs.field(repr=False)
    results: tuple[LabResult, ...] = attrs.field(repr=False)
    remarks: tuple[str, ...] = ()


def cards(service: dict[str, Any], call: dict[str, Any], settings: Settings, address: str) -> list[dict[str, Any]]:
    """Return the cards for a call, none where there is nothing to say.

    Args:
        service: as in the discovery document.
        call: a request of the right form.
        settings: of the whole service.
        address: at which it answers.

    Raises:
        MissingDataError: if a prefetch key is missing or could not be filled.
        RefusedError: with 422 if what was sent cannot be used.
    """
    try:
        seen = _seen(call, settings.lookback_days)
        report = interpret(seen.results, seen.patient, **settings.defaults)
        ordered = _ordered(call["context"].get("draftOrders"))
    except LabInterpError as error:
        raise RefusedError.from_error(error, place=_placed(error)) from None
    whose = call["context"]["patientId"]
    made = cards_.Maker(call["hookInstance"], service["id"], whose, words(), seen.remarks, address)
    if service["hook"] == "order-select":
        return made.tests(report, ordered)
    return made.findings(report)


def _placed(error: LabInterpError) -> str:
    return f"/prefetch/{_LABS}{error.data.get('place', '')}".rstrip("/")


def _filled(call: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Return what was sent under a prefetch key; None where the client says that there is no such data."""
    prefetch = call.get("prefetch", {})
    if key not in prefetch:
        raise MissingDataError(key, "was not sent")
    found: dict[str, Any] | None = prefetch[key]
    if found is not None and found.get("resourceType") == "OperationOutcome":
        raise MissingDataError(key, "holds an OperationOutcome")
    return found


def _seen(call: dict[str, Any], lookback_days: int) -> Seen:
    person, labs = _filled(call, _PATIENT), _filled(call, _LABS)
    if person is None:
        raise MissingDataError(_PATIENT, "is null")
    wanted = call["context"]["patientId"]
    if person.get("resourceType") != "Patient" or person.get("id", wanted) != wanted:
        raise RefusedError(422, "expected the Patient of the context", place=f"/prefetch/{_PATIENT}")
    birth, gender = person.get("birthDate"), person.get("gender")
    patient = Patient.as_sent(
        birth_date=birth if isinstance(birth, str) else None,
        sex=demographics.sex_as_sent(gender) if isinstance(gender, str) else None,
    )
    if labs is None or (labs.get("resourceType") == "Bundle" and not labs.get("entry")):
        return Seen(patient, ())
    found = fhir.to_results(labs)
    others = sum(len(results) for whose, results in found if whose.id not in (None, wanted))
    own = [result for whose, results in found if whose.id in (None, wanted) for result in results]
    kept, old = _recent(own, lookback_days)
    said = words()["card"]
    remarks = []
    if others:
        remarks.append(said["left_out_other"].format(count=others))
    if old:
        remarks.append(said["left_out_old"].format(count=old, days=lookback_days))
    if any(isinstance(link, dict) and link.get("relation") == "next" for link in _listed(labs.get("link"))):
        remarks.append(said["incomplete"])
    return Seen(patient, tuple(kept), tuple(remarks))


def _recent(results: list[LabResult], lookback_days: int) -> tuple[list[LabResult], int]:
    """Return the results that are seen together, and how many are too old to be."""
    times = [read_time(result.collected_at) for result in results]
    known = [time for time in times if time is not None]
    if not known:
        return results, 0
    span = dt.timedelta(days=lookback_days)
    kept = [result for result, time in zip(results, times, strict=True) if time is None or max(known) - time <= span]
    return kept, len(results) - len(kept)


def _ordered(orders: Any) -> frozenset[str]:
    """Return the analytes that are being ordered."""
    found: set[str | None] = set()
    for entry in _listed(orders.get("entry") if isinstance(orders, dict) else None):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        code = resource.get("code") if isinstance(resource, dict) else None
        if isinstance(code, dict):
            codings = [coding for coding in _listed(code.get("coding")) if isinstance(coding, dict)]
            names = [code.get("text"), *(coding.get(key) for coding in codings for key in ("code", "display"))]
            found.update(analytes.resolve(name).analyte for name in names if isinstance(name, str))
    return frozenset(analyte for analyte in found if analyte is not None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
