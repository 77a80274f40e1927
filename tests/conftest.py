"""Fixtures that several modules share."""

import gc
import os

import pytest
from hypothesis import settings

# Else each of the hundreds of processes that tests start compiles the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("labinterp", deadline=None)
settings.load_profile("labinterp")

pytest.register_assert_rewrite("contract_helpers", "engines_helpers")

LONG = ("engines_spark", "docs_browser", "engines_files", "report_browser", "engines_processes")
"""The files of tests that take longest, as `--durations` shows them."""


def pytest_collection_modifyitems(config, items):
    """Where processes share the files, begin with the long ones, so that none is left at the end."""
    if hasattr(config, "workerinput"):
        places = {f"test_{name}": place for place, name in enumerate(LONG)}
        items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))


def pytest_collection_finish():
    """What was collected lives to the end, so no later collection of garbage need look at it, nor be whole so often."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 50)


@pytest.fixture
def panels(tmp_path):
    from cli_tools import PANELS

    path = tmp_path / "panels.csv"
    path.write_text(PANELS, encoding="utf-8")
    return path


@pytest.fixture
def healthy(tmp_path):
    from cli_tools import HEALTHY

    path = tmp_path / "healthy.csv"
    path.write_text(HEALTHY, encoding="utf-8")
    return path
