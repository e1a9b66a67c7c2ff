"""The control plane of a folder of this machine: asked by its database, and sites where they are.

What gives orders has the planner with it, and what reads along has sites: each is loaded only for those who ask for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from situs.client.control_plane import Arrived, Ended, Written
from situs.control import views
from situs.control.arrays import standing
from situs.control.queues import standing as in_queues
from situs.control.running import Running, running
from situs.model.amount import plain as exact
from situs.store.database import Database, clock

if TYPE_CHECKING:
    from situs.client.local_pipelines import LocalPipelines
    from situs.client.local_proposals import LocalProposals
    from situs.control.arrays.standing import ArrayView
    from situs.control.attached import InLine, Output, Reader, Trouble
    from situs.control.held_up import HeldUp
    from situs.control.moving import Cancelled, MoveView
    from situs.control.queues.standing import QueueView, Standing
    from situs.control.views import Overview, WorkloadHistory, WorkloadView
    from situs.store.plans import Target
    from situs.store.replans import Replan


class Local:
    """One database, and who asks."""

    def __init__(self, database: Database, estate: Path, folder: Path, by: str) -> None:
        """``folder``: where the control plane keeps what is its own; ``by``: who answers for what is asked for."""
        self._database = database
        self._estate = estate
        self._folder = folder
        self._by = by

    def pipelines(self) -> LocalPipelines:
        from situs.client.local_pipelines import LocalPipelines

        return LocalPipelines(self._database, self._by)

    def proposals(self) -> LocalProposals:
        from situs.client.local_proposals import LocalProposals

        return LocalProposals(self._database, self._estate, self._folder.parent, self._by)

    def clock(self) -> datetime:
        with self._database.read() as connection:
            return clock(connection)

    def overview(self, *, everything: bool = False) -> Overview:
        return views.overview(self._database, everything=everything)

    def workload(self, name: str) -> WorkloadView | ArrayView:
        return standing.of_array(self._database, name) or views.of_workload(self._database, name)

    def history(self, name: str) -> WorkloadHistory:
        return views.history_of(self._database, name)

    def move(self, name: str) -> MoveView:
        from situs.control import moving

        return moving.show(self._database, name)

    def targets(self) -> Sequence[Target]:
        return views.targets(self._database)

    def queues(self) -> Sequence[QueueView]:
        with self._database.read() as connection:
            return in_queues.read(connection).views()

    def queue(self, name: str) -> tuple[QueueView, Sequence[Standing]]:
        with self._database.read() as connection:
            return in_queues.of_queue(connection, name)

    def running(self) -> Sequence[Running]:
        return running(self._database)

    def written(self, name: str, unit: int) -> Written:
        reader = self._reader()
        run = reader.run(name, unit)

        def parts() -> Iterator[bytes]:
            text, offset = reader.output(run, 0)
            while text:
                yield text
                text, offset = reader.output(run, offset)

        return Written(run.site, run.generation, parts())

    def follow(
        self, name: str, unit: int, since: tuple[int, int] | None = None
    ) -> Iterator[Arrived | Output | Trouble | InLine | HeldUp | Ended]:
        from situs.control.attached import At, End

        reader = self._reader()
        for seen in reader.follow(name, unit, since=since):
            if isinstance(seen, At):
                yield Arrived(seen.run.site, seen.run.generation, seen.runs)
            elif isinstance(seen, End):
                cost, currency = reader.cost(seen)
                yield Ended(seen.exit_code, seen.reason, seen.stopped, exact(cost), currency)
            else:
                yield seen

    def stop(self, name: str, reason: str | None) -> bool:
        from situs.control import submitting
        from situs.control.arrays import making

        if making.is_array(self._database, name):
            return making.end(self._database, name, "stopped", self._by, reason)
        return submitting.stop(self._database, name, self._by, reason)

    def remove(self, name: str) -> bool:
        from situs.control import submitting
        from situs.control.arrays import making

        if making.is_array(self._database, name):
            return making.end(self._database, name, "removed", self._by)
        return submitting.remove(self._database, name, self._by)

    def cancel_move(self, name: str, reason: str | None) -> Cancelled:
        from situs.control import moving

        return moving.cancel(self._database, name, self._by, reason)

    def resume_move(self, name: str) -> bool:
        from situs.control import moving

        return moving.allow(self._database, name, self._by)

    def pause(self, reason: str | None) -> bool:
        from situs.control import orders

        return orders.pause(self._database, self._by, reason)

    def resume(self) -> bool:
        from situs.control import orders

        return orders.resume(self._database, self._by)

    def drain(self, site: str, reason: str | None) -> bool:
        from situs.control import orders

        return orders.drain(self._database, site, self._by, reason)

    def undrain(self, site: str) -> bool:
        from situs.control import orders

        return orders.undrain(self._database, site, self._by)

    def lose(self, site: str, reason: str) -> bool:
        from situs.control import orders

        return orders.lose(self._database, site, self._by, reason)

    def find(self, site: str) -> bool:
        from situs.control import orders

        return orders.find(self._database, site, self._by)

    def proposed(self) -> Replan | None:
        with self._database.read() as connection:
            return views.proposed(connection)

    def approve(self, plan: str | None, reason: str | None) -> Target:
        from situs.control import orders
        from situs.store.records import Records

        found = self.proposed()
        if plan is not None and (found is None or not found.is_called(plan)):
            return self.proposals().approve(plan, reason)
        target = orders.approve(self._database, self._by, reason, plan)
        # Plans that are made by hand follow the one recorded last, which is this one now.
        Records(self._estate).follow(target.plan)
        return target

    def rollback(self, to: str | None, reason: str | None) -> Target:
        from situs.control import orders

        return orders.rollback(self._database, self._by, reason, to)

    def _reader(self) -> Reader:
        from situs.control.attached import Reader
        from situs.control.connect import by_kind

        return Reader(self._database, by_kind(self._folder))
