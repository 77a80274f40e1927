"""Files and standard input → frames in the `labinterp` layout; what is wrong is said with the file's name."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from labinterp.cli.checking import read_bytes
from labinterp.cli.printing import clean
from labinterp.errors import InputError, LabInterpError, LayoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

STANDARD_INPUT = "standard input"


@attrs.frozen(eq=False)
class Source:
    """One input.

    Args:
        name: as the user named it.
        sha256: of its bytes.
        size: in bytes.
        table: its results, in the `labinterp` layout.
    """

    name: str
    sha256: str
    size: int
    table: pd.DataFrame = attrs.field(repr=False)


def read_all(
    files: Sequence[str], step: Callable[[str], Any], *, layout: str = "auto", columns: dict[str, str] | None = None
) -> list[Source]:
    """Read every input before anything is done with one of them.

    Raises:
        InputError: if one cannot be read; names it, and the line where there is one.
        LayoutError: if the columns of one fit no layout.
    """
    sources = []
    for i, file in enumerate(files, 1):
        with step(f"Reading {name_of(file)} ({i} of {len(files)})"):
            sources.append(_read(file, layout, columns))
    return sources


def name_of(file: str) -> str:
    """Return what messages call an input."""
    return STANDARD_INPUT if file == "-" else clean(file)


def _read(file: str, layout: str, columns: dict[str, str] | None) -> Source:
    from labinterp import documents

    name, path = name_of(file), Path(file)
    try:
        data = read_bytes(file)
        table = documents.read(data if file == "-" else path, layout, columns=columns)
    except (InputError, LayoutError) as error:
        raise _named(error, name, path) from None
    return Source(name, hashlib.sha256(data).hexdigest(), len(data), table)


def _named(error: LabInterpError, name: str, path: Path) -> LabInterpError:
    """Return the error with the input's name at the start of its message."""
    said = next((said for said in (path.name, "the document", "the text") if error.message.startswith(said)), None)
    message = f"{name}: {error.message}" if said is None else name + error.message.removeprefix(said)
    return type(error)(message, hint=error.hint, **error.data)
