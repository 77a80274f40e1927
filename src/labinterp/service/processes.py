"""Several processes that do one work side by side, until a signal ends them all."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final

from labinterp.service.middleware import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import SpawnProcess

_STARTING: Final = 10.0
"""Seconds within which a process that gives up is taken for one that cannot start."""
_PAUSE: Final = 1.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def run(count: int, work: Callable[..., None], arguments: tuple[Any, ...], patience: float) -> int:
    """Run the work in processes until SIGTERM or SIGINT comes, which each of them is sent as SIGTERM.

    A process that ends is replaced. One that gives up by itself as soon as it has begun ends them all: it would again.

    Args:
        count: how many processes.
        work: what each does; it and its arguments can be pickled.
        arguments: of the work.
        patience: seconds that a process has to end after it was told to.

    Returns:
        0, or the exit code of the process that could not start.
    """
    spawn = multiprocessing.get_context("spawn")
    running: dict[int, tuple[SpawnProcess, float]] = {}
    failed = 0

    def start() -> None:
        process = spawn.Process(target=_work, args=(work, arguments))
        process.start()
        running[process.sentinel] = process, time.monotonic()

    with _told() as told:
        for _ in range(count):
            start()
        while not failed and not told.poll():
            ready = wait([told, *running])
            for sentinel in [each for each in running if each in ready]:
                process, since = running.pop(sentinel)
                process.join()
                lived, code = time.monotonic() - since, process.exitcode or 0
                if code > 0 and lived < _STARTING:
                    failed = code
                    break
                log.error("a worker ended with %d; another takes its place", code)
                wait([told], _PAUSE if lived < _STARTING else 0)
                start()
        _end([process for process, _ in running.values()], patience)
    return failed


def _end(processes: list[SpawnProcess], patience: float) -> None:
    for process in processes:
        process.terminate()
    until = time.monotonic() + patience
    for process in processes:
        process.join(max(until - time.monotonic(), 0))
        if process.is_alive():
            process.kill()
            process.join()


@contextlib.contextmanager
def _told() -> Iterator[Any]:
    """Give a connection on which something can be read once a signal has come."""
    told, tell = multiprocessing.Pipe(duplex=False)
    before = {each: signal.signal(each, lambda *_: tell.send_bytes(b"!")) for each in _SIGNALS}
    try:
        yield told
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _work(work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(*arguments)


def _end_with_parent() -> None:
    """End as a signal would, once the process that started this one is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
