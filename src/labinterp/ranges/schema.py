"""The definition of the edition format: which keys a table may have, of which kind, and when they are required.

The loader checks files against these tables, and the JSON Schema for editors is made from them, so the two agree.
"""

from __future__ import annotations

import attrs

from labinterp.ranges.model import DIRECTIONS, LEVELS, PREGNANCIES, SEXES

VERSION = 1
ID_PATTERN = r"[a-z0-9]+(?:[._-][a-z0-9]+)*"
EDITION_PATTERN = rf"{ID_PATTERN}/{ID_PATTERN}"
NUMBER_PATTERN = r"[0-9]{1,9}(?:[.][0-9]{1,9})?"
WORD_PATTERN = rf"(?:{NUMBER_PATTERN} x )?(?:LLN|ULN|baseline)"
AGE_PATTERN = rf"(>=|<) ?({NUMBER_PATTERN}) ?(a|mo|wk|d)"

BASELINES = ("below_lln",)
KINDS = ("reference_interval", "decision_limit", "critical_limit", "severity")
OUTER_KINDS = ("critical_limit", "severity")
"""Kinds that say how far a result lies, and never what is normal."""
EVIDENCE = ("primary", "secondary", "calculated", "engineering")
STATUSES = ("current", "superseded", "withdrawn")
USES = ("interpretive", "descriptive")
LOWER_ENDS = {"from": True, "above": False}
UPPER_ENDS = {"up_to": True, "below": False}
"""Key of an end, and whether a result equal to it lies inside the band."""
ENDS = (*LOWER_ENDS, *UPPER_ENDS)
ALWAYS, SHIPPED, NEVER = "always", "shipped", "never"


@attrs.frozen
class Key:
    """One key of a table.

    Args:
        name: as written in the file.
        kind: `text`, `identifier`, `edition_id`, `analyte`, `date`, `flag`, `choice`, `version`, `grade`, `age`,
            `limit`, `limit_or_word`, `table` or `tables`.
        required: `always`; `shipped` in shipped editions but not in a user's own file; or `never`.
        choices: the texts allowed for the kind `choice`.
        keys: the keys of a nested table.
        doc: what it means.
        example: a right value, in TOML.
    """

    name: str
    kind: str
    doc: str
    example: str
    required: str = NEVER
    choices: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()


def _choice(name: str, choices: tuple[str, ...], doc: str, required: str = NEVER) -> Key:
    return Key(name, "choice", doc, f'{name} = "{choices[0]}"', required, choices)


_CITED = Key(
    "source",
    "table",
    "The source by its key, and the place in it.",
    'source = { id = "nice-ng239", locator = "table 1" }',
    ALWAYS,
    keys=(
        Key("id", "identifier", "Key of a [[source]].", 'id = "nice-ng239"', ALWAYS),
        Key("locator", "text", "Table, section or page.", 'locator = "table 1"', ALWAYS),
    ),
)
_EVIDENCE = _choice(
    "evidence", EVIDENCE, "How the figure was seen: in the source itself, or carried by another.", ALWAYS
)
_REVIEWED = Key(
    "reviewed_on", "date", "When it was last compared with the source.", "reviewed_on = 2026-11-22", SHIPPED
)
_NOTE = Key("note", "text", "What else the reader should know.", 'note = "as carried by a review"')
_ANALYTE = Key("analyte", "analyte", "Analyte key.", 'analyte = "magnesium"', ALWAYS)
_METHOD = Key("method", "text", "The assay to which the limits are bound.", 'method = "LC-MS/MS"')
_SPECIMEN = Key("specimen", "text", "The specimen, as the source says.", 'specimen = "serum"')
_PARTITION = Key(
    "partition",
    "table",
    "For whom the entry holds; what is left out is not restricted.",
    'partition = { age = ">= 16 a", sex = "female" }',
    SHIPPED,
    keys=(
        Key("age", "age", "One or two of '>= N unit' and '< N unit', joined by ', '; a, mo, wk, d.", 'age = ">= 18 a"'),
        _choice("sex", SEXES, "Sex."),
        _choice("pregnancy", PREGNANCIES, "Pregnancy."),
    ),
)


def _ends(kind: str) -> tuple[Key, ...]:
    words = {
        "from": "Lower end, inside the band (>=).",
        "above": "Lower end, outside the band (>).",
        "up_to": "Upper end, inside the band (<=).",
        "below": "Upper end, outside the band (<).",
    }
    return tuple(Key(name, kind, doc, name + ' = { "mg/dL" = "1.6" }') for name, doc in words.items())


