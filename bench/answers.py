"""Answers to a problem that count: recomputed by the checker, by the planner and by its peers.

Nothing here gives a cost or a bound that the checker has not recomputed; what it rejects is raised.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from bench.peers.flat import solve_flat
from bench.peers.greedy import Rule, cheapest_feasible_first
from situs.planner.certificate import Certificate
from situs.planner.check import Rejected, check_bound, check_placement, validate_problem
from situs.planner.problem import Placement, Problem
from situs.planner.solve import solve

BELOW = 1e-9
"""How far, relative to the bound, rounding may take a cost below it; the checker's own tolerance."""


@dataclass(frozen=True)
class Proven:
    """A placement's cost beside a bound, both recomputed."""

    cost: float
    bound: float
    unplaced: int
    wall_s: float
    cpu_s: float
    status: str

    @property
    def gap(self) -> float:
        """how far the cost lies above the proven bound"""
        return above(self.cost, self.bound)


@dataclass(frozen=True)
class PeerAnswer:
    """A peer's placement, recomputed; ``cost`` is inf where it found none."""

    cost: float
    unplaced: int
    wall_s: float


NO_ANSWER = PeerAnswer(math.inf, 0, math.nan)


def above(cost: float, bound: float) -> float:
    """The part of the bound by which the cost lies above it."""
    return (cost - bound) / abs(bound)


def proven_gap(problem: Problem, placement: Placement, certificate: Certificate) -> tuple[float, float, int]:
    """Cost, bound and units left out, recomputed. Raises :class:`Rejected` where one of them is wrong."""
    checked = check_placement(problem, placement)
    bound = check_bound(problem, certificate)
    if checked.cost < bound - BELOW * abs(bound):
        raise Rejected(
            [f"The cost {checked.cost!r} lies below the bound {bound!r}: one of the two is wrong."]
        )
    return checked.cost, bound, checked.units_unplaced


def planner_answer(problem: Problem, gap: float, time_limit_s: float) -> Proven:
    """What the planner finds and proves, until the gap to the bound is that small."""
    validate_problem(problem)
    wall, cpu = time.perf_counter(), time.process_time()
    # The solver measures its gap against the cost; here it is against the bound, which is stricter.
    solution = solve(problem, gap=gap / (1 + gap), time_limit_s=time_limit_s)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cost, bound, unplaced = proven_gap(problem, solution.placement, solution.certificate)
    return Proven(cost, bound, unplaced, wall, cpu, str(solution.status))


def greedy_answer(problem: Problem, rule: Rule) -> PeerAnswer:
    """What a scheduler finds that takes the cheapest place that fits, workload by workload."""
    wall = time.perf_counter()
    placement = cheapest_feasible_first(problem, rule)
    return checked_answer(problem, placement, time.perf_counter() - wall)


def flat_answer(problem: Problem, limit_s: float) -> PeerAnswer:
    """What HiGHS finds in the whole model; it overruns its limit, so run this in a child with a hard one."""
    wall = time.perf_counter()
    placement = solve_flat(problem, limit_s)
    wall = time.perf_counter() - wall
    return checked_answer(problem, placement, wall) if placement else NO_ANSWER


def checked_answer(problem: Problem, placement: Placement, wall_s: float) -> PeerAnswer:
    """The placement's cost, recomputed."""
    checked = check_placement(problem, placement)
    return PeerAnswer(checked.cost, checked.units_unplaced, wall_s)
