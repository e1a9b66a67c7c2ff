"""What a cluster's nodes have, as far as runs of ours may use them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from situs.sites.adapter import Inventory, Nodes, by_shape
from situs.sites.kubernetes.cluster import Object
from situs.sites.kubernetes.manifests import KubernetesOptions, Toleration

FACTORS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
           "P": 1e15, "m": 1e-3, "": 1}  # fmt: skip
PRODUCTS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name", "gpu.intel.com/product")
"""Labels by which the makers' own tools say what a node has."""


def inventory(listed: Sequence[Object], options: KubernetesOptions) -> Inventory:
    """What is there by the shape of nodes; those that runs of the site cannot be on are left out."""
    shapes = by_shape(_shape(node, options.accelerator_resource) for node in listed if _usable(node, options))
    accelerators: dict[str, int] = {}
    for shape in shapes:
        for model, count in shape.accelerators.items():
            accelerators[model] = accelerators.get(model, 0) + count * shape.count
    return Inventory(
        sum(shape.cpus * shape.count for shape in shapes),
        sum(shape.memory_gib * shape.count for shape in shapes),
        accelerators, ("namespaces", "cgroups", "seccomp"), shapes,
    )  # fmt: skip


def quantity(text: str) -> float:
    """A number as clusters write it, such as ``1500m`` or ``64Gi``. Raises ValueError."""
    match = re.fullmatch(r"([0-9.]+)([KMGTP]i|[mkMGTP])?", text)
    if match is None:
        raise ValueError(f"{text!r} is no quantity of a cluster")
    return float(match[1]) * FACTORS[match[2] or ""]


def _usable(node: Object, options: KubernetesOptions) -> bool:
    labels = node["metadata"].get("labels") or {}
    spec = node.get("spec") or {}
    ready = any(
        one["type"] == "Ready" and one["status"] == "True" for one in node["status"].get("conditions") or ()
    )
    chosen = all(labels.get(name) == value for name, value in options.node_selector)
    kept_off = [
        taint for taint in _taints(spec) if not any(_tolerated(taint, t) for t in options.tolerations)
    ]
    return ready and chosen and not spec.get("unschedulable") and not kept_off


def _taints(spec: Any) -> Iterator[Any]:
    return (taint for taint in spec.get("taints") or () if taint["effect"] != "PreferNoSchedule")


def _tolerated(taint: Any, by: Toleration) -> bool:
    same = by.key == taint["key"] and (by.value is None or by.value == taint.get("value", ""))
    return same and by.effect in (None, taint["effect"])


def _shape(node: Object, resource: str) -> Nodes:
    # What the node's own system needs is not to be had.
    there = node["status"].get("allocatable") or {}
    count = int(quantity(there.get(resource, "0")))
    labels = node["metadata"].get("labels") or {}
    model = next((labels[name] for name in PRODUCTS if name in labels), resource.rpartition("/")[2])
    return Nodes(
        1, int(quantity(there.get("cpu", "0"))), quantity(there.get("memory", "0")) / 2**30,
        {model: count} if count else {},
    )  # fmt: skip
