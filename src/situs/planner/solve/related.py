"""Classes that compete for the same places: to be searched together, since one's gain is another's move."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from situs.planner.problem import Floats, Ints
from situs.planner.solve.frame import Frame


def related(frame: Frame, near: Ints, keen: Floats, seed: int, number: int) -> Ints:
    """About ``number`` classes around the class ``seed``.

    Targets join one after the other, beginning with those that the seed could take, each time the one that most
    of the classes with a place among them could take too.  A class belongs to them as soon as it can move between
    two.  ``near`` are the columns that classes may take, ``keen`` (I,) tells who is to be preferred.
    """
    p = frame.problem
    wants = sparse.csr_matrix(
        (np.ones(len(near)), (frame.cls[near], p.col_target[near])),
        shape=(frame.classes, len(p.target_row)),
    )
    wants.data[:] = 1.0
    by_target = wants.T.tocsr()
    joined = np.zeros(wants.shape[1])
    joined[wants.indices[wants.indptr[seed] : wants.indptr[seed + 1]]] = 1.0
    while True:
        places = wants @ joined
        free = np.flatnonzero(places >= 2)
        if len(free) >= number:
            break
        further = by_target @ np.where(places >= 1, 1.0 + keen, 0.0) * (joined == 0)
        if not np.any(further > 0):
            break
        joined[int(np.argmax(further))] = 1.0
    if len(free) > number * 4 // 3:
        order = np.lexsort((-places[free], -keen[free]))
        free = np.sort(free[order[:number]])
    return free
