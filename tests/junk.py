"""Things that nobody should pass, each with the canary where it can hold one."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

CANARY = "CANARY-7741"
"""Stands for a patient's id or a value; no message may hold it."""


class CanaryError(Exception):
    """What a hostile object raises; it is the object's own fault and still not to be let through."""


def _raise(*_args, **_kwargs):
    raise CanaryError(CANARY)


HOSTILE = [
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__len__", "__iter__", "__getitem__",
    "__contains__", "__float__", "__int__", "__index__", "__add__", "__mul__", "__str__", "__repr__", "__format__",
    "__hash__", "__fspath__", "__array__", "__dataframe__", "__arrow_c_stream__", "keys", "items", "isoformat",
    "magnitude", "model_dump", "read", "__round__", "__abs__", "__neg__", "__call__", "__copy__", "__deepcopy__",
]  # fmt: skip
Hostile = type("Hostile", (), dict.fromkeys(HOSTILE, _raise))
"""Every method raises."""


class Attributes:
    """Has no attribute that can be read."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise CanaryError(CANARY)


class Chatty(str):
    """A text that says something else each time it is asked."""

    __slots__ = ()

    def __str__(self):
        raise CanaryError(CANARY)


def deep(kind, depth=5_000):
    """Nest lists or dicts."""
    inside = CANARY
    for _ in range(depth):
        inside = [inside] if kind is list else {"a": inside}
    return inside


def cyclic():
    """Return a list that holds itself."""
    loop = [CANARY]
    loop.append(loop)
    return loop


JUNK = {
    "none": lambda: None,
    "true": lambda: True,
    "zero": lambda: 0,
    "empty text": lambda: "",
    "blank": lambda: " \t\n",
    "canary": lambda: CANARY,
    "long text": lambda: CANARY * 1_000_000,
    "long digits": lambda: "9" * 20_000,
    "long blank": lambda: " " * 5_000_000,
    "nul": lambda: f"\x00{CANARY}\x00",
    "surrogate": lambda: f"\ud800{CANARY}",
    "right to left": lambda: f"\u202e{CANARY}",
    "combining": lambda: "a" + "\u0301" * 100_000,
    "expression": lambda: "9**9**9",
    "import": lambda: "__import__('os').system('true')",
    "percent": lambda: "%s%n{0}{x.__class__}",
    "path": lambda: f"../../{CANARY}.toml",
    "folder": lambda: "/",
    "device": lambda: "/dev/null",
    "bytes": CANARY.encode,
    "bytearray": lambda: bytearray(b"\xff\x00"),
    "memoryview": lambda: memoryview(b"abc"),
    "huge int": lambda: 10**5_000,
    "negative huge int": lambda: -(10**400),
    "nan": lambda: math.nan,
    "infinity": lambda: -math.inf,
    "tiny": lambda: 5e-324,
    "complex": lambda: 1 + 2j,
    "signaling nan": lambda: Decimal("sNaN"),
    "huge decimal": lambda: Decimal("1E+999999"),
    "fraction": lambda: Fraction(10**400, 3),
    "numpy": lambda: np.float64("nan"),
    "array": lambda: np.arange(3.0),
    "object array": lambda: np.array([CANARY, None], dtype=object),
    "na": lambda: pd.NA,
    "nat": lambda: pd.NaT,
    "frame": lambda: pd.DataFrame({CANARY: [CANARY]}),
    "empty frame": pd.DataFrame,
    "series": lambda: pd.Series([CANARY]),
    "date": lambda: dt.date.max,
    "time with zone": lambda: dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=14))),
    "list": lambda: [CANARY],
    "nested list": lambda: deep(list),
    "nested dict": lambda: deep(dict),
    "cyclic": cyclic,
    "dict": lambda: {CANARY: CANARY},
    "dict of odd keys": lambda: {1: 2, None: CANARY, (): []},
    "set": lambda: {CANARY, 1},
    "tuple": lambda: (CANARY, object()),
    "generator": lambda: (CANARY for _ in range(3)),
    "raising generator": lambda: (_raise() for _ in range(3)),
    "iterator": lambda: itertools.repeat(CANARY, 1_000),
    "object": object,
    "class": lambda: int,
    "function": lambda: _raise,
    "module": lambda: math,
    "hostile": Hostile,
    "attributes": Attributes,
    "chatty": lambda: Chatty(CANARY),
    "exception": lambda: ValueError(CANARY),
}
"""Name → what makes the thing anew."""
