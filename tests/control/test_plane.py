"""The control plane on real sites: a plan becomes true and is kept true."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from situs.control import meter, orders
from situs.control.force import Plans
from situs.model.error import InputError
from situs.model.money import Money
from situs.model.plan import Holding, Part
from situs.sites.adapter import Key, Usage
from situs.store import events, observations, plans, steps, usage
from situs.store.database import Database
from situs.store.plans import StalePlan
from tests.control.plane import Plane, estate, until
from tests.store.databases import migrated

Opener = Callable[..., Plane]

COUNTER = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
count = int(open('count').read()) if os.path.exists('count') else 0
print('from', count, flush=True)
while True:
    count += 1
    open('count.new', 'w').write(str(count)); os.replace('count.new', 'count')
    time.sleep(0.01)
"""
FOREVER = "import time; time.sleep(600)"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """The tests of the database are on both kinds; here it is the quick one."""
    opened = migrated(tmp_path / "control.db")
    yield opened
    opened.close()


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Opener]:
    made: list[Plane] = []

    def opened(workloads: dict[str, Any], **more: Any) -> Plane:
        made.append(Plane(database, tmp_path / "situs", estate(workloads, **more)))
        return made[-1]

    yield opened
    for one in made:
        one.end_all()


def serving(text: str = FOREVER, **run: Any) -> dict[str, Any]:
    from tests.control.plane import PYTHON

    return {"stage": "serve", "service": {"requests_per_s": 1}, "run": {"command": [*PYTHON, text], **run}}


def once(text: str, **run: Any) -> dict[str, Any]:
    from tests.control.plane import PYTHON

    return {"run": {"command": [*PYTHON, text], **run}}


