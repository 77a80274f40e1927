"""Best of several runs, and ratios of two things measured in turn."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.frozen
class Row:
    """One line of the table.

    Args:
        what: what is compared.
        ratio: median of the ratios pair by pair.
        goal: the ratio that is aimed at, if there is one.
        seconds: best time of the thing measured.
        base: best time of what it is compared with.
        key: by which `benchmarks.tables` finds it; empty where no table of the documentation shows it.
    """

    what: str
    ratio: float
    goal: float | None
    seconds: float
    base: float
    key: str = ""

    def line(self) -> str:
        """Return the row as text."""
        goal = "" if self.goal is None else f"goal {self.goal:.3g}"
        return f"{self.what:<92} {self.ratio:8.3f}  {goal:<10} {in_words(self.seconds)} against {in_words(self.base)}"

    def as_dict(self) -> dict[str, object]:
        """Return the row as JSON-ready data."""
        return attrs.asdict(self)


def in_words(seconds: float) -> str:
    """Return a time with its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.1e} s"


def compare(
    what: str,
    one: Callable[[], object],
    other: Callable[[], object],
    *,
    goal: float | None = None,
    runs: int = 5,
    loops: int = 1,
    key: str = "",
    clock: Callable[[], float] = time.perf_counter,
) -> Row:
    """Measure two things in turn, after a warm-up, and return the ratio of the first to the second.

    Args:
        what: what is compared.
        one: what is measured.
        other: what it is compared with.
        goal: the ratio that is aimed at, if there is one.
        runs: how often each is measured.
        loops: how often each is called in a run.
        key: by which `benchmarks.tables` finds the row.
        clock: what tells the time; `time.process_time` counts what all threads of this process worked.
    """
    one(), other()
    pairs = [(_once(one, loops, clock), _once(other, loops, clock)) for _ in range(runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    return Row(what, ratio, goal, min(a for a, _ in pairs), min(b for _, b in pairs), key)


def _once(function: Callable[[], object], loops: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(loops):
        taken = function()
    if isinstance(taken, Seconds):
        return float(taken)
    return (clock() - start) / loops


class Seconds(float):
    """A time that a function measured itself; `compare` takes it instead of its own."""


@functools.cache
def _compiled() -> str:
    """Return a folder of bytecode that lasts as long as this process."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def process(code: str) -> Seconds:
    """Return how long a fresh interpreter runs some code, its own start not counted.

    Bytecode is kept from one to the next, as that of an installed wheel is.
    """
    timed = f"import time; t = time.perf_counter(); exec({code!r}); print(time.perf_counter() - t)"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": _compiled()}
    command = [sys.executable, "-c", timed]
    out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - code of ours
    return Seconds(out.stdout)
