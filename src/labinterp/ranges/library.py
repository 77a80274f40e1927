"""The shipped editions and profiles, each file read when it is needed and not before."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - attrs classes keep their annotations readable at run time
import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from labinterp import _data
from labinterp.errors import ReferenceSetError, ReferenceSetNotFound
from labinterp.ranges import schema
from labinterp.ranges.load import parse_edition, parse_toml, read_bytes
from labinterp.ranges.model import Edition  # noqa: TC001 - the same
from labinterp.ranges.reader import TableReader, TomlTable, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
PROFILES = "profiles.toml"
MANIFEST = "manifest.toml"
_log = logging.getLogger(__name__)


@attrs.frozen
class Member:
    """One edition of a profile, and why it stands there."""

    id: str
    why: str


@attrs.frozen
class Profile:
    """A named, explained list of editions in order of priority."""

    id: str
    title: str
    editions: tuple[Member, ...]
    note: str | None = None


@attrs.frozen
class Library:
    """A folder of editions, `publisher/edition.toml`, with `profiles.toml` and `manifest.toml`.

    Args:
        root: the folder.
    """

    root: Path
    _kept: dict[str, Any] = attrs.field(factory=dict, eq=False, repr=False)

    def ids(self) -> tuple[str, ...]:
        """Return the id of every edition: the closed list in which names are looked up."""
        return self.once("ids", self._ids)

    def edition(self, edition_id: str) -> Edition:
        """Return one edition.

        Raises:
            ReferenceSetNotFound: if there is none of that id.
            ReferenceSetError: if its file has faults or was changed after its release.
        """
        if edition_id not in self.ids():
            raise ReferenceSetNotFound(f"there is no edition {shown(edition_id)}", name=edition_id)
        return self.once(f"edition:{edition_id}", lambda: self._edition(edition_id))

    def editions(self) -> tuple[Edition, ...]:
        """Return every edition whose file is right; a broken one is logged and loses no other."""
        found = []
        for edition_id in self.ids():
            try:
                found.append(self.edition(edition_id))
            except ReferenceSetError as error:
                _log.warning("reference ranges left out: %s", error.message)
        return tuple(found)

    def profiles(self) -> dict[str, Profile]:
        """Return the profiles by id, without reading their editions."""
        return self.once("profiles", self._profiles)

    def local(self) -> dict[str, str]:
        """Return the editions of one place or one sample, which no profile may name, and what each is of."""
        return self.once("local", self._local)

    def replaced(self) -> frozenset[str]:
        """Return the editions that a current one supersedes, whatever their own files say."""
        current = (edition for edition in self.editions() if edition.status == "current")
        return self.once("replaced", lambda: frozenset(each.supersedes for each in current if each.supersedes))

    def at(self, edition_id: str, on: dt.date) -> Edition | None:
        """Follow `supersedes` back from an edition to the one that was in force on a day, if any was."""
        seen: set[str] = set()
        name: str | None = edition_id
        while name is not None and name not in seen:
            seen.add(name)
            edition = self.edition(name)
            if edition.valid_from is None or edition.valid_from <= on:
                return edition if edition.in_force(on) else None
            name = edition.supersedes
        return None

    def check(self, edition_id: str) -> tuple[str, ...]:
        """Return every fault of one edition's file."""
        label = f"{edition_id}.toml"
        reader = TableReader(label)
        try:
            data = read_bytes(self.root / label, label)
        except ReferenceSetError as error:
            return tuple(error.data["faults"])
        self._parse(edition_id, data, reader)
        return tuple(reader.faults)

    def once(self, key: str, make: Callable[[], _T]) -> _T:
        """Return what `make` made when it was first asked for under this key."""
        if key not in self._kept:
            self._kept[key] = make()
        kept: _T = self._kept[key]
        return kept

    def _ids(self) -> tuple[str, ...]:
        return tuple(sorted(f"{path.parent.name}/{path.stem}" for path in self.root.glob("*/*.toml")))

    def _edition(self, edition_id: str) -> Edition:
        label = f"{edition_id}.toml"
        reader = TableReader(label)
        edition = self._parse(edition_id, read_bytes(self.root / label, label), reader)
        if edition is None:
            raise ReferenceSetError.from_faults(tuple(reader.faults))
        return edition

    def _parse(self, edition_id: str, data: bytes, reader: TableReader) -> Edition | None:
        digest = self.once("released", lambda: released(self.root)).get(reader.label)
        if digest not in (None, _data.sha256(data)):
            reader.fault("", "the file was changed after its release; restore it, and put changes into a new edition")
        return parse_edition(data, reader, lambda name: name in self.ids(), edition_id)

    def _tables(self, reader: TableReader) -> TomlTable:
        path = self.root / PROFILES
        raw = parse_toml(read_bytes(path, PROFILES), reader) if path.is_file() else None
        return TomlTable() if raw is None else reader.table(raw, schema.PROFILES, "")

    def _local(self) -> dict[str, str]:
        rows = self._tables(TableReader(PROFILES)).get("local", [])
        return {row["id"]: row["why"] for row in rows if {"id", "why"} <= row.keys()}

    def _profiles(self) -> dict[str, Profile]:
        reader = TableReader(PROFILES)
        tables = self._tables(reader)
        rows = tables.get("profile", [])
        local = {row.get("id") for row in tables.get("local", [])}
        found: dict[str, Profile] = {}
        for index, row in enumerate(rows, 1):
            if row.get("id") in found:
                reader.fault(f"profile[{index}].id", f"duplicate id {row['id']!r}")
            members = [Member(member.get("id", ""), member.get("why", "")) for member in row.get("editions", [])]
            for place, member in enumerate(members, 1):
                if member.id and member.id not in self.ids():
                    where = f"profile[{index}].editions[{place}].id"
                    reader.fault(where, f"there is no edition {member.id!r}{nearest(member.id, self.ids())}")
                elif member.id in local:
                    where = f"profile[{index}].editions[{place}].id"
                    reader.fault(where, f"{member.id!r} is local or empirical and can stand in no profile")
            if {"id", "title", "editions"} <= row.keys():
                found[row["id"]] = Profile(row["id"], row["title"], tuple(members), row.get("note"))
        if reader.faults:
            raise ReferenceSetError.from_faults(tuple(reader.faults))
        return found


