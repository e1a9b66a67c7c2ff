"""What runs have used since the ledger was written last, and what was paid for and used by nobody.

A run costs what its plan says an hour of it costs.  Where nodes are held whether used or not, a run bears the
share of the node that it takes away from others, and what is left over is a line of its own: idle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from situs.control.force import Force, Plans
from situs.control.target import HOURS_A_MONTH
from situs.economics.exchange import exchanged
from situs.model.error import InputError
from situs.model.estate import Node
from situs.model.money import Money
from situs.model.plan import Assignment, Holding, Part, amount
from situs.model.workload import Shape, Workload
from situs.sites.adapter import Usage
from situs.store.plans import Kept
from situs.store.runs import Run
from situs.store.usage import Line

HOUR_S = 3600


def metered(
    run: Run, plans: Plans, now: datetime, total_s: float, cpu_s: float | None = None, billed: Money | None = None
) -> tuple[Run, Sequence[Line]]:  # fmt: skip
    """The run with all its time in the ledger, and lines for what was not in it yet: with the first comes the way of
    the data that it reads.

    ``total_s``: how long it has run by now; what was counted too much before is taken back. ``billed``: what its site
    bills for all of it, which counts more than what was planned.
    """
    seconds = total_s - run.metered_s
    since = run.metered_at or run.started_at or run.placed_at
    kept, assignment = plans.get(run.plan) if run.plan else None, plans.assignment(run)
    workload = kept.intent.workloads.get(kept.name_of(run.workload)) if kept else None
    hourly = _rate(run, workload, kept, assignment) if kept and assignment else Decimal(0)
    planned = Decimal(str(round(seconds, 3))) * hourly / HOUR_S
    in_all = _exchanged(billed, kept, now) if kept else None
    before = Decimal(str(round(run.metered_s, 3))) * hourly / HOUR_S
    cost = amount(planned if in_all is None else in_all - before)
    use_case = workload.use_case if workload else None
    line = Line(
        "run", run.site, run.pool, since, max(now, since), seconds, cost,
        kept.plan.currency if kept else "EUR", run.workload, run.unit, run.generation,
        use_case, cpu_s,
    )  # fmt: skip
    lines = [line]
    if (
        run.metered_at is None
        and kept
        and workload
        and assignment
        and (way := _way(run, workload, assignment, kept))
    ):
        lines.insert(0, replace(line, kind="transfer", until=since, unit_s=0.0, amount=way, cpu_s=None))
    return replace(run, metered_s=total_s, metered_at=line.until), lines


def _way(run: Run, workload: Workload, assignment: Assignment, kept: Kept) -> Decimal:
    """What it costs to bring a run of a job its data."""
    if workload.job is None:
        return Decimal(0)
    often = (workload.job.per_month or 0) * kept.plan.horizon_hours / HOURS_A_MONTH or 1.0
    read = assignment.costs.get(Part.TRANSFER, Decimal(0)) / Decimal(str(often * assignment.units))
    if run.generation > 1 or len(kept.intent.workloads) > 1:
        return amount(read)
    # What was handed in has a plan of its own: the copies in it are made for this alone, and once.
    copies = (replica.costs.get(Part.TRANSFER, Decimal(0)) for replica in kept.plan.replicas)
    return amount(sum(copies, read))


def ended(run: Run, plans: Plans, usage: Usage | None, now: datetime) -> tuple[Run, Sequence[Line]] | None:
    """The last lines of a run that is over, by what its site has measured; None when it never ran."""
    if run.phase != "ended" or run.started_at is None or run.ended_at is None:
        return None
    total_s = usage.wall_s if usage else (run.ended_at - run.started_at).total_seconds()
    if usage is None:
        return metered(run, plans, now, total_s)
    return metered(run, plans, now, total_s, usage.cpu_s, usage.billed)


def running(runs: Iterable[Run], plans: Plans, now: datetime) -> Iterator[tuple[Run, Sequence[Line]]]:
    """All that run, with lines for each for the time since the last one."""
    for run in runs:
        if run.alive and run.started_at is not None:
            yield metered(run, plans, now, (now - run.started_at).total_seconds())


def idle(force: Force, runs: Iterable[Run], since: datetime, until: datetime) -> Sequence[Line]:
    """A line for each pool whose nodes are paid for whether used or not."""
    alive = [run for run in runs if run.alive and run.started_at and run.plan]
    lines = []
    for holding in force.kept.plan.holdings:
        if not holding.nodes:
            continue
        there = [run for run in alive if (run.site, run.pool) == (holding.site, holding.pool)]
        used = sum((_used(run, force.all_plans) for run in there), 0.0)
        node_s = max(0.0, holding.nodes - used) * (until - since) / timedelta(seconds=1)
        cost = amount(Decimal(str(round(node_s, 3))) * _node_rate(holding, force.kept) / HOUR_S)
        currency = force.kept.plan.currency
        lines.append(Line("idle", holding.site, holding.pool, since, until, node_s, cost, currency))
    return lines


def _used(run: Run, plans: Plans) -> float:
    kept = plans.get(run.plan or "")
    return _share(run, kept.intent.workloads.get(kept.name_of(run.workload)), kept)


def _exchanged(billed: Money | None, kept: Kept, now: datetime) -> Decimal | None:
    """In the plan's currency; None where nothing is billed, or nobody knows what the site's currency is worth."""
    if billed is None:
        return None
    try:
        return exchanged(billed, kept.plan.currency, kept.facts, now)
    except InputError:
        return None


def _rate(run: Run, workload: Workload | None, kept: Kept, assignment: Assignment) -> Decimal:
    """What an hour of it costs."""
    hours = Decimal(str(assignment.hours)) * assignment.units
    own = sum((assignment.costs.get(part, Decimal(0)) for part in (Part.COMPUTE, Part.ENERGY)), Decimal(0))
    held = next((h for h in kept.plan.holdings if (h.site, h.pool) == (run.site, run.pool)), None)
    share = (
        Decimal(str(_share(run, workload, kept))) * _node_rate(held, kept)
        if held and held.nodes
        else Decimal(0)
    )
    return (own / hours if hours else Decimal(0)) + share


def _node_rate(holding: Holding, kept: Kept) -> Decimal:
    hours = Decimal(str(kept.plan.horizon_hours)) * holding.nodes
    return sum(holding.costs.values(), Decimal(0)) / hours


def _share(run: Run, workload: Workload | None, kept: Kept) -> float:
    """How many nodes it takes away from others."""
    site = kept.intent.sites.get(run.site)
    pool = site.pools.get(run.pool) if site else None
    shape = next((s for s in workload.shapes if s.name == run.shape), None) if workload else None
    if shape is None:
        return 0.0
    if pool is None or pool.node is None:
        return float(shape.nodes)
    return _of_node(shape, pool.node)


def _of_node(shape: Shape, node: Node) -> float:
    asked = ((shape.cpu, node.cpu), (shape.memory, node.memory), (shape.accelerators, node.accelerators))
    return max(wanted / there for wanted, there in asked if there) if any(t for _, t in asked) else 1.0
