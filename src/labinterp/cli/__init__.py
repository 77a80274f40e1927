"""The command line, `labinterp`: thin, on click and rich (extra `cli`)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from labinterp._version import __version__
from labinterp.cli.exits import USAGE
from labinterp.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(args: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0 done; 1 a finding at or above `--fail-on`, or a report that `verify` cannot make again; 2 usage; 3 unreadable
    input or unknown layout; 4 rows with problems under `--strict`; 70 an error of labinterp itself; 74 a disk
    that is full or cannot be written; 129 hung up; 130 interrupted; 141 the reader of standard output went away; 143
    terminated.

    Args:
        args: the words after the command's name; those of the process if left out.

    Example:
        >>> main(["convert", "1.8", "mg/dL", "mmol/L", "--analyte", "magnesium"])
        0.740588 mmol/L
        0
    """
    try:
        import click  # noqa: F401 - an extra
        import rich  # noqa: F401 - an extra
    except ImportError as error:
        if list(sys.argv[1:] if args is None else args) == ["--version"]:
            print(f"labinterp {__version__}")  # noqa: T201 - needs no extra
            return 0
        missing = MissingExtraError.from_extra(error.name or "click", "cli")
        others = "with pipx: pipx install 'labinterp[all]'; with uv: uvx --from 'labinterp[all]' labinterp"
        print(f"labinterp: {missing}; {others}", file=sys.stderr)  # noqa: T201 - there is nothing else to print with
        return USAGE
    from labinterp.cli.app import run

    return run(args)
