"""A report → OBX segments with our flag, each followed by NTE segments with the trace."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from labinterp.markup import clean
from labinterp.reading.naming import loinc_of
from labinterp.reading.times import read_time
from labinterp.reasoning import headline
from labinterp.words import faces, titles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from labinterp.model import Finding, Interpretation, ReportData

_SYSTEM: Final = "99LABINTERP"
_ESCAPES: Final = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\"}
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")


def to_obx(report: ReportData, *, first: int = 1, status: str = "P") -> str:
    r"""Return a report as OBX and NTE segments, to be put behind an OBR with the separators `|^~\&`.

    One OBX per result with the value in the canonical unit, the range used and our flag, `X` in OBX-11 where there is
    a problem; then one OBX per finding. The NTE behind each say why. The text is not limited to ASCII: send it as
    UTF-8 and say so in MSH-18.

    Args:
        report: what `interpret` returned.
        first: OBX-1 of the first segment.
        status: OBX-11; `P`, preliminary, until somebody has looked at it.

    Returns:
        Segments, each ended by CR.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("magnesium", 1.2, "mg/dL")], li.Patient(age=54))
        >>> to_obx(report).split("|")[8]
        'L'
    """
    lines: list[str] = []
    number = first
    problems = {problem.result_index: problem for problem in report.problems}
    sub_ids = _sub_ids(report.interpretations)
    for index, item in enumerate(report.interpretations):
        lines.append(_result(item, number, "X" if item.value is None else status, sub_ids[index]))
        said = [_trace(item)]
        if index in problems:
            said.append(f"{problems[index].code}: {problems[index].message}. {problems[index].suggestion}")
        lines += _notes(text for text in said if text)
        number += 1
    for finding in report.findings:
        lines.append(_finding(finding, number, status))
        paths = [path.explanation for path in finding.pathways if path.explanation]
        danger = headline((finding,))
        lines += _notes([*([danger] if danger else []), finding.explanation or finding.title, *finding.caveats, *paths])
        number += 1
    return "".join(f"{line}\r" for line in lines)


def to_oru(reports: Iterable[ReportData], *, at: dt.datetime | None = None) -> str:
    r"""Return reports as ORU^R01 messages in UTF-8: each with its patient, an OBR, and the segments of `to_obx`.

    Args:
        reports: what `interpret` returned, one a patient.
        at: when the messages are made; now if not given.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("magnesium", 1.2, "mg/dL")], li.Patient(age=54))
        >>> [line[:3] for line in to_oru([report]).split("\r")][:4]
        ['MSH', 'PID', 'OBR', 'OBX']
    """
    time = (dt.datetime.now(dt.UTC) if at is None else at).strftime("%Y%m%d%H%M%S%z")
    made = []
    for report in reports:
        whose = report.patient.id if report.patient is not None else None
        order = {1: "1", 4: _components("interpretation", faces.line("made", "order"), _SYSTEM), 22: time, 25: "P"}
        text = to_obx(report)
        name = hashlib.sha256(f"{time}{whose}{text}".encode("utf-8", "surrogatepass")).hexdigest()[:20]
        made += [
            f"MSH|^~\\&|LABINTERP||||{time}||ORU^R01^ORU_R01|{name}|P|2.5.1||||||UNICODE UTF-8\r",
            f"{_segment({1: '1', 3: _escape(whose or '')}, 'PID')}\r{_segment(order, 'OBR')}\r",
            text,
        ]
    return "".join(made)


def _escape(text: Any) -> str:
    plain = clean(_CONTROLS.sub(" ", str(text)))
    return "".join(_ESCAPES.get(char, char) for char in plain)


def _segment(fields: dict[int, str], name: str = "OBX") -> str:
    return "|".join([name, *(fields.get(i, "") for i in range(1, max(fields) + 1))])


def _components(*texts: Any) -> str:
    return "^".join("" if text is None else _escape(text) for text in texts).rstrip("^")


def _sub_ids(items: tuple[Interpretation, ...]) -> list[str]:
    """Number the results of a test that occurs more than once."""
    total = Counter(item.analyte for item in items)
    seen: Counter[str | None] = Counter()
    found = []
    for item in items:
        seen[item.analyte] += 1
        found.append(str(seen[item.analyte]) if total[item.analyte] > 1 else "")
    return found


def _result(item: Interpretation, number: int, status: str, sub_id: str) -> str:
    fields = {1: str(number), 2: "SN" if item.comparator else "NM", 3: _test(item), 4: sub_id, 11: status}
    if item.value is not None:
        number_text = _number(item.value)
        fields[5] = _components(item.comparator, number_text) if item.comparator else number_text
    if item.unit is not None:
        fields[6] = _components(item.unit, item.unit, "UCUM")
    fields[7] = _range(item)
    fields[8] = item.flag or ""
    if when := read_time(item.result.collected_at):
        fields[14] = when.strftime("%Y%m%d%H%M%S") if _has_clock(item.result.collected_at) else when.strftime("%Y%m%d")
    return _segment(fields)


def _has_clock(value: Any) -> bool:
    return len(value) > len("YYYY-MM-DD") if isinstance(value, str) else hasattr(value, "hour")


def _test(item: Interpretation) -> str:
    if item.analyte is None:
        return _components(None, item.result.test)
    loinc = loinc_of(item)
    own = (item.analyte, titles.analyte(item.analyte), _SYSTEM)
    return _components(loinc.code, loinc.display, "LN", *own) if loinc else _components(*own)


def _range(item: Interpretation) -> str:
    if item.low is None and item.high is None:
        return ""
    if item.high is None:
        return f">={_number(item.low)}"
    return f"<={_number(item.high)}" if item.low is None else f"{_number(item.low)}-{_number(item.high)}"


def _number(value: float | None) -> str:
    """Return a number within the 16 characters of the type NM."""
    return "" if value is None else f"{value:.10g}"


def _trace(item: Interpretation) -> str:
    said = []
    if item.range_id is not None:
        said.append(faces.judged(item.range_id))
        said += [faces.line("result", "band", band=item.band)] if item.band else []
    said.append(faces.graded(item.grade, None, None))
    if item.notes:
        said.append(f"Notes: {', '.join(item.notes)}.")
    if item.suspected_unit:
        said.append(faces.line("result", "suspected", unit=item.suspected_unit))
    return " ".join(filter(None, said))


def _finding(finding: Finding, number: int, status: str) -> str:
    codings = [part for c in finding.codings[:1] for part in (c.code, c.display, "HPO")]
    value = _components(finding.code, finding.title, _SYSTEM, *codings)
    test = _components("finding", faces.line("made", "order"), _SYSTEM)
    fields = {1: str(number), 2: "CWE", 3: test, 5: value, 8: "", 11: status}
    return _segment(fields)


def _notes(texts: Any) -> Iterator[str]:
    for i, text in enumerate(texts, 1):
        yield _segment({1: str(i), 2: "L", 3: _escape(text)}, "NTE")
