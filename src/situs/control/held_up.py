"""Why something that is to run does not, as the control plane sees it: for those who wait for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from situs.model.error import InputError

if TYPE_CHECKING:
    # A command that has its control plane do everything needs no database.
    from situs.store.database import Database
    from situs.store.runs import Run

ASKED_S = 2.0
"""It is asked for so often, and not before: what begins at once is not held up."""


@dataclass(frozen=True)
class HeldUp:
    """It is to run, and does not yet."""

    cause: str
    next_step: str
    """what will be done about it, or what a person can do"""


class Causes:
    """What keeps one unit from running, each cause told once."""

    def __init__(self, database: Database, name: str, unit: int) -> None:
        self._database, self._name, self._unit = database, name, unit
        self._asked = time.monotonic()
        self._told: HeldUp | None = None

    def new(self, run: Run | None) -> HeldUp | None:
        """What has not been told of yet; ``run``: the unit's newest one."""
        if time.monotonic() < self._asked + ASKED_S:
            return None
        found, self._asked = self._now(run), time.monotonic()
        if found is None or found == self._told:
            return None
        self._told = found
        return found

    def _now(self, run: Run | None) -> HeldUp | None:
        if run is not None and run.alive and run.cause and run.next_step:
            return HeldUp(run.cause, run.next_step)
        # It decides about all that is wanted, and has the planner with it.
        from situs.control import views

        try:
            seen = views.of_workload(self._database, self._name)
        except InputError:
            return None
        found = next((view for view in seen.units if view.unit == self._unit), None)
        return HeldUp(found.cause, found.next_step) if found and found.cause and found.next_step else None
