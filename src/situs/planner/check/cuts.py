"""Does every cut of a certificate follow from its row, with whole units?

For a cut, let ``least[w]`` be the least capacity of the row that any choice of whole units takes whose
weight is ``w`` or more.  The cut holds for every placement if, for every ``w``, the fewest purchases that
make room for ``least[w]`` allow a weight of ``w``.  ``least`` is a knapsack table: each class adds units
of one or several of its columns, together no more than its count.

Tables of similar size are filled side by side, a column of every cut at a time, so that thousands of cuts
take about a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from situs.planner.certificate import Cut
from situs.planner.check.rejected import name_offenders
from situs.planner.check.sums import sum_by
from situs.planner.problem import Flags, Floats, Ints, Problem

ROW_TOLERANCE = 3e-9
"""How far a row may be overfull here, relative to what is taken.  The placement checker lets a row be
overfull by 1e-9 of what is taken and what is there together, 2e-9 of either; a cut has to hold for every
placement that it accepts."""

MOST_CELLS = 1 << 22
"""Cells times steps of one cut's table: about 30 ms.  A cut that needs more is refused."""

BATCH_CELLS = 1 << 16
"""Cells filled side by side: half a megabyte for each of the arrays, so that they stay in the cache."""

LARGEST = 1 << 40
"""Weights and limits beyond this are refused, so that no sum of them overflows."""


@dataclass(frozen=True, eq=False)
class CutItems:
    """The columns of all cuts in one list, sorted by column: how a chunk of columns is priced."""

    cut: Ints
    column: Ints
    weight: Ints


def cut_items(cuts: tuple[Cut, ...]) -> CutItems:
    """All columns of all cuts."""
    cut, column, weight = _listed(cuts)
    order = np.argsort(column, kind="stable")
    return CutItems(cut[order], column[order], weight[order])


def wrong_cuts(problem: Problem, cuts: tuple[Cut, ...]) -> Iterator[str]:
    """One sentence for each way in which cuts are malformed, or else do not follow from their rows."""
    if not cuts:
        return
    faults = [
        f"Cut {number}: {fault}" for number, cut in enumerate(cuts) for fault in _malformed(problem, cut)
    ]
    faults += _repeated(problem, cuts)
    if faults:
        yield from faults
        return
    sides = _sides(problem, cuts)
    units = _units(problem, cuts)
    top = _tops(units, sides)
    number = _number_of_steps(units, top)
    large = (top + 1.0) * np.maximum(number, 1.0) > MOST_CELLS
    yield from name_offenders(
        large,
        lambda c: (
            f"Cut {c} needs a table of {top[c] + 1} weights and {number[c]:.0f} steps, too large to check."
        ),
    )
    steps = _steps(units, top, large)
    broken = np.full(len(cuts), -1, dtype=np.int64)
    for batch in _batches(top, np.where(large, 0.0, number)):
        broken[batch] = _first_broken(batch, steps, sides, top)
    yield from name_offenders(
        broken >= 0,
        lambda c: (
            f"Cut {c} does not hold: units of weight {broken[c]} or more fit row {cuts[c].row}, "
            "but it allows less for what has to be bought."
        ),
    )


def _malformed(problem: Problem, cut: Cut) -> Iterator[str]:
    for name in ("column", "weight"):
        array = getattr(cut, name)
        if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind != "i":
            yield f"{name} must be a list of whole numbers."
            return
    if len(cut.column) != len(cut.weight):
        yield f"it has {len(cut.column)} columns but {len(cut.weight)} weights."
        return
    for name in ("row", "limit", "purchase", "per_bought"):
        if not isinstance(getattr(cut, name), int):
            yield f"{name} must be a whole number, not {getattr(cut, name)!r}."
            return
    if not 0 <= cut.row < len(problem.row_capacity):
        yield f"it names row {cut.row}, which is not there."
    elif not np.isfinite(problem.row_capacity[cut.row]):
        yield f"row {cut.row} has no end, so nothing follows from it."
    if len(cut.column) and not (cut.column.min() >= 0 and cut.column.max() < len(problem.col_cost)):
        yield "it names a column that is not there."
    if len(cut.weight) and not (cut.weight.min() >= 1 and cut.weight.max() <= LARGEST):
        yield f"weights must be whole numbers from 1 to {LARGEST}."
    if not 0 <= cut.limit <= LARGEST or not 0 <= cut.per_bought <= LARGEST:
        yield f"limit and per_bought must be from 0 to {LARGEST}."
    if cut.purchase < -1 or cut.purchase >= len(problem.buy_cost):
        yield f"it names purchase {cut.purchase}, which is not there."
    elif cut.purchase < 0 < cut.per_bought:
        yield "it names no purchase, so per_bought must be 0."
    elif cut.purchase >= 0 and not problem.buy_integer[cut.purchase]:
        yield f"it counts on whole units of purchase {cut.purchase}, which may be bought in fractions."


