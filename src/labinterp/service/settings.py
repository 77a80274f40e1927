"""What the one who runs the service decides, and what a request may choose instead."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp import checking
from labinterp.checking import Fault
from labinterp.errors import InputError, LabInterpError
from labinterp.options import Options, resolve_ranges
from labinterp.ranges import shipped
from labinterp.service import schemas
from labinterp.service.problems import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}
TABLE_ONLY: Final = ("layout", "panel", "one_patient")
PAIRS: Final = ("default_units", "tests")
"""Choices that a query carries as pairs, such as `tests=LAB0123=magnesium`; repeatable."""


@attrs.frozen
class RequestChoices:
    """What holds for a request.

    Args:
        options: checked.
        layout: of a table.
        tally: how many results came to each problem, and under the empty text to none; filled as the answer is made.
    """

    options: Options = attrs.field(repr=False)
    layout: str = "auto"
    tally: Counter[str] = attrs.field(factory=Counter, repr=False, eq=False)


@attrs.frozen
class Settings:
    """What the one who runs the service decides.

    Args:
        max_bytes: longest body that is read.
        timeout: seconds that a body may take to arrive, and an answer to be made.
        max_pending: requests in work at the same time; further ones are sent away.
        workers: threads that make answers.
        lookback_days: for CDS Hooks, how far before a patient's newest result other results are still seen with it.
        defaults: arguments of `Options.checked`, unless a request chooses otherwise.
        on_feedback: called with the id of a CDS service and one item of feedback.
    """

    max_bytes: int
    timeout: float
    max_pending: int
    workers: int
    lookback_days: int
    defaults: dict[str, Any] = attrs.field(repr=False)
    on_feedback: Callable[[str, Mapping[str, Any]], object] | None = attrs.field(default=None, repr=False)


def checked_number(name: str, value: float, low: float, high: float) -> None:
    """Raise an `InputError` for a number that cannot be meant."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"{name} is not a number from {low} to {high}", hint=f"Leave {name} out for the default")


def checked_defaults(ranges: Any, *, assume_adult: bool) -> dict[str, Any]:
    """Return the default choices with their ranges resolved, so that a wrong name is found before serving."""
    return {"ranges": resolve_ranges(ranges), "assume_adult": bool(assume_adult)}


