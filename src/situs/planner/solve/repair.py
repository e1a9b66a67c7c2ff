"""The placement before made to fit a problem that has changed a little, and what the prices before prove about it.

::

    prices before ─► a pass over all columns for each case ─► bound, best options of each class
                                                            │
    placement before ─► what is missing put there ─► local search among the few that are affected ─► placement

Solving anew would take long and move much for little.  Here nearly everything stays.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from situs.planner.certificate import Certificate, Prices
from situs.planner.problem import Ints, Placement, Problem
from situs.planner.solve.affected import Placed, affected, still_allowed, with_missing
from situs.planner.solve.cases import choices, holds, leaves
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.first import nothing_placed
from situs.planner.solve.frame import Frame
from situs.planner.solve.moving import Moving
from situs.planner.solve.onepass import Looked, look
from situs.planner.solve.options import cells, near_options
from situs.planner.solve.part import part
from situs.planner.solve.purchases import settled
from situs.planner.solve.restricted import OVERFULL, placed
from situs.planner.solve.result import Infeasible, Phase, Solution, relative_gap

TRIALS_A_CLASS = 60
MOST_TRIALS = 300_000
"""So many take a quarter of a second on a large problem."""

COLD, FREEZING = 1e-5, 1e-7
"""So little is accepted as a loss on the way to a gain that hardly anything moves in vain."""
WORTH_MOVING = 1e-4
"""Of the cost: for less than that, everything stays where it is if it can.  Solving closes gaps no further."""

HARD = 1e4
"""As steep as this, nothing is gained by overfilling a row."""


def repair(problem: Problem, previous: Placement, proof: Certificate) -> Solution:
    """A placement close to ``previous``, and the bound that the ``proof`` of a similar problem gives for this one.

    Both are in the numbering of this problem.  ``previous`` need not be feasible here: units may be missing, rows
    overfull.  Prices prove a bound wherever they come from; a cut must hold here too, as it does when columns of its
    row are gone or new, but those it names have not changed.
    Raises Infeasible when the limits of opens cannot be met at all.
    """
    began = time.perf_counter()
    frame, listed = Frame(problem), CutList.of(proof.cuts)
    guide, bound = _looked(frame, proof, listed, previous)
    known = time.perf_counter()
    before = still_allowed(frame, previous)
    now = with_missing(frame, before, guide.looked)
    classes = affected(frame, before, now, previous, guide.looked, guide.prices, listed)
    units = _improved(frame, classes, now, previous, guide.looked, guide.prices)
    placement = settled(frame, units, previous.opened) or nothing_placed(frame)
    placement = _unless_moving_pays(placement, _as_it_was(frame, before, previous))
    if placement is None:
        raise Infeasible("the groups of opens ask for more than their rows can hold")
    phases = (
        Phase("bound", known - began, np.inf, bound),
        Phase("repair", time.perf_counter() - known, placement.cost, bound),
    )
    certificate = replace(proof, bound=bound)
    gap = relative_gap(placement.cost, bound)
    return Solution(placement, certificate, gap, "work", phases, guide.prices)


@dataclass(frozen=True, eq=False)
class _Guide:
    """The prices of one case and what they mean."""

    prices: Prices
    looked: Looked


def _looked(frame: Frame, proof: Certificate, cuts: CutList, previous: Placement) -> tuple[_Guide, float]:
    """The prices of the case that the placement before is in, and the bound over all cases."""
    guide: _Guide | None = None
    bound = np.inf
    for number, sides in leaves(proof.tree):
        here = all(holds(previous, side) for side in sides)
        box = choices(frame, sides)
        if box is None and not here:
            continue
        prices = proof.leaves[number]
        if not proof.cuts:
            prices = replace(prices, cut=np.zeros(0))
        looked = look(frame, prices, cuts, previous.opened, box)
        if box is not None:
            bound = min(bound, looked.bound)
        if here:
            guide = _Guide(prices, looked)
    assert guide is not None, "a tree leaves no placement out"
    return guide, float(bound)


def _as_it_was(frame: Frame, before: Placed, previous: Placement) -> Placement | None:
    """Everything where it was, with what was bought; None where that cannot be."""
    p = frame.problem
    if before.number.sum() != previous.units.sum():
        return None
    load = frame.load_of(before.column, before.number, previous.opened)
    if np.any(load > frame.supply(previous.bought) * (1 + OVERFULL)):
        return None
    whole = previous.bought == np.floor(previous.bought)
    if not np.all(whole | ~p.buy_integer):
        return None
    return placed(frame, previous.units.copy(), previous.bought, previous.opened)


def _unless_moving_pays(found: Placement | None, staying: Placement | None) -> Placement | None:
    """What was found, unless staying is possible and costs hardly more."""
    if staying is None:
        return found
    if found is None or staying.cost - found.cost <= WORTH_MOVING * abs(found.cost):
        return staying
    return found


def _improved(
    frame: Frame, classes: Ints, now: Placed, previous: Placement, looked: Looked, prices: Prices
) -> Ints:
    """(J,) the units with those of ``classes`` where they fit and cost little."""
    takes_part = np.zeros(frame.classes, dtype=bool)
    takes_part[classes] = True
    own, others = takes_part[now.cls], ~takes_part[now.cls]
    units = np.zeros(frame.columns, dtype=np.int64)
    units[now.column] = now.number
    if not len(classes):
        return units
    best = looked.column[classes].ravel()
    columns = np.sort(np.concatenate((best[best >= 0], now.column[own])))
    columns = columns[np.diff(columns, prepend=-1) > 0]
    nothing = np.zeros(frame.opens, dtype=bool)
    few = part(frame, classes, columns, frame.load_of(now.column[others], now.number[others], nothing))
    p = few.problem
    charge = p.col_cost + few.row_charge(prices.row, np.arange(few.columns))
    options = near_options(few, np.arange(few.columns), charge, np.minimum(p.col_limit, p.count[few.cls]))
    local = Moving(
        few, options, Moving.on_options(few, options, units[columns]), looked.scale(frame)[classes]
    )
    worth = local.worth(prices.row)
    local.clear(cells(few, previous.opened, worth, previous.bought))
    # Only now purchases may be made or undone: while rows are overfull, nearly any would seem to pay.
    there = cells(few, previous.opened, worth)
    trials = min(MOST_TRIALS, TRIALS_A_CLASS * few.classes)
    local.anneal(there, trials, COLD, FREEZING, HARD, HARD)
    units[columns] = local.by_column()
    return units
