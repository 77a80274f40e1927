"""Processes of ours that work beside this one: each is handed pieces through a pipe and hands back what they come to.

A process is a fresh interpreter: neither a fork, which threads make unsafe, nor one of `multiprocessing`, which runs
the caller's main module again. It ends when the pipe to it is closed, whatever becomes of this process. Only what these
processes send each other is unpickled.
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import errno
import functools
import io
import mmap
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import pyarrow as pa

from labinterp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

Call = Callable[..., Any]
"""Calls a method of a desk: its name, then its arguments."""

IDLE: Final = 10.0
"""Seconds for which a process waits for the next run: it has been started, and has read by what it interprets."""
_PATIENCE: Final = 0.2
"""Seconds after which a run is thought to take longer than the start of a process."""
_LEAVE: Final = 2.0
"""Seconds that a process is given to end by itself."""
_START: Final = (
    "import pickle, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "sys.path[:] = pickle.load(sys.stdin.buffer); from labinterp.engines.processes import serve; serve()"
)
_LARGE: Final = 1 << 18
_BEGIN: Final = "begin"
_INTERPRETERS: Final = ("python", "pypy")


class _Pickler(pickle.Pickler):
    """Writes Arrow's tables as Arrow does, so that a slice takes no more than its rows."""

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, pa.Table):
            return NotImplemented
        written = pa.BufferOutputStream()
        with pa.ipc.new_stream(written, obj.schema) as stream:
            stream.write_table(obj)
        return _table, (written.getvalue(),)


def _table(data: pa.Buffer) -> pa.Table:
    with pa.ipc.open_stream(data) as stream:
        return stream.read_all()


def _ask(pipe: IO[bytes], method: str, arguments: tuple[Any, ...]) -> None:
    """Write a call; a long text goes into the pipe without being copied."""
    _Pickler(pipe, pickle.HIGHEST_PROTOCOL).dump((method, arguments))
    pipe.flush()


def _answer(pipe: IO[bytes], good: bool, answer: Any) -> None:
    """Write how many parts an answer has, how long each is, and the parts; what is large is a part by itself."""
    pickled, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
    _Pickler(pickled, pickle.HIGHEST_PROTOCOL, buffer_callback=buffers.append).dump((good, answer))
    parts = [pickled.getbuffer(), *(buffer.raw() for buffer in buffers)]
    pipe.write(struct.pack(f"<{1 + len(parts)}Q", len(parts), *map(len, parts)))
    for part in parts:
        pipe.write(part)
    pipe.flush()


def _answered(pipe: IO[bytes]) -> tuple[bool, Any]:
    """Read an answer."""
    (number,) = struct.unpack("<Q", _read(pipe, 8))
    lengths = struct.unpack(f"<{number}Q", _read(pipe, 8 * number))
    pickled, *buffers = [_read(pipe, length) for length in lengths]
    good, answer = pickle.loads(pickled, buffers=buffers)  # noqa: S301 - from a process of ours
    return good, answer


def _read(pipe: Any, length: int) -> bytearray | mmap.mmap:
    """Read so many bytes; what is large lies in pages of its own, which go back to the system after use."""
    read = mmap.mmap(-1, length) if length >= _LARGE else bytearray(length)
    with memoryview(read) as view:
        at = 0
        while at < length:
            got = pipe.readinto(view[at:])
            if not got:
                raise EOFError
            at += got
    return read


def serve() -> None:
    """Work on what comes through the pipe until it is closed; what is printed meanwhile goes where errors do."""
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    pa.set_cpu_count(1)
    code, desk = 0, None
    try:
        while True:
            method, arguments = pickle.load(calls)  # noqa: S301 - from the process that started this one
            try:
                if method == _BEGIN:
                    desk, answer = pickle.loads(*arguments), None  # noqa: S301 - from a process of ours
                else:
                    answer = getattr(desk, method)(*arguments)
            except Exception as error:  # noqa: BLE001 - raised where the work was asked for
                _answer(answers, False, _portable(error))
            else:
                _answer(answers, True, answer)
            arguments = answer = None
    except (EOFError, BrokenPipeError):
        pass
    except MemoryError:
        code = errno.ENOMEM
    except BaseException:  # noqa: BLE001 - its words might hold a value
        code = 1
    os._exit(code)


