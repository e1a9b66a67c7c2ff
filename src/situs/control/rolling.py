"""A new version of a service replaces the one before, unit by unit: which units are to be there now.

Pure, and from what is there alone, so that it comes out the same after a crash.  In the field's terms: at most
``max_surge`` units more than wanted, and at most ``max_unavailable`` fewer that serve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from situs.control.wanted import Place, place_of
from situs.model.workload import Rolling
from situs.store.runs import Run


@dataclass(frozen=True)
class Version:
    """What is wanted of a service."""

    specs: frozenset[str]
    """of what is run, for each shape"""
    units: int
    sites: frozenset[str]
    how: Rolling


@dataclass(frozen=True)
class Replacing:
    """Units of a service in the middle of becoming another version."""

    new: Mapping[int, Place]
    """number -> where a unit of the new version is to be"""
    old: Sequence[int]
    """numbers of units of an older version that go on for now; others of them are to end"""


def replacing(
    units: Mapping[Place, int],
    specs: Mapping[Place, str],
    there: Mapping[int, Run],
    serving: frozenset[int],
    how: Rolling,
) -> Replacing | None:
    """What is to be there now; None when no unit of another version is.

    ``units``: how many are wanted where; ``specs``: of the version that is wanted; ``there``: the newest run of each
    number; ``serving``: those that are known to serve.
    """
    placed = {number: run for number, run in sorted(there.items()) if run.phase == "placed"}
    room, new = dict(units), dict[int, Place]()
    for number, run in placed.items():
        place = place_of(run)
        if room.get(place, 0) and run.spec == specs[place]:
            room[place] -= 1
            new[number] = place
    old = [number for number in placed if number not in new]
    versions = set(specs.values())
    # One that is ending still has its share of the machine.
    ending = [r for r in there.values() if r.phase == "leaving" and not r.abandoned and place_of(r) in units]
    if all(run.spec in versions for run in (*ending, *(placed[number] for number in old))):
        return None
    wanted = sum(units.values())
    missing = [place for place, free in room.items() for _ in range(free)]
    may_begin = max(0, wanted + how.max_surge - len(placed) - len(ending))
    new |= dict(zip(_free(there, versions), missing[:may_begin], strict=False))
    return Replacing(new, _going_on(old, serving, len(serving & new.keys()), wanted - how.max_unavailable))


def _going_on(old: Sequence[int], serving: frozenset[int], new_ones: int, least: int) -> list[int]:
    """Those that serve are ended in the order of their numbers, so that it is settled who is next."""
    useful = [number for number in old if number in serving]
    may_end = max(0, len(useful) + new_ones - least)
    return useful[may_end:]


def _free(there: Mapping[int, Run], versions: set[str]) -> chain[int]:
    """Numbers for units that begin; one that failed is begun again under its own, and waits longer each time."""
    failed = [n for n, run in sorted(there.items()) if run.phase == "ended" and run.spec in versions]
    taken = {n for n, run in there.items() if run.phase in ("placed", "leaving")}
    return chain(failed, (n for n in count() if n not in taken and n not in failed))
