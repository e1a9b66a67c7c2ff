"""Whose runs are ended for one that waits.

A queue takes back what it has lent, and within a queue a higher priority comes before a lower one; but only for what
the queue's own quota covers, never to borrow.  Ending a run loses the work since it last saved its state, so it pays
only while that is less than what would be lost by waiting until the same room comes free by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

from situs.control.queues.accounts import COUNTED, EPSILON, Cohort, Numbers, added, holds
from situs.control.queues.waiting import Holder, Line, Option, Waiter, score

HIGHEST = 100
"""Priorities go from 0 to this."""


def victims(
    cohort: Cohort,
    lines: Mapping[str, Line[Any]],
    waiter: Waiter,
    option: Option,
    now_s: float,
    until_s: float,
) -> Sequence[Holder]:
    """The fewest that make room for it; none when nobody has to, or when it does not pay.

    ``until_s``: when it could begin without that.
    """
    account = cohort.accounts[waiter.queue]
    rules, amount = account.queue.preemption, option.amount
    if not holds(amount, account.quota) or holds(amount, cohort.free(waiter.queue, then=True)):
        return ()
    own = _own(lines, waiter, now_s) if rules.within == "lower_priority" else []
    others = (
        _borrowers(cohort, lines, waiter, rules.reclaim == "any", now_s) if rules.reclaim != "never" else []
    )
    chosen: list[Holder] = []
    for holder in own:
        if _covered(cohort, waiter, amount, chosen):
            break
        chosen.append(holder)
    if not _covered(cohort, waiter, amount, chosen):
        return ()
    for holder in others:
        if _enough(cohort, waiter, amount, chosen):
            break
        if _over(cohort, holder.queue, chosen):
            chosen.append(holder)
    if not _enough(cohort, waiter, amount, chosen):
        return ()
    chosen = _fewest(cohort, waiter, amount, chosen)
    if rules.when == "it_pays" and not _pays(cohort, chosen, waiter, amount, now_s, until_s):
        return ()
    return chosen


def _own(lines: Mapping[str, Line[Any]], waiter: Waiter, now_s: float) -> list[Holder]:
    line = lines[waiter.queue]
    mine = score(waiter.priority, waiter.at_s, line.aging_h)
    found = [
        holder
        for holder in line.runs.values()
        if _may_end(holder, now_s)
        and holder.priority < waiter.priority
        and score(holder.priority, holder.at_s, line.aging_h) < mine
    ]
    return sorted(found, key=lambda holder: (holder.priority, holder.lost_s(now_s), holder.name))


def _borrowers(
    cohort: Cohort, lines: Mapping[str, Line[Any]], waiter: Waiter, whoever: bool, now_s: float
) -> list[Holder]:
    """Runs of those that use more than their quota, who has borrowed most first."""
    nothing = (0.0,) * len(COUNTED)
    found = [
        (-cohort.share(name, nothing), holder.priority, holder.lost_s(now_s), holder.name, holder)
        for name in cohort.over
        if name != waiter.queue
        for holder in lines[name].runs.values()
        if _may_end(holder, now_s) and (whoever or holder.priority < waiter.priority)
    ]
    return [holder for *_, holder in sorted(found, key=lambda each: each[:4])]


def _may_end(holder: Holder, now_s: float) -> bool:
    return not holder.leaving and now_s - holder.since_s >= holder.safe_s


def _over(cohort: Cohort, name: str, chosen: Sequence[Holder]) -> bool:
    """Whether a queue still uses more than its quota once those have ended."""
    account, gone = cohort.accounts[name], _sum(holder for holder in chosen if holder.queue == name)
    return any(
        used - leaving - less > quota + EPSILON
        for used, leaving, less, quota in zip(account.used, account.leaving, gone, account.quota, strict=True)
    )


def _covered(cohort: Cohort, waiter: Waiter, amount: Numbers, chosen: Sequence[Holder]) -> bool:
    """Whether its queue's quota covers it once those of its own have ended."""
    account, gone = cohort.accounts[waiter.queue], _sum(h for h in chosen if h.queue == waiter.queue)
    return all(
        more <= EPSILON or used - leaving - less + more <= quota + EPSILON
        for more, used, leaving, less, quota in zip(
            amount, account.used, account.leaving, gone, account.quota, strict=True
        )
    )


def _enough(cohort: Cohort, waiter: Waiter, amount: Numbers, chosen: Sequence[Holder]) -> bool:
    return holds(amount, added(cohort.free(waiter.queue, then=True), _sum(chosen)))


def _fewest(cohort: Cohort, waiter: Waiter, amount: Numbers, chosen: list[Holder]) -> list[Holder]:
    """Without those that turn out not to be needed, the ones that lose most first."""
    needed = list(chosen)
    for holder in reversed(chosen):
        rest = [other for other in needed if other is not holder]
        if _covered(cohort, waiter, amount, rest) and _enough(cohort, waiter, amount, rest):
            needed = rest
    return needed


def _pays(
    cohort: Cohort, chosen: Sequence[Holder], waiter: Waiter, amount: Numbers, now_s: float, until_s: float
) -> bool:
    if until_s == inf:
        return True
    lost = sum(
        _weight(cohort, holder.option.amount) * holder.lost_s(now_s) / _importance(waiter, holder)
        for holder in chosen
    )
    return lost < _weight(cohort, amount) * (until_s - now_s)


def _importance(waiter: Waiter, holder: Holder) -> float:
    """How much its waiting counts against the other's lost work: in its own queue, by how far the priorities differ;
    what was lent is its queue's by right."""
    return 1.0 if holder.queue != waiter.queue else (waiter.priority - holder.priority) / HIGHEST


def _weight(cohort: Cohort, amount: Numbers) -> float:
    """The largest part of what the cohort has that it takes."""
    return max(
        (more / all_of_it for more, all_of_it in zip(amount, _whole(cohort), strict=True) if all_of_it),
        default=0,
    )


def _whole(cohort: Cohort) -> Numbers:
    return tuple(
        sum(account.quota[r] for account in cohort.accounts.values() if account.quota[r] < inf)
        for r in range(len(COUNTED))
    )


def _sum(holders: Iterable[Holder]) -> Numbers:
    total: Numbers = (0.0,) * len(COUNTED)
    for holder in holders:
        total = added(total, holder.option.amount)
    return total
