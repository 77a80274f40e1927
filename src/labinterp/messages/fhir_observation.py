"""One Observation, or one component of it → one row."""

from __future__ import annotations

import contextlib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.codes import COMPARATORS
from labinterp.errors import InputError
from labinterp.json_text import refuse
from labinterp.messages import fhir_ranges
from labinterp.messages.fhir_in import Documents, JsonNode, Resource, codings, words
from labinterp.messages.fhir_ranges import Subject
from labinterp.model import LabResult, Patient
from labinterp.reading import demographics, flags, groups, statuses, values
from labinterp.reading.beside import NOT_NUMERIC
from labinterp.reading.ids import names_nobody, read_id
from labinterp.reading.naming import local_test, loinc_code, name_of_test, specimen_name
from labinterp.reading.times import read_time
from labinterp.tables.rows import Row, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from labinterp.reading.analytes import TestMap

_SOUND: Final = frozenset(
    {"registered", "specimen-in-process", "preliminary", "final", "amended", "corrected", "appended", "unknown"}
)
_GROUPS: Final = ("hasMember", "related")
"""Where an Observation names its members: R4 and R5, and the versions before."""
_IMPRECISE: Final = re.compile(r"[0-9]{4}(?:-[0-9]{2})?", re.ASCII)
_PATIENT: Final = re.compile(r"(?:.*/)?Patient/([^/]+)")

_Value = tuple[Any, str | None, tuple[str, ...]]
"""Value, unit and notes."""


def rows(documents: Documents, tests: TestMap | None = None) -> Iterator[Row]:
    """Read every Observation, and say which results a DiagnosticReport names that are not there.

    A resource that cannot be read costs itself alone: it gives a row that says so.

    Raises:
        InputError: where the document is a single Observation that cannot be read.
    """
    whom = _Subjects(documents)
    newest = _newest(documents.resources)
    reports = _reports(documents)
    for resource in documents.resources:
        kind = resource.node.data.get("resourceType")
        if resource.fault is not None:
            yield Row(LabResult("", NOT_NUMERIC), Patient(), None, ("resource_unreadable",))
        elif kind == "Observation":
            identity = resource.identity
            outdated = identity is not None and newest[identity] is not resource
            home = _Home(resource, reports.get(id(resource)) or resource.parent)
            for row in _observation(home, documents, whom, tests):
                yield row.without_value("superseded") if outdated else row
        elif kind == "DiagnosticReport":
            yield from _missing_results(resource, documents, whom)


@attrs.frozen(eq=False)
class _Home:
    """An Observation and the report or other resource that it came with."""

    resource: Resource
    report: Resource | None

    @property
    def node(self) -> JsonNode:
        return self.resource.node


def _reports(documents: Documents) -> dict[int, Resource]:
    """Return the only report that names an Observation of the source as its result, by the Observation."""
    found: dict[int, Resource | None] = {}
    for report in documents.resources:
        if report.node.data.get("resourceType") != "DiagnosticReport":
            continue
        for reference in report.node.each("result"):
            named = None
            if isinstance(reference, JsonNode) and reference.name("reference") is not None:
                named = documents.resolve(reference, report)
            if named is not None:
                found[id(named)] = report if id(named) not in found else None
    return {key: report for key, report in found.items() if report is not None}


def _newest(resources: list[Resource]) -> dict[tuple[str, ...], Resource]:
    """Return the version that counts of every resource that occurs more than once."""
    found: dict[tuple[str, ...], Resource] = {}
    for resource in resources:
        identity = resource.identity
        if identity is None:
            continue
        known = found.get(identity)
        age = (_updated(resource), not resource.newest_first)
        if known is None or age > (_updated(known), False):
            found[identity] = resource
    return found


def _updated(resource: Resource) -> str:
    meta = resource.node.data.get("meta")
    when = read_time(JsonNode(meta, "").name("lastUpdated")) if isinstance(meta, dict) else None
    return when.isoformat() if when else ""


