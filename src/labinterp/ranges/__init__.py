"""Versioned, cited reference ranges: load, check, select, compare.

An edition is one immutable file; a profile is an ordered list of editions; a reference set is what `ranges=` names.
"""

from labinterp.ranges.library import Library, Member, Profile, check, load_edition, shipped
from labinterp.ranges.model import (
    Band,
    Edition,
    Entry,
    Limit,
    Limits,
    NoCategories,
    Partition,
    Selection,
    Who,
)
from labinterp.ranges.select import ReferenceSet, grades_for
from labinterp.ranges.sets import grading, gradings, reference_set, reference_sets

__all__ = [
    "Band",
    "Edition",
    "Entry",
    "Library",
    "Limit",
    "Limits",
    "Member",
    "NoCategories",
    "Partition",
    "Profile",
    "ReferenceSet",
    "Selection",
    "Who",
    "check",
    "grades_for",
    "grading",
    "gradings",
    "load_edition",
    "reference_set",
    "reference_sets",
    "shipped",
]
