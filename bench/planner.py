"""Measure the planner on one instance and beside its peers, all against one proven bound."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.child import run_child
from bench.figure import Figure, Protocol
from bench.instances import Features, generate
from bench.peers.flat import solve_flat
from bench.peers.greedy import cheapest_feasible_first
from situs.planner.check import Rejected, check_bound, check_placement, validate_problem
from situs.planner.problem import Placement, Problem
from situs.planner.solve import solve


@dataclass(frozen=True)
class Case:
    """What to draw, and the bar the planner has to reach."""

    size: str
    features: Features
    gap: float
    """relative to the proven bound"""
    time_limit_s: float
    memory_gib: float | None = None


@dataclass(frozen=True)
class Solved:
    """A checked answer of the planner."""

    seed: int
    tightness: float
    cost: float
    bound: float
    unplaced: int
    wall_s: float
    cpu_s: float
    peak_gib: float
    status: str

    @property
    def gap(self) -> float:
        """how far the cost lies above the proven bound"""
        return above(self.cost, self.bound)


@dataclass(frozen=True)
class PeerAnswer:
    """A checked answer of a peer; ``cost`` is inf where it found none."""

    cost: float
    unplaced: int
    wall_s: float


NO_ANSWER = PeerAnswer(math.inf, 0, math.nan)


def above(cost: float, bound: float) -> float:
    return (cost - bound) / abs(bound)


def planner_figures(
    name: str, cases: list[Case], protocol: Protocol, flat_limit_s: float | None = None
) -> Iterator[Figure]:
    """All figures of one planner benchmark; the peers run on the first seed of the first tightness."""
    for case in cases:
        runs = [measure(case, seed, tightness) for tightness in protocol.tightness for seed in protocol.seeds]
        first = runs[0]
        label = f"{name}.{case.features}"
        protocol_keys = {"seeds": len(protocol.seeds), "tightness": list(protocol.tightness)}

        def figure(
            what: str,
            unit: str,
            value_of: Callable[[Solved], float],
            peer: str | None = None,
            peer_value: float | None = None,
            bar: float | None = None,
            label: str = label,
            runs: list[Solved] = runs,
            keys: dict[str, object] = protocol_keys,
        ) -> Figure:
            values = [value_of(run) for run in runs]
            extra: dict[str, object] = {"worst": max(values), **keys}
            if bar is not None:
                extra["bar"] = bar
            return Figure(f"{label}.{what}", statistics.median(values), unit, peer, peer_value, extra)

        greedy = best_greedy(case, first)
        flat = flat_highs(case, first, flat_limit_s) if flat_limit_s else None
        yield figure(
            "gap",
            "% above the proven bound",
            lambda run: 100 * run.gap,
            "cheapest feasible first, better of two rules",
            100 * above(greedy.cost, first.bound),
            bar=100 * case.gap,
        )
        if flat:
            yield figure(
                "gap-beside-flat-model",
                "% above the proven bound",
                lambda run: 100 * run.gap,
                f"flat model, HiGHS, {flat_limit_s:g} s",
                100 * above(flat.cost, first.bound),
            )
        yield figure("time", "s", lambda run: run.wall_s, bar=case.time_limit_s)
        yield figure("cpu", "s", lambda run: run.cpu_s)
        yield figure("memory", "GiB", lambda run: run.peak_gib, bar=case.memory_gib)
        yield figure(
            "unplaced",
            "units",
            lambda run: run.unplaced,
            "cheapest feasible first, better of two rules",
            greedy.unplaced,
        )


def measure(case: Case, seed: int, tightness: float) -> Solved:
    """Solve one instance in a process of its own, check the answer there, and hand back what it is worth."""
    ran = run_child(_solve_and_check, case, seed, tightness, hard_limit_s=10 * case.time_limit_s + 300)
    if ran.answer is None:
        raise TimeoutError(
            f"{case.size}.{case.features} seed {seed}: the planner overran ten times its limit"
        )
    cost, bound, unplaced, wall_s, cpu_s, status = ran.answer
    return Solved(seed, tightness, cost, bound, unplaced, wall_s, cpu_s, ran.peak_gib, status)


def _solve_and_check(case: Case, seed: int, tightness: float) -> tuple[float, float, int, float, float, str]:
    problem = generate(case.size, seed, tightness, case.features).problem
    validate_problem(problem)
    wall, cpu = time.perf_counter(), time.process_time()
    # The solver measures its gap against the cost; here it is against the bound, which is stricter.
    solution = solve(problem, gap=case.gap / (1 + case.gap), time_limit_s=case.time_limit_s)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    checked = check_placement(problem, solution.placement)
    bound = check_bound(problem, solution.certificate)
    if checked.cost < bound - 1e-9 * abs(bound):
        raise Rejected(
            [f"The cost {checked.cost!r} lies below the bound {bound!r}: one of the two is wrong."]
        )
    return checked.cost, bound, checked.units_unplaced, wall, cpu, str(solution.status)


def best_greedy(case: Case, at: Solved) -> PeerAnswer:
    """The cheaper of the two committed-price rules, on the same instance."""
    answers = [
        run_child(_greedy, case, at.seed, at.tightness, rule).answer for rule in ("amortised", "marginal")
    ]
    return min((answer for answer in answers if answer), key=lambda answer: answer.cost, default=NO_ANSWER)


def _greedy(case: Case, seed: int, tightness: float, rule: str) -> PeerAnswer:
    problem = generate(case.size, seed, tightness, case.features).problem
    wall = time.perf_counter()
    placement = cheapest_feasible_first(problem, rule)  # type: ignore[arg-type]
    return _checked(problem, placement, time.perf_counter() - wall)


def flat_highs(case: Case, at: Solved, limit_s: float) -> PeerAnswer:
    """HiGHS on the whole model; it overruns its limit, so it is ended at twice the limit."""
    ran = run_child(_flat, case, at.seed, at.tightness, limit_s, hard_limit_s=2 * limit_s + 30)
    return ran.answer or NO_ANSWER


def _flat(case: Case, seed: int, tightness: float, limit_s: float) -> PeerAnswer:
    problem = generate(case.size, seed, tightness, case.features).problem
    wall = time.perf_counter()
    placement = solve_flat(problem, limit_s)
    wall = time.perf_counter() - wall
    return _checked(problem, placement, wall) if placement else NO_ANSWER


def _checked(problem: Problem, placement: Placement, wall_s: float) -> PeerAnswer:
    checked = check_placement(problem, placement)
    return PeerAnswer(checked.cost, checked.units_unplaced, wall_s)
