"""What ties a workload to other places: its data, and the workloads that it must be together with."""

from __future__ import annotations

from collections.abc import Iterator

from situs.planner.compile.world import World
from situs.planner.explain.edits import Edit
from situs.planner.explain.levers.lever import Lever, switch
from situs.planner.explain.lifting import replica_edit
from situs.planner.explain.model import Change


def to_data(world: World, workload: str, site: str) -> Iterator[Lever]:
    """A copy of what it reads stands at the site already, where it may."""
    entry = world.intent.workloads[workload]
    for dataset in dict.fromkeys(item.dataset for item in entry.inputs):
        held = world.intent.datasets[dataset].replicas
        if site in held or not world.policy.dataset_mask(dataset)[world.site_index[site]]:
            continue
        edit = replica_edit(world, dataset, site)
        yield switch(Change(kind="data", edits=(edit,), details={"dataset": dataset, "site": site}))


def to_others(world: World, workload: str) -> Iterator[Lever]:
    """It need not be together with any other, nor any other with it."""
    entry = world.intent.workloads[workload]
    edits = []
    if entry.affinity:
        edits.append(Edit(path=f"/workloads/{workload}/affinity", value=[], was=sorted(entry.affinity)))
    others = set(entry.affinity)
    for name, other in sorted(world.intent.workloads.items()):
        if workload in other.affinity and name != workload:
            left = sorted(other.affinity - {workload})
            edits.append(Edit(path=f"/workloads/{name}/affinity", value=left, was=sorted(other.affinity)))
            others.add(name)
    if edits:
        details = {"others": ", ".join(sorted(others - {workload}))}
        yield switch(Change(kind="affinity", rule="affinity", edits=tuple(edits), details=details))
