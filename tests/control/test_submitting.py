"""Work that is handed in beside the plan in force: once or not at all, and never more than there is room for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from situs.control import submitting, views
from situs.control.asked import Asked, command_of, fresh_name, named, workload_of
from situs.control.attached import At, End, Output, Reader
from situs.control.connect import by_kind
from situs.control.running import running
from situs.control.shipping import snapshot
from situs.control.wanted import key_of
from situs.model.error import InputError
from situs.model.plan import Fit
from situs.model.workload import Workload
from situs.sites.adapter import Key
from situs.store import submissions
from situs.store.database import Database
from tests.control.plane import Plane, estate, until

SITES = ("a", "b", "c")


@pytest.fixture
def plane(database: Database, tmp_path: Path) -> Iterator[Plane]:
    """Three sites with nothing on them, each with two nodes of four processors."""
    made = Plane(database, tmp_path / "situs", estate({}))
    made.apply({})
    yield made
    made.end_all()


def work(*command: str, **more: object) -> Workload:
    return workload_of(Asked(command or ("sleep", "600"), **more))  # type: ignore[arg-type]


def code(tmp_path: Path, script: str) -> dict[str, bytes]:
    folder = tmp_path / "code"
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text(script)
    return {".": snapshot(folder).archive}


def seen(plane: Plane, name: str) -> tuple[list[str], str, End]:
    """Where it ran, what it wrote, and how it ended."""
    where, text, last = [], b"", None
    for each in Reader(plane.database, by_kind(plane.folder)).follow(name):
        if isinstance(each, At):
            if not each.runs:  # it has a place; that it runs there is told after
                where.append(each.run.site)
        elif isinstance(each, Output):
            text += each.text
        elif isinstance(each, End):
            last = each
    assert last is not None
    return where, text.decode(), last


def test_it_runs_is_stopped_and_is_removed(plane: Plane, tmp_path: Path) -> None:
    files = code(tmp_path, "import time\nprint('here', flush=True)\ntime.sleep(600)\n")
    placed = submitting.submit(plane.database, "job", work("main.py"), files, "ann")
    assert placed.fit is Fit.NOW
    site = placed.decision.assignments[0].site
    with plane.leading():
        until(lambda: plane.is_at("job", site), "it runs")
        run = plane.last("job")
        assert run is not None
        assert run.plan == placed.plan.id
        key, adapter = key_of(run), plane.site(site)
        until(lambda: adapter.logs(key)[0] == b"here\n", "it writes")
        assert [unit.standing for unit in views.overview(plane.database).units] == ["running"]
        assert [(each.workload, each.site) for each in running(plane.database)] == [("job", site)]
        until(lambda: running(plane.database)[0].currency, "the ledger has it")
        assert submitting.stop(plane.database, "job", "bob", "too slow")
        until(lambda: not adapter.status(key).alive and plane.outcome("job"), "it ended")
        assert adapter.logs(key)[0] == b"here\n"
        assert not submitting.stop(plane.database, "job", "bob")
        assert submitting.remove(plane.database, "job", "bob")
        until(lambda: adapter.known() == [], "nothing is left of it")
        assert running(plane.database) == []
    told = [event.text for event in views.history_of(plane.database, "job").events]
    assert told[0].startswith("handed in")
    assert "stopped: too slow" in told
    assert "removed" in told


def test_it_is_tried_again_and_read_along_to_its_end(plane: Plane, tmp_path: Path) -> None:
    script = "import os, sys\nprint(os.environ['SITUS_GENERATION'])\nsys.exit(4 - int(os.environ['SITUS_GENERATION']))"
    submitting.submit(plane.database, "job", work("main.py", retries=2), code(tmp_path, script), "ann")
    with plane.leading():
        where, text, end = seen(plane, "job")
    assert (text, end.exit_code, end.stopped) == ("1\n2\n3\n", 1, False)
    assert len(where) == 3
    until(lambda: plane.last("job").phase == "ended", "the control plane knows")  # type: ignore[union-attr]
    (unit,) = views.overview(plane.database).units
    assert (unit.standing, unit.next_step) == (
        "failed",
        "read its output, put right what is wrong, and run it again",
    )


def test_a_new_plan_leaves_it_alone(plane: Plane, tmp_path: Path) -> None:
    submitting.submit(
        plane.database, "job", work("main.py"), code(tmp_path, "import time; time.sleep(600)"), "ann"
    )
    with plane.leading() as _:
        until(lambda: plane.last("job") and plane.last("job").started_at, "it runs")  # type: ignore[union-attr]
        plane.intent = estate({"other": {"run": "print(1)"}})
        plane.apply({"other": [("a", "box", 1)]})
        until(lambda: plane.outcome("other") == "succeeded", "the plan is true")
        assert len(plane.runs("job")) == 1
        assert plane.last("job").phase == "placed"  # type: ignore[union-attr]


def test_a_rule_that_came_later_keeps_it_from_starting(plane: Plane, tmp_path: Path) -> None:
    placed = submitting.submit(plane.database, "job", work("main.py"), code(tmp_path, "print(1)"), "ann")
    site = placed.decision.assignments[0].site
    plane.intent = estate({}, rules={"no": {"title": "none", "owner": "eve", "never_at": {"name": [site]}}})
    plane.apply({})
    with plane.leading():
        until(
            lambda: any("may not be" in (u.cause or "") for u in views.overview(plane.database).units),
            "it waits",
        )
    assert plane.runs("job") == []


@pytest.mark.slow
def test_who_comes_at_the_same_time_does_not_get_the_same_room(plane: Plane) -> None:
    """Three sites with two nodes each, and ten who want a whole node: six get one."""
    got: list[str] = []
    refused: list[submitting.NoPlace] = []

    def ask(number: int) -> None:
        try:
            placed = submitting.submit(plane.database, f"job-{number}", work(cpu=4), {".": b""}, "ann")
            got.append(placed.decision.assignments[0].site)
        except submitting.NoPlace as error:
            refused.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(SITES * 2)
    assert {error.placed.fit for error in refused} == {Fit.AT}
    submitting.remove(plane.database, f"job-{next(iter(_names(plane)))}", "ann")
    submitting.submit(plane.database, "late", work(cpu=4), {".": b""}, "ann")


def _names(plane: Plane) -> list[str]:
    with plane.database.read() as connection:
        return [each.name.removeprefix("job-") for each in submissions.kept(connection)]


def test_room_of_what_is_over_is_given_away_again(plane: Plane, tmp_path: Path) -> None:
    files = code(tmp_path, "print(1)")
    for number in range(6):
        submitting.submit(plane.database, f"job-{number}", work("main.py", cpu=4), files, "ann")
    with pytest.raises(submitting.NoPlace, match="now"):
        submitting.submit(plane.database, "late", work("main.py", cpu=4), files, "ann")
    with plane.leading():
        until(lambda: all(plane.outcome(f"job-{number}") for number in range(6)), "all are over")
    submitting.submit(plane.database, "late", work("main.py", cpu=4), files, "ann")


def test_what_cannot_be_is_said_at_once(plane: Plane) -> None:
    with pytest.raises(submitting.NoPlace, match="ever"):
        submitting.submit(plane.database, "job", work(accelerators=1), {".": b""}, "ann")
    for wrong, said in (
        (work(data=("patients",)), "no data 'patients'"), (work(use_case="x"), "no use case 'x'"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            submitting.submit(plane.database, "job", wrong, {".": b""}, "ann")
    with pytest.raises(InputError, match="no site 'moon'"):
        submitting.look(plane.database, "job", work(), frozenset({"moon"}))
    submitting.submit(plane.database, "job", work(), {".": b""}, "ann")
    with pytest.raises(InputError, match="already"):
        submitting.submit(plane.database, "job", work(), {".": b""}, "ann")
    with pytest.raises(InputError, match="there is no workload 'nobody'"):
        submitting.stop(plane.database, "nobody", "ann")


def test_what_the_plan_wants_is_not_stopped_by_hand(plane: Plane) -> None:
    plane.intent = estate({"web": {"run": "print(1)"}})
    plane.apply({"web": [("a", "box", 1)]})
    with pytest.raises(InputError, match="plan in force"):
        submitting.stop(plane.database, "web", "ann")
    with pytest.raises(InputError, match="already"):
        submitting.submit(plane.database, "web", work(), {".": b""}, "ann")


def test_two_who_saw_the_same_do_not_both_write(plane: Plane) -> None:
    placed = submitting.submit(plane.database, "job", work(), {".": b""}, "ann")
    with plane.database.read() as connection:
        before = submissions.version(connection)
    with plane.database.write() as connection:
        submissions.add(connection, before, "stopped", "job", placed.plan.id, "ann")
    with pytest.raises(submissions.Overtaken), plane.database.write() as connection:
        submissions.add(connection, before, "removed", "job", placed.plan.id, "bob")


def test_words_become_a_workload() -> None:
    assert command_of(("train.py", "--epochs", "3")) == ("python", "train.py", "--epochs", "3")
    assert command_of(("./bin", "x.py")) == ("./bin", "x.py")
    assert (named("patients@latest"), named("patients")) == ("patients", "patients")
    with pytest.raises(InputError, match="only the newest version"):
        named("patients@3")
    with pytest.raises(InputError, match="memory"):
        workload_of(Asked(("x",), memory="many"))
    with pytest.raises(InputError, match="only a share of one"):
        workload_of(Asked(("x",), accelerators=1.5))
    one, other = fresh_name(("Train Me.py",)), fresh_name(("Train Me.py",))
    assert one.startswith("train-me-")
    assert one != other
    assert str(Key(fresh_name(("ä.py",)), 1)).startswith("run-")
