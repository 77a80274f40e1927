"""Pieces of files through a few workers and out again in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from labinterp.engines.processes import Call, Crew, here

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from labinterp.batch.columns import Columns
    from labinterp.engines.manifest import Meter, Problems
    from labinterp.engines.sources import Piece, Reader, Source
    from labinterp.kernel.vector import Ints
    from labinterp.tables.splitter import BadRow


_AHEAD: Final = 1
"""Tasks that wait for a worker, beside the one that is handed out next, so that none waits for a task."""


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


def in_order(
    tasks: Iterable[Callable[[Call], Any]],
    workers: int,
    desk: Any,
    *,
    apart: bool = True,
    give_up: Callable[[Any], None] = lambda _: None,
) -> Generator[Any]:
    """Do tasks side by side, a few ahead of what is asked for, and yield what they return in order.

    Args:
        tasks: each is given what calls the methods of a desk, in this process or in another.
        workers: how many work at a time.
        desk: whose methods do the work; each worker has its own.
        apart: whether all but one are processes, to which the desk, what its methods take and what they return are
            pickled; else all are threads.
        give_up: called with each task that will never be done.
    """
    if workers <= 1:
        call = here(desk)
        for task in tasks:
            yield task(call)
        return
    waiting: deque[tuple[Callable[[Call], Any], Future[Any]]] = deque()
    with (
        Crew(desk, apart=apart) as crew,
        ThreadPoolExecutor(workers, thread_name_prefix="labinterp", initializer=crew.sit) as pool,
    ):
        try:
            for task in tasks:
                waiting.append((task, pool.submit(crew.work, task)))
                if len(waiting) > workers + _AHEAD:
                    crew.expect_many()
                    yield waiting.popleft()[1].result()
            while waiting:
                yield waiting.popleft()[1].result()
        finally:
            for task, future in waiting:
                if future.cancel():
                    give_up(task)
            crew.leave()


def ahead(items: Iterator[Any], workers: int) -> Generator[Any]:
    """Yield what an iterator does; where there is more than one worker, a thread makes the next meanwhile."""
    if workers <= 1:
        yield from items
        return
    with ThreadPoolExecutor(1, thread_name_prefix="labinterp") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


Work = Callable[["Columns", "Ints"], Any]
"""What is done with rows and their numbers; where there are processes, it and what it returns are pickled."""


@attrs.define(eq=False)
class PieceDesk:
    """Reads pieces and works on them, one at a time, wherever it is.

    Args:
        readers: of the sources.
        work: what is done with the rows of a piece.
    """

    readers: tuple[Reader, ...]
    work: Work
    _rows: Columns | None = None

    def read(self, source: int, held: Any) -> tuple[int, tuple[BadRow, ...]]:
        """Read a piece of a source; return how many rows it has, and what could not be used."""
        self._rows, bad = self.readers[source](held)
        return self._rows.rows, bad

    def answer(self, first: int) -> Any:
        """Return what comes of the piece that was read, whose first row has this number."""
        rows, self._rows = self._rows, None
        return None if rows is None else self.work(rows, np.arange(first, first + rows.rows))


@attrs.frozen(eq=False)
class _Task:
    """Reads a piece, learns from the piece before how many rows came before, tells the next, and works."""

    source: Source
    number: int
    piece: Piece
    before: Future[int]
    after: Future[int]

    def __call__(self, call: Call) -> tuple[_Task, int, tuple[BadRow, ...], Any]:
        try:
            rows, bad = call("read", self.number, self.piece.taken())
            first = self.before.result()
        except BaseException as error:
            self.after.set_exception(error)
            raise
        self.after.set_result(first + rows)
        return self, rows, bad, call("answer", first) if rows else None

    def give_up(self) -> None:
        """Let the next task, which may have begun already, wait for this one no longer."""
        self.after.cancel()


def run(
    sources: Iterable[Source],
    pieces: Callable[[Source], Iterator[Piece]],
    work: Work,
    *,
    workers: int,
    meter: Meter,
    problems: Problems,
    apart: bool = True,
) -> Iterator[tuple[Source, Count, Any]]:
    """Yield in order, piece by piece, the source, the rows that the piece adds to its counts, and what work returned.

    Args:
        sources: the inputs.
        pieces: makes the pieces of a source.
        work: called with rows and their numbers; not called for a piece without rows.
        workers: how many pieces are worked on at a time.
        meter: told of progress.
        problems: told of bad rows.
        apart: as in `in_order`.
    """
    sources = list(sources)
    total = max(1, sum(source.size for source in sources))
    passed = {source: sum(earlier.size for earlier in sources[:i]) for i, source in enumerate(sources)}

    def tasks() -> Iterator[_Task]:
        before: Future[int] = Future()
        before.set_result(0)
        for number, source in enumerate(sources):
            for piece in pieces(source):
                after: Future[int] = Future()
                yield _Task(source=source, number=number, piece=piece, before=before, after=after)
                before = after

    desk = PieceDesk(tuple(source.reader for source in sources), work)
    with closing(in_order(tasks(), workers, desk, apart=apart, give_up=_Task.give_up)) as answers:
        for task, rows, bad, answer in answers:
            lost = problems.add(task.source.name, bad)
            each = task.source.reading.results_per_row
            yield task.source, Count(rows // each + lost, lost, rows), answer
            del answer
            meter.add(rows, (passed[task.source] + task.piece.position) / total)
