"""Fixtures that several modules share."""

import pytest
from hypothesis import settings

settings.register_profile("labinterp", deadline=None)
settings.load_profile("labinterp")

pytest.register_assert_rewrite("contract_helpers", "engines_helpers")


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
