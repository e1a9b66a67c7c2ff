"""What is at stake in a drill, counted by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from situs.model.error import InputError
from situs.model.intent import Intent
from situs.planner.analysis.changes import with_more
from situs.planner.analysis.drill import combined
from situs.planner.analysis.whatif import DrillResult, rehearse
from situs.planner.decide import decide
from tests.planner.by_hand.small import AT, FACTS, costs, data, estate, job, link, rented, site


def rehearsed(**drill: object) -> DrillResult:
    """One job at each of two operators' sites, and a third that may only be at a; a has all the data."""
    intent = estate(
        {
            "a": site({"n": rented("1 EUR/h", limit=2)}, operator="one"),
            "b": site({"n": rented("3 EUR/h", limit=1)}, operator="two"),
        },
        {
            "near": job(value="900 EUR/month"),
            "reader": job(value="700 EUR/month", inputs=[{"dataset": "books"}]),
            "far": job(value="800 EUR/month"),
        },
        datasets={"books": data(1.0), "twice": data(1.0, replicas=["a", "b"], min_copies=2, max_copies=2)},
        rules={
            "home": {"title": "Home", "applies_to": {"name": ["reader"]}, "only_at": {"name": ["a"]}},
            "abroad": {"title": "Abroad", "applies_to": {"name": ["far"]}, "never_at": {"name": ["a"]}},
        },
    )
    return rehearse(
        decide(intent, FACTS, AT, gap=0.0),
        intent,
        FACTS,
        combined(**drill),
        gap=0.0,  # type: ignore[arg-type]
    )


def test_who_is_paid_most_and_who_has_no_other_place() -> None:
    risk = rehearsed(price={"two": Decimal(2)}).risk
    # 2 x 100 h at 1 EUR for one; 100 h at 3, then 6 EUR for two.
    assert (risk.largest_operator, risk.largest_share, risk.largest_share_before) == (
        "two",
        600 / 800,
        300 / 500,
    )
    assert risk.only_place == ("far", "reader")
    assert (risk.data_lost, risk.worth_left_out_per_month) == ((), 0)


def test_a_place_that_is_gone_takes_the_only_copies_with_it() -> None:
    result = rehearsed(site_down=["a"])
    assert result.newly_left_out == ("reader",)
    assert result.risk.data_lost == ("books",)
    assert result.risk.worth_left_out_per_month == costs(700)
    assert (result.risk.largest_operator, result.risk.largest_share) == ("two", 1.0)


def test_a_piece_may_name_what_the_estate_has() -> None:
    whole = with_more(estate({"a": site({"n": rented()})}, {"w": job()}), estate({}, {"v": job(after=["w"])}))
    assert whole.workloads["v"].after == ("w",)
    assert len(whole.links) == 1


def test_a_piece_may_not_price_a_way_that_has_a_price() -> None:
    one, two = (estate({}, {}, links=[link(price=price)]) for price in ("0.1 EUR/GB", "0.2 EUR/GB"))
    with pytest.raises(InputError, match="from '\\*' to '\\*' is in the estate already"):
        with_more(one, two)


def test_two_pieces_that_wait_for_each_other_are_refused() -> None:
    one = Intent.model_construct(**dict(estate({}, {"w": job(after=["v"])})))
    with pytest.raises(InputError, match="workloads wait for each other"):
        with_more(one, estate({}, {"v": job(after=["w"])}))
