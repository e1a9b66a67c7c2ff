"""What a plan says about the plan after it: where things are, and where they may stay.

A plan is in force from its instant on, so at any later instant what it placed is there: leaving costs the bill
of a move, and minimum run time and cool-down count from when it came.  A plan for the very same instant has
not been carried out yet; there only what the plans before it placed is where it says.  What the estate's files
say is stronger: a workload with ``current`` is where that says, whatever was planned.

Whatever has not changed is first tried where it was.  Only when that is further from the proven bound than was
asked for does the search look further, so that a small change does not shuffle the rest for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from situs.model.intent import Intent
from situs.model.plan import Assignment, Plan
from situs.model.workload import Current
from situs.planner.compile.candidates import Candidates, Option
from situs.planner.compile.world import PoolName
from situs.planner.exact import Fixed, optimum
from situs.planner.problem import Placement

MOST_FREE = 2_000
"""Options of what is new or has changed, up to which it is fitted in exactly. With more of them it is another
estate, and deciding anew is quicker."""

Place = tuple[object, ...]


@dataclass(frozen=True)
class Continued:
    """An intent with everything where it is by now."""

    intent: Intent
    split: Mapping[str, Mapping[PoolName, int]] = field(default_factory=dict)
    """units by place, of workloads that are in several"""


def continued(intent: Intent, before: Plan, at: datetime) -> Continued:
    """Where the plan before, and those before that, have put everything by now."""
    sources = {move.workload: move.source for move in before.moves}
    workloads = dict(intent.workloads)
    split: dict[str, Mapping[PoolName, int]] = {}
    for decision in before.decisions:
        name = decision.workload
        workload = workloads.get(name)
        if workload is None or workload.current is not None:
            continue
        there = [a for a in decision.assignments if a.since is not None and a.since < at]
        current = _standing(there)
        if current is None and name in sources:
            # What was to move at this very instant has not left yet.
            current = Current(site=sources[name])
        if current is not None:
            workloads[name] = workload.model_copy(update={"current": current})
        units = _units(there)
        if len(units) > 1:
            split[name] = units
    return Continued(intent.model_copy(update={"workloads": workloads}), split)


def carried_out(intent: Intent, before: Plan) -> Continued:
    """Everything where the plan puts it, at once, and nothing held there."""
    workloads = dict(intent.workloads)
    split: dict[str, Mapping[PoolName, int]] = {}
    for decision in before.decisions:
        units = _units(decision.assignments)
        current = _standing(decision.assignments)
        if current is not None and decision.workload in workloads:
            fresh = Current(site=current.site, pool=current.pool)
            workloads[decision.workload] = workloads[decision.workload].model_copy(update={"current": fresh})
            if len(units) > 1:
                split[decision.workload] = units
    return Continued(intent.model_copy(update={"workloads": workloads}), split)


def _standing(there: Sequence[Assignment]) -> Current | None:
    """The place of the most units."""
    if not there:
        return None
    main = max(there, key=lambda a: a.units)
    return Current(site=main.site, pool=main.pool, since=main.since, last_moved=main.moved)


def _units(there: Sequence[Assignment]) -> Mapping[PoolName, int]:
    units: Counter[PoolName] = Counter()
    for a in there:
        units[a.site, a.pool] += a.units
    return units


def kept(candidates: Candidates, before: Plan) -> Placement | None:
    """The best placement that leaves all where it was that can be; None where there is none."""
    fixed = _fixed(candidates, before)
    if len(candidates.options) - len(fixed.columns) > MOST_FREE:
        return None
    return optimum(candidates.problem, fixed=fixed)


def untouched(candidates: Candidates, before: Plan) -> Placement | None:
    """The best placement that leaves each unit exactly where it was, left out or not; None where one cannot be."""
    every = {int(number) for number in candidates.problem_class if number >= 0}
    fixed = _fixed(candidates, before, short=True)
    return optimum(candidates.problem, fixed=fixed) if every == set(fixed.classes.tolist()) else None


def _fixed(candidates: Candidates, before: Plan, *, short: bool = False) -> Fixed:
    """The units of every class that had a place for each of them and may have it still.

    ``short``: also of those that had too few places.
    """
    decisions = {decision.workload: decision for decision in before.decisions}
    columns: list[int] = []
    units: list[int] = []
    classes: list[int] = []
    unplaced: list[int] = []
    for number, entry in enumerate(candidates.classes):
        if candidates.problem_class[number] < 0:
            continue
        was: Counter[Place] = Counter()
        for name in entry.names:
            for assignment in decisions[name].assignments if name in decisions else ():
                was[_was(candidates, assignment)] += assignment.units
        own = candidates.columns_of(number)
        # Of a place where some units are already, the way for those comes first, and it is the one for these.
        there = {_is(candidates.options[column]): column for column in reversed(own)}
        left_out = entry.count - was.total()
        if left_out < 0 or (left_out and not short) or not was.keys() <= there.keys():
            continue
        columns += own
        units += [was.get(_is(candidates.options[column]), 0) for column in own]
        classes.append(int(candidates.problem_class[number]))
        unplaced.append(left_out)
    return Fixed(*(np.asarray(part, dtype=np.int64) for part in (columns, units, classes, unplaced)))


def _was(candidates: Candidates, a: Assignment) -> Place:
    start_h = 0.0 if a.start is None else max(0.0, candidates.world.calendar.hours_until(a.start))
    return (
        a.site,
        a.pool,
        a.shape,
        round(start_h, 6),
        frozenset(a.reads.items()),
        frozenset(a.writes.items()),
    )


def _is(option: Option) -> Place:
    way = option.way
    return (
        option.place.site,
        option.place.name,
        option.fitting.shape.name,
        round(option.start_h, 6),
        frozenset(way.reads),
        frozenset(way.writes),
    )
