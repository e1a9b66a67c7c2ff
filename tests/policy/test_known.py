"""Countries and currencies that nobody knows are told, each at its place."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from situs.facts import load
from situs.intent import loads
from situs.model.error import InputError, Problem
from situs.policy import check_written

POOL = {"node": {"cpu": 4, "memory": 8}, "price": {"basis": "on_demand", "price": "3 EUR/h"}}


def problems(**sections: Any) -> list[Problem]:
    loaded = loads(yaml.safe_dump(sections))
    try:
        check_written(loaded.intent, load(()), loaded.position)
    except InputError as error:
        return error.problems
    return []


def site(**fields: Any) -> dict[str, Any]:
    return {"kind": "edge", "country": "DE", **fields}


@pytest.mark.parametrize(
    ("sections", "what", "fix"),
    [
        ({"sites": {"a": site(country="UK")}}, "'UK'", "GB"),
        ({"sites": {"a": site(operator_country="EL")}}, "'EL'", "GR"),
        ({"sites": {"a": site(parent_country="DD")}}, "'DD'", ""),
        ({"sites": {"a": site(administrators={"countries": ["DE", "ZZ"]})}}, "'ZZ'", ""),
        ({"locations": {"a": {"country": "XX"}}}, "'XX'", ""),
        ({"links": [{"from": "*", "to": "*", "crosses": ["YY"]}]}, "'YY'", ""),
    ],
)
def test_a_country_that_is_none(sections: dict[str, Any], what: str, fix: str) -> None:
    (problem,) = problems(**sections)
    assert f"there is no country {what}" in problem.what
    assert fix in (problem.fix or "")
    assert problem.at is not None and problem.at.line >= 1


@pytest.mark.parametrize(
    "sections",
    [
        {"settings": {"currency": "XBT"}},
        {"settings": {"staff_rate": "3 XBT/h"}},
        {"sites": {"a": site(pools={"p": {**POOL, "price": {"basis": "on_demand", "price": "3 XBT/h"}}})}},
        {"sites": {"a": site(electricity={"price": "1 EUR/kWh", "bands": [
            {"from_hour": 0, "to_hour": 6, "price": "1 XBT/kWh"}]})}},
        {"links": [{"from": "*", "to": "*", "tiers": [{"price": "1 XBT/GB"}]}]},
        {"use_cases": {"a": {"owner": "x", "value": "1 XBT/month"}}},
        {"workloads": {"a": {"stage": "batch", "job": {"work": 1}, "budget": "1 XBT/month"}}},
    ],
)  # fmt: skip
def test_a_currency_without_a_rate(sections: dict[str, Any]) -> None:
    (problem,) = problems(**sections)
    assert problem.what == "no exchange rate is known for XBT"
    assert problem.fix is not None and "USD" in problem.fix
    assert problem.at is not None and problem.at.line > 1


def test_what_is_known_is_let_through() -> None:
    assert not problems(
        settings={"currency": "INR"},
        sites={"a": site(country="GB", parent_country="JP", pools={"p": POOL})},
        locations={"b": {"country": "BR"}},
    )


def test_a_currency_that_stands_in_many_places_is_told_once() -> None:
    assert len(problems(use_cases={f"u{k}": {"owner": "x", "value": "1 XBT/month"} for k in range(9)})) == 1
