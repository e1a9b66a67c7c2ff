"""The proof that no placement can cost less than a stated value.

A certificate is a tree of case distinctions over the integer choices of a
:class:`~situs.planner.problem.Problem`; at each leaf stand prices (Lagrange multipliers).  Anyone can
recompute the bound of a leaf from its prices alone, with a minimum per class and no solver, because any
non-negative prices give a valid bound::

    L = fixed_cost - sum_r row[r] * row_capacity[r]
      + sum_i  min over (x, u) of  sum_j (col_cost[j] + sum_r row[r]*amount(j,r)
                                          + sum_{f needed by j} need(i,f)) * x[j]  +  penalty[i]*u[i]
               with sum_j x[j] + u[i] = count[i], and x[j] and u[i] within their limits in this case,
               see below
      + sum_k  min over z[k] of  (buy_cost[k] - sum_r row[r]*buy_amount(k,r) + buy[k]) * z[k]
               with z[k] within its limits in this case
      + sum_g  min over y of  sum_f (open_cost[f] + sum_r row[r]*open_amount(f,r)
                                     - sum_i count[i]*need(i,f) - sum_{k of f} buy_limit[k]*buy[k]) * y[f]
               with the group's minimum and maximum and the case's fixings

      + what the priced cuts add, see :class:`Cut`

A column's limits in a case are its own, those of the splits, 0 if an open it needs is closed, and so many whole
units as fit each of its rows when all that the case allows is bought and all that it asks for is there.  Nothing
of this stands in the certificate: whoever checks it works it out again.

``need(i, f)`` prices "class i uses open f only if it is there", ``buy[k]`` prices "purchase k only if its
open is there" (0 for a purchase that needs none). The bound of the tree is the least over its leaves: the
cases of a split (``<= value`` and ``>= value + 1``) leave nothing out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from situs.planner.problem import Floats, Ids, Ints


@dataclass(frozen=True, eq=False)
class Cut:
    """An inequality that every placement keeps, though fractions of units would break it::

        sum_n weight[n] * x[column[n]]  <=  limit + per_bought * z[purchase]

    It must follow from row ``row`` alone, with whole units: for every whole number of ``purchase`` that may
    be bought, no choice of whole units within their limits fits the row and weighs more than that.  A checker
    verifies this with a table of the least capacity that reaches each weight.  No open and no further
    purchase that adds to the row may be left out of that account: opens only take, further purchases count
    as bought to their limit.  Priced at ``cut[c]``, it adds the weight to the columns' costs, and takes
    ``limit`` from the bound and ``per_bought`` from the purchase's cost, each times the price.
    """

    row: int
    column: Ids
    """(n,) columns that use the row, each once"""
    weight: Ints
    """(n,) positive"""
    limit: int
    purchase: int = -1
    """a purchase of whole units that adds to the row, -1 for none"""
    per_bought: int = 0


@dataclass(frozen=True, eq=False)
class Prices:
    """Multipliers of one leaf; all non-negative, ``row`` is 0 where a row's capacity is infinite."""

    row: Floats
    """(M,)"""
    need_class: Ids
    """(n,) class of each need price"""
    need_open: Ids
    """(n,) open of each need price; a pair stands at most once"""
    need_price: Floats
    """(n,)"""
    buy: Floats
    """(K,)"""
    cut: Floats = field(default_factory=lambda: np.zeros(0))
    """(number of the certificate's cuts,)"""


@dataclass(frozen=True)
class Split:
    """Two cases: the chosen integer is at most ``value``, or at least ``value + 1``."""

    what: Literal["bought", "opened", "units", "unplaced"]
    index: int
    """which purchase, open, column, or class (of which units are left out)"""
    value: int
    low: Split | int
    """the case "at most": a further split, or the number of a leaf"""
    high: Split | int


@dataclass(frozen=True, eq=False)
class Certificate:
    """A bound with its proof: ``bound`` is the claim, a checker recomputes it from the rest."""

    bound: float
    leaves: tuple[Prices, ...]
    tree: Split | int = 0
    cuts: tuple[Cut, ...] = ()
