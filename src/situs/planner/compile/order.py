"""What begins after what.

A workload with ``after`` begins when those it names have ended.  Which of their options they take is not known
before everything is decided, so the order is part of the problem: an option that ends late and an option of a
follower that begins before are never taken together.  A follower is offered the ends of those it waits for as
times to begin at, besides the slots of the calendar; so it never has to begin earlier than it may.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

from situs.model.intent import Intent
from situs.model.workload import Workload
from situs.planner.compile.assembly import Assembly
from situs.planner.compile.joint import Worth

MOST_TIMES = 12
"""Times to begin at besides the slots. What ends later than the eleventh is waited for until the last of all."""

LARGEST_PART = 1_000
"""Up to so many units, one of them is a part of a row that no tolerance of a solver swallows."""

INSTANT_H = 1e-6
"""Hours below which two instants are the same: four milliseconds."""


def awaited(intent: Intent) -> dict[str, tuple[str, ...]]:
    """For each workload that has to wait, the workloads it waits for."""
    waiting = {}
    for name, workload in intent.workloads.items():
        others = {other for other in workload.after if other in intent.workloads}
        bound = sorted(other for other in others if _binds(workload, intent.workloads[other]))
        if bound:
            waiting[name] = tuple(bound)
    return waiting


def _binds(workload: Workload, other: Workload) -> bool:
    """Whether the end of the other has a say in when the workload begins.

    A run that comes again every month follows the other's run of every month, at no time that a plan would
    know.  What runs on and is there today has begun already.
    """
    if workload.job is not None and workload.job.per_month is None:
        return True
    if workload.current is not None:
        return False
    recur = (each.job is not None and each.job.per_month is not None for each in (workload, other))
    return not all(recur)


def followers(waiting: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """For each workload that is waited for, those that do."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(waiting):
        for other in waiting[name]:
            found[other].append(name)
    return {name: tuple(names) for name, names in found.items()}


def in_order(waiting: Mapping[str, tuple[str, ...]], class_of: Mapping[str, int]) -> list[int]:
    """The classes that wait or are waited for, each after those it waits for."""
    graph: dict[int, set[int]] = {}
    for name, others in sorted(waiting.items()):
        graph.setdefault(class_of[name], set()).update(class_of[other] for other in others)
    return list(TopologicalSorter(graph).static_order())


def times_to_begin(ends: Iterable[Sequence[float]]) -> tuple[float, ...]:
    """When something may begin that waits for others; empty: never.

    ``ends``: for each of the others, when it could end.
    """
    each_one = [sorted(set(each)) for each in ends]
    if not all(each_one):
        return ()
    first = max(each[0] for each in each_one)
    times = sorted({end for each in each_one for end in each if end >= first})
    return tuple(times if len(times) <= MOST_TIMES else [*times[: MOST_TIMES - 1], times[-1]])


def pressing(
    worths: Mapping[int, Worth], counts: Mapping[int, int], before: Mapping[int, Sequence[int]]
) -> dict[int, Worth]:
    """What leaving out is measured by, where a follower presses those it waits for.

    A deadline may send all that lead up to it to dearer places, which must not make it look dearer than it is
    worth.
    """
    led_up: dict[int, float] = {}
    found = dict(worths)
    for number, others in before.items():
        led_up[number] = sum(
            led_up[other] + counts[other] * worths[other].dearest for other in others if other in worths
        )
        if number in worths and others:
            own = worths[number]
            found[number] = replace(own, dearest=own.dearest + led_up[number] / counts[number])
    return found


def with_followers(
    penalties: Mapping[int, float], counts: Mapping[int, int], before: Mapping[int, Sequence[int]]
) -> dict[int, float]:
    """What leaving one unit of each class out costs, with those that could not begin without it."""
    found = dict(penalties)
    for number, others in reversed(list(before.items())):
        for other in others if number in found else ():
            if other in found:
                found[other] += found[number] * counts[number] / counts[other]
    return found


@dataclass(frozen=True)
class Timed:
    """A class with the start and the end of each of its options, in hours."""

    number: int
    name: str
    count: int
    spans: Sequence[tuple[float, float]]


class Order:
    """Rows and opens that keep the order, for each option of the classes that are tied by it."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._uses: dict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
        self._needs: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.opens: set[int] = set()

    def uses(self, number: int, option: int) -> Sequence[tuple[int, float]]:
        """What the option of the class takes of rows."""
        return self._uses.get((number, option), ())

    def needs(self, number: int, option: int) -> Sequence[int]:
        """The opens that the option of the class needs."""
        return self._needs.get((number, option), ())

    def tie(self, first: Timed, then: Timed) -> None:
        """No unit of ``then`` begins before every unit of ``first`` has ended."""
        for begin in sorted({start for start, _ in then.spans}):
            late = [(first.number, k) for k, (_, end) in enumerate(first.spans) if end > begin + INSTANT_H]
            early = [(then.number, k) for k, (start, _) in enumerate(then.spans) if start <= begin]
            if not late:
                break
            key = ("after", then.name, first.name, begin)
            if min(first.count, then.count) == 1 and max(first.count, then.count) <= LARGEST_PART:
                self._one_row(key, (late, first.count), (early, then.count))
            else:
                self._one_open(key, late, early)

    def _one_row(self, key: tuple[object, ...], *sides: tuple[Sequence[tuple[int, int]], int]) -> None:
        """All units of one side fill the row, so that none of the other has room; as one side is a single unit."""
        row = self._assembly.row(key, 1.0)
        for options, count in sides:
            for option in options:
                self._uses[option].append((row, 1.0 / count))

    def _one_open(self, key: tuple[object, ...], *sides: Sequence[tuple[int, int]]) -> None:
        """Each side needs an open of its own, and only one of the two may be."""
        group = self._assembly.group(key, 0, 1)
        for number, options in enumerate(sides):
            open_ = self._assembly.open((*key, number), 0.0, group)
            self.opens.add(open_)
            for option in options:
                self._needs[option].append(open_)
