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

Each keeps its data as typed attributes, pickles, ends with a hint, and never holds a patient id or a result value. An
attribute that the place of the error does not know is None, or empty.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


class LabInterpError(Exception):
    """Root of labinterp's exceptions.

    Args:
        message: what is wrong, without any patient id or result value.
        hint: what to do about it; becomes the end of the text.
        data: values of the attributes that the class declares, such as `analyte` or `column`.

    Example:
        >>> error = UnknownUnitError("the unit is not known", analyte="magnesium")
        >>> error.analyte, error.result_index, str(error).split(". ")[0]
        ('magnesium', None, 'the unit is not known')
    """

    message: str
    hint: str = "See the documentation of this function."
    data: dict[str, Any]

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


class _OfResult:
    """What an error about one result tells besides.

    Args:
        code: of the problem that `on_problem="collect"` would have given.
        result_index: place of the result, from 0.
        analyte: key, where it is known.
    """

    code: str | None = None
    result_index: int | None = None
    analyte: str | None = None


class UnknownTestError(_OfResult, LabInterpError, LookupError):
    """The test is not a known analyte key, LOINC code or name.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.interpret([li.LabResult("frog", 1, "mg/dL")], on_problem="raise")
        ... except UnknownTestError as error:
        ...     print(error.code, error.result_index)
        unknown_test 0
    """

    hint = "`labinterp.reading.analytes.analytes()` lists the keys, codes and names that are known"


class UnsuitableSpecimenError(_OfResult, LabInterpError, ValueError):
    """The specimen is not one in which the analyte's ranges hold.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.interpret([li.LabResult("magnesium", 1, "mg/dL", specimen="urine")], on_problem="raise")
        ... except UnsuitableSpecimenError as error:
        ...     print(error.code, error.analyte)
        unsuitable_specimen magnesium
    """

    hint = "Send results from serum or plasma, or whole blood where the analyte allows it"


class ValueParseError(_OfResult, LabInterpError, ValueError):
    """The value is missing, is no number, or can be read in two ways.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.interpret([li.LabResult("magnesium", "hemolyzed", "mg/dL")], on_problem="raise")
        ... except ValueParseError as error:
        ...     print(error.code, error.analyte)
        not_numeric magnesium
    """

    hint = "Send a number, or a text such as '7.9' or '<8'; `decimal=','` or `decimal='.'` settles a comma"


class ImplausibleValueError(_OfResult, LabInterpError, ValueError):
    """The value cannot be right: negative, or beyond the hard plausibility limits.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.interpret([li.LabResult("magnesium", -1, "mg/dL")], on_problem="raise")
        ... except ImplausibleValueError as error:
        ...     print(error.code, error.analyte)
        negative_value magnesium
    """

    hint = "Check the unit and the decimal separator at the source"


class UnknownUnitError(_OfResult, LabInterpError, LookupError):
    """The unit is missing, or its spelling is not in the closed table.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.convert(1, "furlong", "mmol/L", analyte="magnesium")
        ... except UnknownUnitError as error:
        ...     print(error.code, error.analyte)
        unknown_unit magnesium
    """

    hint = "Send a UCUM code such as 'mg/dL' or 'mmol/L', or say it with `default_units=`"


class IncompatibleUnitError(_OfResult, LabInterpError, ValueError):
    """The unit is known but cannot measure this analyte; `unit` is its UCUM code.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.convert(1, "mg/dL", "meq/L", analyte="albumin")
        ... except IncompatibleUnitError as error:
        ...     print(error.unit, error.analyte)
        meq/L albumin
    """

    unit: str | None = None
    hint = "`labinterp.reading.units.accepted(analyte)` lists the units that can be converted"

    @classmethod
    def from_pair(cls, analyte: str, code: str) -> Self:
        """Say that `code` cannot measure `analyte`."""
        return cls(f"the unit {code} cannot be converted for {analyte}", analyte=analyte, unit=code)


class NoReferenceRangeError(_OfResult, LabInterpError, LookupError):
    """No edition covers this analyte and patient.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.interpret([li.LabResult("magnesium", 2, "mg/dL")], on_problem="raise")
        ... except NoReferenceRangeError as error:
        ...     print(error.code, error.analyte)
        no_reference_range magnesium
    """

    hint = "Choose another profile, give the patient's age, or pass `assume_adult=True`"


