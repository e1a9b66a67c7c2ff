"""What is overfull after local search is cleared, unit by unit, each time by whoever loses least for what it frees."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Floats, Ids, Ints
from situs.planner.solve.compiled import compiled


@compiled
def _fits(o: int, use_indptr: Ints, use_row: Ids, use_amount: Floats, load: Floats, room: Floats) -> bool:
    fits = True
    for n in range(use_indptr[o], use_indptr[o + 1]):
        fits = fits and load[use_row[n]] + use_amount[n] <= room[use_row[n]]
    return fits


@compiled
def _move(
    a: int, b: int, use_indptr: Ints, use_row: Ids, use_amount: Floats, units: Ints, load: Floats
) -> None:
    units[a] -= 1
    units[b] += 1
    for n in range(use_indptr[a], use_indptr[a + 1]):
        load[use_row[n]] -= use_amount[n]
    for n in range(use_indptr[b], use_indptr[b + 1]):
        load[use_row[n]] += use_amount[n]


@compiled
def _elsewhere(
    a: int,
    first: Ints,
    cost: Floats,
    limit: Ints,
    cls: Ids,
    use_indptr: Ints,
    use_row: Ids,
    use_amount: Floats,
    room: Floats,
    units: Ints,
    load: Floats,
) -> int:
    """The least costly other option of the class of ``a`` that has room; leaving out always has."""
    i = cls[a]
    best = int(first[i + 1] - 1)
    for b in range(first[i], first[i + 1] - 1):
        better = b != a and cost[b] < cost[best] and units[b] < limit[b]
        if better and _fits(b, use_indptr, use_row, use_amount, load, room):
            best = b
    return best


@compiled
def clear_overfull(
    first: Ints,
    cost: Floats,
    limit: Ints,
    cls: Ids,
    use_indptr: Ints,
    use_row: Ids,
    use_amount: Floats,
    room: Floats,
    units: Ints,
    load: Floats,
) -> None:
    """Move units, in place, until no row holds more than ``room`` (M,); the last resort is to leave them out."""
    rows = len(load)
    number = np.zeros(rows + 1, dtype=np.int64)
    for o in range(len(cost)):
        if units[o] > 0:
            for n in range(use_indptr[o], use_indptr[o + 1]):
                if load[use_row[n]] > room[use_row[n]]:
                    number[use_row[n] + 1] += 1
    start = np.cumsum(number)
    users = np.empty(max(1, start[-1]), dtype=np.int64)
    amounts = np.empty(max(1, start[-1]))
    at = start.copy()
    for o in range(len(cost)):
        if units[o] > 0:
            for n in range(use_indptr[o], use_indptr[o + 1]):
                row = use_row[n]
                if number[row + 1] > 0:
                    users[at[row]] = o
                    amounts[at[row]] = use_amount[n]
                    at[row] += 1
    for row in range(rows):
        while number[row + 1] > 0 and load[row] > room[row]:
            over = load[row] - room[row]
            best, to = -1, -1
            least = np.inf
            for n in range(start[row], start[row + 1]):
                a = users[n]
                if units[a] == 0:
                    continue
                b = _elsewhere(a, first, cost, limit, cls, use_indptr, use_row, use_amount, room, units, load)
                if a == b:
                    continue
                loss = (cost[b] - cost[a]) / min(over, amounts[n])
                if loss < least:
                    least, best, to = loss, a, b
            if best < 0:
                break
            _move(best, to, use_indptr, use_row, use_amount, units, load)


@compiled
def bring_in(
    first: Ints,
    cost: Floats,
    limit: Ints,
    cls: Ids,
    target: Ids,
    use_indptr: Ints,
    use_row: Ids,
    use_amount: Floats,
    by_target: Ints,
    out: Ints,
    room: Floats,
    units: Ints,
    load: Floats,
) -> int:
    """Place units of the classes ``out``, dearest first, where there is room, or where one other can make way
    for less than is gained; gives how many."""
    here = np.empty(max(1, by_target[-1]), dtype=np.int64)
    number = np.zeros(len(by_target) - 1, dtype=np.int64)
    for o in range(len(cost)):
        if units[o] > 0 and target[o] >= 0:
            here[by_target[target[o]] + number[target[o]]] = o
            number[target[o]] += 1
    placed = 0
    for i in out:
        away = first[i + 1] - 1
        while units[away] > 0:
            best_gain, best, ejected, goes = 0.0, -1, -1, -1
            for b in range(first[i], away):
                gain = cost[away] - cost[b]
                if gain <= best_gain or units[b] >= limit[b]:
                    continue
                if _fits(b, use_indptr, use_row, use_amount, load, room):
                    best_gain, best, ejected, goes = gain, b, -1, -1
                    continue
                t = target[b]
                for n in range(number[t]):
                    k = here[by_target[t] + n]
                    if units[k] == 0 or cls[k] == i:
                        continue
                    # Would there be room without one unit of k, and could that go elsewhere for little?
                    units[k] -= 1
                    for m in range(use_indptr[k], use_indptr[k + 1]):
                        load[use_row[m]] -= use_amount[m]
                    if _fits(b, use_indptr, use_row, use_amount, load, room):
                        for m in range(use_indptr[b], use_indptr[b + 1]):
                            load[use_row[m]] += use_amount[m]
                        to = _elsewhere(
                            k, first, cost, limit, cls, use_indptr, use_row, use_amount, room, units, load
                        )
                        left = gain - (cost[to] - cost[k])
                        for m in range(use_indptr[b], use_indptr[b + 1]):
                            load[use_row[m]] -= use_amount[m]
                        if left > best_gain:
                            best_gain, best, ejected, goes = left, b, k, to
                    units[k] += 1
                    for m in range(use_indptr[k], use_indptr[k + 1]):
                        load[use_row[m]] += use_amount[m]
            if best < 0:
                break
            if ejected >= 0:
                _move(ejected, goes, use_indptr, use_row, use_amount, units, load)
                if target[goes] >= 0 and units[goes] == 1:
                    t = target[goes]
                    if by_target[t] + number[t] < by_target[t + 1]:
                        here[by_target[t] + number[t]] = goes
                        number[t] += 1
            _move(away, best, use_indptr, use_row, use_amount, units, load)
            t = target[best]
            if units[best] == 1 and by_target[t] + number[t] < by_target[t + 1]:
                here[by_target[t] + number[t]] = best
                number[t] += 1
            placed += 1
    return placed
