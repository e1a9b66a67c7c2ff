"""Who got what: the units of a class handed to its workloads by name."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from situs.planner.compile.candidates import Candidates, Option
from situs.planner.problem import Placement


@dataclass
class Share:
    """Units of one option that belong to one workload of its class."""

    option: Option
    units: int


@dataclass
class Given:
    """What one workload got."""

    shares: list[Share] = field(default_factory=list)
    unplaced: int = 0


def distribute(candidates: Candidates, placement: Placement) -> dict[str, Given]:
    """Hand the units of each class to its workloads by name, so that equal input gives equal plans."""
    units = placement.units
    chosen: dict[int, list[Share]] = defaultdict(list)
    for column in np.flatnonzero(units):
        option = candidates.options[column]
        chosen[option.number].append(Share(option, int(units[column])))
    given: dict[str, Given] = {}
    for number, entry in enumerate(candidates.classes):
        queue = chosen[number]
        for name in entry.names:
            given[name] = _take(queue, candidates.world.intent.workloads[name].count)
    return given


def _take(queue: list[Share], wanted: int) -> Given:
    got = Given()
    while wanted and queue:
        units = min(wanted, queue[0].units)
        got.shares.append(Share(queue[0].option, units))
        queue[0].units -= units
        wanted -= units
        if not queue[0].units:
            queue.pop(0)
    got.unplaced = wanted
    return got
