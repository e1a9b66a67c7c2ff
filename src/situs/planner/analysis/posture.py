"""Hybrid by design or by accident: what an estate shows about how it came to be, each with evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from situs.model.amount import Exact
from situs.model.base import Model
from situs.model.intent import Intent
from situs.planner.analysis.finding import Detail, Finding, costing
from situs.planner.analysis.risk import paid_to_others
from situs.planner.analysis.whatif import per_month
from situs.planner.compile.datasets import grown
from situs.planner.decide import Decided

CONCENTRATED = 0.6
"""Above this share of what is spent on others, one of them can set the terms: the point at which
supervisors of banks and insurers begin to ask for an exit plan."""

MOSTLY_IDLE = 0.5
"""A pool whose fullest resource is used less than this is worth a question."""


class Posture(Model):
    """All findings, dearest first, and how much of the estate is where it would be put on purpose."""

    findings: tuple[Finding, ...]
    by_design: float
    """share of the units running today that are where the plan wants them"""
    avoidable_per_month: Exact


def posture(base: Decided, intent: Intent) -> Posture:
    """Hold today's estate against the plan."""
    findings = [
        *_silos(base, intent),
        *_duplicates(base, intent),
        *_concentration(base),
        *_orphans(base, intent),
        *_idle(base),
        *_misplaced(base, intent),
        *_unlabelled(base, intent),
    ]
    findings.sort(key=lambda f: (-f.per_month, -f.at_stake_per_month, f.kind, f.what))
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
    """Data that even the plan keeps in one place, and that work elsewhere has to fetch over and over."""
    fetched: dict[str, list[tuple[str, str, Decimal]]] = defaultdict(list)
    for decision in base.plan.decisions:
        for assignment in decision.assignments:
            for dataset, site in assignment.reads.items():
                if site != assignment.site:
                    cost = assignment.costs.get("transfer", Decimal(0))  # type: ignore[call-overload]
                    fetched[dataset].append((decision.workload, assignment.site, cost))
    made = {output.dataset for workload in intent.workloads.values() for output in workload.outputs}
    for name, readers in sorted(fetched.items()):
        homes = _homes(base, name)
        if len(homes) == 1 and name not in made:
            yield Finding(
                kind="silo",
                what=name,
                details=(
                    _detail("only-at", site=homes[0]),
                    *(_detail("read-over-link", workload=reader, site=at) for reader, at, _ in readers),
                ),
                per_month=_monthly(base, sum((cost for _, _, cost in readers), Decimal(0))),
                at_stake_per_month=_readers_cost(base, name),
            )


def _homes(base: Decided, dataset: str) -> list[str]:
    """Where the plan has copies."""
    return [r.site for r in base.plan.replicas if r.dataset == dataset and r.change != "drop"]


def _duplicates(base: Decided, intent: Intent) -> Iterator[Finding]:
    """Copies that the plan drops: one of several that nobody needs, or the only one, which is in the wrong place."""
    world = base.candidates.world
    for replica in base.plan.replicas:
        if replica.change != "drop":
            continue
        copies = len(intent.datasets[replica.dataset].replicas)
        gb = grown(intent.datasets[replica.dataset], world.months)
        cost = gb * world.storage_price(replica.site)
        details: tuple[Detail, ...] = (_detail("nothing-reads", gb=gb), _detail("copies", n=copies))
        if copies == 1:
            homes = _homes(base, replica.dataset)
            details = tuple(_detail("better-at", source=replica.site, target=home) for home in homes)
            cost = max(0.0, cost - sum(gb * world.storage_price(home) for home in homes))
        yield costing(
            kind="duplicate" if copies > 1 else "misplaced",
            what=f"{replica.dataset} at {replica.site}" if copies > 1 else replica.dataset,
            details=details,
            per_month=Decimal(str(round(cost, 6))),
        )


def _concentration(base: Decided) -> Iterator[Finding]:
    """One provider for most of what is bought from others."""
    world, outside = base.candidates.world, paid_to_others(base)
    total = outside.total()
    for operator, cents in sorted(outside.items()):
        if total and cents / total > CONCENTRATED and len(world.intent.sites) > 1:
            paid = _monthly(base, Decimal(cents) / 100)
            yield Finding(
                kind="concentration",
                what=operator,
                details=(
                    _detail("share-paid", share=cents / total),
                    _detail("paid", amount=float(paid)),
                ),
                per_month=Decimal(0),
                at_stake_per_month=paid,
            )


def _orphans(base: Decided, intent: Intent) -> Iterator[Finding]:
    """Work that belongs to no use case: nobody says what it is worth."""
    for decision in base.plan.decisions:
        if intent.workloads[decision.workload].use_case is None:
            cost = sum((sum(a.costs.values(), Decimal(0)) for a in decision.assignments), Decimal(0))
            yield costing(
                kind="orphan",
                what=decision.workload,
                details=(_detail("no-use-case"), _owner(intent.workloads[decision.workload].owner)),
                per_month=_monthly(base, cost),
            )


def _idle(base: Decided) -> Iterator[Finding]:
    """Capacity that is paid for and not used even under the best plan."""
    for holding in base.plan.holdings:
        fullest = max(holding.used.values(), default=0.0)
        if fullest < MOSTLY_IDLE:
            cost = sum(holding.costs.values(), Decimal(0)) * Decimal(str(round(1.0 - fullest, 6)))
            yield costing(
                kind="idle",
                what=f"{holding.site}/{holding.pool}",
                details=(
                    _detail("nodes", n=holding.nodes),
                    *(_detail("used", resource=r, share=share) for r, share in sorted(holding.used.items())),
                ),
                per_month=_monthly(base, cost),
            )


def _misplaced(base: Decided, intent: Intent) -> Iterator[Finding]:
    """Work that runs where the plan would not put it, and what that costs."""
    for move in base.plan.moves:
        saving = move.saving_per_month
        yield costing(
            kind="misplaced",
            what=move.workload,
            details=(
                _detail("better-at", source=move.source, target=move.target),
                _detail("may-not-stay") if saving is None else _detail("saves", amount=float(saving)),
            ),
            per_month=max(saving or Decimal(0), Decimal(0)),
        )


def _unlabelled(base: Decided, intent: Intent) -> Iterator[Finding]:
    """Data nobody has classified are treated as the highest class, which keeps them from most places."""
    produced = {output.dataset for w in intent.workloads.values() for output in w.outputs}
    for name, dataset in sorted(intent.datasets.items()):
        if dataset.label is None and name not in produced:
            yield Finding(
                kind="unlabelled",
                what=name,
                details=(_detail("highest-class"), _owner(dataset.owner)),
                per_month=Decimal(0),
                at_stake_per_month=_readers_cost(base, name),
            )


def _readers_cost(base: Decided, dataset: str) -> Decimal:
    """What the work that reads the data costs a month by itself."""
    readers = (a for d in base.plan.decisions for a in d.assignments if dataset in a.reads)
    return _monthly(base, sum((cost for a in readers for cost in a.costs.values()), Decimal(0)))


def _detail(key: str, **values: str | float) -> Detail:
    return Detail(key=key, values=values)


def _owner(owner: str | None) -> Detail:
    return _detail("owner", owner=owner) if owner else _detail("no-owner")


def _monthly(base: Decided, cost: Decimal) -> Decimal:
    return cost * per_month(base.plan) / base.plan.cost if base.plan.cost else cost
