"""One Observation, or one component of it → one row."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.codes import COMPARATORS
from labinterp.json_text import refuse
from labinterp.messages import fhir_ranges
from labinterp.messages.fhir_in import Documents, Node, Resource, codings, words
from labinterp.messages.fhir_ranges import Person
from labinterp.model import LabResult, Patient
from labinterp.reading import demographics, values
from labinterp.reading.beside import NOT_NUMERIC
from labinterp.reading.naming import local_test, name_of_test, specimen_name
from labinterp.reading.times import read_time
from labinterp.tables.rows import Row, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from labinterp.reading.analytes import TestMap

_LOINC: Final = frozenset({"http://loinc.org", "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1"})
_WITHOUT_VALUE: Final = {"entered-in-error": "entered_in_error", "cancelled": "cancelled"}
_SOUND: Final = frozenset({"registered", "preliminary", "final", "amended", "corrected", "unknown"})
_PATIENT: Final = re.compile(r"(?:.*/)?Patient/([^/]+)")

_Value = tuple[Any, str | None, tuple[str, ...]]
"""Value, unit and notes."""


def rows(documents: Documents, tests: TestMap | None = None) -> Iterator[Row]:
    """Read every Observation, and say which results a DiagnosticReport names that are not there."""
    whom = _Subjects(documents)
    newest = _newest(documents.resources)
    for resource in documents.resources:
        kind = resource.node.kind
        if kind == "Observation":
            identity = resource.identity
            outdated = identity is not None and newest[identity] is not resource
            for row in _observation(resource, documents, whom, tests):
                yield row.without_value("superseded") if outdated else row
        elif kind == "DiagnosticReport":
            yield from _missing_results(resource, documents, whom)


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
    meta = resource.node.child("meta")
    when = read_time(meta.text("lastUpdated")) if meta else None
    return when.isoformat() if when else ""


class _Subjects:
    """Whose an Observation is; one patient has one key and one id, two never share an id."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._ids: dict[str, Any] = {}

    def of(self, home: Resource) -> tuple[Any, Patient, dict[str, Any] | None, str | None]:
        """Return the key, the patient, the reference as sent, and why the result is not the patient's."""
        subject = home.node.child("subject")
        if subject is None and home.parent is not None:
            subject = home.parent.node.child("subject")
            home = home.parent
        if subject is None:
            return None, Patient(), None, None
        found = self._documents.resolve(subject, home)
        reference = subject.text("reference")
        kind = found.node.kind if found else subject.text("type") or _kind_of(reference)
        reason = None if kind in (None, "Patient") else "not_of_a_patient"
        if found is not None:
            key = found.identity or ("contained", found.node.path)
            sex = demographics.sex_as_sent(found.node.text("gender")) if kind == "Patient" else None
            birth = found.node.text("birthDate")
            inside = found.parent is not None
            short, long = (None, f"{_place(home)}{reference}") if inside else (found.node.text("id"), reference)
            name = self._id(key, short, long)
            return key, Patient.as_sent(id=name, sex=sex, birth_date=birth), None if inside else subject.data, reason
        identifier = subject.child("identifier")
        if reference is not None:
            key = ("reference", self._documents.absolute(reference, home))
            match = _PATIENT.fullmatch(reference.partition("/_history/")[0])
            return key, Patient(id=self._id(key, match and match[1], reference)), subject.data, reason
        if identifier is not None and identifier.text("value"):
            key = ("identifier", identifier.text("system") or "", identifier.text("value") or "")
            return key, Patient(id=self._id(key, key[2], "|".join(key[1:]))), subject.data, reason
        return None, Patient(), subject.data, reason

    def _id(self, key: Any, short: str | None, long: str | None) -> str | None:
        for name in (short, long, str(key)):
            if name and self._ids.setdefault(name, key) == key:
                return name
        return None


def _place(home: Resource) -> str:
    outer = home.parent or home
    return outer.reference or outer.node.path or outer.node.kind


def _kind_of(reference: str | None) -> str | None:
    parts = (reference or "").partition("/_history/")[0].split("/")
    return parts[-2] if len(parts) > 1 and parts[-2].isalpha() else None


def _observation(home: Resource, documents: Documents, whom: _Subjects, tests: TestMap | None) -> Iterator[Row]:
    node = home.node
    components = node.children("component")
    grouping = components or node.data.get("hasMember")
    if _value_keys(node) or node.child("dataAbsentReason") or not grouping:
        yield _row(node, home, documents, whom, tests)
    for component in components:
        yield _row(component, home, documents, whom, tests)


def _row(part: Node, home: Resource, documents: Documents, whom: _Subjects, tests: TestMap | None) -> Row:
    """Read the Observation itself, or one of its components."""
    node = home.node
    key, patient, subject, foreign = whom.of(home)
    specimen = _specimen(home, documents)
    collected, when_notes = _when(node, specimen)
    value, unit, notes = _value(part)
    person = Person(patient.sex, fhir_ranges.day(patient.birth_date), fhir_ranges.day(collected))
    low, high = fhir_ranges.choose(part.children("referenceRange"), person, unit)
    test, loinc, said = _test(part.child("code"), tests)
    result = LabResult(
        test,
        value,
        unit,
        collected_at=collected,
        specimen=_specimen_name(node, specimen),
        reference_low=low,
        reference_high=high,
        method=next(iter(words(node.child("method"))), None),
        id=home.reference,
        reported_flag=_flag(part),
        loinc=loinc,
    )
    row = Row(result, patient, key, (*said, *when_notes, *notes), subject)
    reason = _reason_to_refuse(part, home) or foreign
    return row.without_value(reason) if reason else _with_status(row, home)


