"""Sweeps on real sites: what members report is read once, who is to end ends, whatever crashes."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.crash.kill import control_plane
from situs.control import views
from situs.control.arrays import making as arrays
from situs.control.arrays.making import Wanted
from situs.control.asked import Asked, workload_of
from situs.control.pace import Pace
from situs.control.sweeps import drawing, making, standing
from situs.control.sweeps.making import Judged
from situs.control.sweeps.proposing import proposed
from situs.control.sweeps.rules import decider
from situs.control.sweeps.standing import SweepView
from situs.model.error import InputError
from situs.model.workload import Workload
from situs.store import sweeps
from situs.store.arrays import members as members_of
from situs.store.backup import backup, restore
from situs.store.database import Database
from situs.store.sweeps import Verdict
from tests.control.plane import PYTHON, Plane, estate, until

TRAIN = """
import os, time
name = os.environ['SITUS_ARRAY_INDEX']
mark = os.path.join(r'{folder}', os.environ['SITUS_ARRAY'] + '-' + name)
try:
    os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
except FileExistsError:
    open(mark + '.twice', 'w').close()
level = float(os.environ['SITUS_PARAM_LEVEL'])
while level >= {bound} and not os.path.exists(os.path.join(r'{folder}', 'go')):
    time.sleep(0.05)
for step in range(1, {steps} + 1):
    time.sleep({pause})
    with open(os.environ['SITUS_REPORT'], 'a') as file:
        file.write(f'{{step}} {{level + 1 / step}}\\n')
    with open(mark + '.steps', 'a') as file:
        file.write(f'{{step}}\\n')
while level >= {bound}:
    time.sleep(1)
