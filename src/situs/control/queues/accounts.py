"""Who uses how much of whose quota: counting alone, in numbers.

Queues of a cohort lend each other what they do not use.  Of its quota a queue keeps what it does not lend to itself;
all that the queues lend is one pool, and a queue draws on that pool with what it uses beyond its own part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf

from situs.model.queue import Amounts, Queue
from situs.model.workload import Shape

COUNTED = ("accelerators", "cpu", "memory", "runs")
"""what quotas are given in, in this order everywhere below"""
EPSILON = 1e-6

Numbers = tuple[float, ...]


def asked(shape: Shape) -> Numbers:
    """What a run in a shape takes of a quota."""
    cards = shape.accelerators if shape.accelerators <= 1 else float(ceil(shape.accelerators))
    return (cards, shape.cpu, shape.memory, 1.0)


@dataclass
class Account:
    """What one queue may use and does use."""

    name: str
    queue: Queue
    quota: Numbers
    """inf: it is not limited, and then nothing of it is lent or borrowed"""
    limit: Numbers
    """quota and what may be borrowed"""
    kept: Numbers
    """of the quota, what is never lent"""
    used: list[float] = field(default_factory=lambda: [0.0] * len(COUNTED))
    leaving: list[float] = field(default_factory=lambda: [0.0] * len(COUNTED))
    """of what is used, what is about to be given back"""


class Cohort:
    """Queues that lend each other what they do not use; a queue of no cohort is one by itself."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self.accounts: dict[str, Account] = {account.name: account for account in accounts}
        every = list(self.accounts.values())
        counted = range(len(COUNTED))
        self.lent = tuple(sum(a.quota[r] - a.kept[r] for a in every if a.quota[r] < inf) for r in counted)
        self.drawn = [0.0] * len(COUNTED)
        self.returning = [0.0] * len(COUNTED)
        """of what is drawn, what comes back once those that leave are gone"""
        self.over: set[str] = set()
        """queues that use more than their quota, also once those that are to end have"""

    def use(self, name: str, amount: Numbers) -> None:
        """A run of the queue begins to use so much; negative: it is over."""
        self._change(self.accounts[name], amount, leaving=False)

    def leave(self, name: str, amount: Numbers) -> None:
        """A run that uses so much is to end, and uses it until it has; negative: it has."""
        self._change(self.accounts[name], amount, leaving=True)

    def _change(self, account: Account, amount: Numbers, *, leaving: bool) -> None:
        for r, more in enumerate(amount):
            if account.quota[r] == inf:
                continue
            before, to_return = self._drawn(account, r), self._returning(account, r)
            (account.leaving if leaving else account.used)[r] += more
            self.drawn[r] += self._drawn(account, r) - before
            self.returning[r] += self._returning(account, r) - to_return
        (self.over.add if self._is_over(account) else self.over.discard)(account.name)

    @staticmethod
    def _drawn(account: Account, r: int) -> float:
        return max(0.0, account.used[r] - account.kept[r])

    @staticmethod
    def _returning(account: Account, r: int) -> float:
        beyond = account.used[r] - account.kept[r]
        return max(0.0, beyond) - max(0.0, beyond - account.leaving[r])

    def free(self, name: str, *, then: bool = False) -> Numbers:
        """How much more the queue may use; ``then``: once those that are to end have."""
        account = self.accounts[name]
        found = []
        for r in range(len(COUNTED)):
            if account.quota[r] == inf:
                found.append(inf)
                continue
            used = account.used[r] - (account.leaving[r] if then else 0.0)
            drawn = self.drawn[r] - (self.returning[r] if then else 0.0)
            own = max(0.0, account.kept[r] - used)
            found.append(min(account.limit[r] - used, own + max(0.0, self.lent[r] - drawn)))
        return tuple(found)

    def fits(self, name: str, amount: Numbers, *, then: bool = False) -> bool:
        """Whether the queue may use so much more."""
        return holds(amount, self.free(name, then=then))

    def borrows(self, name: str, amount: Numbers) -> bool:
        """Whether it would use more than its quota with so much more."""
        account = self.accounts[name]
        return any(
            more > EPSILON and account.used[r] + more > account.quota[r] + EPSILON
            for r, more in enumerate(amount)
        )

    def is_entitled(self, name: str, amount: Numbers) -> bool:
        """Whether its quota alone would do for so much more, once those of its own that are to end have."""
        account = self.accounts[name]
        return all(
            more <= EPSILON or account.used[r] - account.leaving[r] + more <= account.quota[r] + EPSILON
            for r, more in enumerate(amount)
        )

    @staticmethod
    def _is_over(account: Account) -> bool:
        return any(
            used - leaving > quota + EPSILON
            for used, leaving, quota in zip(account.used, account.leaving, account.quota, strict=True)
        )

    def share(self, name: str, amount: Numbers) -> float:
        """The largest part of the cohort's pool that it would borrow with so much more, by its weight."""
        account = self.accounts[name]
        return max(
            (
                max(0.0, account.used[r] + more - account.quota[r]) / self.lent[r] / account.queue.share
                for r, more in enumerate(amount)
                if account.quota[r] < inf and self.lent[r] > 0
            ),
            default=0.0,
        )


def cohorts(queues: Mapping[str, Queue]) -> dict[str, Cohort]:
    """The cohort of each queue, by the queue's name."""
    members: dict[tuple[str, str], list[str]] = {}
    for name, queue in sorted(queues.items()):
        members.setdefault(("cohort", queue.cohort) if queue.cohort else ("alone", name), []).append(name)
    found: dict[str, Cohort] = {}
    for names in members.values():
        cohort = Cohort(account_of(name, queues[name]) for name in names)
        found |= dict.fromkeys(names, cohort)
    return found


def account_of(name: str, queue: Queue) -> Account:
    """What a queue may use, with nothing used yet."""
    quota = _numbers(queue.quota, inf)
    borrow, lend = _numbers(queue.borrow, inf), _numbers(queue.lend, inf)
    limit = tuple(a + b for a, b in zip(quota, borrow, strict=True))
    kept = tuple(0.0 if a == inf else max(0.0, a - b) for a, b in zip(quota, lend, strict=True))
    return Account(name, queue, quota, limit, kept)


def holds(amount: Numbers, free: Sequence[float]) -> bool:
    """Whether so much goes into what is free."""
    return all(more <= there + EPSILON or more <= EPSILON for more, there in zip(amount, free, strict=True))


def added(one: Numbers, other: Numbers, times: float = 1.0) -> Numbers:
    """One and so many times the other."""
    return tuple(a + times * b for a, b in zip(one, other, strict=True))


def _numbers(amounts: Amounts, missing: float) -> Numbers:
    given = (getattr(amounts, name) for name in COUNTED)
    return tuple(missing if value is None else float(value) for value in given)
