"""Pieces of files through a few threads and out again in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from labinterp.batch.columns import Columns
    from labinterp.engines.manifest import Meter, Problems
    from labinterp.engines.sources import Piece, Source
    from labinterp.kernel.vector import Ints
    from labinterp.tables.splitter import BadRow


@attrs.define
class Count:
    """Rows of one input."""

    rows: int = 0
    bad_rows: int = 0
    results: int = 0

    def add(self, more: Count) -> None:
        """Add the rows of a piece."""
        self.rows += more.rows
        self.bad_rows += more.bad_rows
        self.results += more.results


def in_order(tasks: Iterable[Callable[[], Any]], workers: int) -> Generator[Any]:
    """Run tasks in threads, a few ahead of what is asked for, and yield what they return in order."""
    if workers <= 1:
        for task in tasks:
            yield task()
        return
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="labinterp") as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(task))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in reversed(waiting):  # the last first: none is left to wait for one that never runs
                future.cancel()


@attrs.frozen(eq=False)
class _Task:
    """Reads a piece, learns from the piece before how many rows came before, tells the next, and works."""

    source: Source
    piece: Piece
    work: Callable[[Columns, Ints], Any]
    before: Future[int]
    after: Future[int]

    def __call__(self) -> tuple[_Task, int, tuple[BadRow, ...], Any]:
        try:
            table, bad = self.piece.read()
            first = self.before.result()
        except BaseException as error:
            self.after.set_exception(error)
            raise
        rows = table.rows
        self.after.set_result(first + rows)
        answer = self.work(table, np.arange(first, first + rows)) if rows else None
        return self, rows, bad, answer


def run(
    sources: Iterable[Source],
    pieces: Callable[[Source], Iterator[Piece]],
    work: Callable[[Columns, Ints], Any],
    *,
    workers: int,
    meter: Meter,
    problems: Problems,
) -> Iterator[tuple[Source, Count, Any]]:
    """Yield in order, piece by piece, the source, the rows that the piece adds to its counts, and what work returned.

    Args:
        sources: the inputs.
        pieces: makes the pieces of a source.
        work: called in a thread with rows and their numbers; not called for a piece without rows.
        workers: threads.
        meter: told of progress.
        problems: told of bad rows.
    """
    sources = list(sources)
    total = max(1, sum(source.size for source in sources))
    passed = {source: sum(earlier.size for earlier in sources[:i]) for i, source in enumerate(sources)}

    def tasks() -> Iterator[_Task]:
        before: Future[int] = Future()
        before.set_result(0)
        for source in sources:
            for piece in pieces(source):
                after: Future[int] = Future()
                yield _Task(source=source, piece=piece, work=work, before=before, after=after)
                before = after

    with closing(in_order(tasks(), workers)) as answers:
        for task, rows, bad, answer in answers:
            lost = problems.add(task.source.name, bad)
            each = task.source.reading.results_per_row
            yield task.source, Count(rows // each + lost, lost, rows), answer
            meter.add(rows, (passed[task.source] + task.piece.position) / total)
