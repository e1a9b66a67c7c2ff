"""Own or rent for a workload: the published case as an estate, and what is compared with what."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from situs.cli.main import app
from situs.economics.breakeven import Spread
from situs.facts import load
from situs.intent.loader import loads
from situs.model.error import InputError
from situs.planner.analysis.ownrent import Given, Offer, Options, OwnOrRent, own_or_rent
from situs.sdk import open_estate

FACTS = load()
AT = datetime(2026, 6, 1, tzinfo=UTC)

PUBLISHED = """
settings: {currency: USD, at: 2026-06-01, discount_rate: 0}
sites:
  cloud:
    kind: public
    operator: aws
    country: US
    clearance: 4
    pools:
      rented:
        node: {cpu: 192, memory: 2048GiB, accelerators: 8, accelerator_memory: 80GiB}
        accelerator: H100
        price: {basis: on_demand, price: 98.32 USD/h}
      dearer:
        node: {cpu: 192, memory: 2048GiB, accelerators: 8, accelerator_memory: 80GiB}
        accelerator: H100
        price: {basis: on_demand, price: 120 USD/h}
  hall:
    kind: on_prem
    country: US
    clearance: 4
    electricity: {price: 0.10 USD/kWh}
    pools:
      own:
        node: {cpu: 192, memory: 2048GiB, accelerators: 8, accelerator_memory: 80GiB}
        accelerator: H100
        # 8.7 kW at 0.10 USD/kWh are the 0.87 USD/h that it costs to run.
        price: {basis: owned, price: 833806 USD, life: 60 months, busy: 8.7kW}
        count: 1
      small:
        node: {cpu: 8, memory: 64GiB}
        price: {basis: owned, price: 4000 USD}
        count: 4
workloads:
  chat:
    stage: serve
    shapes: [{cpu: 96, memory: 1024GiB, accelerators: 8, throughput: 50}]
    label: {level: 1}
    service: {requests_per_s: 40}
"""


def _answer(text: str = PUBLISHED, name: str = "chat", given: Given | None = None) -> OwnOrRent:
    intent = loads(text).intent
    return own_or_rent(intent, FACTS, intent.settings.at or AT, name, given=given)


def test_the_published_case_as_an_estate() -> None:
    found = _answer()
    assert (found.own.name, found.own.machines, found.own.utilisation) == ("hall/own", 1, 1.0)
    assert found.own.running_per_hour == Decimal("0.87")
    assert (found.rent.name, found.rent.cost) == ("cloud/rented", Decimal("71773.60"))
    assert found.answer.hours is not None
    assert round(found.answer.hours) == 8556
    assert "cloud/dearer" in {offer.name for offer in found.others}


def test_twice_the_demand_takes_two_machines_and_pays_at_the_same_hour() -> None:
    found = _answer(PUBLISHED.replace("requests_per_s: 40", "requests_per_s: 90"))
    assert (found.own.machines, found.own.price) == (2, 2 * 833_806)
    assert found.answer.hours is not None and round(found.answer.hours) == 8556


def test_a_job_that_runs_part_of_the_time() -> None:
    job = "job: {work: 73h, per_month: 2}"
    found = _answer(
        PUBLISHED.replace("service: {requests_per_s: 40}", job).replace("throughput: 50", "throughput: 1")
    )
    assert found.own.utilisation == pytest.approx(0.2)
    assert float(found.rent.cost) == pytest.approx(146 * 98.32)
    assert found.answer.hours is not None and round(found.answer.hours) == 8556
    assert found.answer.month == pytest.approx(8556.2 / 146, rel=1e-4)


def test_nobody_buys_a_machine_for_one_run() -> None:
    found = _answer(
        PUBLISHED.replace("service: {requests_per_s: 40}", "job: {work: 50h}").replace(
            "throughput: 50", "throughput: 1"
        )
    )
    assert found.once
    # 50 hours of 98.32 against all of the machine
    assert float(found.rent.cost) == pytest.approx(50 * 98.32)
    assert float(found.answer.npv) == pytest.approx(50 * 97.45 - 833_806, abs=1)
    assert found.answer.month is None and found.answer.probability == 0.0


def test_a_slower_machine_is_busier() -> None:
    job = "job: {work: 73h, per_month: 2}"
    text = PUBLISHED.replace("service: {requests_per_s: 40}", job).replace("throughput: 50", "throughput: 1")
    found = _answer(text.replace("        count: 1\n", "        count: 1\n        speed: {default: 0.5}\n"))
    assert found.own.utilisation == pytest.approx(0.4)
    # Two own hours replace one rented hour.
    assert found.case.rent_per_hour == pytest.approx(98.32 / 2)


def test_numbers_that_are_given_stand() -> None:
    found = _answer(
        given=Given(price=400_000, rent_per_hour=50, running_per_hour=0, utilisation=0.5, life_months=48)
    )
    assert found.answer.hours == pytest.approx(8000)
    assert (found.case.life_months, found.case.utilisation) == (48, 0.5)
    assert found.rent.name == "given"


def test_an_offer_can_be_named() -> None:
    assert _answer(given=Given(offer="cloud/dearer")).case.rent_per_hour == pytest.approx(120)
    with pytest.raises(InputError, match=r"cannot use the offer 'cloud/none'.*cloud/rented"):
        _answer(given=Given(offer="cloud/none"))


def test_a_machine_can_be_named() -> None:
    with pytest.raises(InputError, match="no owned pool 'hall/none'; there are hall/own, hall/small"):
        _answer(given=Given(machine="hall/none"))
    with pytest.raises(InputError, match="does not fit hall/small"):
        _answer(given=Given(machine="hall/small"))


def test_rules_keep_offers_and_machines_out() -> None:
    closed = PUBLISHED.replace("label: {level: 1}", "label: {level: 1, jurisdictions: [DE]}")
    with pytest.raises(InputError, match="no offer by the hour"):
        _answer(closed)
    moved = closed.replace(
        "country: US\n    clearance: 4\n    electricity", "country: DE\n    clearance: 4\n    electricity"
    )
    found = _answer(moved, given=Given(rent_per_hour=98.32))
    assert found.own.name == "hall/own"


def test_price_lists_stand_in_where_the_estate_rents_nothing() -> None:
    text = """
