"""Why a workload is not at a site, and the smallest change that would bring it there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.plan import amount
from situs.model.refusal import Refusal
from situs.planner.compile.candidates import Candidates
from situs.planner.decide import Decided
from situs.planner.explain.exact import optimum
from situs.planner.explain.model import WhyNot
from situs.planner.explain.obstacles import blockade
from situs.planner.explain.race import Race, Runner, race
from situs.planner.explain.search import Found, Search
from situs.planner.explain.shared import shared_limits


def why_not(decided: Decided, workload: str, site: str) -> WhyNot:
    """All reasons why ``workload`` is not at ``site``, and what would have to be different.

    Every offer was checked by deciding the whole estate again, with the change and with a smaller one.
    Raises InputError for a workload or a site that the estate does not have.
    """
    candidates = decided.candidates
    world = candidates.world
    _known(world.intent, workload, site)
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
    base = Race(Runner(workload, site, units), candidates, candidates.problem)
    if base.lead is not None and base.lead <= base.margin:
        extra = None if not np.isfinite(base.lead) else amount(base.lead)
        return asked.model_copy(update={"verdict": "tie", "extra_cost": extra})
    reasons = tuple(_reasons(candidates, base))
    found = _searched(base)
    return asked.model_copy(
        update={
            "verdict": "loses" if len(base.columns) else "refused",
            "reasons": reasons,
            "extra_cost": None if base.lead is None else amount(base.lead),
            "offers": found.offers,
            "nothing_helps": found.nothing_helps,
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


def _searched(base: Race) -> Found:
    world, runner = base.candidates.world, base.runner

    def decides(intent: Intent) -> bool:
        """Decide afresh, to the exact optimum and with nothing asked of it, and look where it put the units."""
        again = race(world, runner, intent)
        found = optimum(again.problem)
        return found is not None and int(found.units[again.columns].sum()) > again.units

    return Search(world, base, decides).run()


def _reasons(candidates: Candidates, base: Race) -> Iterator[Refusal]:
    """Everything that speaks against the site, the dominant reason first."""
    runner = base.runner
    yield from blockade(candidates, runner.workload, runner.site).all
    if len(base.columns):
        yield from shared_limits(base)


def _known(intent: Intent, workload: str, site: str) -> None:
    for name, mapping, what in ((workload, intent.workloads, "workload"), (site, intent.sites, "site")):
        if name not in mapping:
            raise InputError(f"there is no {what} {name!r}; there are {', '.join(sorted(mapping))}")
