"""Plans: which is in force, which waits for approval, and going back."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import Connection

from situs.api.identity import Asking
from situs.api.problems import Problem
from situs.api.services import Body, Given, party
from situs.control import orders, views
from situs.control.approval import verdicts
from situs.model.plan import Plan
from situs.store import plans
from situs.store.plans import Target
from situs.store.replans import Replan

router = APIRouter(prefix="/v1", tags=["plans"])
IN_FORCE = "in-force"


class Approval(Body):
    """Which plan is approved, so that nobody approves another one than was seen."""

    plan: str = Field(min_length=4, max_length=80)
    reason: str | None = Field(None, max_length=500)


class Back(Body):
    """Where to."""

    to: str | None = Field(None, min_length=4, max_length=80)
    """beginning of the id of a plan that was in force; None: the one before"""
    reason: str | None = Field(None, max_length=500)


@router.get("/targets")
def targets(given: Given) -> list[Target]:
    """All plans that ever were in force, the oldest first."""
    return list(views.targets(given.database))


@router.get("/plans/{plan}")
def plan(plan: str, given: Given) -> Plan:
    """One plan that is or was in force or proposed, by the beginning of its id, or `in-force`."""
    with given.database.read() as connection:
        return plans.load(connection, the_one(connection, plan)).plan


@router.get("/proposed")
def proposed(given: Given) -> Replan | None:
    """The plan that the control plane would have next, or why none can be made."""
    with given.database.read() as connection:
        return views.proposed(connection)


@router.post("/proposed/approve")
def approve(asked: Approval, given: Given, who: Asking) -> Target:
    """Put the plan that is proposed in force."""

    def check(connection: Connection, identity: str, before: Target) -> None:
        verdicts.may_approve(connection, identity, before, party(who), given.approvers)

    return orders.approve(given.database, who.name, asked.reason, asked.plan, check)


@router.post("/rollback")
def rollback(asked: Back, given: Given, who: Asking) -> Target:
    """Put a plan back in force that was before."""

    def check(connection: Connection, identity: str, before: Target) -> None:
        verdicts.may_go_back(connection, identity, before, party(who), given.approvers)

    return orders.rollback(given.database, who.name, asked.reason, asked.to, check)


def the_one(connection: Connection, plan: str) -> str:
    """The id of the plan whose id begins so, or of the one in force for ``in-force``. Raises Problem."""
    if plan == IN_FORCE:
        target = plans.in_force(connection)
        if target is None:
            raise Problem(404, "no plan is in force yet")
        return target.plan
    found = plans.beginning(connection, plan)
    if len(found) != 1:
        what = f"{len(found)} plans begin so" if found else "there is none"
        raise Problem(404, f"{plan!r} is no plan: {what}")
    return found[0]
