"""Moves of workloads: how far they are, and calling them off."""

from __future__ import annotations

from fastapi import APIRouter

from situs.api.identity import Asking
from situs.api.projects import must_of
from situs.api.routes.estate import Changed, Reason
from situs.api.services import Given
from situs.control import moving
from situs.control.moving import Cancelled, MoveView

router = APIRouter(prefix="/v1", tags=["workloads"])


@router.get("/workloads/{name}/move")
def move(name: str, given: Given, who: Asking) -> MoveView:
    """Its last move by the plans that were in force, and how far that is."""
    must_of(given, who, "read", name)
    return moving.show(given.database, name)


@router.put("/workloads/{name}/move/cancelled")
def cancel_move(name: str, given: Given, who: Asking, why: Reason | None = None) -> Cancelled:
    """Have it be where it was before it moved, whatever step that is at."""
    must_of(given, who, "operate", name)
    return moving.cancel(given.database, name, who.name, why.reason if why else None)


@router.delete("/workloads/{name}/move/cancelled")
def allow_move(name: str, given: Given, who: Asking) -> Changed:
    """Let it go where the plan in force has it, after all."""
    must_of(given, who, "operate", name)
    return Changed(changed=moving.allow(given.database, name, who.name))