def released(root: Path) -> dict[str, str]:
    """Return what the manifest of a folder says: the SHA-256 of every released file, by path."""
    path = root / MANIFEST
    return dict(_data.read_toml(path).get("files", {})) if path.is_file() else {}


@functools.cache
def shipped() -> Library:
    """Return the library of the shipped editions."""
    return Library(_data.reference_ranges_path())


@functools.lru_cache(maxsize=64)
def _own(data: bytes, label: str, folder: Path) -> tuple[Edition | None, tuple[str, ...]]:
    def known(name: str) -> bool:
        publisher, stem = name.split("/")
        near = (folder / f"{stem}.toml", folder.parent / publisher / f"{stem}.toml")
        return name in shipped().ids() or any(path.is_file() for path in near)

    reader = TableReader(label, own=True)
    edition = parse_edition(data, reader, known)
    if edition is not None and _claims_a_released_id(edition):
        text = f"{edition.id!r} is a released edition, and its ranges are other ones; take an id of your own"
        reader.fault("id", text)
        edition = None
    return edition, tuple(reader.faults)


def _claims_a_released_id(edition: Edition) -> bool:
    """Return whether a file has the id of a shipped edition and not its ranges: a result could not say which it was."""
    if edition.id not in shipped().ids():
        return False
    try:
        released = shipped().edition(edition.id)
    except ReferenceSetError:
        return False
    return any(getattr(edition, part) != getattr(released, part) for part in ("entries", "grades", "no_categories"))


def load_edition(path: str | Path) -> Edition:
    """Return the edition in a user's own TOML file.

    Args:
        path: where the file lies.

    Raises:
        ReferenceSetError: with every fault of the file at once.
        ReferenceSetNotFound: if there is no such file.

    Example:
        >>> import tempfile
        >>> text = '''
        ... schema = 1
        ... id = "my-hospital/2026"
        ... title = "My Hospital, chemistry"
        ... source = [{ id = "handbook", citation = "My Hospital. Handbook of chemistry tests. 2026." }]
        ... [[range]]
        ... id = "magnesium"
        ... analyte = "magnesium"
        ... source = { id = "handbook", locator = "page 12" }
        ... evidence = "primary"
        ... normal = { from = { "mmol/L" = "0.70" }, up_to = { "mmol/L" = "1.00" } }
        ... '''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "ours.toml"
        ...     _ = file.write_text(text, encoding="utf-8")
        ...     load_edition(file).entries[0].range_id
        'my-hospital/2026#magnesium'
    """
    path = Path(path)
    edition, faults = _own(read_bytes(path, str(path)), str(path), path.absolute().parent)
    if edition is None:
        raise ReferenceSetError.from_faults(faults)
    return edition


def check(path: str | Path) -> tuple[str, ...]:
    """Return every fault of a file of ranges, shipped or a user's own; none if it is right.

    Args:
        path: where the file lies. A shipped edition is held to more than a user's own file.

    Raises:
        ReferenceSetNotFound: if there is no such file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "ours.toml")
        ...     _ = file.write_text('schema = 1')
        ...     faults = check(file)
        >>> len(faults) > 0
        True
    """
    path = Path(path)
    library = shipped()
    if path.absolute().parent.parent == library.root.absolute():
        edition_id = f"{path.absolute().parent.name}/{path.stem}"
        if edition_id in library.ids():
            return library.check(edition_id)
    try:
        data = read_bytes(path, str(path))
    except ReferenceSetError as error:
        return tuple(error.data["faults"])
    return _own(data, str(path), path.absolute().parent)[1]
