"""What is free in pools, kept up one by one: the same as the planner says of one more workload."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from situs.control.queues.accounts import asked
from situs.control.queues.room import Rooms
from situs.control.queues.waiting import Option
from situs.model.estate import Pool
from situs.model.workload import Shape
from situs.planner.single import Taken, has_room

AT = ("site", "pool")
shapes = st.builds(
    lambda cpu, memory, nodes: Shape.model_validate({"cpu": cpu * nodes, "memory": memory * nodes, "nodes": nodes}),
    st.sampled_from([0, 1, 2, 4]), st.sampled_from([0, 1, 4]), st.sampled_from([1, 1, 2]),
)  # fmt: skip
pools = st.builds(
    lambda kind, count: Pool.model_validate(
        {"node": {"cpu": 4, "memory": "8GiB"}, "count": count}
        | (
            {"price": {"basis": "owned", "price": "0 EUR"}}
            if kind == "owned"
            else {"price": {"basis": "on_demand", "price": "1 EUR/h"}, "limit": None if kind == "elastic" else count}
        )
    ),
    st.sampled_from(["owned", "rented", "elastic"]), st.integers(1, 4),
)  # fmt: skip


def option(shape: Shape) -> Option:
    return Option(AT, shape, asked(shape), 1.0)


@given(pools, st.lists(shapes, max_size=8), shapes)
def test_it_is_what_the_planner_says_of_one_more(pool: Pool, there: list[Shape], shape: Shape) -> None:
    taken = [Taken(each, 1) for each in there]
    # Where it says that what is there does not go together, there is nothing to agree on.
    assume(has_room(pool, Shape.model_validate({"cpu": 0, "memory": 0}), taken))
    ours, planned = Rooms({AT: pool}, {AT: taken}).has(option(shape)), has_room(pool, shape, taken)
    assert ours == planned or (pool.count > 1 and not ours), "putting it in last may pack worse, never better"


@given(pools, st.lists(st.tuples(shapes, st.booleans()), max_size=20))
def test_whatever_comes_and_goes_no_node_holds_more_than_it_can(
    pool: Pool, comes: list[tuple[Shape, bool]]
) -> None:
    rooms, there = Rooms({AT: pool}, {}), dict[str, Shape]()
    for number, (shape, goes) in enumerate(comes):
        if goes and there:
            name = next(iter(there))
            rooms.leave(AT, name)
            del there[name]
        elif rooms.has(option(shape)):
            rooms.take(option(shape), str(number))
            there[str(number)] = shape
        if pool.price is not None and pool.price.basis == "owned":
            assert sum(s.cpu for s in there.values()) <= 4 * pool.count
            assert sum(s.memory for s in there.values()) <= 8 * pool.count
        elif pool.limit is not None:
            assert sum(s.nodes for s in there.values()) <= pool.limit
    for name in list(there):
        rooms.leave(AT, name)
    fresh = Rooms({AT: pool}, {})
    for shape, _ in comes:
        assert rooms.has(option(shape)) == fresh.has(option(shape))


def test_what_others_hold_is_never_waited_for() -> None:
    pool = Pool.model_validate(
        {"node": {"cpu": 4, "memory": "8GiB"}, "count": 1, "price": {"basis": "owned", "price": "0 EUR"}}
    )
    half, whole = Shape(cpu=2.0), Shape(cpu=4.0)
    rooms = Rooms({AT: pool}, {AT: [Taken(half, 1)]})
    assert not rooms.ever(option(whole))
    rooms.take(option(half), "mine")
    assert rooms.ever(option(half))
    assert not rooms.has(option(half))
    rooms.closed = frozenset({"site"})
    assert not rooms.ever(option(half))
    assert not rooms.has(Option(("elsewhere", "pool"), half, asked(half), 1.0))
