"""What the kernel tells of runs: at once, whoever started them and whenever, and no more once it is to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from situs.sites.adapter import Follows, Key, Status, Task, Tells
from situs.sites.conformance.waiting import ended, python, until
from situs.sites.local import LocalSite

WRITES = """
import os, time
folder = os.environ['GO']
for number in range(3):
    while not os.path.exists(os.path.join(folder, str(number))):
        time.sleep(0.01)
    with open('report', 'a') as file:
        file.write('line\\n')
"""


@pytest.fixture
def site(tmp_path: Path) -> LocalSite:
    return LocalSite(tmp_path / "site")


@pytest.fixture
def told() -> Iterator[tuple[list[Key], list[Callable[[], None]]]]:
    """Who was told of, and what is to be called at the end."""
    stops: list[Callable[[], None]] = []
    yield [], stops
    for stop in stops:
        stop()


Told = tuple[list[Key], list[Callable[[], None]]]


def begun(site: LocalSite, folder: Path, name: str) -> Key:
    key = Key(name, 1)
    site.start(Task(key, python(WRITES), {"GO": str(folder)}))
    return key


def test_each_line_that_a_run_writes_is_told_of_and_its_end(
    site: LocalSite, tmp_path: Path, told: Told
) -> None:
    said, stops = told
    assert isinstance(site, Follows)
    early = begun(site, tmp_path, "early")
    stops.append(site.follow("report", said.append))
    late = begun(site, tmp_path, "late")
    for number in range(3):
        # Forgotten before the next line is written: what is told after this is about that line or the end.
        said.clear()
        (tmp_path / str(number)).touch()
        until(lambda: {early, late} <= set(said), f"both have told of line {number}")
    said.clear()
    third = begun(site, tmp_path, "third")
    until(lambda: said.count(third) >= 2, "one that began later is told of")


def test_ends_are_told_with_how_they_stand_and_after_the_stop_nothing_is(
    site: LocalSite, tmp_path: Path
) -> None:
    said: list[tuple[Key, Status]] = []
    assert isinstance(site, Tells)
    stop = site.tell(lambda key, status: said.append((key, status)))
    for number in range(3):
        (tmp_path / str(number)).touch()
    first = begun(site, tmp_path, "first")
    until(lambda: said, "the end is told of")
    assert said == [(first, ended(site, first))]
    site.forget(first)
    stop()
    again: list[Key] = []
    stop_again = site.tell(lambda key, _: again.append(key))
    second = begun(site, tmp_path, "second")
    until(lambda: again == [second], "whoever listens now is told")
    stop_again()
    assert [key for key, _ in said] == [first]
