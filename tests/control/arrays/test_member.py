"""What the members of an array are given, and what cannot be an array."""

from __future__ import annotations

import json

import pytest

from situs.control.arrays.member import grid, member_workload
from situs.control.asked import Asked, workload_of
from situs.model.error import InputError


def test_a_number_makes_so_many_members_and_lists_each_combination() -> None:
    assert grid(["3"]) == [{}, {}, {}]
    assert grid(["lr=0.1,1e-2", "kind=sgd,adam"]) == [
        {"lr": 0.1, "kind": "sgd"},
        {"lr": 0.1, "kind": "adam"},
        {"lr": 0.01, "kind": "sgd"},
        {"lr": 0.01, "kind": "adam"},
    ]
    assert grid(["fold=1,2", "2"]) == [{"fold": 1}, {"fold": 1}, {"fold": 2}, {"fold": 2}]


def test_what_reads_as_a_number_is_one_and_all_else_is_text() -> None:
    (member,) = grid(["a=007", "b=1_000", "c=nan", "d=-3", "e=1e400", "f=x y"])
    assert member == {"a": "007", "b": "1_000", "c": "nan", "d": -3, "e": "1e400", "f": "x y"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["0"], "how many members"),
        (["lr"], "how many members"),
        (["lr="], "how many members"),
        (["1a=1,2"], "no name of a parameter"),
        (["index=1,2"], "no name of a parameter"),
        (["lr=1", "LR=2"], "given twice"),
        (["101", "100"], "more than 10000"),
    ],
)
def test_what_is_no_array_is_refused(given: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        grid(given)


def test_a_member_finds_its_parameters_in_arguments_and_environment() -> None:
    workload = workload_of(
        Asked(("train.py", "--lr", "{lr}", '{"lr": {other}}', "{index}/{size}"), env={"A": "b"})
    )
    member = member_workload(workload, "many", 2, 5, {"lr": 1e-05, "warm": True})
    assert member.run is not None
    assert member.run.command == ("python", "train.py", "--lr", "1e-05", '{"lr": {other}}', "2/5")
    env = member.run.env
    assert (env["A"], env["SITUS_ARRAY"], env["SITUS_ARRAY_INDEX"], env["SITUS_ARRAY_SIZE"]) == (
        "b",
        "many",
        "2",
        "5",
    )
    assert (env["SITUS_PARAM_LR"], env["SITUS_PARAM_WARM"]) == ("1e-05", "true")
    assert json.loads(env["SITUS_PARAMETERS"]) == {"lr": 1e-05, "warm": True}


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    workload = workload_of(Asked(("echo", "{a}")))
    member = member_workload(workload, "many", 0, 1, {"a": "{b}", "b": "$(rm -rf /) {a}"})
    assert member.run is not None
    assert member.run.command == ("echo", "{b}")
