"""A mapping that cannot be changed, so that an answer may be handed to everyone who has the same panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class FrozenMap(Mapping[str, str]):
    """Texts by key, in a fixed order; hashable, and it pickles.

    Example:
        >>> statuses = FrozenMap({"hypocalcemia": "present"})
        >>> statuses["hypocalcemia"], statuses == {"hypocalcemia": "present"}
        ('present', True)
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> str:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"FrozenMap({len(self)})"

    def __reduce__(self) -> tuple[type[FrozenMap], tuple[dict[str, str]]]:
        return FrozenMap, (dict(self._items),)
