"""Plans: which is in force, which waits for approval, and going back."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import Connection

from situs.api.identity import Asking
from situs.api.services import Body, Given, party
from situs.control import orders, views
from situs.control.approval import verdicts
from situs.control.approval.naming import plan_named
from situs.model.plan import Plan
from situs.store import plans
from situs.store.plans import Target
from situs.store.replans import Replan

router = APIRouter(prefix="/v1", tags=["plans"])


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
        return plans.load(connection, plan_named(connection, plan)).plan


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
