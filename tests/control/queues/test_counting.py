"""Quotas that are lent and borrowed: counted one by one they give the same as reckoned from all that is used."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from situs.control.queues.accounts import COUNTED, Cohort, account_of, asked, cohorts
from situs.model.queue import Amounts, Queue
from situs.model.workload import Shape

NAMES = ("a", "b", "c")
quantities = st.integers(0, 8)
uses = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 5), st.booleans()), max_size=20)


@st.composite
def queues(draw: st.DrawFn) -> dict[str, Queue]:
    found = {}
    for name in NAMES:
        quota = draw(st.none() | quantities)
        lend = draw(st.none() | st.integers(0, quota)) if quota is not None else None
        borrow = draw(st.none() | quantities) if quota is not None else None
        found[name] = Queue(
            quota=Amounts(cpu=quota), lend=Amounts(cpu=lend), borrow=Amounts(cpu=borrow), cohort="all"
        )
    return found


def cpus(count: float) -> tuple[float, ...]:
    return tuple(float(count) if name == "cpu" else 0.0 for name in COUNTED)


def free_by_hand(given_: dict[str, Queue], used: dict[str, float], name: str) -> float:
    """From the words of the rules alone."""
    queue = given_[name]
    if queue.quota.cpu is None:
        return inf
    limited = {n: q for n, q in given_.items() if q.quota.cpu is not None}
    kept = {n: 0.0 if q.lend.cpu is None else (q.quota.cpu or 0) - q.lend.cpu for n, q in limited.items()}
    pool = sum((q.quota.cpu or 0) - kept[n] for n, q in limited.items())
    drawn = sum(max(0.0, used[n] - kept[n]) for n in limited)
    most = inf if queue.borrow.cpu is None else queue.quota.cpu + queue.borrow.cpu
    return min(most - used[name], max(0.0, kept[name] - used[name]) + max(0.0, pool - drawn))


@given(queues(), uses)
def test_what_is_free_follows_from_what_is_used(
    given_: dict[str, Queue], changes: list[tuple[str, int, bool]]
) -> None:
    cohort = cohorts(given_)["a"]
    used, leaving = dict.fromkeys(NAMES, 0.0), dict.fromkeys(NAMES, 0.0)
    for name, count, leaves in changes:
        if leaves:
            count = min(count, int(used[name] - leaving[name]))
            cohort.leave(name, cpus(count))
            leaving[name] += count
        else:
            cohort.use(name, cpus(count))
            used[name] += count
        for each in NAMES:
            at = COUNTED.index("cpu")
            assert cohort.free(each)[at] == free_by_hand(given_, used, each)
            gone = {n: used[n] - leaving[n] for n in NAMES}
            assert cohort.free(each, then=True)[at] == free_by_hand(given_, gone, each)
            quota = given_[each].quota.cpu
            assert (each in cohort.over) == (quota is not None and gone[each] > quota)
    for name in NAMES:
        cohort.leave(name, cpus(-leaving[name]))
        cohort.use(name, cpus(-used[name]))
    assert not any(cohort.drawn) and not any(cohort.returning) and not cohort.over


@given(queues(), uses)
def test_whoever_keeps_to_what_is_free_never_uses_more_than_all_have(
    given_: dict[str, Queue], changes: list[tuple[str, int, bool]]
) -> None:
    cohort, used = cohorts(given_)["a"], dict.fromkeys(NAMES, 0.0)
    for name, count, _ in changes:
        if cohort.fits(name, cpus(count)):
            cohort.use(name, cpus(count))
            used[name] += count
    limited = [name for name in NAMES if given_[name].quota.cpu is not None]
    assert sum(used[name] for name in limited) <= sum(given_[name].quota.cpu or 0 for name in limited)


def test_shares_are_weighed_and_counted_by_the_largest_part_of_the_pool() -> None:
    one = Queue(quota=Amounts(cpu=4, memory=8), share=2)
    cohort = Cohort([account_of("one", one), account_of("two", Queue(quota=Amounts(cpu=4, memory=8)))])
    cohort.use("one", asked(Shape.model_validate({"cpu": 6, "memory": "8GiB"})))
    assert cohort.share("one", (0.0,) * 4) == 2 / 8 / 2
    assert cohort.share("one", asked(Shape.model_validate({"cpu": 0, "memory": "8GiB"}))) == 8 / 16 / 2
    assert cohort.share("two", (0.0,) * 4) == 0
