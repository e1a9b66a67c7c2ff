"""Hybrid by design or by accident: what an estate shows about how it came to be, each with evidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from situs.model.base import Model
from situs.model.intent import Intent
from situs.planner.analysis.whatif import per_month
from situs.planner.compile.datasets import grown
from situs.planner.decide import Decided

CONCENTRATED = 0.6
"""Above this share of what is spent on others, one of them can set the terms: the point at which
supervisors of banks and insurers begin to ask for an exit plan."""

MOSTLY_IDLE = 0.5
"""A pool whose fullest resource is used less than this is worth a question."""


class Finding(Model):
    """One thing that looks like an accident."""

    kind: Literal["silo", "duplicate", "concentration", "orphan", "idle", "misplaced", "unlabelled"]
    what: str
    """name of the dataset, workload, operator or pool"""
    evidence: tuple[str, ...]
    """names and figures behind it"""
    per_month: Decimal
    """what it costs, in the plan's currency; 0 where it is a risk and not a cost"""


class Posture(Model):
    """All findings, dearest first, and how much of the estate is where it would be put on purpose."""

    findings: tuple[Finding, ...]
    by_design: float
    """share of the units running today that are where the plan wants them"""
    avoidable_per_month: Decimal


def posture(base: Decided, intent: Intent) -> Posture:
    """Hold today's estate against the plan."""
    findings = [
        *_silos(base, intent),
        *_duplicates(base, intent),
        *_concentration(base),
        *_orphans(base, intent),
        *_idle(base),
        *_misplaced(base, intent),
        *_unlabelled(intent),
    ]
    findings.sort(key=lambda finding: (-finding.per_month, finding.kind, finding.what))
    today = {name: w.count for name, w in intent.workloads.items() if w.current is not None}
    moved = sum(move.units for move in base.plan.moves)
    settled = sum(today.values())
    avoidable = [f.per_month for f in findings if f.kind in ("duplicate", "idle", "misplaced")]
    return Posture(
        findings=tuple(findings),
        by_design=(settled - moved) / settled if settled else 1.0,
        avoidable_per_month=sum(avoidable, Decimal(0)),
    )


def _silos(base: Decided, intent: Intent) -> Iterator[Finding]:
    """Data in one place that work elsewhere has to fetch over and over."""
    fetched: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for decision in base.plan.decisions:
        for assignment in decision.assignments:
            for dataset, site in assignment.reads.items():
                if site != assignment.site:
                    cost = assignment.costs.get("transfer", Decimal(0))  # type: ignore[call-overload]
                    fetched[dataset].append((f"{decision.workload} at {assignment.site}", cost))
    for name, readers in sorted(fetched.items()):
        replicas = intent.datasets[name].replicas
        if len(replicas) == 1:
            yield Finding(
                kind="silo",
                what=name,
                evidence=(
                    f"only at {replicas[0]}",
                    *(f"read over a link by {reader}" for reader, _ in readers),
                ),
                per_month=_monthly(base, sum((cost for _, cost in readers), Decimal(0))),
            )


def _duplicates(base: Decided, intent: Intent) -> Iterator[Finding]:
    """Copies that nobody needs: the plan drops them."""
    world = base.candidates.world
    for replica in base.plan.replicas:
        if replica.change == "drop":
            gb = grown(intent.datasets[replica.dataset], world.months)
            cost = Decimal(str(round(gb * world.storage_price(replica.site), 6)))
            yield Finding(
                kind="duplicate",
                what=f"{replica.dataset} at {replica.site}",
                evidence=(
                    f"{gb:,.0f} GB that nothing reads there",
                    f"{len(intent.datasets[replica.dataset].replicas)} copies",
                ),
                per_month=cost,
            )


def _concentration(base: Decided) -> Iterator[Finding]:
    """One provider for most of what is bought from others."""
    world = base.candidates.world
    spent: Counter[str] = Counter()
    for decision in base.plan.decisions:
        for a in decision.assignments:
            spent[world.site(a.site).operator] += int(sum(a.costs.values()) * 100)
    outside = {operator: cents for operator, cents in spent.items() if operator != "self"}
    total = sum(outside.values())
    for operator, cents in sorted(outside.items()):
        if total and cents / total > CONCENTRATED and len(world.intent.sites) > 1:
            yield Finding(
                kind="concentration",
                what=operator,
                evidence=(
                    f"{cents / total:.0%} of what is paid to others",
                    f"{_monthly(base, Decimal(cents) / 100):,.2f} a month",
                ),
                per_month=Decimal(0),
            )


def _orphans(base: Decided, intent: Intent) -> Iterator[Finding]:
    """Work that belongs to no use case: nobody says what it is worth."""
    for decision in base.plan.decisions:
        if intent.workloads[decision.workload].use_case is None:
            cost = sum((sum(a.costs.values(), Decimal(0)) for a in decision.assignments), Decimal(0))
            yield Finding(
                kind="orphan",
                what=decision.workload,
                evidence=("no use case", intent.workloads[decision.workload].owner or "no owner"),
                per_month=_monthly(base, cost),
            )


def _idle(base: Decided) -> Iterator[Finding]:
    """Capacity that is paid for and not used even under the best plan."""
    for holding in base.plan.holdings:
        fullest = max(holding.used.values(), default=0.0)
        if fullest < MOSTLY_IDLE:
            cost = sum(holding.costs.values(), Decimal(0)) * Decimal(str(round(1.0 - fullest, 6)))
            yield Finding(
                kind="idle",
                what=f"{holding.site}/{holding.pool}",
                evidence=(
                    f"{holding.nodes} nodes",
                    *(f"{resource} {share:.0%} used" for resource, share in sorted(holding.used.items())),
                ),
                per_month=_monthly(base, cost),
            )


def _misplaced(base: Decided, intent: Intent) -> Iterator[Finding]:
    """Work that runs where the plan would not put it, and what that costs."""
    for move in base.plan.moves:
        saving = move.saving_per_month
        yield Finding(
            kind="misplaced",
            what=move.workload,
            evidence=(
                f"at {move.source}, better at {move.target}",
                "it may not stay where it is"
                if saving is None
                else f"saves {saving:,.2f} a month before its bill",
            ),
            per_month=max(saving or Decimal(0), Decimal(0)),
        )


def _unlabelled(intent: Intent) -> Iterator[Finding]:
    """Data nobody has classified are treated as the highest class, which keeps them from most places."""
    produced = {output.dataset for w in intent.workloads.values() for output in w.outputs}
    for name, dataset in sorted(intent.datasets.items()):
        if dataset.label is None and name not in produced:
            yield Finding(
                kind="unlabelled",
                what=name,
                evidence=("treated as the highest class", dataset.owner or "no owner"),
                per_month=Decimal(0),
            )


def _monthly(base: Decided, cost: Decimal) -> Decimal:
    return cost * per_month(base.plan) / base.plan.cost if base.plan.cost else cost