class _Subjects:
    """Whose an Observation is; one patient has one key and one id, two never share an id."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._ids: dict[str, Any] = {}

    def of(self, observation: _Home) -> tuple[Any, Patient, dict[str, Any] | None, str | None]:
        """Return the key, the patient, the reference as sent, and why the result is not the patient's."""
        home = observation.resource
        subject = home.node.child("subject")
        if subject is None and observation.report is not None:
            home = observation.report
            subject = home.node.child("subject")
        if subject is None:
            return None, Patient(), None, None
        found = self._documents.resolve(subject, home)
        reference = subject.text("reference")
        kind = found.node.kind if found else subject.text("type") or _kind_of(reference)
        reason = None if kind in (None, "Patient") else "not_of_a_patient"
        if found is not None:
            key = found.identity or ("contained", found.node.path)
            sex = demographics.sex_as_sent(found.node.name("gender")) if kind == "Patient" else None
            birth = found.node.name("birthDate")
            inside = found.parent is not None
            short, long = (None, f"{_place(home)}{reference}") if inside else (found.node.name("id"), reference)
            name = self._id(key, short, long)
            return key, Patient.as_sent(id=name, sex=sex, birth_date=birth), None if inside else subject.data, reason
        identifier = subject.child("identifier")
        match = _PATIENT.fullmatch((reference or "").partition("/_history/")[0])
        if reference is not None and not reference.startswith("#") and not (match and names_nobody(match[1])):
            key = ("reference", self._documents.absolute(reference, home))
            return key, Patient(id=self._id(key, match and match[1], reference)), subject.data, reason
        if identifier is not None and read_id(identifier.text("value")) is not None:
            key = ("identifier", identifier.text("system") or "", identifier.text("value") or "")
            return key, Patient(id=self._id(key, key[2], "|".join(key[1:]))), subject.data, reason
        return None, Patient(), subject.data, reason

    def _id(self, key: Any, short: str | None, long: str | None) -> str | None:
        for name in (short, long, str(key)):
            if name and not names_nobody(name) and self._ids.setdefault(name, key) == key:
                return name
        return None


def _place(home: Resource) -> str:
    outer = home.parent or home
    return outer.reference or outer.node.path or outer.node.kind


def _kind_of(reference: str | None) -> str | None:
    parts = (reference or "").partition("/_history/")[0].split("/")
    return parts[-2] if len(parts) > 1 and parts[-2].isalpha() else None


def _observation(home: _Home, documents: Documents, whom: _Subjects, tests: TestMap | None) -> Iterator[Row]:
    node = home.node
    components = list(node.each("component"))
    grouping = components or any(node.data.get(key) for key in _GROUPS)
    if _value_keys(node) or node.data.get("dataAbsentReason") or not grouping:
        yield _row(node, home, documents, whom, tests)
    for component in components:
        yield _row(component, home, documents, whom, tests)


def _row(part: JsonNode | InputError, home: _Home, documents: Documents, whom: _Subjects, tests: TestMap | None) -> Row:
    """Read the Observation itself, or one of its components; what cannot be read says so."""
    try:
        if isinstance(part, InputError):
            raise part
        return _readable(part, home, documents, whom, tests)
    except InputError:
        if documents.alone:
            raise
        return _unreadable(part, home, whom, tests)


def _unreadable(part: JsonNode | InputError, home: _Home, whom: _Subjects, tests: TestMap | None) -> Row:
    test, loinc, key, patient, subject = "", None, None, Patient(), None
    with contextlib.suppress(InputError):
        test, loinc, _ = _test(part.child("code"), tests) if isinstance(part, JsonNode) else ("", None, ())
    with contextlib.suppress(InputError):
        key, patient, subject, _ = whom.of(home)
    result = LabResult(test, NOT_NUMERIC, id=home.resource.reference, loinc=loinc)
    return Row(result=result, patient=patient, key=key, notes=("resource_unreadable",), subject=subject)


def _readable(part: JsonNode, home: _Home, documents: Documents, whom: _Subjects, tests: TestMap | None) -> Row:
    node = home.node
    key, patient, subject, foreign = whom.of(home)
    specimen = _specimen(home.resource, documents) or (_specimen(home.report, documents) if home.report else None)
    collected, when_notes = _when(home, specimen)
    value, unit, notes = _value(part)
    person = Subject(patient.sex, fhir_ranges.day(patient.birth_date), fhir_ranges.day(collected))
    low, high, span = fhir_ranges.choose(part.children("referenceRange"), person, unit)
    test, loinc, said = _test(part.child("code"), tests)
    result = LabResult(
        test,
        value,
        unit,
        collected_at=collected,
        specimen=_specimen_name(node, specimen) or _named_fluid(part, home),
        reference_low=low,
        reference_high=high,
        reference_range=span,
        method=next(iter(words(node.child("method"))), None),
        id=home.resource.reference,
        reported_flag=_flag(part),
        loinc=loinc,
    )
    row = Row(result=result, patient=patient, key=key, notes=(*said, *when_notes, *notes), subject=subject)
    reason = _reason_to_refuse(part, home) or foreign
    return row.without_value(reason) if reason else _with_status(row, home)


