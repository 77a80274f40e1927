"""Raw laboratory results in, traced findings on nutritional causes of muscle fasciculation out.

Names are loaded when they are first used, so that `import labinterp` loads neither pandas nor a unit registry.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from labinterp._version import __version__

if TYPE_CHECKING:
    from labinterp.answer import Report
    from labinterp.auditing import AuditReport, audit
    from labinterp.changes import Change, change
    from labinterp.documents import read
    from labinterp.engines.files import interpret_files
    from labinterp.errors import (
        IncompatibleUnitError,
        InputError,
        LabInterpError,
        LayoutError,
        MissingExtraError,
        ReferenceSetError,
        ReferenceSetNotFound,
        ReportError,
        UnknownNodeError,
        UnknownTestError,
        UnknownUnitError,
        ValueParseError,
    )
    from labinterp.frames import FrameReport, interpret_frame
    from labinterp.interpretation import interpret
    from labinterp.kernel.calcium import adjusted_calcium
    from labinterp.messages.fhir import interpret_fhir
    from labinterp.messages.hl7v2 import interpret_hl7v2
    from labinterp.model import (
        Finding,
        Interpretation,
        LabResult,
        Pathway,
        Patient,
        Presentation,
        Problem,
        Step,
    )
    from labinterp.ranges import ReferenceSet, reference_set, reference_sets
    from labinterp.reading.units import convert
    from labinterp.reasoning import explain
    from labinterp.verification import verify

_HOME = {
    **dict.fromkeys(
        (
            "IncompatibleUnitError", "InputError", "LabInterpError", "LayoutError", "MissingExtraError",
            "ReferenceSetError", "ReferenceSetNotFound", "ReportError", "UnknownNodeError", "UnknownTestError",
            "UnknownUnitError", "ValueParseError",
        ),
        "errors",
    ),
    **dict.fromkeys(
        (
            "Finding", "Interpretation", "LabResult", "Pathway", "Patient", "Presentation", "Problem", "Step",
        ),
        "model",
    ),
    "AuditReport": "auditing",
    "Change": "changes",
    "FrameReport": "frames",
    "ReferenceSet": "ranges",
    "Report": "answer",
    "adjusted_calcium": "kernel.calcium",
    "audit": "auditing",
    "change": "changes",
    "convert": "reading.units",
    "explain": "reasoning",
    "interpret": "interpretation",
    "interpret_fhir": "messages.fhir",
    "interpret_files": "engines.files",
    "interpret_frame": "frames",
    "interpret_hl7v2": "messages.hl7v2",
    "read": "documents",
    "reference_set": "ranges",
    "reference_sets": "ranges",
    "verify": "verification",
}  # fmt: skip

__all__ = [
    "AuditReport",
    "Change",
    "Finding",
    "FrameReport",
    "IncompatibleUnitError",
    "InputError",
    "Interpretation",
    "LabInterpError",
    "LabResult",
    "LayoutError",
    "MissingExtraError",
    "Pathway",
    "Patient",
    "Presentation",
    "Problem",
    "ReferenceSet",
    "ReferenceSetError",
    "ReferenceSetNotFound",
    "Report",
    "ReportError",
    "Step",
    "UnknownNodeError",
    "UnknownTestError",
    "UnknownUnitError",
    "ValueParseError",
    "__version__",
    "adjusted_calcium",
    "audit",
    "change",
    "convert",
    "explain",
    "interpret",
    "interpret_fhir",
    "interpret_files",
    "interpret_frame",
    "interpret_hl7v2",
    "read",
    "reference_set",
    "reference_sets",
    "verify",
]


if not TYPE_CHECKING:  # so that a type checker sees a misspelled name

    def __getattr__(name: str) -> object:
        home = _HOME.get(name)
        if home is None:
            raise AttributeError(f"module 'labinterp' has no attribute {name!r}")
        value = getattr(importlib.import_module(f"labinterp.{home}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
