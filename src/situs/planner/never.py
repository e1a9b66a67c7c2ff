"""Why a workload can be nowhere, and the least that would have to change."""

from __future__ import annotations

from collections.abc import Iterable

from situs.model.refusal import Refusal
from situs.planner.compile.options import fittings
from situs.planner.compile.world import World


def refused_by_rule(world: World, name: str) -> Iterable[str]:
    """The dominant rule at each site that refuses the workload."""
    for allowed, site in zip(world.policy.workload_mask(name), world.site_names, strict=True):
        if not allowed:
            yield world.policy.workload_refusals(name, site)[0].rule


def needs_lifting(world: World, name: str) -> tuple[Refusal, ...]:
    """The smallest set of requirements that cannot hold together with the wish to run at all.

    A workload that can be nowhere needs one site to become possible. For each site the refusals there
    have to be lifted all together, so the smallest set over the sites is exact; a site whose hardware
    cannot run the workload counts with that as one more requirement.
    """
    workload = world.intent.workloads[name]
    fits_at = {world.places[p].site for f in fittings(world, workload) for p in f.fits.nonzero()[0]}
    found: list[tuple[int, str, tuple[Refusal, ...]]] = []
    for site in world.site_names:
        refusals = list(world.policy.workload_refusals(name, site))
        if site not in fits_at:
            refusals.append(Refusal(rule="hardware", details={"workload": name, "site": site}))
        for item in workload.inputs:
            if not _reachable(world, item.dataset, site, item.remote):
                refusals.append(
                    Refusal(
                        rule="data-reach", details={"workload": name, "dataset": item.dataset, "site": site}
                    )
                )
        found.append((len(refusals), site, tuple(refusals)))
    smallest = min(found, default=(0, "", ()))
    return smallest[2] or (Refusal(rule="window", details={"workload": name, "site": smallest[1]}),)


def _reachable(world: World, dataset: str, site: str, remote: bool) -> bool:
    """Whether the site may hold the data, or may read them from where they are or may be."""
    mask = world.policy.dataset_mask(dataset)
    entry = world.intent.datasets[dataset]
    here = bool(mask[world.site_index[site]]) and (
        entry.may_leave or not entry.replicas or site in entry.replicas
    )
    if here or not remote:
        return here
    return any(
        (mask[k] or other in entry.replicas)
        and world.link(other, site) is not None
        and not world.policy.transfer_refusals(dataset, other, site)
        for k, other in enumerate(world.site_names)
        if other != site
    )
