"""Time, cut into slots: as few as the windows, tariffs and arrivals of the estate ask for.

Work that always runs, or that recurs all month, fills every slot.  A job that runs once may choose the
slot it starts in, and takes its resources in every slot it touches (the whole slot, which is on the safe
side).  Slots begin where windows open, pools arrive and tariffs change; and where jobs could end that more
ask for than a pool has room for, so that one may wait for the other.  An estate without any of that has a
single slot, and its problem is no larger for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from situs.model.estate import Electricity
from situs.model.intent import Intent
from situs.planner.compile.queue import queue_ends

MOST_SLOTS = 32
"""Each slot multiplies the capacity rows. A week has 14 changes between a day and a night tariff, and that
leaves as many instants again for windows and for hardware that becomes free."""

MOST_ENDS = 12
"""Slots that begin where an earlier job ends. Whoever would be later in the queue than the twelfth end waits
longer for its place than most deadlines allow."""

TARIFF_DAYS = 7
"""Tariffs repeat daily: whoever may wait longer than a week for a cheap night has had seven of them."""


@dataclass(frozen=True)
class Calendar:
    """Slot boundaries in hours from the plan's instant; slot ``k`` is ``[starts[k], starts[k + 1])``."""

    at: datetime
    starts: tuple[float, ...]
    end: float

    def touched(self, start: float, end: float) -> range:
        """The slots that ``[start, end)`` touches; what lies past the horizon counts to the last slot."""
        first = bisect_right(self.starts, start) - 1
        last = bisect_right(self.starts, max(start, end - 1e-9)) - 1
        return range(max(first, 0), max(last, first, 0) + 1)

    def hours_until(self, instant: datetime) -> float:
        """Hours from the plan's instant, negative for the past."""
        return (instant - self.at).total_seconds() / 3600.0

    def instant(self, hours: float) -> datetime:
        """The instant so many hours after the plan's."""
        return self.at + timedelta(hours=hours)


def calendar_of(intent: Intent, at: datetime) -> Calendar:
    """The slots that this estate needs; see the module's text."""
    horizon = intent.settings.horizon
    once = [w.job for w in intent.workloads.values() if w.job is not None and w.job.per_month is None]

    def hours(instant: datetime) -> float:
        return (instant - at).total_seconds() / 3600.0

    windows = {hours(job.earliest) for job in once if job.earliest}
    arrivals = {
        hours(pool.available_from)
        for site in intent.sites.values()
        for pool in site.pools.values()
        if pool.available_from
    }
    needed = sorted(h for h in windows | arrivals if 0 < h < horizon)[: MOST_SLOTS - 1]
    if not once:
        return Calendar(at, (0.0, *needed), horizon)
    tariffs = {
        change
        for site in intent.sites.values()
        if site.electricity and site.pools
        for change in _tariff_changes(site.electricity, at, min(horizon, 24.0 * TARIFF_DAYS))
    }
    ends = set(queue_ends(intent, [0.0, *needed], horizon, MOST_ENDS))
    starts = {0.0, *needed}
    for wished in (ends, tariffs):
        starts.update(sorted(wished - starts)[: MOST_SLOTS - len(starts)])
    return Calendar(at, tuple(sorted(starts)), horizon)


def _tariff_changes(electricity: Electricity, at: datetime, until: float) -> Iterable[float]:
    """Hours from ``at`` at which a band of the tariff begins or ends."""
    local = at + timedelta(hours=electricity.utc_offset)
    into_day = local.hour + local.minute / 60.0 + local.second / 3600.0
    for band in electricity.bands:
        for edge in (band.from_hour % 24, band.to_hour % 24):
            hour = (edge - into_day) % 24.0
            while hour < until:
                if hour > 0:
                    yield round(hour, 6)
                hour += 24.0
