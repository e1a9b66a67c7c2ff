"""Who is next: quotas hold, priorities count, nothing idles that somebody may use, and nobody waits for ever."""

from __future__ import annotations

import random
from math import inf

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from situs.model.queue import Amounts, Preemption, Queue
from tests.control.queues.simulated import Room, World

HOUR_S = 3600.0
works = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from([1, 2, 5, 8]), st.sampled_from([1.0, 3.0, 10.0]),
        st.sampled_from([10, 50, 90]), st.floats(0, 30),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


def three(**more: object) -> dict[str, Queue]:
    return {name: Queue.model_validate({"cohort": "all", "quota": {"cpu": 8}, **more}) for name in "abc"}


# Whoever may not borrow because another queue waits for what it has lent begins once that has it.
GOT_BACK = [
    *[("a", 1, 1.0, 10, 0.0)] * 13, *[("a", 5, 3.0, 10, 0.0)] * 2, ("b", 5, 3.0, 10, 0.0), ("b", 8, 1.0, 10, 0.0),
    ("c", 8, 3.0, 10, 1.0), ("c", 1, 1.0, 10, 3.0),
]  # fmt: skip


@settings(max_examples=150)
@example(GOT_BACK, "it_pays", 2)
@given(works, st.sampled_from(["it_pays", "always"]), st.integers(0, 24))
def test_every_rule_holds_at_every_instant_and_all_come_to_their_end(
    work: list[tuple[str, float, float, int, float]], when: str, borrow: int
) -> None:
    world = World(three(borrow={"cpu": borrow}, preemption={"when": when}), Room(24.0))
    due = sorted(work, key=lambda each: each[4])
    for queue, cpu, lasts_s, priority, at_s in due:
        while world.now_s < at_s:
            _step(world, at_s, borrow)
        world.hand_in(queue, cpu, lasts_s, priority)
    while world.waiting() or any(line.runs for line in world.lines.values()):
        _step(world, inf, borrow)
    assert set(world.ended) == set(world.waiters)


def _step(world: World, until_s: float, borrow: int) -> None:
    """One round and one event, with all rules looked at."""
    gave_way = len(world.gave_way)
    over = {name: world.used(name) > 8 for name in "abc"}
    world.decide()
    for loser, winner in world.gave_way[gave_way:]:
        one, other = world.waiters[loser][0], world.waiters[winner][0]
        if one.queue == other.queue:
            assert one.priority < other.priority
        else:
            assert over[one.queue], "only what was borrowed is given back"
            assert world.waiters[winner][1].amount[1] <= 8
    used = {name: world.used(name) for name in "abc"}
    assert all(each <= 8 + borrow for each in used.values())
    assert sum(used.values()) <= 24
    for name, line in world.lines.items():
        free = min(8 + borrow - used[name], 24 - sum(used.values()))
        heads = [lane.head for lane in line.lanes.values() if lane.waiters]
        if heads:
            first = max(heads, key=lambda head: (head.priority - head.at_s / HOUR_S, -head.seq))
            amount = world.waiters[first.name][1].amount[1]
            others = any(
                lane.waiters for other in "abc" if other != name for lane in world.lines[other].lanes.values()
            )
            # What is beyond its own quota may be kept for another queue's first, which has waited for longer.
            if used[name] + amount <= 8 or not others:
                assert amount > free, "the first of a line begins as soon as it fits"
    world.go_on(until_s)


def test_a_queue_gets_back_what_it_has_lent() -> None:
    world = World(three(preemption={"when": "always"}))
    for _ in range(24):
        world.hand_in("a", 1, 100.0)
    world.run(10.0)
    assert world.used("a") == 24
    world.hand_in("b", 8, 10.0, name="mine")
    world.decide()
    assert world.began["mine"] == 10.0
    assert len(world.gave_way) == 8
    assert (world.used("a"), world.used("b")) == (16, 8)


