"""Name or LOINC code → analyte, and which specimens suit it.

Codes and specimens are closed tables of `knowledge/analytes.toml`, names are read by the grammar of `names`. Nothing
is guessed: a name with a word that is not known is refused, and so are near misses (urine, red cells, calcitriol, …),
which also win over a code.
"""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from typing import TYPE_CHECKING

import attrs

from labinterp._data import knowledge
from labinterp.errors import UnknownTestError
from labinterp.reading import names
from labinterp.reading.analyte_table import Analyte, Listed, Loinc, Span, fold, tables
from labinterp.reading.local_names import DASHES, TestMap, test_map
from labinterp.words import uris

__all__ = [
    "DASHES",
    "REFUSED_BY_CALLER",
    "Analyte",
    "Loinc",
    "Resolution",
    "Span",
    "TestMap",
    "analyte",
    "analytes",
    "fold",
    "reason_text",
    "resolve",
    "resolve_code",
    "specimen_kind",
    "specimen_suitable",
    "suggestions",
    "test_map",
]

if TYPE_CHECKING:
    from collections.abc import Mapping

MEANINGS: Mapping[str, tuple[str, ...]] = {"total_or_ionized": ("calcium", "calcium_ionized")}
"""Why a name is refused → the analytes that it may mean; the range that came with a result may settle it."""
REFUSED_BY_CALLER = "refused_by_caller"
_COMPARED = 60  # characters of a misspelled name
_FORMS = {"calcium": ("calcium_adjusted", "calcium_ionized")}  # a bare stem does not contradict its forms
_LOINC = re.compile(r"(?<![\w.-])[0-9]{1,6}-[0-9](?![\w-])")
_SYSTEM_WORDS = (uris.LOINC, uris.LOINC.replace("http:", "https:"), f"urn:oid:{uris.LOINC_OID}", "loinc", "^ln")
_LOINC_PART = re.compile(r"(?<![\w.-])L[PALG][0-9]{1,7}-[0-9](?![\w-])", re.IGNORECASE)


@attrs.frozen
class Resolution:
    """What a test name or code came to.

    Args:
        analyte: analyte key; missing if refused.
        loinc: the LOINC code that decided.
        property: that code's property, `mass` or `moles`.
        notes: codes of notes, such as `d3_only`.
        reason: why it was refused; `reason_text` says it in words.
    """

    analyte: str | None = None
    loinc: str | None = None
    property: str | None = None
    notes: tuple[str, ...] = ()
    reason: str | None = None


def analytes() -> Mapping[str, Analyte]:
    """Return every analyte by key, in the order of the table.

    Example:
        >>> analytes()["magnesium"].canonical_unit
        'mmol/L'
    """
    return tables().analytes


def analyte(key: str) -> Analyte:
    """Return one analyte.

    Raises:
        UnknownTestError: if there is no such key.

    Example:
        >>> analyte("magnesium").valence
        2
    """
    return _known(key)


def resolve(
    test: str | None, loinc: str | None = None, tests: TestMap | None = None, specimen: str | None = None
) -> Resolution:
    """Say which analyte a test name, a LOINC code, or both together mean. Never raises.

    A LOINC code decides, whether it is given as `loinc` or stands in `test`; a name that is a known near miss, or that
    means another analyte, refuses the result. A bare `calcium` beside a code of one of its forms is noted
    (`loinc_name_conflict`).

    Args:
        test: an analyte key, a LOINC code or a name.
        loinc: a LOINC code given beside it.
        tests: what the caller says of local names and codes; it comes before every other reading.
        specimen: whole blood settles that calcium is ionized where the name leaves that open, as `Ca++` does.

    Example:
        >>> resolve("S-Magnesium").analyte
        'magnesium'
        >>> resolve("LOINC:62290-2").reason
        'calcitriol'
    """
    test = test if isinstance(test, str) else ""
    loinc = loinc if isinstance(loinc, str) else ""
    if len(test) > names.LONGEST or len(loinc) > names.LONGEST:
        return Resolution(reason="unknown")
    said = None if tests is None else tests.lookup(test)
    if said is None and tests is not None:
        said = tests.lookup(loinc)
    if said is not None:
        return _as_said(said, _resolve("", loinc))
    found = _resolve(test, loinc)
    if found.reason == "total_or_ionized" and specimen_kind(specimen) == "whole_blood":
        return Resolution("calcium_ionized")
    return found


def resolve_code(system: str, code: str | int) -> Resolution:
    """Say which analyte an identifier of a data model means. Never raises.

    Args:
        system: `"mimic-iv"` for an itemid, `"omop"` for a measurement concept id.
        code: the identifier.

    Example:
        >>> resolve_code("mimic-iv", 50960).analyte
        'magnesium'
    """
    loinc = knowledge("analytes.toml")["codes"].get(system, {}).get(str(code).strip()[: names.LONGEST])
    return resolve(None, loinc) if loinc else Resolution(reason="unknown")


def reason_text(reason: str) -> str:
    """Return the sentence behind the reason of a refusal.

    Example:
        >>> reason_text("prealbumin")
        'prealbumin (transthyretin) is another protein than albumin'
    """
    return tables().reasons[reason]


