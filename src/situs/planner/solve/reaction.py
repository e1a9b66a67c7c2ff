"""How what is wanted of rows reacts to their prices: the classes that are torn between columns, written out.

At low temperatures nineteen classes of twenty have made their choice and do not react.  What the others take of
which rows is looked up once; a reaction to a change of prices is then a pass over few numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from situs.planner.problem import Floats, Ids, Ints
from situs.planner.solve.compiled import compiled
from situs.planner.solve.response import Columns, spreading

NEGLIGIBLE = 1e-3
"""A share of a class below this does not count."""


class Torn(NamedTuple):
    """Columns that share classes with others, the classes one after the other."""

    starts: Ints
    """(c+1,) where the columns of each class begin"""
    share: Floats
    """(e,) of the class, of what is not in full columns"""
    weight: Floats
    """(c,) units that are not in full columns, by heat"""
    indptr: Ints
    """(e+1,)"""
    row: Ids
    """the free rows each column uses, by their number among these"""
    amount: Floats


@compiled
def find_torn(
    begin: int,
    end: int,
    starts: Ints,
    columns: Columns,
    count: Floats,
    heat: Floats,
    limit: Floats,
    units: Floats,
    at: Ids,
) -> Torn:
    """The torn classes from ``begin`` to ``end``; ``at`` (rows,) is the number of each free row, -1 for others."""
    variant, target, demand, target_row, extra_indptr, extra_row, extra_amount = columns
    resources = demand.shape[1]
    classes, entries, uses = 0, 0, 0
    torn = np.zeros(end - begin, dtype=np.bool_)
    for i in range(begin, end):
        apart = spreading(starts[i], starts[i + 1], count[i], limit, units)
        here, taken, most = 0, 0, 0.0
        for j in range(starts[i], starts[i + 1]):
            share = units[j] / apart
            if share > NEGLIGIBLE and units[j] < limit[j]:
                here += 1
                taken += resources + extra_indptr[j + 1] - extra_indptr[j]
                most = max(most, share)
        if here > 0 and most < 1.0 - NEGLIGIBLE:
            torn[i - begin] = True
            classes += 1
            entries += here
            uses += taken
    result = Torn(
        np.zeros(classes + 1, dtype=np.int64),
        np.empty(entries),
        np.empty(classes),
        np.zeros(entries + 1, dtype=np.int64),
        np.empty(uses, dtype=np.int32),
        np.empty(uses),
    )
    c, e, n = 0, 0, 0
    for i in range(begin, end):
        if not torn[i - begin]:
            continue
        apart = spreading(starts[i], starts[i + 1], count[i], limit, units)
        for j in range(starts[i], starts[i + 1]):
            share = units[j] / apart
            if share > NEGLIGIBLE and units[j] < limit[j]:
                for q in range(resources):
                    row = target_row[target[j], q]
                    if row >= 0 and at[row] >= 0:
                        result.row[n], result.amount[n] = at[row], demand[variant[j], q]
                        n += 1
                for item in range(extra_indptr[j], extra_indptr[j + 1]):
                    if at[extra_row[item]] >= 0:
                        result.row[n], result.amount[n] = at[extra_row[item]], extra_amount[item]
                        n += 1
                result.share[e] = share
                e += 1
                result.indptr[e] = n
        result.weight[c] = apart / heat[i]
        c += 1
        result.starts[c] = e
    return result


@compiled
def react(torn: Torn, change: Floats, less: Floats) -> None:
    """Add to ``less`` (free,) how much less is wanted of each row for a small ``change`` (free,) of prices."""
    for c in range(len(torn.weight)):
        mean = 0.0
        for e in range(torn.starts[c], torn.starts[c + 1]):
            for n in range(torn.indptr[e], torn.indptr[e + 1]):
                mean += torn.share[e] * torn.amount[n] * change[torn.row[n]]
        for e in range(torn.starts[c], torn.starts[c + 1]):
            dearer = -mean
            for n in range(torn.indptr[e], torn.indptr[e + 1]):
                dearer += torn.amount[n] * change[torn.row[n]]
            leaves = torn.weight[c] * torn.share[e] * dearer
            for n in range(torn.indptr[e], torn.indptr[e + 1]):
                less[torn.row[n]] += torn.amount[n] * leaves


@compiled
def own_reaction(torn: Torn, diagonal: Floats) -> None:
    """Add to ``diagonal`` (free,) about how fast what is wanted of each row falls with its own price."""
    for c in range(len(torn.weight)):
        for e in range(torn.starts[c], torn.starts[c + 1]):
            leaves = torn.weight[c] * torn.share[e] * (1.0 - torn.share[e])
            for n in range(torn.indptr[e], torn.indptr[e + 1]):
                diagonal[torn.row[n]] += torn.amount[n] * torn.amount[n] * leaves