def _repeated(problem: Problem, cuts: tuple[Cut, ...]) -> Iterator[str]:
    """Cuts that name a column twice."""
    if any(cut.column.ndim != 1 or cut.column.dtype.kind != "i" for cut in cuts):
        return
    numbers = np.repeat(np.arange(len(cuts)), [len(cut.column) for cut in cuts])
    column = np.concatenate([cut.column for cut in cuts])
    order = np.lexsort((column, numbers))
    same = (numbers[order][1:] == numbers[order][:-1]) & (column[order][1:] == column[order][:-1])
    twice = np.zeros(len(cuts), dtype=np.bool_)
    twice[numbers[order][1:][same]] = True
    yield from name_offenders(twice, lambda c: f"Cut {c} names a column twice.")


def _listed(cuts: tuple[Cut, ...]) -> tuple[Ints, Ints, Ints]:
    if not cuts:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    cut = np.repeat(np.arange(len(cuts), dtype=np.int64), [len(each.column) for each in cuts])
    column = np.concatenate([each.column for each in cuts]).astype(np.int64)
    return cut, column, np.concatenate([each.weight for each in cuts]).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Sides:
    """The right-hand side of every cut, and what its row offers."""

    limit: Ints
    per_bought: Ints
    there: Floats
    """capacity with everything bought except the cut's own purchase"""
    amount: Floats
    """what one unit of the cut's purchase adds to the row; 0 without one"""
    most: Ints
    """how many units of the purchase may be bought; 0 without one"""


def _sides(problem: Problem, cuts: tuple[Cut, ...]) -> _Sides:
    row = np.array([cut.row for cut in cuts], dtype=np.int64)
    purchase = np.array([cut.purchase for cut in cuts], dtype=np.int64)
    limit = np.array([cut.limit for cut in cuts], dtype=np.int64)
    per_bought = np.array([cut.per_bought for cut in cuts], dtype=np.int64)
    high = np.where(problem.buy_integer, np.floor(problem.buy_limit), problem.buy_limit)
    amount, others = _brought(problem, row, purchase, high)
    most = np.zeros(len(cuts), dtype=np.int64)
    named = purchase >= 0
    most[named] = np.minimum(high[purchase[named]], LARGEST).astype(np.int64)
    there = problem.row_capacity[row] + others
    return _Sides(limit, per_bought, there, amount, most)


def _brought(problem: Problem, row: Ints, purchase: Ints, high: Floats) -> tuple[Floats, Floats]:
    """What one unit of each cut's purchase adds to the cut's row, and what all others add at most."""
    owner = np.repeat(np.arange(len(high), dtype=np.int64), np.diff(problem.buy_indptr))
    order = np.argsort(problem.buy_row, kind="stable")
    begin, end = (np.searchsorted(problem.buy_row[order], row, side=side) for side in ("left", "right"))
    cut, item = _ranges(begin, end - begin)
    item = order[item]
    own = owner[item] == purchase[cut]
    one = sum_by(cut[own], problem.buy_amount[item[own]], len(row))
    other = item[~own]
    return one, sum_by(cut[~own], problem.buy_amount[other] * high[owner[other]], len(row))


