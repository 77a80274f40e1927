"""What the tests of tables larger than memory share."""

from __future__ import annotations

import os
import time

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

TABLES = ("results", "findings", "pathways")


def read_parts(folder, name):
    parts = sorted((folder / name).iterdir())
    if parts[0].suffix == ".csv":
        return pd.concat([pd.read_csv(part, dtype=str, keep_default_na=False, na_values=[""]) for part in parts])
    table = pa.concat_tables([pq.read_table(part) for part in parts]).unify_dictionaries()
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def cells(frame):
    """Return the cells of a frame by column; missing is None, and nothing else is changed."""
    columns = (frame.iloc[:, at].astype(object) for at in range(frame.shape[1]))
    return [column.where(column.notna(), None).tolist() for column in columns]


def assert_same(folder, report):
    for name in TABLES:
        ours, expected = read_parts(folder, name), getattr(report, name)
        assert list(ours.columns) == list(expected.columns)
        assert cells(ours) == cells(expected), name


class Bench:
    """A desk for tests of processes."""

    def where(self):
        """Return the number of the process that works."""
        return os.getpid()

    def echo(self, *values):
        """Return what was sent."""
        return values

    def fail(self, error):
        """Raise what was sent."""
        raise error

    def fail_oddly(self, text):
        """Raise what cannot be sent back."""

        class Odd(Exception):  # noqa: N818 - only its name matters
            pass

        raise Odd(text)

    def end(self, number):
        """Be ended by a signal."""
        os.kill(os.getpid(), number)
        time.sleep(60)

    def leave(self, code):
        """End without an answer."""
        os._exit(code)
