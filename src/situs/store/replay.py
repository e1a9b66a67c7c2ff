"""Making a recorded plan again, and telling two plans apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from situs.facts import Facts
from situs.model.plan import Plan
from situs.planner.decide import decide
from situs.store.records import Records

LONGEST_VALUE = 60
"""of a field that is no name and no figure; the files have the rest"""


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
    """made from, facts; workload, replica, purchase, cost; field, where only something else differs"""
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
        parent=records.parent_of(plan),
        owner=plan.owner,
        reason=plan.reason,
        expires=plan.expires,
    ).plan
    if again.id == plan.id:
        return Replayed(True, (), again)
    causes = [_sentence(change) for change in origins(plan, again)]
    if plan.status == "best-so-far":
        causes.append("it was stopped by time or by hand, so how far it came depended on the machine")
    changes = [f"{c.what} {c.name}: {c.before} → {c.after}" for c in differences(plan, again)]
    return Replayed(False, (*causes, *(changes or ["all that was decided is the same"])), again)


def _sentence(origin: Changed) -> str:
    if origin.what == "facts":
        return f"facts {origin.name}: it used {origin.before}, here is {origin.after}"
    return f"{origin.name}: it was made with {origin.before}, this is {origin.after}"


def origins(before: Plan, after: Plan) -> tuple[Changed, ...]:
    """What two plans were made from that is not the same."""
    old, new = before.provenance, after.provenance
    pairs = {
        "situs": (old.situs, new.situs),
        "solver": (old.solver, new.solver),
        "estate": (old.input_hash, new.input_hash),
        "switched off": (", ".join(sorted(old.off)) or "—", ", ".join(sorted(new.off)) or "—"),
        "instant": (f"{before.at:%Y-%m-%dT%H:%MZ}", f"{after.at:%Y-%m-%dT%H:%MZ}"),
        "gap wanted": (str(old.gap_wanted), str(new.gap_wanted)),
    }
    found = [Changed("made from", name, a, b) for name, (a, b) in pairs.items() if a != b]
    return (*found, *_by_name("facts", old.facts, new.facts))


def differences(before: Plan, after: Plan) -> tuple[Changed, ...]:
    """What two plans decide differently, by name."""
    found = [
        *_by_name("workload", _places(before), _places(after)),
        *_by_name("replica", _replicas(before), _replicas(after)),
        *_by_name("purchase", _purchases(before), _purchases(after)),
    ]
    if before.cost != after.cost:
        found.append(Changed("cost", "total", _money(before.cost, before), _money(after.cost, after)))
    if not found:
        # Nothing went anywhere else, but two plans with two ids are never without a difference.
        left, right = before.model_dump(mode="json"), after.model_dump(mode="json")
        found = [
            Changed("field", name, _short(left[name]), _short(right[name]))
            for name in left
            if name not in ("id", "provenance", "at") and left[name] != right[name]
        ]
    return tuple(found)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _by_name(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> Sequence[Changed]:
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