@dataclass(frozen=True, eq=False)
class _Units:
    """The columns of the cuts, grouped by cut and class into blocks."""

    cut: Ints
    weight: Ints
    amount: Floats
    room: Ints
    """how many units it may take"""
    block: Ints
    """where each block begins"""
    size: Ints
    """(blocks,)"""
    count: Ints
    """(blocks,) units of the class"""


def _units(problem: Problem, cuts: tuple[Cut, ...]) -> _Units:
    cut, column, weight = _listed(cuts)
    amount = _amounts(problem, np.array([each.row for each in cuts], dtype=np.int64)[cut], column)
    cls = problem.variant_class[problem.col_variant[column]].astype(np.int64)
    room = np.minimum(problem.col_limit[column], problem.count[cls])
    used = np.flatnonzero(room > 0)
    order = used[np.lexsort((amount[used], weight[used], cls[used], cut[used]))]
    cut, cls, weight, amount, room = cut[order], cls[order], weight[order], amount[order], room[order]
    # Columns of a class that weigh and take the same are one column.
    starts = _starts(cut, cls, weight, amount)
    if len(starts):
        room = np.minimum(np.add.reduceat(room, starts), problem.count[cls[starts]])
    cut, cls, weight, amount = cut[starts], cls[starts], weight[starts], amount[starts]
    block = _starts(cut, cls)
    return _Units(
        cut, weight, amount, room, block, np.diff(block, append=len(cut)), problem.count[cls[block]]
    )


def _tops(units: _Units, sides: _Sides) -> Ints:
    """(cuts,) the largest weight worth looking at: none beyond what all units weigh together, and only the
    first that is too large however much is bought."""
    heaviest = np.maximum.reduceat(units.weight, units.block) if len(units.block) else units.weight
    most = np.where(units.size == 1, units.room[units.block], units.count)
    together = sum_by(units.cut[units.block], most.astype(np.float64) * heaviest, len(sides.limit))
    allowed = sides.limit + sides.per_bought.astype(np.float64) * sides.most + 1
    return np.minimum(np.minimum(together, allowed), LARGEST).astype(np.int64)


