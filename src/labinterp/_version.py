"""The version of the code; the data have versions of their own."""

__version__ = "0.2.0"
