"""Work off the event loop: in threads, so many at once, each with a time limit."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from labinterp.service.problems import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Workers:
    """Runs functions in threads.

    A thread cannot be stopped: where an answer takes too long the caller is told so and the thread finishes by itself.
    Until then it counts as pending, so that many slow requests cannot pile up.

    Args:
        threads: how many run at once.
        max_pending: how many may run or wait; further ones are sent away at once.
        timeout: seconds that one may take, waiting included.
        told: called with the number of those that run or wait, each time it changes.
    """

    def __init__(
        self, threads: int, max_pending: int, timeout: float, told: Callable[[int], object] = lambda _: None
    ) -> None:
        self._limiter = anyio.CapacityLimiter(threads)
        self._lock = threading.Lock()
        self._max_pending = max_pending
        self._timeout = timeout
        self._told = told
        self.pending = 0

    @property
    def has_room(self) -> bool:
        """Whether a further request would be taken."""
        return self.pending < self._max_pending

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return self.pending == 0

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Return what the function returns.

        Raises:
            RefusedError: with 503 where there is too much to do, or where it takes too long.
        """
        with self._lock:
            if self.pending >= self._max_pending:
                raise RefusedError(503, "too many requests are being answered", headers={"Retry-After": "1"})
            self.pending += 1
            self._told(self.pending)
        job = _Job(functools.partial(function, *args, **kwargs), self._done)
        try:
            with anyio.fail_after(self._timeout):
                return await anyio.to_thread.run_sync(job, abandon_on_cancel=True, limiter=self._limiter)
        except TimeoutError:
            raise RefusedError(
                503, "the answer was not ready in time", place="body", hint="Send fewer results at once"
            ) from None
        finally:
            job.give_up()

    def _done(self) -> None:
        with self._lock:
            self.pending -= 1
            self._told(self.pending)


class _Job(Generic[_T]):
    """A function that is run once or given up, and says when it is done with."""

    def __init__(self, function: Callable[[], _T], done: Callable[[], None]) -> None:
        self._function = function
        self._done = done
        self._taken = threading.Lock()

    def __call__(self) -> _T:
        if not self._taken.acquire(blocking=False):
            raise RuntimeError("given up before it was run")
        try:
            return self._function()
        finally:
            self._done()

    def give_up(self) -> None:
        """Count as done if it was never run; otherwise the run says so itself."""
        if self._taken.acquire(blocking=False):
            self._done()
