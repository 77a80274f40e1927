"""Tables larger than memory (`files`, with DuckDB where rows are scattered) and larger than a machine (`spark`)."""
