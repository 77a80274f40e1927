"""`/`: what people paste, choose or type → the report as a page. Nothing is kept, and no file is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

from labinterp import documents, reasoning
from labinterp.errors import InputError, LabInterpError
from labinterp.frames.api import answer_of
from labinterp.frames.single import report_of
from labinterp.model import Patient, Presentation
from labinterp.reading.demographics import is_missing, read_text
from labinterp.report import form, html
from labinterp.service import settings as settings_
from labinterp.service import tables
from labinterp.service.problems import RefusedError
from labinterp.tables import packed, sources
from labinterp.tables.people import with_patient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pandas as pd
    from starlette.datastructures import FormData, Headers

    from labinterp.options import Options
    from labinterp.service.settings import Settings

FORM_TYPES: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
_FIELDS: Final = 200
_PERSON: Final = ("age", "sex", "pregnancy")
_COLUMNS: Final = "Head the columns test, value and unit, or write one result a line, such as Mg 1.1 mg/dL"
_CHOICES: Final = ("decimal", "date_order")


class UnusableError(Exception):
    """What was entered cannot be used.

    Args:
        fault: what is wrong, and where.
        status: of the answer.
    """

    def __init__(self, fault: form.FormFault, status: int = 422) -> None:
        super().__init__("unusable")
        self.fault = fault
        self.status = status


@attrs.frozen
class Entered:
    """What was entered.

    Args:
        typed: all but the file.
        file: its bytes, empty if none was chosen.
    """

    typed: form.Typed = attrs.field(factory=form.Typed)
    file: bytes = attrs.field(default=b"", repr=False)


class _InMemory(MultiPartParser):
    """Keeps files in memory, whatever their size; the whole body has been read within its limit."""

    spool_max_size = 1 << 31


async def entered(data: bytes, headers: Headers) -> Entered:
    """Read what a browser sends.

    Raises:
        RefusedError: with 400 for what no browser sends.
    """

    async def parts() -> AsyncGenerator[bytes, None]:
        yield data
        yield b""

    kind = headers["content-type"].partition(";")[0].strip().lower()
    try:
        if kind == FORM_TYPES[0]:
            parser = _InMemory(headers, parts(), max_files=1, max_fields=_FIELDS, max_part_size=len(data))
            sent = await parser.parse()
        else:
            sent = await FormParser(headers, parts(), max_fields=_FIELDS, max_part_size=len(data)).parse()
    except (MultiPartException, KeyError, ValueError):
        raise RefusedError(400, "the form cannot be read", place="body") from None
    try:
        chosen = sent.get("file")
        file = await chosen.read() if isinstance(chosen, UploadFile) else b""
        return Entered(_typed(sent), file)
    finally:
        await sent.close()


def _typed(sent: FormData) -> form.Typed:
    def text(name: str) -> str:
        found = sent.get(name, "")
        return found if isinstance(found, str) else ""

    def texts(name: str) -> list[str]:
        return [found for found in sent.getlist(name) if isinstance(found, str)]

    rows = zip(texts("test"), texts("value"), texts("unit"), strict=False)
    one = {name: text(name).strip() for name in (*_PERSON, *_CHOICES, "course", "profile")}
    return form.Typed(
        results="\n".join(text("results").splitlines()) if "\r" in text("results") else text("results"),
        rows=tuple(form.TypedResult(*row) for row in list(rows)[: form.ROWS]),
        symptoms=tuple(texts("symptoms")),
        triggers=tuple(texts("triggers")),
        assume_adult=bool(text("assume_adult")),
        **one,
    )


def answer(given: Entered, settings: Settings) -> str:
    """Return the report as a page.

    Raises:
        UnusableError: where what was entered cannot be used.
    """
    typed = given.typed
    options = _options(typed, settings)
    patient = _patient(typed)
    _check_told(typed)
    table, field = _table(given, options, settings)
    try:
        if table.empty:
            raise InputError("there is no result in it", hint="Give at least one line with a test, a value and a unit")
        if len(table) > tables.MOST_ROWS:
            raise tables.too_long()
        table = with_patient(_with_person(table, patient, typed))
        answered, report = answer_of(table, options)
        single = report_of(table, len(answered.answer_of_panel), options)
        return report.to_html(scripts=False) if single is None else html.render(single)
    except LabInterpError as error:
        raise _unusable(error, field) from None


def _unusable(error: LabInterpError, field: str) -> UnusableError:
    hint = _COLUMNS if "example" in error.data else error.hint or ""
    return UnusableError(form.FormFault(error.message, hint, field))


def _options(typed: form.Typed, settings: Settings) -> Options:
    given: dict[str, Any] = {name: getattr(typed, name) for name in _CHOICES if getattr(typed, name)}
    if typed.profile:
        given["ranges"] = typed.profile
    if typed.assume_adult:
        given["assume_adult"] = True
    try:
        return settings_.chosen(settings, given, "profile").options
    except RefusedError as refused:
        raise UnusableError(form.FormFault(refused.detail, refused.hint or "", "profile")) from None


def _patient(typed: form.Typed) -> Patient:
    for name in _PERSON:
        try:
            Patient(**{name: getattr(typed, name) or None})
        except LabInterpError as error:
            raise _unusable(error, name) from None
    return Patient(**{name: getattr(typed, name) or None for name in _PERSON})


def _check_told(typed: form.Typed) -> None:
    try:
        reasoning.checked(Presentation(typed.symptoms, typed.triggers, typed.course or None))
    except LabInterpError as error:
        raise _unusable(error, "symptoms") from None


def _table(given: Entered, options: Options, settings: Settings) -> tuple[pd.DataFrame, str]:
    """Return the results in the `labinterp` layout, and the part of the form that they stand in."""
    typed = given.typed
    rows = [row for row in typed.rows if row.value.strip() or row.unit]
    places = [
        name for name, there in (("results", typed.results.strip()), ("file", given.file), ("rows", rows)) if there
    ]
    if not places:
        raise UnusableError(form.FormFault("There are no results yet", "Paste them, choose a file, or type them"))
    if len(places) > 1:
        raise UnusableError(
            form.FormFault(
                "There are results in more than one place", "Clear all but one of: pasted, file, typed", places[1]
            )
        )
    place = places[0]
    try:
        if place == "rows":
            sent = [{"test": row.test, "value": row.value.strip() or None, "unit": row.unit or None} for row in rows]
            return documents.read_as_sent(sent, tests=options.tests), place
        data = given.file if place == "file" else typed.results.encode("utf-8", "replace")
        return _read(data, options, settings.max_bytes), place
    except LabInterpError as error:
        raise _unusable(error, place) from None


def _read(data: bytes, options: Options, max_bytes: int) -> pd.DataFrame:
    data = packed.unpacked(data, "the document", max_bytes)
    if data.startswith(sources.PARQUET):
        raise InputError("the document is a Parquet file", hint="Send CSV, or use `labinterp interpret FILE`")
    if max(data.count(b"\n"), data.count(b"\r")) > tables.MOST_ROWS + 1:  # before anything is made of them
        raise tables.too_long()
    return documents.read_as_sent(data, has_units=bool(options.default_units), tests=options.tests)


def _with_person(table: pd.DataFrame, patient: Patient, typed: form.Typed) -> pd.DataFrame:
    """Return the table with what was said of the patient and what the patient tells, where it says nothing itself.

    Raises:
        InputError: where it says something else, or is of several patients.
    """
    said = {name: getattr(typed, name) for name in _PERSON if getattr(typed, name)}
    told = {"symptoms": ";".join(typed.symptoms), "triggers": ";".join(typed.triggers), "course": typed.course}
    told = {name: text for name, text in told.items() if text}
    if (said or told) and "patient_id" in table and len(table["patient_id"].drop_duplicates()) > 1:
        raise InputError(
            "age, sex, pregnancy and symptoms are of one patient; these results are of several", hint="Leave them out"
        )
    if any(name in table and not table[name].map(is_missing).all() for name in told):
        raise InputError("the results tell symptoms themselves", hint="Leave them out, or take them out of the results")
    table = table.assign(**told)
    for name, text in said.items():
        if name not in table:
            table = table.assign(**{name: text})
            continue
        held = table[name].astype(object)
        missing = held.map(is_missing)
        if any(_known(name, value) != getattr(patient, name) for value in held[~missing].unique()):
            raise InputError(f"the results say another {name} themselves", hint=f"Leave {name} empty, or correct it")
        table = table.assign(**{name: held.mask(missing, text)})
    return table


def _known(name: str, value: Any) -> Any:
    try:
        return getattr(Patient(**{name: read_text(value) or None}), name)
    except LabInterpError:
        return None
