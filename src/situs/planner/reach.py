"""Which way between a site and data a rule bars, where there is one."""

from __future__ import annotations

from collections.abc import Iterator

from situs.model.refusal import Refusal
from situs.planner.compile.world import World


def barred_way(world: World, dataset: str, site: str, *, outward: bool = False) -> Refusal | None:
    """Why a rule bars the nearest way between the site and a copy of the data; None where none does.

    Nearest are copies that are there; after them come sites where one may be.  Without a link there is no
    way that could be barred.  ``outward``: the data go out from the site.
    """
    for other in _copies(world, dataset, site):
        ends = (site, other) if outward else (other, site)
        refusals = world.policy.transfer_refusals(dataset, *ends)
        if refusals:
            return refusals[0]
    return None


def _copies(world: World, dataset: str, site: str) -> Iterator[str]:
    replicas = world.intent.datasets[dataset].replicas
    yield from (other for other in sorted(replicas) if other != site)
    mask = world.policy.dataset_mask(dataset)
    for k, other in enumerate(world.site_names):
        if mask[k] and other != site and other not in replicas:
            yield other
