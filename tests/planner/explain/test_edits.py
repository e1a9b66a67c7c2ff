"""Edits and their smaller versions."""

from __future__ import annotations

from typing import Any

import pytest

from situs.model.error import InputError
from situs.planner.explain import Change, Edit, apply
from situs.planner.explain.smaller import comes_in_steps, smaller
from tests.planner.explain.small import estate, job, site

INTENT = estate({"here": site("1.00 EUR/h")}, {"work": job(job={"work": 100.0})})


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("/sites/here/clearance", 3, lambda i: i.sites["here"].clearance),
        ("/sites/here/encryption/in_use", True, lambda i: i.sites["here"].encryption.in_use),
        ("/sites/here/pools/nodes/limit", 4, lambda i: i.sites["here"].pools["nodes"].limit),
        ("/workloads/work/shapes/0/cpu", 2.0, lambda i: i.workloads["work"].shapes[0].cpu),
    ],
)
def test_an_edit_puts_one_value_in_place(path: str, value: Any, read: Any) -> None:
    before = INTENT.model_dump_json()
    assert read(apply(INTENT, [Edit(path=path, value=value)])) == value
    assert INTENT.model_dump_json() == before


def test_an_edit_gives_what_the_file_would_have_given() -> None:
    """Texts become quantities, and the models around are what reading them anew would give."""
    edits = [
        Edit(path="/sites/here/pools/nodes/price/price", value="0.50 EUR/h"),
        Edit(path="/workloads/work/job/deadline", value="2026-12-01T00:00:00Z"),
        Edit(path="/rules/exception", value={"title": "Exception", "off": ["clearance"]}),
    ]
    edited = apply(INTENT, edits)
    written = INTENT.model_dump(mode="json", by_alias=True, exclude_unset=True)
    written["sites"]["here"]["pools"]["nodes"]["price"]["price"] = "0.50 EUR/h"
    written["workloads"]["work"]["job"]["deadline"] = "2026-12-01T00:00:00Z"
    written["rules"] = {"exception": {"title": "Exception", "off": ["clearance"]}}
    assert edited.model_dump_json() == type(INTENT).model_validate(written).model_dump_json()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("/sites/there/clearance", 3, "there is no 'there'"),
        ("/sites/here/colour", "red", "Site has no 'colour'"),
        ("/sites/here/clearance", "high", "does not fit"),
        ("/workloads/work/shapes/3/cpu", 1.0, "the list has 1 entries"),
        ("/sites/here/clearance/more", 1, "nothing under which"),
        ("/sites/here/pools/nodes/count", 12, "does not fit"),
    ],
)
def test_a_wrong_edit_says_where_and_why(path: str, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        apply(INTENT, [Edit(path=path, value=value)])


@pytest.mark.parametrize(
    ("was", "value", "less"),
    [
        (2, 4, 3),
        (4, 1, 2),
        (10.0, 20.0, 19.8),
        ("1.00 EUR/h", "0.50 EUR/h", "0.510000 EUR/h"),
        ("100 EUR/month", "200 EUR/month", "198.000000 EUR/month"),
        ("2026-12-01T00:00:00+00:00", "2026-12-01T00:50:00+00:00", "2026-12-01T00:49:00+00:00"),
        (
            {"basis": "on_demand", "price": "1.00 EUR/h"},
            {"basis": "on_demand", "price": "0.50 EUR/h"},
            {"basis": "on_demand", "price": "0.510000 EUR/h"},
        ),
    ],
)
def test_a_smaller_change_lies_between(was: Any, value: Any, less: Any) -> None:
    change = smaller(Change(kind="rule", edits=(Edit(path="/x", value=value, was=was),)))
    assert change is not None
    assert change.edits[0].value == (pytest.approx(less) if isinstance(less, float) else less)


@pytest.mark.parametrize(
    ("was", "value"), [(False, True), (None, "site"), ("operator", "self"), (2, 3), (["EU"], ["EU", "US"])]
)
def test_what_has_nothing_between_has_no_smaller_version(was: Any, value: Any) -> None:
    assert smaller(Change(kind="rule", edits=(Edit(path="/x", value=value, was=was),))) is None


def test_whole_numbers_come_in_steps() -> None:
    assert comes_in_steps(Change(kind="capacity", edits=(Edit(path="/x", value=9, was=2),)))
    assert not comes_in_steps(Change(kind="latency", edits=(Edit(path="/x", value=9.0, was=2.0),)))
