"""An exact search over a part of the columns."""

from __future__ import annotations

import highspy
import numpy as np

from situs.planner.problem import Flags, Floats, Ints, Placement
from situs.planner.solve.cutlist import NO_CUTS, CutList
from situs.planner.solve.frame import Frame, ranges
from situs.planner.solve.library import SolverFault, new_highs
from situs.planner.solve.model import Kept, model

OVERFULL = 5e-10
"""How far a row may be overfull, relative to what it gives and must give: rounding; half of what a checker allows."""


def search(
    frame: Frame,
    columns: Ints,
    *,
    start: Placement | None = None,
    gap: float = 0.0,
    nodes: int = 1000,
    seconds: float | None = None,
    cuts: CutList = NO_CUTS,
    target: float | None = None,
    kept: Kept | None = None,
) -> Placement | None:
    """The best placement that uses only ``columns``.

    None where the search found nothing within its limits, which are counted in nodes so that the same input
    always gives the same answer; ``seconds`` is only a safety net.
    ``cuts`` spare the search finding them itself; a placement that costs no more than ``target`` ends it.  With
    classes ``kept``, only the others are searched.
    """
    p = frame.problem
    m = model(frame, columns, cuts, kept)
    highs = new_highs(
        mip_rel_gap=gap,
        mip_abs_gap=1e-9,
        mip_max_nodes=nodes,
        # With as few nodes, what a restart finds does not pay for it.
        mip_allow_restart=kept is None,
        mip_feasibility_tolerance=1e-9,
        primal_feasibility_tolerance=1e-9,
    )
    if target is not None:
        highs.setOptionValue("objective_target", target - p.fixed_cost)
    if seconds is not None:
        highs.setOptionValue("time_limit", seconds)
    if highs.passModel(m.lp) == highspy.HighsStatus.kError:
        raise SolverFault("the MILP library refused the model; its input was inconsistent")
    if start is not None:
        begin = highspy.HighsSolution()
        begin.col_value = np.concatenate(
            (start.units[columns], start.unplaced, start.bought, start.opened)
        ).astype(float)
        highs.setSolution(begin)
    if highs.run() == highspy.HighsStatus.kError:
        raise SolverFault("the MILP library failed")
    if highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    value = np.asarray(highs.getSolution().col_value)
    units = np.zeros(frame.columns, dtype=np.int64)
    units[columns] = np.round(value[: len(columns)]).astype(np.int64)
    bought = value[m.buy_at : m.open_at].copy()
    bought[p.buy_integer] = np.round(bought[p.buy_integer])
    return tidied(frame, units, bought, value[m.open_at :] > 0.5)


def tidied(frame: Frame, units: Ints, bought: Floats, opened: Flags) -> Placement | None:
    """A placement with continuous purchases set to just what is used; None if rows do not hold after all."""
    p = frame.problem
    bought = np.maximum(bought, 0.0)
    slack = frame.supply(bought) - frame.load(units, opened)
    for k in np.flatnonzero(~p.buy_integer):
        span = slice(p.buy_indptr[k], p.buy_indptr[k + 1])
        spare = np.min(slack[p.buy_row[span]] / p.buy_amount[span]) if span.stop > span.start else bought[k]
        change = float(np.clip(bought[k] - spare, 0.0, p.buy_limit[k])) - bought[k]
        if p.buy_open[k] >= 0 and not opened[p.buy_open[k]]:
            change = -bought[k]
        bought[k] += change
        slack[p.buy_row[span]] += p.buy_amount[span] * change
    return placed(frame, units, bought, opened)


def placed(frame: Frame, units: Ints, bought: Floats, opened: Flags) -> Placement | None:
    """These choices as a placement; None if they break a limit."""
    p = frame.problem
    placement = frame.placement(units, bought, opened)
    load, supply = frame.load(units, opened), frame.supply(bought)
    sizes = np.bincount(p.open_group[opened & (p.open_group >= 0)], minlength=len(p.group_min))
    tied = np.flatnonzero((p.buy_open >= 0) & (bought > 0))
    used = np.flatnonzero(units)
    items, _ = ranges(p.need_indptr, used)
    broken = (
        np.any(load > supply + OVERFULL * (load + supply))
        or np.any((sizes < p.group_min) | (sizes > p.group_max))
        or not np.all(opened[p.buy_open[tied]])
        or not np.all(opened[p.need_open[items]])
        or np.any((units[used] < 0) | (units[used] > p.col_limit[used]))
        or np.any(placement.unplaced < 0)
        or np.any((bought < 0) | (bought > p.buy_limit))
    )
    return None if broken else placement
