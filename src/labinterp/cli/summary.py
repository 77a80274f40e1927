"""The summary of a run: results by analyte, findings by kind, problems by code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from labinterp.cli.answers import Answered, each_finding, joined, signs_of_all, worst
from labinterp.cli.printing import STYLES, Printer, listed
from labinterp.codes import FINDING_STATUSES, HIGH_SIDE, LEVELS, LOW_SIDE, PROBLEMS, SEVERITIES, ranked
from labinterp.words import labels, problems, titles
from labinterp.words.faces import line
from labinterp.words.numbers import counted
from labinterp.words.sentences import said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from labinterp.batch.signs import Signs
    from labinterp.kernel.plan import Plan

CLASSES: Final = ("low", "normal", "high", "indeterminate", "problems")
_MOST_ROWS: Final = 6
NOTES_TOLD: Final = (
    "uncorrected_calcium",
    "range_without_age",
    "soft_implausible",
    "reported_range_unusable",
    "flag_critical",
    "flag_disagrees",
    "loinc_unit_conflict",
    "unit_conflict",
    "age_unreadable",
    "entered_in_error",
)
"""The notes that change how a result is to be taken; a screen tells no others."""


def told_more(code: str, suggestion: str, decimals: Signs, not_covered: int) -> str:
    """Return what to do about a problem, with what the rows say of it: the decimal sign, tests that are not covered."""
    more = decimals.in_words() if code == "ambiguous_number" else None
    if code == "unknown_test" and not_covered:
        more = line("screen", "not_covered", count=f"{not_covered:,}")
    return suggestion if more is None else f"{suggestion}; {more}"


def apart(answered: Sequence[Answered]) -> str:
    """Say that rows of nobody stay apart, and how to join them, where no row says whose it is."""
    alone = [each for each in answered if len(each.results) > 1 and not each.answer.patient.codes.any()]
    return line("screen", "apart") if alone else ""


def what_was_read(answered: Sequence[Answered]) -> str:
    """Return how many results of how many panels and patients were read, and from where."""
    return line(
        "screen",
        "read",
        results=counted(sum(len(each.results) for each in answered), "result"),
        panels=counted(sum(each.panels for each in answered), "panel"),
        patients=counted(count_patients(answered), "patient"),
        names=listed([each.source.name for each in answered], 3),
    )


def ranges_used(settings: Mapping[str, Any], most: int = 1000) -> str:
    """Return which ranges were used: the profile and its editions, at most so many of them by name."""
    editions = listed(settings["ranges"], most) or line("screen", "no_editions")
    return line("screen", "ranges", profile=settings["profile"], editions=editions)


def show_summary(printer: Printer, answered: Sequence[Answered], provenance: dict[str, Any]) -> None:
    """Print what was read, and the results by analyte."""
    settings = provenance["settings"]
    printer.paragraph(f"{what_was_read(answered)}. {apart(answered)}".rstrip(), style="heading")
    used = [ranges_used(settings)]
    used += [line("screen", "own_ranges")] if settings["reported_ranges"] else []
    used += [] if settings["grading"] is None else [said("note")["grades"].format(grading=settings["grading"])]
    printer.paragraph(" ".join(used), style="quiet")
    if not any(len(each.results) for each in answered):
        return
    table = by_analyte(joined(answered, "results"))
    printer.heading(line("screen_heading", "results"))
    total = ("all", *(sum(row[i] for row in table) for i in range(1, 7)))
    head = ("", "rows", *(labels.word("level", name) for name in CLASSES[:-1]), "problems")
    table += [total] if len(table) > 1 else []
    lines = [(title, *(f"{count:,}" for count in rest)) for title, *rest in table]
    printer.table(head, lines, right=range(1, 7))
    if any(row[5] for row in table):
        printer.paragraph(line("screen", "indeterminate"), style="quiet")


def by_severity(found: Mapping[str, int]) -> list[str]:
    """Return how many findings have each severity, the worst first."""
    return [
        f"{found[severity]:,} {labels.word('severity', severity)}"
        for severity in reversed(SEVERITIES)
        if found.get(severity)
    ]


def count_patients(answered: Sequence[Answered]) -> int:
    """Return how many patients there are; a row without one counts as a patient of its own."""
    known: set[Any] = set()
    nameless = 0
    for each in answered:
        known.update(each.answer.patient.distinct[1:])
        nameless += int((each.answer.patient.codes == 0).sum())
    return len(known) + nameless


def by_analyte(results: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return a row per analyte: its title and the numbers of rows, low, normal, high, indeterminate and problems."""
    from labinterp.reading.analytes import analytes

    levels = dict.fromkeys(LEVELS, "indeterminate") | dict.fromkeys(LOW_SIDE, "low") | {"normal": "normal"}
    levels |= dict.fromkeys(HIGH_SIDE, "high")
    kind = results["level"].astype(object).map(levels).where(results["problem"].isna(), "problems")
    analyte = results["analyte"].astype(object).where(results["analyte"].notna(), "")
    counts = {key: dict(part.value_counts()) for key, part in kind.groupby(analyte)}
    rows = analyte.value_counts().to_dict()
    named = {**{key: titles.analyte(key) for key in analytes()}, "": line("screen", "unknown_test")}
    return [
        (named[key], rows[key], *(int(counts[key].get(name, 0)) for name in CLASSES)) for key in named if key in rows
    ]


