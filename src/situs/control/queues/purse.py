"""What use cases have left of their budgets this month, by the ledger and by what runs.

A run that is under way counts with all that it is likely to cost, so that two that each fit do not begin together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from situs.control.queues.waiting import Option, Waiter
from situs.economics.exchange import exchanged
from situs.facts import Facts
from situs.model.usecase import UseCase
from situs.store import usage
from situs.store.plans import Kept

ZERO = Decimal(0)


class Purse:
    """All budgets, in the currency of the plan in force."""

    def __init__(self, kept: Kept, at: datetime) -> None:
        off = "budget" in kept.plan.provenance.off
        self.currency = kept.plan.currency
        self._facts, self._at = kept.facts, at
        self._budgets = {} if off else _budgets(kept.intent.use_cases, self.currency, kept.facts, at)
        self._seq = 0
        self._month = ""
        self._spent: dict[str, Decimal] = defaultdict(Decimal)
        """this month, by use case"""
        self._metered: dict[str, Decimal] = defaultdict(Decimal)
        """of those, by workload"""
        self._running: dict[str, dict[str, Decimal]] = defaultdict(dict)
        """use case -> workload -> what it is likely to cost"""

    def read(self, connection: Connection, now: datetime) -> None:
        """Take in what was written into the ledger since."""
        if not self._budgets:
            return
        if (month := f"{now:%Y-%m}") != self._month:
            self._month, self._seq = month, 0
            self._spent.clear()
            self._metered.clear()
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for seq, line in usage.of_use_cases(connection, self._seq, first):
            self._seq = seq
            rate = self._facts.rate(line.currency, self.currency, self._at)
            if line.use_case is not None and line.workload is not None:
                self._spent[line.use_case] += line.amount * rate
                self._metered[line.workload] += line.amount * rate

    def lacks(self, waiter: Waiter, option: Option) -> str | None:
        """Why its use case cannot pay for it there; None when it can, or has no budget."""
        budget = self._budgets.get(waiter.use_case or "")
        if budget is None or waiter.use_case is None:
            return None
        running = self._running[waiter.use_case]
        ahead = sum((max(ZERO, cost - self._metered[name]) for name, cost in running.items()), ZERO)
        left = budget - self._spent[waiter.use_case] - ahead
        if option.cost <= left:
            return None
        return (
            f"{waiter.use_case} has {max(ZERO, left):.2f} of {budget:.2f} {self.currency} left this month, and it is "
            f"likely to cost {option.cost:.2f}; it begins once the budget has room, or is raised"
        )

    def takes(self, waiter: Waiter, option: Option) -> None:
        """It begins there."""
        if waiter.use_case is not None and waiter.use_case in self._budgets:
            self._running[waiter.use_case][waiter.name] = option.cost

    def is_gone(self, name: str, use_case: str | None) -> None:
        """It does not run any more; what it cost is in the ledger, or is soon."""
        self._running[use_case or ""].pop(name, None)


def _budgets(
    use_cases: Mapping[str, UseCase], currency: str, facts: Facts, at: datetime
) -> dict[str | None, Decimal]:
    return {
        name: exchanged(use_case.budget, currency, facts, at)
        for name, use_case in use_cases.items()
        if use_case.budget is not None
    }
