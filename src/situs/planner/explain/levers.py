"""What could be turned to let a site win that is lawful and able, but not the best: price, nodes, limits, data.

A lever gives the change for each size; :mod:`situs.planner.explain.search` finds the smallest size that wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TypeVar

from situs.model.estate import Owned
from situs.model.money import Money
from situs.planner.compile.world import World
from situs.planner.explain.edits import Edit
from situs.planner.explain.lifting import replica_edit
from situs.planner.explain.model import Change, ChangeKind

AnyMoney = TypeVar("AnyMoney", bound=Money)

MILLIONTH = Decimal("0.000001")
MOST_NODES = 64
LONGEST_PAYBACK_MONTHS = 120.0


@dataclass(frozen=True)
class Lever:
    """A change that comes in sizes."""

    kind: ChangeKind
    change: Callable[[float], Change]
    most: float
    """the largest size that makes sense"""
    whole: bool = False
    """sizes are whole numbers"""
    prices: bool = False
    """it only changes prices, and in proportion to its size"""


def levers(world: World, workload: str, site: str) -> tuple[Lever, ...]:
    """All levers for a workload at a site, in the order in which they are tried."""
    return (
        *_pool_prices(world, site),
        *_electricity(world, site),
        *_nodes(world, site),
        *_spread(world, workload),
        *_shares(world, site),
        *_use_case_budget(world, workload),
        *_payback(world, workload, site),
        *_replicas(world, workload, site),
        *_affinity(world, workload),
    )


def _pool_prices(world: World, site: str) -> Iterator[Lever]:
    for name in sorted(world.site(site).pools):
        pool = world.site(site).pools[name]
        basis = pool.price
        assert basis is not None

        def change(cut: float, name: str = name) -> Change:
            pool = world.site(site).pools[name]
            assert pool.price is not None
            before = pool.price.price
            after = _less(before, cut)
            path = f"/sites/{site}/pools/{name}/price"
            if pool.sku is None:
                edit = Edit(path=f"{path}/price", value=str(after), was=str(before))
            else:
                # The facts gave the price, so the file has nothing there that could be changed in part.
                was = pool.price.model_dump(mode="json")
                edit = Edit(path=path, value={**was, "price": str(after)}, was=was)
            return Change(
                kind="price",
                edits=(edit,),
                size=float(before.amount - after.amount),
                unit=f"{before.currency}/{'node' if isinstance(pool.price, Owned) else 'h'}",
                details={
                    "item": "compute",
                    "site": site,
                    "pool": name,
                    "before": str(before),
                    "after": str(after),
                    "percent": f"{100.0 * cut:.1f}",
                },
            )

        if basis.price.amount > 0:
            yield Lever("price", change, most=1.0, prices=True)


def _electricity(world: World, site: str) -> Iterator[Lever]:
    electricity = world.site(site).electricity
    owned = any(isinstance(pool.price, Owned) for pool in world.site(site).pools.values())
    if electricity is None or electricity.bands or not owned or not electricity.price.amount:
        return
    before = electricity.price

    def change(cut: float) -> Change:
        after = _less(before, cut)
        return Change(
            kind="price",
            edits=(Edit(path=f"/sites/{site}/electricity/price", value=str(after), was=str(before)),),
            size=float(before.amount - after.amount),
            unit=f"{before.currency}/kWh",
            details={
                "item": "electricity",
                "site": site,
                "before": str(before),
                "after": str(after),
                "percent": f"{100.0 * cut:.1f}",
            },
        )

    yield Lever("price", change, most=1.0, prices=True)


def _nodes(world: World, site: str) -> Iterator[Lever]:
    for place in world.places:
        pool = place.pool
        shared = bool(world.pools.packs[place.index])
        if place.site != site or (not shared and pool.limit is None):
            continue
        path = f"/sites/{site}/pools/{place.name}"

        def change(size: float, place=place, shared=shared, path=path) -> Change:  # type: ignore[no-untyped-def]
            pool, nodes = place.pool, round(size)
            edits = []
            if pool.limit is not None:
                edits.append(Edit(path=f"{path}/limit", value=pool.limit + nodes, was=pool.limit))
            if shared:
                edits.append(Edit(path=f"{path}/count", value=pool.count + nodes, was=pool.count))
            details = {"site": site, "pool": place.name, "nodes": str(nodes)}
            return Change(
                kind="capacity", edits=tuple(edits), size=float(nodes), unit="nodes", details=details
            )

        yield Lever("capacity", change, most=MOST_NODES, whole=True)


def _spread(world: World, workload: str) -> Iterator[Lever]:
    if "spread" in world.off:
        return
    for spread in world.intent.workloads[workload].spread:
        members = [
            (name, number, other.at_most)
            for name, entry in sorted(world.intent.workloads.items())
            for number, other in enumerate(entry.spread)
            if other.over == spread.over
            and other.group == spread.group
            and (spread.group is not None or name == workload)
        ]
        strictest = min(at_most for _, _, at_most in members)

        def change(size: float, spread=spread, members=members, strictest=strictest) -> Change:  # type: ignore[no-untyped-def]
            wanted = strictest + round(size)
            edits = tuple(
                Edit(path=f"/workloads/{name}/spread/{number}/at_most", value=wanted, was=at_most)
                for name, number, at_most in members
                if at_most < wanted
            )
            return Change(
                kind="spread",
                rule="spread",
                edits=edits,
                size=size,
                unit="units",
                details={
                    "over": spread.over,
                    "group": spread.group or workload,
                    "before": str(strictest),
                    "after": str(wanted),
                },
            )

        yield Lever("spread", change, most=16, whole=True)


def _shares(world: World, site: str) -> Iterator[Lever]:
    """Units that the site's operator may have, over what the strictest rule grants."""
    operator = world.site(site).operator
    units = sum(workload.count for workload in world.intent.workloads.values())
    limits = {}
    for name, rule in sorted(world.intent.rules.items()):
        share = rule.max_operator_share.get(operator, rule.max_operator_share.get("*"))
        if name not in world.off and share is not None and "/" not in operator:
            limits[name] = share
    if not limits or "concentration" in world.off:
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
            details={
                "operator": operator,
                "before": str(granted),
                "after": str(wanted),
                "percent": f"{100.0 * wanted / units:.1f}",
            },
        )

    yield Lever("share", change, most=float(max(0, units - granted)), whole=True)


