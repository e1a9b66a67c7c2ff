"""The solver: a placement, and a proof of how far from the best it can be at most.

::

    Problem ─► relaxation (column generation) ─► prices ─► bound, recomputed over all columns
                     │                                       │
                     └─► restricted search ─► placement ─► branching ─► tree of cases with prices
"""

from situs.planner.solve.engine import solve
from situs.planner.solve.repair import repair
from situs.planner.solve.result import Infeasible, Phase, Progress, Solution

__all__ = ["Infeasible", "Phase", "Progress", "Solution", "repair", "solve"]
