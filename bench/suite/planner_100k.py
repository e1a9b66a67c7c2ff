"""100,000 different workloads on 200 sites, four resources. A flat model of it has no chance in time."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure, Protocol
from bench.planner import Case, planner_figures

CASES = [
    Case("100k", "base", gap=0.002, time_limit_s=45.0, memory_gib=4.0),
    Case("100k", "all", gap=0.004, time_limit_s=45.0, memory_gib=4.0),
]


def figures(protocol: Protocol) -> Iterator[Figure]:
    yield from planner_figures("planner-100k", CASES, protocol)