def _turns(units: _Units, top: Ints) -> Ints:
    """(blocks,) how often a block of one column is doubled, or how many units of a block with a choice
    are looked at one by one.  Units beyond the top change nothing."""
    lightest = np.minimum.reduceat(units.weight, units.block) if len(units.block) else units.weight
    useful = -(-np.maximum(top[units.cut[units.block]], 1) // lightest)
    alone = np.minimum(units.room[units.block], useful)
    return np.where(
        units.size == 1,
        np.floor(np.log2(np.maximum(alone, 1))).astype(np.int64) + 1,
        np.minimum(units.count, useful),
    )


def _number_of_steps(units: _Units, top: Ints) -> Floats:
    """(cuts,)"""
    return sum_by(units.cut[units.block], _turns(units, top).astype(np.float64) * units.size, len(top))


@dataclass(frozen=True, eq=False)
class _Steps:
    """The tables' steps, cut by cut: a step may be taken or not, of the steps of one turn one at most."""

    cut: Ints
    weight: Ints
    amount: Floats
    opens_turn: Flags


def _steps(units: _Units, top: Ints, left_out: Flags) -> _Steps:
    """Units of a class with a choice of columns: one turn each.  Units of a single column: turns of 1, 2,
    4, ... and the rest, which can be put together to any number."""
    turns = np.where(left_out[units.cut[units.block]], 0, _turns(units, top))
    alone = units.size == 1
    which, piece = _ranges(np.zeros(int(alone.sum()), dtype=np.int64), turns[alone])
    single = units.block[alone][which]
    rest = np.minimum(units.room[single], -(-np.maximum(top[units.cut[single]], 1) // units.weight[single]))
    last = piece == turns[alone][which] - 1
    times = np.where(last, rest - (1 << piece) + 1, 1 << piece)

    choice = np.repeat(np.flatnonzero(~alone), turns[~alone])
    turn, member = _ranges(units.block[choice], units.size[choice])

    step = np.concatenate([single, member])
    times = np.concatenate([times, np.ones(len(member), dtype=np.int64)])
    opens = np.concatenate([np.ones(len(single), dtype=np.bool_), np.diff(turn, prepend=-1) > 0])
    order = np.argsort(units.cut[step], kind="stable")
    step, times, opens = step[order], times[order], opens[order]
    return _Steps(units.cut[step], units.weight[step] * times, units.amount[step] * times, opens)


def _starts(*keys: Ints | Floats) -> Ints:
    """Where a new combination of the keys begins."""
    new = np.zeros(len(keys[0]), dtype=np.bool_)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def _ranges(begin: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """The numbers of several ranges one after the other, each behind the position of its range."""
    which = np.repeat(np.arange(len(begin), dtype=np.int64), lengths)
    return which, np.arange(len(which), dtype=np.int64) + np.repeat(
        begin - np.cumsum(lengths) + lengths, lengths
    )


def _amounts(problem: Problem, row: Ints, column: Ints) -> Floats:
    """What one unit of each column takes from the row beside it."""
    target, variant = problem.col_target[column], problem.col_variant[column]
    amount = np.zeros(len(column))
    for q in range(problem.demand.shape[1]):
        amount += np.where(problem.target_row[target, q] == row, problem.demand[variant, q], 0.0)
    begin = problem.extra_indptr[column]
    owner, item = _ranges(begin, problem.extra_indptr[column + 1] - begin)
    here = problem.extra_row[item] == row[owner]
    return amount + sum_by(owner[here], problem.extra_amount[item[here]], len(column))


def _batches(top: Ints, steps: Floats) -> Iterator[Ints]:
    """Cuts that have steps, in groups of similar tables, so that little of a shared table stays unused."""
    some = np.flatnonzero(steps > 0)
    order = some[np.lexsort((top[some], np.ceil(np.log2(steps[some]) * 2)))]
    begin = 0
    while begin < len(order):
        end = begin + 1
        widest = int(top[order[begin]]) + 1
        while end < len(order):
            widest = max(widest, int(top[order[end]]) + 1)
            if widest * (end - begin + 1) > BATCH_CELLS or steps[order[end]] > 2 * steps[order[begin]]:
                break
            end += 1
        yield order[begin:end]
        begin = end


def _first_broken(batch: Ints, steps: _Steps, sides: _Sides, top: Ints) -> Ints:
    """(len(batch),) the smallest weight that shows that a cut is wrong, -1 where there is none."""
    begin = np.searchsorted(steps.cut, batch)
    number = np.searchsorted(steps.cut, batch, side="right") - begin
    order = np.argsort(-number, kind="stable")
    batch, begin, number = batch[order], begin[order], number[order]
    width = int(top[batch].max()) + 1
    least = np.full((len(batch), width), np.inf)
    least[:, 0] = 0.0
    before = least.copy()
    place = np.arange(width)
    offset = np.arange(len(batch))[:, None] * width
    for n in range(int(number[0])):
        live = int(np.searchsorted(-number, -n))
        step = begin[:live] + n
        opens = steps.opens_turn[step]
        if opens.all():
            before[:live] = least[:live]
        else:
            before[:live][opens] = least[:live][opens]
        source = np.maximum(place - steps.weight[step][:, None], 0)
        reached = before.ravel()[source + offset[:live]] + steps.amount[step][:, None]
        np.minimum(least[:live], reached, out=least[:live])
    wanted = least * (1 - ROW_TOLERANCE) - sides.there[batch][:, None]
    amount = sides.amount[batch][:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        bought = np.where(wanted <= 0, 0.0, np.ceil(wanted / amount))
    possible = (bought <= sides.most[batch][:, None]) & (place <= top[batch][:, None])
    bought = np.where(possible, bought, 0.0)
    broken = possible & (place > sides.limit[batch][:, None] + sides.per_bought[batch][:, None] * bought)
    found = np.where(broken.any(axis=1), broken.argmax(axis=1), -1)
    result = np.empty(len(batch), dtype=np.int64)
    result[order] = found
    return result
