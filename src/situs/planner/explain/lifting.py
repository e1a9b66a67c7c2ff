"""The nearest change that lifts an obstacle, written as edits of the estate.

Each change is as small as it can be: a clearance is raised to what is asked and no further, a deadline to
the hour in which the work is done.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from situs.model.refusal import Refusal
from situs.planner.compile.options import Cut
from situs.planner.compile.world import World
from situs.planner.explain.edits import Edit
from situs.planner.explain.model import Change
from situs.planner.explain.rules import lift_rule
from situs.planner.explain.transit import lift_transit

Lift = Callable[[World, str, str, Refusal], Change | None]
"""(world, workload, site, obstacle) -> change; None where no change of the estate would help"""


def lift(world: World, workload: str, site: str, refusal: Refusal) -> Change | None:
    """The change that lifts ``refusal`` for ``workload`` at ``site``, or None."""
    known = _LIFTS.get(refusal.rule)
    return known(world, workload, site, refusal) if known else lift_rule(world, workload, site, refusal)


def _accelerator(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    path = f"/sites/{site}/pools/{refusal.details['pool']}"
    shape = next(s for s in world.intent.workloads[workload].shapes if s.name == refusal.details["shape"])
    pool = world.site(site).pools[refusal.details["pool"]]
    assert pool.node is not None
    edits = []
    suits = pool.accelerator is not None and (
        shape.accelerator is None or pool.accelerator in shape.accelerator
    )
    if not suits:
        # The pool gets boards of the first acceptable kind; which one has no meaning to the planner.
        board = min(shape.accelerator) if shape.accelerator else _any_board(world)
        edits.append(Edit(path=f"{path}/accelerator", value=board, was=pool.accelerator))
    if pool.node.accelerator_memory < shape.accelerator_memory:
        edits.append(
            Edit(
                path=f"{path}/node/accelerator_memory",
                value=shape.accelerator_memory,
                was=pool.node.accelerator_memory,
            )
        )
    return Change(kind="hardware", edits=tuple(edits), details=refusal.details)


def _any_board(world: World) -> str:
    return min((p.pool.accelerator for p in world.places if p.pool.accelerator), default="accelerator")


def _node_size(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    pool, resource = refusal.details["pool"], refusal.details["resource"]
    node = world.site(site).pools[pool].node
    assert node is not None
    there, wanted = getattr(node, resource), float(refusal.details["wanted"])
    value: int | float = round(wanted) if resource == "accelerators" else wanted
    edits = [Edit(path=f"/sites/{site}/pools/{pool}/node/{resource}", value=value, was=there)]
    return Change(
        kind="hardware",
        edits=tuple(edits),
        size=wanted - float(there),
        unit=resource,
        details=refusal.details,
    )


def _spot(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    pool = refusal.details["pool"]
    basis = world.site(site).pools[pool].price
    assert basis is not None
    value = {"basis": "on_demand", "price": str(basis.price)}
    was = basis.model_dump(mode="json")
    return Change(
        kind="hardware",
        edits=(Edit(path=f"/sites/{site}/pools/{pool}/price", value=value, was=was),),
        details={**refusal.details, "lift": "on-demand", "price": str(basis.price)},
    )


def _one_node(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    shapes = world.intent.workloads[workload].shapes
    number = next(k for k, shape in enumerate(shapes) if shape.name == refusal.details["shape"])
    edit = Edit(path=f"/workloads/{workload}/shapes/{number}/nodes", value=1, was=shapes[number].nodes)
    return Change(kind="hardware", edits=(edit,), details=refusal.details)


def _no_lease(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    lease = world.intent.workloads[workload].lease
    edit = Edit(path=f"/workloads/{workload}/lease", value=None, was=lease)
    return Change(kind="hardware", edits=(edit,), details=refusal.details)


def _no_nodes(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    pool = refusal.details["pool"]
    edit = Edit(path=f"/sites/{site}/pools/{pool}/limit", value=1, was=world.site(site).pools[pool].limit)
    return Change(kind="capacity", edits=(edit,), size=1.0, unit="nodes", details=refusal.details)


def _replica(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    dataset = refusal.details["dataset"]
    return Change(kind="data", edits=(replica_edit(world, dataset, site),), details=refusal.details)


def replica_edit(world: World, dataset: str, site: str) -> Edit:
    """A copy of the dataset stands at the site already."""
    return Edit(path=f"/datasets/{dataset}/replicas/-", value=site)


def _minimum_runtime(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    elapsed, wanted = float(refusal.details["since_hours"]), float(refusal.details["hours"])
    edit = Edit(path=f"/workloads/{workload}/min_runtime", value=elapsed, was=wanted)
    return Change(
        kind="minimum-runtime", edits=(edit,), size=wanted - elapsed, unit="h", details=refusal.details
    )


def _cooldown(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    elapsed, wanted = float(refusal.details["since_hours"]), float(refusal.details["hours"])
    edit = Edit(path="/settings/cooldown", value=elapsed, was=wanted)
    return Change(
        kind="minimum-runtime", edits=(edit,), size=wanted - elapsed, unit="h", details=refusal.details
    )


def _fail_back(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    edit = Edit(path="/settings/fail_back", value=True, was=False)
    return Change(kind="minimum-runtime", edits=(edit,), details=refusal.details)


def _window(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    """The deadline is set to the second in which the work is done there."""
    latest, end = float(refusal.details["latest_hours"]), float(refusal.details["end_hours"])
    details = {**refusal.details, "lift": refusal.details["limit"]}
    if refusal.details["limit"] == "horizon":
        edit = Edit(path="/settings/horizon", value=end, was=latest)
    else:
        job = world.intent.workloads[workload].job
        assert job is not None and job.deadline is not None
        wanted = world.at + timedelta(seconds=math.ceil(end * 3600.0 - 1e-6))
        edit = Edit(
            path=f"/workloads/{workload}/job/deadline", value=wanted.isoformat(), was=job.deadline.isoformat()
        )
    return Change(kind="window", edits=(edit,), size=end - latest, unit="h", details=details)


def _after(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    names = list(world.intent.workloads[workload].after)
    edit = Edit(path=f"/workloads/{workload}/after", value=[], was=names)
    return Change(kind="window", edits=(edit,), details={**refusal.details, "lift": "after"})


def _not_yet(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    pool = refusal.details["pool"]
    before = world.site(site).pools[pool].available_from
    edit = Edit(
        path=f"/sites/{site}/pools/{pool}/available_from",
        value=world.at.isoformat(),
        was=None if before is None else before.isoformat(),
    )
    hours = float(refusal.details["hours"])
    return Change(
        kind="window", edits=(edit,), size=hours, unit="h", details={**refusal.details, "lift": "pool"}
    )


def _own_budget(world: World, workload: str, site: str, refusal: Refusal) -> Change:
    before = world.intent.workloads[workload].budget
    assert before is not None
    wanted = Decimal(refusal.details["cost"]).quantize(Decimal("0.000001"), ROUND_CEILING)
    currency = world.settings.currency
    edit = Edit(path=f"/workloads/{workload}/budget", value=f"{wanted} {currency}/month", was=str(before))
    size = float(refusal.details["cost"]) - world.money(before)
    return Change(
        kind="budget",
        edits=(edit,),
        size=size,
        unit=f"{currency}/month",
        details={**refusal.details, "lift": "own"},
    )


_LIFTS: dict[str, Lift] = {
    Cut.ACCELERATOR: _accelerator,
    Cut.NODE_SIZE: _node_size,
    Cut.SPOT: _spot,
    Cut.NO_NODES: _no_nodes,
    Cut.SPEED: lambda world, workload, site, refusal: None,
    "cannot-nodes": _one_node,
    "cannot-lease": _no_lease,
    "cannot-image": lambda world, workload, site, refusal: None,
    "cannot-secrets": lambda world, workload, site, refusal: None,
    "no-pool": lambda world, workload, site, refusal: None,
    "data-reach": _replica,
    "transit": lift_transit,
    "minimum-runtime": _minimum_runtime,
    "cooldown": _cooldown,
    "fail-back": _fail_back,
    "window": _window,
    "window-after": _window,
    "after": _after,
    "not-yet": _not_yet,
    "own-budget": _own_budget,
}
