"""What was made of objects that are handed out again and again, kept by identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class Kept(Generic[_T]):
    """A function that remembers what it gave for an object, and for the same plain arguments beside it.

    For frozen objects that a cache hands to everyone, whose hash would be worked out anew over all that they hold. They
    are held as long as their answers are, so that no other object can have their identity. Nothing of a patient
    belongs here.

    Args:
        make: the function.
        most: how many answers are kept; with one more, all are forgotten.

    Example:
        >>> longest = Kept(max, 100)
        >>> longest(steps := ("a", "c", "b")), longest(steps)
        ('c', 'c')
    """

    def __init__(self, make: Callable[..., _T], most: int) -> None:
        self._make = make
        self._most = most
        self._answers: dict[tuple[Any, ...], tuple[Any, _T]] = {}

    def __call__(self, item: Any, *beside: Any) -> _T:
        """Return what the function gives."""
        key = id(item), *beside
        held = self._answers.get(key)
        if held is not None:
            return held[1]
        answer = self._make(item, *beside)
        if len(self._answers) >= self._most:
            self._answers.clear()
        self._answers[key] = item, answer
        return answer
