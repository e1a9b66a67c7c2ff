"""Until when a plan may be relied on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from situs.model.intent import Intent
from tests.planner.by_hand.small import AT, estate, job, planned, rented, site

END = AT + timedelta(hours=730)


def ruled(**rule: str) -> Intent:
    home = {"title": "Home", "applies_to": {"name": ["w"]}, "only_at": {"name": ["a"]}, **rule}
    return estate({"a": site({"n": rented()})}, {"w": job()}, rules={"home": home})


@pytest.mark.parametrize(
    ("rule", "expires"),
    [
        ({}, END),
        ({"valid_until": "2026-12-01T00:00Z"}, AT.replace(month=12, day=1, hour=0)),
        ({"valid_from": "2026-12-02T00:00Z"}, AT.replace(month=12, day=2, hour=0)),
        ({"valid_until": "2027-12-01T00:00Z"}, END),
        ({"valid_until": "2026-11-01T00:00Z"}, END),
    ],
)
def test_it_ends_with_its_horizon_or_when_a_rule_changes_before(
    rule: dict[str, str], expires: object
) -> None:
    assert planned(ruled(**rule)).expires == expires


def test_whoever_answers_for_it_may_say_until_when() -> None:
    until = AT + timedelta(hours=1)
    assert planned(ruled(), expires=until).expires == until
