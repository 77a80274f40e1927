"""A mapping that cannot be changed, so that an answer may be handed to everyone who has the same panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class FrozenMap(Mapping[str, Any]):
    """Values by key, in a fixed order; hashable if they are, and it pickles.

    Example:
        >>> statuses = FrozenMap({"hypocalcemia": "present"})
        >>> statuses["hypocalcemia"], statuses == {"hypocalcemia": "present"}
        ('present', True)
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Any]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default; `Mapping` would raise and catch an error where it is not there."""
        return self._items.get(key, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"FrozenMap({len(self)})"

    def __reduce__(self) -> tuple[type[FrozenMap], tuple[dict[str, Any]]]:
        return FrozenMap, (dict(self._items),)


def frozen(value: Any) -> Any:
    """Return JSON-ready data that cannot be changed: mappings as `FrozenMap`, lists as tuples, at every depth.

    Example:
        >>> frozen({"ranges": ["us"]})["ranges"]
        ('us',)
    """
    if isinstance(value, Mapping):
        return FrozenMap({key: frozen(item) for key, item in value.items()})
    return tuple(map(frozen, value)) if isinstance(value, (list, tuple)) else value


def thawed(value: Any) -> Any:
    """Return what `frozen` was given, or equal data: mappings as dicts, tuples as lists, at every depth.

    Example:
        >>> thawed(frozen({"ranges": ["us"]}))
        {'ranges': ['us']}
    """
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    return list(map(thawed, value)) if isinstance(value, tuple) else value