def show_findings(printer: Printer, answered: Sequence[Answered]) -> None:
    """Print the findings by kind."""
    kinds = kinds_found(answered)
    printer.heading(line("page", "findings"))
    if not kinds:
        printer.paragraph("None.")
        return
    found = worst(answered)
    count, parts = counted(sum(found.values()), "finding"), ", ".join(by_severity(found))
    printer.paragraph(line("screen", "severities", findings=count, severities=parts))
    printer.table(("", "severity", *FINDING_STATUSES), kinds, right=(2, 3))


def kinds_found(answered: Sequence[Answered]) -> list[tuple[str, Text, str, str]]:
    """Return a row per kind of finding and severity: title, severity, and how many are present and possible."""
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for finding, count in each_finding(answered):
        if count:
            group = groups.setdefault((finding.title, finding.severity), {})
            group[finding.status] = group.get(finding.status, 0) + count
    order = sorted(groups, key=lambda key: (-SEVERITIES.index(key[1]), -sum(groups[key].values())))
    rows = []
    for title, severity in order:
        present, possible = (f"{groups[title, severity].get(status, 0):,}" for status in FINDING_STATUSES)
        rows.append((title, Text(labels.word("severity", severity), STYLES[severity]), present, possible))
    return rows


def show_problems(printer: Printer, answered: Sequence[Answered]) -> None:
    """Print the problems by code with what to do about each, and the notes that matter."""
    from labinterp import reasoning

    results = joined(answered, "results")
    counts, others = counted_problems(answered)
    if counts:
        printer.heading(line("page_of_many", "problems"))
        printer.paragraph(line("screen", "unread", rows=counted(sum(counts.values()), "row")))
        for code, count in counts.items():
            message, suggestion = remedy(answered, code)
            text = f"{message} ({_rows(answered, code)}). {suggestion}."
            printer.paragraph(text, label=f"{count:>6,}  {code}:", hang=8)
        suspects = results["suspected_unit"].dropna().astype(object)
        if len(suspects):
            units = listed(sorted(set(suspects)), 6)
            values = counted(len(suspects), "value")
            printer.paragraph(line("screen", "other_units", values=values, units=units), indent=2)
    if others:
        printer.line()
        printer.paragraph(line("screen", "other_tests", rows=counted(others, "row")))
    notes = _note_counts(results)
    told = [*_method_notes(answered, reasoning.method_notes)]
    if notes or told:
        printer.heading(line("page_of_many", "notes"))
    for note, count in notes.items():
        printer.paragraph(labels.word("note", note), label=f"{count:>6,}  {note}:", hang=8)
    for text in told:
        printer.paragraph(text, indent=2)


def counted_problems(answered: Sequence[Answered]) -> tuple[dict[str, int], int]:
    """Return how many rows have each problem, the commonest first, and how many are known to be other tests."""
    results = joined(answered, "results")
    others = is_other_test(results)
    found = results["problem"][~others].dropna().astype(object).value_counts()
    return dict(ranked({str(code): int(count) for code, count in found.items()}, PROBLEMS)), int(others.sum())