class TestRunning:
    def test_jobs_run_in_order_with_files_and_data_and_their_results_come_home(self, plane: Opener) -> None:
        there = plane(
            {
                "prepare": {
                    **once(
                        "import os\nwith open(os.environ['SITUS_OUTPUT_CLEAN'], 'w') as out:\n"
                        "    out.write('clean ' + open('raw').read())"
                    ),
                    "inputs": [{"dataset": "raw"}], "outputs": [{"dataset": "clean"}],
                },
                "train": {
                    "run": {"command": ["python", "-S", "train.py"], "files": ["train.py"]},
                    "inputs": [{"dataset": "clean"}],
                },
            },
            datasets={name: {"size_gb": "1MB", "label": {"level": 0}} for name in ("raw", "clean")},
        )  # fmt: skip
        raw = there.folder / "sites" / "a" / "data" / "raw"
        raw.parent.mkdir(parents=True)
        raw.write_text("figures")
        program = b"import os; print(open(os.environ['SITUS_INPUT_CLEAN']).read(), os.environ['SITUS_SITE'])"
        there.apply({name: [("a", "box", 1)] for name in ("prepare", "train")}, {"train.py": program})
        with there.leading():
            until(lambda: there.outcome("train") == "succeeded", "both are done")
        assert (raw.parent / "clean").read_text() == "clean figures"
        assert there.site("a").logs(Key("train", 1))[0] == b"clean figures a\n"
        first, second = there.last("prepare"), there.last("train")
        assert first and second and first.ended_at and first.ended_at <= second.placed_at
        assert len(there.runs("prepare")) == len(there.runs("train")) == 1

    def test_what_dies_is_started_again_and_what_should_not_run_is_stopped(self, plane: Opener) -> None:
        there = plane({"web": serving("import os, time; print(os.getpid(), flush=True); time.sleep(600)")})
        there.site("b").start(_task("stranger"))
        there.apply({"web": [("a", "box", 2)]})
        with there.leading():
            until(lambda: len([r for r in there.runs("web") if r.started_at]) == 2, "both units run")
            pid = int(_wait_for_output(there, "a", Key("web", 1, 1)))
            os.kill(pid, signal.SIGKILL)
            until(lambda: len([r for r in there.runs("web") if r.started_at]) == 3, "it runs again")
            until(lambda: not there.site("b").known(), "what nobody wants is ended and removed")
        units = {(run.unit, run.generation): run for run in there.runs("web")}
        assert units[1, 1].outcome == "failed" and units[1, 1].reason == "signalled"
        assert units[0, 1].phase == units[1, 2].phase == "placed"

    def test_a_job_that_fails_is_tried_as_often_as_it_says_and_then_told_of(self, plane: Opener) -> None:
        there = plane(
            {
                "bad": once("import sys; sys.exit(3)", retries=1),
                "worse": once("import sys; sys.exit(9)", final=[9]),
            }
        )
        there.apply({name: [("a", "box", 1)] for name in ("bad", "worse")})
        with there.leading():
            until(lambda: len(there.runs("bad")) == 2 and there.outcome("bad") == "failed", "it gave up")
            until(lambda: there.outcome("worse") == "failed", "it failed")
        assert [run.exit_code for run in there.runs("bad")] == [3, 3]
        assert [run.exit_code for run in there.runs("worse")] == [9]

    def test_what_the_rules_forbid_is_not_started_whatever_the_plan_says(self, plane: Opener) -> None:
        there = plane({"secret": {**once("open('ran', 'w')"), "label": {"level": 4}}})
        low = {**there.intent.sites, "a": there.intent.sites["a"].model_copy(update={"clearance": 1})}
        there.intent = there.intent.model_copy(update={"sites": low})
        there.apply({"secret": [("a", "box", 1)]})
        with there.leading():
            until(lambda: _seen(there, "a"), "the site was looked at")
            until(lambda: _turned(there), "there was time to do it wrong")
        assert there.runs("secret") == []
        assert there.site("a").known() == []

    def test_several_units_and_a_plan_with_fewer(self, plane: Opener) -> None:
        there = plane({"web": {**serving(), "count": 3}})
        there.apply({"web": [("a", "box", 2), ("b", "box", 1)]})
        with there.leading():
            until(lambda: len(_running(there, "web")) == 3, "all run")
            before = _running(there, "web")
            there.apply({"web": [("a", "box", 1), ("b", "box", 1)]})
            until(lambda: len(_running(there, "web")) == 2, "one less")
            until(lambda: any(r.phase == "ended" for r in there.runs("web")), "and over; its state is kept")
        assert set(_running(there, "web")) < set(before), "the others were left alone"


