"""What could be turned to let a site win that is lawful and able, but not the best.

::

    prices   what the site's machines and electricity cost
    limits   how many nodes, units and how much money there may be
    ties     where the data and the companions of a workload are
    rivals   what the places have that are better today; turned only where nothing at the site helps

A lever gives the change for each size; :mod:`situs.planner.explain.sizing` finds the smallest that wins.
"""

from __future__ import annotations

from situs.planner.compile.world import World
from situs.planner.explain.levers import limits, prices, rivals, ties
from situs.planner.explain.levers.lever import Lever
from situs.planner.explain.race import Race

__all__ = ["Lever", "at_rivals", "at_site"]


def at_site(world: World, workload: str, site: str) -> tuple[Lever, ...]:
    """All levers for a workload at a site, in the order in which they are tried."""
    return (
        *prices.of_pools(world, site),
        *prices.of_electricity(world, site),
        *limits.of_nodes(world, site),
        *limits.of_spread(world, workload),
        *limits.of_shares(world, site),
        *limits.of_budget(world, workload),
        *limits.of_payback(world, workload, site),
        *ties.to_data(world, workload, site),
        *ties.to_others(world, workload),
    )


def at_rivals(race: Race) -> tuple[Lever, ...]:
    """Levers at the places where the workload is in the best plan without the site."""
    return tuple(rivals.levers(race))