def _with_status(row: Row, home: Resource) -> Row:
    status = home.node.text("status")
    if status in _SOUND:
        return row
    return attrs.evolve(row, notes=(*row.notes, "status_unknown"))


def _reason_to_refuse(part: Node, home: Resource) -> str | None:
    """Return why a value may not be used, although it is there."""
    for resource in filter(None, (home, home.parent)):
        if resource.node.text("status") in _WITHOUT_VALUE:
            return _WITHOUT_VALUE[str(resource.node.text("status"))]
    if part.data.get("modifierExtension") or home.node.data.get("modifierExtension"):
        return "modifier_extension"
    if home.node.data.get("focus"):
        return "not_of_a_patient"
    return None


def _missing_results(home: Resource, documents: Documents, whom: _Subjects) -> Iterator[Row]:
    """Make a row without a value for every result that the report names and the source does not hold."""
    for reference in home.node.children("result"):
        if documents.resolve(reference, home) is None:
            key, patient, subject, _ = whom.of(home)
            name = reference.text("display") or ""
            yield Row(LabResult(name, None), patient, key, ("result_not_found",), subject)


def _value_keys(node: Node) -> list[str]:
    return [key for key, value in node.data.items() if key.startswith("value") and value is not None]


def _value(part: Node) -> _Value:
    """Return value, unit and notes. What is there but is no number stays apart from what is missing."""
    keys = _value_keys(part)
    if part.child("dataAbsentReason") is not None:
        return None, None, ("data_absent",)
    if len(keys) > 1:
        return NOT_NUMERIC, None, ("several_values",)
    reader = _READERS.get(keys[0], _not_numeric) if keys else _nothing
    return reader(part)


def _quantity(part: Node) -> _Value:
    quantity = part.child("valueQuantity") or part
    unit, conflict = fhir_ranges.unit_of(quantity)
    notes: tuple[str, ...] = ("unit_conflict",) if conflict else ()
    value = _number(quantity, "value")
    if isinstance(value, str) and (parsed := values.parse(value)).number is not None and parsed.alternative is None:
        notes += ("number_cleaned",)
    comparator = quantity.text("comparator")
    if comparator is not None and value is not None:
        value = f"{comparator}{as_text(value)}" if comparator in COMPARATORS else NOT_NUMERIC
    return value, unit, notes


def _number(node: Node, key: str) -> Any:
    value = node.data.get(key)
    if isinstance(value, str):
        return node.text(key)
    if isinstance(value, bool):
        return NOT_NUMERIC
    if value is not None and not isinstance(value, int | float | Decimal):
        refuse(f"{node.path}/{key}", "expected a number")
    return value


_READERS: Final[dict[str, Callable[[Node], _Value]]] = {
    "valueQuantity": _quantity,
    "valueInteger": lambda part: (_number(part, "valueInteger"), None, ()),
    "valueString": lambda part: (part.text("valueString"), None, ()),
    "valueCodeableConcept": lambda part: (next(iter(words(part.child("valueCodeableConcept"))), NOT_NUMERIC), None, ()),
}


def _not_numeric(_: Node) -> _Value:
    return NOT_NUMERIC, None, ()


def _nothing(_: Node) -> _Value:
    return None, None, ()


def _test(code: Node | None, tests: TestMap | None) -> tuple[str, str | None, tuple[str, ...]]:
    """Return the name of a test, its LOINC codes and notes; what the caller says of it comes first."""
    listed = codings(code)
    said = local_test(tests, [given for _, given, _ in listed if given], words(code))
    if said:
        return said, None, ()
    return (*_named(code, listed), () if said is None else ("test_refused",))


def _named(code: Node | None, listed: list[tuple[str | None, str | None, str | None]]) -> tuple[str, str | None]:
    text = code.text("text") if code else None
    displays = [display for system, _, display in listed if display and system in _LOINC]
    loinc = [given for system, given, _ in listed if system in _LOINC and given]
    if loinc:
        return name_of_test(loinc, [text, *displays] if text else displays)
    named = [display for _, _, display in listed if display]
    return name_of_test([], [text, *named] if text else named or words(code))


def _flag(part: Node) -> str | None:
    for concept in part.children("interpretation"):
        for _, code, _ in codings(concept):
            if code:
                return code
        if text := concept.text("text"):
            return text
    return None


def _specimen(home: Resource, documents: Documents) -> Node | None:
    reference = home.node.child("specimen")
    found = documents.resolve(reference, home) if reference else None
    return found.node if found and found.node.kind == "Specimen" else None


def _specimen_name(node: Node, specimen: Node | None) -> str | None:
    reference = node.child("specimen")
    names = words(specimen.child("type")) if specimen else []
    display = reference.text("display") if reference else None
    return specimen_name(names or ([display] if display else []))


def _when(node: Node, specimen: Node | None) -> tuple[str | None, tuple[str, ...]]:
    """Return the time of collection, where it can be read to the day."""
    period = node.child("effectivePeriod")
    given = (
        node.text("effectiveDateTime") or node.text("effectiveInstant") or (period.text("start") if period else None)
    )
    collection = specimen.child("collection") if specimen else None
    if given is None and collection is not None:
        inside = collection.child("collectedPeriod")
        given = collection.text("collectedDateTime") or (inside.text("start") if inside else None)
    if given is None:
        return None, ()
    return (given, ()) if read_time(given) else (None, ("time_unreadable",))
