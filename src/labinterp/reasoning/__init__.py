"""Levels → states → findings and pathways.

Findings depend on levels, not on numbers: a panel is a tuple of sixteen levels (`SLOTS`), and the answer for a tuple is
worked out once. Every rule, edge and sentence is data in `labinterp/knowledge`; here is only the code that walks them.
"""

from labinterp.codes import LEVELS
from labinterp.reasoning.context import (
    checked,
    guidance,
    method_notes,
    next_notes,
    presentation_notes,
    read_presentation,
    reason_told,
    told_together,
    unjudged_notes,
    with_presentation,
)
from labinterp.reasoning.engine import Reasoned, reason
from labinterp.reasoning.explaining import Claim, Explanation, claims, explain, nodes
from labinterp.reasoning.graph import Edge
from labinterp.reasoning.knowledge import knowledge_sha256, knowledge_version
from labinterp.reasoning.slots import CONTEXTS, CRITICAL, SLOTS, SOFT, UNJUDGED, UNJUDGED_CODE
from labinterp.reasoning.wording import Essentials, essentials, headline, is_called, urgency

__all__ = [
    "CONTEXTS",
    "CRITICAL",
    "LEVELS",
    "SLOTS",
    "SOFT",
    "UNJUDGED",
    "UNJUDGED_CODE",
    "Claim",
    "Edge",
    "Essentials",
    "Explanation",
    "Reasoned",
    "checked",
    "claims",
    "essentials",
    "explain",
    "guidance",
    "headline",
    "is_called",
    "knowledge_sha256",
    "knowledge_version",
    "method_notes",
    "next_notes",
    "nodes",
    "presentation_notes",
    "read_presentation",
    "reason",
    "reason_told",
    "told_together",
    "unjudged_notes",
    "urgency",
    "with_presentation",
]