def _portable(error: Exception) -> Exception:
    """Return an error, or what stands for it where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    except Exception:  # noqa: BLE001 - whatever its class does
        return RuntimeError(f"{type(error).__name__} in a process that works on rows")
    return error


class Worker:
    """A process beside this one."""

    def __init__(self) -> None:
        self.ready = False
        self._at_rest = True
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and code of ours
            [sys.executable, "-P", *(f"-W{each}" for each in sys.warnoptions), "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        _workers.add(self)
        _watch_this_process()

    def begin(self, desk: Any) -> None:
        """Hand it a desk of its own; returns when it can work."""
        made = io.BytesIO()
        _Pickler(made, pickle.HIGHEST_PROTOCOL).dump(desk)
        if not self.ready:
            pickle.dump(list(map(str, sys.path)), self._pipes[0])
        self.call(_BEGIN, made.getvalue())
        self.ready = True

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of its desk; raises what that raises.

        Raises:
            MemoryError: if the system ended the process, as it does where memory is short.
            InputError: if it ended otherwise.
        """
        calls, answers = self._pipes
        self._at_rest = False
        try:
            _ask(calls, method, arguments)
            good, answer = _answered(answers)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise self._fate() from None
        self._at_rest = True
        if not good:
            raise answer
        return answer

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        calls, answers = self._process.stdin, self._process.stdout
        if calls is None or answers is None:  # as its type has it
            raise EOFError
        return calls, answers

    def _fate(self) -> Exception:
        code = self.end()
        if code in (-getattr(signal, "SIGKILL", 9), errno.ENOMEM):
            return MemoryError()
        hint = "Lower `workers` to 1, which needs no other process"
        return InputError(f"a process that worked on rows ended before it was done, with {code}", hint=hint)

    def release(self) -> None:
        """Let it forget its desk and wait for the next run; end it where it cannot."""
        if self.ready and self._at_rest:
            with contextlib.suppress(Exception):  # whatever became of it
                self.begin(None)
                resting.put(self)
                return
        self.end()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self) -> int:
        """Close the pipe to it, and wait for its end; return its code."""
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            return self._process.wait(_LEAVE)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def forget(self) -> None:
        """Let go of it in a fork of this process, whose it is not."""
        self._process.returncode = 0
        nowhere = os.open(os.devnull, os.O_RDWR)
        for pipe in self._pipes:
            if not pipe.closed:
                os.dup2(nowhere, pipe.fileno(), inheritable=False)
        os.close(nowhere)


class Resting:
    """The processes that wait for the next run, each for so long and no longer."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin with none, as a fork of this process must, whose they are not."""
        self._lock = threading.Lock()
        self._since: dict[Worker, float] = {}
        self._timer: threading.Timer | None = None

    def __len__(self) -> int:
        return len(self._since)

    def put(self, worker: Worker) -> None:
        """Add a process."""
        with self._lock:
            self._since[worker] = time.monotonic()
            self._look_again()

    def take(self) -> Worker | None:
        """Return one, the last that came, if there is one."""
        with self._lock:
            return self._since.popitem()[0] if self._since else None

    def end(self, after: float = 0.0) -> None:
        """End those that have been waiting for so many seconds."""
        with self._lock:
            now = time.monotonic()
            ended = [worker for worker, since in self._since.items() if now - since >= after]
            for worker in ended:
                del self._since[worker]
            if threading.current_thread() is self._timer:
                self._timer = None
            self._look_again()
        for worker in ended:
            worker.end()

    def _look_again(self) -> None:
        if self._since and self._timer is None:
            self._timer = threading.Timer(IDLE, self.end, [IDLE])
            self._timer.daemon = True
            self._timer.start()


resting = Resting()
_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def _after_fork() -> None:
    for worker in list(_workers):
        worker.forget()
    _workers.clear()
    resting.forget()


@functools.cache
def _watch_this_process() -> None:
    atexit.register(resting.end)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def here(desk: Any) -> Call:
    """Return what calls the methods of a copy of a desk in this process."""
    own = copy.copy(desk)
    return lambda method, *arguments: getattr(own, method)(*arguments)


def _can_start() -> bool:
    """Say whether `sys.executable` is a Python: in a frozen or an embedding program it may be that program."""
    return not getattr(sys, "frozen", False) and Path(sys.executable or "").name.lower().startswith(_INTERPRETERS)


class Crew:
    """Threads that work in turn: the first in this process, each of the others by a process, as soon as that is there.

    Where no process can be started, all work in this one.

    Args:
        desk: whose methods do the work; each thread has its own. Those of a process get it pickled.
        apart: whether there may be processes.
    """

    def __init__(self, desk: Any, *, apart: bool) -> None:
        self._desk = desk
        self._apart = apart and _can_start()
        self._lock = threading.Lock()
        self._first = True
        self._many, self._left = threading.Event(), threading.Event()
        self._workers: list[Worker] = []
        self._own = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._workers:
            worker.release()

    def sit(self) -> None:
        """Begin a thread; returns when it can work."""
        with self._lock:
            first, self._first = self._first, False
        worker = None if first or not self._apart else self._joined()
        self._own.call = here(self._desk) if worker is None else worker.call

    def work(self, task: Callable[[Call], Any]) -> Any:
        """Do a task, in a thread that has begun."""
        return task(self._own.call)

    def expect_many(self) -> None:
        """Say that there is more to do than fits into the hands of all."""
        self._many.set()

    def leave(self) -> None:
        """Wait for no process any more."""
        with self._lock:
            self._left.set()
            for worker in self._workers:
                if not worker.ready:
                    worker.kill()
        self._many.set()

    def _joined(self) -> Worker | None:
        """Return a process that can work; None where there is none, or it is not wanted any more."""
        for worker in self._candidates():
            try:
                worker.begin(self._desk)
            except Exception:  # noqa: BLE001, S112 - it is gone, or cannot read the desk
                continue
            return worker
        return None

    def _candidates(self) -> Iterator[Worker]:
        rested = resting.take()
        if rested is not None:
            self._workers.append(rested)
            yield rested
        self._many.wait()
        if self._left.wait(_PATIENCE):
            return
        with self._lock:
            if self._left.is_set():
                return
            try:
                started = Worker()
            except (OSError, ValueError):  # no process may be started here
                return
            self._workers.append(started)
        yield started
