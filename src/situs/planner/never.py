"""Why a workload can be nowhere, and the least that would have to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from situs.model.refusal import Refusal
from situs.planner.compile.candidates import Candidates
from situs.planner.compile.world import World
from situs.planner.obstacles import blockade


def refused_by_rule(world: World, name: str) -> Iterable[str]:
    """The dominant rule at each site that refuses the workload."""
    for allowed, site in zip(world.policy.workload_mask(name), world.site_names, strict=True):
        if not allowed:
            yield world.policy.workload_refusals(name, site)[0].rule


def needs_lifting(candidates: Candidates, name: str) -> tuple[Refusal, ...]:
    """The smallest set of requirements that cannot hold together with the wish to run at all.

    A workload that can be nowhere needs one pool of one site to become possible. All that stands before the
    site and before the pool has to be lifted together, so the smallest set over all pools is exact.
    """
    return min(
        _sets(candidates, name), key=len, default=(Refusal(rule="no-sites", details={"workload": name}),)
    )


def _sets(candidates: Candidates, name: str) -> Iterator[tuple[Refusal, ...]]:
    """What stands before each site with the most open of its pools."""
    for site in candidates.world.site_names:
        before = blockade(candidates, name, site)
        pool = before.pools[0][1] if before.pools else ()
        if before.site or pool:
            yield (*before.site, *pool)