def suggestions(test: str) -> tuple[str, ...]:
    """Return up to three analyte keys whose names resemble `test`; for messages only.

    Example:
        >>> suggestions("magnesum")
        ('magnesium',)
    """
    if not isinstance(test, str) or len(test) > names.LONGEST or resolve(test).reason != "unknown":
        return ()
    known = dict(names.stems())
    close = difflib.get_close_matches(fold(test)[:_COMPARED], known, n=6, cutoff=0.8)
    return tuple(dict.fromkeys(known[name] for name in close))[:3]


def specimen_kind(specimen: str | None) -> str | None:
    """Return the kind of a specimen: `serum`, `plasma`, `plasma_edta`, `drawn`, `whole_blood`, `other`, or None.

    `drawn` says how the blood was drawn and not what was analyzed, as "venous blood" does; None is nothing given.

    Example:
        >>> specimen_kind("Li-heparin plasma"), specimen_kind("urine")
        ('plasma', 'other')
    """
    if not isinstance(specimen, str):
        return None
    return _specimen_kind(specimen) if len(specimen) <= names.LONGEST else "other"


def specimen_suitable(analyte: str, specimen: str | None) -> bool:
    """Say whether the ranges of an analyte hold in a specimen; a specimen that is not given is taken as suitable.

    Args:
        analyte: analyte key.
        specimen: its spelling; one that is not in the table is unsuitable.

    Raises:
        UnknownTestError: if `analyte` is not a key.

    Example:
        >>> specimen_suitable("magnesium", "SERUM"), specimen_suitable("magnesium", "Urine")
        (True, False)
    """
    kind = specimen_kind(specimen)
    suits = _known(analyte).specimens
    return kind is None or kind in suits or kind == "drawn"


def _known(key: str) -> Analyte:
    found = tables().analytes.get(key) if isinstance(key, str) else None
    if found is None:
        raise UnknownTestError("the analyte is not one of the keys of labinterp")
    return found


def _as_said(key: str, coded: Resolution) -> Resolution:
    """Return what the caller says a name is; a LOINC code beside it keeps its property and notes where it agrees."""
    if not key:
        return Resolution(reason=REFUSED_BY_CALLER)
    if coded.analyte == key:
        return coded
    return Resolution(key, notes=() if coded.analyte is None else ("loinc_name_conflict",))


@functools.lru_cache(maxsize=8192)
def _resolve(test: str, loinc: str) -> Resolution:
    given, _ = _split_codes(loinc)
    inside, rest = _split_codes(test)
    codes = tuple(dict.fromkeys(given + inside))
    name = _by_name(rest)
    if not codes:
        return Resolution(analyte=name.analyte, loinc=None, property=None, notes=name.notes, reason=name.reason)
    entries = [tables().codes.get(code, Listed(reason="unknown_loinc")) for code in codes]
    for code, entry in zip(codes, entries, strict=True):
        if entry.reason is not None:
            whole = names.read(test)  # as in CA 19-9, which is no code
            notes = tuple({*name.notes, *whole.notes} & {"not_covered"})
            return Resolution(loinc=code, notes=notes, reason=entry.reason)
    first = entries[0]
    if any(entry.analyte != first.analyte for entry in entries):
        return Resolution(loinc=codes[0], reason="conflicting_codes")
    contradiction, notes = _contradiction(str(first.analyte), name)
    if contradiction is not None:
        return Resolution(loinc=codes[0], notes=notes, reason=contradiction)
    return Resolution(
        analyte=first.analyte, loinc=codes[0], property=first.property, notes=(*first.notes, *notes), reason=None
    )


def _contradiction(key: str, name: names.Name) -> tuple[str | None, tuple[str, ...]]:
    """Return why a name cannot stand beside a code of this analyte, and notes about the two together."""
    if name.analyte == key or name.reason == "unknown":
        return None, ()
    if name.analyte is None:
        fits = not name.among or key in name.among
        yields = fits and (name.vague or name.reason == "total_or_ionized")
        return (None if yields else name.reason), ()
    if name.plain and key in _FORMS.get(name.analyte, ()):
        return None, ("loinc_name_conflict",)
    return "name_conflict", ()


def _split_codes(text: str) -> tuple[tuple[str, ...], str]:
    """Take the LOINC-shaped tokens out of a text; parts and answers of LOINC count, so that they are refused."""
    text = unicodedata.normalize("NFKC", text).translate(DASHES)
    codes = tuple(_LOINC.findall(text)) + tuple(_LOINC_PART.findall(text))
    if not codes:
        return (), text
    rest = _LOINC_PART.sub(" ", _LOINC.sub(" ", text)).casefold()
    for word in _SYSTEM_WORDS:
        rest = rest.replace(word, " ")
    return codes, rest


def _by_name(text: str) -> names.Name:
    """Return what a name means; the name of a code has its caveats."""
    found = tables().names.get(fold(text))
    return names.read(text) if found is None else names.Name(found.analyte, found.notes)


@functools.lru_cache(maxsize=1024)
def _specimen_kind(specimen: str) -> str | None:
    table = tables().specimens
    parts = [folded for folded in map(fold, specimen.split("^")) if folded]
    if not parts:
        return None
    kinds = [table[part] for part in parts if part in table]  # an HL7 v2 field: code^text^system
    if parts[0] not in table or any(kind != kinds[0] for kind in kinds):
        return "other"
    return kinds[0]
