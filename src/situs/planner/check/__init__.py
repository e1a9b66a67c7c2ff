"""The independent checker: recomputes costs, feasibility and bounds from plain arrays, with no solver.

Nothing here is shared with the solver, so an error in the solver cannot hide behind the same error here.
"""

from situs.planner.check.bound import check_bound
from situs.planner.check.placement import Checked, check_placement
from situs.planner.check.rejected import MalformedProblem, Rejected
from situs.planner.check.wellformed import validate_problem

__all__ = [
    "Checked",
    "MalformedProblem",
    "Rejected",
    "check_bound",
    "check_placement",
    "validate_problem",
]