class ReferenceSetError(LabInterpError, ValueError):
    """A file of reference ranges has faults; `faults` lists all of them.

    Args:
        message: the faults joined by line ends.
        hint: what to do.
        data: `faults`, a tuple of texts, each `file: path: what is wrong`.

    Example:
        >>> import labinterp as li
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "mine.toml")
        ...     _ = file.write_text("schema = 2")
        ...     try:
        ...         li.reference_set(file)
        ...     except ReferenceSetError as error:
        ...         print(error.faults[0].partition("mine.toml: ")[2][:18])
        schema: expected 1
    """

    faults: tuple[str, ...] = ()
    hint = "`labinterp ranges check FILE` prints every fault with an example"

    @classmethod
    def from_faults(cls, faults: tuple[str, ...]) -> Self:
        """Report every fault of a file at once."""
        return cls("\n".join(faults), faults=faults)


class ReferenceSetNotFound(LabInterpError, LookupError):  # noqa: N818 - the public contract names it so
    """There is no profile, edition or file of that name; `name` is it.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.reference_set("mars")
        ... except ReferenceSetNotFound as error:
        ...     print(error.name)
        mars
    """

    name: str | None = None
    hint = "`labinterp ranges list` shows the profiles and editions"


class UnknownNodeError(LabInterpError, LookupError):
    """The knowledge has nothing of that name; `known` lists the ids.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.explain("mars")
        ... except UnknownNodeError as error:
        ...     print("hypocalcemia" in error.known)
        True
    """

    known: tuple[str, ...] = ()
    hint = "`labinterp explain` without a name lists what can be explained"


class LayoutError(LabInterpError, ValueError):
    """The columns of a table fit no known layout, or one of them cannot be used.

    Args:
        message: what is wrong.
        hint: what to do.
        data: `column`, the one that cannot be used, or `columns`, where several clash; or, where no layout fits, the
            name of the `nearest`, which columns were `found` (ours → the table's), which of ours are `missing`,
            `guesses` (ours → a column of the table that may be it), `example` (`columns=` that mends it); the `file`.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.interpret_frame([{"test": "magnesium", "valeu": 1.1, "unit": "mg/dL"}])
        ... except LayoutError as error:
        ...     print(error.missing, dict(error.guesses))
        ('value',) {'value': 'valeu'}
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    nearest: str | None = None
    found: Mapping[str, str] = MappingProxyType({})
    missing: tuple[str, ...] = ()
    guesses: Mapping[str, str] = MappingProxyType({})
    example: Mapping[str, str] = MappingProxyType({})
    file: str | None = None
    hint = "Name the layout with `layout=`, or map your columns with `columns={'value': 'RESULT', …}`"


class InputError(LabInterpError, ValueError):
    """Something cannot be read: malformed, truncated, of the wrong kind, or too large for a limit, memory or the disk.

    Args:
        message: what is wrong.
        hint: what to do.
        data: where, as far as it is known: the name of the `file`, its `line` from 1, the `place` in it (a JSON
            Pointer, a row, a segment), the `format` that was recognized, the `limit` that was passed (bytes, rows or
            another count), the number of `patients` where one was expected;
            what is `exhausted`, `"memory"` or `"disk"`.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.read('{"resourceType": ')
        ... except InputError as error:
        ...     print(error.place)
        line 1, column 18
    """

    file: str | None = None
    line: int | None = None
    place: str | None = None
    format: str | None = None
    limit: int | None = None
    patients: int | None = None
    exhausted: str | None = None
    hint = "Check that the document is whole and of a supported kind"


class PresentationError(LabInterpError, ValueError):
    """A presentation names a symptom, trigger or course that is not known; `known` lists the keys of `field`.

    Example:
        >>> import labinterp as li
        >>> try:
        ...     li.interpret([], presentation=li.Presentation(["mars"]))
        ... except PresentationError as error:
        ...     print(error.field, error.known[:2])
        symptoms ('fasciculation', 'cramps')
    """

    field: str | None = None
    known: tuple[str, ...] = ()
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
    """A document is not a report of labinterp; `places` lists what is wrong where.

    Example:
        >>> import labinterp as li
        >>> text = li.interpret([]).to_json().replace('"findings": []', '"findings": 1')
        >>> try:
        ...     li.Report.from_json(text)
        ... except ReportError as error:
        ...     print(error.places)
        ('expected a list @ /findings',)
    """

    places: tuple[str, ...] = ()
    hint = "Use the text that `Report.to_json` gave, unchanged"


class MissingExtraError(LabInterpError, ImportError):
    """An optional dependency is not installed: `module`, which the `extra` brings.

    Example:
        >>> error = MissingExtraError.from_extra("jinja2", "report")
        >>> error.module, error.extra, str(error)
        ('jinja2', 'report', "jinja2 is not installed. Run: python -m pip install 'labinterp[report]'")
    """

    module: str | None = None
    extra: str | None = None
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
