"""Tables larger than memory (`files`, with DuckDB where rows are scattered) and larger than a machine (`spark`)."""

from labinterp.errors import MissingExtraError

try:
    import pyarrow as pa  # noqa: F401 - every engine needs it
except ImportError:
    raise MissingExtraError.from_extra("pyarrow", "duckdb") from None
