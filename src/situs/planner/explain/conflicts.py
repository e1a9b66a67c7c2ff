"""Wishes that each can be granted, but not all together.

For a workload that was left out although it has places, the smallest set of workloads and limits is sought
that cannot hold together with it.  The question is one of feasibility alone: with every workload of the set
placed and no other one there, and no limit but those of the set, there is no plan; and without any one of
them there is.  Such a set is found by taking away one thing after the other and keeping it away wherever
what is left still cannot hold together (a deletion filter).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from situs.model.refusal import Refusal
from situs.planner.compile.candidates import Candidates
from situs.planner.decide import Decided
from situs.planner.exact import Demand, optimum
from situs.planner.explain.model import Conflict
from situs.planner.problem import Problem

MOST_COLUMNS = 20_000
"""Larger problems are not searched: each of the questions asked would take minutes."""

MOST_CONFLICTS = 10


@dataclass(frozen=True)
class _Limit:
    """Rows that are one limit to people: all resources and slots of a pool, one budget, one spread group."""

    refusal: Refusal
    rows: tuple[int, ...]


def conflicts(decided: Decided) -> tuple[Conflict, ...]:
    """For every class of workloads that was left out in part or whole, why the wishes do not fit together.

    What is left out because it may be nowhere has its reason in its decision and is not repeated here.
    """
    asked: dict[int, str] = {}
    for decision in decided.plan.decisions:
        if decision.unplaced:
            asked.setdefault(decided.candidates.class_of(decision.workload), decision.workload)
    found = (conflict(decided, workload) for workload in asked.values())
    return tuple(islice((one for one in found if one is not None), MOST_CONFLICTS))


def conflict(decided: Decided, workload: str) -> Conflict | None:
    """Why the wishes do not fit together with the workload's.

    None where it is placed, may be nowhere, or would fit but is worth less than the place would cost; and in
    estates that are too large to search.
    """
    candidates = decided.candidates
    number = candidates.class_of(workload)
    may_be_somewhere = candidates.problem_class[number] >= 0
    small = len(candidates.problem.col_cost) <= MOST_COLUMNS
    decision = decided.plan.decision(workload)
    # What needs something lifted has been told what.
    if not (decision.unplaced and may_be_somewhere and small) or decision.needs_lifting:
        return None
    filter_ = _Filter(candidates)
    wanted = frozenset(k for k in range(len(candidates.classes)) if candidates.problem_class[k] >= 0)
    limits = frozenset(range(len(filter_.limits)))
    if filter_.holds(wanted, limits):
        return None
    for other in _far_first(candidates, number, wanted):
        if not filter_.holds(wanted - {other}, limits):
            wanted -= {other}
    for limit in sorted(limits):
        if not filter_.holds(wanted, limits - {limit}):
            limits -= {limit}
    names = [name for k in sorted(wanted) for name in candidates.classes[k].names]
    return Conflict(
        left_out=workload,
        workloads=tuple(sorted(names)),
        limits=tuple(filter_.limits[limit].refusal for limit in sorted(limits)),
    )


def _far_first(candidates: Candidates, number: int, wanted: Iterable[int]) -> list[int]:
    """Other classes, those that share the fewest places with the one asked about first; so they go first."""
    places = {option.place.index for option in candidates.options_of(number)}

    def shared(other: int) -> tuple[int, int]:
        theirs = {option.place.index for option in candidates.options_of(other)}
        return len(places & theirs), other

    return sorted((other for other in wanted if other != number), key=shared)


class _Filter:
    """Asks whether some classes fit together under some of the limits."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self.limits = tuple(_limits(candidates))

    def holds(self, classes: frozenset[int], limits: frozenset[int]) -> bool:
        """Whether all units of the classes can be placed, with no others there and no other limits."""
        problem = self._candidates.problem
        capacity = problem.row_capacity.copy()
        for number, limit in enumerate(self.limits):
            if number not in limits:
                capacity[list(limit.rows)] = np.inf
        free = replace(problem, row_capacity=capacity, **_costless(problem))  # type: ignore[arg-type]
        wishes = []
        for number in range(len(self._candidates.classes)):
            columns = np.asarray(self._candidates.columns_of(number), dtype=np.int64)
            if not len(columns):
                continue
            count = self._candidates.classes[number].count
            if number in classes:
                wishes.append(Demand(columns, least=count))
            else:
                wishes.append(Demand(columns, most=0))
        return optimum(free, *wishes) is not None


def _costless(problem: Problem) -> dict[str, np.ndarray]:
    """Whether something is possible is not a question of cost."""
    return {
        name: np.zeros_like(getattr(problem, name))
        for name in ("col_cost", "penalty", "buy_cost", "open_cost")
    }


def _limits(candidates: Candidates) -> Iterator[_Limit]:
    """The rows of the problem, put together as people see them."""
    grouped: dict[tuple[str, ...], list[int]] = {}
    for row, name in candidates.rows.items():
        if isinstance(name, tuple) and name[0] != "volume":
            width = 3 if name[0] in ("pool", "spread", "after") else 2
            grouped.setdefault(tuple(str(part) for part in name[:width]), []).append(row)
    for name, rows in grouped.items():
        yield _Limit(_named(name), tuple(rows))


def _named(name: tuple[str, ...]) -> Refusal:
    kind = name[0]
    if kind == "pool":
        return Refusal(rule="pool", details={"site": name[1], "pool": name[2]})
    if kind == "spread":
        return Refusal(rule="spread-group", details={"over": name[1], "group": name[2].split(":", 1)[1]})
    if kind == "storage":
        return Refusal(rule="storage-full", details={"site": name[1]})
    if kind == "concentration":
        return Refusal(rule="concentration-full", details={"operator": name[1]})
    if kind == "after":
        return Refusal(rule="order", details={"workload": name[1], "others": name[2]})
    if kind == "own-budget":
        return Refusal(rule="own-budget-full", details={"workload": name[1]})
    return Refusal(rule="budget-full", details={"use_case": name[1]})
