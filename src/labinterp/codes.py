"""The closed vocabularies of the contract: levels, flags, problems, notes, and what findings and pathways are called.

Positions in these tuples are the integer codes that arrays carry, so entries are appended, never reordered.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from labinterp import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEVELS: Final = (
    "very_low",
    "low",
    "borderline_low",
    "normal",
    "borderline_high",
    "high",
    "very_high",
    "indeterminate",
)
LEVEL_CODE: Final = {level: i + 1 for i, level in enumerate(LEVELS)}
"""Level → its code in panels and columns, where 0 is no level."""

LOW_SIDE: Final = LEVELS[:3]
HIGH_SIDE: Final = LEVELS[4:7]

FLAG_OF_LEVEL: Final = {
    "very_low": "LU",
    "low": "L",
    "borderline_low": "L",
    "normal": "N",
    "borderline_high": "H",
    "high": "H",
    "very_high": "HU",
    "indeterminate": "IND",
}
FLAGS: Final = ("LL", "LU", "L", "N", "H", "HU", "HH", "IND")
SIDE_OF_FLAG: Final = {
    "LL": "low", "LU": "low", "L": "low", "N": "normal", "H": "high", "HU": "high", "HH": "high",
}  # fmt: skip

FINDING_STATUSES: Final = ("present", "possible")
STATE_STATUSES: Final = (*FINDING_STATUSES, "excluded", "undetermined")
SEVERITIES: Final = ("low", "moderate", "high")
PATHWAY_KINDS: Final = ("direct", "indirect")
SUPPORTS: Final = ("supported", "possible", "interrupted")
STRENGTHS: Final = ("strong", "moderate", "weak")

COMPARATORS: Final = ("<", "<=", ">=", ">")

PROBLEMS: Final = (
    "unknown_test",
    "unsuitable_specimen",
    "missing_value",
    "not_numeric",
    "ambiguous_number",
    "negative_value",
    "implausible_value",
    "missing_unit",
    "unknown_unit",
    "incompatible_unit",
    "no_reference_range",
)

PROBLEM_ERRORS: Final[dict[str, type[errors.LabInterpError]]] = {
    "unknown_test": errors.UnknownTestError,
    "unsuitable_specimen": errors.UnsuitableSpecimenError,
    "missing_value": errors.ValueParseError,
    "not_numeric": errors.ValueParseError,
    "ambiguous_number": errors.ValueParseError,
    "negative_value": errors.ImplausibleValueError,
    "implausible_value": errors.ImplausibleValueError,
    "missing_unit": errors.UnknownUnitError,
    "unknown_unit": errors.UnknownUnitError,
    "incompatible_unit": errors.IncompatibleUnitError,
    "no_reference_range": errors.NoReferenceRangeError,
}
"""Problem → the exception that a caller gets who asks for one; what it says is in `words.problems`."""

GRADES: Final = ("grade", "grade_low", "grade_high")
"""The worse grade of both directions, and each by itself."""

NOTES: Final = (
    "unit_cleaned",
    "number_cleaned",
    "loinc_unit_conflict",
    "soft_implausible",
    "censored",
    "reported_range_unusable",
    "reported_range_one_sided",
    "flag_disagrees",
    "uncorrected_calcium",
    "range_without_age",
    "near_limit",
    "d3_only",
    "vague_code",
    "deprecated_code",
    "age_unreadable",
    "range_of_related_analyte",
    "range_not_pregnancy_specific",
    "graded_as_adjusted",
    "unit_conflict",
    "entered_in_error",
    "superseded",
    "corrected",
    "default_unit_used",
    "whole_blood_code",
    "loinc_name_conflict",
    "time_unreadable",
    "status_unknown",
    "several_values",
    "not_of_a_patient",
    "data_absent",
    "result_not_found",
    "cancelled",
    "modifier_extension",
    "time_imprecise",
    "sex_unreadable",
    "pregnancy_unreadable",
    "specimen_generic",
    "test_refused",
    "severity_disagrees",
    "presentation_unreadable",
    "grade_not_defined",
    "grade_needs_limit",
    "grade_needs_baseline",
    "grade_undecided",
    "test_by_range",
    "resource_unreadable",
    "time_of_report",
    "not_covered",
    "flag_critical",
)
NOTE_BIT: Final = {note: 1 << i for i, note in enumerate(NOTES)}
NO_GRADE: Final = sum(bit for note, bit in NOTE_BIT.items() if note.startswith("grade_"))
"""The bits of the notes that say why there is no grade."""


@functools.lru_cache(maxsize=4096)
def notes_of_bits(bits: int) -> tuple[str, ...]:
    """Return the notes of a bit mask, in the order of `NOTES`."""
    return tuple(note for i, note in enumerate(NOTES) if bits >> i & 1)


def ranked(counts: Mapping[str, int], known: Sequence[str] = ()) -> list[tuple[str, int]]:
    """Return what was counted, the most frequent first; of equals, the first of `known`, else by name."""
    place = {code: i for i, code in enumerate(known)}
    return sorted(counts.items(), key=lambda item: (-item[1], place.get(item[0], len(place)), item[0]))


def bits_of_text(text: str | None) -> int:
    """Return the bit mask of notes joined by `;`; what is no note of ours is passed over."""
    if not text:
        return 0
    return bits_of_notes(tuple(note for note in text[:1024].split(";") if note in NOTE_BIT))


def bits_of_notes(notes: tuple[str, ...]) -> int:
    """Return the bit mask of notes."""
    bits = 0
    for note in notes:
        bits |= NOTE_BIT[note]
    return bits
