"""List prices and node shapes the instances are drawn around.

The price of an accelerator-hour lies between the lowest and the highest public on-demand list price found
for it in September 2026 among AWS, Azure, Google Cloud, Oracle, Nebius, OVHcloud, Scaleway, Seeweb and
Lambda; they differ by up to a factor of five for the same part, and so they do here.  Speeds are rounded
ratios of dense half-precision throughput to an A100's; every workload deviates from them on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

HOURS_PER_MONTH = 730.0


@dataclass(frozen=True)
class NodeType:
    """One kind of node; a pool is made of nodes of one type."""

    name: str
    accelerators: int
    memory_gib_per_accelerator: int
    vcpus: int
    memory_gib: int
    speed: float
    """of one accelerator, A100 = 1; 0 without accelerators"""
    usd_per_hour_low: float
    """of one accelerator, or of one vCPU where there is none"""
    usd_per_hour_high: float


NODE_TYPES = (
    NodeType("cpu", 0, 0, 96, 384, 0.0, 0.016, 0.046),
    NodeType("T4", 4, 16, 48, 192, 0.16, 0.51, 0.53),
    NodeType("L4", 4, 24, 48, 192, 0.35, 0.71, 0.81),
    NodeType("A10", 4, 24, 96, 384, 0.4, 1.00, 2.72),
    NodeType("L40S", 4, 48, 96, 512, 0.8, 0.85, 1.86),
    NodeType("A100", 8, 80, 96, 1152, 1.0, 0.99, 5.07),
    NodeType("H100", 8, 80, 192, 2048, 2.2, 2.52, 12.29),
)
CPU = 0

VCPU_USD_PER_HOUR = 0.012
MEMORY_USD_PER_GIB_HOUR = 0.0012
"""What a node's vCPUs and memory are worth beside its accelerators; taken off the accelerator's price."""

STORAGE_USD_PER_GIB_MONTH = (0.018, 0.0255)
"""Lowest and highest hot object storage list price of AWS, Azure, Google Cloud and Oracle."""

SPOT_SHARE = (0.20, 0.45)
"""Spot price over on-demand price, as listed by Azure, AWS and Nebius."""

RESERVED_SHARE = (0.64, 0.80)
"""One-year price over on-demand price, from the one-year commitments of the same providers."""

OWNED_RUNNING_SHARE = (0.08, 0.16)
"""Electricity and staff of owned nodes over the lowest list price: what using them costs once bought."""

OWNED_BUYING_SHARE = (0.30, 0.45)
"""Monthly write-off and space of one more owned node over its lowest list price."""

EGRESS_USD_PER_GB = (0.090, 0.087, 0.110, 0.0085, 0.050, 0.011, 0.010, 0.0, 0.0)
"""First tier of leaving each provider's network; the last two bill none."""

EGRESS_FREE_GB = (100.0, 100.0, 0.0, 10_000.0, 0.0, 0.0, 75.0, 0.0, 0.0)
