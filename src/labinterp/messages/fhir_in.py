"""FHIR documents → resources, each with its place, and the references between them."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from labinterp import json_text
from labinterp.errors import InputError
from labinterp.json_text import fault, refuse, step

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: Final[dict[Any, str]] = {
    dict: "an object",
    list | tuple: "a list",
    str: "a text",
    bool: "a truth value",
    int | float | Decimal: "a number",
    type(None): "nothing",
}
_READ: Final = ("Observation", "DiagnosticReport", "Bundle")
_MAX_TEXT: Final = 10_000


@attrs.frozen
class JsonNode:
    """A JSON object and its place in the document. Reading an element of the wrong kind raises with its place."""

    data: dict[str, Any] = attrs.field(repr=False)
    path: str

    @classmethod
    def of(cls, value: Any, path: str) -> JsonNode:
        """Wrap an object, or the only object of a list."""
        if isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], dict):
            value = value[0]
        if not isinstance(value, dict):
            refuse(path, f"expected an object, found {_kind(value)}")
        return cls(value, path)

    def child(self, key: str) -> JsonNode | None:
        """Return the object under `key`, if there is one."""
        value = self.data.get(key)
        return None if value is None else JsonNode.of(value, self.path + step(key))

    def children(self, key: str) -> list[JsonNode]:
        """Return the objects in the list under `key`; an object in place of the list is its only one, as in STU3."""
        found = list(self.each(key))
        for item in found:
            if isinstance(item, InputError):
                raise item
        return [item for item in found if isinstance(item, JsonNode)]

    def each(self, key: str) -> Iterator[JsonNode | InputError]:
        """Give the objects in the list under `key`, and for what is no object the error that says so."""
        value = self.data.get(key)
        if value is None:
            return
        path = self.path + step(key)
        if isinstance(value, dict):
            yield JsonNode(value, path)
        elif not isinstance(value, list | tuple):
            yield fault(path, f"expected a list, found {_kind(value)}")
        else:
            for i, item in enumerate(value):
                if isinstance(item, dict):
                    yield JsonNode(item, f"{path}/{i}")
                elif item is not None:
                    yield fault(f"{path}/{i}", f"expected an object, found {_kind(item)}")

    def name(self, key: str) -> str | None:
        """Return what `key` names something by: a text, or an integer as text; None for anything else."""
        value = self.data.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(key) if isinstance(value, str) else None

    def text(self, key: str) -> str | None:
        """Return the text under `key` without white space around it; None where it is missing or blank."""
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            refuse(self.path + step(key), f"expected a text, found {_kind(value)}")
        value = value[:_MAX_TEXT].strip()
        return (value if value.isascii() else value.encode("utf-8", "replace").decode()) or None

    @property
    def kind(self) -> str:
        """The resource type."""
        name = self.text("resourceType")
        if name is None:
            refuse(self.path, "a resource without resourceType")
        return name


def _kind(value: Any) -> str:
    return next((name for kind, name in _KINDS.items() if isinstance(value, kind)), "something else")


@attrs.frozen(eq=False)
class Resource:
    """A resource of the document.

    Args:
        node: the resource.
        url: its `fullUrl`.
        parent: the resource that contains it.
        scope: place of the Bundle that it came in; ids are unique within one.
        newest_first: whether earlier versions come later, as in a history.
        fault: why nothing of it can be read.
    """

    node: JsonNode
    url: str | None = None
    parent: Resource | None = None
    scope: str = ""
    newest_first: bool = False
    fault: InputError | None = None

    @property
    def reference(self) -> str | None:
        """How others refer to it, as in `Observation/17`; a contained one cannot be referred to from outside."""
        if self.parent is not None:
            return None
        own = self.node.name("id")
        if own is not None and not (self.url or "").startswith("urn:"):
            return f"{self.node.kind}/{own}"
        return self.url

    @property
    def identity(self) -> tuple[str, ...] | None:
        """What two versions of one resource have in common."""
        own = self.node.name("id")
        if self.parent is not None or (own is None and self.url is None):
            return None
        return (self.node.kind, self.url) if self.url else (self.scope, self.node.kind, own or "")


class Documents:
    """All resources of a source, in order, with those contained right behind the one that contains them.

    Args:
        source: a dict, JSON text or bytes, NDJSON, a path, a model object, or a list of dicts or model objects.
        max_bytes: longest text that is read.
    """

    def __init__(self, source: Any, *, max_bytes: int = json_text.MAX_BYTES) -> None:
        self.resources: list[Resource] = []
        self._by_url: dict[str, Resource] = {}
        self._by_id: dict[str, list[Resource]] = {}
        roots = list(_roots(source, max_bytes))
        for root in roots:
            if isinstance(root, InputError):
                self._lose(root)
            else:
                self._add(Resource(root))
        faults = [resource.fault for resource in self.resources if resource.fault is not None]
        if faults and len(faults) == len(self.resources):
            raise faults[0]
        readable = [root for root in roots if isinstance(root, JsonNode)]
        if roots and not any(root.data.get("resourceType") in _READ for root in readable):
            refuse(readable[0].path, "expected an Observation, a DiagnosticReport or a Bundle")
        self.alone = len(roots) == 1 and bool(readable) and readable[0].kind == "Observation"
        """Whether the source is one Observation and nothing else."""

    def _lose(self, error: InputError) -> None:
        """Keep the place of a resource of which nothing can be read."""
        self.resources.append(Resource(JsonNode({}, str(error.data.get("place", ""))), fault=error))

    def _add(self, resource: Resource) -> None:
        node = resource.node
        try:
            kind = node.kind
        except InputError as error:
            self._lose(error)
            return
        if kind == "Bundle":
            self._add_entries(node)
            return
        self.resources.append(resource)
        own = node.name("id")
        if resource.url is not None:
            self._by_url.setdefault(_unversioned(resource.url), resource)
        if own is not None:
            self._by_id.setdefault(f"{kind}/{own}", []).append(resource)
        for inner in node.each("contained"):
            if isinstance(inner, InputError):
                if kind == "DiagnosticReport":
                    self._lose(inner)
            else:
                self.resources.append(Resource(inner, parent=resource, scope=resource.scope))

    def _add_entries(self, bundle: JsonNode) -> None:
        history = bundle.data.get("type") == "history"
        for entry in bundle.each("entry"):
            if isinstance(entry, InputError):
                self._lose(entry)
                continue
            try:
                inner = entry.child("resource")
            except InputError as error:
                self._lose(error)
                continue
            if inner is not None:
                url = entry.name("fullUrl")
                self._add(Resource(inner, url, scope=bundle.path or "/", newest_first=history))

    def resolve(self, reference: JsonNode, home: Resource) -> Resource | None:
        """Return the resource that a Reference in `home` points to, if it is in the source.

        Ids are those of one server: what has another base in its `fullUrl` is another resource.
        """
        text = reference.text("reference")
        if text is None:
            return None
        outer = home.parent or home
        if text.startswith("#"):
            inside = (node for node in contained(outer.node) if node.name("id") == text[1:])
            return next((Resource(node, parent=outer, scope=home.scope) for node in inside), None)
        base = _base(outer.url)
        absolute = self._by_url.get(_unversioned(text)) or self._by_url.get(f"{base}{_unversioned(text)}")
        if absolute is not None or ":" in text:
            return absolute
        same_id = self._by_id.get(_unversioned(text), [])
        beside = [found for found in same_id if found.scope == outer.scope and not _base(found.url)]
        if beside:
            return beside[0]
        return same_id[0] if len(same_id) == 1 and not base else None

    def absolute(self, text: str, home: Resource) -> str:
        """Return a reference that is not in the source, with the base of `home` in front where it has one."""
        text = _unversioned(text)
        return text if ":" in text else f"{_base((home.parent or home).url)}{text}"


def _base(url: str | None) -> str:
    match = re.match(r"(https?://.{1,500}/)[A-Za-z]{1,64}/[^/]{1,64}$", _unversioned(url or ""))
    return match[1] if match else ""


def contained(node: JsonNode) -> list[JsonNode]:
    """Return the contained resources."""
    return node.children("contained")


def _unversioned(reference: str) -> str:
    return reference.partition("/_history/")[0]


def _roots(source: Any, max_bytes: int) -> Iterator[JsonNode | InputError]:
    if isinstance(source, Path):
        source = json_text.read_path(source, max_bytes)
    if isinstance(source, bytes | bytearray | memoryview):
        json_text.check_size(bytes(source), max_bytes)
        source = json_text.decode(bytes(source))
    if isinstance(source, str):
        yield from _from_text(source, max_bytes)
    elif isinstance(source, list | tuple):
        for i, item in enumerate(source):
            plain = as_dict(item)
            json_text.check_depth(plain, where=f"/{i}")
            yield _root(plain, f"/{i}")
    else:
        plain = as_dict(source)
        json_text.check_depth(plain)
        yield _root(plain, "")


def _root(value: Any, path: str) -> JsonNode | InputError:
    return (
        JsonNode(value, path) if isinstance(value, dict) else fault(path, f"expected an object, found {_kind(value)}")
    )


def _from_text(text: str, max_bytes: int) -> Iterator[JsonNode | InputError]:
    json_text.check_size(text, max_bytes)
    lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip("\ufeff \t\r")]
    if len(lines) > 1 and _is_object(lines[0][1]):
        yield from _from_lines(lines, max_bytes)
        return
    try:
        read = json_text.loads(text, max_bytes=max_bytes)
    except InputError:
        whole = sum('"resourceType"' in line and _is_object(line) for _, line in lines[1:])
        if not whole or whole * 2 < len(lines):
            raise
        yield from _from_lines(lines, max_bytes)  # only the first line is broken
        return
    if isinstance(read, list):
        for i, item in enumerate(read):
            yield _root(item, f"/{i}")
    else:
        yield _root(read, "")


def _from_lines(lines: list[tuple[int, str]], max_bytes: int) -> Iterator[JsonNode | InputError]:
    """Give the resource of every line; one that is cut or broken costs itself alone."""
    for i, line in lines:
        try:
            yield _root(json_text.loads(line, where=f"line {i}: ", max_bytes=max_bytes), f"line {i}: ")
        except InputError as error:
            yield error


def _is_object(line: str) -> bool:
    """Whether a line holds a whole JSON object, as every line of NDJSON does."""
    line = line.strip("\ufeff \t\r")
    if not (line.startswith("{") and line.endswith("}")):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def as_dict(source: Any) -> Any:
    """Return a model object of `fhir.resources` or `fhirclient` as a dict; anything else as it is.

    Raises:
        InputError: if the object cannot be turned into one.
    """
    if isinstance(source, dict):
        return source
    try:
        if callable(getattr(source, "model_dump", None)):
            return source.model_dump(mode="json", exclude_none=True)
        if callable(getattr(source, "as_json", None)):
            return source.as_json()
    except Exception:  # noqa: BLE001 - a foreign model may raise anything, and its message may hold values
        raise InputError("the model object cannot be turned into JSON", hint="Validate it first") from None
    return source


def codings(concept: JsonNode | None) -> list[tuple[str | None, str | None, str | None]]:
    """Return (system, code, display) of every coding of a CodeableConcept, the one chosen by the user first."""
    if concept is None:
        return []
    found = sorted(concept.children("coding"), key=lambda coding: coding.data.get("userSelected") is not True)
    return [(coding.text("system"), coding.text("code"), coding.text("display")) for coding in found]


def words(concept: JsonNode | None) -> list[str]:
    """Return the texts of a CodeableConcept: its text, its displays, then its codes."""
    if concept is None:
        return []
    listed = codings(concept)
    every = [concept.text("text"), *(display for _, _, display in listed), *(code for _, code, _ in listed)]
    return [word for word in dict.fromkeys(every) if word]
