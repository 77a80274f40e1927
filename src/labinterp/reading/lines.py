"""One typed line, such as `25(OH)D 9 ng/mL (30-100) L` → the row of a table.

Names hold spaces and digits, so that no sign says where a name ends: the longest beginning that is a known name, and
behind which all can be read, is the name. Nothing that stands in a line is passed over.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

from labinterp.errors import InputError
from labinterp.reading import analytes, flags, reported_range, times, units, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_LENGTH: Final = 300
"""Longest line that is read."""

_FORM: Final = "Write NAME VALUE UNIT, and behind them range and flag if there are: vitamin B12 200 pg/mL (200-900) L"
_MOST_WORDS: Final = 40
_LOOK: Final = 20
_VALUE_WORDS: Final = 4
_UNIT_WORDS: Final = 3
_JOINED: Final = re.compile(r"(?<=[^\s\d<>=:≤≥])(?=[:=<>≤≥]{1,2} ?[-+]?[.,]?[0-9])")
"""Where a sign follows a name without a space, as in `Mg=1.1` and `Mg<0.5`."""
_BETWEEN: Final = " :=\t"
_SIGNS: Final = "<>≤≥=-\N{EN DASH}"
_BULLET: Final = re.compile("^(?:[-*•·\N{EN DASH}]|[0-9]{1,2}[.)])\\s+")


def read_line(text: str, tests: analytes.TestMap | None = None) -> dict[str, str]:
    """Read a line as a row of the `labinterp` layout.

    Args:
        text: name, value and unit, and as far as known range, flag and date.
        tests: what the caller says of local names and codes.

    Returns:
        `test` and `value`, and as far as they stand there `unit`, `reference_range`, `reported_flag` and
        `collected_at`; a name that is not known stays as it is.

    Raises:
        InputError: if the line cannot be read whole. The message repeats nothing of it.

    Example:
        >>> read_line("vitamin B12 200 pg/mL (200-900)")
        {'test': 'vitamin B12', 'value': '200', 'unit': 'pg/mL', 'reference_range': '(200-900)'}
        >>> read_line("Mg: <0,5 mmol/l")
        {'test': 'Mg', 'value': '<0,5', 'unit': 'mmol/l'}
    """
    words = _words(text)
    by_length = [(" ".join(words[:i]).rstrip(_BETWEEN), words[i:]) for i in range(len(words) - 1, 0, -1)]
    by_length = [(name, rest) for name, rest in by_length if _is_name(name, rest[0], tests)]
    known = [(name, rest) for name, rest in by_length if _is_known(name, tests)]
    for name, rest in (*known, *by_length):
        found = _measured(rest)
        if found is not None and ("unit" in found or _is_known(name, tests)):
            return {"test": name, **found}
    for name, rest in known:
        said = " ".join(rest).strip(_BETWEEN)
        if said and not any(map(str.isdigit, said)) and len(said) <= values.MAX_LENGTH:
            return {"test": name, "value": said}  # such as "hemolyzed"
    raise InputError(_fault(words, known=bool(known) or _is_known(" ".join(words), tests)), hint=_FORM)


_DIVIDERS = frozenset(",;\t|")


def looks_typed(text: str) -> bool:
    r"""Return whether a text is a list of such lines: at least half of its first lines are, with names that are known.

    A first line that is none and has the signs of a table is a line of headings.

    Example:
        >>> looks_typed("Mg 1.1 mg/dL\nCa 7,9 mg/dL"), looks_typed("test,value,unit\nMg,1.1,mg/dL")
        (True, False)
    """
    lines = list(itertools.islice((line for line in text.splitlines() if line.strip()), _LOOK))
    if not lines or 2 * sum(map(_reads, lines)) < len(lines):
        return False
    return _reads(lines[0]) or not set(lines[0]) & _DIVIDERS


def _reads(line: str) -> bool:
    try:
        rows = read_lines(line)
    except InputError:
        return False
    return any(_is_known(row["test"], None) and values.parse_text(row["value"]).number is not None for row in rows)


def read_lines(text: str, tests: analytes.TestMap | None = None) -> list[dict[str, str]]:
    r"""Read every line of a text that is not empty; semicolons, and commas before a space, divide as lines do.

    Raises:
        InputError: if one cannot be read; names the line.

    Example:
        >>> [row["test"] for row in read_lines("Mg 1.1 mg/dL, Ca 7,9 mg/dL\n\n25OHD <8 ng/mL")]
        ['Mg', 'Ca', '25OHD']
    """
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            rows += [row for part in line.split(";") if part.strip() for row in _of_part(part, tests)]
        except InputError as error:
            raise InputError(f"line {number} cannot be read: {error.message}", hint=_FORM, line=number) from None
    return rows


def _of_part(text: str, tests: analytes.TestMap | None) -> list[dict[str, str]]:
    """Read one result, or several with commas between them."""
    try:
        return [read_line(text, tests)]
    except InputError:
        parts = [part for part in re.split(r",\s", text) if part.strip()]
        if len(parts) < 2 or len(text) > MAX_LENGTH:  # noqa: PLR2004 - one is the text itself
            raise
        return [read_line(part, tests) for part in parts]


def _words(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise InputError(f"a result has more than {MAX_LENGTH} characters", hint=_FORM)
    text = _BULLET.sub("", _JOINED.sub(" ", text.strip()))
    words = text.strip(" ,;\t").split()
    if len(words) > _MOST_WORDS:
        raise InputError(f"a result has more than {_MOST_WORDS} words", hint=_FORM)
    return words


def _is_known(name: str, tests: analytes.TestMap | None) -> bool:
    """Return whether a name is one of ours, or known to be another test."""
    return bool(name) and analytes.resolve(name, tests=tests).reason != "unknown"


def _is_name(name: str, behind: str, tests: analytes.TestMap | None) -> bool:
    """Return whether a text can be a name: it has a letter, holds no value with its unit and no sign of a value."""
    words = name.split()
    if not words or words[-1][-1] in _SIGNS or not behind.strip(_BETWEEN):
        return False
    if not any(map(str.isalpha, name)) and not _is_known(name, tests):
        return False
    return not any(
        number[-1].isdigit() and values.parse_text(number).problem is None and units.resolve(unit).code is not None
        for number, unit in itertools.pairwise(words)
    )


def _measured(words: Sequence[str]) -> dict[str, str] | None:
    """Read value, unit, range and flag, one reading with a unit before those without; None where words are left."""
    words = [words[0].lstrip(_BETWEEN), *words[1:]]
    without_unit = None
    for count in range(1, min(len(words), _VALUE_WORDS) + 1):
        value = " ".join(words[:count])
        parsed = values.parse_text(value)
        if parsed.problem == "not_numeric":
            continue
        if parsed.unit_text is not None:
            alone = value.replace(parsed.unit_text, "", 1).strip()
            value = alone if values.parse_text(alone).number == parsed.number else value
        for unit, rest in _units(words[count:], parsed.unit_text):
            behind = _behind(rest)
            if behind is None:
                continue
            if unit:
                return {"value": value, "unit": unit, **behind}
            without_unit = without_unit or {"value": value, **behind}
    return without_unit


def _units(words: Sequence[str], written: str | None) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what may be the unit, and the rest: spellings that are known first, the longest of them first."""
    if written is not None:
        yield written, words
        return
    for count in range(min(len(words), _UNIT_WORDS), 0, -1):
        unit = " ".join(words[:count])
        for spelled in dict.fromkeys((unit, unit.rstrip(",;"))):
            if units.resolve(spelled).code is not None:
                yield spelled, words[count:]
    yield "", words
    if words and any(map(str.isalpha, words[0])) and _kind(words[0]) is None:
        yield words[0], words[1:]  # a unit that is not known: the result says so


def _behind(words: Sequence[str]) -> dict[str, str] | None:
    """Read what stands behind the unit: a range, a flag and a date in any order; None where it is something else."""
    if not words:
        return {}
    for first in range(len(words), 0, -1):
        text = " ".join(words[:first]).strip(",;")
        kind = _kind(text)
        if kind is None:
            continue
        rest = _behind(words[first:])
        if rest is not None and kind not in rest:
            return {kind: text, **rest}
    return None


def _kind(text: str) -> str | None:
    if flags.is_flag(text):
        return "reported_flag"
    if any(map(str.isdigit, text)) and reported_range.readings(text):
        return "reference_range"
    return "collected_at" if times.read_moment(text) is not None else None


def _fault(words: Sequence[str], *, known: bool) -> str:
    if not words:
        return "there is no result"
    if not any(any(map(str.isdigit, word)) for word in words):
        return "no value is found in the result" if known else "neither a known name nor a value is found in the result"
    if not any(map(str.isalpha, words[0])):
        return "the name of the test is missing"
    if known:
        return "what stands behind the name of the test is not understood: a value, a unit, a range and a flag are"
    return "where the name of the test ends is not clear, for the name or the unit is not known"
