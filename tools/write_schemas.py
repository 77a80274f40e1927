"""Write the JSON Schemas of what goes in and comes out to `docs/schema/`. Run: python tools/write_schemas.py."""

from pathlib import Path

from labinterp.schema import report_schema, text_of
from labinterp.service import cds_schemas, schemas

FOLDER = Path(__file__).parents[1] / "docs" / "schema"


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, schema in {"report": report_schema(), **schemas.files(), **cds_schemas.files()}.items():
        (FOLDER / f"{name}.schema.json").write_text(text_of(schema), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
