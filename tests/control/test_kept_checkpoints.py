"""Checkpoints that are kept elsewhere: a lost site takes none along, and no copy is made twice or lost by a kill."""

from __future__ import annotations

import hashlib
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from bench.crash.kill import control_plane, kill
from situs.control import orders
from situs.control.checkpoints.wanting import Keep, is_due, not_needed, unfinished
from situs.model.checkpoint import StateFile
from situs.store import checkpoints, events, usage
from situs.store.checkpoints import Copy, What
from situs.store.database import Database
from tests.control.lost_site import counting, cuttable
from tests.control.plane import PYTHON, Plane, estate, until

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PROGRAM = {"evidence.py": files("bench.crash").joinpath("evidence.py").read_bytes()}


def kept(there: Plane, name: str) -> list[Copy]:
    with there.database.read() as connection:
        return checkpoints.of_workload(connection, name)


def safe(there: Plane, name: str, site: str) -> list[Copy]:
    return [copy for copy in kept(there, name) if site in copy.safe_at]


def told(there: Plane, kind: str) -> list[str]:
    with there.database.read() as connection:
        return [event.text for event in events.newest(connection, 1000) if event.kind == kind]


def folders(root: Path) -> set[str]:
    return {path.name for path in root.rglob("checkpoints/*") if path.parent.name == "checkpoints"}


@pytest.mark.slow
def test_a_lost_site_takes_no_checkpoint_along_and_what_is_lost_is_said(tmp_path: Path) -> None:
    job = counting(tmp_path / "evidence", checkpoint={"size_gb": 1, "interval": "1s", "kept_at": ["other"]})
    with cuttable(tmp_path, ("far", "other"), {"job": job}) as there:
        links = [{"from": "*", "to": "*", "price": "1000000 EUR/GB"}]
        there.intent = there.intent.model_copy(
            update={"links": estate({}, links=links).links}
        )  # fmt: skip
        there.go(job="far")
        with there.leading():
            until(lambda: safe(there, "job", "other"), "a checkpoint is safe")
            until(lambda: safe(there, "job", "other")[-1].at > kept(there, "job")[0].at, "and a newer one")
            there.hosts["far"].cut("down")
            until(lambda: there.told("site"), "it is noticed")
            least = safe(there, "job", "other")[-1]
            orders.lose(there.database, "far", "bob", "fire in hall 2")
            there.go(job="near")
            until(lambda: there.is_at("job", "near"), "it goes on elsewhere")
            until(lambda: len(there.lines("job")) > 1, "it says so")
            assert int(there.lines("job")[1][3]) > 0, "from what was kept"
            assert len(told(there, "restored")) == 1
            assert "was kept at other; work of at most" in told(there, "restored")[0]
            with there.database.read() as connection:
                assert [r.name for r in checkpoints.restores(connection, "job")] >= [least.name]
                ways = [line for line in usage.lines(connection, "job") if line.kind == "transfer"]
            assert {line.site for line in ways} == {"far", "other"} and all(w.amount > 0 for w in ways)
            until(lambda: len(safe(there, "job", "other")) == 2 and any(
                copy.generation == 2 for copy in safe(there, "job", "other")
            ), "what it writes at its new place is kept too")  # fmt: skip
            there.hosts["far"].mend()
            until(lambda: there.runs("job")[0].phase == "released", "what was left is cleared away")
            there.intent = there.intent.model_copy(update={"workloads": {}})
            there.go()
            until(lambda: not folders(tmp_path), "nothing is kept of what is removed")
            until(lambda: not present(there.database), "and that is known")


def present(database: Database) -> list[Copy]:
    with database.read() as connection:
        return checkpoints.present(connection)


