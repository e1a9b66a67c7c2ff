"""How everything stands, sites and queues; pausing and draining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from situs.api.identity import Asking
from situs.api.projects import Readable, must_read_queue, readable_queues
from situs.api.services import Body, Given
from situs.control import orders, views
from situs.control.queues import standing
from situs.control.queues.standing import QueueView, Standing
from situs.control.views import Overview
from situs.store import observations
from situs.store.observations import Observation

router = APIRouter(prefix="/v1", tags=["estate"])


class Reason(Body):
    """Why, for those who come after."""

    reason: str | None = Field(None, max_length=500)


class Because(Body):
    """Why: who says so answers for it."""

    reason: str = Field(min_length=1, max_length=500)


class Changed(BaseModel):
    """Whether that was not so already."""

    changed: bool


@dataclass(frozen=True)
class InQueue:
    """One queue, and all that was handed in to it."""

    queue: QueueView
    entries: list[Standing]


@router.get("/overview")
def overview(given: Given, who: Asking, everything: Annotated[bool, Query(alias="all")] = False) -> Overview:
    """The plan in force, who acts, sites, queues, and all that runs or waits.

    `all`: also each piece of work that waits in a queue, and those that have ended there. Who may not read in all
    projects gets who acts, and what runs or waits of their own.
    """
    seen, readable = views.overview(given.database, everything=everything), Readable(given, who)
    if readable.all:
        return seen
    units = [unit for unit in seen.units if unit.workload in readable]
    arrays = [array for array in seen.arrays if array.name in readable]
    queues = readable_queues(given, who, seen.queues)
    return Overview(seen.at, None, seen.leader, (), (), units, None, queues, arrays, is_whole=False)


@router.get("/sites")
def sites(given: Given) -> list[Observation]:
    """How each site was seen last, and when."""
    with given.database.read() as connection:
        return list(observations.all_sites(connection).values())


@router.get("/queues")
def queues(given: Given, who: Asking) -> list[QueueView]:
    """Quota, use, loans and lines of each queue that one may read."""
    with given.database.read() as connection:
        views = standing.read(connection).views()
    return readable_queues(given, who, views)


@router.get("/queues/{queue}")
def queue(queue: str, given: Given, who: Asking) -> InQueue:
    """One queue: quota, use and loans, and who runs and waits in it."""
    must_read_queue(given, who, queue)
    with given.database.read() as connection:
        return InQueue(*standing.of_queue(connection, queue))


@router.put("/sites/{site}/drain")
def drain(site: str, given: Given, who: Asking, why: Reason | None = None) -> Changed:
    """Put nothing new at a site."""
    return Changed(changed=orders.drain(given.database, site, who.name, why.reason if why else None))


@router.delete("/sites/{site}/drain")
def undrain(site: str, given: Given, who: Asking) -> Changed:
    """Let a site have new work again."""
    return Changed(changed=orders.undrain(given.database, site, who.name))


@router.put("/sites/{site}/lost")
def lose(site: str, given: Given, who: Asking, why: Because) -> Changed:
    """Take a site to be gone: its work goes on elsewhere, and what comes back with it is ended."""
    return Changed(changed=orders.lose(given.database, site, who.name, why.reason))


@router.delete("/sites/{site}/lost")
def find(site: str, given: Given, who: Asking) -> Changed:
    """Take a site into service again."""
    return Changed(changed=orders.find(given.database, site, who.name))


@router.put("/pause")
def pause(given: Given, who: Asking, why: Reason | None = None) -> Changed:
    """Begin nothing at any site."""
    return Changed(changed=orders.pause(given.database, who.name, why.reason if why else None))


@router.delete("/pause")
def resume(given: Given, who: Asking) -> Changed:
    """Go on."""
    return Changed(changed=orders.resume(given.database, who.name))