class TestMoving:
    def test_a_move_takes_the_state_along_and_nothing_runs_twice(self, plane: Opener) -> None:
        there = plane({"train": once(COUNTER, state=["count", "never-written"])})
        there.apply({"train": [("a", "box", 1)]})
        with there.leading():
            until(lambda: _count(there, "a", Key("train", 1)) > 3, "it counts")
            there.apply({"train": [("b", "box", 1)]})
            until(lambda: there.is_at("train", "b"), "it is at b")
            until(lambda: not there.site("a").known(), "the old copy is released")
            there.apply({"train": [("a", "box", 1)]})
            until(lambda: there.is_at("train", "a"), "it is back")
        first, second, third = there.runs("train")
        assert (first.outcome, second.outcome) == ("stopped", "stopped")
        assert first.ended_at and second.started_at and second.ended_at and third.started_at
        assert first.ended_at < second.started_at < second.ended_at < third.started_at
        began = int(_wait_for_output(there, "a", Key("train", 3)).split()[1])
        assert began > 3
        with there.database.read() as connection:
            done = [
                (e.kind, e.generation) for e in steps.of_workload(connection, "train") if e.state == "done"
            ]
        assert (
            done.index(("stop", 1))
            < done.index(("start", 2))
            < done.index(("stop", 2))
            < done.index(("start", 3))
        )

    def test_what_has_changed_runs_anew_and_what_is_done_stays_done(self, plane: Opener) -> None:
        there = plane({"job": once("print('one')")})
        there.apply({"job": [("a", "box", 1)]})
        with there.leading():
            until(lambda: there.outcome("job") == "succeeded", "done")
            there.apply({"job": [("b", "box", 1)]})
            until(lambda: _turned(there), "it had time to be done again")
            assert len(there.runs("job")) == 1
            there.intent = estate({"job": once("print('two')")})
            there.apply({"job": [("b", "box", 1)]})
            until(
                lambda: len(there.runs("job")) == 2 and there.outcome("job") == "succeeded", "the new one too"
            )
        assert there.site("b").logs(Key("job", 2))[0] == b"two\n"

    def test_it_stays_where_it_is_while_the_new_site_does_not_answer(self, plane: Opener) -> None:
        there = plane({"web": serving()})
        there.apply({"web": [("a", "box", 1)]})
        with there.leading():
            until(lambda: there.is_at("web", "a"), "it runs")
            away = there.intent.sites["b"].model_copy(
                update={
                    "adapter": there.intent.sites["b"].adapter.model_copy(update={"kind": "no-such-kind"})
                }
            )
            there.intent = there.intent.model_copy(update={"sites": {**there.intent.sites, "d": away}})
            there.apply({"web": [("d", "box", 1)]})
            until(lambda: _seen(there, "d"), "d was asked")
            until(lambda: _turned(there), "there was time to do it wrong")
            assert there.is_at("web", "a")


class TestOrders:
    def test_a_stale_plan_is_refused_with_the_reason(self, plane: Opener) -> None:
        there = plane({"web": serving()})
        first = there.apply({"web": [("a", "box", 1)]})
        with pytest.raises(
            StalePlan, match=f"follows no plan, but {first.id[:19]} is in force since .* by ann; plan again"
        ):
            orders.apply(
                there.database,
                first.model_copy(update={"owner": "bob"}).sealed(),
                there.intent,
                there.facts,
                {},
                "bob",
            )
        assert orders.apply(there.database, first, there.intent, there.facts, {}, "bob").generation == 1

    def test_rollback_goes_back_step_by_step_and_is_history_itself(self, plane: Opener) -> None:
        there = plane({"web": serving()})
        made = [there.apply({"web": [(site, "box", 1)]}).id for site in ("a", "b", "c")]
        assert orders.rollback(there.database, "ann").plan == made[1]
        assert orders.rollback(there.database, "ann").plan == made[0]
        with pytest.raises(InputError, match="no plan before"):
            orders.rollback(there.database, "ann")
        assert orders.rollback(there.database, "ann", to=made[2][7:20]).plan == made[2]
        with pytest.raises(InputError, match="in force already"):
            orders.rollback(there.database, "ann", to=made[2])
        with there.database.read() as connection:
            kinds = [target.kind for target in plans.history(connection)]
        assert kinds == ["apply"] * 3 + ["rollback"] * 3

    def test_while_paused_nothing_is_done_and_then_it_goes_on(self, plane: Opener) -> None:
        there = plane({"web": serving()})
        assert orders.pause(there.database, "ann", "storm")
        there.apply({"web": [("a", "box", 1)]})
        with there.leading():
            until(lambda: _turned(there), "there was time to do it wrong")
            assert there.runs("web") == []
            assert orders.resume(there.database, "ann")
            until(lambda: there.is_at("web", "a"), "it goes on")

    def test_a_drained_site_gets_nothing_new_and_keeps_what_it_has(self, plane: Opener) -> None:
        there = plane({"old": serving(), "new": serving()})
        with pytest.raises(InputError):
            orders.drain(there.database, "a", "ann")
        there.apply({"old": [("a", "box", 1)]})
        with there.leading():
            until(lambda: there.is_at("old", "a"), "it runs")
            assert orders.drain(there.database, "a", "ann")
            with pytest.raises(InputError, match="no site 'z'; it has a, b, c"):
                orders.drain(there.database, "z", "ann")
            there.apply({"old": [("a", "box", 1)], "new": [("a", "box", 1)]})
            until(lambda: _turned(there), "there was time to do it wrong")
            assert there.is_at("old", "a") and not there.runs("new")
            until(lambda: waits(there, "new"), "its history says why")
            assert waits(there, "new") == ["a is drained; plan again without it, or `situs drain a --end`"]
        with there.leading():
            # Another control plane does not say it again.
            until(lambda: _turned(there), "it has decided")
            assert len(waits(there, "new")) == 1
            assert orders.undrain(there.database, "a", "ann")
            until(lambda: there.is_at("new", "a"), "it takes work again")

    def test_missing_files_are_all_named(self, tmp_path: Path) -> None:
        intent = estate({"x": {"run": {"command": ["x"], "files": ["one.py", "../two.py"]}}})
        (tmp_path / "two.py").touch()
        (tmp_path / "estate").mkdir()
        with pytest.raises(InputError) as caught:
            orders.files_of(intent, tmp_path / "estate")
        assert len(caught.value.problems) == 2


