"""The placement problem as plain arrays: what the solver sees and the checker recomputes.

Everything the estate, the rules and the prices say has been turned into numbers before this point:
rules have *removed* columns, money is one float per column (euros over the horizon), identical
workloads have become one class with a count.  The meaning, as a mixed integer program::

    minimise    fixed_cost
              + sum_j col_cost[j]   * x[j]        units of a class that take an option
              + sum_i penalty[i]    * u[i]        units of a class left unplaced
              + sum_k buy_cost[k]   * z[k]        capacity bought (blocks with a fixed cost, egress tiers)
              + sum_f open_cost[f]  * y[f]        things that must exist: replicas, tier contracts, group homes

    subject to
      class    i:  sum_{j of i} x[j] + u[i] == count[i]
      row      r:  sum_j amount(j, r) * x[j] + sum_f open_amount(f, r) * y[f]
                                              <= row_capacity[r] + sum_k buy_amount(k, r) * z[k]
      column   j:  0 <= x[j] <= col_limit[j], integer;  x[j] > 0 only if y[f] == 1 for every f it needs
      purchase k:  0 <= z[k] <= buy_limit[k] (integer where buy_integer[k]); z[k] > 0 only if its open is
      group    g:  group_min[g] <= sum_{f of g} y[f] <= group_max[g], y binary

A column is one *variant* (a way to size one unit of a class: its demand vector) on one *target* (a pool
at a site under one price basis and one start slot).  The amount of resource ``q`` a column takes from
row ``target_row[t, q]`` is ``demand[v, q]``; further rows (spread, budget, concentration, egress volume,
further time slots) are listed one by one in the ``extra`` arrays.  Keeping demand and targets apart
keeps 100,000 workloads on 200 sites in memory: a column is then three numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Ids = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Problem:
    """One placement problem. Index letters: i class, v variant, t target, j column, r row,
    k purchase, f open, g group, q resource. CSR triples are ``*_indptr`` with item arrays."""

    count: Ints
    """(I,) how many identical units class i has; at least 1."""
    penalty: Floats
    """(I,) cost of leaving one unit of class i out."""

    variant_class: Ids
    """(V,) the class of each variant, non-decreasing."""
    demand: Floats
    """(V, Q) what one unit of the variant takes of each resource; non-negative."""

    target_row: Ids
    """(T, Q) the row that limits resource q at target t; -1 where nothing limits it."""

    col_variant: Ids
    """(J,) non-decreasing."""
    col_target: Ids
    """(J,)"""
    col_cost: Floats
    """(J,) cost of one unit on this option over the horizon; may be any finite number."""
    col_limit: Ints
    """(J,) at most so many units (a stay credit covers only what is already there)."""
    extra_indptr: Ints
    """(J+1,) further row uses of each column."""
    extra_row: Ids
    extra_amount: Floats
    """non-negative"""
    need_indptr: Ints
    """(J+1,) the opens each column needs."""
    need_open: Ids

    row_capacity: Floats
    """(M,) non-negative capacity that is there without buying; may be inf."""

    buy_cost: Floats
    """(K,) cost of one bought unit, non-negative."""
    buy_limit: Floats
    """(K,) at most so many; finite."""
    buy_integer: Flags
    """(K,) whole units only."""
    buy_open: Ids
    """(K,) the open a purchase needs, -1 for none."""
    buy_indptr: Ints
    """(K+1,) the rows each bought unit adds capacity to."""
    buy_row: Ids
    buy_amount: Floats

    open_cost: Floats
    """(F,) non-negative or negative (closing what exists may cost)."""
    open_group: Ids
    """(F,) the group of each open, -1 for none."""
    open_indptr: Ints
    """(F+1,) the rows each open takes capacity from."""
    open_row: Ids
    open_amount: Floats
    group_min: Ints
    """(G,)"""
    group_max: Ints
    """(G,)"""

    fixed_cost: float = 0.0
    """Cost that no choice changes."""

    def fingerprint(self) -> str:
        """The same for problems that are the same, number by number, and so have the same answer."""
        digest = hashlib.sha256()
        for field in fields(self):
            value = np.asarray(getattr(self, field.name))
            digest.update(f"{field.name} {value.dtype} {value.shape} ".encode())
            digest.update(value.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Placement:
    """A candidate answer to a :class:`Problem`; ``cost`` is what its author claims, the checker recomputes it."""

    units: Ints
    """(J,) x"""
    unplaced: Ints
    """(I,) u"""
    bought: Floats
    """(K,) z"""
    opened: Flags
    """(F,) y"""
    cost: float
