"""Every exception of labinterp.

```
LabInterpError
├── UnknownTestError (LookupError)
├── UnsuitableSpecimenError (ValueError)
├── ValueParseError (ValueError)
├── ImplausibleValueError (ValueError)
├── UnknownUnitError (LookupError)
├── IncompatibleUnitError (ValueError)
├── NoReferenceRangeError (LookupError)
├── ReferenceSetError (ValueError)
├── ReferenceSetNotFound (LookupError)
├── UnknownNodeError (LookupError)
├── LayoutError (ValueError)
├── InputError (ValueError)
├── PresentationError (ValueError)
├── ReportError (ValueError)
└── MissingExtraError (ImportError)
```

Each keeps its data as attributes, pickles, ends with a hint, and never holds a patient id or a result value.
"""

from __future__ import annotations

from typing import Any, Self


class LabInterpError(Exception):
    """Root of labinterp's exceptions.

    Args:
        message: what is wrong, without any patient id or result value.
        hint: what to do about it; becomes the end of the text.
        data: kept as attributes, such as `analyte` or `column`.
    """

    hint = "See the documentation of this function."

    def __init__(self, message: str, *, hint: str | None = None, **data: Any) -> None:
        self.message = message
        if hint is not None:
            self.hint = hint
        self.data = data
        self.__dict__.update(data)
        super().__init__(f"{message}. {self.hint}" if self.hint else message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.data)


def _rebuild(cls: type[LabInterpError], message: str, hint: str, data: dict[str, Any]) -> LabInterpError:
    return cls(message, hint=hint, **data)


class UnknownTestError(LabInterpError, LookupError):
    """The test is not a known analyte key, LOINC code or name."""

    hint = "`labinterp.reading.analytes.analytes()` lists the keys, codes and names that are known"


class UnsuitableSpecimenError(LabInterpError, ValueError):
    """The specimen is not one in which the analyte's ranges hold."""

    hint = "Send results from serum or plasma, or whole blood where the analyte allows it"


class ValueParseError(LabInterpError, ValueError):
    """The value is missing, is no number, or can be read in two ways."""

    hint = "Send a number, or a text such as '7.9' or '<8'; `decimal=','` or `decimal='.'` settles a comma"


class ImplausibleValueError(LabInterpError, ValueError):
    """The value cannot be right: negative, or beyond the hard plausibility limits."""

    hint = "Check the unit and the decimal separator at the source"


class UnknownUnitError(LabInterpError, LookupError):
    """The unit is missing, or its spelling is not in the closed table."""

    hint = "Send a UCUM code such as 'mg/dL' or 'mmol/L', or say it with `default_units=`"


class IncompatibleUnitError(LabInterpError, ValueError):
    """The unit is known but cannot measure this analyte."""

    hint = "`labinterp.reading.units.accepted(analyte)` lists the units that can be converted"

    @classmethod
    def from_pair(cls, analyte: str, code: str) -> Self:
        """Say that `code` cannot measure `analyte`."""
        return cls(f"the unit {code} cannot be converted for {analyte}", analyte=analyte, unit=code)


class NoReferenceRangeError(LabInterpError, LookupError):
    """No edition covers this analyte and patient."""

    hint = "Choose another profile, give the patient's age, or pass `assume_adult=True`"


class ReferenceSetError(LabInterpError, ValueError):
    """A file of reference ranges has faults; `faults` lists all of them.

    Args:
        message: the faults joined by line ends.
        hint: what to do.
        data: `faults`, a tuple of texts, each `file: path: what is wrong`.
    """

    hint = "`labinterp ranges check FILE` prints every fault with an example"

    @classmethod
    def from_faults(cls, faults: tuple[str, ...]) -> Self:
        """Report every fault of a file at once."""
        return cls("\n".join(faults), faults=faults)


class ReferenceSetNotFound(LabInterpError, LookupError):  # noqa: N818 - the public contract names it so
    """There is no profile, edition or file of that name."""

    hint = "`labinterp ranges list` shows the profiles and editions"


class UnknownNodeError(LabInterpError, LookupError):
    """The knowledge has nothing of that name."""

    hint = "`labinterp explain` without a name lists what can be explained"


class LayoutError(LabInterpError, ValueError):
    """The columns of a table fit no known layout, or one of them cannot be used; `column` names it."""

    hint = "Name the layout with `layout=`, or map your columns with `columns={'value': 'RESULT', …}`"


class InputError(LabInterpError, ValueError):
    """A document cannot be read: malformed, truncated, too large or of the wrong kind."""

    hint = "Check that the document is whole and of a supported kind"


class PresentationError(LabInterpError, ValueError):
    """A presentation names a symptom, trigger or course that is not known; `known` lists the keys."""

    hint = "`labinterp explain` describes the keys"

    @classmethod
    def from_field(cls, field: str, known: tuple[str, ...]) -> Self:
        """Say which field of a presentation holds an unknown key, without repeating it."""
        return cls(
            f"`{field}` of the presentation holds a key that is not known",
            hint=f"Known keys: {', '.join(known)}",
            field=field,
            known=known,
        )


class ReportError(LabInterpError, ValueError):
    """A document is not a report of labinterp."""

    hint = "Use the text that `Report.to_json` gave, unchanged"


class MissingExtraError(LabInterpError, ImportError):
    """An optional dependency is not installed."""

    hint = "Install the extra that the message names"

    @classmethod
    def from_extra(cls, module: str, extra: str) -> Self:
        """Say which extra brings `module`."""
        return cls(
            f"{module} is not installed",
            hint=f"Run: python -m pip install 'labinterp[{extra}]'",
            module=module,
            extra=extra,
        )
