"""Who ends early: as the published rules have it, whatever the order, and the same again for the same reports."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import mean, median
from typing import Any

import pytest

from situs.control.sweeps.rules import decider
from situs.store.sweeps import Report, Sweep, Verdict


def sweep(**more: Any) -> Sweep:
    given: dict[str, Any] = {
        "array": "many", "objective": "loss", "goal": "minimise", "rule": "asha", "first_step": 1, "last_step": None,
        "reduction": 3, "drawn": {},
    }  # fmt: skip
    return Sweep(**(given | more))


def decided(asked: Sweep, told: Sequence[tuple[str, int, float | None]]) -> list[Verdict]:
    rule = decider(asked)
    found: list[Verdict] = []
    for seq, (member, step, value) in enumerate(told, 1):
        found += rule.take(seq, Report(member, 1, step, step, value))
    return found


def stops(found: Sequence[Verdict]) -> list[tuple[str, int]]:
    return [(each.member, each.step) for each in found if each.verdict == "stops"]


def test_one_in_so_many_of_those_at_a_rung_goes_on() -> None:
    told = [(name, 1, loss) for name, loss in zip("abcdef", (5.0, 4.0, 6.0, 3.0, 3.5, 7.0), strict=True)]
    found = decided(sweep(), told)
    # Of fewer than six only the best so far goes on, of six the two best.
    assert stops(found) == [("c", 1), ("e", 1), ("f", 1)]
    assert found[4].reason == "step 1: loss 3.5 is number 2 of 5, of which 1 may go on"
    assert [each.report for each in found] == [1, 2, 3, 4, 5, 6]
    assert stops(decided(sweep(), [*told, ("g", 1, 3.2)])) == [*stops(found)]


def test_rungs_are_so_many_times_further_each_and_need_not_be_met_exactly() -> None:
    told = [("a", step, 1.0) for step in range(1, 30)]
    assert [each.step for each in decided(sweep(), told)] == [1, 3, 9, 27]
    assert [each.step for each in decided(sweep(first_step=2, reduction=4), told)] == [2, 8]
    assert [each.step for each in decided(sweep(), [("a", 5, 1.0), ("a", 10, 1.0)])] == [1, 3, 9]
    # Who comes to the last step ends by itself.
    assert [each.step for each in decided(sweep(last_step=9), told)] == [1, 3]


def test_more_is_better_when_that_is_looked_for() -> None:
    told = [("a", 1, 0.5), ("b", 1, 0.4), ("c", 1, 0.9)]
    found = decided(sweep(goal="maximise", objective="accuracy"), told)
    assert stops(found) == [("b", 1)]
    assert found[1].reason == "step 1: accuracy 0.4 is number 2 of 2, of which 1 may go on"


def test_what_is_no_number_ends_also_when_it_is_the_first() -> None:
    assert stops(decided(sweep(), [("a", 1, None), ("b", 1, 9.0)])) == [("a", 1)]
    assert stops(decided(sweep(rule="median"), [("a", 1, None)])) == [("a", 1)]
    assert stops(decided(sweep(rule="none"), [("a", 1, None)])) == []


@pytest.mark.parametrize("rule", ["asha", "median"])
def test_one_that_is_tried_again_is_not_judged_again(rule: str) -> None:
    others = [(name, step, 1.0) for name in "bcdefg" for step in (1, 2, 3)]
    first = [("a", 1, 0.5), ("a", 2, 0.5)]
    once = decided(sweep(rule=rule), [*first, *others, ("a", 3, 0.4)])
    again = decided(sweep(rule=rule), [*first, *others, ("a", 1, 99.0), ("a", 2, 99.0), ("a", 3, 0.4)])
    assert [(v.member, v.step, v.verdict, v.reason) for v in once] == [
        (v.member, v.step, v.verdict, v.reason) for v in again
    ]
    assert ("a", 3) not in stops(again)


def test_the_median_rule_ends_whom_the_middle_of_the_others_beats() -> None:
    means = {"b": (1.0, 3.0), "c": (2.0, 2.0), "d": (3.0, 3.0), "e": (4.0, 2.0), "f": (9.0, 9.0)}
    told = [(name, step, loss) for name, both in means.items() for step, loss in enumerate(both, 1)]
    middle = median(mean(both) for both in means.values())
    asked = sweep(rule="median", first_step=2)
    assert stops(decided(asked, [*told, ("a", 1, 50.0), ("a", 2, middle + 0.1)])) == [("a", 2)]
    assert stops(decided(asked, [*told, ("a", 1, 50.0), ("a", 2, middle)])) == []
    # Its best value counts, not its last one.
    assert stops(decided(asked, [*told, ("a", 1, middle), ("a", 2, 50.0)])) == []
    # Nobody is judged before there is enough to judge by.
    assert stops(decided(asked, [*told[:8], ("a", 1, 50.0), ("a", 2, 50.0)])) == []


@pytest.mark.parametrize("rule", ["asha", "median"])
def test_the_same_reports_decide_the_same_and_nobody_is_decided_about_twice(rule: str) -> None:
    rng = random.Random(3)
    told: list[tuple[str, int, float | None]] = []
    steps = dict.fromkeys((f"m{k}" for k in range(40)), 0)
    while len(told) < 1500:
        member = rng.choice(list(steps))
        steps[member] += 1
        told.append((member, steps[member], rng.random() + int(member[1:]) / steps[member]))
    found = decided(sweep(rule=rule), told)
    assert found == decided(sweep(rule=rule), told)
    assert len({(each.member, each.step) for each in found}) == len(found)
    ended = [each.member for each in found if each.verdict == "stops"]
    assert len(ended) == len(set(ended)) > 5
    for each in found:
        if each.verdict == "goes on":
            assert all(v.step > each.step or v.member != each.member for v in found if v.verdict == "stops")
    # What comes later changes nothing that was decided before.
    assert decided(sweep(rule=rule), told[:700]) == [each for each in found if each.report <= 700]


@pytest.mark.parametrize("rule", ["none", "asha", "median"])
def test_who_does_not_become_better_for_so_many_steps_ends_whatever_the_rule(rule: str) -> None:
    asked = sweep(rule=rule, patience=3, last_step=20)
    losses = [5.0, 4.0, 3.0, 3.5, 3.0, 3.1, 2.0, 1.0]
    found = decided(asked, [("a", step, loss) for step, loss in enumerate(losses, 1)])
    assert stops(found) == [("a", 6)]
    assert found[-1].reason == "step 6: loss 3 at step 3 was the best of the last 3 steps"
    # Steps that are repeated after a failure count once, and those that become better in time go on.
    again = [("b", step, loss) for step, loss in enumerate([3.0, 3.1, 3.2, 2.9, 3.0, 3.0, 2.8], 1)]
    assert stops(decided(asked, [*again[:3], *again[:3], *again])) == []
    assert stops(decided(asked, [("c", step, 1.0) for step in (18, 20, 30)])) == []
    assert (
        stops(
            decided(sweep(rule=rule, patience=3, goal="maximise"), [("d", k, -1.0 / k) for k in range(1, 9)])
        )
        == []
    )


def test_at_a_rung_the_last_word_is_that_it_ends() -> None:
    found = decided(sweep(patience=2), [("a", 1, 1.0), ("a", 2, 1.0), ("a", 3, 1.0), ("a", 4, 0.5)])
    assert [(each.step, each.verdict) for each in found] == [(1, "goes on"), (3, "stops")]
