"""Too little memory, or a full disk: an `InputError` that names what to change."""

from __future__ import annotations

import contextlib
import errno
import sys
from typing import TYPE_CHECKING, Final

from labinterp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY: Final = "memory"
DISK: Final = "disk"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_TEXTS: Final = ("No space left", "max_temp_directory_size", "Disk quota exceeded")
"""How DuckDB says that its temporary folder can take no more; the second comes in an error on memory."""


@contextlib.contextmanager
def told(memory: str, disk: str | None = None, *, database: str | None = None) -> Iterator[None]:
    """Say what to change where a block runs out of memory or room on the disk.

    Args:
        memory: the hint where the process has no more memory.
        disk: the hint where the disk is full; None where the block writes nothing.
        database: the hint where DuckDB has no more memory within its limit; `memory` where there is none.

    Raises:
        InputError: in place of that; `exhausted` is `"memory"` or `"disk"`.

    Example:
        >>> with told("Take fewer rows"):
        ...     raise MemoryError
        Traceback (most recent call last):
        labinterp.errors.InputError: there is not enough memory. Take fewer rows
    """
    try:
        yield
    except MemoryError:
        raise _error(MEMORY, memory) from None
    except OSError as error:
        if disk is None or error.errno not in _FULL:
            raise
        raise _error(DISK, disk) from None
    except Exception as error:
        what = _of_duckdb(error)
        if what is None:
            raise
        raise _error(what, database or memory if what == MEMORY else disk or memory) from None


def _error(what: str, hint: str) -> InputError:
    message = "there is not enough memory" if what == MEMORY else "there is no room left on the disk"
    return InputError(message, hint=hint, exhausted=what)


def _of_duckdb(error: Exception) -> str | None:
    """Return what DuckDB ran out of, or None where it did not."""
    duckdb = sys.modules.get("duckdb")
    if duckdb is None or not isinstance(error, duckdb.Error):
        return None
    if any(text in str(error) for text in _FULL_TEXTS):
        return DISK
    return MEMORY if isinstance(error, duckdb.OutOfMemoryException) else None
