"""situs: where each AI workload and each dataset should live, decided with proof.

>>> import situs
>>> estate = situs.open_estate("examples/clinic-group")    # doctest: +SKIP
>>> plan = estate.plan()                                   # doctest: +SKIP
>>> estate.why_not("triage", "frankfurt").reasons          # doctest: +SKIP

Everything here is loaded when it is first used, so that importing situs costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from situs.version import __version__ as __version__

if TYPE_CHECKING:
    from situs.control.submitting import NoPlace
    from situs.control.tasks import TaskFailed
    from situs.economics.breakeven import BreakEven, Case, Spread, break_even
    from situs.facts import Facts
    from situs.facts.difference import Difference
    from situs.intent.importing import Imported
    from situs.model.error import InputError, SitusError
    from situs.model.intent import Intent
    from situs.model.money import Money
    from situs.model.plan import Assignment, Decision, Move, Plan, Purchase, Replica
    from situs.model.refusal import Refusal
    from situs.planner.analysis.compare import Alternative
    from situs.planner.analysis.exits import Leaving, WorkloadExit
    from situs.planner.analysis.finding import Finding
    from situs.planner.analysis.ownrent import Given, OwnOrRent
    from situs.planner.analysis.pareto import Point
    from situs.planner.analysis.posture import Posture
    from situs.planner.analysis.prices import RulePrice
    from situs.planner.analysis.usecases import Ranked
    from situs.planner.analysis.whatif import DrillResult
    from situs.planner.explain import Conflict, Counterfactual, Explanation, WhyNot
    from situs.policy import RuleInfo, Sentence
    from situs.reporting import report_value
    from situs.sdk import (
        Estate,
        diff_facts,
        import_csv,
        import_kubernetes,
        import_openb,
        import_prices,
        import_skypilot,
        load_facts,
        open_estate,
        read_estate,
        run_demo,
        schema,
        write_first_estate,
    )
    from situs.store.imports import ImportReport
    from situs.store.replay import Changed, Replayed
    from situs.tasks import Job, Task, run, task
    from situs.tuning import Sweep, sweep

_HOMES = {
    "situs.economics.breakeven": ("BreakEven", "Case", "Spread", "break_even"),
    "situs.facts": ("Facts",),
    "situs.facts.difference": ("Difference",),
    "situs.intent.importing": ("Imported",),
    "situs.model.error": ("InputError", "SitusError"),
    "situs.model.intent": ("Intent",),
    "situs.model.money": ("Money",),
    "situs.model.plan": ("Assignment", "Decision", "Move", "Plan", "Purchase", "Replica"),
    "situs.model.refusal": ("Refusal",),
    "situs.planner.analysis.compare": ("Alternative",),
    "situs.planner.analysis.exits": ("Leaving", "WorkloadExit"),
    "situs.planner.analysis.ownrent": ("Given", "OwnOrRent"),
    "situs.planner.analysis.pareto": ("Point",),
    "situs.planner.analysis.finding": ("Finding",),
    "situs.planner.analysis.posture": ("Posture",),
    "situs.planner.analysis.prices": ("RulePrice",),
    "situs.planner.analysis.usecases": ("Ranked",),
    "situs.planner.analysis.whatif": ("DrillResult",),
    "situs.planner.explain": ("Conflict", "Counterfactual", "Explanation", "WhyNot"),
    "situs.policy": ("RuleInfo", "Sentence"),
    "situs.sdk": (
        "Estate", "diff_facts", "import_csv", "import_kubernetes", "import_openb", "import_prices",
        "import_skypilot", "load_facts", "open_estate", "read_estate", "run_demo", "schema",
        "write_first_estate",
    ),
    "situs.control.submitting": ("NoPlace",),
    "situs.control.tasks": ("TaskFailed",),
    "situs.store.imports": ("ImportReport",),
    "situs.store.replay": ("Changed", "Replayed"),
    "situs.reporting": ("report_value",),
    "situs.tasks": ("Job", "Task", "run", "task"),
    "situs.tuning": ("Sweep", "sweep"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Alternative", "Assignment", "BreakEven", "Case", "Changed", "Conflict", "Counterfactual", "Decision",
    "Difference", "DrillResult", "Estate", "Explanation", "Facts", "Finding", "Given", "ImportReport",
    "Imported", "InputError", "Intent", "Job", "Leaving", "Money", "Move", "NoPlace", "OwnOrRent", "Plan",
    "Point", "Posture", "Purchase", "Ranked", "Refusal", "Replayed", "Replica", "RuleInfo", "RulePrice",
    "Sentence", "SitusError", "Spread", "Sweep", "Task", "TaskFailed", "WhyNot", "WorkloadExit", "__version__",
    "break_even", "diff_facts", "import_csv", "import_kubernetes", "import_openb", "import_prices",
    "import_skypilot", "load_facts", "open_estate", "read_estate", "report_value", "run", "run_demo", "schema",
    "sweep", "task", "write_first_estate",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'situs' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