@pytest.mark.slow
def test_a_site_that_is_cut_off_in_the_middle_has_the_rest_sent(tmp_path: Path) -> None:
    write = (
        "import os,time; f=open('new','wb'); [f.write(os.urandom(1<<20)) for _ in range(300)]; f.close(); "
    )
    program = [sys.executable, "-S", "-c", write + "os.rename('new', 'big'); time.sleep(600)"]
    job = {
        "stage": "train", "label": {"level": 0}, "shapes": [{"cpu": 0, "memory": "0GiB"}], "job": {"work": "1h"},
        "run": {"command": program, "state": ["big"]},
        "checkpoint": {"size_gb": 1, "interval": "1s", "kept_at": ["other"]},
    }  # fmt: skip

    def parts() -> list[Path]:
        return [path for path in (tmp_path / "other").rglob(".*.part") if path.stat().st_size >= 16 << 20]

    with cuttable(tmp_path, ("other",), {"job": job}) as there:
        there.go(job="near")
        with there.leading():
            until(parts, "it is on its way")
            there.hosts["other"].cut("down")
            until(lambda: told(there, "trouble"), "it is told")
            (part,) = parts()
            node, came = part.stat().st_ino, part.stat().st_size
            assert came < 300 << 20
            assert not safe(there, "job", "other")
            there.hosts["other"].mend()
            until(lambda: safe(there, "job", "other"), "the rest is sent")
        (copy,) = safe(there, "job", "other")
        assert len(kept(there, "job")) == 1, "nothing was taken down again"
        (file,) = copy.files or ()
        (path,) = (tmp_path / "other").rglob(f"checkpoints/{copy.name}/{file.sha256}")
        assert path.stat().st_ino == node
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_instants_no_copy_is_lost_billed_twice_or_left_over(
    database: Database, database_url: str, tmp_path: Path, seed: int
) -> None:
    rng, evidence = random.Random(seed), tmp_path / "evidence"
    evidence.mkdir()
    run = {
        "command": ["python", "-S", "evidence.py", str(evidence), "0", "0.02"], "files": ["evidence.py"],
        "state": ["count"],
    }  # fmt: skip
    keep = {"size_gb": 1, "interval": "0.3s", "kept_at": ["b", "c"]}
    links = [{"from": "*", "to": "*", "price": "1000000 EUR/GB"}]
    work = {name: {"run": run, "checkpoint": keep} for name in ("one", "two")}
    there = Plane(database, tmp_path / "situs", estate(work, links=links))
    try:
        there.apply({"one": [("a", "box", 1)], "two": [("a", "box", 1)]}, PROGRAM)
        for _ in range(15):
            with control_plane(database_url, there.folder) as process:
                time.sleep(rng.uniform(0.2, 1.5))
                kill(process)
        with control_plane(database_url, there.folder):
            for name in work:
                done = len(kept(there, name))
                until(lambda name=name, done=done: len(kept(there, name)) > done + 3, "it goes on")  # type: ignore[misc]
        for name in work:
            check(there, name)
        there.intent = there.intent.model_copy(update={"workloads": {}})
        there.apply({})
        with control_plane(database_url, there.folder):
            until(lambda: not present(database), "all is cleared away")
        assert not folders(there.folder)
    finally:
        there.end_all()


def check(there: Plane, name: str) -> None:
    """What is said to be safe is there, whole; and each way was paid once."""
    copies = kept(there, name)
    assert copies
    for site in ("b", "c"):
        for copy in safe(there, name, site):
            for file in copy.files or ():
                folder = there.folder / "sites" / site / "runs" / "checkpoints" / copy.name
                assert hashlib.sha256((folder / file.sha256).read_bytes()).hexdigest() == file.sha256
    with there.database.read() as connection:
        ways = [line for line in usage.lines(connection, name) if line.kind == "transfer"]
        said = [event for event in events.of_workload(connection, name) if event.kind == "kept"]
    ever = [(copy, site) for copy in copies for site in ("b", "c") if copy.was("safe", site)]
    assert len(said) == len(ever)
    sent = Decimal(sum(copy.size_bytes for copy, _ in ever)) / 1000
    assert 0 < sum(line.amount for line in ways) <= sent


