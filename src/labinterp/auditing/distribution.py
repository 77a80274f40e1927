"""The distribution of a group of results, in a bounded memory whatever the number of rows, and mergeable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from labinterp.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EXACT: Final = 4096
"""Up to as many values are kept as they are; beyond, a KLL sketch takes their place."""
_K: Final = 1000  # a normalized rank error of about 0.3 %, by the sketch's own table


class Distribution:
    """Logarithms of positive values: exact while they are few, then a sketch.

    Example:
        >>> found = Distribution()
        >>> found.add(np.array([1.0, 2.0, 4.0]))
        >>> found.count, float(np.exp(found.quantiles([0.5])[0]))
        (3, 2.0)
    """

    __slots__ = ("_parts", "_sketch", "count")

    def __init__(self) -> None:
        self.count = 0
        self._parts: list[NDArray[np.float64]] = []
        self._sketch: Any = None

    def add(self, values: NDArray[np.float64]) -> None:
        """Add positive finite values."""
        logs = np.log(values)
        self.count += len(logs)
        if self._sketch is None:
            self._parts.append(logs)
            if self.count <= EXACT:
                return
            self._sketch = _sketch()
            logs = np.concatenate(self._parts)
            self._parts = []
        self._sketch.update(logs)

    def merge(self, other: Distribution) -> None:
        """Add what another distribution holds."""
        if other._sketch is None:
            for part in other._parts:
                self.add(np.exp(part))
            return
        if self._sketch is None:
            self._sketch = _sketch()
            if self._parts:
                self._sketch.update(np.concatenate(self._parts))
                self._parts = []
        self._sketch.merge(other._sketch)
        self.count += other.count

    def quantiles(self, shares: Sequence[float]) -> NDArray[np.float64]:
        """Return quantiles of the logarithms; NaN where there is no value."""
        if not self.count:
            return np.full(len(shares), np.nan)
        if self._sketch is None:
            return np.quantile(self._values(), shares)
        return np.asarray(self._sketch.get_quantiles(list(shares)), dtype=np.float64)

    def counts(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many logarithms lie between each two neighbors of `edges`; what lies beyond is left out."""
        if self._sketch is None:
            return np.histogram(self._values(), edges)[0].astype(np.float64)
        shares = np.asarray(self._sketch.get_pmf(edges.tolist()), dtype=np.float64)
        return shares[1:-1] * self.count

    def _values(self) -> NDArray[np.float64]:
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0] if self._parts else np.empty(0)


def _sketch() -> Any:
    try:
        from datasketches import kll_doubles_sketch
    except ImportError as error:
        raise MissingExtraError.from_extra("datasketches", "audit") from error
    return kll_doubles_sketch(_K)
