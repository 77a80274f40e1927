"""The frozen classes that go in and come out.

No class here needs data or computes anything clinical. `repr` never shows a result value, a patient's attributes or
an id, so that an object may be logged.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - cattrs resolves the annotations at run time
from collections.abc import Iterable, Mapping
from typing import Any, Self

import attrs

from labinterp.errors import InputError
from labinterp.reading import demographics
from labinterp.reading.ids import read_id, read_result_id


def _count(items: Any) -> str:
    return f"<{len(items)}>"


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        return (values,)
    if not isinstance(values, Iterable):
        raise TypeError("symptoms and triggers are each a text or a list of texts")
    return tuple(values)


@attrs.frozen
class LabResult:
    """One laboratory result, as it was sent.

    Args:
        test: an analyte key, a LOINC code or a known name.
        value: a number, a `decimal.Decimal`, a text such as `"<8"` or `"0,74"`, or a pint Quantity of any registry.
        unit: the unit as the laboratory spells it; not needed with a Quantity.
        collected_at: when the specimen was taken: a `date`, a `datetime` or ISO 8601 text.
        specimen: such as `"serum"`; missing means serum or plasma.
        reference_low: lower end of the range that came with the result, in `unit`.
        reference_high: upper end of that range.
        reference_range: that range as one text, such as `"< OR = 10.3"`, where it did not come as two ends.
        method: the assay, where it is known.
        id: the caller's own identifier; carried along, never shown.
        reported_flag: the laboratory's own flag; compared with ours.
        loinc: a LOINC code sent beside the name in `test`; it decides.
        note: codes of notes from whoever read the result out of a message, joined by `;`.
        baseline: the patient's own value before treatment, in `unit`, for gradings that compare with it.

    Example:
        >>> LabResult("magnesium", "1,8", "mg/dL")
        LabResult(test='magnesium', unit='mg/dL')
    """

    test: str
    value: Any = attrs.field(repr=False)
    unit: str | None = None
    collected_at: dt.datetime | dt.date | str | None = attrs.field(default=None, repr=False, kw_only=True)
    specimen: str | None = attrs.field(default=None, repr=False, kw_only=True)
    reference_low: Any = attrs.field(default=None, repr=False, kw_only=True)
    reference_high: Any = attrs.field(default=None, repr=False, kw_only=True)
    reference_range: str | None = attrs.field(default=None, repr=False, kw_only=True)
    method: str | None = attrs.field(default=None, repr=False, kw_only=True)
    id: str | None = attrs.field(default=None, converter=read_result_id, repr=False, kw_only=True)
    reported_flag: str | None = attrs.field(default=None, repr=False, kw_only=True)
    loinc: str | None = attrs.field(default=None, repr=False, kw_only=True)
    note: str | None = attrs.field(default=None, repr=False, kw_only=True)
    baseline: Any = attrs.field(default=None, repr=False, kw_only=True)


@attrs.frozen
class Patient:
    """What is known of the patient; what is not known stays unknown.

    A text that can't be read as an age, a sex or a pregnancy is refused; where it comes from a table or a message, see
    `as_sent`.

    Args:
        age: in years, or a text such as `"6 mo"`; a whole number means completed years.
        sex: `"female"` or `"male"`, or a word that means it.
        birth_date: with `collected_at` gives the age at collection; wins over `age`.
        pregnancy: `"none"`, `"trimester_1"`, `"trimester_2"`, `"trimester_3"`, weeks such as `"28 weeks"`, or whether
            there is one.
        id: the caller's own identifier, kept as text; carried along, never shown.

    Raises:
        InputError: if a text is no age, sex or pregnancy.

    Example:
        >>> Patient(sex="weiblich", age="54 Jahre")
        Patient()
        >>> Patient(sex="grün")
        Traceback (most recent call last):
        ...
        labinterp.errors.InputError: sex is not known. Use 'female', 'male', or leave it out
    """

    age: float | str | None = attrs.field(default=None, repr=False)
    sex: str | None = attrs.field(default=None, repr=False)
    birth_date: dt.date | str | None = attrs.field(default=None, repr=False)
    pregnancy: str | bool | None = attrs.field(default=None, repr=False)
    id: str | None = attrs.field(default=None, converter=read_id, repr=False)

    @age.validator
    def _check_age(self, _: Any, value: Any) -> None:
        _refuse(value, demographics.read_age(value) is None, "age", "Use years, such as 54, or '6 mo'")

    @sex.validator
    def _check_sex(self, _: Any, value: Any) -> None:
        _refuse(value, demographics.sex_is_unreadable(value), "sex", "Use 'female', 'male', or leave it out")

    @pregnancy.validator
    def _check_pregnancy(self, _: Any, value: Any) -> None:
        unreadable = demographics.read_pregnancy(value) == demographics.UNREADABLE
        _refuse(
            value, unreadable, "pregnancy", "Use 'none', 'trimester_1' to 'trimester_3', or weeks such as '28 weeks'"
        )

    @classmethod
    def as_sent(cls, **fields: Any) -> Self:
        """Return a patient as a table or a message says; what can't be read is kept, and noted on each result.

        Args:
            **fields: those of the class, by name.

        Raises:
            TypeError: if one is none of the class.

        Example:
            >>> Patient.as_sent(sex="?", id=7).id
            '7'
        """
        known = {field.name: field.default for field in attrs.fields(cls)}
        if not fields.keys() <= known.keys():
            raise TypeError("a patient has an age, a sex, a birth_date, a pregnancy and an id")
        patient = object.__new__(cls)
        for name, value in {**known, **fields}.items():
            object.__setattr__(patient, name, read_id(value) if name == "id" else value)
        return patient


def _refuse(value: Any, unreadable: bool, name: str, hint: str) -> None:
    if isinstance(value, str) and value.strip() and unreadable:
        raise InputError(f"{name} is not known", hint=hint)


@attrs.frozen
class Presentation:
    """What the patient tells: symptoms, possible benign triggers, course.

    Args:
        symptoms: keys such as `"fasciculation"`, `"cramps"`, `"numbness"`, `"tingling"`.
        triggers: `"stress"`, `"caffeine"`, `"fatigue"`, `"exercise"`.
        course: `"transient"`, `"persistent"` or `"widespread"`.

    Raises:
        TypeError: if symptoms or triggers are no texts.

    Example:
        >>> Presentation("fasciculation", course="persistent").symptoms
        ('fasciculation',)
    """

    symptoms: tuple[str, ...] = attrs.field(default=(), converter=_texts, repr=False)
    triggers: tuple[str, ...] = attrs.field(default=(), converter=_texts, repr=False)
    course: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(slots=False)  # one is made for each result: with so many fields, filling a dict takes half the time
class Interpretation:
    """What one result came to. Either `flag` is given or `problem`.

    Args:
        result: the input, as it was sent.
        analyte: analyte key, missing where the test is unknown.
        comparator: `"<"`, `"<="`, `">="` or `">"`; missing for an exact value.
        value: in `unit`.
        unit: UCUM code of the analyte's canonical unit.
        low: lower limit of normal that was used, in `unit`.
        high: upper limit of normal that was used, in `unit`.
        range_id: where the limits come from: `edition#entry`, or `reported`; where there are several, or critical
            limits beside them, joined by `|`.
        flag: FHIR v3-ObservationInterpretation code.
        level: `very_low` … `very_high`, or `indeterminate`.
        band: the source's own name of the band.
        grade: the worse of both directions, 0 to 4, where a grading was asked for and the data allow one.
        problem: code of the problem that stopped the interpretation.
        notes: codes of notes that did not stop it.
        suspected_unit: a unit that would make an implausible value ordinary.
        grade_low: the grade of what is too low alone.
        grade_high: the grade of what is too high alone.
        adjusted: total calcium adjusted by the albumin of its panel, in `unit`, where the adjustment is valid.

    Example:
        >>> import labinterp as li
        >>> item = li.interpret([li.LabResult("Mg", "1,1", "mg/dL")], li.Patient(age=50)).interpretations[0]
        >>> item.analyte, round(item.value, 4), item.unit, item.flag, item.level, item.notes
        ('magnesium', 0.4526, 'mmol/L', 'L', 'low', ('number_cleaned',))
    """

    result: LabResult = attrs.field(repr=False)
    analyte: str | None
    comparator: str | None = attrs.field(repr=False)
    value: float | None = attrs.field(repr=False)
    unit: str | None
    low: float | None
    high: float | None
    range_id: str | None
    flag: str | None = attrs.field(repr=False)
    level: str | None = attrs.field(repr=False)
    band: str | None = attrs.field(repr=False)
    grade: int | None = attrs.field(repr=False)
    problem: str | None
    notes: tuple[str, ...]
    suspected_unit: str | None
    grade_low: int | None = attrs.field(default=None, repr=False)
    grade_high: int | None = attrs.field(default=None, repr=False)
    adjusted: float | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Citation:
    """Where a statement or figure comes from.

    Args:
        id: key of the source in the knowledge data.
        text: the reference as a reader would look it up.
        locator: section, table or page.
        url: where it can be read, if anywhere.
    """

    id: str
    text: str
    locator: str | None = None
    url: str | None = None


@attrs.frozen
class Step:
    """One edge of a pathway.

    Args:
        source: id of the node that acts.
        target: id of the node acted upon.
        statement: the mechanism in one sentence.
        observation: whether the data confirm the target: `confirmed`, `contradicted`, `unmeasured`, `unobservable`.
        citations: at least one.
        strength: `strong`, `moderate` or `weak` evidence for this edge.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("Mg", "1.1", "mg/dL")], li.Patient(age=50))
        >>> step = report.findings[0].pathways[0].steps[-1]
        >>> step.source, step.target, step.observation, len(step.citations) > 0
        ('impaired_relaxation', 'fasciculation', 'unmeasured', True)
    """

    source: str
    target: str
    statement: str
    observation: str
    citations: tuple[Citation, ...]
    strength: str = "moderate"


@attrs.frozen
class Pathway:
    """One simple path in the mechanism graph from a state to fasciculation.

    Args:
        id: the nodes joined by `>`.
        kind: `direct` or `indirect`.
        support: `supported`, `possible` or `interrupted`.
        steps: the edges in order.
        broken_at: the node that the data contradict, where the pathway is interrupted.
        strength: evidence for the whole chain: that of its weakest edge.
        explanation: the pathway and its support in words.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("Mg", "1.1", "mg/dL")], li.Patient(age=50))
        >>> pathway = report.findings[0].pathways[0]
        >>> pathway.kind, pathway.support, pathway.id.split(">")[0]
        ('direct', 'supported', 'magnesium_deficiency')
    """

    id: str
    kind: str
    support: str
    steps: tuple[Step, ...]
    broken_at: str | None = None
    strength: str = "moderate"
    explanation: str = ""


@attrs.frozen
class Evidence:
    """One observation on which a finding rests.

    Args:
        analyte: analyte key.
        level: its level; `missing` where there is none, `unjudged` where a result was sent that has none.
        basis: how the level was obtained: `reported`, or `adjusted_by_albumin`.
        result_index: position of the result among the inputs, where there is one.
        value: in `unit`, where there is a result.
        unit: UCUM code of the canonical unit.
        comparator: of a censored value.
    """

    analyte: str
    level: str = attrs.field(repr=False)
    basis: str = "reported"
    result_index: int | None = None
    value: float | None = attrs.field(default=None, repr=False)
    unit: str | None = None
    comparator: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Coding:
    """A code of a terminology."""

    system: str
    code: str
    display: str


@attrs.frozen
class Finding:
    """A state that is present or possible, with its evidence and its pathways.

    Args:
        code: such as `hypocalcemia`.
        title: the finding in words.
        status: `present` or `possible`.
        severity: `low`, `moderate` or `high`: how soon a clinician should look.
        evidence: the observations that it rests on.
        pathways: every path from its state to fasciculation, with what the data say of each.
        upstream: ids of states that may have caused it, nearest first.
        suggested_tests: analyte keys, most useful first.
        caveats: what limits the finding.
        accompanying_symptoms: keys of symptoms that often come with it.
        matched_symptoms: those of them that the presentation names.
        codings: HPO terms.
        state: id of the state that it reports.
        explanation: the finding, its evidence and its causes in words.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("25OHD", 9, "ng/mL"), li.LabResult("iCa", 1.2, "mmol/L")], {"age": 50})
        >>> finding = report.findings[0]
        >>> finding.code, finding.status, {pathway.broken_at for pathway in finding.pathways}
        ('vitamin-d-deficiency', 'present', {'hypocalcemia'})
    """

    code: str
    title: str
    status: str
    severity: str
    evidence: tuple[Evidence, ...]
    pathways: tuple[Pathway, ...]
    upstream: tuple[str, ...]
    suggested_tests: tuple[str, ...]
    caveats: tuple[str, ...]
    accompanying_symptoms: tuple[str, ...]
    matched_symptoms: tuple[str, ...] = attrs.field(repr=False)
    codings: tuple[Coding, ...]
    state: str = ""
    explanation: str = attrs.field(default="", repr=False)


@attrs.frozen
class Problem:
    """Why one result could not be interpreted.

    Args:
        code: such as `unknown_unit`.
        result_index: position of the result among the inputs.
        message: what is wrong, without the value or any id.
        suggestion: what to do.

    Example:
        >>> import labinterp as li
        >>> report = li.interpret([li.LabResult("Mg", "1.1")], li.Patient(age=50))
        >>> report.problems[0].code, report.problems[0].message
        ('missing_unit', 'the result has no unit, and a unit is never guessed')
    """

    code: str
    result_index: int
    message: str
    suggestion: str


@attrs.frozen
class EditionRef:
    """One edition that was consulted, by id and SHA-256 of its file."""

    id: str
    sha256: str


@attrs.frozen
class Provenance:
    """What made the report, so that it can be made again.

    Args:
        library_version: version of labinterp.
        knowledge_version: version of the mechanisms and decision tables.
        knowledge_sha256: hash over the files of the knowledge.
        editions: every edition that was available to the interpretation.
        settings: the arguments of `interpret`, JSON-ready.
    """

    library_version: str
    knowledge_version: str
    knowledge_sha256: str
    editions: tuple[EditionRef, ...]
    settings: Mapping[str, Any]


@attrs.frozen
class Guidance:
    """What belongs to every report whatever its findings.

    Args:
        summary: which analytes act directly, and which only through calcium.
        disclaimer: that a finding is no diagnosis.
        advice: when to see a clinician, what can help.
        benign_triggers: everyday causes of twitching, key → sentence.
        differential: other causes that blood tests of these analytes do not show.
        resources: where to read more.
    """

    summary: str
    disclaimer: str
    advice: tuple[str, ...]
    benign_triggers: Mapping[str, str]
    differential: tuple[str, ...]
    resources: tuple[str, ...]


@attrs.frozen
class ReportData:
    """The answer of `interpret`.

    Args:
        interpretations: one per input result, in input order.
        findings: the most serious first.
        states: state id → `present`, `possible`, `excluded` or `undetermined`.
        problems: one per result that could not be interpreted.
        provenance: versions, hashes and settings.
        patient: as it was given.
        presentation: as it was given.
        guidance: what belongs to every report.
        notes: what holds for the whole report, said once.
        next_tests: analyte keys, most useful first, of what was not sent and would settle an open question about
            twitching.
        unjudged: analyte keys of what was sent and could not be judged; the notes say why.
    """

    interpretations: tuple[Interpretation, ...] = attrs.field(repr=_count)
    findings: tuple[Finding, ...] = attrs.field(repr=_count)
    states: Mapping[str, str] = attrs.field(repr=False)
    problems: tuple[Problem, ...] = attrs.field(repr=_count)
    provenance: Provenance = attrs.field(repr=False)
    patient: Patient | None = attrs.field(default=None, repr=False)
    presentation: Presentation | None = attrs.field(default=None, repr=False)
    guidance: Guidance | None = attrs.field(default=None, repr=False)
    notes: tuple[str, ...] = attrs.field(default=(), repr=False)
    next_tests: tuple[str, ...] = attrs.field(default=(), repr=False)
    unjudged: tuple[str, ...] = attrs.field(default=(), repr=False)
