"""Why a workload is not at a site, and the smallest change that would bring it there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from situs.model.plan import amount
from situs.model.refusal import Refusal
from situs.planner.compile.candidates import Candidates
from situs.planner.decide import Decided
from situs.planner.explain.asked import known
from situs.planner.explain.held import held
from situs.planner.explain.model import WhyNot
from situs.planner.explain.race import Race, Runner
from situs.planner.explain.search import Found, Search
from situs.planner.explain.shared import shared_limits
from situs.planner.explain.trial import Trial
from situs.planner.obstacles import blockade

MOST_COLUMNS = 50_000
"""A search draws up the estate some fifty times, which takes minutes where there are more options."""
MOST_WIDENINGS = 4
"""Searches with ever fewer classes held; the second one is nearly always right."""


def why_not(decided: Decided, workload: str, site: str) -> WhyNot:
    """All reasons why ``workload`` is not at ``site``, and what would have to be different.

    Every offer was checked by deciding again, with the change and with a smaller one: the whole estate, or of
    a large one the neighbourhood of the question (see :mod:`situs.planner.explain.held`).
    Raises InputError for a workload or a site that the estate does not have.
    """
    candidates = decided.candidates
    world = candidates.world
    known(world.intent, workload, site)
    number = candidates.class_of(workload)
    entry = candidates.classes[number]
    units = units_at(decided, entry.names, site)
    asked = WhyNot(
        workload=workload,
        site=site,
        currency=world.settings.currency,
        verdict="is-there",
        identical=tuple(name for name in entry.names if name != workload),
        units_there=units,
        reasons=(),
    )
    if units_at(decided, (workload,), site) == world.intent.workloads[workload].count or units == entry.count:
        return asked
    runner = Runner(workload, site, units)
    base = Race(runner, candidates, candidates.problem, held(decided, workload, site))
    if base.lead is not None and base.lead <= base.margin:
        extra = None if not np.isfinite(base.lead) else amount(base.lead)
        return asked.model_copy(update={"verdict": "tie", "extra_cost": extra})
    reasons = tuple(_reasons(candidates, base))
    found, base = _searched(base)
    return asked.model_copy(
        update={
            "verdict": "loses" if len(base.columns) else "refused",
            "reasons": reasons,
            "extra_cost": None if base.lead is None else amount(base.lead),
            "offers": found.offers,
            "nothing_helps": found.nothing_helps,
            "held": sum(map(len, base.held.units)),
        }
    )


def units_at(decided: Decided, names: tuple[str, ...], site: str) -> int:
    """Units of the named workloads at a site."""
    return sum(
        assignment.units
        for name in names
        for assignment in decided.plan.decision(name).assignments
        if assignment.site == site
    )


def _searched(base: Race) -> tuple[Found, Race]:
    """What was found, and the race it was found in: those who stir when it is checked are let go before."""
    if len(base.candidates.options) > MOST_COLUMNS:
        details = {"options": str(len(base.candidates.options))}
        return Found((), Refusal(rule="too-large", details=details)), base
    for _ in range(MOST_WIDENINGS):
        search = Search(Trial(base))
        found = search.run()
        if not search.stirred:
            break
        base = replace(base, held=base.held.without(search.stirred))
    return found, base


def _reasons(candidates: Candidates, base: Race) -> Iterator[Refusal]:
    """Everything that speaks against the site, the dominant reason first."""
    runner = base.runner
    yield from blockade(candidates, runner.workload, runner.site).all
    if len(base.columns):
        yield from shared_limits(base)
