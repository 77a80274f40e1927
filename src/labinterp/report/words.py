"""Codes → the words in which they are shown to people; the words are data, in `words.toml`."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from labinterp._data import knowledge, read_toml
from labinterp.reading import analytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labinterp.model import Interpretation

_DIGITS: Final = (4, 5, 6, 8, 10, 12)
_CLOSE: Final = 1e-9
_LONGEST: Final = 160


@functools.cache
def words() -> Mapping[str, Any]:
    """Return every table of words."""
    return read_toml(Path(str(files("labinterp.report") / "words.toml")))


def word(table: str, code: str | None) -> str:
    """Return the word for a code; a code without one is shown as it is, with spaces.

    Example:
        >>> word("level", "borderline_low"), word("support", "some_new_code"), word("flag", None)
        ('borderline low', 'some new code', '')
    """
    if code is None:
        return ""
    return str(words()[table].get(code, spaced(code)))


def on_limit(item: Interpretation) -> str:
    """Return on which side a value counts that lies on a limit, nothing where it lies on none.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("magnesium", 1.6, "mg/dL")], li.Patient(age=50))
        >>> on_limit(report.interpretations[0])
        'the value lies on a limit, where it counts as normal'
    """
    if item.flag is None or "near_limit" not in item.notes:
        return ""
    return word("limit", "on").format(level=word("level", item.level))


def spaced(code: str) -> str:
    """Return a code with spaces in place of underscores."""
    return code.replace("_", " ")


def known(table: str, code: str | None) -> str:
    """Return a code that has a word, else `unknown`: what may become the name of a style."""
    return code if code is not None and code in words()[table] else "unknown"


def analyte_title(key: str | None) -> str:
    """Return the name of an analyte.

    Example:
        >>> analyte_title("vitamin_d")
        '25-hydroxyvitamin D'
    """
    analyte = analytes.analytes().get(key or "")
    return spaced(key or "") if analyte is None else analyte.title


@functools.cache
def _titles(name: str, table: str) -> dict[str, str]:
    return {item["id"]: item["title"] for item in knowledge(name)[table]}


def node_title(node: str | None) -> str:
    """Return the name of a node of the mechanism graph, or of a state that is none.

    Example:
        >>> node_title("nerve_overexcitability"), node_title("renal_impairment")
        ('Overexcitable motor nerves discharge repeatedly', 'Renal impairment')
    """
    if not node:
        return ""
    found = _titles("mechanisms.toml", "node").get(node) or _titles("states.toml", "state").get(node) or spaced(node)
    return found[0].upper() + found[1:]


def observed(node: str, observation: str) -> str:
    """Say what is known of a node: what results show, or, of a symptom, what the patient tells.

    Example:
        >>> observed("hypocalcemia", "confirmed"), observed("fasciculation", "confirmed")
        ('seen in the results', 'told by the patient')
    """
    return word("told" if is_symptom(node) else "observation", observation)


def is_symptom(node: str) -> bool:
    """Return whether a node of the mechanism graph is a symptom, which no result shows."""
    return node in _symptom_nodes()


@functools.cache
def _symptom_nodes() -> frozenset[str]:
    return frozenset(node["id"] for node in knowledge("mechanisms.toml")["node"] if node["kind"] == "symptom")


def finding_title(code: str) -> str:
    """Return the name of a finding.

    Example:
        >>> finding_title("hypocalcemia")
        'Hypocalcemia: low calcium'
    """
    return _finding_titles().get(code, code)


@functools.cache
def _finding_titles() -> dict[str, str]:
    findings = (state["finding"] for state in knowledge("states.toml")["state"] if "finding" in state)
    return {finding["code"]: finding["title"] for finding in findings}


def symptom_title(key: str) -> str:
    """Return the name of a symptom."""
    return _titles("symptoms.toml", "symptom").get(key, spaced(key))


def shown(value: float | None, beside: Iterable[float | None] = ()) -> str:
    """Return a number for people: four significant digits, and more where it would look equal to a number beside it.

    Args:
        value: the number.
        beside: limits that it will be compared with by eye.

    Example:
        >>> shown(0.4525817), shown(1.11999), shown(1.11999, [1.12]), shown(25500.0)
        ('0.4526', '1.12', '1.11999', '25500')
    """
    if value is None or not math.isfinite(value):
        return ""
    others = [other for other in beside if other is not None and not math.isclose(value, other, rel_tol=_CLOSE)]
    text = ""
    for digits in _DIGITS:
        text = _plain(value, digits)
        if all(float(text) != float(_plain(other, digits)) for other in others):
            break
    return text


def _plain(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 10**15 else text


def sent(value: Any) -> str:
    """Return a value as it was sent, cut where it is longer than anything sensible."""
    if value is None:
        return ""
    quantity = hasattr(value, "magnitude") and hasattr(value, "units")
    text = f"{value.magnitude} {value.units:~}" if quantity else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def setting(value: Any) -> str:
    """Return a setting for people; what holds nothing is `not set`.

    Example:
        >>> setting({}), setting(("a", "b")), setting({"Mg": "mg/dL"}), setting(False)
        ('not set', 'a, b', 'Mg: mg/dL', 'no')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return sent(", ".join(f"{key}: {item}" for key, item in value.items())) or "not set"
    if isinstance(value, list | tuple):
        return sent(", ".join(map(str, value))) or "not set"
    return sent(value) or "not set"
