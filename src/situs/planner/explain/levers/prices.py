"""Price cuts at a site: for the nodes of a pool, and for electricity."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import TypeVar

from situs.model.estate import Owned
from situs.model.money import Money
from situs.planner.compile.world import World
from situs.planner.explain.edits import Edit
from situs.planner.explain.levers.lever import Lever
from situs.planner.explain.model import Change

AnyMoney = TypeVar("AnyMoney", bound=Money)

MILLIONTH = Decimal("0.000001")


def of_pools(world: World, site: str) -> Iterator[Lever]:
    """The price of a node, for each pool that has one."""
    for name in sorted(world.site(site).pools):
        basis = world.site(site).pools[name].price
        assert basis is not None
        before = basis.price

        def change(cut: float, name: str = name, before: Money = before) -> Change:
            after = _less(before, cut)
            return Change(
                kind="price",
                edits=(node_price(world, site, name, after),),
                size=float(before.amount - after.amount),
                unit=node_price_unit(world, site, name),
                details={"item": "compute", "site": site, "pool": name},
            )

        if before.amount > 0:
            yield Lever("price", change, most=1.0, prices=True)


def node_price(world: World, site: str, name: str, after: Money) -> Edit:
    """The edit that gives the nodes of a pool another price."""
    pool = world.site(site).pools[name]
    assert pool.price is not None
    path = f"/sites/{site}/pools/{name}/price"
    if pool.sku is None:
        return Edit(path=f"{path}/price", value=str(after), was=str(pool.price.price))
    # The facts gave the price, so the file has nothing there that could be changed in part.
    was = pool.price.model_dump(mode="json")
    return Edit(path=path, value={**was, "price": str(after)}, was=was)


def node_price_unit(world: World, site: str, name: str) -> str:
    """What the price of a node is counted in."""
    price = world.site(site).pools[name].price
    assert price is not None
    return f"{price.price.currency}/{'node' if isinstance(price, Owned) else 'h'}"


def of_electricity(world: World, site: str) -> Iterator[Lever]:
    """The electricity of own nodes, by day and by night in the same proportion."""
    electricity = world.site(site).electricity
    owned = any(isinstance(pool.price, Owned) for pool in world.site(site).pools.values())
    if electricity is None or not owned or not electricity.price.amount:
        return
    before = electricity.price
    path = f"/sites/{site}/electricity"
    tariffs = [(f"{path}/price", before)]
    tariffs += [(f"{path}/bands/{number}/price", band.price) for number, band in enumerate(electricity.bands)]

    def change(cut: float) -> Change:
        after = _less(before, cut)
        return Change(
            kind="price",
            edits=tuple(Edit(path=at, value=str(_less(price, cut)), was=str(price)) for at, price in tariffs),
            size=float(before.amount - after.amount),
            unit=f"{before.currency}/kWh",
            details={"item": "electricity", "site": site},
        )

    yield Lever("price", change, most=1.0, prices=True)


def _less(before: AnyMoney, cut: float) -> AnyMoney:
    """The price after a cut by a share of it, rounded down to a millionth."""
    amount = (before.amount * (1 - Decimal(repr(cut)))).quantize(MILLIONTH, ROUND_FLOOR)
    return type(before)(amount=max(Decimal(0), amount), currency=before.currency)
