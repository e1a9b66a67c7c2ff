"""Local search led by prices, in machine code: units change places, or make way for each other.

In the beginning what does not fit costs as much as its place is worth; by and by it becomes dear.  Meanwhile ever
smaller losses are accepted on the way to a gain.
"""

from __future__ import annotations

import math

import numpy as np

from situs.planner.problem import Floats, Ids, Ints
from situs.planner.solve.compiled import compiled

STAGES = 200
"""So often at most, while the temperature falls, what does not fit becomes dearer.  Each time all cells are priced
anew, which should not take longer than the moves between."""


@compiled
def _cell_cost(
    c: int,
    indptr: Ints,
    rows: Ids,
    load: Floats,
    own: Floats,
    worth: Floats,
    block_cost: Floats,
    block_limit: Floats,
    block_amount: Floats,
    cheap: Floats,
    cheap_price: Floats,
    dear: Floats,
    dear_price: Floats,
    steep: float,
) -> float:
    """What the loads of a cell cost; what does not fit costs ``steep`` times its worth."""
    blocks = 0.0
    value = 0.0
    for n in range(indptr[c], indptr[c + 1]):
        row = rows[n]
        if block_amount[row] > 0:
            blocks = max(blocks, (load[row] - own[row]) / block_amount[row])
    if blocks > 0:
        blocks = min(blocks, block_limit[c])
        value += block_cost[c] * math.ceil(blocks - 1e-9)
    for n in range(indptr[c], indptr[c + 1]):
        row = rows[n]
        over = load[row] - own[row]
        if block_amount[row] > 0:
            over -= block_limit[c] * block_amount[row]
        if over > 0 and dear[row] > 0:
            some = min(over, cheap[row])
            more = min(over - some, dear[row])
            value += some * cheap_price[row] + more * dear_price[row]
            over -= some + more
        if over > 1e-11 * own[row]:
            value += steep * worth[row] * over
    return value


@compiled
def _next(state: Ints) -> float:
    """A random number from 0 up to 1."""
    word = np.uint64(state[0])
    word ^= word << np.uint64(13)
    word ^= word >> np.uint64(7)
    word ^= word << np.uint64(17)
    state[0] = np.int64(word)
    return float(word >> np.uint64(11)) / 9007199254740992.0


