"""The manifest: the SHA-256 of every released file of `reference_ranges`, so that none is edited afterwards.

`python tools/edition_manifest.py` adds new files and refuses changed ones; `--check` only compares; `--rewrite`
takes every file as it is, for use before a release.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from labinterp import _data
from labinterp.ranges.library import MANIFEST, PROFILES, released, shipped

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = """\
# The SHA-256 of every released file, made by `python tools/edition_manifest.py`.
# An edition is never edited after its release: a correction is a new edition that supersedes the old one.

[files]
"""


def hashes(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every edition and of the profiles, by path."""
    paths = [*root.glob("*/*.toml"), *(path for path in [root / PROFILES] if path.is_file())]
    return {path.relative_to(root).as_posix(): _data.sha256(path.read_bytes()) for path in sorted(paths)}


def differences(root: Path | None = None) -> tuple[str, ...]:
    """Return how the files differ from the manifest, one sentence each; nothing if they do not.

    Args:
        root: the folder; the shipped one unless said otherwise.
    """
    root = root or shipped().root
    now, then = hashes(root), released(root)
    found = [f"{path}: in the manifest, but missing" for path in then if path not in now]
    found += [f"{path}: not in the manifest; run python tools/edition_manifest.py" for path in now if path not in then]
    found += [
        f"{path}: changed after its release; restore it, and put changes into a new edition that supersedes it"
        for path in now
        if path in then and now[path] != then[path]
    ]
    return tuple(sorted(found))


def text(files: dict[str, str]) -> str:
    """Return the text of a manifest."""
    return _HEAD + "".join(f'"{path}" = "{digest}"\n' for path, digest in sorted(files.items()))


def update(root: Path, *, rewrite: bool = False) -> tuple[str, ...]:
    """Write the manifest and return the refusals: released files that were changed or removed."""
    now, then = hashes(root), released(root)
    refused = (
        ()
        if rewrite
        else tuple(
            line
            for line in differences(root)
            if "not in the manifest" not in line and not line.startswith(f"{PROFILES}:")
        )
    )
    if not refused:
        (root / MANIFEST).write_text(text(now if rewrite else {**then, **now}), encoding="utf-8", newline="\n")
    return refused


def main(arguments: list[str]) -> int:
    """Run as `python tools/edition_manifest.py`."""
    root = shipped().root
    lines = differences(root) if "--check" in arguments else update(root, rewrite="--rewrite" in arguments)
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
