"""What a run goes on from whose site is lost: the newest checkpoint that is kept at a site that is not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from situs.control.checkpoints import bill
from situs.control.checkpoints.wanting import known, newest_first
from situs.control.checkpoints.words import said_restored
from situs.control.force import Force
from situs.control.wanted import Unit, Wanted
from situs.store import checkpoints, events, usage
from situs.store.checkpoints import Copy
from situs.store.database import clock
from situs.store.events import BY, Event
from situs.store.runs import Run


@dataclass(frozen=True)
class KeptCopies:
    """All copies there are, and where one may be brought from."""

    copies: Sequence[Copy]
    force: Force
    closed: Collection[str]
    """sites that are lost"""

    @cached_property
    def _by_unit(self) -> Mapping[Unit, Sequence[Copy]]:
        found: dict[Unit, list[Copy]] = {}
        for copy in newest_first(self.copies):
            found.setdefault(Unit(copy.workload, copy.unit), []).append(copy)
        return found

    def newest(self, unit: Unit, target: str, before: int | None = None) -> tuple[Copy, str] | None:
        """The newest one of a unit, and the site to bring it to ``target`` from; None: there is none.

        ``before``: only of runs of lower generations.
        """
        own = self._by_unit.get(unit, ())
        _, policy = known(self.force, unit.workload) if own else (None, None)
        for copy in own:
            # Where it is to run it need not be sent to.
            for site in sorted(copy.safe_at, key=lambda site: (site != target, site)):
                late = before is not None and copy.generation >= before
                if late or site in self.closed or policy is None or site not in policy.sites:
                    continue
                if not policy.checkpoint_way_refusals(unit.workload, site, target):
                    return copy, site
        return None

    def restartable(self, wanted: Mapping[Unit, Wanted]) -> dict[Unit, Wanted]:
        """The same, where units may begin elsewhere that go on from what is kept."""
        return {
            unit: replace(want, restart=True)
            if not want.restart and self.newest(unit, want.place.site) is not None
            else want
            for unit, want in wanted.items()
        }

    def for_run(self, run: Run, source: Run | None) -> tuple[Copy, str] | None:
        """What a run goes on from, rather than from the last run before it that has ended.

        ``source``: that run; None: it is lost, or there is none.
        """
        found = self.newest(Unit(run.workload, run.unit), run.site, run.generation)
        if found is None or source is None or found[0].generation > source.generation:
            return found
        # Its site answers, and knows nothing of it any more: what it had saved there is gone.
        return found if source.outcome == "lost" and source.reason is None else None


def recorded(
    force: Force, copy: Copy, site: str, run: Run, history: Sequence[Run], now: datetime
) -> Callable[[Connection], object]:  # fmt: skip
    """Write down that a run goes on from a copy, what is lost by that, and what its way costs: once."""
    before = next((other for other in history if other.generation == copy.generation), None)
    until = (before.abandoned_at or before.ended_at if before is not None else None) or now
    lost_s = max(0.0, (until - copy.at).total_seconds())

    def write(connection: Connection) -> None:
        if not checkpoints.restore(connection, copy, run.generation, site, lost_s):
            return
        said = said_restored(copy, site, run.site, lost_s)
        at = clock(connection)
        events.write(
            connection, [Event(at, "restored", BY, said, run.workload, run.unit, run.generation, run.site)]
        )
        usage.write(connection, bill.way(force, copy, run.generation, (site, run.site), copy.size_bytes, at))

    return write