def _with_status(row: Row, home: _Home) -> Row:
    status = _status(home.resource)
    if status in _SOUND:
        return attrs.evolve(row, notes=(*row.notes, "corrected")) if statuses.is_corrected(status) else row
    return attrs.evolve(row, notes=(*row.notes, "status_unknown"))


def _status(resource: Resource) -> str:
    """Return the status as FHIR spells it; `Entered in error` and `ENTERED_IN_ERROR` are meant alike."""
    return re.sub(r"[ _]", "-", (resource.node.name("status") or "").casefold())


def _reason_to_refuse(part: JsonNode, home: _Home) -> str | None:
    """Return why a value may not be used, although it is there."""
    for resource in filter(None, (home.resource, home.report)):
        if (note := statuses.note_of(_status(resource))) is not None:
            return note
    if part.data.get("modifierExtension") or home.node.data.get("modifierExtension"):
        return "modifier_extension"
    if home.node.data.get("focus"):
        return "not_of_a_patient"
    return None


def _missing_results(home: Resource, documents: Documents, whom: _Subjects) -> Iterator[Row]:
    """Make a row without a value for every result that the report names and the source does not hold."""
    for reference in home.node.each("result"):
        try:
            if isinstance(reference, InputError):
                raise reference
            if documents.resolve(reference, home) is None:
                key, patient, subject, _ = whom.of(_Home(home, home.parent))
                name = reference.text("display") or ""
                yield Row(
                    result=LabResult(name, None), patient=patient, key=key, notes=("result_not_found",), subject=subject
                )
        except InputError:
            yield Row(LabResult("", NOT_NUMERIC), Patient(), None, ("resource_unreadable",))


def _value_keys(node: JsonNode) -> list[str]:
    return [key for key, value in node.data.items() if key.startswith("value") and value is not None]


def _value(part: JsonNode) -> _Value:
    """Return value, unit and notes. What is there but is no number stays apart from what is missing."""
    keys = _value_keys(part)
    if part.data.get("dataAbsentReason") is not None:
        return None, None, ("data_absent",)
    if len(keys) > 1:
        return NOT_NUMERIC, None, ("several_values",)
    reader = _READERS.get(keys[0], _not_numeric) if keys else _nothing
    return reader(part)


def _quantity(part: JsonNode) -> _Value:
    quantity = part.child("valueQuantity") or part
    unit, conflict = fhir_ranges.unit_of(quantity)
    notes: tuple[str, ...] = ("unit_conflict",) if conflict else ()
    value = _number(quantity, "value")
    if isinstance(value, str) and (parsed := values.parse(value)).number is not None and parsed.alternative is None:
        notes += ("number_cleaned",)
    comparator = quantity.text("comparator")
    if comparator is not None and value is not None:
        value = _compared(comparator, value)
    return value, unit, notes


def _compared(comparator: str, value: Any) -> Any:
    """Put the comparator in front of the number, where it is one in any spelling."""
    text = f"{comparator}{as_text(value)}" if comparator in COMPARATORS else f"{comparator} {as_text(value)}"
    read = values.parse(text)
    return text if comparator[-1:] not in "0123456789" and read.number is not None else NOT_NUMERIC


def _number(node: JsonNode, key: str) -> Any:
    value = node.data.get(key)
    if isinstance(value, str):
        return node.text(key)
    if isinstance(value, bool):
        return NOT_NUMERIC
    if value is not None and not isinstance(value, int | float | Decimal):
        refuse(f"{node.path}/{key}", "expected a number")
    return value


_READERS: Final[dict[str, Callable[[JsonNode], _Value]]] = {
    "valueQuantity": _quantity,
    "valueInteger": lambda part: (_number(part, "valueInteger"), None, ()),
    "valueString": lambda part: (part.text("valueString"), None, ()),
    "valueCodeableConcept": lambda part: (_said(part.child("valueCodeableConcept")), None, ()),
}


