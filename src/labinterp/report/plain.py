"""One result of a report in plain text: what was sent, how it was read, what judged it, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labinterp.markup import clean
from labinterp.report import results
from labinterp.words import labels, numbers, sentences, titles
from labinterp.words.faces import judged, line

if TYPE_CHECKING:
    from labinterp.model import ReportData


def explained(report: ReportData, index: int) -> str:
    """Return why a result was judged as it was, line by line.

    Args:
        report: the report of its panel.
        index: position of the result.

    Example:
        >>> import labinterp as li
        >>> print(explained(li.interpret([li.LabResult("Mg", "QNS", "mg/dL")]), 0).splitlines()[0])
        Magnesium, sent as Mg QNS mg/dL: could not be judged, and does not count as normal.
    """
    row = results.rows_of(report)[index]
    item = row["item"]
    name = titles.analyte(item.analyte) if item.analyte else line("result", "unknown")
    given = " ".join(filter(None, map(numbers.sent, (item.result.test, item.result.value, item.result.unit))))
    if item.flag is None:
        said = labels.word("verdict", "problem").lower()
    else:
        said = f"{labels.word('level', item.level)} ({item.flag})" + (f"; {row['normal']}" if row["normal"] else "")
    lines = [f"{name}, sent as {given}: {said}."]
    lines += [
        f"{sentences.capital(problem.message)}. {problem.suggestion}."
        for problem in report.problems
        if problem.result_index == index
    ]
    if row["canonical"]:
        lines.append(line("result", "canonical", value=row["canonical"]))
    if item.range_id is not None:
        lines.append(judged(item.range_id))
    if item.band:
        lines.append(line("result", "band", band=item.band))
    if item.suspected_unit:
        lines.append(line("result", "suspected", unit=item.suspected_unit))
    lines += [labels.word("note", note) for note in item.notes]
    lines += [
        finding.explanation
        for finding in report.findings
        if any(evidence.result_index == index for evidence in finding.evidence)
    ]
    return clean("\n".join(lines))
