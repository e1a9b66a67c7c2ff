"""Why a site that a workload may use is still not the best for it: what it would have to share, and cost.

Each kind of limit is lifted in thought, and both sides of the race run again: the limit without which the
site would win is what keeps the workload away.  If there is none, the site is simply dearer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from situs.model.refusal import Refusal
from situs.planner.explain.race import Race
from situs.planner.problem import Problem


def shared_limits(race: Race) -> tuple[Refusal, ...]:
    """The reasons, the dominant one first; at least one."""
    details = {"workload": race.runner.workload, "site": race.runner.site}
    decisive, contributing = [], []
    for refusal, without in _lifted(race):
        if without.lead is None:
            continue
        if without.lead < -without.margin:
            decisive.append(refusal)
        elif race.lead is None or without.lead < race.lead - race.margin:
            contributing.append(refusal)
    bill = _move_bill(race)
    if bill is not None:
        (decisive if _wins_without_bill(race) else contributing).append(bill)
    costs = [] if decisive else [Refusal(rule="cost", details={**details, **_cost(race)})]
    return (*decisive, *costs, *contributing)


def _lifted(race: Race) -> Iterator[tuple[Refusal, Race]]:
    """Each kind of limit that the site's columns meet, and the race without it."""
    details = {"workload": race.runner.workload, "site": race.runner.site}
    families: dict[tuple[str, ...], list[int]] = {}
    used = _rows_of(race.problem, race.columns)
    for row, name in race.candidates.rows.items():
        assert isinstance(name, tuple)
        if name[0] == "pool" and name[1] == race.runner.site:
            families.setdefault(("capacity", name[2]), []).append(row)
        elif row in used and name[0] in ("spread", "concentration", "budget"):
            families.setdefault((name[0], str(name[1])), []).append(row)
        elif name[0] == "storage" and name[1] == race.runner.site:
            families.setdefault(("storage", ""), []).append(row)
    for (rule, what), rows in sorted(families.items()):
        capacity = race.problem.row_capacity.copy()
        capacity[rows] = np.inf
        more = {"pool": what} if rule == "capacity" else {"what": what} if what else {}
        yield Refusal(rule=rule, details={**details, **more}), race.with_problem(row_capacity=capacity)
    if _bound_to_others(race):
        yield Refusal(rule="affinity", details={**details, **_others(race)}), _alone(race)


def _rows_of(problem: Problem, columns: np.ndarray) -> frozenset[int]:
    """Rows that the columns take from, apart from those of the first slot of a pool."""
    found: set[int] = set()
    for column in columns:
        found.update(
            problem.extra_row[problem.extra_indptr[column] : problem.extra_indptr[column + 1]].tolist()
        )
    return frozenset(found)


def _affinity_opens(race: Race) -> frozenset[int]:
    """Opens that tie the workload to others at the site: the needed ones that are no replica and keep no order."""
    replicas = {copy.open for copy in race.candidates.replicas.copies.values()} | race.candidates.order.opens
    problem = race.problem
    found: set[int] = set()
    for column in race.columns:
        found.update(
            problem.need_open[problem.need_indptr[column] : problem.need_indptr[column + 1]].tolist()
        )
    return frozenset(found - replicas)


def _bound_to_others(race: Race) -> bool:
    return bool(_affinity_opens(race))


def _others(race: Race) -> dict[str, str]:
    """The other workloads that need the same opens."""
    ties = _affinity_opens(race)
    problem = race.problem
    numbers = {
        race.candidates.options[column].number
        for column in range(len(problem.col_cost))
        if ties
        & set(problem.need_open[problem.need_indptr[column] : problem.need_indptr[column + 1]].tolist())
    }
    names = {name for number in numbers for name in race.candidates.classes[number].names}
    return {"others": ", ".join(sorted(names - {race.runner.workload}))}


def _alone(race: Race) -> Race:
    """The race with the workload's own ties cut; the others stay tied to each other."""
    problem, ties = race.problem, _affinity_opens(race)
    groups = {int(problem.open_group[open_]) for open_ in ties}
    own = set(race.candidates.columns_of(race.number))
    all_ties = {open_ for open_ in range(len(problem.open_group)) if int(problem.open_group[open_]) in groups}
    column = np.repeat(np.arange(len(problem.col_cost)), np.diff(problem.need_indptr))
    kept = np.asarray(
        [not (int(c) in own and int(f) in all_ties) for c, f in zip(column, problem.need_open, strict=True)],
        dtype=bool,
    )
    lengths = np.bincount(column[kept], minlength=len(problem.col_cost))
    indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return race.with_problem(need_indptr=indptr, need_open=problem.need_open[kept])


def _move_bill(race: Race) -> Refusal | None:
    bills = [option.bill for option in race.options if option.bill is not None]
    if not bills:
        return None
    details = {"workload": race.runner.workload, "site": race.runner.site}
    least = min(bill.total for bill in bills)
    currency = race.candidates.world.settings.currency
    return Refusal(rule="move-bill", details={**details, "bill": f"{least:.2f}", "currency": currency})


def _wins_without_bill(race: Race) -> bool:
    """Whether the site would win if moving there cost nothing."""
    cost = race.problem.col_cost.copy()
    cost[race.columns] -= np.asarray([option.move for option in race.options])
    return race.with_problem(col_cost=cost).won


def _cost(race: Race) -> dict[str, str]:
    world = race.candidates.world
    lead = race.lead if race.lead is not None and np.isfinite(race.lead) else 0.0
    return {"extra": f"{lead / world.months:.2f}", "currency": world.settings.currency}
