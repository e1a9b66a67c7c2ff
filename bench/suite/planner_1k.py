"""1,000 different workloads on 20 sites, four resources."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure, Protocol
from bench.planner import Case, planner_figures

CASES = [
    Case("1k", "base", gap=0.0005, time_limit_s=5.0),
    Case("1k", "all", gap=0.001, time_limit_s=30.0),
]


def figures(protocol: Protocol) -> Iterator[Figure]:
    yield from planner_figures("planner-1k", CASES, protocol, flat_limit_s=60.0)
