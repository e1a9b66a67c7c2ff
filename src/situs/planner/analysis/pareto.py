"""Cost, latency, carbon, control and the bill of leaving: plans of which none is worse on all axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations_with_replacement
from typing import Literal, get_args

import numpy as np

from situs.model.amount import Exact
from situs.model.base import Model
from situs.model.error import InputError
from situs.model.plan import Decision, Plan
from situs.planner.analysis.exits import exit_measure, exits
from situs.planner.analysis.whatif import per_month
from situs.planner.compile.candidates import Candidates
from situs.planner.decide import Decided, decoded
from situs.planner.decode import worst_latency_ms
from situs.planner.problem import Floats
from situs.planner.solve import solve

Axis = Literal["cost", "latency", "carbon", "control", "exit"]
AXES: tuple[Axis, ...] = get_args(Axis)

STEPS = 4
"""Each axis is weighted in quarters: 5 mixtures of two axes, 15 of three, 35 of four, 70 of all, a solve for each."""

TOUCH = 1e-3
"""Weight that every axis keeps at least, so that among plans that are equal on the wanted axes the one that
is better on the others is found, and no plan that is merely weakly best comes out."""


class Point(Model):
    """A plan by its figures."""

    cost_per_month: Exact
    latency_ms: float
    """mean over units that have users, 0 if none has"""
    carbon_kg_per_month: float
    control: float
    exit_cost: Exact
    """what leaving would cost all workloads together, once"""
    weights: dict[str, float]
    """the mixture that found it"""
    elsewhere: dict[str, tuple[str, ...]]
    """workload -> its places, site/pool, where they are others than in the base plan"""
    plan: Plan


def pareto(base: Decided, axes: Sequence[str], *, gap: float = 1e-3) -> tuple[Point, ...]:
    """Plans that no other found plan beats on all the axes, cheapest first."""
    unknown = [axis for axis in axes if axis not in AXES]
    if unknown or len(set(axes)) < 2:
        raise InputError(f"axes {', '.join(axes) or '(none)'}: give at least two of {', '.join(AXES)}")
    points = [_point(base, plan, weights) for weights, plan in _plans(base, tuple(dict.fromkeys(axes)), gap)]
    best: dict[tuple[float, ...], Point] = {}
    for point in points:
        best.setdefault(_figures(point, axes), point)
    kept = [point for key, point in best.items() if not any(_beats(other, key) for other in best)]
    return tuple(sorted(kept, key=lambda point: (point.cost_per_month, point.plan.id)))


def _plans(base: Decided, axes: tuple[str, ...], gap: float) -> Iterator[tuple[dict[str, float], Plan]]:
    entry = base.candidates
    problem = entry.problem
    measures = _measures(entry, axes)
    scale = {axis: _spread(entry, measures[axis]) for axis in axes}
    money = scale.get("cost", _spread(entry, measures["cost"]))
    for pick in combinations_with_replacement(range(len(axes)), STEPS):
        weights = {axis: max(TOUCH, pick.count(k) / STEPS) for k, axis in enumerate(axes)}
        mixed = np.sum([weights[axis] * measures[axis] / scale[axis] for axis in axes], axis=0)
        shared = weights.get("cost", 0.0) / money
        # Leaving work out must not become a way to look green: its penalty follows the largest figures.
        penalty = 3.0 * _largest_by_class(entry, mixed) + problem.penalty / money
        changed = replace(
            problem,
            col_cost=mixed,
            penalty=penalty,
            buy_cost=problem.buy_cost * shared,
            open_cost=problem.open_cost * shared,
            fixed_cost=0.0,
        )
        yield weights, decoded(entry, solve(changed, gap=gap).placement, base.plan.provenance)


def _measures(entry: Candidates, axes: Sequence[str]) -> dict[str, Floats]:
    """(J,) what one unit of each option counts on each axis; less is better on all."""
    world = entry.world
    latency = [
        worst_latency_ms(entry, entry.classes[o.number].names[0], o.place.site) or 0.0 for o in entry.options
    ]
    return {
        "cost": entry.problem.col_cost,
        "latency": np.asarray(latency, dtype=float),
        "carbon": np.asarray([option.carbon_kg for option in entry.options], dtype=float),
        "control": np.asarray(
            [1.0 - world.control[world.site_index[option.place.site]] for option in entry.options],
            dtype=float,
        ),
        **({"exit": exit_measure(entry)} if "exit" in axes else {}),
    }


def _spread(entry: Candidates, measure: Floats) -> float:
    """How far apart best and worst are over all classes: makes the axes comparable."""
    owners = np.asarray([option.number for option in entry.options], dtype=np.int64)
    if not len(owners):
        return 1.0
    most = np.full(len(entry.classes), -np.inf)
    least = np.full(len(entry.classes), np.inf)
    np.maximum.at(most, owners, measure)
    np.minimum.at(least, owners, measure)
    counts = np.asarray([c.count for c in entry.classes], dtype=float)
    known = np.isfinite(most)
    return float(np.sum((most - least)[known] * counts[known])) or 1.0


def _largest_by_class(entry: Candidates, measure: Floats) -> Floats:
    problem = entry.problem
    largest = np.zeros(len(problem.count))
    np.maximum.at(largest, problem.variant_class[problem.col_variant], measure)
    return largest


def _point(base: Decided, plan: Plan, weights: dict[str, float]) -> Point:
    placed = [a for decision in plan.decisions for a in decision.assignments]
    with_users = [a for a in placed if a.latency_ms is not None]
    units = sum(a.units for a in with_users)
    return Point(
        cost_per_month=per_month(plan),
        latency_ms=sum(a.units * (a.latency_ms or 0.0) for a in with_users) / units if units else 0.0,
        carbon_kg_per_month=plan.carbon_kg * 730.0 / plan.horizon_hours,
        control=plan.control,
        exit_cost=sum((entry.leaving.total for entry in exits(base, plan)), Decimal(0)),
        weights={axis: round(weight, 6) for axis, weight in weights.items()},
        elsewhere={
            one.workload: _places(one)
            for one, two in zip(plan.decisions, base.plan.decisions, strict=True)
            if _places(one) != _places(two)
        },
        plan=plan,
    )


def _places(decision: Decision) -> tuple[str, ...]:
    return tuple(sorted({f"{a.site}/{a.pool}" for a in decision.assignments}))


def _figures(point: Point, axes: Sequence[str]) -> tuple[float, ...]:
    """The figures on the axes, less is better, rounded so that solver noise makes no new point."""
    figures = {
        "cost": float(point.cost_per_month),
        "latency": point.latency_ms,
        "carbon": point.carbon_kg_per_month,
        "control": -point.control,
        "exit": float(point.exit_cost),
    }
    left_out = sum(decision.unplaced for decision in point.plan.decisions)
    return (float(left_out), *(round(figures[axis], 6) for axis in axes))


def _beats(other: tuple[float, ...], key: tuple[float, ...]) -> bool:
    return other != key and all(a <= b for a, b in zip(other, key, strict=True))
