"""The control plane's database: what is written stays, history is history, and all that on both kinds."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg.pq import PGconn
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from bench.postgres import Server
from situs.facts import Facts, load
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.store import (
    events,
    holds,
    leases,
    plans,
    runs,
    steps,
)
from situs.store.backup import backup, restore
from situs.store.database import Database, DatabaseAway
from situs.store.leases import LeaseLost
from situs.store.plans import StalePlan
from situs.store.schema import WrongSchema, newest, ready, upgrade
from situs.store.tables import HISTORY, metadata
from tests.store.estates import AT, read, write_estate
from tests.store.filled import NOW, RUN, fill
from tests.store.plans import plan_by_hand


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load()


@pytest.fixture(scope="module")
def intent(tmp_path_factory: pytest.TempPathFactory) -> Intent:
    return read(write_estate(tmp_path_factory.mktemp("estate")))


@pytest.fixture
def filled(database: Database, intent: Intent, facts: Facts) -> Database:
    """At least a row in each table."""
    fill(database, intent, facts)
    return database


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


class TestSchema:
    def test_migrations_lead_to_the_tables_that_the_code_knows(self, database: Database) -> None:
        with database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []

    def test_upgrading_again_changes_nothing(self, filled: Database) -> None:
        before = everything(filled)
        assert upgrade(filled) == (newest(), newest())
        assert everything(filled) == before

    def test_many_who_open_an_empty_database_make_its_tables_once(self, database_url: str) -> None:
        failed: list[BaseException] = []

        def open_it() -> None:
            try:
                ready(Database(database_url))
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=open_it) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []

    def test_what_a_newer_situs_made_is_left_alone(self, filled: Database) -> None:
        with filled.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        for attempt in (ready, upgrade):
            with pytest.raises(WrongSchema, match="9999, made by a newer situs"):
                attempt(filled)

    def test_tables_of_others_are_left_alone(self, database_url: str) -> None:
        database = Database(database_url)
        with database.write() as connection:
            connection.execute(text("CREATE TABLE customers (id INTEGER)"))
        with pytest.raises(WrongSchema, match="none of situs"):
            ready(database)

    def test_history_is_neither_changed_nor_removed(self, filled: Database) -> None:
        before = everything(filled)
        for table in HISTORY:
            known = metadata.tables[table]
            column = list(known.c)[-1]
            for change in (delete(known), update(known).values({column: column})):
                with pytest.raises(DBAPIError, match=f"{table} is history"), filled.write() as connection:
                    connection.execute(change)
            assert before[table], table
        assert everything(filled) == before


class TestAddress:
    @pytest.mark.parametrize("url", ["mysql://x/y", "://", "sqlite://", "sqlite:///:memory:"])
    def test_what_cannot_be_used_is_an_error_of_the_user(self, url: str) -> None:
        with pytest.raises(InputError):
            Database(url)

    def test_a_password_is_in_no_message(self) -> None:
        database = Database("postgresql://ann:hunter2@127.0.0.1:1/none?connect_timeout=1")
        with pytest.raises(DatabaseAway) as caught, database.read():
            pass
        assert "hunter2" not in str(caught.value)
        with pytest.raises(InputError) as wrong:
            Database("post gres://ann:hunter2@host:x/none")
        assert "hunter2" not in str(wrong.value)

    def test_a_file_is_for_its_owner_alone_and_safe_from_loss_of_power(self, tmp_path: Path) -> None:
        database = ready(Database(str(tmp_path / "deep" / "control.db")))
        assert stat.S_IMODE((tmp_path / "deep" / "control.db").stat().st_mode) == 0o600
        with database.read() as connection:
            settings = [
                connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous")
            ]
        assert settings == ["wal", 2]


class TestPlans:
    def test_a_plan_comes_back_with_all_it_needs(
        self, filled: Database, intent: Intent, facts: Facts
    ) -> None:
        with filled.read() as connection:
            target = plans.in_force(connection)
            assert target
            kept = plans.load(connection, target.plan)
            assert kept.plan.sealed() == kept.plan
            assert kept.intent == intent
            assert kept.facts.versions == facts.versions
            assert plans.content(connection, kept.files["train.py"]) == b"print('hi')\n\xff"

    def test_a_plan_that_was_changed_is_not_kept(
        self, database: Database, intent: Intent, facts: Facts
    ) -> None:
        plan = plan_by_hand(intent, {}, AT)
        forged = plan.model_copy(update={"owner": "mallory"})
        with pytest.raises(InputError, match="changed"), database.write() as connection:
            plans.keep(connection, forged, intent, facts, {})

    def test_of_many_who_follow_the_same_plan_one_succeeds(
        self, filled: Database, intent: Intent, facts: Facts
    ) -> None:
        with filled.write() as connection:
            before = plans.in_force(connection)
            assert before
            others = [plan_by_hand(intent, {}, AT + timedelta(hours=k), parent=before.plan) for k in range(6)]
            for plan in others:
                plans.keep(connection, plan, intent, facts, {})
        came: list[str] = []
        gate = threading.Barrier(len(others))

        def follow(identity: str) -> None:
            gate.wait(30)
            try:
                with filled.write() as connection:
                    plans.put_in_force(connection, identity, before, "apply", "ann")
                came.append(identity)
            except StalePlan:
                pass

        threads = [threading.Thread(target=follow, args=(plan.id,)) for plan in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with filled.read() as connection:
            history = plans.history(connection)
        assert [target.generation for target in history] == [1, 2]
        assert came == [history[-1].plan]


class TestRuns:
    def test_what_is_saved_comes_back_and_only_the_newest_of_what_is_over(self, database: Database) -> None:
        first = replace(RUN, phase="released", ended_at=NOW, outcome="failed", exit_code=3)
        second = replace(RUN, generation=2, cause="because", retry_at=NOW)
        other = replace(RUN, unit=1, phase="released")
        with database.write() as connection:
            runs.save(connection, [RUN, second, other])
            runs.save(connection, [first])
            assert runs.present(connection) == [second, other]
            assert runs.of_workload(connection, "train") == [first, second, other]


class TestLeases:
    def test_one_at_a_time_and_each_holder_has_a_higher_token(self, database: Database) -> None:
        first = leases.acquire(database, "executor", "one", 30)
        assert first
        assert leases.acquire(database, "executor", "two", 30) is None
        assert leases.acquire(database, "other", "two", 30) is not None
        leases.release(database, first)
        second = leases.acquire(database, "executor", "two", 30)
        assert second
        assert second.token > first.token
        leases.release(database, first)
        assert leases.holder_of(database, "executor") == "two"

    def test_a_lease_that_is_over_still_counts_until_somebody_takes_it(self, database: Database) -> None:
        slow = leases.acquire(database, "executor", "slow", 0)
        assert slow
        leases.renew(database, slow, 0)
        quick = leases.acquire(database, "executor", "quick", 30)
        assert quick
        with pytest.raises(LeaseLost, match="quick has token 2"):
            leases.renew(database, slow, 30)

    def test_what_is_written_under_an_old_token_is_refused_as_a_whole(self, database: Database) -> None:
        slow = leases.acquire(database, "executor", "slow", 0)
        assert slow
        assert leases.acquire(database, "executor", "quick", 30)
        with pytest.raises(LeaseLost), database.write() as connection:
            runs.save(connection, [RUN])
            leases.check(connection, slow)
        with database.read() as connection:
            assert runs.present(connection) == []

    def test_a_holder_that_falls_silent_in_the_middle_of_writing_bars_nobody(
        self, postgres: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Frozen, or cut off: the server undoes what it had begun, and it hears of that when it wakes."""
        monkeypatch.setattr("situs.store.database.SILENT_S", 1)
        database = ready(Database(postgres.new()))
        frozen = leases.acquire(database, "executor", "frozen", 0)
        assert frozen
        with pytest.raises(DatabaseAway), database.write() as connection:
            leases.check(connection, frozen)
            runs.save(connection, [RUN])
            assert leases.acquire(database, "executor", "quick", 30)
            leases.check(connection, frozen)
        with database.read() as connection:
            assert runs.present(connection) == []
        database.close()

    def test_one_that_falls_silent_between_two_of_many_rows_is_cut_off(
        self, postgres: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The server believes that more is coming, and keeps its locks for as long as the line stands."""
        monkeypatch.setattr("situs.store.database.SILENT_S", 1)
        monkeypatch.setattr("situs.store.leases.SILENT_S", 1)
        url = postgres.new()
        database = ready(Database(url))
        assert leases.acquire(database, "executor", "frozen", 0)
        with _frozen_in_the_middle(url, "SELECT * FROM leases FOR UPDATE"):
            taken, deadline = None, time.monotonic() + 60
            while taken is None and time.monotonic() < deadline:
                with suppress(DatabaseAway):
                    taken = leases.acquire(database, "executor", "quick", 30)
            assert taken
        database.close()

    def test_whoever_takes_a_lease_waits_for_what_is_being_written_under_it(self, database: Database) -> None:
        slow = leases.acquire(database, "executor", "slow", 0)
        assert slow
        taken: list[leases.Lease | None] = []

        def take() -> None:
            taken.append(leases.acquire(database, "executor", "quick", 30))

        thread = threading.Thread(target=take)
        with database.write() as connection:
            leases.check(connection, slow)
            thread.start()
            thread.join(0.2)
            assert taken == []
            runs.save(connection, [RUN])
        thread.join(30)
        assert taken and taken[0]
        with database.read() as connection:
            assert runs.present(connection) == [RUN]

    def test_the_lease_of_one_who_is_known_to_be_dead_is_taken_at_once(self, database: Database) -> None:
        assert leases.acquire(database, "executor", "one", 3600)
        assert leases.acquire(database, "executor", "two", 3600, dead="another") is None
        assert leases.acquire(database, "executor", "two", 3600, dead="one")


class TestJournal:
    def test_what_was_begun_and_never_ended_is_found(self, database: Database) -> None:
        entry = steps.Entry("s1", "begun", NOW, 1, "start", "train", 0, 1, "hoster")
        with database.write() as connection:
            steps.write(connection, [entry, replace(entry, step="s2"), replace(entry, step="s3")])
            steps.write(connection, [replace(entry, step="s2", state="done")])
            steps.write(connection, [replace(entry, step="s3", state="failed", cause="no room")])
            assert steps.open_steps(connection) == [entry]
            assert len(steps.of_workload(connection, "train")) == 5


class TestHolds:
    def test_they_hold_until_they_are_lifted(self, database: Database) -> None:
        with database.write() as connection:
            assert holds.put(connection, "pause", holds.EVERYTHING, "ann", "storm")
            assert not holds.put(connection, "pause", holds.EVERYTHING, "bob", None)
            assert [hold.by for hold in holds.in_force(connection)] == ["ann"]
            assert holds.lift(connection, "pause", holds.EVERYTHING)
            assert not holds.lift(connection, "pause", holds.EVERYTHING)
            assert holds.in_force(connection) == []


class TestBackup:
    def test_it_comes_back_the_same(self, filled: Database, tmp_path: Path, database_url: str) -> None:
        path = tmp_path / "backup"
        count = backup(filled, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        other = Database(str(tmp_path / "other.db"))
        assert restore(other, path) == count
        assert everything(other) == everything(filled)
        with pytest.raises(InputError, match="not empty"):
            restore(filled, path)
        with pytest.raises(InputError, match="there already"):
            backup(filled, path)

    def test_from_a_file_to_a_server_and_on_from_there(
        self, postgres: Server, intent: Intent, facts: Facts, tmp_path: Path
    ) -> None:
        source, target = ready(Database(str(tmp_path / "source.db"))), Database(postgres.new())
        with source.write() as connection:
            events.write(connection, [events.Event(NOW, "a", "ann", str(k)) for k in range(1200)])
            plans.keep(connection, plan_by_hand(intent, {}, AT), intent, facts, {})
        backup(source, tmp_path / "backup")
        restore(target, tmp_path / "backup")
        with target.write() as connection:
            events.write(connection, [events.Event(NOW, "b", "ann", "next")])
            assert [event.text for event in events.newest(connection, 2)] == ["next", "1199"]
        target.close()

    @pytest.mark.parametrize("cut", [0, 1, 200, -1])
    def test_a_damaged_one_is_refused_and_changes_nothing(
        self, filled: Database, tmp_path: Path, cut: int
    ) -> None:
        backup(filled, tmp_path / "backup")
        content = (tmp_path / "backup").read_bytes()
        (tmp_path / "damaged").write_bytes(content[:cut])
        other = Database(str(tmp_path / "other.db"))
        with pytest.raises(InputError):
            restore(other, tmp_path / "damaged")
        assert everything(ready(other)).keys() == metadata.tables.keys()
        assert not any(everything(other).values())


def _write_until_killed(url: str, path: Path) -> None:
    database = Database(url)
    with path.open("a") as acknowledged:
        for number in range(1_000_000):
            with database.write() as connection:
                events.write(connection, [events.Event(NOW, "a", "ann", str(number))])
                runs.save(connection, [replace(RUN, generation=number + 1)])
            acknowledged.write(f"{number}\n")
            acknowledged.flush()


def test_what_was_acknowledged_is_there_after_kill_9_and_never_half(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "acknowledged"
    path.touch()
    process = get_context("spawn").Process(target=_write_until_killed, args=(database_url, path))
    process.start()
    while path.read_text().count("\n") < 20:
        assert process.is_alive()
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    acknowledged = path.read_text().count("\n")
    with database.read() as connection:
        written = len(events.newest(connection, 1_000_000))
        assert len(runs.of_workload(connection, "train")) == written
    assert acknowledged <= written <= acknowledged + 1


@contextmanager
def _frozen_in_the_middle(url: str, statement: str) -> Iterator[None]:
    """A client that has sent a statement and not said that it was the last one of many."""
    frozen = PGconn.connect(url.encode())
    frozen.enter_pipeline_mode()
    for each in ("BEGIN", statement):
        frozen.send_query_params(each.encode(), None)
    frozen.send_flush_request()
    frozen.flush()
    for _ in range(2):
        while frozen.get_result() is not None:
            pass
    try:
        yield
    finally:
        frozen.finish()
