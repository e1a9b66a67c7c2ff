"""The one way from intent to plan::

    intent + facts + instant (+ the plan before) ─► World ─► Candidates ─► solve ─► Plan

A pure function: the same intent, facts, instant, laws and plan before give the same plan, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from situs.facts import Facts
from situs.intent import input_hash
from situs.model.intent import Intent
from situs.model.plan import Plan, Provenance
from situs.planner.compile.candidates import Candidates, candidates
from situs.planner.compile.world import PoolName, World
from situs.planner.decode import Answer, decode
from situs.planner.previous import Continued, continued, kept
from situs.planner.problem import Placement
from situs.planner.solve import Infeasible, Progress, Solution, solve
from situs.planner.solve.library import library_version
from situs.planner.solve.result import relative_gap
from situs.planner.stranded import stranded, without
from situs.policy import check_kept_at
from situs.version import __version__

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
    parent: Plan | str | None = None,
    split: Mapping[str, Mapping[PoolName, int]] | None = None,
    owner: str | None = None,
    reason: str | None = None,
    expires: datetime | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Decided:
    """Decide where everything lives.

    ``gap`` is the proven distance to the optimum that is good enough, as a fraction of the cost.
    ``parent`` is the plan that this one follows: all that it need not change stays where that has put it. Its
    id alone is only noted.  ``split``: units by place of workloads that are in several places now, where a parent
    does not tell.
    ``expires``: until when it may be relied on; else as long as it was made for and law and rules do not change.
    Always gives a plan: what can be nowhere is in it with what stands in the way. Raises InputError when checkpoints
    are to be kept where the rules do not let them be.
    """
    before = parent if isinstance(parent, Plan) else None
    there = Continued(intent, split or {}) if before is None else continued(intent, before, at)
    world = World(there.intent, facts, at, off, there.split)
    check_kept_at(intent, world.policy)

    def solved(problem: Candidates) -> Solution:
        staying = None if before is None else kept(problem, before)
        found = solve(
            problem.problem,
            gap=gap,
            time_limit_s=time_limit_s,
            start=staying,
            on_progress=on_progress,
            cancelled=cancelled,
        )
        return found if staying is None else _unless_moving_pays(found, staying, gap)

    problem = candidates(world)
    try:
        solution = solved(problem)
    except Infeasible:
        # Storage cannot hold all the copies that are asked for: the plan says which are missing.
        problem = candidates(world, copies_wanted=False)
        solution = solved(problem)
    problem, solution = _without_stranded(problem, solution, solved, gap)
    provenance = Provenance(
        situs=__version__,
        solver=f"situs {__version__} with {library_version()}",
        input_hash=input_hash(intent),
        facts=dict(facts.versions),
        off=off,
        gap_wanted=gap,
    )
    answer = Answer(solution.placement, solution.certificate.bound, solution.status)
    plan = decode(
        problem,
        answer,
        provenance,
        parent=parent.id if isinstance(parent, Plan) else parent,
        owner=owner,
        reason=reason,
        expires=expires,
    )
    return Decided(plan, problem, solution)


def _without_stranded(
    problem: Candidates, first: Solution, solved: Callable[[Candidates], Solution], gap: float
) -> tuple[Candidates, Solution]:
    """The same where nothing waits for what is left out; else decided again without what does."""
    rest, found, left_out = problem, first, frozenset[int]()
    while more := stranded(rest, found.placement):
        left_out |= more
        rest = without(problem, left_out)
        found = solved(rest)
    if not left_out:
        return problem, first
    # What the first search proved holds for every plan, also for one that leaves more out.
    distance = relative_gap(found.placement.cost, first.certificate.bound)
    status = "optimal" if distance <= gap else "work" if found.status == "optimal" else found.status
    return rest, replace(first, placement=found.placement, gap=distance, status=status)


def _unless_moving_pays(solution: Solution, staying: Placement, gap: float) -> Solution:
    """What is good enough without moving anything is taken, even where something a little cheaper was found."""
    distance = relative_gap(staying.cost, solution.certificate.bound)
    if distance > gap:
        return solution
    return replace(solution, placement=staying, gap=distance, status="optimal")


def decoded(problem: Candidates, placement: Placement, provenance: Provenance) -> Plan:
    """A placement that somebody else made, in the words of a plan; nothing is proven about it."""
    return decode(problem, Answer(placement, 0.0, "work"), provenance)
