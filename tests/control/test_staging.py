"""What of a shape is asked of each node."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from situs.control.staging import Work
from situs.model.plan import Assignment
from situs.model.workload import Run, Shape, Workload
from situs.policy import Policy
from situs.sites.adapter import Key
from situs.sites.local import LocalSite


@pytest.mark.parametrize(("nodes", "cpus", "memory_gib", "accelerators"), [(1, 9, 64.0, 4), (2, 5, 32.0, 2)])
def test_limits_are_for_each_node_as_the_plan_counts_them(
    tmp_path: Path, nodes: int, cpus: int, memory_gib: float, accelerators: int
) -> None:
    shape = Shape(cpu=9, memory=64, accelerators=4, nodes=nodes)
    workload = Workload.model_construct(
        shapes=(shape,), run=Run(command=("true",)), service=None, use_case=None
    )
    place = Assignment.model_construct(shape="default")
    work = Work("train", workload, place, {}, lambda _: b"", cast(Policy, None), (), tmp_path, False)
    task = work._task(Key("train", 1), ("true",), {}, LocalSite(tmp_path))
    assert (task.nodes, task.cpus, task.memory_gib, task.accelerators) == (
        nodes,
        cpus,
        memory_gib,
        accelerators,
    )
