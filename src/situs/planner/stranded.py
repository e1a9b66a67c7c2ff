"""Workloads that wait for others which are left out, and so never begin.

Leaving something out is the one choice that the rows of the order do not see.  Where it leaves followers
without a beginning they are left out as well, and the rest is decided again without them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from situs.planner.compile.candidates import Candidates, end_h
from situs.planner.compile.order import INSTANT_H, awaited
from situs.planner.given import Given
from situs.planner.problem import Ints, Placement


def stranded(candidates: Candidates, placement: Placement) -> frozenset[int]:
    """Classes that have places though not all that they wait for does."""
    waiting = awaited(candidates.world.intent)
    if not waiting:
        return frozenset()
    placed = _placed(candidates, placement)
    found = set()
    for name, others in waiting.items():
        number = candidates.class_of(name)
        before = [candidates.class_of(other) for other in others]
        if placed[number] and any(placed[other] < candidates.classes[other].count for other in before):
            found.add(number)
    return frozenset(found)


def _placed(candidates: Candidates, placement: Placement) -> Ints:
    """Units of each class that have a place."""
    owners = np.asarray([option.number for option in candidates.options], dtype=np.int64)
    units = np.bincount(owners, weights=placement.units, minlength=len(candidates.classes))
    return np.asarray(np.rint(units), dtype=np.int64)


def without(candidates: Candidates, classes: frozenset[int]) -> Candidates:
    """The same with the classes left out, which costs what leaving out those they wait for costs already."""
    limit, penalty = candidates.problem.col_limit.copy(), candidates.problem.penalty.copy()
    for number in classes:
        limit[candidates.columns_of(number)] = 0
        penalty[candidates.problem_class[number]] = 0.0
    return replace(candidates, problem=replace(candidates.problem, col_limit=limit, penalty=penalty))


def left_out_before(candidates: Candidates, name: str, given: dict[str, Given]) -> tuple[str, ...]:
    """Those that the workload waits for and that lack places."""
    others = awaited(candidates.world.intent).get(name, ())
    return tuple(other for other in others if given[other].unplaced)


def too_early(candidates: Candidates, given: dict[str, Given]) -> tuple[str, ...]:
    """Workloads that would begin before those they wait for have ended; there are none in a sound plan."""
    world = candidates.world
    found = []
    for name, others in sorted(awaited(world.intent).items()):
        begin = min((share.option.start_h for share in given[name].shares), default=float("inf"))
        ends = [end_h(world, share.option) for other in others for share in given[other].shares]
        if begin + INSTANT_H < max(ends, default=0.0):
            found.append(name)
    return tuple(found)
