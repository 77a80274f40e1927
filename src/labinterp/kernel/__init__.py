"""The kernel: convert, pick limits, compare. One result or ten million, the same compiled plans."""