def _said(concept: JsonNode | None) -> str:
    """Return what a coded value says in words; a code is no number."""
    text = concept.text("text") if concept else None
    return text or next((display for _, _, display in codings(concept) if display), NOT_NUMERIC)


def _not_numeric(_: JsonNode) -> _Value:
    return NOT_NUMERIC, None, ()


def _nothing(_: JsonNode) -> _Value:
    return None, None, ()


def _test(code: JsonNode | None, tests: TestMap | None) -> tuple[str, str | None, tuple[str, ...]]:
    """Return the name of a test, its LOINC codes and notes; what the caller says of it comes first."""
    listed = codings(code)
    said = local_test(tests, [given for _, given, _ in listed if given], words(code))
    if said:
        return said, None, ()
    return (*_named(code, listed), () if said is None else ("test_refused",))


def _named(code: JsonNode | None, listed: list[tuple[str | None, str | None, str | None]]) -> tuple[str, str | None]:
    text = code.text("text") if code else None
    loinc = [found for system, given, _ in listed if (found := loinc_code(given, system))]
    if loinc:
        displays = [display for system, given, display in listed if display and loinc_code(given, system)]
        return name_of_test(loinc, [text, *displays] if text else displays)
    named = [display for _, _, display in listed if display]
    return name_of_test([], [text, *named] if text else named or words(code))


def _flag(part: JsonNode) -> str | None:
    """Return what the laboratory flags: the first word that is abnormal, else that is known, else the first."""
    return flags.foremost(word for concept in part.children("interpretation") for word in _flags_of(concept))


def _flags_of(concept: JsonNode) -> list[str]:
    listed = codings(concept)
    said = [*(code for _, code, _ in listed), *(display for _, _, display in listed), concept.text("text")]
    return [word for word in said if word]


def _specimen(home: Resource, documents: Documents) -> JsonNode | None:
    references = home.node.children("specimen")
    found = documents.resolve(references[0], home) if len(references) == 1 else None
    return found.node if found and found.node.kind == "Specimen" else None


def _specimen_name(node: JsonNode, specimen: JsonNode | None) -> str | None:
    reference = node.child("specimen")
    names = words(specimen.child("type")) if specimen else []
    display = reference.text("display") if reference else None
    return specimen_name(names or ([display] if display else []))


def _named_fluid(part: JsonNode, home: _Home) -> str | None:
    """Return the name of the report, panel or category of a result, where it says another fluid than serum."""
    node = home.node
    said = [node.each("category"), node.each("bodySite")]
    said += [] if part is node else [node.each("code")]
    said += [home.report.node.each("code")] if home.report else []
    concepts = (concept for each in said for concept in each if isinstance(concept, JsonNode))
    return next((name for concept in concepts for name in words(concept) if groups.other_fluid(name) is not None), None)


def _when(home: _Home, specimen: JsonNode | None) -> tuple[str | None, tuple[str, ...]]:
    """Return the time of collection as it was sent; the day of the report in its place is noted."""
    node = home.node
    collection = specimen.child("collection") if specimen else None
    stated = [
        _time_of(node, "effective"),
        _time_of(collection, "collected"),
        _time_of(home.report.node if home.report else None, "effective"),
    ]
    given = [text for text in stated if text is not None]
    precise = next((text for text in given if not _IMPRECISE.fullmatch(text)), None)
    if precise is not None:
        return precise, ()
    issued = next((text for text in _issued(home) if read_time(text)), None)
    if issued is not None and (not given or issued.startswith(given[0])):
        return issued, ("time_of_report",)
    return next(iter(given), None), ()


def _time_of(node: JsonNode | None, stem: str) -> str | None:
    """Return the point in time under `stem`, the start of a period, or the first event of a timing."""
    if node is None:
        return None
    period, timing = node.child(f"{stem}Period"), node.data.get(f"{stem}Timing")
    events = timing.get("event") if isinstance(timing, dict) else None
    first = events[0] if isinstance(events, list) and events and isinstance(events[0], str) else None
    return (
        node.text(f"{stem}DateTime")
        or node.text(f"{stem}Instant")
        or (period.text("start") or period.text("end") if period else None)
        or first
    )


def _issued(home: _Home) -> list[str]:
    said = (resource.node.name("issued") for resource in (home.resource, home.report) if resource is not None)
    return [text for text in said if text]
