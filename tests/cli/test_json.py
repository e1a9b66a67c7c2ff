"""``--json`` on every command: one JSON value on standard output, and nothing else there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from situs.cli.catalogues import ROWS
from tests.cli.conftest import Call
from tests.cli.test_help import PATHS, command

WITHOUT = {("completion",), ("schema",), ("up",), ("site", "rbac")}
"""Write a script or a file, are JSON anyway, or run on until they are stopped."""


def keys(*names: str) -> Callable[[Any], bool]:
    return lambda value: set(names) <= set(value)


def each(*names: str) -> Callable[[Any], bool]:
    return lambda value: len(value) > 0 and all(set(names) <= set(entry) for entry in value)


CALLS: dict[str, tuple[list[str], Callable[[Any], bool]]] = {
    "validate": (["validate"], keys("valid", "hash", "counts")),
    "plan": (
        ["plan", "--no-record"],
        keys("id", "cost", "bound", "gap", "status", "decisions", "provenance"),
    ),
    "explain": (["explain", "shop-train"], keys("workload")),
    "explain why not": (["explain", "patients-train", "--why-not", "private-cloud"], keys("workload")),
    "whatif": (
        ["whatif", "--price", "aws=+30%", "--site-down", "private-cloud"],
        keys("moves", "bill", "gap", "hours", "risk"),
    ),
    "compare": (["compare"], each("name", "cost_per_month", "left_out")),
    "pareto": (["pareto", "--axes", "cost,control"], each("cost_per_month", "control", "plan")),
    "posture": (["posture"], keys("findings", "by_design")),
    "usecases": (["usecases"], each("use_case", "value_per_month", "dropped_at_budget")),
    "rules": (["rules"], each("id", "title", "anchor")),
    "rules priced": (["rules", "--price"], each("rule", "costs_per_month")),
    "breakeven": (["breakeven", "patients-train"], keys("own", "rent", "answer")),
    "exit": (["exit"], lambda value: len(value) > 0),
    "report": (["report", "-o", "board.html"], keys("report", "plan")),
}


@pytest.mark.parametrize("name", CALLS)
def test_it_is_json_and_nothing_else(call: Call, estate: Path, name: str) -> None:
    arguments, expected = CALLS[name]
    done = call(*arguments, "-C", estate, "--json")
    assert done.code == 0, done.err
    assert done.err == ""
    assert expected(done.json), done.out[:400]
    assert "\x1b" not in done.out


@pytest.mark.parametrize("arguments", [["list"], ["show", "EU"], ["show", "aws/us-east-1/g6.xlarge"],
                                       ["show", "eu-us-dpf"], ["show", "ISO27001"], ["show", "USD"],
                                       ["show", "aws/eu-central-1"], *(["list", name] for name in ROWS)],
                         ids=" ".join)  # fmt: skip
def test_facts_are_json(call: Call, arguments: list[str]) -> None:
    done = call("facts", *arguments, "--json")
    assert done.code == 0, done.err
    assert done.json


@pytest.mark.parametrize("catalogue", sorted(set(ROWS) - {"groups", "countries", "regions"}))
def test_every_figure_names_its_source(call: Call, catalogue: str) -> None:
    rows = call("facts", "list", catalogue, "--json").json
    assert rows
    for row in rows:
        assert row["source"]
        # Whoever reads it has no other page to look at.
        assert "see " not in row["source"]
    assert call("facts", "show", "aws", "--json").json["commitments"]["source"]


def test_every_catalogue_can_be_listed(call: Call) -> None:
    assert {entry["catalogue"] for entry in call("facts", "list", "--json").json} <= set(ROWS)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["list", "price"], "prices"),
        (["show", "awss"], "aws"),
        (["show", "adequate"], "ADEQUATE"),
        (["show", "aws/us-east-1/p5.48xlarg"], "aws/us-east-1/p5.48xlarge"),
    ],
)
def test_a_fact_that_is_not_there_gets_the_likely_one(call: Call, arguments: list[str], meant: str) -> None:
    done = call("facts", *arguments)
    assert done.code == 2
    assert f"did you mean {meant}?" in " ".join(done.err.split())


def test_records_replay_and_diff_are_json(call: Call, estate: Path) -> None:
    first = call("plan", "-C", estate, "--json").json
    second = call("plan", "-C", estate, "--json", "--off", "clearance", "--reason", "drill").json
    listed = call("records", "-C", estate, "--json").json
    assert {entry["id"] for entry in listed} == {first["id"], second["id"]}
    assert second["parent"] == first["id"]
    replayed = call("replay", "latest", "-C", estate, "--json")
    assert (replayed.code, replayed.json["same"], replayed.json["differences"]) == (0, True, [])
    differ = call("diff", first["id"], second["id"], "-C", estate, "--json")
    assert differ.code == 1
    assert {"what", "name", "before", "after"} <= set(differ.json[0])
    same = call("diff", first["id"], first["id"], "-C", estate, "--json")
    assert (same.code, same.json) == (0, [])


def test_what_is_wrong_with_an_estate_is_json_too(call: Call, estate: Path) -> None:
    path = estate / "estate.yaml"
    path.write_text(path.read_text().replace("kind: public", "kind: publik"))
    done = call("validate", "-C", estate, "--json")
    assert done.code == 2
    (problem,) = done.json["problems"]
    assert problem["file"].endswith("estate.yaml")
    assert problem["line"] > 1
    assert problem["column"] > 1
    assert "publik" in problem["what"]


def test_the_schema_is_json(call: Call) -> None:
    assert call("schema").json["$schema"].startswith("https://json-schema.org/")


def test_a_first_estate_is_told_as_json(call: Call, tmp_path: Path) -> None:
    done = call("init", "--country", "DE", "--json", tmp_path / "new")
    assert (done.code, done.err) == (0, "")
    assert done.json["file"].endswith("estate.yaml")
    (site,) = done.json["sites"]
    assert (site["kind"], site["operator"], site["country"], site["pools"]) == (
        "on_prem",
        "self",
        "DE",
        ["machine"],
    )


@pytest.mark.parametrize("path", [path for path in PATHS if path not in WITHOUT], ids=" ".join)
def test_every_command_has_the_option(path: tuple[str, ...]) -> None:
    assert any("--json" in parameter.opts for parameter in command(path).params)
