"""Raw laboratory results in, traced findings on nutritional causes of muscle fasciculation out.

Names are loaded when they are first used, so that `import labinterp` loads neither pandas nor a unit registry.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from labinterp._version import __version__ as __version__

if TYPE_CHECKING:
    from labinterp.answer import Report as Report
    from labinterp.auditing import AuditReport as AuditReport
    from labinterp.auditing import audit as audit
    from labinterp.changes import Change as Change
    from labinterp.changes import change as change
    from labinterp.documents import read as read
    from labinterp.engines.files import interpret_files as interpret_files
    from labinterp.errors import IncompatibleUnitError as IncompatibleUnitError
    from labinterp.errors import InputError as InputError
    from labinterp.errors import LabInterpError as LabInterpError
    from labinterp.errors import LayoutError as LayoutError
    from labinterp.errors import MissingExtraError as MissingExtraError
    from labinterp.errors import ReferenceSetError as ReferenceSetError
    from labinterp.errors import ReferenceSetNotFound as ReferenceSetNotFound
    from labinterp.errors import ReportError as ReportError
    from labinterp.errors import UnknownNodeError as UnknownNodeError
    from labinterp.errors import UnknownTestError as UnknownTestError
    from labinterp.errors import UnknownUnitError as UnknownUnitError
    from labinterp.errors import ValueParseError as ValueParseError
    from labinterp.frames import FrameReport as FrameReport
    from labinterp.frames import interpret_frame as interpret_frame
    from labinterp.interpretation import interpret as interpret
    from labinterp.kernel.calcium import adjusted_calcium as adjusted_calcium
    from labinterp.messages.fhir import interpret_fhir as interpret_fhir
    from labinterp.messages.hl7v2 import interpret_hl7v2 as interpret_hl7v2
    from labinterp.model import Finding as Finding
    from labinterp.model import Interpretation as Interpretation
    from labinterp.model import LabResult as LabResult
    from labinterp.model import Pathway as Pathway
    from labinterp.model import Patient as Patient
    from labinterp.model import Presentation as Presentation
    from labinterp.model import Problem as Problem
    from labinterp.model import Step as Step
    from labinterp.ranges import ReferenceSet as ReferenceSet
    from labinterp.ranges import reference_set as reference_set
    from labinterp.ranges import reference_sets as reference_sets
    from labinterp.reading.units import convert as convert
    from labinterp.reasoning import explain as explain
    from labinterp.verification import verify as verify

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

__all__ = sorted([*_HOME, "__version__"])  # noqa: PLE0605 - derived, so that a public name stands once


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