@compiled
def anneal(
    moves: int,
    state: Ints,
    hot: float,
    cold: float,
    steep_from: float,
    steep_to: float,
    first: Ints,
    cost: Floats,
    limit: Ints,
    cls: Ids,
    target: Ids,
    use_indptr: Ints,
    use_row: Ids,
    use_amount: Floats,
    by_target: Ints,
    movable: Ints,
    count: Ints,
    scale: Floats,
    of_row: Ids,
    cell_indptr: Ints,
    cell_row: Ids,
    own: Floats,
    worth: Floats,
    block_cost: Floats,
    block_limit: Floats,
    block_amount: Floats,
    cheap: Floats,
    cheap_price: Floats,
    dear: Floats,
    dear_price: Floats,
    units: Ints,
    load: Floats,
) -> None:
    """Improve ``units`` (o,) and ``load`` (M,) in place by ``moves`` trials.

    ``state`` (1,) is where the random numbers are, never 0.  Classes ``movable`` are tried.  The temperature falls
    from ``hot`` to ``cold`` times ``scale`` (I,), and what does not fit becomes dearer, from ``steep_from`` to
    ``steep_to`` times its worth.
    """
    classes = len(count)
    size = len(cost)
    rows = len(load)
    # Options in use at each target, so that somebody in the way is found at once.
    here = np.empty(max(1, by_target[-1]), dtype=np.int64)
    number = np.zeros(len(by_target) - 1, dtype=np.int64)
    place = np.full(size, -1, dtype=np.int64)
    moves_at_all = np.zeros(classes, dtype=np.bool_)
    for i in movable:
        moves_at_all[i] = True
    for o in range(size):
        if units[o] > 0 and target[o] >= 0 and moves_at_all[cls[o]]:
            t = target[o]
            place[o] = number[t]
            here[by_target[t] + number[t]] = o
            number[t] += 1
    current = np.empty(classes, dtype=np.int64)
    for i in range(classes):
        for o in range(first[i], first[i + 1]):
            if units[o] > 0:
                current[i] = o
    price = np.empty(rows)
    # None yet, so that the first trial looks at all cells.
    steep = -1.0
    most_uses = 0
    for o in range(size):
        most_uses = max(most_uses, use_indptr[o + 1] - use_indptr[o])
    # Two units leave one option each for another.
    touched = np.empty(4 * most_uses, dtype=np.int64)
    seen = np.zeros(rows, dtype=np.bool_)
    after = np.empty(4 * most_uses)
    froms = np.empty(2, dtype=np.int64)
    tos = np.empty(2, dtype=np.int64)
    quantity = np.empty(2, dtype=np.int64)
    period = max(moves // STAGES, rows, 1)
    heat = hot
    for move in range(moves):
        if move % period == 0:
            done = move / moves
            heat = hot * (cold / hot) ** done
            steeper = steep_from * (steep_to / steep_from) ** done
            if steeper != steep:
                steep = steeper
                for c in range(rows):
                    price[c] = _cell_cost(
                        c, cell_indptr, cell_row, load, own, worth, block_cost, block_limit, block_amount,
                        cheap, cheap_price, dear, dear_price, steep,
                    )  # fmt: skip
        i = movable[move % len(movable)]
        options = first[i + 1] - first[i]
        if options < 2:
            continue
        a = current[i]
        if count[i] > 1:
            for _ in range(6):
                a = first[i] + int(_next(state) * options)
                if units[a] > 0:
                    break
            if units[a] == 0:
                a = current[i]
        draw = _next(state)
        b = first[i] + int(draw * draw * options)
        if a == b or units[a] == 0:
            continue
        q = 1
        if count[i] > 1:
            most = min(units[a], limit[b] - units[b])
            if most <= 0:
                continue
            q = min(most, 1 + int(most * _next(state) ** 3))
        elif units[b] >= limit[b]:
            continue
        parts = 1
        froms[0], tos[0], quantity[0] = a, b, q
        t = target[b]
        if t >= 0 and number[t] > 0 and _next(state) < 0.5:
            # Somebody there makes way, for where the unit came from or for anywhere.
            o = here[by_target[t] + int(_next(state) * number[t])]
            k = cls[o]
            if k != i:
                others = first[k + 1] - first[k]
                to = -1
                if target[a] >= 0 and _next(state) < 0.5:
                    for other in range(first[k], first[k + 1]):
                        if target[other] == target[a]:
                            to = other
                            break
                if to < 0:
                    draw = _next(state)
                    to = first[k] + int(draw * draw * others)
                if to != o:
                    amount = min(units[o], limit[to] - units[to])
                    if amount > 0:
                        if count[k] > 1:
                            amount = min(amount, 1 + int(amount * _next(state) ** 3))
                        froms[1], tos[1], quantity[1] = o, to, amount
                        parts = 2
        change = 0.0
        cells = 0
        for part in range(parts):
            change += quantity[part] * (cost[tos[part]] - cost[froms[part]])
            for n in range(use_indptr[froms[part]], use_indptr[froms[part] + 1]):
                row = use_row[n]
                load[row] -= use_amount[n] * quantity[part]
                c = of_row[row]
                if not seen[c]:
                    seen[c] = True
                    touched[cells] = c
                    cells += 1
            for n in range(use_indptr[tos[part]], use_indptr[tos[part] + 1]):
                row = use_row[n]
                load[row] += use_amount[n] * quantity[part]
                c = of_row[row]
                if not seen[c]:
                    seen[c] = True
                    touched[cells] = c
                    cells += 1
        for n in range(cells):
            c = touched[n]
            seen[c] = False
            after[n] = _cell_cost(
                c, cell_indptr, cell_row, load, own, worth, block_cost, block_limit, block_amount,
                cheap, cheap_price, dear, dear_price, steep,
            )  # fmt: skip
            change += after[n] - price[c]
        accepted = change <= 0.0
        if not accepted and heat > 0.0:
            allowed = heat * scale[i] * quantity[0]
            if parts == 2:
                allowed = min(allowed, heat * scale[cls[froms[1]]] * quantity[1])
            accepted = change < -allowed * math.log(1e-300 + _next(state))
        if not accepted:
            for part in range(parts):
                for n in range(use_indptr[froms[part]], use_indptr[froms[part] + 1]):
                    load[use_row[n]] += use_amount[n] * quantity[part]
                for n in range(use_indptr[tos[part]], use_indptr[tos[part] + 1]):
                    load[use_row[n]] -= use_amount[n] * quantity[part]
            continue
        for n in range(cells):
            price[touched[n]] = after[n]
        for part in range(parts):
            o, to = froms[part], tos[part]
            units[o] -= quantity[part]
            units[to] += quantity[part]
            current[cls[o]] = to
            if units[o] == 0 and target[o] >= 0:
                t = target[o]
                number[t] -= 1
                last = here[by_target[t] + number[t]]
                here[by_target[t] + place[o]] = last
                place[last] = place[o]
                place[o] = -1
            if target[to] >= 0 and place[to] < 0:
                t = target[to]
                place[to] = number[t]
                here[by_target[t] + number[t]] = to
                number[t] += 1