sites:
  hall:
    kind: on_prem
    country: DE
    clearance: 4
    pools: {box: {node: {cpu: 16, memory: 64GiB}, count: 1, price: {basis: owned, price: 9000 EUR, busy: 400W}}}
workloads:
  etl: {stage: prepare, label: {level: 1, jurisdictions: [EU]}, shapes: [{cpu: 8, memory: 32GiB}],
    job: {work: 4h, per_month: 60}}
"""
    found = _answer(text, "etl")
    fact = FACTS.price(found.rent.name)
    assert found.rent.listed and fact is not None
    eu = FACTS.group("EU", AT)
    assert eu is not None and fact.country in eu
    assert fact.source in found.rent.source and fact.as_of in found.rent.source
    usd = float(fact.per_hour) * 240
    assert float(found.rent.cost) == pytest.approx(usd / 1.0389, rel=1e-6)
    for offer in found.others:
        assert offer.cost >= found.rent.cost


def test_the_machines_own_interest_counts_before_the_estates_rate() -> None:
    text = PUBLISHED.replace("discount_rate: 0", "discount_rate: 0.06")
    assert _answer(text).case.discount_rate == 0.06
    dearer = text.replace("life: 60 months", "life: 60 months, financing_rate: 9%")
    assert _answer(dearer).case.discount_rate == pytest.approx(0.09)
    assert _answer(dearer, given=Given(discount_rate=0)).case.discount_rate == 0


def test_an_estate_without_machines_needs_a_price() -> None:
    text = PUBLISHED.replace(
        "basis: owned, price: 833806 USD, life: 60 months, busy: 8.7kW", "basis: on_demand, price: 99 USD/h"
    )
    with pytest.raises(InputError, match=r"no owned pool of the estate can hold chat.*--price"):
        _answer(text)
    found = _answer(text, given=Given(price=833_806, running_per_hour=0.87))
    assert found.own.name == "given"
    assert found.answer.hours is not None and round(found.answer.hours) == 8556


def test_an_unknown_workload_is_an_error() -> None:
    with pytest.raises(InputError, match="no workload 'chatt'"):
        _answer(name="chatt")


def test_one_seed_one_answer() -> None:
    intent = loads(PUBLISHED.replace("833806 USD", "3200000 USD")).intent
    wide = Spread(rent=0.4, utilisation=0.3)
    answers = {
        own_or_rent(intent, FACTS, AT, "chat", spread=wide, seed=3).model_dump_json() for _ in range(3)
    }
    assert len(answers) == 1


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(PUBLISHED)
    run = CliRunner(env={"SITUS_LANG": "en"})
    shown = run.invoke(app, ["breakeven", "chat", "-C", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "buying is ahead after 8,556 hours of work" in shown.output
    plain = run.invoke(
        app, ["breakeven", "--price", "833806", "--rent", "98.32", "--running", "0.87", "--json"]
    )
    of_estate = run.invoke(app, ["breakeven", "chat", "-C", str(tmp_path), "--json"])
    one, two = json.loads(plain.output), json.loads(of_estate.output)["answer"]
    assert one["hours"] == pytest.approx(two["hours"], rel=1e-6)
    assert set(one) == set(two)


def test_the_command_in_german(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(PUBLISHED)
    shown = CliRunner(env={"SITUS_LANG": "de"}).invoke(app, ["breakeven", "chat", "-C", str(tmp_path)])
    assert "der Kauf liegt nach 8,556 Arbeitsstunden vorn" in shown.output


def test_the_command_needs_a_workload_or_numbers() -> None:
    result = CliRunner().invoke(app, ["breakeven", "--price", "5"])
    assert isinstance(result.exception, InputError)
    assert "both --price and --rent" in str(result.exception)


def test_from_python(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(PUBLISHED)
    assert open_estate(tmp_path).breakeven("chat") == _answer()


LISTED = """
settings: {currency: USD, at: 2026-11-01, discount_rate: 0}
sites:
  cloud:
    kind: public
    operator: aws
    country: US
    clearance: 4
    pools:
      here: {sku: aws/us-east-1/g6e.xlarge, speed: {language: 0.5}}
      reference:
        node: {cpu: 26, memory: 200GiB, accelerators: 1, accelerator_memory: 80GiB}
        accelerator: H100
        price: {basis: on_demand, price: 40 USD/h}
  hall:
    kind: on_prem
    country: US
    clearance: 4
    pools:
      own:
        node: {cpu: 32, memory: 256GiB, accelerators: 1, accelerator_memory: 80GiB}
        accelerator: H100
        price: {basis: owned, price: 40000 USD}
        count: 1
