"""Measure the planner on one instance and beside its peers, all against one proven bound."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.answers import NO_ANSWER, PeerAnswer, Proven, above, flat_answer, greedy_answer, planner_answer
from bench.child import run_child
from bench.figure import Figure, Protocol
from bench.instances import Features, generate
from bench.peers.greedy import RULES, Rule
from situs.planner.problem import Problem

TOLD = 0.95
"""Of the time there is, so much is what the solver is told: it looks at the clock between its steps, and the
bar is held against what the clock says at the end."""


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
    """A checked answer of the planner to one instance."""

    seed: int
    tightness: float
    proven: Proven
    peak_gib: float


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
            lambda run: 100 * run.proven.gap,
            "cheapest feasible first, better of two rules",
            100 * above(greedy.cost, first.proven.bound),
            bar=100 * case.gap,
        )
        if flat:
            yield figure(
                "gap-beside-flat-model",
                "% above the proven bound",
                lambda run: 100 * run.proven.gap,
                f"flat model, HiGHS, {flat_limit_s:g} s",
                100 * above(flat.cost, first.proven.bound),
            )
        yield figure("time", "s", lambda run: run.proven.wall_s, bar=case.time_limit_s)
        yield figure("cpu", "s", lambda run: run.proven.cpu_s)
        yield figure("memory", "GiB", lambda run: run.peak_gib, bar=case.memory_gib)
        yield figure(
            "unplaced",
            "units",
            lambda run: run.proven.unplaced,
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
    return Solved(seed, tightness, ran.answer, ran.peak_gib)


def _solve_and_check(case: Case, seed: int, tightness: float) -> Proven:
    return planner_answer(_problem(case, seed, tightness), case.gap, TOLD * case.time_limit_s)


def best_greedy(case: Case, at: Solved) -> PeerAnswer:
    """The cheaper of the two committed-price rules, on the same instance."""
    answers = [run_child(_greedy, case, at.seed, at.tightness, rule).answer for rule in RULES]
    return min((answer for answer in answers if answer), key=lambda answer: answer.cost, default=NO_ANSWER)


def _greedy(case: Case, seed: int, tightness: float, rule: Rule) -> PeerAnswer:
    return greedy_answer(_problem(case, seed, tightness), rule)


def flat_highs(case: Case, at: Solved, limit_s: float) -> PeerAnswer:
    """HiGHS on the whole model; it overruns its limit, so it is ended at twice the limit."""
    ran = run_child(_flat, case, at.seed, at.tightness, limit_s, hard_limit_s=2 * limit_s + 30)
    return ran.answer or NO_ANSWER


def _flat(case: Case, seed: int, tightness: float, limit_s: float) -> PeerAnswer:
    return flat_answer(_problem(case, seed, tightness), limit_s)


def _problem(case: Case, seed: int, tightness: float) -> Problem:
    return generate(case.size, seed, tightness, case.features).problem
