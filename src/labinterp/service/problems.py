"""What can go wrong with a request, as RFC 9457 has it: a status, a title, the place; never content of the request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import attrs
from starlette.responses import Response

from labinterp._data import words
from labinterp.errors import InputError
from labinterp.words import uris

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from labinterp.checking import Fault
    from labinterp.errors import LabInterpError

PROBLEM_JSON: Final = "application/problem+json"
MOST_FAULTS: Final = 20


def kind_of(status: int) -> str:
    """Return the last part of the `type` of a problem."""
    return str(words("service.toml")["status"][str(status)]["kind"])


def title_of(status: int) -> str:
    """Return the title of a problem.

    Example:
        >>> title_of(404)
        'There is nothing here'
    """
    return str(words("service.toml")["status"][str(status)]["title"])


class RefusedError(Exception):
    """A request that is not answered.

    Args:
        status: HTTP status.
        detail: what is wrong, in a sentence, without content of the request.
        place: where, if there is one place.
        hint: what to do.
        faults: several things that are wrong, each with its place.
        headers: sent with the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        place: str | None = None,
        hint: str | None = None,
        faults: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.place = place
        self.hint = hint
        self.faults = tuple(faults)
        self.headers = dict(headers or {})

    @classmethod
    def from_faults(cls, faults: list[Fault]) -> RefusedError:
        """Refuse a document that has the wrong form."""
        more = len(faults) - MOST_FAULTS
        detail = faults[0].detail if len(faults) == 1 else f"{len(faults)} things are wrong"
        if more > 0:
            detail += f", of which the first {MOST_FAULTS} are listed"
        return cls(422, detail, place=faults[0].place, faults=faults[:MOST_FAULTS])

    @classmethod
    def from_error(cls, error: LabInterpError, status: int = 422, place: str | None = None) -> RefusedError:
        """Refuse because of an exception of ours, none of which holds a value or an id."""
        where = place if place is not None else error.data.get("place")
        if where is None and "line" in error.data:
            where = f"line {error.data['line']}"
        too_large = isinstance(error, InputError) and "limit" in error.data
        return cls(413 if too_large else status, error.message, place=where, hint=error.hint)

    def body(self) -> dict[str, Any]:
        """Return the problem document."""
        made: dict[str, Any] = {
            "type": f"{uris.PROBLEM}:{kind_of(self.status)}",
            "title": title_of(self.status),
            "status": self.status,
            "detail": self.detail,
        }
        if self.place is not None:
            made["place"] = self.place
        if self.hint:
            made["hint"] = self.hint
        if len(self.faults) > 1:
            made["errors"] = [attrs.asdict(fault) for fault in self.faults]
        return made

    def response(self) -> Response:
        """Return the answer."""
        text = json.dumps(self.body(), ensure_ascii=False)
        return Response(text, self.status, headers=self.headers, media_type=PROBLEM_JSON)
