"""Why not there: every offered change is made and the estate decided again, then smaller changes are.

The cases are random small estates with rules, data, deadlines, budgets and scarce capacity; in each, one
workload is asked about at one site where it is not.  A decision is the planner's own; because cents decide
here, it counts only beside the proven optimum of a flat model that SciPy solves, and both are recomputed by
the checker.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from bench.child import run_child
from bench.figure import Figure, Protocol
from bench.instances.small_estates import AT, random_estate
from bench.peers.flat import flat_model, repaired
from situs.facts import Facts, load
from situs.model.error import InputError
from situs.model.intent import Intent
from situs.planner.check import Rejected, check_bound, check_placement
from situs.planner.decide import Decided, decide
from situs.planner.explain import Counterfactual, Edit, WhyNot, apply, why_not
from situs.planner.explain.smaller import smaller, smaller_sets
from situs.planner.problem import Placement, Problem

CASES = 200
EXACT = 1e-8
"""Relative: a hundredth of what a site must win by, so that no plan this near could turn the answer."""


SAME = 1e-10
"""Relative: two sums of the same numbers."""
TOSS_UP = 5e-10
"""Relative: where a plan without the site is as near as this, either may be taken, and the site has not won."""
INFEASIBLE = 2
"""SciPy's code for it."""


@dataclass
class Counted:
    """What came of the cases."""

    cases: int = 0
    ties: int = 0
    without_offer: list[str] = field(default_factory=list)
    offers: int = 0
    not_flipped: list[str] = field(default_factory=list)
    smaller: int = 0
    smaller_flipped: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    planner_dearer: int = 0
    """decisions for which the planner stopped above the optimum; the optimum then counts"""


def figures(protocol: Protocol) -> Iterator[Figure]:
    del protocol  # one set of cases: neither seeds nor tightness mean anything here
    counted = run_child(measure, CASES).answer
    if counted is None:
        raise TimeoutError("explanation: no answer")
    cases = {"cases": counted.cases, "ties": counted.ties, "planner_dearer": counted.planner_dearer}
    yield Figure(
        "explanation.unanswered",
        100 * len(counted.without_offer) / counted.cases,
        "% of the cases without an offer",
        extra={"bar": 0, "without_offer": counted.without_offer, **cases},
    )
    yield Figure(
        "explanation.unflipped",
        100 * len(counted.not_flipped) / counted.offers,
        "% of the offers that do not flip the decision",
        extra={"bar": 0, "offers": counted.offers, "not_flipped": counted.not_flipped, **cases},
    )
    yield Figure(
        "explanation.smaller",
        100 * len(counted.smaller_flipped) / counted.smaller,
        "% of the smaller changes that flip it",
        extra={"bar": 0, "smaller": counted.smaller, "flipped": counted.smaller_flipped, **cases},
    )
    yield Figure(
        "explanation.time",
        statistics.median(counted.seconds),
        "s for one answer",
        extra={"p95": float(np.quantile(counted.seconds, 0.95)), "worst": max(counted.seconds), **cases},
    )


def measure(cases: int) -> Counted:
    """So many cases that are no tie, from estate 0 on."""
    counted, facts, seed = Counted(), load(()), 0
    while counted.cases < cases:
        measure_case(seed, facts, counted)
        seed += 1
    return counted


def measure_case(seed: int, facts: Facts, counted: Counted) -> None:
    """One question about one estate; counts nothing where the workload is at every site already."""
    rng = np.random.default_rng([seed, 1])
    intent = random_estate(seed)
    decided = decide(intent, facts, AT)
    workload = str(rng.choice(sorted(intent.workloads)))
    here = {assignment.site for assignment in decided.plan.decision(workload).assignments}
    others = sorted(set(intent.sites) - here)
    if not others:
        return
    began = time.perf_counter()
    answer = why_not(decided, workload, str(rng.choice(others)))
    seconds = time.perf_counter() - began
    if answer.verdict in ("is-there", "tie"):
        counted.ties += 1
        return
    counted.cases += 1
    counted.seconds.append(seconds)
    name = f"estate {seed}: {answer.workload} at {answer.site}"
    if not answer.offers:
        counted.without_offer.append(name)
    for offer in answer.offers:
        counted.offers += 1
        if not wins(intent, offer.edits, facts, answer, counted):
            counted.not_flipped.append(name)
        for edits in smaller_edits(offer, rng):
            counted.smaller += 1
            if wins(intent, edits, facts, answer, counted):
                counted.smaller_flipped.append(name)


