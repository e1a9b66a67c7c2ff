"""Which machine a pool of the estate stands for, in the words of a cloud: what would be rented, and for how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from situs.model import estate
from situs.model.error import InputError
from situs.sites.adapter import Nodes

OWN_NAMES = {"google": "gcp", "amazon": "aws", "microsoft": "azure", "oracle": "oci"}
"""What people call operators, and what SkyPilot does."""


@dataclass(frozen=True)
class Machine:
    """A kind of machine, as SkyPilot is asked for it. None: whatever is cheapest there."""

    infra: str
    """``cloud``, ``cloud/region`` or ``cloud/region/zone``"""
    instance_type: str | None = None
    spot: bool = False
    cpus: float | None = None
    memory_gib: float | None = None
    accelerator: str | None = None
    accelerators: int = 0
    price: str | None = None
    """of an hour, by the estate"""

    def resources(self) -> dict[str, object]:
        """As a task of SkyPilot has it."""
        asked: dict[str, object] = {"infra": self.infra, "use_spot": self.spot}
        if self.instance_type is not None:
            return {**asked, "instance_type": self.instance_type}
        if self.cpus:
            asked["cpus"] = f"{self.cpus:g}+"
        if self.memory_gib:
            asked["memory"] = f"{self.memory_gib:g}+"
        if self.accelerators and self.accelerator:
            asked["accelerators"] = f"{self.accelerator}:{self.accelerators}"
        return asked

    @property
    def what(self) -> str:
        """Its type, or what it has at least."""
        if self.instance_type is not None:
            return self.instance_type
        asked = (
            f"{self.cpus:g}+ CPU" if self.cpus else "",
            f"{self.memory_gib:g}+ GiB" if self.memory_gib else "",
            f"{self.accelerators} {self.accelerator}" if self.accelerators else "",
        )
        return ", ".join(filter(None, asked)) or "any machine"

    def __str__(self) -> str:
        return f"{self.what} ({'spot' if self.spot else 'on demand'}) in {self.infra}"


def any_machine(site: estate.Site, infra: str | None) -> Machine:
    """What is rented for work of no pool. Raises InputError when nothing says where."""
    if infra is None and site.operator == "self":
        raise InputError(
            "a site of kind cloud needs its operator and region, or the option infra, such as aws/eu-central-1"
        )
    return Machine(_where(site, infra))


def machines(site: estate.Site, infra: str | None) -> Mapping[str, Machine]:
    """The machine of each pool. ``infra``: where all are; None: what pools and site say."""
    return {name: _machine(site, pool, infra) for name, pool in site.pools.items()}


def offered(site: estate.Site) -> tuple[Nodes, ...]:
    """What pools say there may be; a pool without a limit counts for one node."""
    return tuple(
        Nodes(
            max(pool.count, pool.limit or 0, 1), max(1, int(pool.node.cpu)), pool.node.memory,
            {pool.accelerator: pool.node.accelerators} if pool.accelerator and pool.node.accelerators else {},
        )
        for pool in site.pools.values()
        if pool.node is not None
    )  # fmt: skip


def _machine(site: estate.Site, pool: estate.Pool, infra: str | None) -> Machine:
    spot = pool.price is not None and pool.price.basis == "spot"
    price = str(pool.price.price) if isinstance(pool.price, estate.OnDemand | estate.Spot) else None
    if pool.sku is not None and pool.sku.count("/") == 2:
        operator, region, instance_type = pool.sku.split("/")
        where = infra or f"{OWN_NAMES.get(operator, operator)}/{region}"
        return Machine(where, instance_type, spot, price=price)
    where, node = _where(site, infra), pool.node
    if node is None:
        return Machine(where, spot=spot, price=price)
    return Machine(where, None, spot, node.cpu, node.memory, pool.accelerator, node.accelerators, price)


def _where(site: estate.Site, infra: str | None) -> str:
    operator = OWN_NAMES.get(site.operator, site.operator)
    return infra or (f"{operator}/{site.region}" if site.region else operator)
