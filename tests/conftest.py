"""What tests of several floors share: the databases that the control plane runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import postgres as servers
from situs.store.database import Database
from tests.store.databases import migrated


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Server]:
    """A PostgreSQL server of this session's own."""
    programs = servers.programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    with servers.server(programs, durable=False) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; each test runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'control.db'}"
    server: servers.Server = request.getfixturevalue("postgres")
    return server.new()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the tables of the control plane."""
    opened = migrated(database_url)
    yield opened
    opened.close()
