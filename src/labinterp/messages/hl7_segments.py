"""HL7 v2 text → messages of segments, checked before the `hl7` package splits them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

from labinterp.errors import InputError, MissingExtraError
from labinterp.json_text import MAX_BYTES, check_size, read_path

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{2}")
_ENVELOPE: Final = ("FHS", "BHS", "BTS", "FTS")
_KINDS: Final = ("ORU", "OUL")
_VERSION: Final = re.compile(r"2\.[1-9](?:\.[0-9])?")
_HINT: Final = "Send whole ORU^R01 or OUL^R22 messages, each beginning with MSH|^~\\&|"
_CHARSETS: Final = {
    **dict.fromkeys(("", "ASCII", "UTF-8", "UTF8", "UNICODE UTF-8"), "utf-8"),
    **dict.fromkeys(("8859/1", "ISO-8859-1", "ISO8859-1", "ISO 8859-1", "LATIN1", "LATIN-1"), "latin-1"),
    **{f"8859/{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"ISO-8859-{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **dict.fromkeys(("WINDOWS-1252", "CP1252", "ANSI"), "cp1252"),
    **{f"{stem}{part}": f"cp{part}" for stem in ("WINDOWS-", "CP") for part in (1250, 1251, 1253, 1254, 1257)},
    "UNICODE": "utf-8",
    "GB 18030-2000": "gb18030",
    "BIG-5": "big5",
    "KS X 1001": "euc_kr",
}
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&le;": "≤", "&ge;": "≥", "&quot;": '"', "&amp;": "&"}
"""What an interface engine that thought it was writing XML leaves behind; the ampersand is last."""
_UNUSED_ESCAPES: Final = re.compile(r"\.(?:br|sp|fi|nf|in|ti|sk|ce)[+-]?[0-9]{0,4}")


def refuse(place: str, what: str, hint: str = _HINT) -> NoReturn:
    """Raise an `InputError` that names the segment or field."""
    raise InputError(f"the HL7 v2 message cannot be read at {place}: {what}", hint=hint, place=place)


@attrs.frozen
class Segment:
    """One segment; fields are counted as in the standard.

    Args:
        name: such as `OBX`.
        fields: containers of the `hl7` package.
        escapes: the escape character, and the separators that its sequences stand for.
    """

    name: str
    fields: Any = attrs.field(repr=False)
    escapes: dict[str, str] = attrs.field(repr=False)

    def repetitions(self, number: int) -> list[list[str]]:
        """Return the repetitions of a field, each with its components as text; empty ones are left out."""
        if number >= len(self.fields):
            return []
        found = []
        for repetition in self.fields[number]:
            parts = [repetition] if isinstance(repetition, str) else list(repetition)
            components = [self._text(str(part)) for part in parts]
            if any(components):
                found.append(components)
        return found

    def components(self, number: int) -> list[str]:
        """Return the components of the first repetition of a field."""
        return next(iter(self.repetitions(number)), [])

    def text(self, number: int, component: int = 1) -> str | None:
        """Return a component of the first repetition; None where it is empty or an explicit null."""
        return at(self.components(number), component)

    def parts(self, number: int) -> list[str]:
        """Return every component and subcomponent of the first repetition."""
        raw = next(iter(self.fields[number]), "") if number < len(self.fields) else ""
        pieces = re.split("[" + re.escape(self.escapes["S"] + self.escapes["T"]) + "]", str(raw))
        return [text for piece in pieces if (text := self._text(piece))]

    def _text(self, raw: str) -> str:
        text = unescape(raw, self.escapes)
        if "&" in text:
            for entity, sign in _ENTITIES.items():
                text = text.replace(entity, sign)
        return "" if text.strip() == '""' else text.strip().encode("utf-8", "replace").decode()


def at(components: list[str], number: int) -> str | None:
    """Return the component with this number, counted from 1; None where it is empty."""
    return components[number - 1] or None if len(components) >= number else None


@attrs.frozen
class Message:
    """One message: its segments behind MSH, and what MSH says."""

    kind: str
    control_id: str | None = attrs.field(repr=False)
    segments: tuple[Segment, ...] = attrs.field(repr=False)


def unescape(raw: str, escapes: dict[str, str]) -> str:
    r"""Replace escape sequences; one that is not known or not closed stays as it is.

    Example:
        >>> unescape(r"10\S\9\.br\next", {"E": "\\", "S": "^"})
        '10^9 next'
    """
    mark = escapes["E"]
    if mark not in raw:
        return raw
    pieces = raw.split(mark)
    done = [pieces[0]]
    inside = True
    for i, piece in enumerate(pieces[1:], 1):
        if not inside:
            done.append(piece)
            inside = True
        elif i == len(pieces) - 1:
            done.append(mark + piece)
        else:
            done.append(_sequence(piece, escapes, mark))
            inside = False
    return "".join(done)


def _sequence(code: str, escapes: dict[str, str], mark: str) -> str:
    if code in escapes:
        return escapes[code]
    if code in ("H", "N"):
        return ""
    if _UNUSED_ESCAPES.fullmatch(code):
        return " "
    if re.fullmatch(r"X(?:[0-9A-Fa-f]{2}){1,16}", code):
        return bytes.fromhex(code[1:]).decode("utf-8", "replace")
    return f"{mark}{code}{mark}"


def messages(source: Any, *, max_bytes: int = MAX_BYTES) -> list[Message]:
    """Read one message or a batch of them.

    Args:
        source: text, bytes or a path; segments may end with CR, LF or both, in MLLP frames or not.
        max_bytes: longest source that is read.

    Raises:
        InputError: with the segment at fault.
        MissingExtraError: if the package `hl7` is not installed.
    """
    if isinstance(source, Path):
        source = read_path(source, max_bytes)
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if not isinstance(source, str | bytes):
        raise InputError("an HL7 v2 message is text or bytes", hint=_HINT)
    check_size(source, max_bytes)
    if isinstance(source, bytes):
        source = _decode(source)
    read: list[Any] = []
    counted = _Envelope()
    for lines, whole in _split(_unframe(source), counted):
        read.append(_message(lines, len(read) + 1, whole=whole))
    if not read:
        refuse("MSH", "there is no MSH segment")
    counted.check(len(read))
    return read


def _decode(data: bytes) -> str:
    data = data.removeprefix(b"\xef\xbb\xbf")
    charsets = {_charset(line) for line in re.split(rb"[\r\n\x0b]+", data) if line.startswith(b"MSH")}
    if len(charsets) > 1:
        refuse("MSH-18", "the messages of one file have different character sets", "Send them apart")
    charset = charsets.pop() if charsets else "utf-8"
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        hint = "Name the character set in MSH-18, such as 8859/1 or UNICODE UTF-8"
        refuse(f"byte {error.start}", "not in the character set that MSH-18 names, or UTF-8", hint)


def _charset(line: bytes) -> str:
    fields = line.split(line[3:4] or b"|")
    name = fields[17].split(b"~")[0].decode("ascii", "replace").strip().upper() if len(fields) > 17 else ""  # noqa: PLR2004 - MSH-18
    if name not in _CHARSETS:
        refuse("MSH-18", "the character set is not supported", "Send UTF-8")
    return _CHARSETS[name]


def _unframe(text: str) -> str:
    """Take off MLLP frames: VT in front, FS and CR behind every message."""
    text = text.removeprefix("\ufeff")
    opened, closed = text.count("\x0b"), text.count("\x1c")
    if opened != closed:
        refuse("the MLLP frame", "it is not closed, the message is truncated")
    return text.replace("\x0b", "").replace("\x1c", "\r")


class _Envelope:
    """What the trailers of batches and files say about how many messages there are."""

    def __init__(self) -> None:
        self.expected: list[int] = []

    def see(self, line: str, mark: str) -> None:
        fields = line.split(mark)
        if len(fields) > 1 and fields[1].strip().isdecimal() and len(fields[1]) < 10:  # noqa: PLR2004 - a count
            self.expected.append(int(fields[1]))

    def check(self, found: int) -> None:
        if self.expected and sum(self.expected) > found:
            refuse("BTS-1", "the batch holds fewer messages than it says, it is truncated")


def _split(text: str, envelope: _Envelope) -> Iterator[tuple[list[tuple[int, str]], bool]]:
    """Give the lines of every message with their numbers, and whether the last one was ended."""
    message: list[tuple[int, str]] = []
    for number, line in _lines(text, envelope):
        name = line[:3]
        if name in ("MSH", *_ENVELOPE):
            if message:
                yield message, True
            message = [(number, line)] if name == "MSH" else []
        elif name in ("ADD", "DSC"):
            refuse(f"line {number}, {name}", "the message goes on elsewhere", "Put the parts together first")
        elif message:
            message.append((number, line))
        else:
            refuse(f"line {number}, {name}", "a segment before the first MSH")
    if message:
        yield message, text[-1] in "\r\n"


def _lines(text: str, envelope: _Envelope) -> Iterator[tuple[int, str]]:
    mark = "|"
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        line = raw.strip("\x00").lstrip(" \t")
        if not line.strip():
            continue
        name = line[:3]
        if name in ("MSH", "FHS", "BHS"):
            mark = line[3:4]
            if not mark:
                refuse(f"line {number}, {name}", "there is no field separator behind the name")
        if not _NAME.fullmatch(name) or line[3:4] not in ("", mark):
            refuse(f"line {number}", "not a segment: there is no name of three letters with the field separator behind")
        if name == "BTS":
            envelope.see(line, mark)
        yield number, line


def _message(lines: list[tuple[int, str]], number: int, *, whole: bool) -> Message:
    try:
        import hl7
    except ImportError:
        raise MissingExtraError.from_extra("hl7", "hl7v2") from None
    place = f"MSH of message {number}"
    header = lines[0][1]
    mark = header[3:4]
    marks = header[4:].partition(mark)[0] if mark else ""
    every = mark + marks
    if len(marks) not in (4, 5) or len(set(every)) != len(every) or any(c.isalnum() or c.isspace() for c in every):
        refuse(place, "the separators in MSH-1 and MSH-2 are missing, doubled or wrong")
    read = hl7.parse("\r".join(line for _, line in lines))
    escapes = {"F": mark, "S": marks[0], "R": marks[1], "E": marks[2], "T": marks[3]}
    segments = [Segment(line[:3], segment, escapes) for (_, line), segment in zip(lines, read, strict=True)]
    kind, version = segments[0].text(9), segments[0].text(12)
    if kind not in _KINDS:
        refuse(f"{place}, MSH-9", "the message is neither ORU nor OUL")
    if version is not None and not _VERSION.fullmatch(version):
        refuse(f"{place}, MSH-12", "the version is none of HL7 v2")
    names = {segment.name for segment in segments}
    if not names & {"OBR", "OBX"}:
        refuse(f"line {lines[-1][0]}, {segments[-1].name}", "the message ends before any OBR or OBX")
    required = {"OBX": 11, "OBR": 4, "PID": 3}.get(segments[-1].name)
    if not whole and required is not None and not segments[-1].components(required):
        refuse(f"line {lines[-1][0]}, {segments[-1].name}", "the segment is not complete, the message is truncated")
    return Message(str(kind), segments[0].text(10), tuple(segments[1:]))