def waits(there: Plane, workload: str) -> list[str]:
    """What its history says of its waiting."""
    with there.database.read() as connection:
        return [event.text for event in events.of_workload(connection, workload) if event.kind == "waiting"]


class TestLedger:
    def test_what_a_site_bills_counts_more_than_what_was_planned(self, plane: Opener) -> None:
        there = plane({"job": once("pass")})
        there.apply({"job": [("a", "box", 1)]})
        with there.leading():
            until(lambda: there.outcome("job") == "succeeded", "done")
        (run,) = there.runs("job")
        plans, kept = Plans(there.database), Plans(there.database).get(str(run.plan))

        def paid(billed: Money | None, counted_s: float = 0.0) -> float:
            used = Usage(36_000.0, None, None, billed)
            metered = meter.ended(replace(run, metered_s=counted_s), plans, used, datetime.now(UTC))
            assert metered is not None
            (line,) = metered[1]
            return float(line.amount)

        own = kept.plan.currency
        assert paid(None) == pytest.approx(1.0)
        assert paid(Money(amount=Decimal(7), currency=own)) == pytest.approx(7.0)
        # An hour at 0.1 was in the ledger already.
        assert paid(Money(amount=Decimal(7), currency=own), 3600.0) == pytest.approx(6.9)
        # Nobody knows what that is worth.
        assert paid(Money(amount=Decimal(7), currency="XXX")) == pytest.approx(1.0)

    def test_what_was_used_and_what_idled_adds_up_to_what_is_paid(self, plane: Opener) -> None:
        there = plane({"job": {**once("import time; time.sleep(1.2)"), "shapes": [{"cpu": 1, "memory": "1GiB"}],
                               "use_case": "clinic"}},
                      use_cases={"clinic": {"owner": "ann", "value": "1 EUR/month"}})  # fmt: skip
        held = Holding(site="a", pool="box", nodes=2, costs={Part.CAPACITY: Decimal(1460)}, used={})
        there.apply({"job": [("a", "box", 1)]}, holdings=(held,))
        with there.leading():
            until(lambda: there.outcome("job") == "succeeded", "done")
            until(lambda: _turned(there), "the ledger was written once more")
        with there.database.read() as connection:
            lines = usage.lines(connection)
        job = [line for line in lines if line.workload == "job"]
        status = there.site("a").status(Key("job", 1))
        assert status.usage
        assert sum(line.unit_s for line in job) == pytest.approx(status.usage.wall_s, abs=0.01)
        assert len(job) > 1, "also while it ran"
        assert {line.use_case for line in job} == {"clinic"}
        # 73 EUR over 730 hours of its own, and a quarter of a node that costs an euro an hour.
        paid = sum(line.amount for line in job)
        assert float(paid) == pytest.approx(status.usage.wall_s * (0.1 + 0.25) / 3600, rel=0.02)
        idle = [line for line in lines if line.kind == "idle"]
        assert {(line.site, line.pool, line.workload) for line in idle} == {("a", "box", None)}
        for line in idle:
            seconds = (line.until - line.since).total_seconds()
            assert 1.75 * seconds - 0.01 <= line.unit_s <= 2 * seconds + 0.01
            assert float(line.amount) == pytest.approx(line.unit_s / 3600, abs=2e-6)


