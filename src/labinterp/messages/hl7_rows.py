"""The segments of HL7 v2 messages → rows."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.codes import COMPARATORS
from labinterp.json_text import MAX_BYTES
from labinterp.messages.hl7_segments import Message, Segment, at, messages
from labinterp.messages.ranges import SentRange, of_text, undecided
from labinterp.model import LabResult, Patient
from labinterp.reading import demographics, flags, groups, values
from labinterp.reading.beside import NOT_NUMERIC
from labinterp.reading.naming import is_ucum, local_test, loinc_code, name_of_test, specimen_name, unit_name
from labinterp.reading.times import read_birth, read_time
from labinterp.tables.rows import Row

if TYPE_CHECKING:
    from labinterp.reading.analytes import TestMap

_TEXTS: Final = frozenset({"", "NM", "ST", "TX", "FT", "IS", "ID"})
_TIME: Final = re.compile(r"([0-9]{8})(?:([0-9]{2})([0-9]{2})?([0-9]{2})?)?(?:\.[0-9]{1,6})?([+-][0-9]{4})?")
_MONTH: Final = re.compile(r"((?:18|19|20|21)[0-9]{2})(0[1-9]|1[0-2])", re.ASCII)
_PLAIN: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_WITHOUT_VALUE: Final = {
    **dict.fromkeys("DW", "entered_in_error"),
    "X": "cancelled",
    **dict.fromkeys("NOI", "data_absent"),
}
_PRELIMINARY: Final = frozenset("RPSI")
_CORRECTING: Final = frozenset("CDWXA")
_FINAL: Final = frozenset("FCA")
_KNOWN: Final = frozenset("ABCDFINOPRSUVWX")


@attrs.define
class _Group:
    """The OBX of one order, or of one specimen, with what is said about all of them."""

    collected: str | None = None
    reported: list[str | None] = attrs.field(factory=list)
    order: str | None = None
    specimens: list[str] = attrs.field(factory=list)
    sampled: str | None = None
    observations: list[Segment] = attrs.field(factory=list)


_Place = tuple[Patient, Any, _Group]
"""Patient, the key of the patient, and the group."""


@attrs.frozen
class _Slot:
    """A row and what decides whether a later one takes its place."""

    row: Row = attrs.field(repr=False)
    key: Any = attrs.field(repr=False)
    collected: str | None = attrs.field(repr=False)
    status: str


def read(
    source: Any, *, tests: TestMap | None = None, decimal: str | None = None, max_bytes: int = MAX_BYTES
) -> list[Row]:
    """Read every OBX of every message, in order."""
    values.check_decimal(decimal)
    slots: list[_Slot] = []
    ids: dict[str, Any] = {}
    for number, message in enumerate(messages(source, max_bytes=max_bytes)):
        for place in _groups(message, number, ids):
            slots += [_slot(segment, message, place, tests, decimal) for segment in place[2].observations]
    return _without_replaced(slots)


def _groups(message: Message, number: int, ids: dict[str, Any]) -> list[_Place]:
    """Split a message: an order ends where the next begins; in an OUL^R22 every specimen begins a group."""
    found: list[_Place] = []
    patient, key, group = Patient(), ("message", number, 0), _Group()
    for segment in message.segments:
        if segment.name == "PID":
            patient, key = _patient(segment, ("message", number, len(found) + 1), ids)
            group = _Group()
        elif segment.name == "OBR":
            again = message.kind == "OUL" and not group.observations and group.order is None
            group = group if again else _Group(
                specimens=group.specimens if message.kind == "OUL" else [],
                sampled=group.sampled if message.kind == "OUL" else None,
            )  # fmt: skip
            group.collected = segment.text(7)
            group.reported = [segment.text(14), segment.text(22)]
            group.order = segment.text(3) or segment.text(2)
            group.specimens = group.specimens or segment.parts(15)[:2] or _named_fluid(segment)
        elif segment.name == "SPM":
            if message.kind == "OUL":
                group = _Group()
            names = [name for name in (segment.text(4, 2), segment.text(4), segment.text(4, 5)) if name]
            group.specimens = names if not group.specimens or message.kind == "OUL" else _both(group.specimens, names)
            group.sampled = group.sampled or segment.text(17)
        elif segment.name == "OBX":
            group.observations.append(segment)
        if not found or found[-1][2] is not group:
            found.append((patient, key, group))
    return found


def _named_fluid(segment: Segment) -> list[str]:
    """Return the name of an order, where it says a specimen other than serum or plasma."""
    named = (groups.other_fluid(text) for text in segment.components(4))
    return [name for name in named if name is not None][:1]


def _both(first: list[str], second: list[str]) -> list[str]:
    """Return the names of a specimen that is named twice; two different specimens are none that we know."""
    if not second or specimen_name(first) == specimen_name(second):
        return first
    return second if set(first) & set(second) else [" and ".join([first[0], second[0]])]


def _patient(segment: Segment, alone: Any, ids: dict[str, Any]) -> tuple[Patient, Any]:
    repetitions = segment.repetitions(3) or segment.repetitions(2)
    identifier = next((cx for cx in repetitions if at(cx, 5) == "MR"), next(iter(repetitions), []))
    number, authority = at(identifier, 1), at(identifier, 4)
    key = ("id", number, authority) if number else alone
    name = number
    if number and ids.setdefault(number, key) != key:
        name = f"{number}^{authority or ''}"
    sent = segment.text(7)
    birth = read_birth(sent)
    day = birth.at.date().isoformat() if birth is not None and birth.is_exact else sent
    return Patient.as_sent(id=name, sex=demographics.sex_as_sent(segment.text(8)), birth_date=day), key


def _slot(segment: Segment, message: Message, place: _Place, tests: TestMap | None, decimal: str | None) -> _Slot:
    patient, key, group = place
    unit, conflict = _unit(segment.components(6))
    value, notes = _value(segment)
    collected, when_notes = _when(segment, group)
    status = (segment.text(11) or "").upper()
    low, high, span = _range(segment, unit, decimal)
    test, loinc, said = _test(segment.components(3), tests)
    number = segment.text(1)
    result = LabResult(
        test,
        value,
        unit,
        collected_at=collected,
        specimen=specimen_name(group.specimens),
        reference_low=low,
        reference_high=high,
        reference_range=span,
        method=segment.text(17, 2) or segment.text(17),
        id="/".join(part for part in (message.control_id, group.order, number) if part) or None,
        reported_flag=flags.foremost(word for words in segment.repetitions(8) for word in words[:2] if word),
        loinc=loinc,
    )
    every = (*said, *when_notes, *notes, *(("unit_conflict",) if conflict else ()))
    row = Row(result, patient, key, every if status in _KNOWN else (*every, "status_unknown"))
    if status in _WITHOUT_VALUE:
        row = row.without_value(_WITHOUT_VALUE[status])
    own = (key, group.order, tuple(segment.components(3)[:3]), segment.text(4), specimen_name(group.specimens))
    return _Slot(row, own, collected, status)


@attrs.define
class _Living:
    """The rows of one place that nothing has replaced yet."""

    final: list[int] = attrs.field(factory=list)
    preliminary: list[int] = attrs.field(factory=list)

    def replace(self, *, final: bool) -> list[int]:
        """Take out the preliminary rows, and the final ones as well where they are corrected."""
        gone = [*self.preliminary, *(self.final if final else ())]
        self.preliminary.clear()
        if final:
            self.final.clear()
        return gone


def _without_replaced(slots: list[_Slot]) -> list[Row]:
    """Take the value out of every row that a later one corrects, and of a preliminary one behind its final one."""
    rows = [slot.row for slot in slots]
    places: dict[Any, dict[str | None, _Living]] = {}
    for i, slot in enumerate(slots):
        times = places.setdefault(slot.key, {})
        living = times.setdefault(slot.collected, _Living())
        if slot.status in _CORRECTING:
            if not (living.final or living.preliminary) and slot.key[1] is not None:
                living = _only_one(times) or living  # a correction may carry another time than what it corrects
            gone = living.replace(final=True)
        elif slot.status in _PRELIMINARY and living.final:
            gone = [i]
        else:
            gone = living.replace(final=False) if slot.status in _FINAL else []
        for j in gone:
            rows[j] = rows[j].without_value("superseded")
        if slot.status in _PRELIMINARY:
            living.preliminary += [] if i in gone else [i]
        elif slot.status in _FINAL:
            living.final.append(i)
    return rows


def _only_one(times: dict[str | None, _Living]) -> _Living | None:
    """Return the only rows of a test within an order, where there is one result alone."""
    found = [living for living in times.values() if living.final or living.preliminary]
    alone = len(found) == 1 and len(found[0].final) + len(found[0].preliminary) == 1
    return found[0] if alone else None


def _test(components: list[str], tests: TestMap | None) -> tuple[str, str | None, tuple[str, ...]]:
    """Return the name of a test, its LOINC codes and notes; what the caller says of it comes first."""
    triplets = [[at(components, i + k) for k in range(3)] for i in (1, 4, 10)]
    loinc = [found for code, _, system in triplets if (found := loinc_code(code, system))]
    texts = [text for _, text, _ in triplets if text]
    codes = [code for code, _, _ in triplets if code]
    said = local_test(tests, codes, texts)
    if said:
        return said, None, ()
    return (*name_of_test(loinc, texts or ([] if loinc else codes)), () if said is None else ("test_refused",))


def _unit(components: list[str]) -> tuple[str | None, bool]:
    code = next((at(components, i) for i in (1, 4) if is_ucum(at(components, i + 2)) and at(components, i)), None)
    return unit_name(code, [at(components, i) for i in (1, 2, 4, 5)])


def _range(segment: Segment, unit: str | None, decimal: str | None) -> SentRange:
    """Read the range; of several, one that alone has numbers counts, and two different ones are no range."""
    texts = [_span(components) for components in segment.repetitions(7)]
    numbered = [text for text in texts if any(map(str.isdigit, text))]
    if len(numbered) < 2:  # noqa: PLR2004 - one range
        return of_text(next(iter([*numbered, *texts]), None), unit, decimal)
    read = list(dict.fromkeys(of_text(text, unit, decimal) for text in numbered))
    if len(read) == 1:
        return read[0]
    return undecided(read) if any(text is None for *_, text in read) else (None, None, "; ".join(texts))


def _span(components: list[str]) -> str:
    """Return a range in components as one text; two numbers are its ends."""
    ends = [part for part in components if part]
    return ("-" if len(ends) == 2 and all(map(_PLAIN.fullmatch, ends)) else " ").join(ends)  # noqa: PLR2004 - low and high


def _value(segment: Segment) -> tuple[Any, tuple[str, ...]]:
    repetitions = segment.repetitions(5)
    if not repetitions:
        return None, ()
    if len(repetitions) > 1:
        return NOT_NUMERIC, ("several_values",)
    kind, components = (segment.text(2) or "").upper(), repetitions[0]
    if kind == "SN":
        return _structured(components), ()
    if kind in ("CE", "CWE", "CNE"):
        uncoded = at(components, 1) if at(components, 3) is None else None  # a code is no number
        return at(components, 2) or at(components, 9) or uncoded or NOT_NUMERIC, ()
    if len(components) > 1 or kind not in _TEXTS:
        return NOT_NUMERIC, ()
    return (_number(components[0]) if kind == "NM" else components[0]), ()


def _structured(components: list[str]) -> Any:
    """Read comparator^number^separator^number; a ratio or a span is no number.

    A value that stands alone, with no component for its comparator, is read as text.
    """
    comparator, number = at(components, 1), at(components, 2)
    if not any(components[1:]):
        return _number(components[0])
    if any(components[2:]) or not number:
        return NOT_NUMERIC
    if comparator in (None, "="):
        return _number(number)
    text = f"{comparator}{number}" if comparator in COMPARATORS else f"{comparator} {number}"
    sound = number[:1].isdigit() and not comparator[-1:].isdigit()
    return text if sound and values.parse(text).comparator is not None else NOT_NUMERIC


def _number(text: str) -> Any:
    return Decimal(text) if _PLAIN.fullmatch(text) else text


def _when(segment: Segment, group: _Group) -> tuple[str | None, tuple[str, ...]]:
    """Return the time of collection; that of the report, or of the analysis, in its place is noted."""
    taken = [text for text in (segment.text(14), group.collected, group.sampled) if text]
    if taken:
        return _time(next((text for text in taken if read_time(_time(text))), taken[0])), ()
    reported = (text for text in ([*group.reported[:1], segment.text(19), *group.reported[1:]]) if text)
    instead = next((text for text in reported if read_time(_time(text))), None)
    return (None, ()) if instead is None else (_time(instead), ("time_of_report",))


def _time(text: str) -> str:
    """Return a time as ISO 8601 spells it, where HL7 v2 would understand it; anything else as it was sent."""
    match = _TIME.fullmatch(text)
    if match is None:
        month = _MONTH.fullmatch(text)
        return text if month is None else "-".join(month.groups())
    date, hour, minute, second, zone = match.groups("")
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    clock = f"T{hour}:{minute or '00'}:{second or '00'}{zone[:3]}{':' if zone else ''}{zone[3:]}" if hour else ""
    return day + clock


def _day(text: str | None) -> str | None:
    """Return the day of a birth date."""
    return None if text is None else _time(text)[:10] if _TIME.fullmatch(text) else _time(text)
