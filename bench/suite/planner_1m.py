"""1,000,000 units in 2,000 classes on 1,000 sites."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure, Protocol
from bench.planner import Case, planner_figures

CASES = [Case("1m", "all", gap=0.0025, time_limit_s=60.0)]


def figures(protocol: Protocol) -> Iterator[Figure]:
    yield from planner_figures("planner-1m", CASES, protocol)