def is_other_test(results: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows are known to be tests that labinterp does not interpret; they are no fault of the input."""
    notes = results["notes"].astype(object).fillna("")
    known = {joined_notes: "not_covered" in str(joined_notes).split(";") for joined_notes in notes.unique()}
    return (results["problem"] == "unknown_test") & notes.map(known).astype(bool)


def remedy(answered: Sequence[Answered], code: str) -> tuple[str, str]:
    """Return what a problem means in these results, and what to do on the command line."""
    from labinterp.interpretation import no_range_message

    message = problems.message(code)
    suggestion = told_more(code, problems.suggestion(code, typed=True), signs_of_all(answered), 0)
    if code == "no_reference_range":
        missing = _without_range(answered)
        if any(plan.missing == problems.AGE_UNKNOWN for plan in missing):
            suggestion = problems.suggestion(code, problems.AGE_UNKNOWN, typed=True)
        reasons = sorted({reason for plan in missing if (reason := no_range_message(plan)) is not None})
        message = "; ".join([message, *reasons])
    if code == "missing_value":
        message = ". ".join([message, *_why_missing(answered)])
    return message, suggestion


def _why_missing(answered: Sequence[Answered]) -> list[str]:
    """Return the sentences of the notes that say why results have no value."""
    notes = [
        each.results["notes"][each.results["problem"] == "missing_value"].astype(object).unique() for each in answered
    ]
    found = {
        problems.why_missing("missing_value", str(joined_notes).split(";")) for each in notes for joined_notes in each
    }
    return sorted(labels.word("note", note).rstrip(".") for note in found if note is not None)


def _rows(answered: Sequence[Answered], code: str) -> str:
    """Return where the first rows with a problem are; the first result is row 1."""
    rows = [
        (f"{each.source.name} " if len(answered) > 1 else "") + str(row + 1)
        for each in answered
        for row in ((each.results["problem"] == code) & ~is_other_test(each.results)).to_numpy().nonzero()[0].tolist()
    ]
    return f"row{'' if len(rows) == 1 else 's'} {listed(rows, _MOST_ROWS)}"


def _note_counts(results: pd.DataFrame) -> dict[str, int]:
    counts: dict[str, int] = {}
    for joined_notes, count in results["notes"].astype(object).value_counts().to_dict().items():
        for note in str(joined_notes).split(";"):
            if note in NOTES_TOLD:
                counts[note] = counts.get(note, 0) + int(count)
    return dict(ranked(counts, NOTES_TOLD))


def _without_range(answered: Sequence[Answered]) -> list[Plan]:
    """Return the distinct plans of the rows that have no range; each says why."""
    plans = []
    for each in answered:
        uncovered = (each.results["problem"] == "no_reference_range").to_numpy()
        plans += [each.answer.plans.items[plan] for plan in set(each.answer.found.plan[uncovered].tolist())]
    return plans


def _method_notes(answered: Sequence[Answered], told: Any) -> tuple[str, ...]:
    """Return what to know of analytes whose assay matters and is unknown."""
    analytes: set[str] = set()
    for each in answered:
        judged = each.results["flag"].notna()
        if "method" in each.source.table:
            judged &= each.source.table["method"].isna().to_numpy()
        analytes |= set(each.results.loc[judged, "analyte"].dropna().astype(object).unique())
    notes: tuple[str, ...] = told(analytes)
    return notes


def show_headline(printer: Printer, answered: Sequence[Answered]) -> bool:
    """Print what must be read first, if any finding is severe, and say whether one is."""
    from labinterp import reasoning

    headline = reasoning.headline(finding for finding, count in each_finding(answered) if count)
    if headline is not None:
        printer.paragraph(headline, style="high")
        printer.line()
    return headline is not None


def show_guidance(printer: Printer, *, severe: bool) -> None:
    """Print what belongs to every report: advice, everyday causes, and that a finding is no diagnosis."""
    from labinterp import reasoning

    guidance = reasoning.guidance(severe=severe)
    printer.heading(line("screen_heading", "advice"))
    for text in (guidance.summary, *guidance.advice):
        printer.paragraph(text, label="-", hang=2)
    triggers = ", ".join(map(labels.spaced, guidance.benign_triggers))
    printer.paragraph(line("screen", "triggers", triggers=triggers), label="-", hang=2)
    printer.paragraph(line("screen", "differential", causes=" ".join(guidance.differential)), label="-", hang=2)
    for text in guidance.resources:
        printer.paragraph(text, label="-", hang=2)


def show_disclaimer(printer: Printer) -> None:
    """Print that a finding is no diagnosis."""
    from labinterp import reasoning

    printer.line()
    printer.paragraph(reasoning.guidance().disclaimer, style="heading")
