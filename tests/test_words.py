"""What is said and shown lies once, in the room `words`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import labinterp as li
from cli_tools import run
from labinterp import _data
from labinterp.cli.summary import NOTES_TOLD
from labinterp.codes import NOTES, PROBLEM_ERRORS, PROBLEMS
from labinterp.model import Citation
from labinterp.reasoning import essentials, explain
from labinterp.words import labels, problems, uris
from labinterp.words.citations import References

SOURCE = Path(li.__file__).parent
URI = re.compile(r"(?:https?://[a-z]|urn:labinterp)")
EXAMPLE = re.compile(r"https://(?:[a-z]+\.example\.org|www\.nice\.org\.uk/)")
"""What shows the form of an address in a hint or in the documentation of a file."""


def modules():
    return sorted(path for path in SOURCE.rglob("*.py"))


def texts(path, but=lambda _: ()):
    """Return the texts of a module's code with their lines: not its docstrings, each f-string as one text.

    Args:
        path: of the module.
        but: gives the ids of further nodes of its tree that are passed over.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    passed = {id(text) for text in documented if isinstance(text, ast.Constant)} | set(but(tree))
    for node in ast.walk(tree):
        if id(node) in passed:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = [part for part in node.values if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            passed |= {id(part) for part in parts}
            yield node.lineno, " ".join(part.value for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_uri_of_a_system_stands_in_the_list_alone(path):
    """No module but the list spells the URI of a system, a form or a kind of ours."""
    if path == SOURCE / "words" / "uris.py":
        assert any(URI.search(text) for _, text in texts(path))
        return
    found = [f"{line}: {text}" for line, text in texts(path) if URI.search(EXAMPLE.sub("", text))]
    assert not found


def test_every_uri_of_the_list_is_another():
    """No URI stands twice in the list."""
    known = [value for name, value in vars(uris).items() if name.isupper() and not name.startswith("_")]
    assert len(known) == len(set(known))


def test_source_has_one_number_whatever_place_of_it_is_cited():
    """Two places of a source are one entry of the list, which names both; another source is another entry."""
    named = References()
    marks = [named.mark([Citation("a", "A", place, "https://a.example.org")]) for place in ("table 1", None, "page 2")]
    assert marks == ["[1]"] * 3
    assert named.mark([Citation("b", "B"), Citation("a", "A", url="https://a.example.org")]) == "[1, 2]"
    assert [source.line for source in named.listed()] == ["A (table 1; page 2) https://a.example.org", "B"]


@pytest.mark.parametrize("node", ["hypocalcemia", "magnesium_deficiency", "vitamin_b12_deficiency"])
def test_explain_lists_each_source_once(capsys, node):
    """`labinterp explain` gives each source one number, on a line of its own, as the other faces do."""
    _, out, _ = run(capsys, "explain", node)
    sources = " ".join(out.partition("\nSources\n")[2].split())
    cited = {citation.text for edge in explain(node).incoming + explain(node).outgoing for citation in edge.citations}
    assert cited
    for text in cited:
        assert sources.count(" ".join(text.split())) == 1


@pytest.mark.parametrize(
    ("value", "what"), [("1.5", "Hypomagnesemia (severity moderate)."), ("0.5", "Hypomagnesemia (severity high).")]
)
def test_page_and_terminal_open_with_the_same_lines(capsys, value, what):
    """What, how soon and what to measure next are the same sentences on the page, the terminal and in a notebook."""
    sent = [li.LabResult("Mg", value, "mg/dL"), li.LabResult("calcium", "QNS", "mg/dL")]
    report = li.interpret(sent, li.Patient(age=54))
    _, out, _ = run(capsys, "panel", f"Mg {value} mg/dL", "calcium QNS mg/dL", "--age", "54")
    printed, page, cell = " ".join(out.split()), report.to_html(), report._repr_html_()
    lines = essentials(report).labeled
    assert [label for label, _ in lines] == ["What", "How soon", "Measure next"]
    assert lines[0][1] == what
    assert lines[2][1].endswith("Sent, but not judged, which does not mean normal: total calcium.")
    for label, text in lines:
        assert f"{label}: {text}" in printed
        assert f"<strong>{label}</strong>: {text}" in page
        assert f"<strong>{label}</strong>: {text}" in cell


def test_nothing_judged_is_never_called_nothing_found():
    """Where no result could be judged, the first line says that this says nothing, whatever was sent."""
    for sent in ([], [li.LabResult("calcium", "QNS", "mg/dL")], [li.LabResult("ferritin", "30", "ng/mL")]):
        assert essentials(li.interpret(sent)).what == "No result could be judged; that says nothing about the patient."


def test_every_problem_has_its_words_and_its_exception():
    """Each problem has a message, a suggestion and an exception, and nothing has words that is no problem."""
    assert set(problems.problems()) == set(PROBLEMS) == set(PROBLEM_ERRORS)
    for code, told in problems.problems().items():
        assert {"message", "suggestion"} <= told.keys() <= {"message", "suggestion", "typed", "rows", "mend"}, code
    assert all(
        "=" not in told["typed"] or "--" in told["typed"] for told in problems.problems().values() if "typed" in told
    )


def test_suggestion_of_a_report_is_typed_at_the_command_line(capsys):
    """A problem names the parameter in a report and the option on the terminal, and says the same otherwise."""
    sent = [li.LabResult("Mg", "1.1"), li.LabResult("calcium", "9.4", "mg/dL")]
    report = li.interpret(sent)
    _, out, _ = run(capsys, "panel", "Mg 1.1", "calcium 9.4 mg/dL")
    printed = " ".join(out.split())
    assert [problem.code for problem in report.problems] == ["missing_unit", "no_reference_range"]
    for problem in report.problems:
        typed = problems.as_typed(problem.suggestion)
        assert typed != problem.suggestion
        assert f"{problem.message}. {typed}." in printed
        assert problem.suggestion not in printed


def test_notes_of_a_screen_are_those_of_a_page(capsys):
    """A note that the terminal tells is told in the words of the report."""
    _, out, _ = run(capsys, "panel", "Ca 7.9 mg/dL", "--age", "54")
    page = " ".join(li.interpret([li.LabResult("Ca", "7.9", "mg/dL")], li.Patient(age=54)).to_html().split())
    assert labels.word("note", "uncorrected_calcium") in " ".join(out.split())
    assert labels.word("note", "uncorrected_calcium") in page
    assert set(NOTES_TOLD) <= set(NOTES)


SENTENCE = 6
"""Words that make a text a sentence."""

SAYING = (
    "cli",
    "report",
    "messages",
    "reasoning",
    "auditing",
    "service/cards.py",
    "service/cds.py",
    "service/problems.py",
)
"""Where a reader of results is spoken to."""

NO_SENTENCES = {
    "report/form.py": "a content policy",
    "report/pages.py": "a content policy",
    "messages/fhir_out.py": "a pattern",
    "messages/hl7_out.py": "a head of a message",
    "messages/hl7_segments.py": "a pattern, and hints of exceptions",
    "cli/__init__.py": "how to install what is missing, before anything can be read",
    "cli/app.py": "errors of the process",
    "cli/inputs.py": "a hint of an exception",
    "cli/outputs.py": "a hint of an exception",
    "cli/auditing.py": "a key of a summary",
    "auditing/api.py": "a hint of an exception",
    "auditing/report.py": "a key of a summary",
    "service/cds.py": "a query",
    "service/problems.py": "a part of an error's detail",
}
"""Modules in which a text of six words is no sentence for a reader of results, and what it is."""


def speaking():
    for place in SAYING:
        path = SOURCE / place
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def of_errors(tree):
    """Return the ids of what stands in exceptions, hints and the help of options, which own their words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            yield from map(id, ast.walk(node))
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.startswith("click.") or "Error" in name or name.endswith(("refuse", "fault", "option")):
                yield from map(id, ast.walk(node))
            for keyword in node.keywords:
                if keyword.arg in {"hint", "help", "short_help"}:
                    yield from map(id, ast.walk(keyword))


@pytest.mark.parametrize("path", list(speaking()), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_sentence_for_a_reader_of_results_stands_in_code(path):
    """What faces say is data: no module that speaks holds a text of six words, but for what is named with a reason."""
    said = [(line, re.sub(r"<[^>]*>?", " ", text)) for line, text in texts(path, but=of_errors)]  # without its markup
    found = [(line, text) for line, text in said if len(re.findall(r"[A-Za-z]{2,}", text)) >= SENTENCE]
    if str(path.relative_to(SOURCE)) in NO_SENTENCES:
        assert 0 < len(found) <= 3, "the reason is not needed, or hides more than it names"
    else:
        assert not found


def test_headings_of_the_terminal_are_data():
    """No heading of a screen is a text of its module."""
    for path in sorted((SOURCE / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "printer.heading":
                said = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                called = [part for part in ast.walk(node.args[0]) if isinstance(part, ast.Call)]
                assert called or not re.search("[A-Za-z]{2}", " ".join(map(str, said))), f"{path.name}: {said}"


API = ("openapi.py", "schemas.py", "cds_schemas.py", "operations.py")
"""Modules that describe the API; examples of documents, patterns and names of types stand there, and no words."""


@pytest.mark.parametrize("name", API)
def test_no_description_of_the_api_stands_in_code(name):
    """Summaries, descriptions and titles of the API are data: its modules hold no text of two words."""
    told = [text for _, text in texts(SOURCE / "service" / name, but=of_errors)]
    assert not [text for text in told if re.search(r"[A-Za-z]{2,}[,;:]? [A-Za-z]{2,}", text)]


TEMPLATES = sorted((SOURCE / "report" / "templates").glob("*.html"))
SPOKEN = re.compile(r"""\b(?:aria-label|title|alt|placeholder)="([^"]*)\"""")
"""The attributes of a tag that are read out or shown."""


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_word_for_a_reader_stands_in_a_template(path):
    """Headings, labels and notices of pages are data: a template holds tags, expressions and signs, and no words."""
    template = path.read_text(encoding="utf-8")
    expressions = re.findall(r"\{[{%].*?[%}]\}", template, re.DOTALL)
    texts = [text for each in expressions for text in re.findall(r'"([^"]*)"', each)]
    assert not [text for text in texts if re.search(r"^[A-Z][a-z]|[A-Za-z]{2,} [A-Za-z]{2,}", text)]
    bare = re.sub(r"\{[{%].*?[%}]\}", "", template, flags=re.DOTALL)
    shown = [re.sub(r'<[^>]*>|\b[a-z-]+="[^"]*"', " ", bare), *SPOKEN.findall(bare)]
    assert not [word for text in shown for word in re.findall(r"[^\W\d_]{2,}", text)]


@pytest.mark.parametrize("file", ["faces.toml", "sentences.toml", "service.toml"])
def test_every_line_of_words_is_said_somewhere(file):
    """No sentence is kept that nothing says: each key is named in the code, in a template, or is a code of ours."""
    every = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in every)
    for table, said in _data.words(file).items():
        if table == "schema" or not isinstance(said, dict) or not all(isinstance(text, str) for text in said.values()):
            continue
        assert f'"{table}"' in source, table
        if f'("{table}").items()' in source:
            continue
        for key in said:
            stem = re.sub(r"_(?:one|many|present|possible|first|supported|interrupted|strong|moderate|weak)$", "", key)
            quoted = f'"{stem}' in source or f"'{stem}" in source
            assert quoted or re.search(rf"\b{key}=", source), f"{table}.{key}"


def test_every_table_of_labels_is_used():
    """No table of words for codes is kept that no face takes a word from."""
    every = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in every)
    for table in labels.tables():
        assert table == "schema" or re.search(rf'["\']{table}["\']', source), table
