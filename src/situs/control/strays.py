"""Runs that a site knows and that the database does not count on.

They are left by calls that came late, and by a database that was restored from a backup.  What has a lower
generation than the unit's newest is over for good and is swept away; what has a higher one is taken over, so
that the unit never runs beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from situs.control.wanted import Step, Unit, Wanted, World
from situs.sites.adapter import Key, Status
from situs.store.runs import Run


def stray_steps(
    wanted: Mapping[Unit, Wanted], runs: Mapping[Unit, Sequence[Run]], world: World
) -> dict[Unit, tuple[Step | None, Step | None]]:
    """For each unit with strays: what is to be done first of all, and what once there is nothing else to do."""
    found: dict[Unit, tuple[Step | None, Step | None]] = {}
    for site, sight in world.sights.items():
        for key, status in sight.runs.items():
            unit = Unit(key.workload, key.unit)
            history = runs.get(unit, ())
            if any(
                (run.generation, run.site) == (key.generation, site)
                for run in history
                if run.phase != "released"
            ):
                continue
            if key in world.gone and sight.began <= world.gone[key]:
                continue
            if status.state == "absent" and _is_newest(key, history):
                continue
            step, urgent = _step(key, site, status, history)
            first, later = found.get(unit, (None, None))
            found[unit] = (step, later) if urgent else (first, step)
    return found


def _step(key: Key, site: str, status: Status, history: Sequence[Run]) -> tuple[Step, bool]:
    if _is_newest(key, history):
        return Step("adopt", key, site, "its site runs it, and nobody here knows of it"), True
    return Step("sweep", key, site, "it is over, and something of it is still there"), status.alive


def _is_newest(key: Key, history: Sequence[Run]) -> bool:
    return not history or key.generation > history[-1].generation