def test_nothing_is_taken_back_when_it_would_lose_more_than_waiting_costs() -> None:
    world = World(three())
    for _ in range(3):
        world.hand_in("a", 8, 100.0)
    world.run(95.0)
    world.hand_in("b", 8, 10.0, name="mine")
    world.run(99.0)
    assert not world.gave_way, "five seconds of waiting are worth less than a hundred of work"
    world.run(101.0)
    assert world.began["mine"] == 100.0


def test_a_young_run_gives_way_and_one_that_must_not_does_not() -> None:
    for within, began in (("lower_priority", 5.0), ("never", 100.0)):
        world = World({"a": Queue(quota=Amounts(cpu=8), preemption=Preemption(within=within))})  # type: ignore[arg-type]
        world.hand_in("a", 8, 100.0, priority=10)
        world.run(5.0)
        world.hand_in("a", 8, 10.0, priority=90, name="urgent")
        world.run(101.0)
        assert world.began["urgent"] == began


def test_small_ones_fill_the_gaps_before_a_large_one_and_do_not_delay_it() -> None:
    world = World({"a": Queue(quota=Amounts(cpu=8))})
    world.hand_in("a", 6, 10.0)
    world.decide()
    world.hand_in("a", 8, 10.0, name="large")
    world.hand_in("a", 2, 20.0, name="long")
    world.hand_in("a", 2, 5.0, name="short")
    world.run(60.0)
    assert world.began["short"] == 0.0
    assert world.began["large"] == 10.0
    assert world.began["long"] == 20.0


def test_what_may_never_run_holds_up_nobody() -> None:
    world = World({"a": Queue(quota=Amounts(cpu=8))})
    world.hand_in("a", 9, 10.0, priority=90, name="too large")
    world.hand_in("a", 8, 10.0, name="fits")
    world.run(20.0)
    assert world.ended["fits"] == 10.0
    assert "too large" not in world.began


def test_who_lacks_room_keeps_it_from_those_behind() -> None:
    world = World({"a": Queue(), "b": Queue()}, Room(8.0))
    world.hand_in("a", 5, 10.0)
    world.decide()
    world.hand_in("a", 8, 10.0, name="large")
    world.decide()
    for _ in range(20):
        world.hand_in("b", 3, 30.0)
    world.hand_in("b", 3, 9.0, name="short")
    world.run(11.0)
    assert world.began["short"] == 0.0, "it is over before the room is needed"
    assert world.began["large"] == 10.0


def test_those_that_borrow_share_by_weight() -> None:
    queues = three()
    queues["a"] = queues["a"].model_copy(update={"share": 3.0})
    queues["c"] = queues["c"].model_copy(update={"quota": Amounts(cpu=16)})
    world = World(queues)
    for _ in range(40):
        world.hand_in("a", 1, 100.0)
        world.hand_in("b", 1, 100.0)
    world.decide()
    assert (world.used("a"), world.used("b")) == (8 + 12, 8 + 4)


@pytest.mark.parametrize("seed", range(5))
def test_nobody_waits_for_ever_whatever_comes_in(seed: int) -> None:
    """More comes in than can run, most of it small or urgent; what is large, long and unimportant has its turn."""
    rng = random.Random(seed)
    world = World(three(aging="0.002h"))
    for queue in "abc" * 20:
        world.hand_in(queue, 2, 20.0, priority=60)
    world.hand_in("a", 8, 60.0, priority=1, name="patient")
    at_s = 0.0
    while "patient" not in world.ended:
        at_s += rng.expovariate(1.0)
        while world.now_s < at_s:
            world.decide()
            world.go_on(at_s)
        queue = rng.choice("aabc")
        world.hand_in(
            queue, rng.choice([1, 1, 2, 8]), rng.choice([1.0, 10.0, 25.0]), rng.choice([60, 60, 60, 5])
        )
        # The 59 steps more that others have are made up for in 7 minutes; what came in before that comes first.
        assert world.now_s < 0.5 * HOUR_S, "it never had its turn"
    assert world.began["patient"] > 60, "others came first"
    assert world.waiting() > 50, "there was more to do than could be done"