def _use_case_budget(world: World, workload: str) -> Iterator[Lever]:
    name = world.intent.workloads[workload].use_case
    use_case = world.intent.use_cases.get(name) if name else None
    if use_case is None or use_case.budget is None or "budget" in world.off:
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
            details={"use_case": name or "", "before": str(before), "after": str(after), "lift": "use-case"},
        )

    yield Lever("budget", change, most=100.0)


def _payback(world: World, workload: str, site: str) -> Iterator[Lever]:
    current = world.intent.workloads[workload].current
    before = world.settings.payback
    if current is None or current.site == site or before >= LONGEST_PAYBACK_MONTHS:
        return

    def change(size: float) -> Change:
        edit = Edit(path="/settings/payback", value=before + size, was=before)
        details = {"before": f"{before:g}", "after": f"{before + size:.4g}"}
        return Change(kind="payback", edits=(edit,), size=size, unit="months", details=details)

    yield Lever("payback", change, most=LONGEST_PAYBACK_MONTHS - before)


def _replicas(world: World, workload: str, site: str) -> Iterator[Lever]:
    entry = world.intent.workloads[workload]
    for dataset in dict.fromkeys(item.dataset for item in entry.inputs):
        held = world.intent.datasets[dataset].replicas
        if site in held or not world.policy.dataset_mask(dataset)[world.site_index[site]]:
            continue
        edit = replica_edit(world, dataset, site)
        change = Change(kind="data", edits=(edit,), details={"dataset": dataset, "site": site})
        yield Lever("data", lambda size, change=change: change, most=1.0, whole=True)  # type: ignore[misc]


def _affinity(world: World, workload: str) -> Iterator[Lever]:
    entry = world.intent.workloads[workload]
    edits = []
    if entry.affinity:
        edits.append(Edit(path=f"/workloads/{workload}/affinity", value=[], was=sorted(entry.affinity)))
    for name, other in sorted(world.intent.workloads.items()):
        if workload in other.affinity and name != workload:
            edits.append(
                Edit(
                    path=f"/workloads/{name}/affinity",
                    value=sorted(other.affinity - {workload}),
                    was=sorted(other.affinity),
                )
            )
    if edits:
        others = sorted({*entry.affinity, *(edit.path.split("/")[2] for edit in edits)} - {workload})
        change = Change(
            kind="affinity", rule="affinity", edits=tuple(edits), details={"others": ", ".join(others)}
        )
        yield Lever("affinity", lambda size: change, most=1.0, whole=True)


def _less(before: AnyMoney, cut: float) -> AnyMoney:
    """The price after a cut by a share of it, rounded down to a millionth."""
    amount = (before.amount * (1 - Decimal(repr(cut)))).quantize(MILLIONTH, ROUND_FLOOR)
    return type(before)(amount=max(Decimal(0), amount), currency=before.currency)