open(mark + '.done', 'w').close()
"""
LOSS = Judged("loss", "minimise", "asha", 1, 4, 3)


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Plane]:
    """Three sites, each with two nodes of four processors, and a queue."""
    made = Plane(database, tmp_path / "situs", estate({}, queues={"one": {"quota": {"cpu": 3}}}))
    made.apply({})
    yield made
    made.end_all()


def simple(line: str) -> Workload:
    """A line of Python, without any code that is sent along."""
    made = workload_of(Asked((*PYTHON, line), hours=0.1))
    assert made.run is not None
    return made.model_copy(update={"run": made.run.model_copy(update={"code": None, "packages": None})})


def make(
    plane: Plane, line: str, levels: list[float], judged: Judged = LOSS, name: str = "many", **more: object
) -> None:
    wanted = Wanted(name, [{"level": level} for level in levels], **more)  # type: ignore[arg-type]
    making.make(plane.database, wanted, judged, {"seed": 0}, simple(line), {}, "ann")


def view(plane: Plane, name: str = "many") -> SweepView:
    return standing.read(plane.database, name)


def is_over(plane: Plane, name: str = "many") -> bool:
    seen = view(plane, name)
    return seen.is_over and all(trial.is_read for trial in seen.trials)


def replayed(plane: Plane, name: str) -> tuple[list[Verdict], list[Verdict]]:
    """What was decided, and what the rule decides when it is fed all that was read once more."""
    with plane.database.read() as connection:
        sweep = sweeps.found(connection, name)
        assert sweep is not None
        rule = decider(sweep)
        again = [
            verdict for seq, report in sweeps.reports(connection, name) for verdict in rule.take(seq, report)
        ]
        return sweeps.verdicts(connection, name), again


@pytest.mark.slow
def test_the_hopeless_end_early_and_the_next_ones_begin(plane: Plane, tmp_path: Path) -> None:
    line = TRAIN.format(folder=tmp_path, steps=4, pause=0.1, bound=5)
    make(plane, line, [0.1, 5.0, 6.0, 0.0], at_once=3, queue="one")
    with plane.leading():
        # The others report once there is one to compare them with.
        until(lambda: any(trial.steps == 4 for trial in view(plane).trials), "the first one has reported")
        (tmp_path / "go").touch()
        until(lambda: is_over(plane), "all have ended")
    seen = view(plane)
    assert seen.best is not None
    assert seen.best.parameters == {"level": 0.0}
    assert seen.best.best == pytest.approx(1 / 4)
    assert (seen.best.steps, seen.best.best_step, seen.best.state) == (4, 4, "done")
    bests = [trial.best for trial in seen.trials]
    assert bests == sorted(best for best in bests if best is not None)
    early = {trial.number: trial for trial in seen.trials if trial.stopped_for}
    assert {1, 2} <= set(early) == {trial.number for trial in seen.trials if trial.state == "stopped"}
    for number in early:
        assert not (tmp_path / f"many-{number}.done").exists()
        told = [event.text for event in views.history_of(plane.database, f"many-{number}").events]
        assert f"stopped: {early[number].stopped_for}" in told
        assert "of which 1 may go on" in str(early[number].stopped_for)
    decided, again = replayed(plane, "many")
    assert decided == again
    assert seen.counts == {"done": 4 - len(early), "stopped": len(early)}


@pytest.mark.slow
def test_what_happens_wakes_the_control_plane_which_would_look_far_too_late(
    plane: Plane, tmp_path: Path
) -> None:
    line = TRAIN.format(folder=tmp_path, steps=4, pause=0.1, bound=5)
    make(plane, line, [0.1, 5.0, 6.0, 0.0], at_once=1)
    (tmp_path / "go").touch()
    seldom = Pace(look_s=300, rest_s=300, poll_s=10)
    with plane.leading(seldom):
        until(lambda: is_over(plane), "all have ended, the hopeless early")
    states = {trial.number: trial.state for trial in view(plane).trials}
    assert states == {0: "done", 1: "stopped", 2: "stopped", 3: "done"}
    steps = {trial.number: trial.steps for trial in view(plane).trials}
    assert steps[0] == steps[3] == 4
    assert all(trial.stopped_for for trial in view(plane).trials if trial.number in (1, 2))


@pytest.mark.slow
def test_all_that_is_reported_is_read_also_by_who_ends_at_once_or_reports_nothing(plane: Plane) -> None:
    line = (
        "import os; n = int(os.environ['SITUS_ARRAY_INDEX'])\n"
        "with open(os.environ['SITUS_REPORT'], 'a') as file: file.write('1 nan\\nwhat\\n2 0.5\\n3 0.25' * (n == 1))\n"
        "raise SystemExit(3 * (n == 2))"
    )
    make(plane, line, [0.0, 1.0, 2.0], Judged("loss", "minimise", "none"))
    with plane.leading():
        until(lambda: is_over(plane), "all have ended")
    by_number = {trial.number: trial for trial in view(plane).trials}
    assert (by_number[1].steps, by_number[1].last, by_number[1].best) == (3, 0.25, 0.25)
    assert (by_number[0].steps, by_number[0].best) == (None, None)
    assert (by_number[2].state, by_number[2].exit_code) == ("failed", 3)
    told = [e.text for e in views.history_of(plane.database, "many-1").events if e.kind == "trouble"]
    assert told == ["line 2 of its reports is not of the form STEP VALUE, such as 3 0.25"]
    with plane.database.read() as connection:
        assert [report.line for _, report in sweeps.reports(connection, "many")] == [0, 1, 2, 3]
    assert view(plane).best == by_number[1]


@pytest.mark.slow
def test_killed_again_and_again_it_loses_no_report_and_leaves_nobody_running(
    plane: Plane, database_url: str, tmp_path: Path
) -> None:
    rng = random.Random(11)
    levels = [rng.random() * 4 for _ in range(6)]
    line = TRAIN.format(folder=tmp_path, steps=4, pause=0.3, bound=9)
    make(plane, line, levels, at_once=4)
    for _ in range(8):
        with control_plane(database_url, plane.folder) as process:
            time.sleep(rng.uniform(0.1, 0.9))
            process.kill()
    with control_plane(database_url, plane.folder):
        until(lambda: is_over(plane), "all are over")
    seen = view(plane)
    assert not list(tmp_path.glob("*.twice"))
    assert [len(plane.runs(f"many-{k}")) for k in range(6)] == [1] * 6
    assert {trial.state for trial in seen.trials} <= {"done", "stopped"}
    with plane.database.read() as connection:
        told: dict[str, list[int | None]] = {}
        for _, report in sweeps.reports(connection, "many"):
            told.setdefault(report.member, []).append(report.step)
    for trial in seen.trials:
        steps = [int(line) for line in (tmp_path / f"{trial.name}.steps").read_text().split()]
        # It may be ended between two lines that it writes.
        assert told[trial.name] in (steps, [*steps, len(steps) + 1])
        assert (trial.stopped_for is None) == (trial.state == "done")
        assert trial.stopped_for or len(steps) == 4
        assert trial.stopped_for or (tmp_path / f"{trial.name}.done").exists()
    decided, again = replayed(plane, "many")
    assert decided == again
    # Who was to end has ended, by itself where it was faster.
    stopped = {trial.name for trial in seen.trials if trial.stopped_for}
    assert stopped <= {each.member for each in decided if each.verdict == "stops"}


@pytest.mark.slow
def test_what_is_drawn_late_is_what_runs_and_follows_from_the_records_whoever_is_killed(
    plane: Plane, database_url: str, tmp_path: Path
) -> None:
    rng = random.Random(5)
    draw = {"level": "uniform(0,4)"}
    how = making.described(draw, {}, "gp", 7)
    wanted = Wanted("many", drawing.drawn(draw, {}, 8, "gp", 7), 2)
    line = simple(TRAIN.format(folder=tmp_path, steps=4, pause=0.1, bound=9))
    with pytest.raises(InputError, match="--at-once"):
        making.make(plane.database, replace(wanted, at_once=None), LOSS, how, line, {}, "ann")
    making.make(plane.database, wanted, LOSS, how, line, {}, "ann")
    assert [bool(trial.parameters) for trial in view(plane).trials] == [True, True] + [False] * 6
    for _ in range(8):
        with control_plane(database_url, plane.folder) as process:
            time.sleep(rng.uniform(0.3, 1.2))
            process.kill()
    with control_plane(database_url, plane.folder):
        until(lambda: is_over(plane), "all are over")
    assert not list(tmp_path.glob("*.twice"))
    with plane.database.read() as connection:
        asked, reports = sweeps.found(connection, "many"), sweeps.reports(connection, "many")
        members, draws = members_of(connection, "many"), sweeps.draws(connection, "many")
    assert asked is not None
    assert [draw.member for draw in draws] == [f"many-{number}" for number in range(2, 8)]
    for number, each in enumerate(draws, 2):
        known = [(seq, report) for seq, report in reports if seq <= each.report]
        assert (
            proposed(asked, number, members[:number], known) == each.parameters == members[number].parameters
        )
    # What each says that it has begun with is what was written down for it.
    first = {report.member: report.value for _, report in reports if report.step == 1}
    for member in members:
        assert first[member.name] == float(member.parameters["level"]) + 1


@pytest.mark.slow
def test_who_was_decided_about_is_stopped_by_the_next_one_who_leads(plane: Plane, tmp_path: Path) -> None:
    line = TRAIN.format(folder=tmp_path, steps=1000, pause=0.1, bound=9)
    make(plane, line, [0.0, 1.0], Judged("loss", "minimise", "none"))
    with plane.leading():
        until(lambda: all(trial.steps for trial in view(plane).trials), "both report")
    # What one does that is killed once its decision is on disk.
    with plane.database.write() as connection:
        ((seq, _), *_) = sweeps.reports(connection, "many")
        sweeps.judge(connection, [Verdict("many-1", 1, "stops", seq, "others do better")])
    with plane.leading():
        until(lambda: view(plane).counts == {"running": 1, "stopped": 1}, "one has ended")
        assert arrays.end(plane.database, "many", "stopped", "ann")
        until(lambda: is_over(plane), "both have ended")
    assert {trial.number: trial.stopped_for for trial in view(plane).trials} == {
        0: None,
        1: "others do better",
    }


def test_what_cannot_be_meant_is_refused_and_a_backup_has_it_all(plane: Plane, tmp_path: Path) -> None:
    for judged, said in (
        (Judged("loss", "minimise", "hyperband"), "no rule 'hyperband'"),  # type: ignore[arg-type]
        (Judged("loss", "minimise", "asha", 0), "at least 1, not 0"),
        (Judged("loss", "minimise", "asha", 5, 5), "more than --min-steps 5"),
        (Judged("loss", "minimise", "asha", 1, None, 1), "one in 2"),
        (Judged("loss", "minimise", "asha", 1, None, 3, 0), "at least one step, not 0"),
    ):
        with pytest.raises(InputError, match=said):
            make(plane, "pass", [1.0], judged)
    for both in ((None, None), ("loss", "accuracy")):
        with pytest.raises(InputError, match="either --minimise"):
            making.goal_of(*both)
    make(plane, "pass", [1.0, 2.0])
    arrays.make(plane.database, Wanted("other", [{}]), simple("pass"), {}, "ann")
    with pytest.raises(InputError, match="no sweep 'other'"):
        view(plane, "other")
    with pytest.raises(InputError, match="no sweep 'other'"):
        making.must_be_sweep(plane.database, "other")
    assert [each.name for each in standing.read_all(plane.database)] == ["many"]
    backup(plane.database, tmp_path / "kept")
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    restore(other, tmp_path / "kept")
    assert standing.read(other, "many") == view(plane)
    other.close()
