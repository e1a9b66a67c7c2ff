"""Plans that are handed in: planned here or made again, looked at, and approved by somebody else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, ValidationError

from situs.api.identity import Asking
from situs.api.problems import Problem
from situs.api.routes.estate import Because, Changed, Reason
from situs.api.services import Body, Given, Key, Limit, once, party
from situs.control.approval import verdicts
from situs.control.approval.naming import IN_FORCE, plan_named
from situs.control.approval.verdicts import Proposal
from situs.control.withdrawn import as_written
from situs.intent.dump import dump
from situs.model.plan import Plan
from situs.store import plans
from situs.store.plans import Target

router = APIRouter(prefix="/v1", tags=["plans"])
LONGEST_ESTATE = 4 << 20
Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]


class Offer(Body):
    """An estate to be planned after the plan in force, or with the plan that is to come out of it."""

    estate: str = Field(min_length=1, max_length=LONGEST_ESTATE, pattern=r"^[^\x00]*$")
    """the whole estate, as YAML or JSON"""
    plan: dict[str, Any] | None = None
    """a plan document made from it elsewhere: it is made again here, and must be the same to the byte"""
    off: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=list, max_length=100
    )
    """laws and rules to switch off; a document says itself what was"""
    files: dict[Annotated[str, Field(min_length=1, max_length=500)], str] = Field(
        default_factory=dict, max_length=2000
    )
    """path in the estate's folder -> content, in base64: what its runs need"""
    reason: Text | None = None


@dataclass(frozen=True)
class Written:
    """What people wrote."""

    estate: str
    """YAML"""


@dataclass(frozen=True)
class Difference:
    """One thing that two plans decide, or were made from, otherwise."""

    what: str
    name: str
    before: str
    after: str


@router.get("/plans")
def offered(given: Given, limit: Limit = 100) -> list[Proposal]:
    """Plans that were handed in, the newest first, and how each stands."""
    with given.database.read() as connection:
        return verdicts.newest(connection, limit)


@router.post("/plans", status_code=201)
def offer(asked: Offer, given: Given, who: Asking, response: Response, key: Key = None) -> Proposal:
    """Hand in a plan. It is in force only once it is applied, or approved where it needs that."""
    document = _document(asked.plan)
    contents = _contents(asked.files)

    def do(_again: bool) -> Mapping[str, Any]:
        plan = given.intake.propose(
            asked.estate, document, frozenset(asked.off), contents, party(who), asked.reason
        )
        return {"plan": plan.id}

    made = once(given, who, key, asked, response, do)
    response.headers["Location"] = f"/v1/plans/{made['plan']}"
    return _proposal(given, made["plan"])


@router.get("/plans/{plan}/proposal")
def proposal(plan: str, given: Given) -> Proposal:
    """How a plan stands that was handed in: who did, what it waits for, what it makes laxer."""
    return _proposal(given, plan)


@router.get("/plans/{plan}/estate")
def estate(plan: str, given: Given) -> Written:
    """The estate that a plan was made for, as people wrote it, to be looked at, changed and handed in."""
    with given.database.read() as connection:
        return Written(dump(as_written(plans.load(connection, plan_named(connection, plan)).intent)))


@router.get("/plans/{plan}/diff")
def diff(
    plan: str,
    given: Given,
    against: Annotated[str, Query(max_length=80, description="Another plan, or `in-force`.")] = IN_FORCE,
) -> list[Difference]:
    """What a plan decides otherwise than another one does."""
    with given.database.read() as connection:
        before = plans.load(connection, plan_named(connection, against)).plan
        after = plans.load(connection, plan_named(connection, plan)).plan
    if before.id == after.id:
        return []
    # With it comes the planner, which a server needs for nothing else.
    from situs.store.replay import differences, origins

    return [Difference(**vars(one)) for one in (*origins(before, after), *differences(before, after))]


@router.post("/plans/{plan}/apply")
def apply(plan: str, given: Given, who: Asking, why: Reason | None = None) -> Target:
    """Put a plan in force that needs nobody's approval, if it follows the one that is (409 when it does not)."""
    return verdicts.apply(given.database, _id(given, plan), party(who), why.reason if why else None)


@router.post("/plans/{plan}/approve")
def approve(plan: str, given: Given, who: Asking, why: Reason | None = None) -> Target:
    """Put a plan in force that somebody else has handed in (403 when it was oneself)."""
    reason = why.reason if why else None
    return verdicts.approve(given.database, _id(given, plan), party(who), reason, given.approvers)


@router.post("/plans/{plan}/reject")
def reject(plan: str, given: Given, who: Asking, why: Because) -> Changed:
    """Have a plan not come into force."""
    return Changed(changed=verdicts.reject(given.database, _id(given, plan), party(who), why.reason))


def _id(given: Given, plan: str) -> str:
    with given.database.read() as connection:
        return plan_named(connection, plan)


def _proposal(given: Given, plan: str) -> Proposal:
    with given.database.read() as connection:
        identity = plan_named(connection, plan)
        found = verdicts.of_plan(connection, identity)
    if found is None:
        raise Problem(404, f"plan {identity[:19]} was not handed in")
    return found


def _document(sent: Mapping[str, Any] | None) -> Plan | None:
    if sent is None:
        return None
    try:
        return Plan.model_validate(sent)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Problem(422, f"plan: {where}: {first['msg']}") from None


def _contents(files: Mapping[str, str]) -> dict[str, bytes]:
    found = {}
    for name, content in files.items():
        try:
            found[name] = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise Problem(422, f"files: {name!r} is not base64") from None
    return found
