"""What commands ask of a control plane, wherever it is: one list of questions and orders that two classes answer.

``Local`` answers from the database of a folder, ``Remote`` over HTTP; commands know neither, so that what they show and
how they end is the same.  Both raise the same errors: InputError for what is wrong, SitusError for what cannot be.
Types of what comes back are those of the control plane itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from situs.client.offer import Offer
    from situs.control.approval.verdicts import Proposal
    from situs.control.arrays.standing import ArrayView
    from situs.control.attached import InLine, Output, Trouble
    from situs.control.held_up import HeldUp
    from situs.control.moving import Cancelled, MoveView
    from situs.control.pipelines.billing import Billed
    from situs.control.pipelines.looking import Foreseen
    from situs.control.queues.standing import QueueView, Standing
    from situs.control.running import Running
    from situs.control.views import Overview, WorkloadHistory, WorkloadView
    from situs.model.plan import Plan
    from situs.store.plans import Target
    from situs.store.replans import Replan


@dataclass(frozen=True)
class Written:
    """What a unit has written so far, and where."""

    site: str
    generation: int
    parts: Iterator[bytes]


@dataclass(frozen=True)
class Arrived:
    """It is here from now on."""

    site: str
    generation: int
    runs: bool
    """or ran; else it is to begin"""


@dataclass(frozen=True)
class Ended:
    """How a run ended and what it cost, as it is told of."""

    exit_code: int | None
    reason: str | None
    stopped: bool
    cost: str
    currency: str


class Looking(Protocol):
    """How things stand."""

    def clock(self) -> datetime:
        """The time that it has, which times that it tells are to be held against."""

    def overview(self, *, everything: bool = False) -> Overview:
        """All that runs, waits or has failed; of one's own projects, where one may see no more."""

    def workload(self, name: str) -> WorkloadView | ArrayView:
        """One workload or array."""

    def history(self, name: str) -> WorkloadHistory:
        """All that ever happened to it."""

    def move(self, name: str) -> MoveView:
        """Its last move, and how far that is."""

    def targets(self) -> Sequence[Target]:
        """All plans that ever were in force."""

    def queues(self) -> Sequence[QueueView]:
        """All queues."""

    def queue(self, name: str) -> tuple[QueueView, Sequence[Standing]]:
        """One queue, and all that was handed in to it."""

    def running(self) -> Sequence[Running]:
        """All that runs now and what it has cost, the dearest first."""

    def written(self, name: str, unit: int) -> Written:
        """What a unit has written, where it runs or ran last."""

    def follow(
        self, name: str, unit: int, since: tuple[int, int] | None = None
    ) -> Iterator[Arrived | Output | Trouble | InLine | HeldUp | Ended]:
        """What happens to it until it is over, which is told last.

        ``since``: a generation that is known already, and so many bytes of what it wrote.
        """


class Ordering(Protocol):
    """What is to be done, or not. True: that was not so already."""

    def stop(self, name: str, reason: str | None) -> bool:
        """Have a run or an array end."""

    def remove(self, name: str) -> bool:
        """Have a run or an array end, and nothing of it kept."""

    def cancel_move(self, name: str, reason: str | None) -> Cancelled:
        """Have a workload be where it was before it moved."""

    def resume_move(self, name: str) -> bool:
        """Let it go where the plan in force has it, after all."""

    def pause(self, reason: str | None) -> bool:
        """Begin nothing at any site."""

    def resume(self) -> bool:
        """Go on."""

    def drain(self, site: str, reason: str | None) -> bool:
        """Put nothing new at a site."""

    def undrain(self, site: str) -> bool:
        """Let a site have new work again."""

    def lose(self, site: str, reason: str) -> bool:
        """Take a site to be gone."""

    def find(self, site: str) -> bool:
        """Take a site into service again."""


class Deciding(Protocol):
    """Which plan is in force."""

    def proposed(self) -> Replan | None:
        """The plan that the control plane would have next, or why none can be made."""

    def approve(self, plan: str | None, reason: str | None) -> Target:
        """Put the plan in force that the control plane proposes, or one that was handed in, by the beginning of its id.

        ``plan`` None: the one that it proposes.
        """

    def rollback(self, to: str | None, reason: str | None) -> Target:
        """Put a plan back in force that was before; None: the one before."""


class Proposals(Protocol):
    """Plans that are handed in; ``plan`` is the beginning of an id."""

    def newest(self, count: int) -> Sequence[Proposal]:
        """Those that were handed in last, the newest first."""

    def one(self, plan: str) -> Proposal:
        """How one stands."""

    def document(self, plan: str) -> Plan:
        """One that is or was in force or handed in; ``in-force``: the one that is."""

    def propose(self, offer: Offer, reason: str | None) -> Proposal:
        """Hand one in; it is planned there, or made again to the byte."""

    def apply(self, plan: str, reason: str | None) -> Target:
        """Put one in force that needs nobody's approval."""

    def approve(self, plan: str, reason: str | None) -> Target:
        """Put one in force by one's word."""

    def reject(self, plan: str, reason: str) -> bool:
        """Have one not come into force. True: that was not so already."""


class Pipelines(Protocol):
    """Jobs that follow jobs."""

    def everything(self) -> Sequence[Billed]:
        """All that were not removed."""

    def one(self, name: str) -> Billed:
        """How one stands, and what each stage has cost."""

    def look(self, file: Path, name: str) -> Foreseen:
        """Where all stages of the pipeline in this file would be."""

    def submit(self, file: Path, name: str) -> Foreseen:
        """Hand it in, unless some stage can be nowhere: then nothing is handed in."""

    def stop(self, name: str, reason: str | None) -> bool:
        """Have nothing of it run any more."""

    def retry(self, name: str) -> Sequence[str]:
        """Try again what failed or was stopped; gives the stages."""

    def remove(self, name: str) -> bool:
        """Have nothing of it run, and nothing that it made be kept."""


class ControlPlane(Looking, Ordering, Deciding, Protocol):
    """A control plane, as commands have it."""

    def pipelines(self) -> Pipelines:
        """Its pipelines."""

    def proposals(self) -> Proposals:
        """Plans that were handed in to it."""
