"""How close two numbers lie that count as one, wherever one of them was converted or is shown shortened."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

TOLERANCE: Final = Fraction(1, 10**9)
"""As a part of the number: far more than rounding makes, far less than any laboratory prints."""
ROUNDED: Final = float(TOLERANCE)
"""The same, for floats."""