class Token:
    """A bearer token, kept as its hash, compared in constant time.

    Args:
        text: the token, of the characters that a header may carry.

    Raises:
        InputError: if it is empty or cannot be sent in a header.

    Example:
        >>> Token("s3cret").opens("Bearer s3cret"), Token("s3cret").opens("Bearer guess")
        (True, False)
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str) or not _TOKEN.fullmatch(text):
            raise InputError(
                "the token is empty or has characters that a bearer token cannot have",
                hint="Use letters, digits and -._~+/ only, such as `openssl rand -hex 32` prints",
            )
        self._hash = _hash(text.encode("ascii"))

    def opens(self, header: str | None) -> bool:
        """Return whether an `Authorization` header carries the token, or a password that is the token."""
        scheme, _, given = (header or "").partition(" ")
        data = given.strip().encode("latin-1", "replace")
        if scheme.lower() == "basic":
            data = _password(data)
        return hmac.compare_digest(_hash(data), self._hash) and scheme.lower() in ("bearer", "basic")


def _password(data: bytes) -> bytes:
    try:
        return base64.b64decode(data, validate=True).partition(b":")[2]
    except ValueError:
        return b""


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def checked_origins(origins: Sequence[str] | str) -> tuple[str, ...]:
    """Return the origins that browsers may call from.

    Raises:
        InputError: if one is neither an origin nor `*`.

    Example:
        >>> checked_origins(["https://ehr.example.org"])
        ('https://ehr.example.org',)
    """
    given = (origins,) if isinstance(origins, str) else tuple(origins)
    for origin in given:
        if origin != "*" and not (isinstance(origin, str) and _ORIGIN.fullmatch(origin)):
            raise InputError(
                "cors has an entry that is no origin", hint="Write origins as https://ehr.example.org, without a path"
            )
    return given


def from_query(
    query: Sequence[tuple[str, str]], *, table: bool = False, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Read choices from the query, as texts become truth values and numbers.

    Args:
        query: names and values, in order.
        table: whether the document is a table, which has choices of its own.
        known: the choices that there are, by name; those of any document or table if not given.

    Raises:
        RefusedError: with 422 for anything that is not a choice.
    """
    known = schemas.table_options()["properties"] if known is None else known
    read: dict[str, Any] = {}
    for name, text in query:
        if name not in known:
            raise RefusedError(
                422,
                "there is a parameter that is not known",
                place="query",
                hint=f"Known are {_listed(known)}" if known else "Leave it out",
            )
        if name in PAIRS:
            key, sign, value = text.rpartition("=")
            if not sign:
                raise RefusedError(422, f"`{name}` is no pair", place=f"query {name}", hint=f"Write {name}=NAME=VALUE")
            if read.setdefault(name, {}).setdefault(key, value) != value:
                raise RefusedError(422, f"`{name}` says two things of one name", place=f"query {name}")
        elif name == "ranges" and name in read:
            read[name] = [*(read[name] if isinstance(read[name], list) else [read[name]]), text]
        elif name in read:
            raise RefusedError(422, f"`{name}` stands there twice", place="query")
        else:
            read[name] = _converted(text, known[name].get("type"))
    held(read, "query ", schemas.table_options())
    if not table and any(name in read for name in TABLE_ONLY):
        raise RefusedError(422, f"{', '.join(TABLE_ONLY)} are for tables", place="query")
    return read


def held(
    choices: dict[str, Any], place: str = "/parameter/", schema: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return choices of the right form.

    Raises:
        RefusedError: with 422 for others.
    """
    found = checking.faults(choices, dict(schema or schemas.options()))
    faults = [Fault(f"{place}{fault.place[1:]}", fault.detail) for fault in found]
    if faults:
        raise RefusedError.from_faults(faults)
    return choices


def _listed(known: Mapping[str, Any]) -> str:
    return ", ".join(name for name in known)


def _converted(text: str, kind: str | None) -> Any:
    if kind == "boolean":
        return _TRUTH.get(text.strip().lower(), text)
    if kind == "number":
        try:
            return float(text) if len(text) < 32 else text  # noqa: PLR2004 - longer than any number meant
        except ValueError:
            return text
    return text


def chosen(settings: Settings, choices: Mapping[str, Any], place: str) -> RequestChoices:
    """Return what holds for a request, checked and with every name looked up.

    Only names of shipped profiles and editions are taken from a request, never the path of a file.

    Args:
        settings: of the service.
        choices: of the request, of the right form.
        place: where they stand in the request.

    Raises:
        RefusedError: with 422 for names that there are not.
    """
    made = {**settings.defaults, **choices}
    if "ranges" in choices:
        names = choices["ranges"]
        _check_names(names if isinstance(names, list) else [names], place)
    if "grading" in choices and choices["grading"] not in shipped().ids():
        raise RefusedError(422, "there is no such grading standard", place=_join(place, "grading"))
    layout = made.pop("layout", "auto")
    try:
        return RequestChoices(Options.checked(**made), layout)
    except LabInterpError as error:
        raise RefusedError(422, error.message, place=place, hint=error.hint) from None


def _check_names(names: list[str], place: str) -> None:
    library = shipped()
    known = {*library.profiles(), *library.ids()}
    if any(name.partition("@")[0] not in known for name in names):
        raise RefusedError(
            422,
            "there is no profile or edition of that name",
            place=_join(place, "ranges"),
            hint=f"Profiles: {', '.join(library.profiles())}; editions are listed by `labinterp ranges list`",
        )


def _join(place: str, name: str) -> str:
    return f"{place}/{name}" if place.startswith("/") else f"{place} {name}"
