r"""HL7 v2 messages with laboratory results, ORU^R01 and OUL^R22: read, interpreted, and written as OBX segments.

Needs the extra `hl7v2`. One OBX gives one row. Segments may end with CR, LF or both, alone or in MLLP frames; a batch
file may hold several patients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labinterp.errors import InputError
from labinterp.interpretation import interpret
from labinterp.json_text import MAX_BYTES
from labinterp.messages.hl7_out import to_obx, to_oru
from labinterp.messages.hl7_rows import read
from labinterp.reading.analytes import test_map
from labinterp.tables import rows as rows_

if TYPE_CHECKING:
    import pandas as pd

    from labinterp.answer import Report
    from labinterp.model import LabResult, Patient
    from labinterp.options import DecimalSign, Tests
    from labinterp.tables.rows import Row

__all__ = ["interpret_hl7v2", "interpret_hl7v2_batch", "to_frame", "to_obx", "to_oru", "to_results"]


def _read(source: Any, tests: Tests | None, decimal: str | None, max_bytes: int) -> list[Row]:
    return read(source, tests=None if tests is None else test_map(tests), decimal=decimal, max_bytes=max_bytes)


def to_frame(
    source: Any, *, tests: Tests | None = None, decimal: DecimalSign | None = None, max_bytes: int = MAX_BYTES
) -> pd.DataFrame:
    r"""Read messages into a frame in the `labinterp` layout, one row per OBX in order.

    Args:
        source: text, bytes or a `Path`.
        tests: as for `labinterp.interpret`; the codes and the texts in OBX-3 are looked up.
        decimal: decimal sign of the ranges in OBX-7.
        max_bytes: longest source that is read.

    Raises:
        InputError: malformed, truncated or of another kind; the message names the segment.
        MissingExtraError: without the extra `hl7v2`.

    Example:
        >>> message = "MSH|^~\\&|||||||ORU^R01|1|P|2.5\rPID|||7||||19700131|F\rOBR|1\r"
        >>> message += "OBX|1|NM|19123-9^Magnesium^LN||1.2|mg/dL|1.6-2.6|L|||F\r"
        >>> to_frame(message)[["test", "unit", "reference_low"]].to_dict("records")
        [{'test': 'Magnesium', 'unit': 'mg/dL', 'reference_low': '1.6'}]
    """
    return rows_.to_frame(_read(source, tests, decimal, max_bytes))


def to_results(
    source: Any,
    *,
    tests: Tests | None = None,
    decimal: DecimalSign | None = None,
    max_bytes: int = MAX_BYTES,
    panel: str = "patient",
    date_order: str | None = None,
) -> list[tuple[Patient, list[LabResult]]]:
    """Read messages into patients with their results, in order of appearance.

    Arguments as for `to_frame`; `panel` is `"patient"`, or `"collection"` for a patient once for each time of
    collection.
    """
    return rows_.to_results(_read(source, tests, decimal, max_bytes), panel, date_order)


def interpret_hl7v2(
    message: Any,
    *,
    tests: Tests | None = None,
    decimal: DecimalSign | None = None,
    max_bytes: int = MAX_BYTES,
    **options: Any,
) -> Report:
    """Interpret the results of one patient.

    Args:
        message: text, bytes or a `Path`: one message, or several of the same patient.
        tests: as for `to_frame`.
        decimal: as for `to_frame`, and for values that are sent as text.
        max_bytes: as for `to_frame`.
        options: as for `labinterp.interpret`.

    Returns:
        The report of all results together.

    Raises:
        InputError: if the message cannot be read, or has results of several patients.

    Example:
        >>> head = "MSH|^~{}&|||||20260301||ORU^R01|1|P|2.5".format(chr(92))
        >>> message = chr(13).join([head, "PID|1||7", "OBX|1|NM|2601-3^Mg||0.5|mmol/L|||||F"])
        >>> [finding.code for finding in interpret_hl7v2(message, assume_adult=True).findings]
        ['hypomagnesemia']
    """
    reports = interpret_hl7v2_batch(message, tests=tests, decimal=decimal, max_bytes=max_bytes, **options)
    if len(reports) > 1:
        raise InputError(
            f"the message has results of {len(reports)} patients",
            hint="Use `interpret_hl7v2_batch`",
            patients=len(reports),
        )
    return reports[0] if reports else interpret([], tests=tests, decimal=decimal, **options)


def interpret_hl7v2_batch(
    message: Any,
    *,
    tests: Tests | None = None,
    decimal: DecimalSign | None = None,
    max_bytes: int = MAX_BYTES,
    **options: Any,
) -> list[Report]:
    """Interpret the results of every patient.

    Args:
        message: text, bytes or a `Path`: messages of any number of patients, a batch file among them.
        tests: as for `to_frame`.
        decimal: as for `to_frame`, and for values that are sent as text.
        max_bytes: as for `to_frame`.
        options: as for `labinterp.interpret`.

    Returns:
        A report for each patient, in order of appearance.

    Raises:
        InputError: if the message cannot be read.

    Example:
        >>> head = "MSH|^~{}&|||||20260301||ORU^R01|1|P|2.5".format(chr(92))
        >>> segments = [head, "PID|1||7", "OBX|1|NM|2601-3^Mg||0.5|mmol/L|||||F"]
        >>> segments += [head, "PID|1||8", "OBX|1|NM|2601-3^Mg||0.9|mmol/L|||||F"]
        >>> reports = interpret_hl7v2_batch(chr(13).join(segments), assume_adult=True)
        >>> [[finding.code for finding in report.findings] for report in reports]
        [['hypomagnesemia'], []]
    """
    found = to_results(message, tests=tests, decimal=decimal, max_bytes=max_bytes)
    return [interpret(results, patient, tests=tests, decimal=decimal, **options) for patient, results in found]
