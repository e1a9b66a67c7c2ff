"""Which plan is meant: by the beginning of its id, or the one in force."""

from __future__ import annotations

from sqlalchemy import Connection

from situs.model.error import InputError
from situs.store import plans

IN_FORCE = "in-force"


class NoSuchPlan(InputError):
    """No plan is called so, or several are."""


def plan_named(connection: Connection, plan: str) -> str:
    """The id of the plan whose id begins so, or of the one in force for ``in-force``. Raises NoSuchPlan."""
    if plan == IN_FORCE:
        target = plans.in_force(connection)
        if target is None:
            raise NoSuchPlan("no plan is in force yet")
        return target.plan
    found = plans.beginning(connection, plan)
    if len(found) != 1:
        what = f"{len(found)} plans begin so" if found else "there is none"
        raise NoSuchPlan(f"{plan!r} is no plan: {what}")
    return found[0]
