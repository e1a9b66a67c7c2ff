"""Where one more workload goes, beside all that is placed already.

Nothing that has a place is moved for it.  Pools that have no room left for it are taken out of the estate, and the
rest is decided by the one way there is (:func:`situs.planner.decide.decide`): rules first, then cost.  Nobody buys
hardware for it either.  Deciding once more as if all were free tells what it waits for when nothing has room.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING

from situs.facts import Facts
from situs.facts.completion import complete
from situs.model.estate import Node, Owned, Pool, Reserved, Site
from situs.model.intent import Intent
from situs.model.plan import Decision, Fit, Plan
from situs.model.refusal import Refusal
from situs.model.workload import Shape, Workload
from situs.planner.compile.world import PoolName
from situs.policy import effective_labels

if TYPE_CHECKING:
    from situs.planner.compile.candidates import Candidates
    from situs.planner.decide import Decided

EPSILON = 1e-9


@dataclass(frozen=True)
class Taken:
    """Room that somebody has in a pool."""

    shape: Shape
    units: int


@dataclass(frozen=True)
class Placed:
    """Where one workload goes."""

    decided: Decided
    """for it alone; its plan has nothing else in it"""
    intent: Intent
    """what that was decided from: the estate with this one workload and the data it needs"""
    full: tuple[PoolName, ...]
    """(site, pool) that would do and have no room now"""
    emptied: frozenset[str]
    """sites all of whose pools are full or closed"""
    later: Decision | None
    """where it would be if all were free; None: it has a place now"""

    @property
    def plan(self) -> Plan:
        """The plan of it alone."""
        return self.decided.plan

    @property
    def decision(self) -> Decision:
        """What was decided about it."""
        return self.plan.decisions[0]

    @property
    def fit(self) -> Fit:
        """``now`` or ``after_scale_up``: it has a place; ``at``: once there is room again; ``never``."""
        if self.decision.assignments:
            return self.decision.fit
        return Fit.AT if self.later is not None and self.later.assignments else Fit.NEVER

    @cached_property
    def refusals(self) -> Mapping[str, Refusal]:
        """The dominant reason of each site where it may not or cannot be, for other reasons than room."""
        found = refusals(self.decided.candidates, self.decision)
        return {s: r for s, r in found.items() if not (r.rule == "no-pool" and s in self.emptied)}


def refusals(candidates: Candidates, decision: Decision) -> Mapping[str, Refusal]:
    """The dominant reason of each site where one may not or cannot be."""
    from situs.planner.obstacles import blockade

    chosen = {assignment.site for assignment in decision.assignments}
    against = {
        site: blockade(candidates, decision.workload, site).all
        for site in candidates.world.site_names
        if site not in chosen
    }
    return {site: reasons[0] for site, reasons in against.items() if reasons}


def place(
    intent: Intent,
    facts: Facts,
    at: datetime,
    name: str,
    workload: Workload,
    taken: Mapping[PoolName, Sequence[Taken]],
    *,
    off: frozenset[str] = frozenset(),
    closed: Iterable[str] = (),
) -> Placed:
    """Decide where one unit more goes. ``taken``: what each pool is used for already; ``closed``: sites that get
    nothing new."""
    # The whole planner, loaded where it decides: what room is taken, many ask who decide nothing.
    from situs.planner.decide import decide

    alone = _alone(intent, {name: workload}, at)
    full = tuple(
        (site, pool)
        for site, found in complete(alone, facts, at).sites.items()
        for pool, given in found.pools.items()
        if (fitting := [shape for shape in workload.shapes if has_room(given, shape, ())])
        and not any(has_room(given, shape, taken.get((site, pool), ())) for shape in fitting)
    )
    shut = {(site, pool) for site in closed if site in alone.sites for pool in alone.sites[site].pools}
    open_now = _without(alone, {*full, *shut})
    decided = decide(open_now, facts, at, off=off)
    later = None
    if not decided.plan.decisions[0].assignments and (full or shut):
        later = decide(alone, facts, at, off=off).plan.decisions[0]
    emptied = frozenset(
        name for name, site in alone.sites.items() if site.pools and not open_now.sites[name].pools
    )
    return Placed(decided, open_now, full, emptied, later)


def decide_alone(
    intent: Intent, facts: Facts, at: datetime, name: str, workload: Workload, *, off: frozenset[str] = frozenset(),
    shut: Collection[PoolName] = (),
) -> tuple[Decided, Intent]:  # fmt: skip
    """Decide where one unit goes if all were free but for pools that are ``shut``; and what that was decided from."""
    return decide_together(intent, facts, at, {name: workload}, off=off, shut=shut)


def decide_together(
    intent: Intent, facts: Facts, at: datetime, workloads: Mapping[str, Workload], *, off: frozenset[str] = frozenset(),
    shut: Collection[PoolName] = (),
) -> tuple[Decided, Intent]:  # fmt: skip
    """The same for several, each once, with the data that goes from one to the other."""
    from situs.planner.decide import decide

    alone = _without(_alone(intent, workloads, at), set(shut))
    return decide(alone, facts, at, off=off), alone


def _alone(intent: Intent, workloads: Mapping[str, Workload], at: datetime) -> Intent:
    """The estate with these workloads alone and the data they need, labelled by what went into them."""
    together = intent.model_copy(update={"workloads": {**intent.workloads, **workloads}})
    labels = effective_labels(together).datasets
    named = {item.dataset for w in workloads.values() for items in (w.inputs, w.outputs) for item in items}
    needed = sorted(named & set(intent.datasets))
    datasets = {
        data: intent.datasets[data].model_copy(
            update={"label": labels[data], "declassified": None, "declassified_by": None, "min_copies": 1}
        )
        for data in needed
    }
    sites = {key: _as_it_is(site) for key, site in intent.sites.items()}
    return intent.model_copy(
        update={
            "sites": sites, "datasets": datasets,
            "workloads": {name: w.model_copy(update={"count": 1}) for name, w in workloads.items()},
            "settings": intent.settings.model_copy(update={"at": at}),
        }
    )  # fmt: skip


def _as_it_is(site: Site) -> Site:
    """A site for which no hardware is bought or reserved."""
    pools = {
        name: pool.model_copy(update={"limit": pool.count})
        if isinstance(pool.price, Owned | Reserved) or pool.packing
        else pool
        for name, pool in site.pools.items()
    }
    return site.model_copy(update={"pools": pools})


def _without(intent: Intent, gone: set[PoolName]) -> Intent:
    sites = {
        name: site.model_copy(
            update={"pools": {pool: given for pool, given in site.pools.items() if (name, pool) not in gone}}
        )
        for name, site in intent.sites.items()
    }
    return intent.model_copy(update={"sites": sites})


def has_room(pool: Pool, shape: Shape, taken: Sequence[Taken]) -> bool:
    """Whether one unit more goes in beside those that are there. What a node does not fit at all is not asked."""
    shared = pool.packing if pool.packing is not None else isinstance(pool.price, Owned | Reserved)
    if shared:
        return pool.node is None or _packs(pool.node, pool.count, shape, taken)
    if pool.limit is None and not isinstance(pool.price, Owned | Reserved):
        return True
    there = pool.limit if pool.limit is not None else pool.count
    return sum(each.units * each.shape.nodes for each in taken) + shape.nodes <= there


def _packs(node: Node, count: int, shape: Shape, taken: Sequence[Taken]) -> bool:
    """First fit, the largest first: a node's parts do not add up over nodes."""
    whole = (node.cpu, node.memory, float(node.accelerators), node.disk)
    wanted = [(part, each.units * each.shape.nodes) for each in taken if (part := part_of(each.shape))]
    wanted.sort(key=lambda item: max(shares(item[0], whole)), reverse=True)
    used: list[tuple[float, ...]] = []
    # What is there already may not fit together by this reckoning: then there is surely no room for more.
    if not all(_put(part, used, count, whole) for part, times in wanted for _ in range(times)):
        return False
    return all(_put(part_of(shape), used, count, whole) for _ in range(shape.nodes))


def _put(
    part: tuple[float, ...], used: list[tuple[float, ...]], count: int, whole: tuple[float, ...]
) -> bool:
    for k, load in enumerate(used):
        both = tuple(a + b for a, b in zip(load, part, strict=True))
        if all(
            sum_ <= there + EPSILON or not wanted
            for sum_, there, wanted in zip(both, whole, part, strict=True)
        ):
            used[k] = both
            return True
    if len(used) < count:
        used.append(part)
        return True
    return False


def part_of(shape: Shape) -> tuple[float, ...]:
    """What it takes of each of its nodes."""
    return (
        shape.cpu / shape.nodes, shape.memory / shape.nodes,
        ceil(shape.accelerators / shape.nodes) if shape.accelerators > 1 else shape.accelerators / shape.nodes,
        shape.disk / shape.nodes,
    )  # fmt: skip


def shares(part: tuple[float, ...], whole: tuple[float, ...]) -> list[float]:
    return [wanted / there for wanted, there in zip(part, whole, strict=True) if there]