_ENTRY_ID = Key("id", "identifier", "Unique within the edition.", 'id = "magnesium-serum-adult"', ALWAYS)
RANGE = (
    _ENTRY_ID,
    _ANALYTE,
    _choice("kind", KINDS, "What the limits are.", SHIPPED),
    _PARTITION,
    _METHOD,
    _SPECIMEN,
    _CITED,
    _EVIDENCE,
    _REVIEWED,
    _NOTE,
    Key(
        "normal",
        "table",
        "The two ends of a reference interval; low and high follow from them.",
        'normal = { from = { "mg/dL" = "1.6" }, up_to = { "mg/dL" = "2.6" } }',
        keys=_ends("limit"),
    ),
    Key(
        "bands",
        "tables",
        "The bands of a decision limit, critical limit or severity, in rising order.",
        'bands = [ { band = "deficiency", level = "low", below = { "nmol/L" = "30" } } ]',
        keys=(
            Key("band", "text", "The source's own name of the band.", 'band = "deficiency"', ALWAYS),
            _choice("level", (*LEVELS, "indeterminate"), "What the band means.", ALWAYS),
            *_ends("limit"),
        ),
    ),
    Key("gaps", "flag", "The source itself leaves regions without a band.", "gaps = true"),
    Key("place", "text", "Who calls at this limit; critical limits only, required there.", 'place = "Fairview"'),
)
GRADE = (
    _ENTRY_ID,
    _ANALYTE,
    Key("term", "text", "The grading's own name.", 'term = "Hypomagnesemia"', ALWAYS),
    _choice("direction", DIRECTIONS, "Whether the grades rise as the value falls or as it rises.", ALWAYS),
    _choice("baseline", BASELINES, "The baselines for which multiples of them hold; any if left out."),
    _PARTITION,
    _METHOD,
    _SPECIMEN,
    _CITED,
    _EVIDENCE,
    _REVIEWED,
    _NOTE,
    Key(
        "bands",
        "tables",
        "One band per grade.",
        'bands = [ { grade = 1, from = { "mg/dL" = "1.2" }, below = "LLN" } ]',
        ALWAYS,
        keys=(Key("grade", "grade", "1 to 5.", "grade = 1", ALWAYS), *_ends("limit_or_word")),
    ),
)
SOURCE = (
    Key("id", "identifier", "Key by which ranges cite it.", 'id = "nice-ng239"', ALWAYS),
    Key(
        "citation",
        "text",
        "The reference as a reader would look it up.",
        'citation = "NICE guideline NG239. 2024."',
        ALWAYS,
    ),
    Key("url", "text", "Where it can be read.", 'url = "https://www.nice.org.uk/guidance/ng239"'),
    Key("doi", "text", "Digital object identifier.", 'doi = "10.1111/bjh.12959"'),
)
NO_CATEGORIES = (
    _ANALYTE,
    Key("reason", "text", "Why the source has no limits.", 'reason = "endorses no thresholds"', ALWAYS),
    _CITED,
)
EDITION = (
    Key("schema", "version", "Version of this format.", f"schema = {VERSION}", ALWAYS),
    Key("id", "edition_id", "publisher/edition; of a shipped file its path.", 'id = "nice-ng239/2024"', ALWAYS),
    Key("title", "text", "As the publisher names it.", 'title = "NICE NG239"', ALWAYS),
    Key("publisher", "text", "Who published it.", 'publisher = "NICE"', SHIPPED),
    Key("published_on", "date", "When it was published.", "published_on = 2024-03-06", SHIPPED),
    Key("valid_from", "date", "First day in force.", "valid_from = 2024-03-06", SHIPPED),
    Key("valid_until", "date", "Last day in force.", "valid_until = 2025-12-31"),
    _REVIEWED,
    Key("supersedes", "edition_id", "The edition that it replaces.", 'supersedes = "abim/2021"'),
    Key("extends", "edition_id", "The grading to whose terms it adds others.", 'extends = "ctcae/5.0"'),
    _choice("status", STATUSES, "Where it is in its life.", SHIPPED),
    _choice("use", USES, "Whether it may decide what is normal.", SHIPPED),
    _NOTE,
    Key("source", "tables", "The sources.", '[[source]]\nid = "nice-ng239"', ALWAYS, keys=SOURCE),
    Key("no_categories", "tables", "Analytes without limits in this source.", "[[no_categories]]", keys=NO_CATEGORIES),
    Key("range", "tables", "The ranges.", '[[range]]\nid = "magnesium-serum-adult"', keys=RANGE),
    Key("grade", "tables", "The entries of a grading.", '[[grade]]\nid = "hypomagnesemia"', keys=GRADE),
)
EDITION_FIELDS = tuple(key.name for key in EDITION if key.kind not in ("tables", "version"))
"""What an edition says of itself."""
_LOCAL = Key(
    "local",
    "tables",
    "Editions of one place or one sample, which no profile may name.",
    'local = [ { id = "ohsu/magnesium", why = "one hospital" } ]',
    keys=(
        Key("id", "edition_id", "The edition.", 'id = "ohsu/magnesium"', ALWAYS),
        Key("why", "text", "What it is of.", 'why = "one hospital"', ALWAYS),
    ),
)
PROFILES = (
    _LOCAL,
    Key(
        "profile",
        "tables",
        "The profiles.",
        '[[profile]]\nid = "us"',
        ALWAYS,
        keys=(
            Key("id", "identifier", "Name of the profile.", 'id = "us"', ALWAYS),
            Key("title", "text", "In words.", 'title = "United States"', ALWAYS),
            Key("note", "text", "What else the reader should know.", 'note = "adults"'),
            Key(
                "editions",
                "tables",
                "The editions in order of priority.",
                'editions = [ { id = "abim/2026-01", why = "the common US table" } ]',
                ALWAYS,
                keys=(
                    Key("id", "edition_id", "The edition.", 'id = "abim/2026-01"', ALWAYS),
                    Key("why", "text", "Why it stands here.", 'why = "the common US table"', ALWAYS),
                ),
            ),
        ),
    ),
)
