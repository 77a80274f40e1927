"""The answer of `interpret`: its data, and what can be made of them."""

from __future__ import annotations

import inspect
from typing import Any, Self, TypeVar

import attrs

from labinterp import reading_back, serialization
from labinterp.model import ReportData

_C = TypeVar("_C", bound=type)


def _documented(cls: _C) -> _C:
    """Put the words about the fields, which stand with the data, into a docstring, where it says `{fields}`."""
    if cls.__doc__ is not None and ReportData.__doc__ is not None:
        fields = inspect.cleandoc(ReportData.__doc__).partition("Args:\n")[2].strip()
        cls.__doc__ = inspect.cleandoc(cls.__doc__).replace("{fields}", fields)
    return cls


@_documented
@attrs.frozen
class Report(ReportData):
    """The answer of `interpret`.

    Args:
        {fields}

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=50))
        >>> report
        Report(interpretations=<1>, findings=<1>, problems=<0>)
        >>> li.Report.from_json(report.to_json()) == report
        True
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready dicts, lists, texts and numbers.

        Example:
            >>> import labinterp as li
            >>> data = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=50)).to_dict()
            >>> data["schema"].rpartition("/")[2], data["interpretations"][0]["flag"]
            ('report-1.json', 'L')
        """
        return serialization.to_dict(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the report as JSON text with a stable order of keys.

        Args:
            indent: blanks a level; None for one line.

        Example:
            >>> import labinterp as li
            >>> report = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")])
            >>> len(report.to_json(indent=None).splitlines()), report.to_json().splitlines()[0]
            (1, '{')
        """
        return serialization.to_json(self, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read back what `to_json` wrote.

        Args:
            text: the JSON text, or its bytes as UTF-8.

        Returns:
            A report equal to the one that was written. That it was not changed since is not checked: see `verify`.

        Raises:
            ReportError: if the text is no report; the message names the place, not the content.

        Example:
            >>> import labinterp as li
            >>> li.Report.from_json("{}")
            Traceback (most recent call last):
            ...
            labinterp.errors.ReportError: ...
        """
        return reading_back.from_json(text, cls)

    def to_html(self, *, title: str | None = None) -> str:
        """Return a self-contained page.

        Args:
            title: heading of the page.

        Raises:
            MissingExtraError: if jinja2 is not installed (extra `report`).

        Example:
            >>> import labinterp as li
            >>> report = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=50))
            >>> "<h1>Visit</h1>" in report.to_html(title="Visit")
            True
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
            **options: `subject`, a reference to the patient such as `"Patient/7"`, and `recorded`, when this was done.

        Raises:
            InputError: if one of the two cannot be used.

        Example:
            >>> import labinterp as li
            >>> bundle = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=50)).to_fhir()
            >>> [entry["resource"]["resourceType"] for entry in bundle["entry"]]
            ['Device', 'Observation', 'DetectedIssue', 'Provenance']
        """
        from labinterp.messages import fhir_out

        return fhir_out.from_report(self, **options)
