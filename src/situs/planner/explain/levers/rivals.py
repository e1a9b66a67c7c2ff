"""What the places that are better today would have to lose: their price, their nodes, or the leave to be there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from situs.planner.compile.world import Place, World
from situs.planner.explain.edits import Edit
from situs.planner.explain.levers.lever import Lever, switch
from situs.planner.explain.levers.prices import MILLIONTH, node_price, node_price_unit
from situs.planner.explain.model import Change
from situs.planner.explain.race import Race

DEAREST = 10.0
"""A price is offered to rise by so many times itself at most."""


def levers(race: Race) -> Iterator[Lever]:
    """Levers at every place that the workload has in the best plan without the site."""
    if race.elsewhere is None:
        return
    world = race.candidates.world
    columns = race.candidates.columns_of(race.number)
    places = [race.candidates.options[column].place for column in columns if race.elsewhere.units[column]]
    rivals = {place.index: place for place in places if place.site != race.runner.site}
    for _, place in sorted(rivals.items()):
        yield from _price(world, place)
        yield from _nodes(world, place)
    for site in sorted({place.site for place in rivals.values()}):
        yield _ruled_out(race.runner.workload, site)


def _price(world: World, place: Place) -> Iterator[Lever]:
    basis = world.site(place.site).pools[place.name].price
    assert basis is not None
    before = basis.price

    def change(rise: float) -> Change:
        amount = (before.amount * (1 + Decimal(repr(rise)))).quantize(MILLIONTH, ROUND_CEILING)
        after = type(before)(amount=amount, currency=before.currency)
        return Change(
            kind="rival",
            edits=(node_price(world, place.site, place.name, after),),
            size=float(amount - before.amount),
            unit=node_price_unit(world, place.site, place.name),
            details={"item": "price", "site": place.site, "pool": place.name},
        )

    if before.amount > 0:
        yield Lever("rival", change, most=DEAREST, prices=True)


def _nodes(world: World, place: Place) -> Iterator[Lever]:
    pool, path = place.pool, f"/sites/{place.site}/pools/{place.name}"
    shared = bool(world.pools.held[place.index])
    most = max(pool.limit or 0, pool.count if shared else 0)

    def change(size: float) -> Change:
        nodes = round(size)
        edits = []
        # The count comes first: it may never be above the limit.
        if shared and pool.count:
            edits.append(Edit(path=f"{path}/count", value=max(0, pool.count - nodes), was=pool.count))
        if pool.limit is not None:
            edits.append(Edit(path=f"{path}/limit", value=max(0, pool.limit - nodes), was=pool.limit))
        details = {"item": "capacity", "site": place.site, "pool": place.name}
        return Change(kind="rival", edits=tuple(edits), size=float(nodes), unit="nodes", details=details)

    if most:
        yield Lever("rival", change, most=float(most), whole=True)


def _ruled_out(workload: str, site: str) -> Lever:
    """A rule of the house keeps the workload away from the site."""
    rule = {
        "title": f"Keep {workload} out of {site}",
        "applies_to": {"name": [workload]},
        "never_at": {"name": [site]},
    }
    edit = Edit(path=f"/rules/keep-out-of-{site}", value=rule)
    return switch(Change(kind="rival", edits=(edit,), details={"item": "rule", "site": site}))
