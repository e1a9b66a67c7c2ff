"""Making a recorded plan again, and telling two plans apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from situs import __version__
from situs.facts import Facts
from situs.model.plan import Plan
from situs.planner.decide import decide
from situs.store.records import Records


@dataclass(frozen=True)
class Replayed:
    """What came of making a plan again."""

    same: bool
    """byte for byte"""
    differences: tuple[str, ...]
    """what differs, as sentences; first what it was made from, then what came out"""
    plan: Plan


@dataclass(frozen=True)
class Changed:
    """One difference between two plans."""

    what: str
    """workload, replica, purchase, cost"""
    name: str
    before: str
    after: str


def replay(records: Records, plan: Plan, facts: Facts) -> Replayed:
    """Decide again from the recorded estate with the given facts."""
    again = decide(
        records.intent_of(plan),
        facts,
        plan.at,
        off=plan.provenance.off,
        gap=plan.provenance.gap_wanted,
        parent=plan.parent,
        owner=plan.owner,
        reason=plan.reason,
    ).plan
    if again.id == plan.id:
        return Replayed(True, (), again)
    causes = []
    if plan.provenance.situs != __version__:
        causes.append(f"it was made by situs {plan.provenance.situs}, this is {__version__}")
    if plan.provenance.solver != again.provenance.solver:
        causes.append(f"it was solved by {plan.provenance.solver}, this is {again.provenance.solver}")
    for catalogue in sorted({*plan.provenance.facts, *again.provenance.facts}):
        old, new = plan.provenance.facts.get(catalogue), again.provenance.facts.get(catalogue)
        if old != new:
            causes.append(f"facts {catalogue}: it used {old}, here is {new}")
    if plan.status == "best-so-far":
        causes.append("it was stopped by time or by hand, so how far it came depended on the machine")
    changes = [f"{c.what} {c.name}: {c.before} → {c.after}" for c in differences(plan, again)]
    return Replayed(False, (*causes, *changes), again)


def differences(before: Plan, after: Plan) -> tuple[Changed, ...]:
    """What two plans decide differently, by name."""
    found = [
        *_by_name("workload", _places(before), _places(after)),
        *_by_name("replica", _replicas(before), _replicas(after)),
        *_by_name("purchase", _purchases(before), _purchases(after)),
    ]
    if before.cost != after.cost:
        found.append(Changed("cost", "total", _money(before.cost, before), _money(after.cost, after)))
    return tuple(found)


def _by_name(what: str, before: dict[str, str], after: dict[str, str]) -> Sequence[Changed]:
    names = sorted({*before, *after})
    return [
        Changed(what, name, before.get(name, "—"), after.get(name, "—"))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _places(plan: Plan) -> dict[str, str]:
    return {
        decision.workload: ", ".join(
            f"{a.units}× {a.site}/{a.pool}" + (f" from {a.start:%Y-%m-%dT%H:%MZ}" if a.start else "")
            for a in decision.assignments
        )
        or f"left out ({decision.reason})"
        for decision in plan.decisions
    }


def _replicas(plan: Plan) -> dict[str, str]:
    return {f"{r.dataset} at {r.site}": "dropped" if r.change == "drop" else "held" for r in plan.replicas}


def _purchases(plan: Plan) -> dict[str, str]:
    return {f"{p.site}/{p.pool}": f"{p.nodes} nodes" for p in plan.purchases}


def _money(amount: Decimal, plan: Plan) -> str:
    return f"{amount:,.2f} {plan.currency}"
