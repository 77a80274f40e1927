"""Reports → CDS Hooks cards: a sentence, a few lines in Markdown, the tests to order, a link to the trace.

Every word on a card is ours or a number that was read: no text of a message is repeated.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from labinterp._version import __version__
from labinterp.as_sent import told
from labinterp.codes import SEVERITIES, SUPPORTS
from labinterp.reading import analytes, units
from labinterp.reading.times import read_time
from labinterp.reasoning import headline
from labinterp.service.cds_schemas import LONGEST_SUMMARY
from labinterp.words import faces, labels, titles, uris

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from labinterp.answer import Report
    from labinterp.model import Evidence, Finding, Interpretation

_NAMESPACE: Final = uuid.UUID("5d9f2f8e-0b39-5f0e-8a0e-3f1d4e6a9b77")
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>|#~!])")
_LABEL: Final = 80
_CAVEATS: Final = 2
_MAIN: Final = (
    "magnesium",
    "calcium",
    "calcium_adjusted",
    "calcium_ionized",
    "vitamin_d",
    "vitamin_b12",
    "homocysteine",
)
"""Tests whose results must not be missing unnoticed; the others only add to what these say."""


class Maker:
    """Makes the cards of one call.

    Args:
        instance: the call's `hookInstance`; with the rest it makes the cards' UUIDs.
        service: id of the service.
        patient: FHIR id, for the orders that are suggested.
        data: words of the cards.
        remarks: what was left out, in sentences.
        address: at which the service answers; links lead to its pages.
    """

    def __init__(
        self, instance: str, service: str, patient: str, data: dict[str, Any], remarks: tuple[str, ...], address: str
    ) -> None:
        self._address = address
        self._place = (instance.lower(), service)
        self._patient = patient
        self._data = data
        self._remarks = remarks

    def findings(self, report: Report) -> list[dict[str, Any]]:
        """Return a card per finding, and one for results that could not be interpreted."""
        made = [self._finding(finding, report, ()) for finding in report.findings]
        return [*made, *self._unread(report)]

    def _is_unread(self, item: Interpretation) -> bool:
        """Return whether a result counts as missing; a supporting test needs no range of its own."""
        if not item.problem or item.analyte is None:
            return False
        return item.analyte in _MAIN or item.problem != "no_reference_range"

    def tests(self, report: Report, ordered: Collection[str]) -> list[dict[str, Any]]:
        """Return a card per finding that has tests to order which are not among those `ordered`."""
        made = []
        for finding in report.findings:
            if any(test not in ordered for test in finding.suggested_tests):
                summary = self._data["card"]["next_tests"].format(finding=f"{finding.title} ({finding.status})")
                made.append(
                    {**self._finding(finding, report, ordered), "summary": _short(summary), "indicator": "info"}
                )
        return made

    def _uuid(self, *parts: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, "\n".join((*self._place, *parts))))

    def _finding(self, finding: Finding, report: Report, ordered: Collection[str]) -> dict[str, Any]:
        supports = [pathway.support for pathway in finding.pathways]
        told = [f"{supports.count(kind)} {kind}" for kind in SUPPORTS if kind in supports]
        summary = f"{finding.title} ({finding.status})"
        if told:
            summary += self._data["card"]["pathways"].format(told=", ".join(told))
        card: dict[str, Any] = {
            "uuid": self._uuid(finding.code),
            "summary": _short(summary),
            "detail": "\n\n".join(self._detail(finding, report)),
            "indicator": _indicator(finding),
            "source": _source(report, finding.code, finding.title),
            "links": [{**self._data["link"], "url": f"{self._address}/explain/{finding.code}"}],
        }
        suggestions = self._suggestions(finding, ordered)
        if suggestions:
            card |= {"suggestions": suggestions, "selectionBehavior": "any"}
        card["overrideReasons"] = [
            {"system": uris.OVERRIDE_REASON, **reason} for reason in self._data["override"]["reason"]
        ]
        return card

    def _detail(self, finding: Finding, report: Report) -> Iterator[str]:
        if (first := headline((finding,))) is not None:
            yield f"**{_plain(first)}**"
        yield _plain(finding.explanation)
        said = [_evidence(item, report) for item in finding.evidence]
        said += [_plain(text) for text in (*finding.caveats[:_CAVEATS], *self._remarks)]
        yield "\n".join(f"- {text}" for text in said)
        if report.guidance is not None:
            yield f"*{_plain(report.guidance.disclaimer)}*"

    def _suggestions(self, finding: Finding, ordered: Collection[str]) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for test in finding.suggested_tests:
            if test in ordered:
                continue
            analyte = analytes.analytes()[test]
            label = self._data["card"]["order"].format(test=analyte.title)
            resource = {
                "resourceType": "ServiceRequest",
                "status": "draft",
                "intent": "proposal",
                "code": _code(analyte),
                "subject": {"reference": f"Patient/{self._patient}"},
            }
            action = {"type": "create", "description": label, "resource": resource}
            suggestion = {"label": label[:_LABEL], "uuid": self._uuid(finding.code, test), "isRecommended": not made}
            made.append({**suggestion, "actions": [action]})
        return made

    def _unread(self, report: Report) -> Iterator[dict[str, Any]]:
        items = [(report.interpretations[problem.result_index], problem) for problem in report.problems]
        lines = [
            f"- {_plain(titles.analyte(item.analyte))}: {_plain(problem.message)}. {_plain(problem.suggestion)}."
            for item, problem in items
            if self._is_unread(item)
        ]
        if not lines:
            return
        remarks = [f"- {_plain(remark)}" for remark in self._remarks]
        yield {
            "uuid": self._uuid("unread"),
            "summary": _short(self._data["card"]["unread"].format(count=len(lines))),
            "detail": "\n".join([*lines, *remarks]),
            "indicator": "info",
            "source": _source(report, "unread", faces.line("result", "unread")),
        }


def _indicator(finding: Finding) -> str:
    if finding.severity == SEVERITIES[-1]:
        return "critical"
    return "warning" if finding.status == "present" and finding.severity == "moderate" else "info"


def _source(report: Report, code: str, title: str) -> dict[str, Any]:
    topic = {"system": uris.FINDING, "code": code, "display": title}
    version = report.provenance.knowledge_version
    return {"label": f"labinterp {__version__}, knowledge {version}", "topic": topic}


def _short(text: str) -> str:
    """Return a text that a card's summary can hold, cut at a word."""
    if len(text) <= LONGEST_SUMMARY:
        return text
    return f"{text[: LONGEST_SUMMARY - 1].rsplit(' ', 1)[0].rstrip(',;: ')}…"


def _plain(text: str) -> str:
    """Return a text in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _evidence(item: Evidence, report: Report) -> str:
    """Return a result in the unit that it was sent in, with its level, range and day."""
    found = report.interpretations[item.result_index] if item.result_index is not None else None
    if found is None or found.value is None or item.value is None:
        return _plain(f"{titles.analyte(item.analyte)}: {labels.word('level', item.level)}")
    return _plain(", ".join(filter(None, (told(found, item), _day(found)))))


def _day(found: Interpretation) -> str:
    time = read_time(found.result.collected_at)
    return time.date().isoformat() if time is not None else ""


def _code(analyte: analytes.Analyte) -> dict[str, Any]:
    """Return the test as a concept with the LOINC code that fits its canonical unit."""
    kind = units.units()[analyte.canonical_unit].kind
    fitting = [loinc for loinc in analyte.loinc if loinc.status == "active"]
    chosen = next((loinc for loinc in fitting if loinc.property == kind), next(iter(fitting), None))
    if chosen is None:
        return {"text": analyte.title}
    coding = {"system": uris.LOINC, "code": chosen.code, "display": chosen.display}
    return {"coding": [coding], "text": analyte.title}
