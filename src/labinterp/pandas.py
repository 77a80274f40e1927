"""The accessor `df.labinterp`, registered by importing this module and by nothing else.

Example:
    >>> import pandas as pd
    >>> import labinterp.pandas
    >>> df = pd.DataFrame({"test": ["Mg"], "value": ["1,1"], "unit": ["mg/dL"], "age": [54]})
    >>> df.labinterp.interpret().findings["finding"].tolist()
    ['hypomagnesemia']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from labinterp.frames import FrameReport, interpret_frame

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["LabinterpAccessor"]


class LabinterpAccessor:
    """What `df.labinterp` is; the frame itself is never changed.

    Args:
        frame: the frame that the accessor belongs to.

    Example:
        >>> frame = pd.DataFrame({"test": ["Mg"], "value": ["1,1"], "unit": ["mg/dL"], "age": [54]})
        >>> frame.labinterp.interpret(ranges="uk").results["flag"].tolist()
        ['L']
    """

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame

    def interpret(self, **options: Any) -> FrameReport:
        """Interpret the frame; takes every option of `labinterp.interpret_frame`.

        Args:
            options: such as `ranges="uk"` or `panel="30D"`.

        Returns:
            Three frames: results, one row per row of this frame; findings; pathways.

        Raises:
            LayoutError: if the columns fit no layout.
            TypeError: if an option is not known.
        """
        return interpret_frame(self._frame, **options)

    def __repr__(self) -> str:
        return f"<labinterp accessor of {len(self._frame)} rows>"


if not isinstance(getattr(pd.DataFrame, "labinterp", None), type):  # so that a reload registers it once
    pd.api.extensions.register_dataframe_accessor("labinterp")(LabinterpAccessor)
