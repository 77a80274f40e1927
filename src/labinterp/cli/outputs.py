"""Tables and documents out: a folder that appears whole or not at all, or standard output."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final, cast

import click

from labinterp.cli.answers import Answered, joined, not_covered_of_all, signs_of_all, worst
from labinterp.formulas import END, Lines, guard
from labinterp.markup import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from _typeshed import SupportsWrite

    from labinterp.engines.manifest import Manifest
    from labinterp.engines.sink import Output

TABLES: Final = ("results", "findings", "pathways")


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder that holds something already, before any work is done."""
    from labinterp.engines.folder import check
    from labinterp.errors import InputError

    try:
        check(folder, force=force)
    except InputError:
        ours = folder.is_dir() and not force and _may_be_replaced(folder)
        what = "overwrite it with --force" if ours else "--force replaces an output of labinterp and nothing else"
        raise click.UsageError(f"{folder} is there already; choose another folder; {what}") from None


def _may_be_replaced(folder: Path) -> bool:
    from labinterp.engines.folder import check
    from labinterp.errors import InputError

    try:
        check(folder, force=True)
    except InputError:
        return False
    return True


def write_folder(
    folder: Path,
    answered: Sequence[Answered],
    provenance: dict[str, Any],
    settings: dict[str, Any],
    form: str,
    *,
    force: bool,
) -> Manifest:
    """Write the three tables and `manifest.json` as `interpret_files` does; until all is written, nothing is there.

    Raises:
        MissingExtraError: without pyarrow.
    """
    from labinterp.engines.folder import MANIFEST, workplace
    from labinterp.engines.manifest import Problems
    from labinterp.engines.sink import Output

    with workplace(folder, force=force) as place:
        out = place / "out"
        outputs = []
        for name in TABLES:
            outputs += _write_table(joined(answered, name), out, name, form)
        problems = Problems(out / "problems.csv", stop=True)
        problems.close()
        outputs.append(Output.of(problems.path, out, 0))
        manifest = manifest_of(answered, provenance, {**settings, "format": form}, tuple(outputs))
        (out / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def manifest_of(
    answered: Sequence[Answered], provenance: dict[str, Any], settings: dict[str, Any], outputs: tuple[Output, ...]
) -> Manifest:
    """Return what went in, what came out, and what made it."""
    from labinterp.engines.manifest import Input, Manifest

    rows = {file.file.partition("/")[0]: file.rows for file in outputs}
    found = joined(answered, "results")["problem"].dropna().astype(object).value_counts().to_dict()
    inputs = tuple(
        Input(
            file=each.source.name,
            bytes=each.source.size,
            sha256=each.source.sha256,
            layout=each.source.layout,
            rows=len(each.source.table) // each.source.results_per_row,
            bad_rows=0,
            results=len(each.results),
            unused_columns=each.source.unused,
            lines_above=each.source.lines_above,
        )
        for each in answered
    )
    return Manifest(
        labinterp=provenance["library_version"],
        knowledge=provenance["knowledge_version"],
        knowledge_sha256=provenance["knowledge_sha256"],
        editions=tuple(provenance["editions"]),
        settings={**provenance["settings"], **settings},
        engine="memory",
        rows_in=sum(each.rows for each in inputs),
        bad_rows=0,
        rows_out=rows["results"],
        findings=rows["findings"],
        pathways=rows["pathways"],
        severities=dict(sorted(worst(answered).items())),
        problems={str(code): int(count) for code, count in sorted(found.items())},
        inputs=inputs,
        outputs=outputs,
        decimals=signs_of_all(answered).as_data(),
        not_covered=not_covered_of_all(answered),
    )


def _write_table(frame: pd.DataFrame, out: Path, name: str, form: str) -> list[Output]:
    """Write a table as the engine does, or as JSON; return its files."""
    from labinterp.batch import arrow
    from labinterp.engines.sink import Output, PartWriter

    if form == "json":
        path = out / name / "part-00000.json"
        path.parent.mkdir()
        path.write_text(json.dumps(records(frame), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return [Output.of(path, out, len(frame))]
    own = {"patient_id", "collected_at"}
    types = {field.name: field.type for field in arrow.schemas(graded=True)[name]}
    kept = {column for column in own & set(frame) if not _is_text(frame[column])}
    table = arrow.table_of(frame, {column: kind for column, kind in types.items() if column not in kept})
    parts = PartWriter(out / name, table.schema, form)
    parts.write(table)
    parts.close()
    return parts.outputs(out)


def _is_text(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return column.dtype == object or isinstance(column.dtype, pd.CategoricalDtype | pd.StringDtype)


def write_csv(frame: pd.DataFrame, file: Any) -> None:
    """Write a table as CSV in which no spreadsheet takes a text for a formula."""
    import pandas as pd

    guarded = {}
    for name, column in _columns(frame):
        if isinstance(column.dtype, pd.CategoricalDtype):
            texts = [guard(text) for text in column.cat.categories]
            guarded[name] = column.astype(object).map(dict(zip(column.cat.categories, texts, strict=True)))
        elif column.dtype == object or pd.api.types.is_string_dtype(column):
            guarded[name] = column.map(guard, na_action="ignore")
    frame.assign(**guarded).to_csv(cast("Any", Lines(file)), index=False, lineterminator=END)


def _columns(frame: pd.DataFrame) -> list[tuple[str, pd.Series[Any]]]:
    return [(str(name), column) for name, column in frame.items()]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON-ready objects; what is missing is null."""
    from labinterp.batch.output import records_of

    return records_of(frame)


def document(answered: Sequence[Answered], provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the whole answer as one JSON-ready document."""
    return {
        **{name: records(joined(answered, name)) for name in TABLES},
        "provenance": provenance,
    }


class _Terminal:
    """Standard output that people look at: no character in the data moves, colors or names anything there."""

    def write(self, text: str) -> int:
        return sys.stdout.write(clean(text))


def standard_output() -> SupportsWrite[str]:
    """Return where tables and documents are printed: as they are into a file or pipe, harmless on a terminal."""
    return _Terminal() if sys.stdout.isatty() else sys.stdout


def print_json(data: Any) -> None:
    """Print a document as JSON on standard output."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    text = json.dumps(data, ensure_ascii=not encoding.startswith("utf"), indent=2, allow_nan=False)
    standard_output().write(f"{text}\n")
