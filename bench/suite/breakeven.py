"""The published break-even of owning a server against renting one.

The case: 833,806 USD to buy, 0.87 USD/h to run, 98.32 USD/h to rent; published as 8,556 hours (Lenovo Press
LP2225, "On-Premise vs Cloud: Generative AI Total Cost of Ownership").
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure, Protocol
from situs.economics.breakeven import Case, break_even

PUBLISHED_HOURS = 8556.0


def figures(protocol: Protocol) -> Iterator[Figure]:
    """Hours of work until buying was cheaper, beside the published figure, and how far from it they are."""
    hours = break_even(Case(price=833_806, running_per_hour=0.87, rent_per_hour=98.32)).hours
    assert hours is not None
    yield Figure("breakeven.hours", round(hours), "h", "published", PUBLISHED_HOURS)
    yield Figure(
        "breakeven.off", abs(hours - PUBLISHED_HOURS), "h from what was published", extra={"bar": 0.5}
    )
