"""What buying a block costs, shared out over the classes that would use it: a dual of facility location.

Where a row has nothing but blocks, no unit of a class gets in without one: for the columns of a class on the
row, ``sum x <= per_bought * z``.  A price on that inequality makes the columns dearer and the block cheaper.
So a block that is dearer than what its capacity is worth has something to give away, and the bound rises by
what the classes take of it until each of them would rather go elsewhere.  How it is best given away needs no
LP: classes raise what they are ready to pay in small steps, from one alternative of theirs to the next, as long
as every block that they would have to be kept out of can still pay for it ("dual ascent").

This is worth much where blocks are few: once the relaxation buys a whole block, it lets every unit in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Cut
from situs.planner.problem import Floats, Ids, Ints
from situs.planner.solve.compiled import compiled
from situs.planner.solve.frame import Frame

MOST_PASSES = 1000
"""Passes over all classes; each takes a class past one alternative, so far fewer are needed."""


@dataclass(frozen=True, eq=False)
class Linked:
    """Which block each column cannot do without; computed once for a problem."""

    purchase: Ids
    """(J,) the purchase of whole units, -1 for none"""
    amount: Floats
    """(J,) what a unit takes of the row that shows it; 0 for none"""
    row: Ids
    """(K,) the row that shows it, -1 for a purchase that no column depends on"""
    block: Floats
    """(K,) what a bought unit adds to that row"""
    most: Ints
    """(K,) how many may be bought"""


def linked_columns(frame: Frame) -> Linked:
    """A column depends on a purchase if that alone fills a row that it uses."""
    p = frame.problem
    most = np.where(p.buy_integer, np.floor(p.buy_limit), p.buy_limit)
    amount = np.bincount(p.buy_row, p.buy_amount > 0, minlength=frame.rows)
    sole = np.flatnonzero((p.buy_amount > 0) & (amount[p.buy_row] == 1) & (p.row_capacity[p.buy_row] == 0))
    sole = sole[p.buy_integer[frame.buy_of[sole]]]
    uses = _uses(frame)
    # Of several rows of a purchase, the one that most variants take something from.
    order = np.lexsort((p.buy_row[sole], uses[p.buy_row[sole]], frame.buy_of[sole]))
    row = np.full(frame.buys, -1, dtype=np.int32)
    block = np.zeros(frame.buys)
    row[frame.buy_of[sole[order]]] = p.buy_row[sole[order]]
    block[frame.buy_of[sole[order]]] = p.buy_amount[sole[order]]
    of_row = np.full(frame.rows + 1, -1, dtype=np.int32)
    some = np.flatnonzero(row >= 0)
    of_row[row[some]] = some
    purchase = np.full(frame.columns, -1, dtype=np.int32)
    takes = np.zeros(frame.columns)
    for q in range(p.demand.shape[1]):
        of_target = of_row[p.target_row[:, q]]
        here = np.flatnonzero(of_target[p.col_target] >= 0)
        here = here[(p.demand[p.col_variant[here], q] > 0) & (purchase[here] < 0)]
        purchase[here] = of_target[p.col_target[here]]
        takes[here] = p.demand[p.col_variant[here], q]
    return Linked(purchase, takes, row, block, most.astype(np.int64))


def _uses(frame: Frame) -> Ints:
    """(M,) how many targets have each row."""
    rows = frame.problem.target_row
    return np.bincount(rows[rows >= 0], minlength=frame.rows)


@dataclass(frozen=True, eq=False)
class Shared:
    """Who pays what for blocks: one entry for each class and purchase with a price."""

    cls: Ids
    purchase: Ids
    price: Floats
    """per unit of the class"""
    per_bought: Ints
    """units of the class that a bought unit lets in"""
    gain: float
    """by which the bound rises"""

    def cuts(self, frame: Frame, linked: Linked) -> tuple[Cut, ...]:
        """The inequalities that these prices price, for a certificate."""
        wanted = self.cls.astype(np.int64) * frame.buys + self.purchase
        columns = np.flatnonzero(linked.purchase >= 0)
        key = frame.cls[columns].astype(np.int64) * frame.buys + linked.purchase[columns]
        by_key = np.argsort(key, kind="stable")
        begin, end = (np.searchsorted(key[by_key], wanted, side=side) for side in ("left", "right"))
        return tuple(
            Cut(
                int(linked.row[k]),
                columns[by_key[b:e]].astype(np.int32),
                np.ones(e - b, dtype=np.int64),
                0,
                int(k),
                int(per),
            )
            for k, per, b, e in zip(self.purchase, self.per_bought, begin, end, strict=True)
        )


def shared_out(frame: Frame, reduced: Floats, budget: Floats, linked: Linked) -> Shared:
    """Prices that raise the bound as far as a few passes of dual ascent can.

    ``reduced`` (J,) is what each column costs with all its charges, ``budget`` (K,) what each purchase costs
    beyond what it is worth (:func:`.bound.buy_reduced`); what is below 0 gives nothing.
    """
    p = frame.problem
    giving = np.append(budget > 0, False)[linked.purchase]
    ample = frame.limits.room >= p.count[frame.cls]
    elsewhere = np.minimum(frame.least_by_class(np.where(giving | ~ample, np.inf, reduced)), p.penalty)
    inside = np.flatnonzero(giving & ample & (reduced < elsewhere[frame.cls]))
    key = frame.cls[inside].astype(np.int64) * max(frame.buys, 1) + linked.purchase[inside]
    order = np.lexsort((reduced[inside], key))
    inside, key = inside[order], key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1) > 0)
    cls, purchase = frame.cls[inside[first]], linked.purchase[inside[first]]
    cost = reduced[inside[first]]
    per = _let_in(frame, linked, cls, purchase)
    by_cost = np.lexsort((cost, cls))
    cls, purchase, cost, per = cls[by_cost], purchase[by_cost], cost[by_cost], per[by_cost]
    start = np.flatnonzero(np.diff(cls, prepend=-1) > 0)
    left = np.maximum(budget, 0.0)
    level = _ascend(
        np.append(start, len(cls)), purchase, cost, per.astype(np.float64), elsewhere[cls[start]], left
    )
    price = np.maximum(np.repeat(level, np.diff(np.append(start, len(cls)))) - cost, 0.0)
    gain = float(np.sum(p.count[cls[start]] * (level - cost[start])))
    paid = np.flatnonzero(price > 0)
    return Shared(cls[paid], purchase[paid], price[paid], per[paid], gain)


def _let_in(frame: Frame, linked: Linked, cls: Ids, purchase: Ids) -> Ints:
    """Units of each class that a unit of the purchase lets in, such that it holds for any number bought."""
    p = frame.problem
    columns = np.flatnonzero(linked.purchase >= 0)
    key = frame.cls[columns].astype(np.int64) * max(frame.buys, 1) + linked.purchase[columns]
    order = np.lexsort((linked.amount[columns], key))
    wanted = cls.astype(np.int64) * max(frame.buys, 1) + purchase
    smallest = linked.amount[columns[order[np.searchsorted(key[order], wanted)]]]
    times = linked.block[purchase] / smallest
    one = np.floor(times * (1 + 1e-8))
    # Blocks together may hold one unit more than each alone: two and a half twice is five.
    several = np.where(linked.most[purchase] > 1, np.ceil(times * (1 - 1e-8)), one)
    return np.minimum(p.count[cls], np.maximum(several, one).astype(np.int64))


@compiled
def _ascend(start: Ints, purchase: Ids, cost: Floats, per: Floats, elsewhere: Floats, left: Floats) -> Floats:
    """The level of each class; ``left`` is what the purchases can still give, and shrinks."""
    classes = len(start) - 1
    level = np.empty(classes)
    number = np.ones(classes, dtype=np.int64)
    stuck = np.zeros(classes, dtype=np.bool_)
    for i in range(classes):
        level[i] = cost[start[i]]
    for _ in range(MOST_PASSES):
        moved = False
        for i in range(classes):
            if stuck[i]:
                continue
            begin, end = start[i], start[i] + number[i]
            following = cost[end] if end < start[i + 1] else elsewhere[i]
            step = following - level[i]
            for n in range(begin, end):
                if per[n] > 0:
                    step = min(step, left[purchase[n]] / per[n])
            for n in range(begin, end):
                left[purchase[n]] = max(0.0, left[purchase[n]] - step * per[n])
            level[i] += step
            if level[i] < following or end == start[i + 1]:
                level[i] = min(level[i], following)
                stuck[i] = True
            else:
                level[i] = following
                number[i] += 1
            moved = True
        if not moved:
            break
    return level
