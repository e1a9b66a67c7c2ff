"""Lets pytest run the conformance suite on an adapter that somebody names."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    *(f"situs.sites.conformance.{name}" for name in ("suite", "workday", "accelerators"))
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--situs-adapter``."""
    parser.getgroup("situs").addoption(
        "--situs-adapter",
        metavar="MODULE:OPENER",
        help="the adapter that situs.sites.conformance is run on: a function that is given a folder of the test's "
        "own and opens the site that belongs to it, always the same one for the same folder",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say what the suite's mark means."""
    config.addinivalue_line("markers", "slow: takes more than a few seconds")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The suite has nothing to run on unless an adapter is named."""
    here = Path(__file__).parent
    return True if collection_path.parent == here and not config.getoption("--situs-adapter") else None
