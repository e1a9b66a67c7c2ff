"""Nodes of a Ray cluster as an inventory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from situs.sites.adapter import Inventory, Nodes, by_shape

MODEL = "ray.io/accelerator-type"
"""Label of a node, and what older clusters have as a resource of this prefix:"""
OLD_MODEL = "accelerator_type:"


def inventory(nodes: Iterable[Mapping[str, Any]], resource: str) -> Inventory:
    """What Ray was told that there is; ``resource`` is what it calls accelerators."""
    shapes = by_shape(_node(node, resource) for node in nodes)
    accelerators: dict[str, int] = {}
    for shape in shapes:
        for model, count in shape.accelerators.items():
            accelerators[model] = accelerators.get(model, 0) + count * shape.count
    cpus = sum(shape.cpus * shape.count for shape in shapes)
    memory_gib = sum(shape.memory_gib * shape.count for shape in shapes)
    return Inventory(cpus, memory_gib, accelerators, ("session", "folder"), shapes)


def _node(node: Mapping[str, Any], resource: str) -> Nodes:
    there: Mapping[str, float] = node.get("resources_total") or {}
    count = int(there.get(resource, 0))
    old = (name.removeprefix(OLD_MODEL) for name in there if name.startswith(OLD_MODEL))
    model = (node.get("labels") or {}).get(MODEL) or next(old, resource.lower())
    return Nodes(
        1, int(there.get("CPU", 0)), there.get("memory", 0.0) / 2**30, {str(model): count} if count else {}
    )
