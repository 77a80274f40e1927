"""`Content-Type` and `Accept`, read as RFC 9110 has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from labinterp.service.problems import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,127}"
_TYPE: Final = re.compile(rf"[ \t]*({_WORD})/({_WORD})[ \t]*")
_PARAMETER: Final = re.compile(rf'[ \t]*;[ \t]*(?:({_WORD})=({_WORD}|"[^"\\]{{0,255}}"))?[ \t]*')
_WEIGHT: Final = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_LONGEST: Final = 2048
_FHIR_VERSIONS: Final = ("4.0", "4.0.1")


@attrs.frozen
class MediaType:
    """A media type or range.

    Args:
        type: such as `application`, or `*`.
        subtype: such as `fhir+json`, or `*`.
        parameters: by name in lower case, without `q`.
        weight: `q`, 1 if not given.
    """

    type: str
    subtype: str
    parameters: dict[str, str]
    weight: float = 1.0

    @property
    def name(self) -> str:
        """Return type and subtype joined."""
        return f"{self.type}/{self.subtype}"

    def fits(self, offered: str) -> int:
        """Return how exactly a range names an offered type: 0 for not at all, 3 for by type and subtype."""
        kind, _, sub = offered.partition("/")
        if self.type == "*":
            return 1 if self.subtype == "*" else 0
        if self.type != kind or self.subtype not in ("*", sub):
            return 0
        if self.subtype == "*":
            return 2
        version = self.parameters.get("fhirversion")
        return 3 if version is None or version in _FHIR_VERSIONS else 0


def read(text: str) -> MediaType | None:
    """Read one media type with its parameters; None if it is none.

    Example:
        >>> read('Application/JSON; charset="UTF-8"')
        MediaType(type='application', subtype='json', parameters={'charset': 'utf-8'}, weight=1.0)
    """
    match = _TYPE.match(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    parameters: dict[str, str] = {}
    position = match.end()
    while position < len(text):
        found = _PARAMETER.match(text, position)
        if found is None:
            return None
        position = found.end()
        if found[1]:
            parameters[found[1].lower()] = found[2].strip('"').lower()
    weight = parameters.pop("q", "1")
    if not _WEIGHT.fullmatch(weight):
        return None
    return MediaType(match[1].lower(), match[2].lower(), parameters, float(weight))


def choose(accept: str | None, offered: Sequence[str]) -> str:
    """Return the offered type that the request wants most; of equals, the one that stands first.

    Args:
        accept: the header, several joined by commas; anything goes where it is missing or blank.
        offered: types in order of preference.

    Raises:
        RefusedError: with 406 where nothing offered is accepted, 400 where the header cannot be read.

    Example:
        >>> choose("text/html;q=0.9, application/*;q=0.2", ["application/json", "text/html"])
        'text/html'
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [read(part) for part in accept.split(",") if part.strip()]
    if len(accept) > _LONGEST or any(found is None for found in ranges):
        raise RefusedError(400, "the header cannot be read", place="header Accept")
    best, chosen = 0.0, None
    for kind in offered:
        named = max(((found.fits(kind), found.weight) for found in ranges if found is not None), default=(0, 0.0))
        if named[0] and named[1] > best:
            best, chosen = named[1], kind
    if chosen is None:
        raise RefusedError(
            406,
            "none of the forms in which the answer can be had is accepted",
            place="header Accept",
            hint=f"Accept one of {', '.join(offered)}",
        )
    return chosen
