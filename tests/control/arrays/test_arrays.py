"""Arrays on real sites: each member runs once, no more at a time than allowed, whatever crashes."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bench.crash.kill import control_plane
from situs.control import submitting, views
from situs.control.arrays import making, standing
from situs.control.arrays.making import Wanted
from situs.control.arrays.member import grid
from situs.control.arrays.standing import ArrayView
from situs.control.asked import Asked, workload_of
from situs.control.queues.handing_in import hand_in_work
from situs.model.error import InputError
from situs.model.workload import Workload
from situs.store.backup import backup, restore
from situs.store.database import Database
from tests.control.plane import PYTHON, Plane, estate, until

FOREVER = "import time; time.sleep(600)"
MARK = """
import os, time
mark = os.path.join(r'{folder}', os.environ['SITUS_ARRAY'] + '-' + os.environ['SITUS_ARRAY_INDEX'])
try:
    os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
except FileExistsError:
    open(mark + '.twice', 'w').close()
began = time.time()
time.sleep({last})
with open(mark + '.new', 'w') as file:
    file.write(repr((began, time.time(), os.environ['SITUS_PARAMETERS'])))
os.rename(mark + '.new', mark + '.done')
"""


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Plane]:
    """Three sites, each with two nodes of four processors, and a queue."""
    made = Plane(database, tmp_path / "situs", estate({}, queues={"one": {"quota": {"cpu": 3}}}))
    made.apply({})
    yield made
    made.end_all()


def simple(line: str, **more: object) -> Workload:
    """A line of Python, without any code that is sent along."""
    made = workload_of(Asked((*PYTHON, line), **{"hours": 0.1, **more}))  # type: ignore[arg-type]
    assert made.run is not None
    return made.model_copy(update={"run": made.run.model_copy(update={"code": None, "packages": None})})


def make(plane: Plane, what: Workload, *given: str, name: str = "many", **more: object) -> None:
    making.make(plane.database, Wanted(name, grid(given), **more), what, {}, "ann")  # type: ignore[arg-type]


def view(plane: Plane, name: str = "many") -> ArrayView:
    found = standing.of_array(plane.database, name)
    assert found is not None
    return found


def counts(plane: Plane, name: str = "many") -> Mapping[str, int]:
    return view(plane, name).counts


@pytest.mark.slow
def test_each_member_runs_with_its_own_parameters_and_no_more_at_once_than_allowed(
    plane: Plane, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    make(plane, simple(MARK.format(folder=marks, last=0.3)), "lr=0.1,0.2,0.3", "2", at_once=2)
    assert view(plane).state == "held"
    with plane.leading():
        until(lambda: view(plane).state == "done", "all have ended")
    spans = [eval(path.read_text()) for path in sorted(marks.glob("*.done"))]
    assert [span[2] for span in spans] == [f'{{"lr": {lr}}}' for lr in (0.1, 0.1, 0.2, 0.2, 0.3, 0.3)]
    for began, _, _ in spans:
        assert sum(other[0] <= began < other[1] for other in spans) <= 2
    assert not list(marks.glob("*.twice"))
    seen = view(plane)
    assert [member.name for member in seen.members] == [f"many-{number}" for number in range(6)]
    assert seen.currency == "EUR"
    assert all(member.hours > 0 for member in seen.members)
    assert seen.hours == sum(member.hours for member in seen.members)


@pytest.mark.slow
def test_one_is_tried_again_and_fails_alone_and_the_others_go_on(plane: Plane) -> None:
    line = "import os, sys; sys.exit(int(os.environ['SITUS_PARAM_CODE']))"
    make(plane, simple(line, retries=1), "code=0,3,0")
    with plane.leading():
        until(lambda: view(plane).counts == {"done": 2, "failed": 1}, "one has failed for good")
    assert view(plane).state == "failed"
    assert [len(plane.runs(f"many-{number}")) for number in range(3)] == [1, 2, 1]
    assert view(plane).members[1].exit_code == 3


@pytest.mark.slow
@pytest.mark.parametrize("queue", [None, "one"])
def test_an_array_is_stopped_and_removed_as_one(plane: Plane, queue: str | None) -> None:
    make(plane, simple(FOREVER), "9", at_once=2, queue=queue)
    with plane.leading():
        until(lambda: counts(plane) == {"running": 2, "held": 7}, "two run")
        (folded,) = views.overview(plane.database).arrays
        assert (folded.name, folded.counts) == ("many", {"running": 2, "held": 7})
        assert {unit.array for unit in views.overview(plane.database).units} == {"many"}
        # One that is stopped alone makes room for the next.
        assert submitting.stop(plane.database, "many-0", "ann")
        until(lambda: counts(plane) == {"running": 2, "held": 6, "stopped": 1}, "the next one runs")
        assert making.end(plane.database, "many", "stopped", "bob", "enough")
        assert not making.end(plane.database, "many", "stopped", "bob")
        until(lambda: counts(plane) == {"stopped": 9}, "all have ended")
        assert len(plane.runs("many-3")) == 0
        assert making.end(plane.database, "many", "removed", "bob")
        until(lambda: all(plane.site(site).known() == [] for site in "abc"), "nothing is left of it")
    assert views.overview(plane.database).arrays == []
    told = [event.text for event in views.history_of(plane.database, "many").events]
    assert told == ["an array of 9, 2 at once", "stopped: enough", "removed"]
    with pytest.raises(InputError, match="removed"):
        view(plane)


@pytest.mark.slow
def test_a_control_plane_ends_the_members_of_an_array_whose_stopping_was_cut_off(plane: Plane) -> None:
    make(plane, simple(FOREVER), "4", at_once=2)
    with plane.leading():
        until(lambda: counts(plane) == {"running": 2, "held": 2}, "two run")
    # What a command does that is killed after its first transaction.
    from situs.store import arrays

    with plane.database.write() as connection:
        arrays.end(connection, "many", "stopped", "ann")
    with plane.leading():
        until(lambda: counts(plane) == {"stopped": 4}, "all have ended")


@pytest.mark.slow
def test_killed_again_and_again_it_hands_in_each_member_once(
    plane: Plane, database_url: str, tmp_path: Path
) -> None:
    marks, rng = tmp_path / "marks", random.Random(5)
    marks.mkdir()
    what = simple(MARK.format(folder=marks, last=0.2))
    make(plane, what, "8", at_once=3)
    make(plane, what, "8", name="queued", at_once=3, queue="one")
    for _ in range(10):
        with control_plane(database_url, plane.folder) as process:
            time.sleep(rng.uniform(0.1, 0.8))
            process.kill()
    with control_plane(database_url, plane.folder):
        until(lambda: counts(plane) == counts(plane, "queued") == {"done": 8}, "all are done")
    assert not list(marks.glob("*.twice"))
    assert len(list(marks.glob("*.done"))) == 16
    assert [len(plane.runs(f"{name}-{k}")) for name in ("many", "queued") for k in range(8)] == [1] * 16


def test_names_of_members_are_nobody_elses(plane: Plane, tmp_path: Path) -> None:
    submitting.submit(plane.database, "taken-1", simple(FOREVER), {}, "bob")
    with pytest.raises(InputError, match="'taken-1' already"):
        make(plane, simple(FOREVER), "3", name="taken")
    assert standing.of_array(plane.database, "taken") is None
    make(plane, simple(FOREVER), "lr=0.1,0.2", at_once=1)
    for name in ("many", "many-1"):
        with pytest.raises(InputError, match=f"'{name}' already"):
            submitting.submit(plane.database, name, simple(FOREVER), {}, "bob")
        with pytest.raises(InputError, match=f"'{name}' already"):
            hand_in_work(plane.database, "one", name, simple(FOREVER), {}, 50, "bob")
    with pytest.raises(InputError, match="'many' already"):
        make(plane, simple(FOREVER), "3")
    backup(plane.database, tmp_path / "kept")
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    restore(other, tmp_path / "kept")
    assert standing.of_array(other, "many") == view(plane)
    other.close()


def test_what_cannot_be_is_refused(plane: Plane) -> None:
    for more, said in (
        ({"queue": "nowhere"}, "no queue 'nowhere'"),
        ({"queue": "one", "sites": frozenset("a")}, "a queue says where"),
        ({"at_once": 0}, "at least one member"),
        ({"name": "x" * 121}, "at most 120 long"),
    ):
        with pytest.raises(InputError, match=said):
            make(plane, simple(FOREVER), "2", **more)  # type: ignore[arg-type]
    assert views.overview(plane.database).arrays == []
