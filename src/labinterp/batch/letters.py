"""Texts as bytes that lie one after the other, so that what is asked of all is asked at once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labinterp.kernel.vector import Ints

_BLANK: Final = ord(" ")
_LAST: Final = ord("~")
_QUOTE: Final = ord('"')


@attrs.frozen(eq=False)
class Letters:
    """Texts as bytes. What is not ASCII stands there as bytes above 127, or as question marks.

    Args:
        signs: of all texts.
        starts: where each begins.
        lengths: in bytes; 0 for what is no text.
    """

    signs: Ints
    starts: Ints
    lengths: Ints

    @classmethod
    def of(cls, values: Sequence[Any]) -> Letters:
        """Spell values one by one."""
        texts = [value if type(value) is str else "" for value in values]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        signs = np.frombuffer("".join(texts).encode("ascii", "replace"), np.uint8)
        return cls(signs, np.cumsum(lengths) - lengths, lengths)

    @classmethod
    def of_arrow(cls, texts: Any) -> Letters:
        """Take the bytes of an Arrow array of text without a missing one, as they lie in memory."""
        import pyarrow as pa

        _, where, content = texts.buffers()
        wide = np.int64 if pa.types.is_large_string(texts.type) else np.int32
        ends = np.frombuffer(where, wide, len(texts) + 1, texts.offset * np.dtype(wide).itemsize)
        signs = np.frombuffer(b"" if content is None else content, np.uint8)
        return cls(signs, ends[:-1].astype(np.int64), np.diff(ends).astype(np.int64))

    @property
    def are_visible(self) -> bool:
        """Whether there is nothing but visible ASCII."""
        return not len(self.signs) or bool(self.signs.min() > _BLANK and self.signs.max() <= _LAST)

    @property
    def are_quoted(self) -> bool:
        """Whether there is a quotation mark."""
        return bool((self.signs == _QUOTE).any())

    def begin_visibly(self, rows: Ints) -> bool:
        """Say whether each of some texts begins with a visible ASCII character."""
        if not self.lengths[rows].all():
            return False
        first = self.signs[self.starts[rows]]
        return bool(((first > _BLANK) & (first <= _LAST)).all())

    def after_nothing(self) -> Letters:
        """Return the same after an empty text."""
        return Letters(self.signs, np.append(0, self.starts), np.append(0, self.lengths))

    def of_length(self, length: int) -> tuple[Ints, Ints]:
        """Return which texts have so many bytes, and these: place by place, a column a text."""
        rows = np.flatnonzero(self.lengths == length)
        windows = np.lib.stride_tricks.sliding_window_view(self.signs, length)
        return rows, windows[self.starts[rows]].T.copy()


@attrs.frozen(eq=False)
class Texts(Sequence[Any]):
    """Distinct texts as Arrow holds them, which become Python's once one of them is asked for.

    Args:
        array: an Arrow array of text without a missing one.
        before: what comes before them.
    """

    array: Any
    before: tuple[None, ...] = (None,)

    def __len__(self) -> int:
        return len(self.before) + len(self.array)

    def __getitem__(self, at: Any) -> Any:
        if at == 0 and self.before:
            return None
        if at == slice(1, None) and self.before:
            return Texts(self.array, ())
        return self._all[at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all)

    @functools.cached_property
    def _all(self) -> list[Any]:
        return [*self.before, *self.array.to_numpy(zero_copy_only=False).tolist()]

    def take(self, positions: Ints) -> Texts:
        """Return some of the texts alone."""
        return Texts(self.array.take(positions - len(self.before)), ())
