"""The service over HTTP: what a request costs beside the answer in it, and many clients at once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import labinterp as li
from benchmarks.single import PANEL
from benchmarks.timing import Row, Seconds, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = json.dumps(
    {
        "results": [{"test": test, "value": value, "unit": unit} for test, value, unit, _ in PANEL],
        "patient": {"age": 50, "sex": "female"},
    }
).encode()
REQUEST = (
    b"POST /interpret HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)
_OK = b"HTTP/1.1 200 "
_TICK = os.sysconf("SC_CLK_TCK")


def measure() -> list[Row]:
    """Compare a request with its answer made without HTTP, and count who is answered when many ask at once."""
    results = [li.LabResult(test, value, unit) for test, value, unit, _ in PANEL]
    patient = li.Patient(age=50, sex="female")

    def answer() -> Seconds:
        start = time.process_time()
        for _ in range(300):
            li.interpret(results, patient).to_json(indent=None)
        return Seconds((time.process_time() - start) / 300)

    with serving(1) as (port, pid):

        def requests() -> Seconds:
            start = _cpu(pid)
            asyncio.run(_clients(port, clients=1, each=600))
            return Seconds((_cpu(pid) - start) / 600)

        what = "request for one panel / interpreting and writing it (CPU)"
        rows = [compare(what, requests, answer, goal=4.0, key="request")]
        rows += [_crowd(port, clients, workers=1) for clients in (64, 129)]
    with serving(2) as (port, _):
        rows.append(_crowd(port, 129, workers=2))
    return rows


def _crowd(port: int, clients: int, workers: int) -> Row:
    asyncio.run(_clients(port, clients=8, each=8))
    start = time.perf_counter()
    answered = asyncio.run(_clients(port, clients=clients, each=10))
    seconds = (time.perf_counter() - start) / (10 * clients)
    what = f"{clients} clients at once, {workers} worker{'' if workers == 1 else 's'}: requests answered / sent"
    return Row(what, answered / (10 * clients), 1.0, seconds, seconds)


@contextmanager
def serving(workers: int) -> Iterator[tuple[int, int]]:
    """Run the service in a process of its own; give its port and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "labinterp", "serve", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - a command of ours
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def _clients(port: int, *, clients: int, each: int) -> int:
    """Let clients ask one request after another, each on its own connection; return how many were answered."""
    return sum(await asyncio.gather(*(_client(port, each) for _ in range(clients))))


async def _client(port: int, each: int) -> int:
    answered = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(each):
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        answered += head.startswith(_OK)
    writer.close()
    return answered


def _cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