@pytest.mark.slow
def test_what_has_not_changed_is_not_sent_again_and_the_last_two_are_kept(
    database: Database, tmp_path: Path
) -> None:
    program = """
import os, time
def write(name, text):
    with open('new', 'w') as file: file.write(text)
    os.rename('new', name)
write('weights', 'x' * 5000)
for step in range(10**6):
    write('step', str(step))
    with open(os.environ['SITUS_REPORT'], 'a') as file: file.write(f'{step} 0.5\\n')
    time.sleep(0.05)
"""
    run = {"command": [*PYTHON, program], "state": ["weights", "step"]}
    keep = {"size_gb": 1, "interval": "0.2s", "kept_at": ["b"]}
    there = Plane(database, tmp_path / "situs", estate({"job": {"run": run, "checkpoint": keep}}))
    try:
        there.apply({"job": [("a", "box", 1)]})
        with there.leading():
            until(lambda: len([c for c in kept(there, "job") if c.was("safe", "b")]) > 4, "several are safe")
            until(lambda: len(kept(there, "job")) - len(present(database)) > 2, "older ones are gone")
        assert 2 <= len(safe(there, "job", "b")) <= 3
        first, *later = reversed(told(there, "kept"))
        assert "2 files, 5.0 kB, 5.0 kB of it sent" in first
        assert all("2 files, 5.0 kB" in text and " B of it sent" in text for text in later[:2])
        steps = [copy.step for copy in kept(there, "job") if copy.files]
        assert all(isinstance(step, int) for step in steps) and steps == sorted(steps)  # type: ignore[type-var]
    finally:
        there.end_all()


KEEP = Keep(("state",), ("b", "c"), {}, timedelta(hours=1))
FILES = (StateFile("state", 3, "ab"),)


def copy(number: int, states: Mapping[str, set[What]], **changed: Any) -> Copy:
    made = Copy(f"u-{number}", NOW + timedelta(hours=number), "job", 0, 1, "a", "m", None, FILES,
                {site: frozenset(what) for site, what in states.items()})  # fmt: skip
    return replace(made, **changed)


TAKEN: Mapping[str, set[What]] = {"a": {"begun", "taken"}}
SAFE: set[What] = {"begun", "safe"}


def dropped(*copies: Copy, keep: Keep | None = KEEP) -> set[tuple[str, str]]:
    return {(copy.name, site) for copy, site in not_needed(copies, keep)}


def test_the_source_is_let_go_once_it_is_safe_everywhere() -> None:
    assert dropped(copy(1, {**TAKEN, "b": SAFE, "c": {"begun"}})) == set()
    assert dropped(copy(1, {**TAKEN, "b": SAFE, "c": SAFE})) == {("u-1", "a")}


def test_the_last_two_whole_ones_stay_at_each_site() -> None:
    every = [copy(n, {"b": SAFE, "c": SAFE if n != 3 else {"begun"}}) for n in (1, 2, 3)]
    assert dropped(*every) == {("u-1", "b")}
    assert dropped(*every, copy(4, {"c": SAFE})) == {("u-1", "b"), ("u-1", "c"), ("u-3", "c")}


def test_what_was_never_whole_goes_and_nothing_is_kept_of_what_is_removed() -> None:
    assert dropped(copy(1, {"a": {"begun"}}, files=None)) == {("u-1", "a")}
    assert dropped(copy(1, {**TAKEN, "b": SAFE}), keep=None) == {("u-1", "a"), ("u-1", "b")}


def test_a_site_that_is_refused_lets_go_at_once_and_one_that_is_not_named_once_others_have_it() -> None:
    there = copy(1, {"b": SAFE, "c": {"begun"}})
    assert dropped(there, keep=replace(KEEP, sites=("c",), refused={"b": "clearance"})) == {("u-1", "b")}
    assert dropped(there, keep=replace(KEEP, sites=("c",))) == set()
    assert dropped(there, copy(2, {"c": SAFE}), keep=replace(KEEP, sites=("c",))) == {
        ("u-1", "b"),
        ("u-1", "c"),
    }


def test_the_newest_is_brought_on_and_the_next_is_due_after_the_interval() -> None:
    half = copy(1, {**TAKEN, "b": SAFE})
    assert unfinished([half], KEEP) == (half, ["c"])
    assert unfinished([half, copy(2, {**TAKEN, "b": SAFE, "c": SAFE})], KEEP) is None
    assert is_due([], KEEP, NOW)
    assert not is_due([half], KEEP, half.at + timedelta(minutes=59))
    assert is_due([half], KEEP, half.at + timedelta(hours=1))
