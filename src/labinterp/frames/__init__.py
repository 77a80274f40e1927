"""The face for tables: a pandas frame of results in, frames of results, findings and pathways out."""

from labinterp.frames.api import FrameReport, interpret_frame

__all__ = ["FrameReport", "interpret_frame"]
