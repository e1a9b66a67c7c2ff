"""The public AI-cluster trace on nine providers' price lists and a third of the cluster's own nodes.

All methods decide the same problem (:mod:`bench.instances.trace_estate`), and the checker prices what each
of them decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from bench.answers import (
    NO_ANSWER,
    PeerAnswer,
    Proven,
    checked_answer,
    flat_answer,
    greedy_answer,
    planner_answer,
)
from bench.child import run_child
from bench.figure import Figure, Protocol
from bench.instances.trace import read_nodes, read_tasks, trace_folder
from bench.instances.trace_estate import trace_intent
from bench.peers.greedy import RULES, Rule
from bench.peers.skypilot import skypilot_placement, skypilot_version
from situs.facts import load
from situs.planner.compile.candidates import Candidates, candidates
from situs.planner.compile.world import World

AT = datetime(2026, 11, 1, tzinfo=UTC)
GAP = 0.002
TIME_LIMIT_S = 60.0
FLAT_LIMIT_S = 60.0
SKYPILOT_LIMIT_S = 1200.0
"""Ten times what it took on two cores."""


def figures(protocol: Protocol) -> Iterator[Figure]:
    """Gap, time and memory of the planner, and its cost beside that of each peer, in US dollars a month."""
    trace_folder()
    ran = run_child(trace_planner, GAP, TIME_LIMIT_S, hard_limit_s=10 * TIME_LIMIT_S)
    if ran.answer is None:
        raise TimeoutError("planner-trace: the planner overran ten times its limit")
    ours = ran.answer
    yield Figure("planner-trace.gap", 100 * ours.gap, "% above the proven bound", extra={"bar": 100 * GAP})
    yield Figure("planner-trace.time", ours.wall_s, "s")
    yield Figure("planner-trace.memory", ran.peak_gib, "GiB")
    yield Figure("planner-trace.unplaced", ours.unplaced, "tasks")

    for rule in RULES:
        greedy = answer_of(trace_greedy, rule, limit_s=300.0)
        yield beside(ours, f"cheapest-{rule}", f"cheapest feasible first, {rule}", greedy)
    flat = answer_of(trace_flat, FLAT_LIMIT_S, limit_s=2 * FLAT_LIMIT_S + 30)
    yield beside(ours, "flat-model", f"flat model, HiGHS, {FLAT_LIMIT_S:g} s", flat)
    version = skypilot_version()
    sky = answer_of(trace_skypilot, limit_s=SKYPILOT_LIMIT_S)
    yield beside(ours, "skypilot", f"SkyPilot {version}", sky)


def beside(ours: Proven, short: str, peer: str, answer: PeerAnswer) -> Figure:
    """Our cost beside a peer's, which is null if it found no answer in its time."""
    extra: dict[str, object] = {
        "bound": ours.bound,
        "peer_unplaced": answer.unplaced,
        "peer_s": answer.wall_s,
    }
    if answer.unplaced:
        peer += f", {answer.unplaced} left out"
    return Figure(f"planner-trace.cost-beside-{short}", ours.cost, "USD/month", peer, answer.cost, extra)


def answer_of(function: Callable[..., PeerAnswer], *arguments: object, limit_s: float) -> PeerAnswer:
    return run_child(function, *arguments, hard_limit_s=limit_s).answer or NO_ANSWER


def trace_candidates() -> Candidates:
    """The problem, made from the estate as ``situs plan`` makes it."""
    folder, facts = trace_folder(), load()
    intent = trace_intent(facts, read_tasks(folder), read_nodes(folder))
    return candidates(World(intent, facts, AT))


def trace_planner(gap: float, time_limit_s: float) -> Proven:
    return planner_answer(trace_candidates().problem, gap, time_limit_s)


def trace_greedy(rule: Rule) -> PeerAnswer:
    return greedy_answer(trace_candidates().problem, rule)


def trace_flat(limit_s: float) -> PeerAnswer:
    return flat_answer(trace_candidates().problem, limit_s)


def trace_skypilot() -> PeerAnswer:
    problem = trace_candidates()
    chosen = skypilot_placement(problem)
    return checked_answer(problem.problem, chosen.placement, chosen.wall_s)
