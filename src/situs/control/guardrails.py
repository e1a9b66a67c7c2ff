"""What a new plan may change without a person: a pure function of the plan in force and the one after it.

A plan comes into force as a whole or not at all, so one thing that needs a person keeps all of it waiting.
The leave is read from the estate that a person approved, never from the one that was just edited: otherwise
whoever can write a file could give leave to himself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from situs.control.withdrawn import as_written
from situs.economics.exchange import exchanged
from situs.facts import Facts
from situs.intent import input_hash
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.model.usecase import Automatic

Code = Literal["edited", "capacity", "data", "started", "left-out", "no-leave", "kind", "moves", "bill"]


@dataclass(frozen=True)
class Breach:
    """One thing about a plan that needs a person."""

    code: Code
    subject: str = ""
    """the workload, use case, pool or dataset it is about"""
    value: str = ""
    """how it is"""
    limit: str = ""
    """how it may be"""


class Change(NamedTuple):
    """A plan, and the one it followed."""

    before: Plan
    after: Plan


def breaches(
    change: Change,
    before: Intent,
    after: Intent,
    facts: Facts,
    today: Sequence[Change],
    lost: frozenset[str] = frozenset(),
) -> list[Breach]:
    """What needs a person, the gravest first; none: it may come into force by itself.

    ``before`` and ``after``: the estates of the two plans; ``today``: what came into force by itself in the last
    24 hours; ``lost``: sites that are gone, so that leaving out what was there takes nothing from anybody.
    """
    return [
        *_edited(before, after),
        *_beyond_moves(change, lost),
        *_moves(change, before, facts, today),
    ]  # fmt: skip


def changes_nothing(change: Change) -> bool:
    """Whether everything stays where it is."""
    return not (any(_gains(change).values()) or any(_losses(change).values()) or list(_beyond_moves(change)))


def moved(change: Change) -> dict[str, int]:
    """Units that change their place, by workload."""
    losses = _losses(change)
    return {
        name: units
        for name, gained in sorted(_gains(change).items())
        if (units := min(gained, losses.get(name, 0)))
    }


def touched(change: Change) -> list[str]:
    """Workloads that have other units or places than before."""
    return sorted({*_gains(change), *_losses(change)})


def _edited(before: Intent, after: Intent) -> Iterator[Breach]:
    if input_hash(as_written(before)) != input_hash(as_written(after)):
        yield Breach("edited")


def _beyond_moves(change: Change, lost: frozenset[str] = frozenset()) -> Iterator[Breach]:
    old, new = _bought(change.before), _bought(change.after)
    for pool in sorted({*old, *new}):
        if old.get(pool) != new.get(pool):
            yield Breach("capacity", pool, str(new.get(pool, 0)), str(old.get(pool, 0)))
    for replica in change.after.replicas:
        if replica.change != "keep":
            yield Breach("data", replica.dataset, f"{replica.change} {replica.site}")
    gains, losses = _gains(change), _losses(change)
    for name in sorted({*gains, *losses}):
        more = gains.get(name, 0) - losses.get(name, 0)
        if more < 0 and {site for site, _, _ in _departures(change, name)} <= lost:
            continue
        if more:
            yield Breach("started" if more > 0 else "left-out", name, str(abs(more)))


def _moves(change: Change, intent: Intent, facts: Facts, today: Sequence[Change]) -> Iterator[Breach]:
    leave: dict[str, Automatic] = {}
    for name in moved(change):
        case = _case(intent, name)
        given = intent.use_cases[case].automatic if case else None
        if case is None or given is None:
            yield Breach("no-leave", name)
            continue
        leave[case] = given
        for site in _arrivals(change, name):
            there = intent.sites.get(site)
            if there is None or there.kind not in given.kinds:
                yield Breach("kind", name, there.kind if there else site, ", ".join(sorted(given.kinds)))
    for case, given in sorted(leave.items()):
        units = sum(_moved_of(case, one, intent) for one in (*today, change))
        if units > given.moves_per_day:
            yield Breach("moves", case, str(units), str(given.moves_per_day))
        currency, at = change.after.currency, change.after.at
        bill = sum(
            (
                _bill_of(case, one.after, intent) * facts.rate(one.after.currency, currency, at)
                for one in (*today, change)
            ),
            Decimal(0),
        )
        most = exchanged(given.bill_per_day, currency, facts, at)
        if bill > most:
            yield Breach("bill", case, f"{bill:.2f} {currency}", f"{most:.2f} {currency}")


def _case(intent: Intent, workload: str) -> str | None:
    known = intent.workloads.get(workload)
    return known.use_case if known and known.use_case in intent.use_cases else None


def _moved_of(case: str, change: Change, intent: Intent) -> int:
    return sum(units for name, units in moved(change).items() if _case(intent, name) == case)


def _bill_of(case: str, plan: Plan, intent: Intent) -> Decimal:
    bills = [move.bill for move in plan.moves if _case(intent, move.workload) == case]
    return sum((amount for bill in bills for amount in bill.values()), Decimal(0))


def _places(plan: Plan) -> dict[str, Counter[tuple[str, str, str]]]:
    found: dict[str, Counter[tuple[str, str, str]]] = {}
    for decision in plan.decisions:
        for a in decision.assignments:
            found.setdefault(decision.workload, Counter())[a.site, a.pool, a.shape] += a.units
    return found


def _gains(change: Change) -> dict[str, int]:
    return _more(_places(change.before), _places(change.after))


def _losses(change: Change) -> dict[str, int]:
    return _more(_places(change.after), _places(change.before))


def _more(
    one: Mapping[str, Counter[tuple[str, str, str]]], other: Mapping[str, Counter[tuple[str, str, str]]]
) -> dict[str, int]:
    found = {name: (units - one.get(name, Counter())).total() for name, units in other.items()}
    return {name: units for name, units in found.items() if units}


def _arrivals(change: Change, workload: str) -> list[str]:
    before, after = _places(change.before).get(workload, Counter()), _places(change.after)[workload]
    return sorted({site for site, _, _ in after - before})


def _departures(change: Change, workload: str) -> Counter[tuple[str, str, str]]:
    before, after = _places(change.before), _places(change.after)
    return before.get(workload, Counter()) - after.get(workload, Counter())


def _bought(plan: Plan) -> dict[str, int]:
    return {f"{purchase.site}/{purchase.pool}": purchase.nodes for purchase in plan.purchases}
