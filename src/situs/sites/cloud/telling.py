"""What a site in a cloud tells before anything is rented: whether it can be worked with, and what there may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from situs.sites.adapter import Health, Inventory, Nodes, Task, Unreachable, Unsupported
from situs.sites.cloud.server import ApiServer, ServerError, unsuitable
from situs.sites.cloud.wanted import Machine

START_S = 60.0
"""A start waits so long for its machine before it says that it is not there yet."""
POOL = "SITUS_POOL"
"""Variable of a task that says which pool of the estate its machine is of."""
USUAL = Nodes(1, 8, 32.0)
"""What SkyPilot rents in most clouds when nobody says what."""


@dataclass(frozen=True)
class CloudOptions:
    """How a site's machines are rented."""

    machines: Mapping[str, Machine]
    """pool -> what it stands for"""
    otherwise: Machine
    """for tasks of no pool"""
    offered: tuple[Nodes, ...] = ()
    start_s: float = START_S

    def machine(self, task: Task) -> Machine:
        """What is rented for a task. Raises Unsupported when that has not as many accelerators as it asks for."""
        machine = self.machines.get(task.env.get(POOL, ""), self.otherwise)
        if task.accelerators and machine.instance_type is None and machine.accelerators < task.accelerators:
            raise Unsupported(
                f"{task.key.workload}: a site of kind cloud cannot set {task.accelerators} accelerators aside on "
                f"{machine}; ask for less, or for another pool"
            )
        return machine


def health(server: ApiServer, options: CloudOptions) -> Health:
    """Whether the API server answers, is new enough, and may rent machines where the site is."""
    try:
        before = datetime.now(UTC)
        told, at = server.health()
        if cause := unsuitable(told):
            fix = "upgrade SkyPilot there: pip install -U skypilot; sky api stop; sky api start"
            return Health(False, cause, fix)
        enabled = {str(cloud).lower() for cloud in server.told("/enabled_clouds")}
    except Unreachable as error:
        return Health(False, str(error), "start it with `sky api start`, or see the site's option server")
    except ServerError as error:
        return Health(False, str(error), "see the site's option token, and the API server's log")
    # The server says whole seconds.
    ahead = 0.0 if at is None else (at - before).total_seconds() + 0.5
    clouds = {machine.infra.partition("/")[0] for machine in (*options.machines.values(), options.otherwise)}
    if missing := sorted(clouds - enabled):
        cause = f"SkyPilot has no access to {', '.join(missing)}"
        return Health(False, cause, f"give it credentials, then `sky check {' '.join(missing)}` there", ahead)
    return Health(True, clock_ahead_s=ahead)


def inventory(options: CloudOptions) -> Inventory:
    """What the estate says may be rented."""
    nodes = options.offered or (USUAL,)
    accelerators: dict[str, int] = {}
    for node in nodes:
        for model, count in node.accelerators.items():
            accelerators[model] = accelerators.get(model, 0) + count * node.count
    return Inventory(
        sum(node.cpus * node.count for node in nodes),
        sum(node.memory_gib * node.count for node in nodes),
        accelerators, ("machine",), nodes,
    )  # fmt: skip
