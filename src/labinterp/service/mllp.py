"""HL7 v2 over MLLP: each message is interpreted, its answer is written down, and only then is it acknowledged.

A message is acknowledged with AA once its answer lies in the folder, on the disk, or once the HTTP target has taken it;
with AR where it cannot be read, and a reason; with AE where it could not be answered now, so that it is sent again. The
name of an answer follows from its message: one that is sent again, after a crash say, replaces its own answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import json
import os
import signal
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp.errors import InputError, LabInterpError
from labinterp.interpretation import interpret_as
from labinterp.messages import hl7v2
from labinterp.messages.fhir_out import bundle_of, entries_of
from labinterp.model import Patient
from labinterp.options import Options
from labinterp.serialization import plain
from labinterp.service.middleware import log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from labinterp.answer import Report

    Target = Callable[[str, bytes], None]

START: Final = b"\x0b"
END: Final = b"\x1c\r"
FORMATS: Final = {"hl7": "application/hl7-v2", "fhir": "application/fhir+json", "json": "application/json"}
_SUFFIX: Final = {"hl7": ".hl7", "fhir": ".fhir.json", "json": ".json"}
_CHUNK: Final = 1 << 16
_PAUSE: Final = 0.02
_LONGEST_ID: Final = 199
_TOO_LONG: Final = b""


@attrs.frozen
class PeerLimits:
    """What one peer may take.

    Args:
        max_bytes: longest message.
        connections: at one time; further ones are closed.
        timeout: seconds in which a message that was begun must have come, and in which it must be answered.
        idle: seconds after which a silent connection is closed.
    """

    max_bytes: int = 10_000_000
    connections: int = 64
    timeout: float = 30.0
    idle: float = 3600.0


def to_folder(folder: Path) -> Target:
    """Return a target that writes each answer whole into a folder, and returns once it is on the disk."""
    if not folder.is_dir():
        raise InputError("there is no such folder", hint="Make it first, where the answers shall lie")

    def write(name: str, answer: bytes) -> None:
        handle, made = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(answer)
                file.flush()
                os.fsync(file.fileno())
            Path(made).replace(folder / name)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise
        held = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(held)
        finally:
            os.close(held)

    return write


def to_url(url: str, kind: str, timeout: float) -> Target:
    """Return a target that posts each answer, and returns once it was taken."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise InputError("the target is no web address", hint="Write it as https://engine.example.org/answers")

    def post(name: str, answer: bytes) -> None:
        headers = {"Content-Type": kind, "Idempotency-Key": name}
        request = urllib.request.Request(url, answer, headers, method="POST")  # noqa: S310 - http or https, see above
        try:
            with urllib.request.urlopen(request, timeout=timeout):  # noqa: S310 - as above
                pass
        except urllib.error.HTTPError as error:  # any status but 2xx; it holds the connection until it is closed
            error.close()
            raise

    return post


@attrs.frozen(eq=False)
class Listener:
    """Takes messages and acknowledges them.

    Args:
        target: takes the name and the bytes of an answer, and returns once it is safe.
        options: of the interpretation.
        form: one of `FORMATS`.
        limits: what a peer may take.
        workers: answers made at one time.
    """

    target: Target
    options: Options = attrs.field(factory=Options.checked, repr=False)
    form: str = "hl7"
    limits: PeerLimits = attrs.field(factory=PeerLimits)
    workers: int = 2
    _open: set[asyncio.Task[Any]] = attrs.field(factory=set, init=False, repr=False)
    _busy: set[asyncio.Task[Any]] = attrs.field(factory=set, init=False, repr=False)

    async def start(self, host: str, port: int) -> asyncio.Server:
        """Listen."""
        room = asyncio.Semaphore(self.workers)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(reader, writer, room)

        return await asyncio.start_server(connected, host, port, limit=_CHUNK)

    async def stop(self, server: asyncio.Server) -> None:
        """Take no more messages, and acknowledge those that are being answered."""
        server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.timeout):
                while self._open:
                    for task in self._open - self._busy:
                        task.cancel()
                    await asyncio.sleep(_PAUSE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, room: asyncio.Semaphore) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= self.limits.connections:
            log.warning("a connection beyond the limit was closed")
            writer.close()
            return
        self._open.add(task)
        try:
            async for message in _frames(reader, self.limits):
                self._busy.add(task)
                async with room:
                    reply = await self._answered(message)
                writer.write(START + reply + END)
                await writer.drain()
                self._busy.discard(task)
        except (TimeoutError, ConnectionError):
            log.info("a connection was closed")
        finally:
            self._open.discard(task)
            self._busy.discard(task)
            writer.close()

    async def _answered(self, message: bytes) -> bytes:
        if message == _TOO_LONG:
            return acknowledgment(b"", "AR", f"the message is longer than {self.limits.max_bytes} bytes")
        try:
            reports = await asyncio.to_thread(self._reports, message)
            name = hashlib.sha256(message).hexdigest()[:32] + _SUFFIX[self.form]
            data = _written(reports, self.form)
            await asyncio.wait_for(asyncio.to_thread(self.target, name, data), self.limits.timeout)
        except LabInterpError as error:
            log.info("a message was rejected")
            return acknowledgment(message, "AR", error.message)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message is not lost: its sender keeps it
            log.error("a message was not answered: %s", type(error).__name__)
            return acknowledgment(message, "AE", "the answer could not be kept; send the message again")
        log.info("a message was answered: %d report(s)", len(reports))
        return acknowledgment(message, "AA", "")

    def _reports(self, message: bytes) -> list[Report]:
        found = hl7v2.to_results(
            message,
            tests=self.options.tests,
            decimal=self.options.decimal,
            max_bytes=self.limits.max_bytes,
            panel=self.options.panel,
            date_order=self.options.date_order,
        )
        return [interpret_as(self.options, results, patient) for patient, results in found or [(Patient(), [])]]


