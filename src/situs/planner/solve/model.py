"""The whole model over some of the columns, as the MILP library takes it.

Variables, in this order: the columns, units left out (one per class), purchases, opens.  Rows: one per class, one
per capacity row with a limit, one per group, one per purchase that needs an open, one per pair of class and open,
one per cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from situs.planner.problem import Floats, Ints
from situs.planner.solve.bound import Box
from situs.planner.solve.cutlist import CutList
from situs.planner.solve.frame import AnyInts, Frame, ranges


@dataclass(frozen=True, eq=False)
class Kept:
    """Classes that stay where they are."""

    classes: Ints
    units: Ints
    """(J,) of them and any others; what does not stand there of those that are kept stays left out"""


@dataclass(frozen=True, eq=False)
class Model:
    """The model, and where purchases and opens begin among its variables."""

    lp: Any
    buy_at: int
    open_at: int


def model(frame: Frame, columns: Ints, cuts: CutList, kept: Kept | None) -> Model:
    """The model over ``columns``, which hold all those that classes that are kept use."""
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
    most = np.minimum(p.col_limit[columns], p.count[frame.cls[columns]])
    low: Floats = np.concatenate((np.zeros(n_cols + frame.classes), box.buy_low, box.open_low))
    high: Floats = np.concatenate((most, p.count, box.buy_high, box.open_high)).astype(float)
    if kept is not None:
        at = np.flatnonzero(np.isin(frame.cls[columns], kept.classes))
        out = p.count - np.bincount(frame.cls, kept.units, minlength=frame.classes).astype(np.int64)
        low[at] = high[at] = kept.units[columns[at]]
        low[out_at + kept.classes] = high[out_at + kept.classes] = out[kept.classes]
    lp.col_lower_, lp.col_upper_ = low, high
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
    return Model(lp, buy_at, open_at)
