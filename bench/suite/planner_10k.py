"""10,000 different workloads on 50 sites, four resources."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure, Protocol
from bench.planner import Case, planner_figures

CASES = [
    Case("10k", "base", gap=0.001, time_limit_s=10.0),
    Case("10k", "all", gap=0.002, time_limit_s=60.0),
]


def figures(protocol: Protocol) -> Iterator[Figure]:
    yield from planner_figures("planner-10k", CASES, protocol, flat_limit_s=60.0)
