"""An output folder that appears whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import shutil
import time
from typing import TYPE_CHECKING, Any, Final

from labinterp.errors import InputError
from labinterp.places import target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST: Final = "manifest.json"
DRAFTS: Final = ("tests.csv", "default_units.toml")
"""What an audit drafts for the user to complete."""
_OURS: Final = {"results", "findings", "pathways", "problems.csv", "audit", *DRAFTS, MANIFEST}
_LOCK: Final = "running.lock"
_OLD: Final = "old-"
_GRACE: Final = 60.0
"""Seconds within which a folder without a lock may be one that is just being made."""


def _mark(out: Path) -> str:
    return f".{out.name}.labinterp-"


@contextlib.contextmanager
def workplace(out: Path, *, force: bool) -> Iterator[Path]:
    """Give a temporary folder beside `out`, whose folder `out` becomes `out` when the block ends; it always vanishes.

    Folders of runs that were killed are removed first.

    Args:
        out: must not exist yet, or be an empty folder.
        force: replace it if it holds an output of labinterp.

    Raises:
        InputError: if `out` is there already, or cannot be written.
    """
    out = target(out)
    check(out, force=force)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(out)
        place = out.parent / f"{_mark(out)}{os.getpid()}-{secrets.token_hex(4)}"
        place.mkdir(mode=0o700)
        (place / "out").mkdir()
    except OSError as error:
        raise InputError(f"the output folder cannot be made: {error.strerror}", hint="Choose another place") from None
    try:
        with _locked(place / _LOCK):
            yield place
            _publish(place / "out", out, force=force)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def check(out: Path, *, force: bool) -> None:
    """Refuse a folder that is not to be written.

    Args:
        out: must not exist yet, or be an empty folder.
        force: it may hold an output of labinterp, and nothing else.

    Raises:
        InputError: if `out` is there already.
    """
    if not out.exists():
        return
    if out.is_dir() and not any(out.iterdir()):
        return
    if not (out.is_dir() and (out / MANIFEST).is_file() and {entry.name for entry in out.iterdir()} <= _OURS):
        raise InputError(f"{out.name} is there already and is no output of labinterp", hint="Choose another folder")
    if not force:
        raise InputError(f"{out.name} is there already", hint="Choose another folder, or pass force=True to replace it")


def _publish(made: Path, out: Path, *, force: bool) -> None:
    check(out, force=force)
    old = out.parent / f"{_mark(out)}{_OLD}{secrets.token_hex(4)}"
    if out.exists():
        out.replace(old)
    made.replace(out)
    shutil.rmtree(old, ignore_errors=True)


def _remove_stale(out: Path) -> None:
    """Remove what runs that were killed left behind; an output that one was about to replace is put back."""
    for place in out.parent.glob(f"{glob.escape(_mark(out))}*"):
        if not place.is_dir() or _is_alive(place):
            continue
        if place.name.startswith(f"{_mark(out)}{_OLD}") and not out.exists():
            place.replace(out)
        else:
            shutil.rmtree(place, ignore_errors=True)


def _is_alive(place: Path) -> bool:
    lock = place / _LOCK
    if lock.exists() or _OLD in place.name:
        return _is_locked(lock)
    return time.time() - place.stat().st_mtime < _GRACE


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process."""
    with path.open("w") as file:
        _lock(file)
        yield


def _lock(file: Any) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_locked(path: Path) -> bool:
    """Say whether a running process holds a folder; on Windows, a file that is open cannot be removed."""
    try:
        with path.open("r+") as file:
            if not _lock(file):
                return True
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
