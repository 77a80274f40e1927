"""Keys → the names of what they stand for, as the knowledge gives them."""

from __future__ import annotations

import functools

from labinterp._data import knowledge
from labinterp.words.labels import spaced, word
from labinterp.words.sentences import capital


def analyte(key: str | None) -> str:
    """Return the name of an analyte, as it heads a row.

    Example:
        >>> analyte("vitamin_d"), analyte("calcium")
        ('25-hydroxyvitamin D', 'Calcium, total')
    """
    return _named("analytes.toml", "analyte", "key").get(key or "", spaced(key or ""))


def test(key: str) -> str:
    """Return the name of an analyte's test, as it stands in a sentence.

    Example:
        >>> test("calcium")
        'total calcium'
    """
    return _named("guidance.toml", "test").get(key, spaced(key))


def node(key: str | None) -> str:
    """Return the name of a node of the mechanism graph, or of a state that is none.

    Example:
        >>> node("nerve_overexcitability"), node("renal_impairment")
        ('Overexcitable motor nerves discharge repeatedly', 'Renal impairment')
    """
    if not key:
        return ""
    found = _named("mechanisms.toml", "node").get(key) or _named("states.toml", "state").get(key)
    return capital(found or spaced(key))


def finding(code: str) -> str:
    """Return the name of a finding.

    Example:
        >>> finding("hypocalcemia")
        'Hypocalcemia: low calcium'
    """
    return _findings().get(code, code)


def short(title: str) -> str:
    """Return the title of a finding without what stands behind its name.

    Example:
        >>> short("Hypocalcemia: low calcium"), short("Vitamin D excess")
        ('Hypocalcemia', 'Vitamin D excess')
    """
    return title.partition(":")[0]


def symptom(key: str) -> str:
    """Return the name of a symptom.

    Example:
        >>> symptom("bone_pain")
        'bone pain'
    """
    return _named("symptoms.toml", "symptom").get(key, spaced(key))


def observed(key: str, observation: str) -> str:
    """Say what is known of a node: what results show, or, of a symptom, what the patient tells.

    Example:
        >>> observed("hypocalcemia", "confirmed"), observed("fasciculation", "confirmed")
        ('seen in the results', 'told by the patient')
    """
    return word("told" if is_symptom(key) else "observation", observation)


def is_symptom(key: str) -> bool:
    """Return whether a node of the mechanism graph is a symptom, which no result shows."""
    return key in _symptom_nodes()


@functools.cache
def _symptom_nodes() -> frozenset[str]:
    return frozenset(item["id"] for item in knowledge("mechanisms.toml")["node"] if item["kind"] == "symptom")


@functools.cache
def _findings() -> dict[str, str]:
    findings = (state["finding"] for state in knowledge("states.toml")["state"] if "finding" in state)
    return {item["code"]: item["title"] for item in findings}


@functools.cache
def _named(file: str, table: str, key: str = "id") -> dict[str, str]:
    return {item[key]: item["title"] for item in knowledge(file)[table]}
