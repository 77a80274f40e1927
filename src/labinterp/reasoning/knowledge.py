"""The sources of the knowledge: citations, version and hash."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from labinterp import _data
from labinterp.model import Citation, Coding
from labinterp.words import problems, sentences, uris

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILES = ("citations", "claims", "guidance", "mechanisms", "states", "symptoms")


def read(name: str) -> dict[str, Any]:
    """Return the data of one file of the reasoning's knowledge, such as `states`."""
    return _data.knowledge(f"{name}.toml")


@functools.cache
def sources() -> Mapping[str, Citation]:
    """Return every source by its id, without a locator."""
    return {
        item["id"]: Citation(item["id"], item["text"], None, item.get("url")) for item in read("citations")["citation"]
    }


def citations(items: Iterable[Mapping[str, str]]) -> tuple[Citation, ...]:
    """Return the sources that data name by id, each with its locator."""
    known = sources()
    found = ((known[item["id"]], item.get("locator")) for item in items)
    return tuple(Citation(source.id, source.text, locator, source.url) for source, locator in found)


def codings(items: Iterable[Mapping[str, str]]) -> tuple[Coding, ...]:
    """Return the HPO terms that data name."""
    return tuple(Coding(uris.HPO, item["code"], item["display"]) for item in items)


def knowledge_version() -> str:
    """Return the version of the mechanisms and decision tables; it changes without the code's.

    Example:
        >>> knowledge_version().count(".")
        2
    """
    return str(read("mechanisms")["version"])


@functools.cache
def knowledge_sha256() -> str:
    """Return the SHA-256 over every file of `labinterp/knowledge` and the sentences of reports, by name.

    Example:
        >>> len(knowledge_sha256())
        64
    """
    files = [*_data.knowledge_path("").glob("*.toml"), *map(_data.words_path, (sentences.FILE, problems.FILE))]
    paths = sorted(files, key=lambda path: path.name)
    lines = [f"{path.name} {_data.sha256(path.read_bytes())}\n" for path in paths]
    return _data.sha256("".join(lines).encode())
