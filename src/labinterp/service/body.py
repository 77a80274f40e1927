"""The body of a request, read within limits of size and time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import anyio
from starlette.requests import ClientDisconnect

from labinterp.service import media
from labinterp.service.problems import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from starlette.requests import Request

_CLOSE: Final = {"Connection": "close"}
_LONGEST_LENGTH: Final = 18
ENCODINGS: Final = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8"}
"""What a `charset` may say of any document → codec."""
TEXT_ENCODINGS: Final = {**ENCODINGS, "iso-8859-1": "cp1252", "latin1": "cp1252", "windows-1252": "cp1252"}
"""The same for tables; Latin-1 is read as its superset, as browsers do."""
CODINGS: Final = {"identity": "identity", "gzip": "gzip", "x-gzip": "gzip"}
"""What `Content-Encoding` may say."""


def content_type(request: Request, known: Sequence[str]) -> media.MediaType | None:
    """Return what the request says of its body; None where it says nothing.

    Args:
        request: the request.
        known: the types that are read here.

    Raises:
        RefusedError: with 415 for any other type.
    """
    given = request.headers.get("content-type")
    if given is None or not given.strip():
        return None
    found = media.read(given)
    if found is None or found.name not in known:
        raise _unsupported("the type of the body is not one that is read here", "header Content-Type", known)
    return found


def coding(request: Request, known: Sequence[str]) -> str:
    """Return how the body is packed: `gzip`, or `identity`.

    Raises:
        RefusedError: with 415 for any other content coding.
    """
    found = request.headers.get("content-encoding", "").strip().lower() or "identity"
    if found not in CODINGS:
        raise _unsupported("the content coding is not one that is read here", "header Content-Encoding", known)
    return CODINGS[found]


def codec(kind: media.MediaType | None, known: dict[str, str], accepted: Sequence[str]) -> str:
    """Return the codec that `charset` names, UTF-8 if nothing is said.

    Raises:
        RefusedError: with 415 for a charset that is not read.
    """
    charset = kind.parameters.get("charset", "utf-8") if kind is not None else "utf-8"
    if charset not in known:
        raise _unsupported("the charset is not one that is read here; send UTF-8", "header Content-Type", accepted)
    return known[charset]


def _unsupported(detail: str, place: str, known: Sequence[str]) -> RefusedError:
    headers = {"Accept-Post": ", ".join(known), **_CLOSE}
    if place.endswith("Encoding"):
        headers["Accept-Encoding"] = "gzip, identity"
    return RefusedError(415, detail, place=place, hint=f"Send one of {', '.join(known)}", headers=headers)


class Room:
    """How many bytes of bodies may be held at one time, by all requests together.

    Args:
        size: in bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.held = 0

    @contextlib.contextmanager
    def part(self) -> Iterator[Callable[[int], None]]:
        """Give a function that takes room, which is given back at the end of the block.

        Raises:
            RefusedError: with 503 where there is no room left.
        """
        own = 0

        def take(size: int) -> None:
            nonlocal own
            if self.held + size > self._size:
                raise RefusedError(503, "too many bytes are being answered", headers={"Retry-After": "1", **_CLOSE})
            self.held += size
            own += size

        try:
            yield take
        finally:
            self.held -= own


async def read(request: Request, max_bytes: int, seconds: float, take: Callable[[int], None] | None = None) -> bytes:
    """Return the whole body.

    Args:
        request: the request.
        max_bytes: longest body that is read.
        seconds: within which it must come.
        take: told of every part before it is kept.

    Raises:
        RefusedError: with 413 as soon as it is known to be too large, 408 where it takes too long, 400 where it
            breaks off.
    """
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdecimal() and (len(length) > _LONGEST_LENGTH or int(length) > max_bytes):
        raise _too_large(max_bytes)
    parts: list[bytes] = []
    size = 0
    try:
        with anyio.fail_after(seconds):
            async for part in request.stream():
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                if take is not None:
                    take(len(part))
                parts.append(part)
    except TimeoutError:
        raise RefusedError(
            408, "the body did not arrive in time", place="body", hint="Send it faster, or in parts", headers=_CLOSE
        ) from None
    except ClientDisconnect:
        raise RefusedError(400, "the body broke off", place="body") from None
    return b"".join(parts)


def _too_large(max_bytes: int) -> RefusedError:
    return RefusedError(
        413, f"the body is larger than {max_bytes} bytes", place="body", hint="Send it in parts", headers=_CLOSE
    )
