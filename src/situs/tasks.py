"""Work from Python: scripts and functions handed in, waited for, and read along with.

>>> import situs
>>> @situs.task(gpu=1, data=["patients"])     # doctest: +SKIP
... def train(rate): ...
>>> jobs = train.map([0.1, 0.01])             # doctest: +SKIP
>>> [job.result() for job in jobs]            # doctest: +SKIP
"""

from __future__ import annotations

import getpass
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, cast

from situs.control import submitting
from situs.control.asked import Asked, fresh_name, must_be_in_a_queue, workload_of
from situs.control.attached import End, Output, Reader, copy_out
from situs.control.connect import by_kind
from situs.control.here import Here, here
from situs.control.queues.handing_in import USUAL_PRIORITY, hand_in_work
from situs.control.shipping import likely_lock, snapshot
from situs.control.tasks import RESULT, TaskFailed, outcome, packed, support
from situs.control.tasks.packing import CALL, COMMAND
from situs.model.error import SitusError
from situs.model.workload import Workload

P = ParamSpec("P")
R = TypeVar("R")
SHOWN_LINES = 20
"""Of its last words when it fails without a result."""


@dataclass(frozen=True)
class Job(Generic[R]):
    """One run of a script or function."""

    name: str
    site: str | None
    """where it was put at first; None: it waits for its turn in a queue"""
    pool: str | None
    _here: Here
    _is_function: bool = False

    def result(self, timeout_s: float | None = None) -> R:
        """Wait for its end; gives what the function gave, None for a script.

        Raises what the function raised with its traceback there, TaskFailed when there is no result, and TimeoutError
        when it takes longer; it runs on then.
        """
        end = self._wait(timeout_s, lambda _: None)
        if end.run is not None and self._is_function and not end.stopped:
            with tempfile.TemporaryDirectory(prefix="situs-") as scratch:
                path = Path(scratch) / "result"
                try:
                    copy_out(self._reader(), end.run, RESULT, path)
                except SitusError:
                    pass
                else:
                    return cast(R, outcome(path))
        if self._is_function or end.exit_code != 0:
            how = "it was stopped" if end.stopped else f"it ended with exit code {end.exit_code}"
            if end.reason not in (None, "exited", "stopped"):
                how += f" ({end.reason})"
            last = "\n".join(self.logs().splitlines()[-SHOWN_LINES:])
            raise TaskFailed(f"{self.name}: {how}" + (f"; it said last:\n{last}" if last else ""))
        return cast(R, None)

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for its end, and show what it writes meanwhile; gives its exit code.

        Raises TimeoutError when it takes longer; it runs on then.
        """
        return self._wait(timeout_s, _show).exit_code

    def logs(self) -> str:
        """What it has written so far, where it runs or ran last."""
        run = self._reader().run(self.name)
        return self._reader().output(run)[0].decode(errors="replace")

    def stop(self, reason: str | None = None) -> bool:
        """Have it end; what it wrote stays. False when it was stopped already."""
        return submitting.stop(self._here.database, self.name, person(), reason)

    def remove(self) -> bool:
        """Have it end, and nothing of it kept at its site."""
        return submitting.remove(self._here.database, self.name, person())

    def copy(self, path: str, target: str | Path = ".") -> Path:
        """Copy a file of its folder to this machine; gives where that is."""
        place = Path(target) / Path(path).name if Path(target).is_dir() else Path(target)
        copy_out(self._reader(), self._reader().run(self.name), path, place)
        return place

    def _reader(self) -> Reader:
        return Reader(self._here.database, by_kind(self._here.folder))

    def _wait(self, timeout_s: float | None, take: Callable[[bytes], None]) -> End:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        late = (lambda: False) if deadline is None else (lambda: time.monotonic() > deadline)
        for seen in self._reader().follow(self.name, stop=late):
            if isinstance(seen, Output):
                take(seen.text)
            elif isinstance(seen, End):
                return seen
        raise TimeoutError(f"{self.name} has not ended within {timeout_s} s; it runs on")


@dataclass(frozen=True)
class Task(Generic[P, R]):
    """A function that can be run at a site. Called as it is, it runs here."""

    function: Callable[P, R]
    asked: Asked
    estate: Path
    db: str | None
    code: Path
    sites: frozenset[str] | None
    queue: str | None = None
    priority: int = USUAL_PRIORITY

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it here and now."""
        return self.function(*args, **kwargs)

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
        """Hand it in, to run where rules, room and cost put it; waits while there is no room anywhere.

        Raises NoPlace where it may or can never be.
        """
        call = packed(self.function, args, kwargs, self.code)
        return _submit(self, self.function.__name__, {CALL: call}, is_function=True)

    def map(self, values: Iterable[Any]) -> list[Job[R]]:
        """Hand it in once for each value, such as the settings of a sweep; waits while there is no room for more."""
        return [self.submit(value) for value in values]  # type: ignore[call-arg]


