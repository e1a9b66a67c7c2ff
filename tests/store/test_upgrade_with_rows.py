"""A database of any schema there ever was comes to this one with all that is in it, on both kinds of databases.

The rows are what is written in earnest, cut to the columns that the schema had; beside each stands one that has a value
in every column, also in those that mostly are empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, Table, inspect, select

from situs.facts import load
from situs.store import (
    arrays,
    checkpoints,
    events,
    holds,
    leases,
    observations,
    pipelines,
    plans,
    proposals,
    queued,
    replans,
    runs,
    steps,
    submissions,
    sweeps,
    tokens,
    usage,
)  # fmt: skip
from situs.store.database import Database
from situs.store.schema import _revisions, newest, ready, revision, upgrade
from situs.store.tables import metadata
from tests.store.estates import read, write_estate
from tests.store.filled import fill

Rows = Mapping[str, list[Mapping[str, Any]]]
OLD = _revisions()
LATER = datetime(2026, 11, 24, 9, 30, 0, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Of each table of this schema, what is written in earnest and a row without a gap beside it."""
    folder = tmp_path_factory.mktemp("rows")
    database = ready(Database(str(folder / "control.db")))
    fill(database, read(write_estate(folder / "estate")), load())
    found: dict[str, list[Mapping[str, Any]]] = {}
    with database.read() as connection:
        for table in metadata.sorted_tables:
            rows = [dict(row._mapping) for row in connection.execute(select(table))]
            assert rows, f"nothing writes {table.name}"
            found[table.name] = [*rows, _whole(table, rows, found)]
    database.close()
    return found


def _whole(table: Table, rows: list[dict[str, Any]], others: Rows) -> Mapping[str, Any]:
    """A row of its own that has a value in every column, and refers to rows that are there."""
    once = {c.name for c in table.primary_key} | {
        c.name for i in table.indexes if i.unique for c in i.columns
    }
    once |= {
        c.name for k in table.constraints if isinstance(k, sa.UniqueConstraint) for c in k.columns
    }  # fmt: skip
    like = rows[0]
    row = dict(like)
    for column in table.columns:
        value = like[column.name]
        if column.foreign_keys:
            (key,) = column.foreign_keys
            there = others[key.column.table.name]
            if column.name in once or value is None:
                row[column.name] = there[-1 if column.name in once else 0][key.column.name]
        elif value is None:
            known = (each[column.name] for each in rows if each[column.name] is not None)
            row[column.name] = next(known, None) or _of_type(column.type)
        elif column.name in once:
            row[column.name] = f"{value}-2" if isinstance(value, str) else value + 1000
    return row


def _of_type(kind: sa.types.TypeEngine[Any]) -> Any:
    if isinstance(kind, sa.JSON):
        return ["hoster"]
    return {str: "Größe – 1", int: 7, float: 0.5, datetime: LATER, bool: True}[_python(kind)]


def _python(kind: sa.types.TypeEngine[Any]) -> type:
    return datetime if type(kind).__name__ == "Instant" else kind.python_type


def put(connection: Connection, written: Rows) -> dict[str, list[tuple[Any, ...]]]:
    """Fill all tables that there are with the columns that they have; gives what is there then, as it is read."""
    there = MetaData()
    there.reflect(connection)
    tables = [table for table in there.sorted_tables if table.name != "alembic_version"]
    for table in tables:
        known = metadata.tables[table.name]
        names = [column.name for column in table.columns if column.name in known.c]
        # Told by the types of the code: reflected ones know neither UTC nor exact amounts.
        cut = Table(table.name, MetaData(), *(sa.Column(n, known.c[n].type) for n in names))
        connection.execute(cut.insert(), [{n: row[n] for n in names} for row in written[table.name]])
    return {table.name: read_all(connection, table) for table in tables}


def read_all(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.mark.slow
@pytest.mark.parametrize("old", OLD)
def test_all_that_is_in_an_old_database_is_in_the_new_one_and_is_read(
    empty: Database, old: str, written: Rows
) -> None:
    assert upgrade(empty, old) == (None, old)
    with empty.write() as connection:
        before = put(connection, written)
        columns = {name: [c["name"] for c in inspect(connection).get_columns(name)] for name in before}
    assert all(len(rows) >= 2 for rows in before.values()), "each table has rows"
    assert upgrade(empty) == (old, newest())
    with empty.read() as connection:
        assert revision(connection) == newest()
        for name, rows in before.items():
            there = MetaData()
            table = Table(name, there, autoload_with=connection)
            kept = select(*(table.c[column] for column in columns[name]))
            assert sorted((tuple(row) for row in connection.execute(kept)), key=repr) == rows, name
    readers(empty, before)


def readers(database: Database, there: Mapping[str, object]) -> None:
    """What the control plane reads with reads all of it."""
    with database.read() as connection:
        target = plans.in_force(connection)
        assert target is not None
        assert plans.load(connection, target.plan).plan.id == target.plan
        assert len(plans.history(connection)) == 2
        assert {run.workload for run in runs.of_workload(connection, "train")} == {"train"}
        assert len(runs.present(connection)) == 2
        assert len(steps.everything(connection)) == 2
        assert len(events.newest(connection, 999)) >= 2
        assert len(observations.all_sites(connection)) == 2
        assert {line.currency for line in usage.lines(connection)} == {"EUR"}
        assert holds.drained(holds.in_force(connection)) == {"cloud"}
        assert leases.found(connection, "executor") is not None
        found = {
            "replans": lambda: replans.newest(connection),
            "submissions": lambda: submissions.newest(connection, "job"),
            "queued": lambda: queued.work(connection, queued.newest(connection, "other").work),  # type: ignore[union-attr]
            "tokens": lambda: tokens.everything(connection),
            "proposals": lambda: proposals.of_plan(connection, target.plan),
            "pipelines": lambda: pipelines.described(connection, pipelines.all_newest(connection)[0].content),
            "artefacts": lambda: pipelines.made(connection),
            "arrays": lambda: arrays.all_of_them(connection),
            "array_members": lambda: arrays.members(connection, "many"),
            "array_ends": lambda: arrays.ends(connection, "many"),
            "sweeps": lambda: sweeps.all_of_them(connection),
            "sweep_reports": lambda: sweeps.reports(connection, "many"),
            "sweep_readings": lambda: sweeps.readings(connection, "many"),
            "sweep_verdicts": lambda: sweeps.verdicts(connection, "many"),
            "sweep_draws": lambda: sweeps.draws(connection, "many"),
            "checkpoints": lambda: checkpoints.of_workload(connection, "train"),
            "checkpoint_restores": lambda: checkpoints.restores(connection, "train"),
        }
        for table, read_it in found.items():
            if table in there:
                assert read_it(), table


def test_every_revision_is_tried(tmp_path: Path) -> None:
    """So many files, so many schemata: a revision that nobody reaches would not be tried."""
    files = Path(plans.__file__).parent.glob("migrations/versions/r*.py")
    assert len(OLD) == len(list(files))
