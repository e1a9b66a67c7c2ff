"""Drawing parameters: in their ranges, evenly, and the same ones for the same seed."""

from __future__ import annotations

import math

import pytest

from situs.control.sweeps.drawing import Sampler, drawn, listed, pairs
from situs.model.error import InputError

RANGES = {
    "lr": "log(1e-4,1e-1)",
    "depth": "int(2,8)",
    "batch": "logint(16,1024)",
    "momentum": "uniform(-1,1)",
}
LISTS = {"kernel": ["rbf", "linear"]}


@pytest.mark.parametrize("sampler", ["random", "latin"])
def test_all_are_in_their_ranges_and_reach_their_ends(sampler: Sampler) -> None:
    trials = drawn(RANGES, LISTS, 2000, sampler, 0)
    assert len(trials) == 2000
    assert all(list(trial) == ["lr", "depth", "batch", "momentum", "kernel"] for trial in trials)
    rates = [float(trial["lr"]) for trial in trials]
    assert all(1e-4 <= rate <= 1e-1 for rate in rates)
    # As many in each tenfold part.
    for low in (1e-4, 1e-3, 1e-2):
        assert sum(low <= rate < 10 * low for rate in rates) / 2000 == pytest.approx(1 / 3, abs=0.05)
    assert {trial["depth"] for trial in trials} == {2, 3, 4, 5, 6, 7, 8}
    assert all(type(trial["depth"]) is int and type(trial["batch"]) is int for trial in trials)
    assert min(int(trial["batch"]) for trial in trials) in range(16, 18)
    assert max(int(trial["batch"]) for trial in trials) in range(950, 1025)
    assert {trial["kernel"] for trial in trials} == {"rbf", "linear"}


@pytest.mark.parametrize("sampler", ["random", "latin"])
def test_a_seed_gives_the_same_again_and_another_one_others(sampler: Sampler) -> None:
    once = drawn(RANGES, LISTS, 20, sampler, 7)
    assert once == drawn(RANGES, LISTS, 20, sampler, 7)
    assert once != drawn(RANGES, LISTS, 20, sampler, 8)


def test_a_latin_hypercube_leaves_no_part_of_a_range_out() -> None:
    trials = drawn({"a": "uniform(0,1)", "b": "uniform(0,1)"}, {}, 50, "latin", 1)
    for name in ("a", "b"):
        assert sorted(math.floor(float(trial[name]) * 50) for trial in trials) == list(range(50))
    assert [trial["a"] for trial in trials] != sorted(float(trial["a"]) for trial in trials)


def test_a_grid_has_each_combination_once() -> None:
    trials = drawn({}, {"lr": listed("0.1,0.01"), "kernel": listed("rbf,linear,poly")}, None, "grid", 0)
    assert len(trials) == 6
    assert trials[1] == {"lr": 0.1, "kernel": "linear"}


@pytest.mark.parametrize(
    ("ranges", "lists", "trials", "sampler", "said"),
    [
        ({}, {}, 5, "random", "nothing is drawn"),
        ({"lr": "gauss(0,1)"}, {}, 5, "random", "write it as uniform"),
        ({"lr": "uniform(0)"}, {}, 5, "random", "write it as uniform"),
        ({"lr": "uniform(a,b)"}, {}, 5, "random", "are to be numbers"),
        ({"lr": "uniform(1,0)"}, {}, 5, "random", "less than the second"),
        ({"lr": "uniform(0,inf)"}, {}, 5, "random", "less than the second"),
        ({"lr": "log(0,1)"}, {}, 5, "random", "above 0"),
        ({"lr": "int(0.5,3)"}, {}, 5, "random", "whole numbers"),
        ({"index": "int(0,3)"}, {}, 5, "random", "no name of a parameter"),
        ({"lr": "int(0,3)"}, {"LR": [1]}, 5, "random", "given twice"),
        ({"lr": "int(0,3)"}, {}, None, "random", "how many trials"),
        ({"lr": "int(0,3)"}, {}, 10_001, "random", "from 1 to 10000"),
        ({"lr": "int(0,3)"}, {}, None, "grid", "values, not ranges"),
        ({}, {"a": [1, 2]}, 5, "grid", "has 2 trials, not 5"),
        ({}, {"a": list(range(200)), "b": list(range(200))}, None, "grid", "more than 10000"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(
    ranges: dict[str, str], lists: dict[str, list[int]], trials: int | None, sampler: Sampler, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        drawn(ranges, lists, trials, sampler, 0)


def test_options_are_pairs() -> None:
    assert pairs(["lr=log(1e-4,1e-1)"], "--draw") == {"lr": "log(1e-4,1e-1)"}
    for wrong in (["lr"], ["lr="], ["lr=a", "lr=b"]):
        with pytest.raises(InputError, match="--draw"):
            pairs(wrong, "--draw")
