"""How much a market could want of each row, before any prices are known."""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Floats, Ints
from situs.planner.solve.compiled import compiled
from situs.planner.solve.response import Columns


@compiled
def extent(
    begin: int,
    end: int,
    starts: Ints,
    columns: Columns,
    cost: Floats,
    count: Floats,
    scale: Floats,
    most: Floats,
    even: Floats,
    users: Ints,
) -> None:
    """Add what classes from ``begin`` to ``end`` could make of each row, all (rows,).

    ``most`` is what they take if each takes of the row the most it can; ``even`` how what they want would react at
    temperature 1 if each spread evenly over its columns; ``users`` how many columns use the row.  What costs inf is
    not on offer.
    """
    of_class, of_column = np.full(len(most), -1, dtype=np.int64), np.full(len(most), -1, dtype=np.int64)
    highest, here = np.zeros(len(most)), np.zeros(len(most))
    variant, target, demand, target_row, extra_indptr, extra_row, extra_amount = columns
    resources = demand.shape[1]
    for i in range(begin, end):
        number = 0
        for j in range(starts[i], starts[i + 1]):
            number += cost[j] < np.inf
        each = count[i] / scale[i] / max(1, number)
        for j in range(starts[i], starts[i + 1]):
            if cost[j] == np.inf:
                continue
            for a in range(resources + extra_indptr[j + 1] - extra_indptr[j]):
                item = extra_indptr[j] + a - resources
                row = target_row[target[j], a] if a < resources else extra_row[item]
                if row < 0:
                    continue
                amount = demand[variant[j], a] if a < resources else extra_amount[item]
                even[row] += amount * amount * each
                users[row] += 1
                # A column may use a row twice, and a class takes one of its columns.
                here[row] = here[row] + amount if of_column[row] == j else amount
                of_column[row] = j
                if of_class[row] != i:
                    of_class[row] = i
                    highest[row] = 0.0
                if here[row] > highest[row]:
                    most[row] += count[i] * (here[row] - highest[row])
                    highest[row] = here[row]
