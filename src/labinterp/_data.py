"""Where the packaged data lie: in the wheel beside the code, in a checkout at its top level."""

from __future__ import annotations

import functools
import hashlib
import tomllib
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

_PACKAGE = Path(str(files("labinterp")))


def knowledge_path(name: str) -> Path:
    """Return the path of a file of `labinterp/knowledge`."""
    return _PACKAGE / "knowledge" / name


def reference_ranges_path() -> Path:
    """Return the folder of the editions: the wheel's if there is one, else the checkout's.

    Raises:
        FileNotFoundError: if neither exists, which means a broken installation.
    """
    for folder in (_PACKAGE / "reference_ranges", _PACKAGE.parents[1] / "reference_ranges"):
        if (folder / "manifest.toml").is_file():
            return folder
    raise FileNotFoundError("labinterp's reference_ranges folder is missing; install the package again")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file with decimal numbers kept as printed."""
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


@functools.cache
def knowledge(name: str) -> dict[str, Any]:
    """Read a TOML file of `labinterp/knowledge`, once."""
    return read_toml(knowledge_path(name))


def words_path(name: str) -> Path:
    """Return the path of a file of `labinterp/words`."""
    return _PACKAGE / "words" / name


@functools.cache
def words(name: str) -> dict[str, Any]:
    """Read a TOML file of `labinterp/words`, once."""
    return read_toml(words_path(name))


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal, line ends counted as a Unix checkout has them."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()
