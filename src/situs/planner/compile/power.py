"""What rented machines draw, when their owner does not say: enough for comparing emissions, not for a bill."""

from __future__ import annotations

from situs.model.estate import Node

WATTS_PER_CPU = 3.5
"""A busy virtual processor of a hyperscale cloud: 0.74 W idle to 3.5 W at full load, the coefficients of
the Cloud Carbon Footprint methodology (AWS, 2021)."""
WATTS_PER_GIB = 0.392
"""Memory, by the same methodology."""
ACCELERATOR_WATTS = {
    "T4": 70.0, "L4": 72.0, "A10": 150.0, "A10G": 150.0, "A40": 300.0, "L40S": 350.0, "V100": 300.0,
    "A100": 400.0, "A100-80GB": 400.0, "H100": 700.0, "H200": 700.0, "B200": 1000.0, "P100": 250.0,
}  # fmt: skip
"""Board power by the makers' data sheets."""
OTHER_ACCELERATOR_WATTS = 300.0


def busy_watts(node: Node, accelerator: str | None) -> float:
    """An estimate of what a node of this shape draws at full use, in watts, before PUE."""
    board = ACCELERATOR_WATTS.get(accelerator or "", OTHER_ACCELERATOR_WATTS)
    return node.cpu * WATTS_PER_CPU + node.memory * WATTS_PER_GIB + node.accelerators * board
