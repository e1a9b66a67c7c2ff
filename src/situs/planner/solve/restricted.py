"""An exact search over a part of the columns."""

from __future__ import annotations

import highspy
import numpy as np
from scipy import sparse

from situs.planner.problem import Flags, Floats, Ints, Placement
from situs.planner.solve.bound import Box
from situs.planner.solve.cutlist import NO_CUTS, CutList
from situs.planner.solve.frame import AnyInts, Frame, ranges
from situs.planner.solve.library import SolverFault, new_highs

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
) -> Placement | None:
    """The best placement that uses only ``columns``.

    None where the search found nothing within its limits, which are counted in nodes so that the same input
    always gives the same answer; ``seconds`` is only a safety net.
    ``cuts`` spare the search finding them itself; a placement that costs no more than ``target`` ends it.
    """
    p = frame.problem
    limited = np.flatnonzero(frame.finite_row)
    row_at = np.full(frame.rows, -1, dtype=np.int64)
    row_at[limited] = frame.classes + np.arange(len(limited))
    group_at = frame.classes + len(limited)
    tied = np.flatnonzero(p.buy_open >= 0)
    tie_at = group_at + len(p.group_min)
    n_cols = len(columns)
    out_at, buy_at = n_cols, n_cols + frame.classes
    open_at = buy_at + frame.buys
    rows: list[AnyInts] = [frame.cls[columns], np.arange(frame.classes)]
    cols: list[AnyInts] = [np.arange(n_cols), out_at + np.arange(frame.classes)]
    vals: list[Floats] = [np.ones(n_cols), np.ones(frame.classes)]
    owner, at, amount = frame.uses(columns, row_at)
    rows.append(at)
    cols.append(owner)
    vals.append(amount)
    at = row_at[p.buy_row]
    rows.append(at[at >= 0])
    cols.append(buy_at + frame.buy_of[at >= 0])
    vals.append(-p.buy_amount[at >= 0])
    at = row_at[p.open_row]
    rows.append(at[at >= 0])
    cols.append(open_at + frame.open_of[at >= 0])
    vals.append(p.open_amount[at >= 0])
    grouped = np.flatnonzero(p.open_group >= 0)
    rows.append(group_at + p.open_group[grouped])
    cols.append(open_at + grouped)
    vals.append(np.ones(len(grouped)))
    rows += [tie_at + np.arange(len(tied))] * 2
    cols += [buy_at + tied, open_at + p.buy_open[tied]]
    vals += [np.ones(len(tied)), -p.buy_limit[tied]]
    items, owner = ranges(p.need_indptr, columns)
    need_at = tie_at + len(tied)
    pairs, inverse = np.unique(
        frame.cls[columns[owner]].astype(np.int64) * max(frame.opens, 1) + p.need_open[items],
        return_inverse=True,
    )
    rows += [need_at + inverse, need_at + np.arange(len(pairs))]
    cols += [owner, open_at + pairs % max(frame.opens, 1)]
    vals += [np.ones(len(owner)), -p.count[pairs // max(frame.opens, 1)].astype(float)]
    cut_at = need_at + len(pairs)
    place = np.full(frame.columns, -1, dtype=np.int64)
    place[columns] = np.arange(n_cols)
    named = np.flatnonzero(cuts.purchase >= 0)
    there = np.flatnonzero(place[cuts.column] >= 0)
    rows += [cut_at + cuts.cut_of[there], cut_at + named]
    cols += [place[cuts.column[there]], buy_at + cuts.purchase[named]]
    vals += [cuts.weight[there], -cuts.per_bought[named]]
    m, n = cut_at + len(cuts.cuts), open_at + frame.opens
    matrix = sparse.coo_matrix(
        (np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))), shape=(m, n)
    ).tocsc()
    box = Box.whole(frame)
    inf = highspy.kHighsInf
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = n, m
    lp.col_cost_ = np.concatenate((p.col_cost[columns], p.penalty, p.buy_cost, p.open_cost))
    lp.col_lower_ = np.concatenate((np.zeros(n_cols + frame.classes), box.buy_low, box.open_low))
    most = np.minimum(p.col_limit[columns], p.count[frame.cls[columns]])
    lp.col_upper_ = np.concatenate((most, p.count, box.buy_high, box.open_high)).astype(float)
    none = np.full
    lp.row_lower_ = np.concatenate(
        (p.count, none(len(limited), -inf), p.group_min, none(len(tied), -inf), none(m - need_at, -inf))
    ).astype(float)
    lp.row_upper_ = np.concatenate(
        (
            p.count,
            p.row_capacity[limited],
            p.group_max,
            np.zeros(cut_at - tie_at),
            cuts.limit,
        )
    ).astype(float)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    whole = highspy.HighsVarType.kInteger
    kinds = [whole] * n
    for k in np.flatnonzero(~p.buy_integer):
        kinds[buy_at + k] = highspy.HighsVarType.kContinuous
    lp.integrality_ = kinds
    highs = new_highs(
        mip_rel_gap=gap,
        mip_abs_gap=1e-9,
        mip_max_nodes=nodes,
        mip_feasibility_tolerance=1e-9,
        primal_feasibility_tolerance=1e-9,
    )
    if target is not None:
        highs.setOptionValue("objective_target", target - p.fixed_cost)
    if seconds is not None:
        highs.setOptionValue("time_limit", seconds)
    if highs.passModel(lp) == highspy.HighsStatus.kError:
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
    units[columns] = np.round(value[:n_cols]).astype(np.int64)
    bought = value[buy_at:open_at].copy()
    bought[p.buy_integer] = np.round(bought[p.buy_integer])
    return tidied(frame, units, bought, value[open_at:] > 0.5)


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
