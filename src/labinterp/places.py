"""Where an output is written, and files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from labinterp.errors import InputError


def target(out: Path) -> Path:
    """Return where an output is written: where a symbolic link points, else the place itself.

    Raises:
        InputError: if the link leads back to itself.
    """
    out = Path(out)
    if not out.is_symlink():
        return Path(os.path.abspath(out))  # noqa: PTH100 - links on the way stay
    try:
        found = out.resolve()
    except RuntimeError:  # before Python 3.13
        found = out
    if found.is_symlink():
        raise InputError(f"{out.name} is a link that leads back to itself", hint="Choose another place")
    return found


def write_text(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all; a link stays one, and a pipe or device is written to."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path = target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        work.write_text(text, encoding="utf-8")
        work.replace(path)
    finally:
        work.unlink(missing_ok=True)
