"""Who may not approve a plan: whoever handed it in, by whatever name they come.

A person may hold several tokens, and an admin makes tokens for others, so a name alone is not enough: who handed a
plan in may neither approve it with a token of their own making, nor may who made the token that handed it in.  The
owner of the machine is no such maker: whoever may write the database needs no token to change what is in it.

Where nobody else could approve, one person alone may, because a rule that nobody can keep is switched off and
forgotten; ``always`` asks for the second one nevertheless.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from situs.control.approval.loosened import STRICTER
from situs.control.guardrails import Change, touched
from situs.model.error import SitusError
from situs.model.intent import Intent
from situs.model.usecase import Separation
from situs.store import tokens
from situs.store.database import clock


class NotAllowed(SitusError):
    """Somebody else has to do it. Says why, and who."""


@dataclass(frozen=True)
class Party:
    """Who acts."""

    name: str
    identity: str | None = None
    """what was shown: a token's id, or who is known to which issuer; None: the owner of the machine"""


@dataclass(frozen=True)
class Approvers:
    """Who else there is."""

    roles: Collection[str]
    """that may approve"""
    by_login: bool = False
    """whether people whom an issuer vouches for may: how many they are is not known here"""


def must_be_another(
    connection: Connection, by: Party, hands: Collection[Party], rule: Separation, loosens: Collection[str],
    approvers: Approvers,
) -> None:  # fmt: skip
    """Raises NotAllowed when it was among those who handed the plan in, and that matters."""
    made = _makers(connection)
    mine = [hand for hand in hands if same(by, hand, made)]
    if not mine or (rule == "never" and not loosens):
        return
    if rule != "always" and not others(connection, hands, approvers):
        return
    hand = mine[0].name
    why = (
        "you handed it in"
        if hand == by.name
        else f"it was handed in by {hand}, whose token it is or who made it"
    )
    laxer = f"; it also makes rules laxer: {'; '.join(loosens)}" if loosens else ""
    raise NotAllowed(f"another person must approve this plan: {why}{laxer}")


def strictest(before: Intent, change: Change) -> Separation:
    """What the estate in force asks for, of a plan that makes this change."""
    asked = [before.settings.separation]
    for name in touched(change):
        workload = before.workloads.get(name)
        case = before.use_cases.get(workload.use_case or "") if workload is not None else None
        if case is not None and case.separation is not None:
            asked.append(case.separation)
    return max(asked, key=lambda one: STRICTER[one])


def others(connection: Connection, hands: Collection[Party], approvers: Approvers) -> bool:
    """Whether anybody else could approve."""
    if approvers.by_login:
        return True
    now, made = clock(connection), _makers(connection)
    for token in tokens.everything(connection):
        good = token.revoked is None and now < token.expires
        may = any(grant["role"] in approvers.roles and grant["project"] == "*" for grant in token.grants)
        if good and may and not any(same(Party(token.name, token.id), hand, made) for hand in hands):
            return True
    return False


def same(one: Party, other: Party, made: Mapping[str, Sequence[Party]]) -> bool:
    """Whether they may be one person. ``made``: token -> who made it, who made the token of those, and so on."""
    return _equal(one, other) or _behind(one, other, made) or _behind(other, one, made)


def _behind(maker: Party, other: Party, made: Mapping[str, Sequence[Party]]) -> bool:
    return any(_equal(maker, party) for party in made.get(other.identity or "", ()))


def _equal(one: Party, other: Party) -> bool:
    if one.identity is not None and one.identity == other.identity:
        return True
    return one.name.casefold() == other.name.casefold()


def _makers(connection: Connection) -> dict[str, list[Party]]:
    known = {token.id: token for token in tokens.everything(connection)}
    found: dict[str, list[Party]] = {}
    for identity in known:
        above: list[Party] = []
        at = known.get(identity)
        # Who needed no token to make it, the owner, is behind nothing.
        while at is not None and at.made_with is not None and len(above) <= len(known):
            above.append(Party(at.by, at.made_with))
            at = known.get(at.made_with)
        found[identity] = above
    return found