workloads:
  letters:
    stage: train
    class: language
    shapes: [{cpu: 2, memory: 8GiB, accelerators: 1, accelerator_memory: 20GiB}]
    label: {level: 1}
    job: {work: 50h, per_month: 1}
"""


def test_a_listed_machine_is_as_fast_as_the_pool_that_has_its_accelerator() -> None:
    offers = {offer.name: offer for offer in _every_offer(LISTED, "letters")}
    fact = FACTS.price("nebius/eu-north1/gpu-l40s-a_1gpu-8vcpu-32gb")
    assert fact is not None and fact.accelerator == "L40S"
    same = offers["nebius/eu-north1/gpu-l40s-a_1gpu-8vcpu-32gb"]
    # Half as fast as the reference: twice the hours.
    assert same.speed_known
    assert float(same.cost) == pytest.approx(100 * float(fact.per_hour))
    unknown = [offer for offer in offers.values() if not offer.speed_known]
    assert unknown
    for offer in unknown:
        assert offer.listed
        listed = FACTS.price(offer.name)
        assert listed is not None and listed.accelerator not in ("L40S", "H100")


def test_a_cheaper_price_list_is_answered_for_too() -> None:
    found = _answer(LISTED.replace("      here:", "      # here:"), "letters")
    assert (found.rent.name, found.rent.cost) == ("cloud/reference", Decimal(2000))
    assert found.cheaper is not None and found.cheaper_answer is not None
    assert found.cheaper.listed and found.cheaper.speed_known
    assert found.cheaper.cost < found.rent.cost
    assert found.cheaper_answer.npv < found.answer.npv
    asked = _answer(LISTED.replace("      here:", "      # here:"), "letters", Given(offer="cloud/reference"))
    assert (asked.cheaper, asked.cheaper_answer) == (None, None)


def test_what_is_of_unknown_speed_and_what_is_cheaper_is_told(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(LISTED.replace("      here:", "      # here:"), encoding="utf-8")
    for lang, words in (
        ("en", ("by the hour", "speed unknown", "from a price list only")),
        ("de", ("nach Stunden", "Tempo unbekannt", "nur aus einer Preisliste")),
    ):
        done = CliRunner().invoke(
            app, ["breakeven", "letters", "-C", str(tmp_path)], env={"SITUS_LANG": lang, "COLUMNS": "200"}
        )
        assert done.exit_code == 0, done.output
        assert words[0] in done.output and words[2] in done.output, done.output


def _every_offer(text: str, name: str) -> list[Offer]:
    intent = loads(text).intent
    return list(Options(intent, FACTS, intent.settings.at or AT, frozenset(), name).offers())
