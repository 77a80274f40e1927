"""In an interface engine's folder: each `*.hl7` is answered, then moved; nothing is lost whenever this is stopped.

Run: python examples/hl7_folder.py FOLDER [--once]

    FOLDER/*.hl7      messages; the engine renames them into place once they are whole
    FOLDER/answers/   ORU^R01 with our flags and notes
    FOLDER/done/      messages that were answered
    FOLDER/refused/   messages that cannot be read, each with the reason beside it in `.txt`

An interface that speaks MLLP needs no folder to read from: `labinterp listen --to FOLDER`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

import labinterp as li
from labinterp.messages import hl7v2

PAUSE = 1.0


def write(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing, and that it outlives a loss of power."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def answer(source: Path) -> bool:
    """Answer one message, and only then move it; say whether it could be read."""
    message = source.read_bytes()
    # The name follows from the message: one that is answered again, after a crash, replaces its own answer alone.
    name = f"{source.stem}.{hashlib.sha256(message).hexdigest()[:12]}"
    folder = source.parent
    try:
        reports = hl7v2.interpret_hl7v2_batch(message)
        if not reports:
            raise li.InputError("the message has no results")
    except li.LabInterpError as error:
        write(folder / "refused" / f"{name}.txt", f"{error}\n")  # our errors name no patient and no value
        source.replace(folder / "refused" / f"{name}.hl7")
        return False
    write(folder / "answers" / f"{name}.hl7", hl7v2.to_oru(reports))
    source.replace(folder / "done" / f"{name}.hl7")
    return True


def one_round(folder: Path) -> tuple[int, int]:
    """Answer what lies in the folder, oldest name first; return how many were answered and how many refused."""
    for name in ("answers", "done", "refused"):
        (folder / name).mkdir(exist_ok=True)
    counts = [0, 0]
    for source in sorted(folder.glob("[!.]*.hl7")):
        try:
            counts[not answer(source)] += 1
        except OSError as error:  # a full disk, say: the message stays where it is, for the next round
            print(f"a message waits: {type(error).__name__}", file=sys.stderr)
    return counts[0], counts[1]


def main(folder: Path, *, once: bool) -> None:
    """Go round until interrupted."""
    while True:
        answered, refused = one_round(folder)
        if once or answered or refused:
            print(f"{answered} answered, {refused} refused")
        if once:
            return
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(Path(sys.argv[1]), once="--once" in sys.argv[2:])
