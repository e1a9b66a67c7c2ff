"""What is done with a plan that was handed in: applied where it needs nobody, else approved or rejected by another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from situs.control.approval.loosened import loosened
from situs.control.approval.separation import Approvers, NotAllowed, Party, must_be_another, others, strictest
from situs.control.guardrails import Change
from situs.model.error import InputError
from situs.store import events, plans, proposals
from situs.store.database import Database, clock
from situs.store.events import Event
from situs.store.plans import StalePlan, Target
from situs.store.proposals import Act, Step

State = Literal["waits", "ready", "in-force", "was-in-force", "rejected", "stale"]


@dataclass(frozen=True)
class Proposal:
    """A plan that was handed in, and how it stands."""

    plan: str
    parent: str | None
    at: datetime
    by: Sequence[str]
    """who handed it in"""
    reason: str | None
    state: State
    """``ready``: it may be applied, nobody needs to approve it; ``stale``: another plan came into force meanwhile"""
    waits_for: Sequence[Mapping[str, str]]
    """what about it needs a person's approval"""
    loosens: Sequence[str]
    """what it makes laxer, for which two persons are needed where there are two"""
    decided_by: str | None = None
    """who applied, approved or rejected it last"""
    because: str | None = None
    """why, as they said"""


def of_plan(connection: Connection, plan: str) -> Proposal | None:
    """How a plan stands that was handed in; None when it was not."""
    steps = proposals.of_plan(connection, plan)
    if not steps:
        return None
    offered = [step for step in steps if step.act == "proposed"]
    last, newest = offered[-1], steps[-1]
    decided = newest if newest.act != "proposed" else None
    parent = plans.load(connection, plan).plan.parent
    return Proposal(
        plan, parent, last.at, sorted({step.by for step in offered}), last.reason,
        _state(connection, plan, parent, newest, last), last.waits_for, last.loosens,
        decided.by if decided else None, decided.reason if decided else None,
    )  # fmt: skip


def newest(connection: Connection, count: int) -> list[Proposal]:
    """Those that were handed in last, the newest first."""
    found = (of_plan(connection, plan) for plan in proposals.newest(connection, count))
    return [proposal for proposal in found if proposal is not None]


def apply(database: Database, plan: str, by: Party, reason: str | None) -> Target:
    """Put a plan in force that needs nobody's approval. Applying what is in force already does nothing.

    Raises NotAllowed when it needs one, StalePlan when another plan came into force, InputError when it is not there.
    """
    with database.write() as connection:
        proposal = _open(connection, plan)
        before = plans.in_force(connection)
        if before is not None and before.plan == plan:
            return before
        if proposal.state == "waits":
            what = [f"{b['code']} {b['subject']}".strip() for b in proposal.waits_for]
            raise NotAllowed(
                f"plan {plan[:19]} is handed in and needs the approval of an approver, by `situs approve {plan[7:19]}` "
                f"({'; '.join([*what, *proposal.loosens])})"
            )
        return _in_force(connection, plan, before, "applied", by, reason)


def approve(
    database: Database, plan: str, by: Party, reason: str | None, approvers: Approvers | None
) -> Target:
    """Put a plan in force by the word of somebody else than who handed it in. Raises as :func:`apply` does.

    ``approvers``: who else there is; None: whoever may write the database asks, who could do all of it anyway.
    """
    with database.write() as connection:
        _open(connection, plan)
        before = plans.in_force(connection)
        if before is not None and before.plan == plan:
            return before
        if approvers is not None:
            may_approve(connection, plan, before, by, approvers)
        return _in_force(connection, plan, before, "approved", by, reason)


def reject(database: Database, plan: str, by: Party, reason: str) -> bool:
    """It may not come into force any more, until it is handed in again; False when that is so already."""
    with database.write() as connection:
        proposal = of_plan(connection, plan)
        if proposal is None or proposal.state in ("in-force", "was-in-force"):
            what = "was in force" if proposal is not None else "was not handed in"
            raise InputError(f"plan {plan[:19]} {what}, so it cannot be rejected")
        if proposal.state == "rejected":
            return False
        _write(connection, plan, "rejected", by, reason)
        return True


def may_approve(
    connection: Connection, plan: str, before: Target | None, by: Party, approvers: Approvers
) -> None:
    """Raises NotAllowed when somebody else has to approve it."""
    hands = [
        Party(step.by, step.identity)
        for step in proposals.of_plan(connection, plan)
        if step.act == "proposed"
    ]
    if before is None:
        must_be_another(connection, by, hands, "others", (), approvers)
        return
    was, now = plans.load(connection, before.plan), plans.load(connection, plan)
    rule = strictest(was.intent, Change(was.plan, now.plan))
    laxer = loosened(was.intent, now.intent, was.plan, now.plan)
    must_be_another(connection, by, hands, rule, laxer, approvers)


def may_go_back(connection: Connection, plan: str, before: Target, by: Party, approvers: Approvers) -> None:
    """Raises NotAllowed where a plan of before is laxer than the one in force: nobody has handed it in for that."""
    was, now = plans.load(connection, before.plan), plans.load(connection, plan)
    laxer = loosened(was.intent, now.intent, was.plan, now.plan)
    if laxer and others(connection, [by], approvers):
        raise NotAllowed(
            f"going back would make rules laxer, which takes two persons: {'; '.join(laxer)}; "
            "hand the estate of then in, and have another person approve it"
        )


def _open(connection: Connection, plan: str) -> Proposal:
    proposal = of_plan(connection, plan)
    if proposal is None:
        raise InputError(f"plan {plan[:19]} was not handed in; `situs propose` hands plans in")
    if proposal.state == "rejected":
        because = f": {proposal.because}" if proposal.because else ""
        raise StalePlan(f"plan {plan[:19]} was rejected by {proposal.decided_by}{because}; hand in another")
    if proposal.state in ("stale", "was-in-force"):
        target = plans.in_force(connection)
        follows = f"follows {proposal.parent[:19]}" if proposal.parent else "follows no plan"
        now = (
            f"{target.plan[:19]} is in force since {target.at:%Y-%m-%dT%H:%MZ} by {target.by}"
            if target
            else ""
        )
        raise StalePlan(
            f"plan {plan[:19]} {follows}, but {now}; hand the estate in again, to be planned after it"
        )
    return proposal


def _state(connection: Connection, plan: str, parent: str | None, newest_step: Step, offered: Step) -> State:
    history = plans.history(connection)
    if history and history[-1].plan == plan:
        return "in-force"
    if any(target.plan == plan for target in history):
        return "was-in-force"
    if newest_step.act == "rejected":
        return "rejected"
    if (history[-1].plan if history else None) != parent:
        return "stale"
    return "waits" if offered.waits_for or offered.loosens else "ready"


def _in_force(
    connection: Connection, plan: str, before: Target | None, act: Act, by: Party, reason: str | None
) -> Target:
    target = plans.put_in_force(connection, plan, before, "apply", by.name, reason)
    _write(connection, plan, act, by, reason, f", as generation {target.generation}")
    return target


def _write(
    connection: Connection, plan: str, act: Act, by: Party, reason: str | None, more: str = ""
) -> None:
    at = clock(connection)
    proposals.write(connection, Step(at, act, plan, by.name, by.identity, reason))
    told = f"plan {plan[:19]} is {act}{more}" + (f": {reason}" if reason else "")
    events.write(connection, [Event(at, "target" if more else "proposal", by.name, told)])
