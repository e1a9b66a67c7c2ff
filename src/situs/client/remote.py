"""A control plane elsewhere, over its API: what it tells is read into the types that it has itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from situs.client import streams
from situs.client.asking import Asking, Unanswered
from situs.client.control_plane import Arrived, Ended, Written
from situs.client.remote_jobs import RemoteJobs
from situs.client.remote_pipelines import RemotePipelines
from situs.client.remote_proposals import RemoteProposals
from situs.client.streams import Heard
from situs.client.told import part, understood
from situs.control.arrays.standing import ArrayView
from situs.control.attached import InLine, Output, Trouble
from situs.control.held_up import HeldUp
from situs.control.queues.standing import QueueView, Standing
from situs.control.running import Running
from situs.control.views import Overview, WorkloadHistory, WorkloadView
from situs.model.error import InputError
from situs.store.plans import Target
from situs.store.replans import Replan

if TYPE_CHECKING:
    # It has the planner with it.
    from situs.control.moving import Cancelled, MoveView

SILENT_S = 45.0
"""A stream says every 15 seconds that there is nothing; a line that says nothing for so long is dead."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Before it is tried again; the last one from then on."""


class Remote:
    """One server."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def pipelines(self) -> RemotePipelines:
        return RemotePipelines(self._asking)

    def jobs(self) -> RemoteJobs:
        """Jobs for it; those for a folder go other ways, see :mod:`situs.control.submitting`."""
        return RemoteJobs(self._asking)

    def proposals(self) -> RemoteProposals:
        return RemoteProposals(self._asking)

    def clock(self) -> datetime:
        return self._asking.clock()

    def overview(self, *, everything: bool = False) -> Overview:
        return understood(
            Overview, self._asking.get("/v1/overview", **({"all": "true"} if everything else {}))
        )

    def workload(self, name: str) -> WorkloadView | ArrayView:
        try:
            return understood(WorkloadView, self._asking.get(f"/v1/workloads/{part(name)}"))
        except InputError as error:
            return understood(ArrayView, self._of_array("GET", name, "", error))

    def history(self, name: str) -> WorkloadHistory:
        return understood(WorkloadHistory, self._asking.get(f"/v1/workloads/{part(name)}/history"))

    def move(self, name: str) -> MoveView:
        from situs.control.moving import MoveView

        return understood(MoveView, self._asking.get(f"/v1/workloads/{part(name)}/move"))

    def targets(self) -> Sequence[Target]:
        return understood(list[Target], self._asking.get("/v1/targets"))

    def queues(self) -> Sequence[QueueView]:
        return understood(list[QueueView], self._asking.get("/v1/queues"))

    def queue(self, name: str) -> tuple[QueueView, Sequence[Standing]]:
        told = self._asking.get(f"/v1/queues/{part(name)}")
        return understood(QueueView, told["queue"]), understood(list[Standing], told["entries"])

    def running(self) -> Sequence[Running]:
        return understood(list[Running], self._asking.get("/v1/running"))

    def written(self, name: str, unit: int) -> Written:
        path = f"/v1/workloads/{part(name)}/logs"
        first = self._asking.get(path, unit=unit)

        def parts() -> Iterator[bytes]:
            told = first
            while part := streams.content(told):
                yield part
                told = self._asking.get(path, unit=unit, since=told["next"])

        return Written(first["site"], first["generation"], parts())

    def follow(
        self, name: str, unit: int, since: tuple[int, int] | None = None
    ) -> Iterator[Arrived | Output | Trouble | InLine | HeldUp | Ended]:
        path, last = f"/v1/workloads/{part(name)}/logs/stream", since and f"{since[0]}.{since[1]}"
        failed = 0
        while True:
            try:
                with self._asking.stream(path, last, SILENT_S, unit=unit) as lines:
                    for heard in streams.heard(lines):
                        last, failed = heard.id, 0
                        yield (told := _told(heard))
                        if isinstance(told, Ended):
                            return
            except Unanswered as error:
                if last is None and failed == 0:
                    raise
                yield Trouble(str(error))
            # A server that ends has its streams end, and is back soon.
            time.sleep(PAUSES_S[min(failed, len(PAUSES_S) - 1)])
            failed += 1
            last = last or "0.0"

    def stop(self, name: str, reason: str | None) -> bool:
        try:
            return self._changed("POST", f"/v1/workloads/{part(name)}/stop", {"reason": reason})
        except InputError as error:
            return bool(self._of_array("POST", name, "/stop", error, {"reason": reason})["changed"])

    def remove(self, name: str) -> bool:
        try:
            return self._changed("DELETE", f"/v1/workloads/{part(name)}")
        except InputError as error:
            return bool(self._of_array("DELETE", name, "", error)["changed"])

    def cancel_move(self, name: str, reason: str | None) -> Cancelled:
        from situs.control.moving import Cancelled

        path = f"/v1/workloads/{part(name)}/move/cancelled"
        return understood(Cancelled, self._asking.send("PUT", path, {"reason": reason}))

    def resume_move(self, name: str) -> bool:
        return self._changed("DELETE", f"/v1/workloads/{part(name)}/move/cancelled")

    def pause(self, reason: str | None) -> bool:
        return self._changed("PUT", "/v1/pause", {"reason": reason})

    def resume(self) -> bool:
        return self._changed("DELETE", "/v1/pause")

    def drain(self, site: str, reason: str | None) -> bool:
        return self._changed("PUT", f"/v1/sites/{part(site)}/drain", {"reason": reason})

    def undrain(self, site: str) -> bool:
        return self._changed("DELETE", f"/v1/sites/{part(site)}/drain")

    def lose(self, site: str, reason: str) -> bool:
        return self._changed("PUT", f"/v1/sites/{part(site)}/lost", {"reason": reason})

    def find(self, site: str) -> bool:
        return self._changed("DELETE", f"/v1/sites/{part(site)}/lost")

    def proposed(self) -> Replan | None:
        told = self._asking.get("/v1/proposed")
        return understood(Replan, told) if told is not None else None

    def approve(self, plan: str | None, reason: str | None) -> Target:
        found = self.proposed()
        if plan is not None and (found is None or not found.is_called(plan)):
            return self.proposals().approve(plan, reason)
        if plan is None:
            if found is None or found.plan is None:
                raise InputError("no plan waits for approval; `situs ps` tells how things stand")
            # The one that was seen, so that no other is approved that comes meanwhile.
            plan = found.plan
        body = {"plan": plan, "reason": reason}
        return understood(Target, self._asking.send("POST", "/v1/proposed/approve", body))

    def rollback(self, to: str | None, reason: str | None) -> Target:
        return understood(Target, self._asking.send("POST", "/v1/rollback", {"to": to, "reason": reason}))

    def _changed(self, method: str, path: str, body: Any = None) -> bool:
        return bool(self._asking.send(method, path, body)["changed"])

    def _of_array(self, method: str, name: str, what: str, before: InputError, body: Any = None) -> Any:
        """The same of an array; where there is none of this name, what was said of the workload is raised."""
        try:
            return self._asking.send(method, f"/v1/arrays/{part(name)}{what}", body)
        except InputError:
            raise before from None


def _told(heard: Heard) -> Arrived | Output | Trouble | InLine | HeldUp | Ended:
    data = heard.data
    match heard.kind:
        case "at":
            return understood(Arrived, data)
        case "output":
            return Output(streams.content(data))
        case "in-line":
            return InLine(data["queue"], data["place"], data["waiting"])
        case "held-up":
            return understood(HeldUp, data)
        case "end":
            return understood(Ended, data)
        case _:
            return Trouble(str(data.get("what", heard.kind)))
