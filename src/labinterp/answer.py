"""The answer of `interpret`: its data, and what can be made of them."""

from __future__ import annotations

from typing import Any, Self

import attrs

from labinterp import reading_back, serialization
from labinterp.model import ReportData


@attrs.frozen
class Report(ReportData):
    """The answer of `interpret`.

    Args:
        interpretations: one per input result, in input order.
        findings: the most serious first.
        states: state id → `present`, `possible`, `excluded` or `undetermined`.
        problems: one per result that could not be interpreted.
        provenance: versions, hashes and settings.
        patient: as it was given.
        presentation: as it was given.
        guidance: what belongs to every report.
        notes: what holds for the whole report, said once.
        next_tests: analyte keys, most useful first, of what was not sent and would settle an open question about
            twitching.
        unjudged: analyte keys of what was sent and could not be judged; the notes say why.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=50))
        >>> report
        Report(interpretations=<1>, findings=<1>, problems=<0>)
        >>> li.Report.from_json(report.to_json()) == report
        True
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready dicts, lists, texts and numbers."""
        return serialization.to_dict(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the report as JSON text with a stable order of keys."""
        return serialization.to_json(self, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read back what `to_json` wrote.

        Raises:
            ReportError: if the text is no report; the message names the place, not the content.
        """
        return reading_back.from_json(text, cls)

    def to_html(self, *, title: str | None = None) -> str:
        """Return a self-contained page.

        Raises:
            MissingExtraError: if jinja2 is not installed (extra `report`).
        """
        from labinterp.report import html

        return html.render(self, title=title)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what was found, and a row per result."""
        from labinterp.report import notebook

        return notebook.of_report(self)

    def to_fhir(self, **options: Any) -> dict[str, Any]:
        """Return a FHIR R4 collection Bundle of derived resources.

        Args:
            **options: `subject` and `recorded`, as `labinterp.messages.fhir_out.from_report` takes them.
        """
        from labinterp.messages import fhir_out

        return fhir_out.from_report(self, **options)
