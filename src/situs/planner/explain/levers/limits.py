"""Limits that could be wider: nodes of a pool, units in one place, a share, a budget, the time a move has to pay."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from situs.model.workload import Spread
from situs.planner.compile.world import Place, World
from situs.planner.explain.edits import Edit
from situs.planner.explain.levers.lever import Lever
from situs.planner.explain.model import Change

MILLIONTH = Decimal("0.000001")
MOST_NODES = 64
MOST_TOGETHER = 16
"""More units of one group in one place are not offered: little would be left of the spread."""
MOST_BUDGETS = 100.0
"""A budget is offered to grow by so many times itself at most."""
LONGEST_PAYBACK_MONTHS = 120.0


def of_nodes(world: World, site: str) -> Iterator[Lever]:
    """More nodes in a pool that has a limit."""
    for place in world.places:
        shared = bool(world.pools.held[place.index])
        if place.site == site and (shared or place.pool.limit is not None):
            yield _nodes(place, shared)


def _nodes(place: Place, shared: bool) -> Lever:
    """``shared``: nodes are paid for whole and filled by several workloads."""
    pool, path = place.pool, f"/sites/{place.site}/pools/{place.name}"

    def change(size: float) -> Change:
        nodes = round(size)
        edits = []
        if pool.limit is not None:
            edits.append(Edit(path=f"{path}/limit", value=pool.limit + nodes, was=pool.limit))
        if shared:
            edits.append(Edit(path=f"{path}/count", value=pool.count + nodes, was=pool.count))
        details = {"site": place.site, "pool": place.name}
        return Change(kind="capacity", edits=tuple(edits), size=float(nodes), unit="nodes", details=details)

    return Lever("capacity", change, most=MOST_NODES, whole=True)


def of_spread(world: World, workload: str) -> Iterator[Lever]:
    """More units in one place, for every group that the workload is spread with."""
    if "spread" not in world.policy.off:
        for spread in world.intent.workloads[workload].spread:
            yield _spread(world, workload, spread)


def _spread(world: World, workload: str, spread: Spread) -> Lever:
    members = [
        (name, number, other.at_most)
        for name, entry in sorted(world.intent.workloads.items())
        for number, other in enumerate(entry.spread)
        if other.over == spread.over
        and other.group == spread.group
        and (spread.group is not None or name == workload)
    ]
    strictest = min(at_most for _, _, at_most in members)

    def change(size: float) -> Change:
        wanted = strictest + round(size)
        edits = tuple(
            Edit(path=f"/workloads/{name}/spread/{number}/at_most", value=wanted, was=at_most)
            for name, number, at_most in members
            if at_most < wanted
        )
        details = {"over": spread.over, "group": spread.group or workload}
        return Change(kind="spread", rule="spread", edits=edits, size=size, unit="units", details=details)

    return Lever("spread", change, most=MOST_TOGETHER, whole=True)


def of_shares(world: World, site: str) -> Iterator[Lever]:
    """Units that the site's operator may have, over what the strictest rule grants."""
    operator = world.site(site).operator
    units = sum(workload.count for workload in world.intent.workloads.values())
    limits = {}
    for name, rule in sorted(world.intent.rules.items()):
        share = rule.max_operator_share.get(operator, rule.max_operator_share.get("*"))
        if name not in world.policy.off and share is not None and "/" not in operator:
            limits[name] = share
    if not limits or "concentration" in world.policy.off:
        return
    granted = min(int(share * units + 1e-9) for share in limits.values())

    def change(size: float) -> Change:
        wanted = granted + round(size)
        edits = tuple(
            Edit(path=f"/rules/{name}/max_operator_share/{operator}", value=wanted / units, was=share)
            for name, share in limits.items()
            if int(share * units + 1e-9) < wanted
        )
        return Change(
            kind="share",
            rule="concentration",
            edits=edits,
            size=size,
            unit="units",
            details={"operator": operator},
        )

    yield Lever("share", change, most=float(max(0, units - granted)), whole=True)


def of_budget(world: World, workload: str) -> Iterator[Lever]:
    name = world.intent.workloads[workload].use_case
    use_case = world.intent.use_cases.get(name) if name else None
    if use_case is None or use_case.budget is None or "budget" in world.policy.off:
        return
    before = use_case.budget

    def change(size: float) -> Change:
        after = type(before)(
            amount=(before.amount * (1 + Decimal(repr(size)))).quantize(MILLIONTH, ROUND_CEILING),
            currency=before.currency,
        )
        return Change(
            kind="budget",
            rule="budget",
            edits=(Edit(path=f"/use_cases/{name}/budget", value=str(after), was=str(before)),),
            size=float(after.amount - before.amount),
            unit=f"{before.currency}/month",
            details={"use_case": name or "", "lift": "use-case"},
        )

    yield Lever("budget", change, most=MOST_BUDGETS)


def of_payback(world: World, workload: str, site: str) -> Iterator[Lever]:
    current = world.intent.workloads[workload].current
    before = world.settings.payback
    if current is None or current.site == site or before >= LONGEST_PAYBACK_MONTHS:
        return

    def change(size: float) -> Change:
        edit = Edit(path="/settings/payback", value=before + size, was=before)
        return Change(kind="payback", edits=(edit,), size=size, unit="months")

    yield Lever("payback", change, most=LONGEST_PAYBACK_MONTHS - before)