class TestRecovery:
    def test_runs_that_a_restored_database_does_not_know_are_taken_over(self, plane: Opener) -> None:
        there = plane({"web": serving()})
        there.apply({"web": [("a", "box", 1)]})
        there.site("a").start(_task("web", 7))
        with there.leading():
            until(lambda: there.is_at("web", "a"), "it is known")
            until(lambda: _turned(there), "there was time to do it wrong")
        assert [run.generation for run in there.runs("web")] == [7]

    def test_a_site_that_has_seen_more_than_the_database_knows_is_caught_up_with(self, plane: Opener) -> None:
        there = plane({"web": serving()})
        there.site("a").fence(Key("web", 100))
        there.apply({"web": [("a", "box", 1)]})
        with there.leading():
            until(lambda: there.is_at("web", "a"), "it runs")
        last = there.last("web")
        assert last and last.generation == 128
        assert {run.reason for run in there.runs("web")[:-1]} == {"stale"}

    def test_a_control_plane_that_begins_again_goes_on_where_the_one_before_was(self, plane: Opener) -> None:
        there = plane({"web": serving()})
        there.apply({"web": [("a", "box", 1)]})
        with there.leading():
            until(lambda: there.is_at("web", "a"), "it runs")
        with there.leading():
            until(lambda: _turned(there), "there was time to do it wrong")
        assert [run.generation for run in there.runs("web")] == [1]
        assert there.site("a").status(Key("web", 1)).state == "running"

    def test_a_second_control_plane_stands_by_and_takes_over(self, plane: Opener) -> None:
        there = plane({"web": serving()})
        with there.leading():
            until(lambda: any("leading" in line for line in there.said), "one leads")
            with there.leading():
                until(lambda: any("standing by" in line for line in there.said), "the other does not")
            there.apply({"web": [("a", "box", 1)]})
            until(lambda: there.is_at("web", "a"), "it runs")
        assert sum("leading" in line for line in there.said) == 1


def _task(workload: str, generation: int = 1) -> Any:
    from situs.sites.adapter import Task
    from tests.control.plane import PYTHON

    return Task(Key(workload, generation), (*PYTHON, FOREVER))


def _wait_for_output(there: Plane, site: str, key: Key) -> str:
    until(lambda: there.site(site).logs(key)[0].endswith(b"\n"), f"{key} says something")
    return there.site(site).logs(key)[0].decode()


def _count(there: Plane, site: str, key: Key) -> int:
    path = there.folder / "sites" / site / "runs" / str(key) / "work" / "count"
    return int(path.read_text() or 0) if path.exists() else 0


def _seen(there: Plane, site: str) -> bool:
    with there.database.read() as connection:
        return site in observations.all_sites(connection)


def _turned(there: Plane) -> bool:
    """Every site was looked at some times more since this was asked first."""
    with there.database.read() as connection:
        now = {name: seen.at for name, seen in observations.all_sites(connection).items()}
    for name, at in now.items():
        there.seen.setdefault(name, at)
    passed = bool(now) and all((at - there.seen[name]).total_seconds() > 0.6 for name, at in now.items())
    if passed:
        there.seen = {}
    return passed


def _running(there: Plane, workload: str) -> list[tuple[int, int]]:
    return [(r.unit, r.generation) for r in there.runs(workload) if r.phase == "placed" and r.started_at]
