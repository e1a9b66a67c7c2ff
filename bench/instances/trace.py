"""The *openb* trace: 8,152 tasks and 1,523 nodes of a production AI cluster.

Published by the Alibaba group with "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with
Fragmentation Gradient Descent" (USENIX ATC 2023); Apache-2.0.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.figure import CannotMeasure

TASKS, NODES = "openb_pod_list_default.csv", "openb_node_list_all_node.csv"
VARIABLE = "SITUS_TRACE_DIR"
BESIDE = Path(__file__).parents[2].parent / "shared" / "data" / "openb"
WHERE = (
    f"set {VARIABLE} to the folder with {TASKS} and {NODES} (or their .gz), published in "
    "https://github.com/hkust-adsl/kubernetes-scheduler-simulator (Apache-2.0)"
)


@dataclass(frozen=True, order=True)
class Task:
    """What one task asks for; tasks that ask for the same are one class."""

    cpus: float
    memory_gib: float
    accelerators: float
    """whole ones, or a share of one"""
    best_effort: bool
    """may be taken away at any time"""


@dataclass(frozen=True, order=True)
class NodeKind:
    """Nodes of one kind; ``accelerator`` is the trace's own name of the model, empty for none."""

    cpus: float
    memory_gib: float
    accelerators: int
    accelerator: str


def trace_folder() -> Path:
    """Where the trace lies. Raises :class:`CannotMeasure` with the place it is published at."""
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else BESIDE
    missing = [name for name in (TASKS, NODES) if _file(folder, name) is None]
    if missing:
        raise CannotMeasure(f"{folder} has no {' and no '.join(missing)}; {WHERE}")
    return folder


def read_tasks(folder: Path) -> Counter[Task]:
    """How many tasks there are of each kind, in the order in which kinds first arrive."""
    arrivals = sorted(_rows(folder, TASKS), key=lambda row: int(row["creation_time"]))
    return Counter(
        Task(
            cpus=int(row["cpu_milli"]) / 1000,
            memory_gib=int(row["memory_mib"]) / 1024,
            accelerators=int(row["num_gpu"]) * int(row["gpu_milli"]) / 1000,
            best_effort=row["qos"] == "BE",
        )
        for row in arrivals
    )


def read_nodes(folder: Path) -> list[NodeKind]:
    """Every node, in the trace's order."""
    return [
        NodeKind(
            cpus=int(row["cpu_milli"]) / 1000,
            memory_gib=int(row["memory_mib"]) / 1024,
            accelerators=int(row["gpu"]),
            accelerator=row["model"],
        )
        for row in _rows(folder, NODES)
    ]


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    file = _file(folder, name)
    if file is None:
        raise CannotMeasure(f"{folder} has no {name}; {WHERE}")
    content = file.read_bytes()
    text = gzip.decompress(content) if file.suffix == ".gz" else content
    yield from csv.DictReader(io.StringIO(text.decode("utf-8")))


def _file(folder: Path, name: str) -> Path | None:
    return next((f for f in (folder / name, folder / f"{name}.gz") if f.is_file()), None)