def task(
    *,
    gpu: float = 0.0,
    data: Iterable[str] = (),
    cpu: float = 1.0,
    memory: str = "0GiB",
    accelerator: Iterable[str] = (),
    hours: float | None = None,
    env: Mapping[str, str] | None = None,
    state: Iterable[str] = (),
    retries: int = 0,
    final: Iterable[int] = (),
    timeout_s: float | None = None,
    use_case: str | None = None,
    packages: str | None = "auto",
    python: str | None = None,
    image: str | None = None,
    site: Iterable[str] | None = None,
    queue: str | None = None,
    priority: int = USUAL_PRIORITY,
    min_runtime: str = Asked.min_runtime,
    checkpoint_every: str | None = None,
    checkpoint_size: str = Asked.checkpoint_size,
    code: str | Path = ".",
    estate: str | Path | None = None,
    db: str | None = None,
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function one that can run at a site: ``f.submit(...)``, ``f.map([...])``; ``f(...)`` still runs here.

    The options are those of `situs run`. ``packages``: lock file in ``code`` to install; ``auto``: the one that is
    there; None: nothing. ``image``: container image it runs in, with a Python like this one. ``queue``: it waits there
    for its turn, by ``priority``, and nobody waits here. ``estate``: its folder; None: ``SITUS_ESTATE``, else this
    folder. ``final``: exit codes after which it is not started again. ``state``: files it goes on from, saved every
    ``checkpoint_every`` (``"5min"``), ``checkpoint_size`` (``"2GB"``) large; ``min_runtime``: in a queue, not ended for
    another one before that. Raises InputError.
    """
    must_be_in_a_queue(queue, min_runtime)
    asked = Asked(
        COMMAND, gpu, tuple(accelerator), "0GiB", cpu, memory, 1, hours, tuple(data), env or {}, tuple(state), retries,
        timeout_s, use_case, packages, python, {}, image, tuple(final), min_runtime, checkpoint_every, checkpoint_size,
    )  # fmt: skip

    def made(function: Callable[P, R]) -> Task[P, R]:
        sites = None if site is None else frozenset(site)
        return Task(
            function,
            asked,
            _estate(estate),
            db or os.environ.get("SITUS_DB"),
            Path(code),
            sites,
            queue,
            priority,
        )

    return made


def run(*command: str, name: str | None = None, **options: Any) -> Job[None]:
    """Run a script, as `situs run` does, and do not wait for it: ``situs.run("train.py", "--epochs", "3", gpu=1)``.

    ``options`` are those of :func:`task`.
    """
    made: Task[..., None] = task(**options)(_nothing)
    made = replace(made, asked=replace(made.asked, command=command))
    return _submit(made, command[0] if command else "", {}, name=name)


def _nothing() -> None: ...


def _submit(
    made: Task[..., R],
    stem: str,
    files: dict[str, bytes],
    *,
    name: str | None = None,
    is_function: bool = False,
) -> Job[R]:
    to = ready(made, tuple(files), support() if is_function else None)
    chosen = name or fresh_name((stem,))
    content = {".": to.archive, **files}
    if made.queue is not None:
        hand_in_work(to.place.database, made.queue, chosen, to.workload, content, made.priority, to.who)
        return Job(chosen, None, None, to.place, is_function)
    placed = submitting.submit_when_there_is_room(
        to.place.database, chosen, to.workload, content, to.who, made.sites
    )
    at = placed.decision.assignments[0]
    return Job(chosen, at.site, at.pool, to.place, is_function)


@dataclass(frozen=True)
class Ready:
    """Work that only needs to be handed in."""

    workload: Workload
    archive: bytes
    """the code that is sent with it"""
    place: Here
    who: str


def ready(
    made: Task[..., Any], files: tuple[str, ...] = (), extra: Mapping[str, bytes] | None = None
) -> Ready:
    """The workload that is meant, and a folder that has sites and a control plane. Raises InputError.

    ``files``: what it is sent besides its code; ``extra``: what is put beside the code.
    """
    taken = snapshot(made.code, extra=extra)
    packages = likely_lock(taken.files) if made.asked.packages == "auto" else made.asked.packages
    workload = workload_of(replace(made.asked, packages=packages), files)
    place, who = here(made.estate, made.db, new=True), person()
    new = place.have_sites(who)
    place.have_control(replan=new is None)
    return Ready(workload, taken.archive, place, who)


def _estate(given: str | Path | None) -> Path:
    return Path(given or os.environ.get("SITUS_ESTATE") or ".")


def person() -> str:
    """Who uses this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _show(text: bytes) -> None:
    sys.stdout.write(text.decode(errors="replace"))
    sys.stdout.flush()
