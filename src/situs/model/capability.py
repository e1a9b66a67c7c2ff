"""What sites of each kind can do for a run, beyond starting a command with a time limit on one node.

Adapters refuse what is not theirs, and the planner puts no work where it would be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    # Supervisors of runs need none, and one is started for each run.
    from situs.model.estate import Adapter
    from situs.model.workload import Shape, Workload

Capability = Literal["memory", "cpus", "accelerators", "nodes", "image", "secrets", "lease"]
"""A part of a run that not every kind of site can do."""
CAPABILITIES: Mapping[str, frozenset[Capability]] = {
    "local": frozenset({"memory", "cpus", "accelerators", "secrets", "lease"}),
    "ssh": frozenset({"accelerators", "secrets", "lease"}),
    "cloud": frozenset({"accelerators", "secrets", "lease"}),
    "slurm": frozenset({"memory", "cpus", "accelerators", "nodes", "secrets"}),
    "container": frozenset({"memory", "cpus", "accelerators", "image", "secrets"}),
    "kubernetes": frozenset({"memory", "cpus", "accelerators", "image", "secrets"}),
    "ray": frozenset({"cpus", "accelerators"}),
}
"""By kind of site. Of kinds of third parties nothing is known before one is asked."""


def needs(workload: Workload, shape: Shape) -> tuple[Capability, ...]:
    """What a site must be able to do, else it could never start this; of what situs does not start, nothing is said.

    Limits of memory and processors are not among it: the plan leaves the room for a run that nothing limits.
    """
    if workload.run is None:
        return ()
    asked: tuple[tuple[Capability, bool], ...] = (
        ("nodes", shape.nodes > 1),
        ("lease", workload.lease is not None),
        ("image", workload.run.image is not None),
        ("secrets", bool(workload.run.secrets)),
    )
    return tuple(capability for capability, wanted in asked if wanted)


def lacking(adapter: Adapter, wanted: tuple[Capability, ...]) -> tuple[Capability, ...]:
    """What of it a site that is reached so cannot do."""
    known = CAPABILITIES.get(adapter.kind)
    if known is None:
        return ()
    if adapter.kind == "kubernetes":
        known = of_kubernetes(adapter.options.get("claim"), adapter.options.get("access_mode"))
    return tuple(each for each in wanted if each not in known)


def of_kubernetes(claim: str | None, access_mode: str | None) -> frozenset[Capability]:
    """What such a site can do by its options: several nodes, where the folder of a run can be at all of them."""
    shared = claim is not None or access_mode == "ReadWriteMany"
    return CAPABILITIES["kubernetes"] | ({"nodes"} if shared else frozenset())
