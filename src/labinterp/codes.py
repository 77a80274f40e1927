"""The closed vocabularies of the contract: levels, flags, problems, notes, and what findings and pathways are called.

Positions in these tuples are the integer codes that arrays carry, so entries are appended, never reordered.
"""

from __future__ import annotations

import functools
from typing import Final

from labinterp import errors

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

PROBLEM_TEXTS: Final[dict[str, tuple[str, str, type[errors.LabInterpError]]]] = {
    "unknown_test": (
        "the test is not an analyte that labinterp knows",
        "Send an analyte key, a LOINC code or a usual name; look-alikes such as 1,25-dihydroxyvitamin D are refused",
        errors.UnknownTestError,
    ),
    "unsuitable_specimen": (
        "the specimen is not one in which the ranges of this analyte hold",
        "Send results from serum or plasma, or whole blood where the analyte allows it",
        errors.UnsuitableSpecimenError,
    ),
    "missing_value": ("the result has no value", "Send the value, or leave the result out", errors.ValueParseError),
    "not_numeric": (
        "the value is not a number",
        "Send a number, or a text such as '7.9', '0,74' or '<8'",
        errors.ValueParseError,
    ),
    "ambiguous_number": (
        "the value can be read in two ways, with a decimal comma or with a thousands separator",
        "Say which with decimal=',' or decimal='.'",
        errors.ValueParseError,
    ),
    "negative_value": ("the value is below zero", "Check the value at its source", errors.ImplausibleValueError),
    "implausible_value": (
        "the value is beyond what this analyte can reach in this unit",
        "Check the unit and the decimal separator at the source; suspected_unit names a unit that would fit",
        errors.ImplausibleValueError,
    ),
    "missing_unit": (
        "the result has no unit, and a unit is never guessed",
        "Send the unit, or say it for the whole batch with default_units={'analyte': 'unit'}",
        errors.UnknownUnitError,
    ),
    "unknown_unit": (
        "the spelling of the unit is not in the table of accepted units",
        "Send a UCUM code such as 'mg/dL' or 'mmol/L'",
        errors.UnknownUnitError,
    ),
    "incompatible_unit": (
        "the unit cannot be converted for this analyte",
        "Check test and unit; labinterp.reading.units.accepted(analyte) lists the units that can be converted",
        errors.IncompatibleUnitError,
    ),
    "no_reference_range": (
        "no edition of the chosen ranges covers this analyte and patient",
        "Choose another profile or edition, or send the laboratory's own range with the result",
        errors.NoReferenceRangeError,
    ),
}

GRADES: Final = ("grade", "grade_low", "grade_high")
"""The worse grade of both directions, and each by itself."""

GRADE_NOTE: Final = (
    "Grades by {grading} are laboratory-derived: from values alone, without what the standard also says of symptoms "
    "and interventions"
)

NO_RANGE_REASONS: Final = {
    "no_categories": "the chosen ranges deliberately have no categories for this analyte",
    "other_method": "the chosen ranges of this analyte are bound to another method",
}
"""What `no_reference_range` says instead, where this is why there is none."""

NO_AGE_SUGGESTION: Final = (
    "The ranges depend on age and the age is unknown: give the age, or pass assume_adult=True (--assume-adult)"
)

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
)
NOTE_BIT: Final = {note: 1 << i for i, note in enumerate(NOTES)}
NO_GRADE: Final = sum(bit for note, bit in NOTE_BIT.items() if note.startswith("grade_"))
"""The bits of the notes that say why there is no grade."""


@functools.lru_cache(maxsize=4096)
def notes_of_bits(bits: int) -> tuple[str, ...]:
    """Return the notes of a bit mask, in the order of `NOTES`."""
    return tuple(note for i, note in enumerate(NOTES) if bits >> i & 1)


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
