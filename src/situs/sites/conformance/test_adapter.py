"""The suite on the adapter of ``--situs-adapter``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import Opener


class TestAdapter(AdapterConformance):
    """What somebody else's kind of site does."""

    @pytest.fixture
    def open_site(self, tmp_path: Path, pytestconfig: pytest.Config) -> Opener:
        module, _, name = str(pytestconfig.getoption("--situs-adapter")).partition(":")
        if not name:
            raise pytest.UsageError("--situs-adapter is written as MODULE:OPENER")
        opener = getattr(import_module(module), name)
        return lambda: opener(tmp_path / "site")
