"""Exit codes that are needed before an extra is found."""

from typing import Final

USAGE: Final = 2
