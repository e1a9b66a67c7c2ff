"""Functions as work: at a real site, with a real control plane, from a script that lies outside of any package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import situs
from situs.control import background
from situs.control.asked import workload_of
from situs.control.tasks import TaskFailed, outcome, packed, support
from situs.control.tasks.packing import CALL, PLACE
from situs.model.error import InputError
from situs.store.database import Database
from tests.cli.test_run import Person

SCRIPT = """
import situs
from mine import SCALE

class Odd(Exception):
    pass

@situs.task(cpu=0.1)
def scaled(value):
    import os
    print("at", os.environ["SITUS_SITE"])
    if value < 0:
        raise Odd(f"{value} is below zero")
    return {"value": value * SCALE, "site": os.environ["SITUS_SITE"]}

if __name__ == "__main__":
    assert scaled.function(2)  if False else True
    first = scaled.submit(2)
    print(first.result(timeout_s=120))
    print(sorted(job.result()["value"] for job in scaled.map([3, 4, 5])))
    print(first.logs().strip())
    try:
        scaled.submit(-1).result()
    except Odd as error:
        print("raised", error, "line" in str(error.__cause__))
    job = situs.run("program.py", "a", "b", cpu=0.1)
    print(job.wait(), job.result())
    failing = situs.run("program.py", cpu=0.1)
    try:
        failing.result()
    except situs.TaskFailed as error:
        print("exit code 4" in str(error), "too few" in str(error))
"""
PROGRAM = """
import sys
if len(sys.argv) < 2:
    print("too few")
    sys.exit(4)
print("program", *sys.argv[1:])
"""


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    folder, home = tmp_path / "project", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    made = Person(folder, home)
    yield made
    made.leave()


def test_a_function_says_what_it_loses_and_when_it_is_not_tried_again() -> None:
    made = situs.task(
        queue="line", state=["model.pt"], min_runtime="10m", checkpoint_every="5min", checkpoint_size="2GB",
        retries=3, final=[2],
    )(len)  # fmt: skip
    workload = workload_of(made.asked)
    assert workload.run is not None and workload.checkpoint is not None
    assert (workload.run.state, workload.run.retries, workload.run.final) == (("model.pt",), 3, (2,))
    assert workload.min_runtime == pytest.approx(1 / 6)
    assert (workload.checkpoint.interval, workload.checkpoint.size_gb) == pytest.approx((1 / 12, 2))
    with pytest.raises(InputError, match="which queue"):
        situs.task(min_runtime="10m")


@pytest.mark.slow
def test_a_script_hands_in_its_functions(person: Person) -> None:
    person.write(script=SCRIPT, mine="SCALE = 10\n", program=PROGRAM)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=person.folder, env=person.env, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "{'value': 20, 'site': 'this-machine'}", "[30, 40, 50]", "at this-machine", "raised -1 is below zero True",
        "program a b", "0 None", "True True",
    ]  # fmt: skip


def ran(tmp_path: Path, call: bytes) -> tuple[int, str]:
    """What the runner does with a call, in a folder like that of a run."""
    for name, content in {**support(), CALL: call}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-S", f"{PLACE}/runner.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def local(value: int) -> int:
    """Something that lies in a module the site does not have."""
    return value + OFFSET


OFFSET = 5


class Unsendable:
    """Nothing that a file could hold."""

    def __reduce__(self) -> Any:
        raise TypeError("not me")


@pytest.mark.parametrize(
    ("function", "wanted"),
    [(lambda: {"a": [1, 2]}, {"a": [1, 2]}), (lambda: None, None), (lambda: (1, b"\0"), (1, b"\0"))],
)
def test_what_a_function_gives_comes_back(
    tmp_path: Path, function: Callable[[], Any], wanted: object
) -> None:
    assert ran(tmp_path, packed(function, (), {}, tmp_path)) == (0, "")
    assert outcome(tmp_path / PLACE / "result") == wanted


def test_a_module_that_is_not_sent_goes_along_by_value(tmp_path: Path) -> None:
    assert ran(tmp_path, packed(local, (1,), {}, tmp_path)) == (0, "")
    assert outcome(tmp_path / PLACE / "result") == 6


def test_what_a_function_raises_is_raised_here_with_its_traceback(tmp_path: Path) -> None:
    def wrong() -> None:
        raise KeyError("no such key")

    code, said = ran(tmp_path, packed(wrong, (), {}, tmp_path))
    assert code == 1
    assert "no such key" in said
    with pytest.raises(KeyError, match="no such key") as caught:
        outcome(tmp_path / PLACE / "result")
    assert isinstance(caught.value.__cause__, TaskFailed)
    assert "in wrong" in str(caught.value.__cause__)


def test_a_result_that_cannot_be_sent_is_no_result(tmp_path: Path) -> None:
    code, _ = ran(tmp_path, packed(lambda: __import__("threading").Lock(), (), {}, tmp_path))
    assert code == 1
    with pytest.raises(TaskFailed, match="cannot be sent back"):
        outcome(tmp_path / PLACE / "result")


def test_what_cannot_be_sent_is_said_here(tmp_path: Path) -> None:
    with pytest.raises(situs.SitusError, match="cannot be sent"):
        packed(local, (Unsendable(),), {}, tmp_path)


def test_another_python_is_told_of(tmp_path: Path) -> None:
    call = packed(lambda: 1, (), {}, tmp_path)
    code, said = ran(tmp_path, b"2.7\n" + call.partition(b"\n")[2])
    assert code == 2
    assert "the function is of Python 2.7" in said


def test_called_as_it_is_a_task_runs_here(tmp_path: Path) -> None:
    @situs.task(estate=tmp_path)
    def double(value: int) -> int:
        return 2 * value

    assert double(4) == 8
    assert not (tmp_path / ".situs").exists()


def test_what_can_be_nowhere_is_refused_at_once(tmp_path: Path) -> None:
    @situs.task(estate=tmp_path, code=tmp_path, gpu=1)
    def impossible() -> None: ...

    try:
        with pytest.raises(situs.NoPlace, match="no place for impossible"):
            impossible.submit()
    finally:
        background.end(Database(str(tmp_path / ".situs" / "control.db")))
