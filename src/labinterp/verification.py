"""Make a report again from its own inputs and say what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from labinterp.answer import Report
from labinterp.arguments import checked_instance
from labinterp.errors import LabInterpError, ReportError
from labinterp.interpretation import interpret
from labinterp.options import KERNEL
from labinterp.serialization import to_dict

_LATER: Final = frozenset({"tests", "date_order"})
"""Choices that the first reports did not name."""
_IGNORED: Final = frozenset({"provenance.settings.profile"})


@attrs.frozen
class Verification:
    """The answer of `verify`.

    Args:
        ok: whether the report, made again, is the same.
        differences: where it is not, by place, without values.
    """

    ok: bool
    differences: tuple[str, ...]

    def __bool__(self) -> bool:
        """Return whether the report, made again, is the same."""
        return self.ok


def verify(report: Report, *, ranges: Any = None) -> Verification:
    """Make a report again from its own inputs and settings, with what is installed now.

    This derives anew and compares: whoever changes the inputs of a report can make the rest fit. It is no signature.

    Args:
        report: as `interpret` or `Report.from_json` gave it.
        ranges: where the report was made with a file of the user's own: that file, as for `interpret`.

    Returns:
        Whether both are alike, and where they differ; whatever a report was tampered with, nothing is raised.

    Raises:
        TypeError: if `report` is no `Report`.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("magnesium", 1.1, "mg/dL")], li.Patient(age=50))
        >>> verify(li.Report.from_json(report.to_json())).ok
        True
    """
    settings = checked_instance(report, Report, "report").provenance.settings
    try:
        _check(settings)
        choices: dict[str, Any] = {
            name: settings.get(name) if name in _LATER else settings[name] for name in KERNEL if name != "ranges"
        }
        again = interpret(
            [item.result for item in report.interpretations],
            report.patient,
            ranges=list(settings["ranges"]) if ranges is None else ranges,
            presentation=report.presentation,
            **choices,
        )
    except KeyError:
        return Verification(ok=False, differences=("provenance.settings: incomplete",))
    except LabInterpError as error:
        return Verification(ok=False, differences=(f"provenance.settings: {error.message}",))
    except Exception as error:  # noqa: BLE001 - whatever stands in a report that was tampered with is an answer
        return Verification(ok=False, differences=(f"it cannot be made again: {type(error).__name__}",))
    differences = tuple(_differences(to_dict(report), to_dict(again), ""))
    return Verification(ok=not differences, differences=differences)


def _check(settings: Mapping[str, Any]) -> None:
    """Refuse settings by which a report would make us read a file."""
    names = settings["ranges"]
    if not isinstance(names, tuple | list) or any(
        not isinstance(name, str) or name.endswith(".toml") for name in names
    ):
        raise ReportError("`ranges` names something else than editions")
    if not isinstance(settings.get("tests", {}), Mapping):
        raise ReportError("`tests` is no mapping")


def _differences(old: Any, new: Any, place: str) -> list[str]:
    if place in _IGNORED:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in [*old, *(key for key in new if key not in old)]:
            where = f"{place}.{key}" if place else str(key)
            if key not in old or key not in new:
                found.append(f"{where}: {'added' if key in new else 'missing'}")
            else:
                found += _differences(old[key], new[key], where)
        return found
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{place}: {len(old)} entries were {len(new)}"]
        return [
            text for i, pair in enumerate(zip(old, new, strict=True)) for text in _differences(*pair, f"{place}[{i}]")
        ]
    return [] if old == new and type(old) is type(new) else [f"{place}: differs"]