async def _frames(reader: asyncio.StreamReader, limits: PeerLimits) -> AsyncIterator[bytes]:
    """Give the messages between VT and FS CR; what stands outside is passed over, one that is too long is empty."""
    loop = asyncio.get_running_loop()
    held, inside, skipping, begun = b"", False, False, 0.0
    while True:
        wait = limits.idle if not inside else max(0.001, begun + limits.timeout - loop.time())
        part = await asyncio.wait_for(reader.read(_CHUNK), wait)
        if not part:
            return
        held += part
        while True:
            if not inside:
                _, found, held = held.partition(START)
                if not found:
                    break
                inside, skipping, begun = True, False, loop.time()
            if START in held:  # another frame interrupts this one, which was cut short
                held, skipping = held.rpartition(START)[2] if END not in held else held, False
            message, found, rest = held.partition(END)
            message = message.rpartition(START)[2]
            if not found:
                if len(message) > limits.max_bytes:
                    skipping, message = True, b""
                held = held[-1:] if skipping else message
                break
            held, inside = rest, False
            yield _TOO_LONG if skipping or len(message) > limits.max_bytes else message or b"\r"


def acknowledgment(message: bytes, code: str, reason: str) -> bytes:
    r"""Return an ACK for a message: AA, AE or AR, with the reason.

    Example:
        >>> acknowledgment(b"MSH|^~\\&|LIS|LAB|||||ORU^R01|77|P|2.5\r", "AA", "").split(b"\r")[1]
        b'MSA|AA|77'
    """
    head = message.lstrip(b"\r\n \t").split(b"\r")[0].split(b"\n")[0][:4000].decode("utf-8", "replace")
    fields = head.split(head[3:4]) if head.startswith("MSH") and head[3:4] else []
    sender = [_clean(fields[i]) if i < len(fields) else "" for i in (2, 3)]
    control = _clean(fields[9])[:_LONGEST_ID] if len(fields) > 9 else ""  # noqa: PLR2004 - MSH-10
    now = dt.datetime.now(dt.UTC).strftime("%Y%m%d%H%M%S%z")
    own = hashlib.sha256(f"{now}{control}{code}".encode() + message).hexdigest()[:20]
    lines = [f"MSH|^~\\&|LABINTERP||{sender[0]}|{sender[1]}|{now}||ACK|{own}|P|2.5.1||||||UNICODE UTF-8"]
    lines.append(f"MSA|{code}|{control}" + (f"|{_clean(reason, escaped=True)}" if reason else ""))
    if reason:
        lines.append(f"ERR|||207^Application internal error^HL70357|E||||{_clean(reason, escaped=True)}")
    return "".join(f"{line}\r" for line in lines).encode()


def _clean(text: str, *, escaped: bool = False) -> str:
    kept = "".join(char if char.isprintable() else " " for char in text)
    if not escaped:
        return kept.replace("|", "")
    for char, code in (("\\", "E"), ("|", "F"), ("^", "S"), ("~", "R"), ("&", "T")):
        kept = kept.replace(char, f"\\{code}\\") if char != "\\" else kept.replace("\\", "\\E\\")
    return kept


def _written(reports: list[Report], form: str) -> bytes:
    if form == "hl7":
        return hl7v2.to_oru(reports).encode()
    made: Any = [report.to_dict() for report in reports]
    if form == "fhir":
        made = bundle_of([entry for part, report in enumerate(reports) for entry in entries_of(report, part=part)])
    return json.dumps(made, ensure_ascii=False, allow_nan=False, default=plain).encode()


def listen(
    listener: Listener, host: str = "127.0.0.1", port: int = 2575, tell: Callable[[str], None] = log.info
) -> None:
    """Listen until a signal says to stop; messages that are being answered are acknowledged first.

    Args:
        listener: takes the messages.
        host: address to listen on; loopback unless said otherwise.
        port: port to listen on; 0 for any that is free.
        tell: is told where it listens.
    """

    async def run() -> None:
        server = await listener.start(host, port)
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for sent in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sent, stopped.set)
        tell(f"listening for MLLP on {host}:{server.sockets[0].getsockname()[1]}")
        await stopped.wait()
        await listener.stop(server)

    asyncio.run(run())