def smaller_edits(offer: Counterfactual, rng: np.random.Generator) -> Iterator[tuple[Edit, ...]]:
    """Each part left out, each a little smaller, and each at a random share of its size."""
    for changes in smaller_sets(offer.changes):
        yield tuple(edit for change in changes for edit in change.edits)
    for number, change in enumerate(offer.changes):
        less = smaller(change, float(rng.uniform(0.0, 0.98)))
        if less is not None:
            changes = (*offer.changes[:number], less, *offer.changes[number + 1 :])
            yield tuple(edit for change in changes for edit in change.edits)


def wins(intent: Intent, edits: tuple[Edit, ...], facts: Facts, answer: WhyNot, counted: Counted) -> bool:
    """Whether with the edits the site gets more units than it had in every best plan, decided anew and checked."""
    try:
        again = decide(apply(intent, edits), facts, AT, gap=EXACT)
    except InputError:
        # Half of a change may make no sense, such as accelerators of no kind; it then brings nothing.
        return False
    candidates = again.candidates
    number = candidates.class_of(answer.workload)
    columns = [
        column
        for column in candidates.columns_of(number)
        if candidates.options[column].place.site == answer.site
    ]
    # A change may have split the class; then fewer of its units were there before.
    before = min(answer.units_there, candidates.classes[number].count - 1)
    best = cheapest(again, counted)
    if int(best.units[columns].sum()) <= before:
        return False
    without = flat_optimum(candidates.problem, (columns, before))
    return without is None or without[0].cost > best.cost + TOSS_UP * max(1.0, abs(best.cost))


def cheapest(decided: Decided, counted: Counted) -> Placement:
    """The planner's placement, or the flat model's where the planner stopped above it; proven and checked."""
    problem, planned = decided.candidates.problem, decided.solution.placement
    answer = flat_optimum(problem)
    assert answer is not None
    flat, bound = answer
    costs = check_placement(problem, planned).cost, check_placement(problem, flat).cost
    near = EXACT * max(1.0, abs(bound))
    if min(costs) > bound + near or check_bound(problem, decided.solution.certificate) > min(costs) + near:
        raise Rejected([f"costs of {costs} and a bound of {bound!r} do not go together"])
    if costs[0] <= costs[1] + SAME * max(1.0, abs(bound)):
        return planned
    counted.planner_dearer += 1
    return flat


def flat_optimum(
    problem: Problem, most: tuple[list[int], int] | None = None
) -> tuple[Placement, float] | None:
    """The whole problem as a modeller would write it down, and the bound that SciPy proves for it.

    ``most``: columns that may have so many units together. None where that leaves no placement.
    """
    model = flat_model(problem)
    constraints = [LinearConstraint(model.matrix, model.low, model.high)]
    if most is not None:
        wanted = np.zeros(len(model.cost))
        wanted[most[0]] = 1.0
        constraints.append(LinearConstraint(wanted, -np.inf, most[1]))
    found = milp(
        model.cost,
        integrality=model.integer,
        bounds=Bounds(np.zeros(len(model.cost)), model.most),
        constraints=constraints,
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None and most is not None and found.status == INFEASIBLE:
        return None
    if found.x is None:
        raise Rejected([f"the flat model has no answer: {found.message}"])
    return repaired(problem, found.x), float(found.mip_dual_bound) + model.offset
