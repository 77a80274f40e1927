"""Tables and documents out: a folder that appears whole or not at all, or standard output."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from labinterp.cli.answers import Answered, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

TABLES: Final = ("results", "findings", "pathways")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that holds something already, before any work is done."""
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is a file; -o takes a folder")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; choose another folder, or overwrite with --force")


def write_folder(
    folder: Path, answered: Sequence[Answered], provenance: dict[str, Any], form: str, *, force: bool
) -> None:
    """Write the three tables and `manifest.json`; until all is written, nothing is there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        files = {}
        for name in TABLES:
            path = work / f"{name}.{form}"
            rows = _write_table(joined(answered, name), path, form)
            files[path.name] = {"rows": rows, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        manifest = manifest_of(answered, provenance, files)
        (work / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        _settle(work, folder, [*files, "manifest.json"], force=force)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _settle(work: Path, folder: Path, names: Sequence[str], *, force: bool) -> None:
    check_folder(folder, force=force)
    if folder.is_dir() and any(folder.iterdir()):
        for name in names:
            (work / name).replace(folder / name)
        return
    umask = os.umask(0)
    os.umask(umask)
    work.chmod(0o777 & ~umask)
    if folder.is_dir():
        folder.rmdir()
    work.replace(folder)


def manifest_of(answered: Sequence[Answered], provenance: dict[str, Any], files: dict[str, Any]) -> dict[str, Any]:
    """Return what went in, what came out, and what made it."""
    results = joined(answered, "results")
    problems = results["problem"].dropna().astype(object).value_counts().to_dict()
    return {
        **provenance,
        "inputs": [
            {
                "file": each.source.name,
                "bytes": each.source.size,
                "sha256": each.source.sha256,
                "rows": len(each.source.table),
                "panels": each.panels,
            }
            for each in answered
        ],
        "rows": {
            "in": sum(len(each.source.table) for each in answered),
            "results": len(results),
            "interpreted": int(results["problem"].isna().sum()),
            "problems": {str(code): int(count) for code, count in sorted(problems.items())},
        },
        "files": files,
    }


def _write_table(frame: pd.DataFrame, path: Path, form: str) -> int:
    if form == "parquet":
        write_parquet(frame, path)
    elif form == "json":
        path.write_text(json.dumps(records(frame), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            write_csv(frame, file)
    return len(frame)


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet.

    Raises:
        MissingExtraError: without pyarrow.
    """
    import pandas as pd

    from labinterp.errors import MissingExtraError

    try:
        import pyarrow  # noqa: F401, ICN001 - an extra
    except ImportError:
        raise MissingExtraError.from_extra("pyarrow", "duckdb") from None
    plain = {
        name: column.astype(object).map(lambda value: value if value is None else str(value), na_action="ignore")
        for name, column in _columns(frame)
        if column.dtype == object or isinstance(column.dtype, pd.CategoricalDtype)
    }
    frame.assign(**plain).reset_index(drop=True).to_parquet(path, index=False)


def write_csv(frame: pd.DataFrame, file: Any) -> None:
    """Write a table as CSV in which no spreadsheet takes a text for a formula."""
    import pandas as pd

    guarded = {}
    for name, column in _columns(frame):
        if isinstance(column.dtype, pd.CategoricalDtype):
            guarded[name] = column.cat.rename_categories(guard)
        elif column.dtype == object or pd.api.types.is_string_dtype(column):
            guarded[name] = column.map(guard, na_action="ignore")
    frame.assign(**guarded).to_csv(file, index=False, lineterminator="\n")


def _columns(frame: pd.DataFrame) -> list[tuple[str, pd.Series[Any]]]:
    return [(str(name), column) for name, column in frame.items()]


def guard(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    Example:
        >>> guard("=1+1"), guard("ferritin"), guard(-1.5)
        ("'=1+1", 'ferritin', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON-ready objects; what is missing is null."""
    import pandas as pd

    from labinterp.serialization import plain

    columns: dict[str, list[Any]] = {}
    for name, column in _columns(frame):
        values = column.astype(object)
        columns[name] = [plain(value) for value in values.where(pd.notna(values), None).tolist()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def document(answered: Sequence[Answered], provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the whole answer as one JSON-ready document."""
    return {
        **{name: records(joined(answered, name)) for name in TABLES},
        "provenance": provenance,
    }


def write_text(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        work.write_text(text, encoding="utf-8")
        work.replace(path)
    finally:
        work.unlink(missing_ok=True)


def print_json(data: Any) -> None:
    """Print a document as JSON on standard output."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    sys.stdout.write(json.dumps(data, ensure_ascii=not encoding.startswith("utf"), indent=2, allow_nan=False) + "\n")
