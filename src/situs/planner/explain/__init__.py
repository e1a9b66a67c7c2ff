"""Why a plan is as it is, and what would have to be different for another one.

::

    Decided ─► explain    why a workload is where it is: costs, what refuses, what binds, what else there is
           ├─► why_not    why it is not at a site, and the smallest change that brings it there
           └─► conflicts  which wishes cannot all be granted, for what was left out
"""

from situs.planner.explain.chosen import explain
from situs.planner.explain.conflicts import conflicts
from situs.planner.explain.edits import Edit, apply
from situs.planner.explain.model import (
    Binding,
    Change,
    Conflict,
    CostPart,
    Counterfactual,
    Explanation,
    RankedAlternative,
    RefusedSites,
    WhyNot,
)
from situs.planner.explain.whynot import units_at, why_not

__all__ = [
    "Binding",
    "Change",
    "Conflict",
    "CostPart",
    "Counterfactual",
    "Edit",
    "Explanation",
    "RankedAlternative",
    "RefusedSites",
    "WhyNot",
    "apply",
    "conflicts",
    "explain",
    "units_at",
    "why_not",
]
