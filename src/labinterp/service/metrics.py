"""What the service counts, as Prometheus reads it: requests, times, what results came to; never a value or an id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counts of one application.

    Args:
        pending: how many answers are being made or wait.

    Example:
        >>> metrics = Metrics(lambda: 0)
        >>> metrics.answered("interpret", "POST", 200, 0.01)
        >>> metrics.interpreted({"": 2, "missing_unit": 1})
        >>> b'labinterp_problems_total{code="missing_unit"} 1.0' in metrics.shown()
        True
    """

    def __init__(self, pending: Callable[[], int]) -> None:
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
        gauge = Gauge("labinterp_pending", "Answers that are being made or wait", registry=self._registry)
        gauge.set_function(pending)

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
        return generate_latest(self._registry)
