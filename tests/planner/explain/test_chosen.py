"""Why a workload is where it is: every figure ties to the plan, every bound holds against a re-solve."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import pytest

from bench.instances.small_estates import AT, random_estate
from situs.facts import load
from situs.model.error import InputError
from situs.planner.decide import Decided, decide
from situs.planner.exact import Demand, optimum
from situs.planner.explain import explain

SEEDS = range(6)
CENT = Decimal("0.01")


@cache
def decided(seed: int) -> Decided:
    return decide(random_estate(seed), load(()), AT)


@pytest.mark.parametrize("seed", SEEDS)
def test_costs_add_up_to_the_plan(seed: int) -> None:
    plan = decided(seed).plan
    explanations = [explain(decided(seed), decision.workload) for decision in plan.decisions]
    months = Decimal(repr(explanations[0].horizon_months))
    own = sum((one.total_per_month for one in explanations), Decimal(0)) * months
    shared = sum(
        (
            cost
            for thing in (*plan.replicas, *plan.purchases, *plan.holdings)
            for cost in thing.costs.values()
        ),
        Decimal(0),
    )
    assert abs(own + shared - plan.cost) < CENT
    for one in explanations:
        assert one.decision == plan.decision(one.workload)
        assert (
            abs(sum((part.per_month for part in one.costs_per_month), Decimal(0)) - one.total_per_month)
            < CENT
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_every_other_site_has_its_one_reason(seed: int) -> None:
    world = decided(seed).candidates.world
    for decision in decided(seed).plan.decisions:
        one = explain(decided(seed), decision.workload)
        chosen = {assignment.site for assignment in decision.assignments}
        assert {other.site for other in one.alternatives} == set(world.site_names) - chosen
        for other in one.alternatives:
            # Either it has a price there, or it says what stands in the way.
            assert (other.refusal is None) == (other.extra_cost is not None)
        refused = {
            (refusal.rule, site)
            for site in world.site_names
            for refusal in world.policy.workload_refusals(decision.workload, site)
        }
        assert {(entry.rule, site) for entry in one.refused for site in entry.sites} == refused


@pytest.mark.parametrize("seed", SEEDS)
def test_no_plan_with_an_alternative_beats_what_it_costs_at_least(seed: int) -> None:
    candidates = decided(seed).candidates
    bound = decided(seed).solution.certificate.bound
    for decision in decided(seed).plan.decisions:
        number = candidates.class_of(decision.workload)
        for other in explain(decided(seed), decision.workload).alternatives:
            if other.at_least is None:
                continue
            columns = [
                c for c in candidates.columns_of(number) if candidates.options[c].place.site == other.site
            ]
            forced = optimum(candidates.problem, Demand(np.asarray(columns), least=1))
            assert forced is None or forced.cost >= bound + float(other.at_least) - 1e-4


@pytest.mark.parametrize("seed", SEEDS)
def test_what_binds_is_full_and_one_more_saves_no_more_than_it_says(seed: int) -> None:
    candidates = decided(seed).candidates
    bound = decided(seed).solution.certificate.bound
    seen = 0
    for decision in decided(seed).plan.decisions:
        one = explain(decided(seed), decision.workload)
        assert one.binding == () or decision.assignments
        for limit in one.binding:
            seen += 1
            assert limit.used == pytest.approx(limit.available, rel=1e-5, abs=1e-6)
    prices = decided(seed).solution.prices.row
    for row in np.flatnonzero(prices > 1e-9):
        capacity = candidates.problem.row_capacity.copy()
        capacity[row] += 1.0
        wider = optimum(replace(candidates.problem, row_capacity=capacity))
        assert wider is not None
        assert wider.cost >= bound - prices[row] - 1e-6


def test_a_wrong_name_gets_the_likely_one() -> None:
    with pytest.raises(InputError, match="there is no workload 'work0'; did you mean work-0"):
        explain(decided(0), "work0")
