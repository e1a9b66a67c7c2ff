"""Re-plan after 1 % of the workloads changed: a third ended, a third new, a third resized.

The placement before is the planner's own; what stays keeps its bill, what moves pays it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.answers import above, proven_gap
from bench.child import run_child
from bench.figure import Figure, Protocol
from bench.instances import change, generate, moved_share
from bench.planner import Case
from situs.planner.check import check_placement
from situs.planner.solve import repair, solve

CHANGED_SHARE = 0.01


@dataclass(frozen=True)
class Bar:
    case: Case
    """how the placement before is found"""
    time_s: float
    gap: float = 0.005
    moved: float = 0.02


BARS = [
    Bar(Case("10k", "base", gap=0.001, time_limit_s=10.0), time_s=0.1),
    Bar(Case("100k", "base", gap=0.002, time_limit_s=45.0), time_s=1.0),
    Bar(Case("10k", "all", gap=0.002, time_limit_s=60.0), time_s=0.1),
    Bar(Case("100k", "all", gap=0.004, time_limit_s=45.0), time_s=1.0),
]


@dataclass(frozen=True)
class Repaired:
    gap: float
    time_s: float
    moved: float
    anew_s: float
    """time for solving the changed problem from nothing, to the same gap"""


def figures(protocol: Protocol) -> Iterator[Figure]:
    for bar in BARS:
        runs = [measure(bar, seed, tightness) for tightness in protocol.tightness for seed in protocol.seeds]
        keys = {"seeds": len(protocol.seeds), "tightness": list(protocol.tightness)}
        anew = statistics.median(run.anew_s for run in runs)
        for what, unit, values, limit, peer, peer_value in (
            ("gap", "% above the proven bound", [100 * run.gap for run in runs], 100 * bar.gap, None, None),
            ("time", "s", [run.time_s for run in runs], bar.time_s, "solving anew to the same gap", anew),
            ("moved", "% of the unchanged", [100 * run.moved for run in runs], 100 * bar.moved, None, None),
        ):
            yield Figure(
                f"replan.{bar.case.size}.{bar.case.features}.{what}",
                statistics.median(values),
                unit,
                peer,
                peer_value,
                {"worst": max(values), "bar": limit, **keys},
            )


def measure(bar: Bar, seed: int, tightness: float) -> Repaired:
    ran = run_child(_repair, bar.case, seed, tightness)
    if ran.answer is None:
        raise TimeoutError(f"replan {bar.case.size}, seed {seed}: no answer")
    return ran.answer


def _repair(case: Case, seed: int, tightness: float) -> Repaired:
    instance = generate(case.size, seed, tightness, case.features)
    before = solve(instance.problem, gap=case.gap, time_limit_s=case.time_limit_s)
    check_placement(instance.problem, before.placement)
    changed = change(instance, before.placement, CHANGED_SHARE, seed)
    proof = changed.carry(before.certificate)
    problem = changed.instance.problem

    # Whoever plans again has planned before: what is compiled is in memory by then.
    repair(instance.problem, before.placement, before.certificate)
    began = time.perf_counter()
    repaired = repair(problem, changed.previous, proof)
    time_s = time.perf_counter() - began
    cost, bound, _ = proven_gap(problem, repaired.placement, repaired.certificate)
    gap = above(cost, bound)

    began = time.perf_counter()
    anew = solve(problem, gap=gap / (1 + gap), time_limit_s=case.time_limit_s)
    anew_s = time.perf_counter() - began
    check_placement(problem, anew.placement)
    return Repaired(gap, time_s, moved_share(changed, repaired.placement), anew_s)
