"""What the service counts, as Prometheus reads it: requests, times, what results came to; never a value or an id."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counts of one application, or of all processes that share a folder of counts.

    Example:
        >>> metrics = Metrics()
        >>> metrics.answered("interpret", "POST", 200, 0.01)
        >>> metrics.interpreted({"": 2, "missing_unit": 1})
        >>> b'labinterp_problems_total{code="missing_unit"} 1.0' in metrics.shown()
        True
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "labinterp_requests", "Requests answered", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "labinterp_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._results = Counter("labinterp_results", "Results taken", registry=self._registry)
        self._problems = Counter(
            "labinterp_problems", "Results that could not be interpreted", ("code",), registry=self._registry
        )
        self._pending = Gauge(
            "labinterp_pending",
            "Answers that are being made or wait",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def pending(self, number: int) -> None:
        """Take how many answers are being made or wait."""
        self._pending.set(number)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def interpreted(self, tally: Mapping[str, int]) -> None:
        """Count results by the problem that they came to, or the empty text."""
        for code, number in tally.items():
            self._results.inc(number)
            if code:
                self._problems.labels(code).inc(number)

    def shown(self) -> bytes:
        """Return the counts in the text format of Prometheus."""
        folder = os.environ.get(_FOLDER)
        if not folder:
            return generate_latest(self._registry)
        for file in Path(folder).glob("gauge_livesum_*.db"):
            process = file.stem.rpartition("_")[2]
            if not _lives(int(process)):
                mark_process_dead(process, folder)  # type: ignore[no-untyped-call]  # the library's own
        together = CollectorRegistry()
        together.register(MultiProcessCollector(None, folder))  # type: ignore[no-untyped-call]  # the library's own
        return generate_latest(together)


@contextlib.contextmanager
def counted_together() -> Iterator[None]:
    """Let the processes that are started within add up their counts, in a folder in memory where there is one.

    The library of Prometheus looks for the folder when it is imported.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    where = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="labinterp-", dir=where, ignore_cleanup_errors=True) as folder:
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def _lives(process: int) -> bool:
    if os.name != "posix":  # where signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
