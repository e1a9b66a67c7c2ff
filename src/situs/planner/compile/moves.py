"""Moves have a bill: transfer, time away, work lost since the last checkpoint, people's time."""

from __future__ import annotations

from dataclasses import dataclass

from situs.model.workload import Workload
from situs.planner.compile.world import Place, World


@dataclass(frozen=True)
class MoveBill:
    """What one move of one unit costs, once, in the plan's currency."""

    transfer: float
    downtime: float
    lost_work: float
    people: float
    hours: float
    """it is away for so long"""

    @property
    def total(self) -> float:
        """All parts together."""
        return self.transfer + self.downtime + self.lost_work + self.people


def move_bill(world: World, workload: Workload, place: Place, cost_per_hour: float) -> MoveBill:
    """The bill of moving one unit from where it is to ``place``; work done again costs what it costs there.

    From a site that is gone nothing is fetched: the unit is started again, without what it had saved there.
    """
    assert workload.current is not None
    source = workload.current.site
    gone = source not in world.intent.sites
    state_gb = workload.state_gb + (workload.checkpoint.size_gb if workload.checkpoint else 0.0)
    link = None if gone or source == place.site else world.link(source, place.site)
    hours = float(world.pools.startup_h[place.index])
    transfer = 0.0
    if link is not None:
        price = link.tiers[0].price if link.tiers else link.price
        transfer = state_gb * world.money(price)
        if link.bandwidth:
            hours += state_gb * 8.0 / link.bandwidth / 3600.0
    lost_h = _lost_hours(world, workload, saved=not gone)
    return MoveBill(
        transfer=transfer,
        downtime=(hours + lost_h) * world.money(workload.downtime_cost),
        lost_work=lost_h * cost_per_hour,
        people=world.settings.move_hours * world.money(world.settings.staff_rate),
        hours=hours,
    )


def _lost_hours(world: World, workload: Workload, *, saved: bool) -> float:
    """Hours of a job's work that are done again: on average half a checkpoint interval, or all since it began.

    ``saved``: what it has saved can still be had.
    """
    if workload.job is None:
        return 0.0
    if saved and workload.checkpoint is not None:
        return workload.checkpoint.interval / 2.0
    assert workload.current is not None
    if workload.current.since is None:
        return workload.job.work / 2.0
    return min(workload.job.work, max(0.0, -world.calendar.hours_until(workload.current.since)))


def held_in_place(world: World, workload: Workload) -> bool:
    """Whether minimum run time, cool-down or the fail-back policy keep it where it is for now."""
    current = workload.current
    if current is None:
        return False
    calendar = world.calendar
    since = current.since
    if since is not None and calendar.hours_until(since) + workload.min_runtime > 0:
        return True
    moved = current.last_moved
    if moved is None:
        return False
    return not world.settings.fail_back or calendar.hours_until(moved) + world.settings.cooldown > 0
