"""What each rule costs: the plan with all rules beside the plan without that one."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from situs.facts import Facts
from situs.model.amount import Exact
from situs.model.base import Model
from situs.model.intent import Intent
from situs.planner.analysis.whatif import per_month
from situs.planner.compile.candidates import candidates
from situs.planner.compile.world import World
from situs.planner.decide import Decided, decide


class RulePrice(Model):
    """The price of one rule, in the plan's currency per month."""

    rule: str
    title: str
    anchor: str | None
    costs_per_month: Exact
    """what the plan would cost less without it; negative when more work can be placed without it"""
    removes: int
    """pairs of workload and site for which it is the dominant reason"""
    keeps_out: tuple[str, ...]
    """workloads that could be placed without it"""


def rule_prices(base: Decided, intent: Intent, facts: Facts, *, gap: float = 1e-4) -> tuple[RulePrice, ...]:
    """The price of every rule that refuses something, dearest first."""
    world = base.candidates.world
    removed: Counter[str] = Counter()
    for decision in base.plan.decisions:
        removed.update(decision.refused)
    priced = []
    # Most rules stand behind others that refuse the same: without them the problem is the same, and so is its answer.
    solved = {base.candidates.problem.fingerprint(): base.plan}
    for rule in world.policy.rules:
        if rule.id in world.policy.off or not _matters(base, intent, rule.id, removed):
            continue
        off = world.off | {rule.id}
        asked = candidates(World(intent, facts, world.at, off)).problem.fingerprint()
        if asked not in solved:
            solved[asked] = decide(intent, facts, world.at, off=off, gap=gap).plan
        without = solved[asked]
        left_out = {decision.workload: decision.unplaced for decision in without.decisions}
        keeps_out = tuple(d.workload for d in base.plan.decisions if d.unplaced > left_out[d.workload])
        saved = per_month(base.plan) - per_month(without)
        priced.append(
            RulePrice(
                rule=rule.id,
                title=rule.title,
                anchor=rule.anchor,
                # The plan is allowed without the rule too: where no better one was found, it is the best there is.
                costs_per_month=saved if keeps_out else max(Decimal(0), saved),
                removes=removed[rule.id],
                keeps_out=keeps_out,
            )
        )
    return tuple(sorted(priced, key=lambda price: (-price.costs_per_month, price.rule)))


JOINT = {"spread", "concentration", "budget"}
"""Rules that remove no single place but tie workloads together; they are priced whenever they are used."""


def _matters(base: Decided, intent: Intent, rule: str, removed: Counter[str]) -> bool:
    """A rule that is nobody's dominant reason may still be one of several at a site, so all that refuse count."""
    if rule == "spread":
        return any(w.spread for w in intent.workloads.values())
    if rule == "concentration":
        return any(r.max_operator_share for r in intent.rules.values())
    if rule == "budget":
        return any(w.budget for w in intent.workloads.values()) or any(
            u.budget for u in intent.use_cases.values()
        )
    if removed[rule]:
        return True
    policy = base.candidates.world.policy
    return any(
        refusal.rule == rule
        for name in intent.datasets
        for site in policy.sites
        for refusal in policy.dataset_refusals(name, site)
    )
