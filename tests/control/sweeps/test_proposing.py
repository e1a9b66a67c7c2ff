"""What a sweep's model tries: from the ranges, the same again for the same records, and better than chance."""

from __future__ import annotations

import math
from statistics import median
from typing import Any

import pytest

from situs.control.sweeps.drawing import START, drawn
from situs.control.sweeps.proposing import proposed
from situs.control.sweeps.rules import decider
from situs.store.arrays import Member, Value
from situs.store.sweeps import Goal, Report, Sweep

RANGES = {"rate": "log(1e-5,1e-1)", "width": "logint(8,256)", "depth": "int(1,6)", "drop": "uniform(0,0.5)"}
LISTS: dict[str, list[Value]] = {"kind": ["plain", "wide", "odd"]}
STEPS = 27


def sweep(seed: int, sampler: str = "gp", goal: Goal = "minimise") -> Sweep:
    how = {"draw": RANGES, "choose": LISTS, "sampler": sampler, "seed": seed}
    return Sweep("many", "loss", goal, "asha", 1, STEPS, 3, how, 4)


def loss(given: Any, step: int) -> float:
    """Least where the rate is 3e-3, the width 64, the depth 3 and nothing is dropped; small rates fall late."""
    rate = math.log10(given["rate"])
    floor = (
        (rate + 2.5) ** 2 + 0.3 * (math.log2(given["width"]) - 6) ** 2 + 0.2 * (given["depth"] - 3) ** 2
        + given["drop"] + (given["kind"] != "wide")
    )  # fmt: skip
    return 0.1 + 0.1 * floor + 2 * math.exp(-step * 10 ** (rate + 2.5))


def best_of(asked: Sweep, trials: int) -> tuple[float, list[Member], list[tuple[int, Report]]]:
    """One trial after the other, each until it is stopped."""
    sign = 1.0 if asked.goal == "minimise" else -1.0
    members: list[Member] = []
    reports: list[tuple[int, Report]] = []
    rule, seq, best = decider(asked), 0, math.inf
    given = drawn(RANGES, LISTS, trials, asked.drawn["sampler"], asked.drawn["seed"])
    for number in range(trials):
        name, parameters = f"many-{number}", given[number] or proposed(asked, number, members, reports)
        members.append(Member("many", number, name, parameters))
        for step in range(1, STEPS + 1):
            value, seq = loss(parameters, step), seq + 1
            best = min(best, value)
            reports.append((seq, Report(name, 1, step, step, sign * value)))
            if any(verdict.verdict == "stops" for verdict in rule.take(*reports[-1])):
                break
    return best, members, reports


@pytest.mark.slow
def test_it_finds_better_ones_than_chance_does_in_as_many_trials() -> None:
    learned = [best_of(sweep(seed), 24)[0] for seed in range(3)]
    random = [best_of(sweep(seed, "random"), 24)[0] for seed in range(3)]
    assert median(learned) < 0.7 * median(random)


def test_all_that_it_draws_is_in_the_ranges_new_and_the_same_again_from_the_records() -> None:
    asked = sweep(3)
    _, members, reports = best_of(asked, 20)
    assert best_of(sweep(3, goal="maximise"), 20)[1] == members
    tried = [member.parameters for member in members]
    assert all(one not in tried[:number] for number, one in enumerate(tried))
    for given in tried:
        assert list(given) == [*RANGES, *LISTS]
        assert 1e-5 <= float(given["rate"]) <= 1e-1
        assert given["width"] in range(8, 257)
        assert given["depth"] in range(1, 7)
        assert 0 <= float(given["drop"]) <= 0.5
        assert given["kind"] in LISTS["kind"]
    last = members[-1]
    known = [(seq, report) for seq, report in reports if report.member != last.name]
    assert proposed(asked, last.number, members[:-1], known) == last.parameters
    assert proposed(sweep(4), last.number, members[:-1], known) != last.parameters


def test_those_who_run_are_kept_away_from_and_what_is_no_number_is_taken_for_the_worst() -> None:
    asked = sweep(0)
    _, members, reports = best_of(asked, 14)
    following = proposed(asked, 14, members, reports)
    beside = proposed(asked, 15, [*members, Member("many", 14, "many-14", following)], reports)
    assert beside != following
    broken = [(seq, Report(each.member, 1, each.line, each.step, None)) for seq, each in reports]
    for known in ([], broken):
        assert list(proposed(asked, 14, members, known)) == [*RANGES, *LISTS]


def test_the_first_ones_are_spread_evenly_and_the_others_left_for_later() -> None:
    given = drawn(RANGES, LISTS, 20, "gp", 0)
    count = START * (len(RANGES) + len(LISTS))
    assert all(given[:count]) and given[count:] == [{}] * (20 - count)
    assert sorted(int(float(one["drop"]) * 2 * count) for one in given[:count]) == list(range(count))
    assert all(drawn(RANGES, LISTS, 3, "gp", 0))


@pytest.mark.parametrize("sampler", ["random", "latin"])
def test_other_samplers_draw_all_at_once(sampler: str) -> None:
    assert all(drawn(RANGES, LISTS, 20, sampler, 0))
