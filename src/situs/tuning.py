"""Sweeps from Python: trials with drawn parameters, of which the hopeless end early.

>>> import situs
>>> sweep = situs.sweep(                                                     # doctest: +SKIP
...     "train.py", "--lr", "{lr}", draw={"lr": "log(1e-4,1e-1)"}, trials=40, at_once=4, minimise="loss"
... )
>>> sweep.wait().best.parameters                                             # doctest: +SKIP
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from situs.control.arrays import making as arrays
from situs.control.arrays.making import Wanted
from situs.control.asked import fresh_name
from situs.control.here import Here
from situs.control.sweeps import making, standing
from situs.control.sweeps.drawing import Sampler, drawn
from situs.control.sweeps.making import Judged, goal_of
from situs.control.sweeps.standing import SweepView
from situs.store.arrays import Value
from situs.store.sweeps import Rule
from situs.tasks import Task, person, ready, task

LOOKED_S = 0.5


@dataclass(frozen=True)
class Sweep:
    """One sweep that was handed in."""

    name: str
    _here: Here

    def view(self) -> SweepView:
        """How it stands: each trial with its best value, the best trial first."""
        return standing.read(self._here.database, self.name)

    def wait(self, timeout_s: float | None = None) -> SweepView:
        """Wait until nothing of it runs any more; gives how it stands then. Raises TimeoutError; it runs on then."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not (view := self.view()).is_over:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} has not ended within {timeout_s} s; it runs on")
            time.sleep(LOOKED_S)
        return view

    def stop(self, reason: str | None = None) -> bool:
        """Have all its trials end and begin no more. False when that was so already."""
        return arrays.end(self._here.database, self.name, "stopped", person(), reason)

    def remove(self) -> bool:
        """Have all its trials end, and nothing of them kept at their sites."""
        return arrays.end(self._here.database, self.name, "removed", person())


def sweep(
    *command: str,
    draw: Mapping[str, str] | None = None,
    choose: Mapping[str, Sequence[Value]] | None = None,
    trials: int | None = None,
    minimise: str | None = None,
    maximise: str | None = None,
    stop: Rule = "asha",
    at_once: int | None = None,
    sampler: Sampler = "random",
    seed: int = 0,
    min_steps: int = 1,
    max_steps: int | None = None,
    reduction: int = making.USUAL_REDUCTION,
    patience: int | None = None,
    name: str | None = None,
    **options: Any,
) -> Sweep:
    """Hand in a sweep, as `situs sweep` does, and do not wait for it. Raises InputError.

    ``options`` are those of :func:`situs.task`.
    """
    judged = Judged(*goal_of(minimise, maximise), stop, min_steps, max_steps, reduction, patience)
    parameters = drawn(draw or {}, choose or {}, trials, sampler, seed)
    made: Task[..., None] = task(**options)(_nothing)
    to = ready(replace(made, asked=replace(made.asked, command=command)))
    wanted = Wanted(name or fresh_name(command), parameters, at_once, made.queue, made.priority, made.sites)
    how = making.described(draw or {}, choose or {}, sampler, seed)
    making.make(to.place.database, wanted, judged, how, to.workload, {".": to.archive}, to.who)
    return Sweep(wanted.name, to.place)


def _nothing() -> None: ...
