"""The whole problem as one flat mixed integer program for HiGHS, as a modeller would write it down."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from situs.planner.problem import Flags, Floats, Placement, Problem


@dataclass(frozen=True, eq=False)
class FlatModel:
    """min cost @ v, low <= matrix @ v <= high, 0 <= v <= most; v is x, u, z, y one after the other."""

    cost: Floats
    most: Floats
    integer: Flags
    matrix: sparse.csr_matrix
    low: Floats
    high: Floats
    offset: float


def flat_model(problem: Problem) -> FlatModel:
    classes, columns = len(problem.count), len(problem.col_cost)
    purchases, opens, groups = len(problem.buy_cost), len(problem.open_cost), len(problem.group_min)
    rows = len(problem.row_capacity)
    owner = problem.variant_class[problem.col_variant]
    most_units = np.minimum(problem.col_limit, problem.count[owner]).astype(np.float64)

    pick = sparse.csr_matrix((np.ones(columns), (owner, np.arange(columns))), shape=(classes, columns))
    balance = sparse.hstack([pick, sparse.identity(classes), sparse.csr_matrix((classes, purchases + opens))])

    use = _column_use(problem)
    bought = _lists(problem.buy_indptr, problem.buy_row, problem.buy_amount, rows)
    opened = _lists(problem.open_indptr, problem.open_row, problem.open_amount, rows)
    capacity = sparse.hstack([use.T, sparse.csr_matrix((rows, classes)), -bought.T, opened.T]).tocsr()
    finite = np.isfinite(problem.row_capacity)

    needing = np.repeat(np.arange(columns), np.diff(problem.need_indptr))
    pair, position = np.unique(
        owner[needing].astype(np.int64) * max(1, opens) + problem.need_open, return_inverse=True
    )
    pair_class, pair_open = np.divmod(pair, max(1, opens))
    linked = np.flatnonzero(problem.buy_open >= 0)
    needs = sparse.csr_matrix((np.ones(len(needing)), (position, needing)), shape=(len(pair), columns))
    serves = sparse.csr_matrix(
        (-problem.count[pair_class].astype(float), (np.arange(len(pair)), pair_open)),
        shape=(len(pair), opens),
    )
    need_rows = sparse.hstack([needs, sparse.csr_matrix((len(pair), classes + purchases)), serves])
    links = np.arange(len(linked))
    buys = sparse.csr_matrix((np.ones(len(linked)), (links, linked)), shape=(len(linked), purchases))
    allows = sparse.csr_matrix(
        (-problem.buy_limit[linked], (links, problem.buy_open[linked])), shape=(len(linked), opens)
    )
    buy_rows = sparse.hstack([sparse.csr_matrix((len(linked), columns + classes)), buys, allows])
    grouped = np.flatnonzero(problem.open_group >= 0)
    members = sparse.csr_matrix(
        (np.ones(len(grouped)), (problem.open_group[grouped], grouped)), shape=(groups, opens)
    )
    group_rows = sparse.hstack([sparse.csr_matrix((groups, columns + classes + purchases)), members])

    count = problem.count.astype(np.float64)
    upper = np.zeros(len(pair) + len(linked))
    return FlatModel(
        cost=np.concatenate([problem.col_cost, problem.penalty, problem.buy_cost, problem.open_cost]),
        most=np.concatenate([most_units, count, problem.buy_limit, np.ones(opens)]),
        integer=np.concatenate(
            [np.ones(columns + classes, dtype=np.bool_), problem.buy_integer, np.ones(opens, dtype=np.bool_)]
        ),
        matrix=sparse.vstack([balance, capacity[finite], need_rows, buy_rows, group_rows]).tocsr(),
        low=np.concatenate([count, np.full(finite.sum(), -np.inf), upper - np.inf, problem.group_min]),
        high=np.concatenate([count, problem.row_capacity[finite], upper, problem.group_max]),
        offset=problem.fixed_cost,
    )


def _column_use(problem: Problem) -> sparse.csr_matrix:
    columns, rows = len(problem.col_cost), len(problem.row_capacity)
    row = problem.target_row[problem.col_target]
    amount = problem.demand[problem.col_variant]
    column = np.broadcast_to(np.arange(columns)[:, None], row.shape)
    limited = row >= 0
    use = sparse.csr_matrix((amount[limited], (column[limited], row[limited])), shape=(columns, rows))
    return use + _lists(problem.extra_indptr, problem.extra_row, problem.extra_amount, rows)


def _lists(indptr: np.ndarray, row: np.ndarray, amount: Floats, rows: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((amount, row, indptr), shape=(len(indptr) - 1, rows))


def solve_flat(problem: Problem, time_limit_s: float) -> Placement | None:
    """The best placement found, if any. HiGHS overruns its limit: run this in a child that can be ended."""
    model = flat_model(problem)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.cost), len(model.low)
    lp.col_cost_, lp.offset_ = model.cost, model.offset
    lp.col_lower_, lp.col_upper_ = np.zeros(len(model.cost)), model.most
    lp.row_lower_, lp.row_upper_ = model.low, model.high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = model.matrix.indptr, model.matrix.indices
    lp.a_matrix_.value_ = model.matrix.data
    kinds = [highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger]
    lp.integrality_ = [kinds[int(whole)] for whole in model.integer]
    highspy.Highs.resetGlobalScheduler(True)
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("time_limit", time_limit_s)
    highs.setOptionValue("threads", 2)
    highs.setOptionValue("mip_feasibility_tolerance", 1e-9)
    highs.setOptionValue("primal_feasibility_tolerance", 1e-9)
    highs.passModel(lp)
    highs.run()
    # Threads are shared by the process; who comes next may want another number of them.
    highspy.Highs.resetGlobalScheduler(True)
    if highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return repaired(problem, np.array(highs.getSolution().col_value))


def repaired(problem: Problem, values: Floats) -> Placement:
    """HiGHS answers within tolerances: take the nearest whole numbers, then buy what a row is overfull by
    where fractions can be bought, and leave out a unit where they cannot."""
    ends = np.cumsum([len(problem.col_cost), len(problem.count), len(problem.buy_cost)])
    x, _, z, y = np.split(values, ends)
    units, opened = np.rint(x).astype(np.int64), y > 0.5
    bought = np.clip(np.where(problem.buy_integer, np.rint(z), z), 0, problem.buy_limit)
    use = _column_use(problem)
    add = _lists(problem.buy_indptr, problem.buy_row, problem.buy_amount, len(problem.row_capacity))
    take = _lists(problem.open_indptr, problem.open_row, problem.open_amount, len(problem.row_capacity))
    for _ in range(1000):
        excess = use.T @ units + take.T @ opened - problem.row_capacity - add.T @ bought
        row = int(np.argmax(excess))
        if excess[row] <= 0:
            break
        gain = add[:, [row]].toarray().ravel() * ~problem.buy_integer
        open_now = (problem.buy_open < 0) | opened[problem.buy_open] if len(opened) else problem.buy_open < 0
        room = np.flatnonzero((gain > 0) & open_now & (bought < problem.buy_limit))
        if len(room):
            bought[room[0]] = min(
                problem.buy_limit[room[0]], bought[room[0]] + excess[row] / gain[room[0]] * (1 + 1e-9)
            )
        else:
            users = np.flatnonzero(use[:, [row]].toarray().ravel() * units > 0)
            units[users[np.argmin(use[users, row].toarray().ravel())]] -= 1
    placed = np.bincount(problem.variant_class[problem.col_variant], units, len(problem.count))
    unplaced = problem.count - placed.astype(np.int64)
    cost = problem.fixed_cost + float(
        problem.col_cost @ units
        + problem.penalty @ unplaced
        + problem.buy_cost @ bought
        + problem.open_cost @ opened
    )
    return Placement(units, unplaced, bought, opened, cost)
