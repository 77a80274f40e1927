"""A report → an R4 collection Bundle of derived resources, with ids that follow from the content."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from labinterp.as_sent import told
from labinterp.markup import safe
from labinterp.reading import units, values
from labinterp.reading.naming import loinc_of
from labinterp.reading.times import read_time
from labinterp.reasoning import headline
from labinterp.tables.rows import as_text
from labinterp.words import faces, labels, titles, uris

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labinterp.model import Finding, Interpretation, LabResult, ReportData

_NAMESPACE: Final = uuid.UUID("b1bb0df5-6f9f-5a0b-9d3e-6a7a0d2c55d1")
_REFERENCE: Final = re.compile(
    r"(?:https?://\S{1,500}/)?Observation/[A-Za-z0-9.-]{1,64}|urn:uuid:[0-9a-f-]{36}|urn:oid:[0-9.]{1,100}"
)
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")
_ABSENT: Final = {"missing_value": "unknown", "not_numeric": "as-text", "unknown_unit": "unsupported"}
_ISSUE: Final = {"unknown_test": "not-supported", "missing_value": "not-found", "no_reference_range": "incomplete"}

Resource = dict[str, Any]


def from_report(report: ReportData, *, subject: Any = None, recorded: Any = None) -> Resource:
    """Return a report as an R4 collection Bundle.

    One Observation per result whose test is known, with the value in the canonical unit and as it was reported, and a
    narrative that says it in the unit that was sent, the canonical one second; one DetectedIssue per finding, never a
    Condition; Provenance and Device with the versions and hashes of what was used; an OperationOutcome with the
    problems, if there are any. The ids follow from the content, narratives aside.

    Args:
        report: what `interpret` returned.
        subject: the patient, as a reference such as `"Patient/7"` or a Reference; the report's patient if not given.
        recorded: when this was done, a `datetime` or an ISO text with a zone; the latest collection if not given.

    Returns:
        A JSON-ready Bundle.

    Example:
        >>> import labinterp as li
        >>> bundle = li.interpret([li.LabResult("magnesium", 1.2, "mg/dL")], li.Patient(age=54)).to_fhir()
        >>> [entry["resource"]["resourceType"] for entry in bundle["entry"]]
        ['Device', 'Observation', 'DetectedIssue', 'Provenance']
    """
    return bundle_of(entries_of(report, subject=subject, recorded=recorded))


def entries_of(report: ReportData, *, subject: Any = None, recorded: Any = None, part: int = 0) -> list[Resource]:
    """Return the entries of the Bundle; `part` keeps apart the equal results of several reports."""
    whom = _subject(report, subject)
    device = _entry(_device(report))
    observations = [_observation(item, i, whom, device) for i, item in enumerate(report.interpretations)]
    by_index = {i: _entry(made, part, i) for i, made in enumerate(observations) if made is not None}
    issues = [_entry(_issue(finding, report, by_index, whom, device), part) for finding in report.findings]
    derived = [*by_index.values(), *issues]
    entries = [device, *derived]
    if derived:
        entries.append(_entry(_provenance(report, derived, device, recorded), part))
    outcome = _outcome(report, by_index)
    if outcome is not None:
        entries.append(_entry(outcome, part))
    return entries


def bundle_of(entries: Iterable[Resource]) -> Resource:
    """Return a collection Bundle of entries, equal ones once."""
    once = {entry["fullUrl"]: entry for entry in entries}
    bundle: Resource = {"resourceType": "Bundle", "id": _content_id(list(once)), "type": "collection"}
    if once:
        bundle["entry"] = list(once.values())
    return bundle


def _content_id(content: Any) -> str:
    return str(uuid.uuid5(_NAMESPACE, json.dumps(content, sort_keys=True)))


def _entry(resource: Resource, *place: int) -> Resource:
    own = _content_id([{name: part for name, part in resource.items() if name != "text"}, *place])
    kind = resource.pop("resourceType")
    return {"fullUrl": f"urn:uuid:{own}", "resource": {"resourceType": kind, "id": own, **resource}}


def _link(entry: Resource) -> Resource:
    return {"reference": entry["fullUrl"]}


def _subject(report: ReportData, subject: Any) -> Resource | None:
    if isinstance(subject, str):
        return {"reference": subject}
    if subject is not None:
        return dict(subject)
    name = report.patient.id if report.patient else None
    if not name:
        return None
    return {"reference": f"Patient/{name}"} if _ID.fullmatch(name) else {"identifier": {"value": name}}


def _narrative(text: str) -> Resource:
    """Return what a person reads who sees nothing but the narrative."""
    return {"status": "generated", "div": f'<div xmlns="{uris.XHTML}">{safe(text)}</div>'}


def _concept(text: str, *codings: Resource) -> Resource:
    return {"coding": list(codings), "text": text} if codings else {"text": text}


def _quantity(value: float, code: str | None, unit: str | None = None, comparator: str | None = None) -> Resource:
    quantity: Resource = {"value": value}
    if comparator:
        quantity["comparator"] = comparator
    if unit or code:
        quantity["unit"] = unit or code
    if code:
        quantity |= {"system": uris.UCUM, "code": code}
    return quantity


def _observation(item: Interpretation, index: int, whom: Resource | None, device: Resource) -> Resource | None:
    """Return the derived Observation; None where it is not known what was measured."""
    if item.analyte is None:
        return None
    result = item.result
    made: Resource = {"resourceType": "Observation", "text": _narrative(told(item)), "status": "preliminary"}
    if result.id:
        linked = _REFERENCE.fullmatch(result.id)
        made |= {"derivedFrom": [{"reference": result.id}]} if linked else {"identifier": [{"value": result.id}]}
    laboratory = {"system": uris.CATEGORY, "code": "laboratory", "display": "Laboratory"}
    made["category"] = [_concept("Laboratory", laboratory)]
    made["code"] = _code(item)
    if whom:
        made["subject"] = whom
    if when := _date_time(result.collected_at):
        made["effectiveDateTime"] = when
    made |= _value(item)
    if item.flag is not None:
        made["interpretation"] = [_flag(item.flag, item.band)]
    if said := _said(item):
        made["note"] = [{"text": "; ".join(said)}]
    if result.method:
        made["method"] = {"text": result.method}
    made["device"] = _link(device)
    if item.range_id is not None:
        made["referenceRange"] = [_range(item)]
    if reported := _reported(result, index):
        made["component"] = [reported]
    return made


def _value(item: Interpretation) -> Resource:
    """Return the value in the canonical unit, or the reason why there is none."""
    if item.value is not None:
        return {"valueQuantity": _quantity(item.value, item.unit, comparator=item.comparator)}
    reason = _ABSENT.get(item.problem or "", "error")
    coding = {"system": uris.ABSENT_REASON, "code": reason}
    return {"dataAbsentReason": _concept(item.problem or reason, coding)}


def _flag(flag: str, band: str | None) -> Resource:
    display = labels.word("interpretation", flag)
    return _concept(band or display, {"system": uris.INTERPRETATION, "code": flag, "display": display})


def _said(item: Interpretation) -> list[str]:
    said = [*item.notes]
    said += [item.problem] if item.problem else []
    said += [faces.line("result", "suspected", unit=item.suspected_unit)] if item.suspected_unit else []
    said.append(faces.graded(item.grade, item.grade_low, item.grade_high))
    return [text for text in said if text]


def _code(item: Interpretation) -> Resource:
    """Name the analyte, with a LOINC code where one fits the canonical unit."""
    title, loinc = titles.analyte(item.analyte), loinc_of(item)
    if loinc is None:
        return _concept(title)
    return _concept(title, {"system": uris.LOINC, "code": loinc.code, "display": loinc.display})


def _range(item: Interpretation) -> Resource:
    made: Resource = {"text": str(item.range_id)}
    ends = {key: _quantity(end, item.unit) for key, end in (("low", item.low), ("high", item.high)) if end is not None}
    if ends:
        kind = {"system": uris.RANGE_MEANING, "code": "normal", "display": "Normal Range"}
        made = {**ends, "type": _concept("Normal Range", kind), **made}
    return made


def _reported(result: LabResult, index: int) -> Resource | None:
    """Return the value as it was sent, as a component."""
    value, unit = units.from_quantity(result.value) if units.is_quantity(result.value) else (result.value, result.unit)
    made: Resource = {"code": {"text": faces.line("made", "reported", number=index + 1)}}
    parsed = values.parse(value)
    if parsed.number is not None and parsed.alternative is None:
        made["valueQuantity"] = _quantity(parsed.number, units.resolve(unit).code, unit, parsed.comparator)
    elif text := (as_text(value) or "").strip():
        made["valueString"] = text[:1000]
    else:
        return None
    return made


def _issue(
    finding: Finding, report: ReportData, observations: dict[int, Resource], whom: Resource | None, device: Resource
) -> Resource:
    codings = [{"system": c.system, "code": c.code, "display": c.display} for c in finding.codings]
    own = {"system": uris.FINDING, "code": finding.code, "display": finding.title}
    indexes = dict.fromkeys(e.result_index for e in finding.evidence if e.result_index in observations)
    links = [_link(observations[index]) for index in indexes if index is not None]
    made: Resource = {
        "resourceType": "DetectedIssue",
        "text": _narrative(_rests(finding, report)),
        "status": "preliminary",
        "code": _concept(f"{finding.title} ({finding.status})", *codings, own),
        "severity": finding.severity,
    }
    if whom:
        made["patient"] = whom
    made["author"] = _link(device)
    if links:
        made["implicated"] = links
    evidence = [{"detail": links}] if links else []
    evidence += [{"code": [{"text": path.explanation}]} for path in finding.pathways if path.explanation]
    if evidence:
        made["evidence"] = evidence
    detail = " ".join(
        text for text in (headline((finding,)), finding.explanation or finding.title, *finding.caveats) if text
    )
    return {**made, "detail": detail}


def _rests(finding: Finding, report: ReportData) -> str:
    """Return what is found, and each result that it rests on, in the unit that was sent."""
    results = "; ".join(
        told(report.interpretations[each.result_index], each)
        for each in finding.evidence
        if each.result_index is not None
    )
    status, severity = labels.word("status", finding.status), labels.word("severity", finding.severity)
    found = faces.line("made", "found", title=finding.title, status=status, severity=severity)
    return f"{found} {faces.line('made', 'rests', results=results)}" if results else found


def _device(report: ReportData) -> Resource:
    made = report.provenance
    versions = [
        ("library", made.library_version),
        ("knowledge", made.knowledge_version),
        ("knowledge SHA-256", made.knowledge_sha256),
        *((f"edition {edition.id} SHA-256", edition.sha256) for edition in made.editions),
    ]
    return {
        "resourceType": "Device",
        "status": "active",
        "deviceName": [{"name": "labinterp", "type": "model-name"}],
        "type": {"text": faces.line("made", "device")},
        "version": [{"type": {"text": name}, "value": value} for name, value in versions if value],
    }


def _provenance(report: ReportData, derived: list[Resource], device: Resource, recorded: Any) -> Resource:
    role = {"system": uris.PARTICIPANT, "code": "assembler", "display": "Assembler"}
    made: Resource = {"resourceType": "Provenance", "target": [_link(entry) for entry in derived]}
    instant = _instant(recorded) if recorded is not None else _latest(report)
    if instant is not None:
        made["recorded"] = instant
    else:
        made["_recorded"] = {"extension": [{"url": uris.ABSENT_EXTENSION, "valueCode": "unknown"}]}
    made["activity"] = {"text": faces.line("made", "activity")}
    made["agent"] = [{"type": _concept("Assembler", role), "who": _link(device)}]
    ids = dict.fromkeys(item.result.id for item in report.interpretations)
    sources = [{"reference": name} for name in ids if name and _REFERENCE.fullmatch(name)]
    editions = [
        {"identifier": {"system": uris.EDITION, "value": edition.id}, "display": f"SHA-256 {edition.sha256}"}
        for edition in report.provenance.editions
    ]
    entities = [{"role": "source", "what": what} for what in sources]
    entities += [{"role": "quotation", "what": what} for what in editions]
    if entities:
        made["entity"] = entities
    return made


def _outcome(report: ReportData, observations: dict[int, Resource]) -> Resource | None:
    issues = []
    for problem in report.problems:
        issue: Resource = {
            "severity": "warning",
            "code": _ISSUE.get(problem.code, "value"),
            "details": _concept(problem.message, {"system": uris.PROBLEM, "code": problem.code}),
            "diagnostics": f"result {problem.result_index + 1}: {problem.suggestion}",
        }
        if problem.result_index in observations:
            issue["expression"] = [f"Bundle.entry.where(fullUrl='{observations[problem.result_index]['fullUrl']}')"]
        issues.append(issue)
    if not report.interpretations:
        details = {"text": faces.line("result", "none")}
        issues.append({"severity": "information", "code": "not-found", "details": details})
    return {"resourceType": "OperationOutcome", "issue": issues} if issues else None


def _date_time(value: Any) -> str | None:
    """Return a FHIR dateTime: to the second where the zone is known, else to the day."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip()) if "T" in value else read_time(value)
        except ValueError:
            value = read_time(value)
    if isinstance(value, dt.datetime) and value == value:  # noqa: PLR0124 - only NaN and NaT differ from themselves
        return value.date().isoformat() if value.utcoffset() is None else value.isoformat()
    return value.isoformat() if type(value) is dt.date else None


def _latest(report: ReportData) -> str | None:
    times = [read_time(item.result.collected_at) for item in report.interpretations]
    known = [time for time in times if time is not None]
    return _instant(max(known)) if known else None


def _instant(value: Any) -> str | None:
    """Return a FHIR instant, in UTC; a time without a zone counts as UTC."""
    when = read_time(value)
    return f"{when.isoformat(timespec='seconds')}Z" if when is not None else None
