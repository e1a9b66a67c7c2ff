"""What a plan may change without a person, against plans that hypothesis draws."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from situs.control.guardrails import Change, breaches, changes_nothing, moved
from situs.control.withdrawn import as_written, withdrawn
from situs.facts import Facts, load
from situs.intent import input_hash
from situs.model.intent import Intent
from situs.model.plan import Move, Plan, Purchase, Replica
from tests.control.plane import estate
from tests.store.plans import plan_by_hand

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
NAMES = ("one", "two")


@cache
def facts() -> Facts:
    return load()


@cache
def world(moves: int = 3, bill: str = "10 EUR", kinds: tuple[str, ...] = ("on_prem",)) -> Intent:
    case = {
        "owner": "ann", "value": "1 EUR/month",
        "automatic": {"moves_per_day": moves, "bill_per_day": bill, "kinds": list(kinds)},
    }  # fmt: skip
    run = {"run": "pass", "use_case": "shop", "count": 4}
    return estate(dict.fromkeys(NAMES, run) | {"orphan": {"run": "pass"}}, use_cases={"shop": case})


Places = dict[str, dict[str, int]]


def plan(places: Places, moves: tuple[Move, ...] = ()) -> Plan:
    rows = {name: [(site, "box", n) for site, n in there.items() if n] for name, there in places.items()}
    made = plan_by_hand(world(), rows, AT)
    return made.model_copy(update={"moves": moves}).sealed()


def bill(name: str, amount: str) -> Move:
    return Move(
        workload=name,
        source="a",
        target="b",
        units=1,
        bill={"people": Decimal(amount)},
        saving_per_month=None,
    )


def codes(before: Places, after: Places, today: list[Change] | None = None, **leave: object) -> list[str]:
    change = Change(plan(before), plan(after))
    intent = world(**leave)  # type: ignore[arg-type]
    return [breach.code for breach in breaches(change, intent, intent, facts(), today or [])]


class TestLeave:
    def test_moves_within_the_leave_need_nobody(self) -> None:
        assert codes({"one": {"a": 3}}, {"one": {"b": 3}}) == []

    def test_one_unit_more_needs_a_person(self) -> None:
        assert codes({"one": {"a": 3}, "two": {"a": 1}}, {"one": {"b": 3}, "two": {"b": 1}}) == ["moves"]

    def test_what_moved_this_morning_counts(self) -> None:
        morning = Change(plan({"one": {"a": 2}}), plan({"one": {"c": 2}}))
        assert codes({"one": {"c": 2}}, {"one": {"b": 2}}, [morning]) == ["moves"]
        assert codes({"one": {"c": 1}}, {"one": {"b": 1}}, [morning]) == []

    def test_bills_of_a_day_are_added(self) -> None:
        morning = Change(plan({"one": {"a": 1}}), plan({"one": {"c": 1}}, (bill("one", "6"),)))
        change = Change(plan({"one": {"c": 1}}), plan({"one": {"b": 1}}, (bill("one", "4.01"),)))
        found = breaches(change, world(), world(), facts(), [morning])
        assert [(b.code, b.subject, b.value, b.limit) for b in found] == [
            ("bill", "shop", "10.01 EUR", "10.00 EUR")
        ]
        assert breaches(change, world(), world(), facts(), []) == []

    def test_a_kind_of_site_without_leave_needs_a_person(self) -> None:
        assert codes({"one": {"a": 1}}, {"one": {"b": 1}}, kinds=("edge",)) == ["kind"]

    def test_what_belongs_to_no_use_case_never_moves_by_itself(self) -> None:
        assert codes({"orphan": {"a": 1}}, {"orphan": {"b": 1}}) == ["no-leave"]

    def test_leave_is_read_from_the_estate_that_was_approved(self) -> None:
        change = Change(plan({"one": {"a": 3}}), plan({"one": {"b": 3}}))
        found = breaches(change, world(moves=1), world(moves=99), facts(), [])
        assert [breach.code for breach in found] == ["edited", "moves"]

    def test_a_drained_site_is_no_edit(self) -> None:
        change = Change(plan({"one": {"a": 1}}), plan({"one": {"b": 1}}))
        assert breaches(change, world(), withdrawn(world(), {"a": "a is drained"}), facts(), []) == []


class TestBeyondMoves:
    def test_more_less_capacity_and_data_need_a_person(self) -> None:
        assert codes({"one": {"a": 1}}, {"one": {"a": 2}}) == ["started"]
        assert codes({"one": {"a": 2}}, {"one": {"b": 1}}) == ["left-out"]
        before = plan({"one": {"a": 1}})
        bought = before.model_copy(update={"purchases": (Purchase(site="a", pool="box", nodes=1, costs={}),)})
        copied = before.model_copy(
            update={
                "replicas": (
                    Replica(dataset="d", site="b", change="create", source="a", size_gb=1.0, costs={}),
                )
            }
        )
        for after, code in ((bought, "capacity"), (copied, "data")):
            change = Change(before, after)
            assert [b.code for b in breaches(change, world(), world(), facts(), [])] == [code]
            assert not changes_nothing(change)


@st.composite
def places(draw: st.DrawFn) -> Places:
    return {name: draw(st.dictionaries(st.sampled_from("abc"), st.integers(0, 4))) for name in NAMES}


@given(places(), places(), st.integers(1, 9))
def test_nothing_comes_into_force_by_itself_beyond_its_leave(
    before: Places, after: Places, leave: int
) -> None:
    """Counted by another way: unit by unit, by who has a place now that nobody had."""
    change = Change(plan(before), plan(after))
    found = {b.code for b in breaches(change, world(leave), world(leave), facts(), [])}
    new = {name: (Counter(after[name]) - Counter(before[name])).total() for name in NAMES}
    totals = {name: sum(after[name].values()) - sum(before[name].values()) for name in NAMES}
    assert ("started" in found) == any(more > 0 for more in totals.values())
    assert ("left-out" in found) == any(more < 0 for more in totals.values())
    moving = {name: min(new[name], new[name] - totals[name]) for name in NAMES}
    assert moved(change) == {name: units for name, units in moving.items() if units}
    assert ("moves" in found) == (sum(moving.values()) > leave)
    assert changes_nothing(change) == all(+Counter(before[name]) == +Counter(after[name]) for name in NAMES)


def test_withdrawing_is_undone_without_a_trace() -> None:
    out = withdrawn(world(), {"a": "a is drained by ann", "gone": "not in the estate"})
    assert len(out.rules) == len(world().rules) + 1
    assert input_hash(out) != input_hash(world())
    assert input_hash(as_written(out)) == input_hash(withdrawn(out, {})) == input_hash(world())
