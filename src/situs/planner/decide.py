"""The one way from intent to plan::

    intent + facts + instant ─► World ─► Candidates ─► solve ─► Plan

A pure function: the same intent, facts, instant and laws give the same plan, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from situs import __version__
from situs.facts import Facts
from situs.intent import input_hash
from situs.model.intent import Intent
from situs.model.plan import Plan, Provenance
from situs.planner.compile.candidates import Candidates, candidates
from situs.planner.compile.world import World
from situs.planner.decode import Answer, decode
from situs.planner.problem import Placement
from situs.planner.solve import Progress, Solution, solve
from situs.planner.solve.library import library_version

DEFAULT_GAP = 1e-4
"""One part in ten thousand: less than the rounding of any price list, and quick at the size of most estates."""


@dataclass(frozen=True, eq=False)
class Decided:
    """A plan with all that explanations need."""

    plan: Plan
    candidates: Candidates
    solution: Solution


def decide(
    intent: Intent,
    facts: Facts,
    at: datetime,
    *,
    off: frozenset[str] = frozenset(),
    gap: float = DEFAULT_GAP,
    time_limit_s: float | None = None,
    parent: str | None = None,
    owner: str | None = None,
    reason: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Decided:
    """Decide where everything lives.

    ``gap`` is the proven distance to the optimum that is good enough, as a fraction of the cost.
    Always gives a plan: what can be nowhere is in it with what stands in the way.
    """
    problem = candidates(World(intent, facts, at, off))
    solution = solve(
        problem.problem, gap=gap, time_limit_s=time_limit_s, on_progress=on_progress, cancelled=cancelled
    )
    provenance = Provenance(
        situs=__version__,
        solver=f"situs {__version__} with {library_version()}",
        input_hash=input_hash(intent),
        facts=dict(facts.versions),
        off=off,
        gap_wanted=gap,
    )
    answer = Answer(solution.placement, solution.certificate.bound, solution.status)
    plan = decode(problem, answer, provenance, parent=parent, owner=owner, reason=reason)
    return Decided(plan, problem, solution)


def decoded(problem: Candidates, placement: Placement, provenance: Provenance) -> Plan:
    """A placement that somebody else made, in the words of a plan; nothing is proven about it."""
    return decode(problem, Answer(placement, 0.0, "work"), provenance)
