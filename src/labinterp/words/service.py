"""What the service says of itself; the words are data, in `service.toml`."""

from __future__ import annotations

from labinterp._data import words


def said(table: str, key: str) -> str:
    """Return what is said of one thing, such as an answer of the API.

    Example:
        >>> said("answer", "health")
        'It is up.'
    """
    return str(words("service.toml")[table][key])
