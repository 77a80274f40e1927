"""The jinja2 environment of the pages: autoescape on, no scripts, one style sheet, named by hash in the policy."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from labinterp._version import __version__
from labinterp.errors import MissingExtraError
from labinterp.kept import Kept
from labinterp.markup import clean
from labinterp.words import faces, labels, numbers, sentences, titles

if TYPE_CHECKING:
    from jinja2 import Environment

    from labinterp.model import Pathway

_TEMPLATES: Final = "templates"
_KEPT: Final = 4096
_LINKED: Final = ("https://", "http://")


def draw(template: str, title: str, context: dict[str, Any]) -> str:
    """Return a page.

    Args:
        template: its file.
        title: of the page.
        context: what the template shows.

    Raises:
        MissingExtraError: if jinja2 is not installed.
    """
    return _environment().get_template(template).render(title=title, **context)


@functools.cache
def _environment() -> Environment:
    try:
        import jinja2
    except ImportError:
        raise MissingExtraError.from_extra("jinja2", "report") from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("labinterp.report", _TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_final,
    )
    sheet = style()
    environment.globals.update(
        version=__version__,
        style=drawing(sheet),
        policy=policy(),
        counted=_counted,
        graded=faces.graded,
        word=labels.word,
        known=labels.known,
        shown=numbers.shown,
    )
    environment.filters.update(
        drawing=drawing,
        line=_line,
        analyte=titles.analyte,
        node=titles.node,
        symptom=titles.symptom,
        spaced=labels.spaced,
        sent=numbers.sent,
        code=titles.finding,
        setting=numbers.setting,
        sentence=sentences.capital,
        link=link,
        chain=chain,
        strong=functools.partial(_within, "strong"),
        bdi=functools.partial(_within, "bdi"),
        typed=functools.partial(_within, "code"),
    )
    environment.globals["once"] = Kept(functools.partial(_part, environment), _KEPT)
    return environment


def _part(environment: Environment, item: Any, macro: str) -> Any:
    """Return what a macro of the parts makes of an object that many reports share."""
    return getattr(environment.get_template("parts.html").module, macro)(item)


def _line(table: str, key: str, **values: object) -> Any:
    """Return a line of `words` as markup with what it names, which is escaped unless it is markup itself.

    A filter and no function: where nothing is named, jinja2 puts the line into the template once for all.
    """
    said = _text(table, key)
    return drawing(said.format(**{name: _escaped(value) for name, value in values.items()}) if values else said)


@functools.cache
def _text(table: str, key: str) -> str:
    return html.escape(faces.lines(table)[key], quote=False)


def _counted(table: str, key: str, number: int, **values: object) -> Any:
    """Return the line for one or for several things; `n` is the number unless it is given in another form."""
    return _line(table, f"{key}_one" if number == 1 else f"{key}_many", **{"n": number, **values})


def _within(tag: str, text: object) -> Any:
    """Return a text between tags."""
    return drawing(f"<{tag}>{_escaped(text)}</{tag}>")


def _escaped(value: object) -> Any:
    return _markupsafe().escape(_final(value))


def chain(pathway: Pathway) -> list[tuple[str, str]]:
    """Return the nodes of a pathway in order, each marked `before`, `at` or `beyond` its break."""
    if not pathway.steps:
        return []
    placed, place = [(pathway.steps[0].source, "before")], "before"
    for step in pathway.steps:
        if place == "at":
            place = "beyond"
        elif place == "before" and pathway.broken_at is not None and step.target == pathway.broken_at:
            place = "at"
        placed.append((step.target, place))
    return placed


def drawing(text: str) -> Any:
    """Mark text made here, and nothing else, as markup that needs no escaping."""
    return _markupsafe().Markup(text)


@functools.cache
def _markupsafe() -> Any:
    try:
        import markupsafe
    except ImportError:
        raise MissingExtraError.from_extra("jinja2", "report") from None
    return markupsafe


def _final(value: Any) -> Any:
    """Show nothing for None, and text that can be written as UTF-8; runs before escaping."""
    if value is None:
        return ""
    return clean(value) if type(value) is str else value


@functools.cache
def style(name: str = "page.css") -> str:
    """Return a style sheet exactly as browsers see it between its tags: they hash Unix line ends."""
    text = (files("labinterp.report") / _TEMPLATES / name).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")


def script() -> str:
    """Return the script of an index: it searches and filters the rows that are there without it."""
    text = (files("labinterp.report") / _TEMPLATES / "index.js").read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")


def policy(code: str = "") -> str:
    """Return the content policy of a page: its own style sheet, its own script if it has one, and nothing else."""
    scripts = f"; script-src {style_hash(code)}" if code else ""
    return f"default-src 'none'; style-src {style_hash(style())}{scripts}; base-uri 'none'; form-action 'none'"


def style_hash(sheet: str) -> str:
    """Return a style sheet as a source of a content policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()}'"


def link(url: str | None) -> str:
    """Return a web address that may be linked, or nothing: no scheme but http and https is followed.

    Example:
        >>> link("https://example.org/"), link("javascript:alert(1)")
        ('https://example.org/', '')
    """
    return url if url and url.lower().startswith(_LINKED) else ""
