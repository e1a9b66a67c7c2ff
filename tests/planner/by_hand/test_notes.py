"""What a plan says about the age of the exchange rates that it was made with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from situs.facts import load
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.planner.decide import decide
from situs.planner.explain.wording import say
from tests.planner.by_hand.small import estate, job, rented, site

DAY = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def dollars() -> Intent:
    return estate({"a": site({"n": rented("1 USD/h")})}, {"w": job()})


def _planned(intent: Intent, at: datetime, folder: Path) -> Plan:
    rates = folder / "exchange.csv"
    rates.write_text("currency,per_eur,as_of,source\nUSD,1.1,2026-06-01,the central bank\n", encoding="utf-8")
    return decide(intent, load([rates]), at).plan


@pytest.mark.parametrize(("days", "noted"), [(0, False), (45, False), (46, True), (400, True)])
def test_rates_are_old_after_six_weeks(dollars: Intent, tmp_path: Path, days: int, noted: bool) -> None:
    plan = _planned(dollars, DAY + timedelta(days=days), tmp_path)
    assert [note.rule for note in plan.notes] == ["old-rates"] * noted
    assert plan == _planned(dollars, DAY + timedelta(days=days), tmp_path)
    if noted:
        assert say(plan.notes[0]) == (
            f"exchange rates (USD) are {days} days old (2026-06-01); --facts takes newer ones"
        )
        assert "Wechselkurse" in say(plan.notes[0], "de")


def test_a_rate_of_later_is_not_old(dollars: Intent, tmp_path: Path) -> None:
    # There is none that is older but the packaged ones, which are.
    plan = _planned(dollars, datetime(2025, 1, 10, tzinfo=UTC), tmp_path)
    assert plan.notes == ()


def test_one_currency_needs_no_rate(tmp_path: Path) -> None:
    plan = _planned(estate({"a": site({"n": rented()})}, {"w": job()}), DAY + timedelta(days=400), tmp_path)
    assert plan.notes == ()
    assert b'"notes"' not in plan.canonical()
