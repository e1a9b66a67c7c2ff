"""What the facts fill in, and what they leave as the estate says it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from situs.facts import complete, load
from situs.intent.loader import loads
from situs.model.error import InputError
from situs.model.estate import OnDemand
from situs.model.intent import Intent
from situs.model.money import GbMonthPrice
from situs.model.network import Network

FACTS = load()
AT = datetime(2026, 6, 1, tzinfo=UTC)

ESTATE = """
sites:
  cloud:
    kind: public
    operator: aws
    country: US
    pools:
      small: {sku: aws/us-east-1/t3.large}
      gpu: {sku: gcp/us-east1/a2-highgpu-1g}
      own-price: {sku: aws/us-east-1/t3.large, price: {basis: spot, price: 0.03 USD/h}}
  cloud-2: {kind: public, operator: aws, country: US}
  hall:
    kind: on_prem
    country: DE
    carbon_g_per_kwh: 12
    storage: {price: 0.01 EUR/GB-month}
locations: {users: {country: DE}}
links:
  - {from: cloud, to: hall}
  - {from: cloud, to: cloud-2}
  - {from: cloud, to: users, price: 0.05 EUR/GB}
  - {from: hall, to: cloud}
"""


def _completed(text: str = ESTATE) -> Intent:
    return complete(loads(text).intent, FACTS, AT)


def test_a_sku_gives_node_and_price() -> None:
    fact = FACTS.price("aws/us-east-1/t3.large")
    assert fact is not None
    pool = _completed().sites["cloud"].pools["small"]
    assert pool.node is not None and (pool.node.cpu, pool.node.memory) == (2, 8)
    assert isinstance(pool.price, OnDemand)
    assert (pool.price.price.amount, pool.price.price.currency) == (fact.per_hour, "USD")


def test_a_sku_gives_the_accelerator_and_its_memory() -> None:
    fact = FACTS.price("gcp/us-east1/a2-highgpu-1g")
    assert fact is not None and fact.accelerator is not None
    pool = _completed().sites["cloud"].pools["gpu"]
    assert pool.accelerator == fact.accelerator
    assert pool.node is not None and pool.node.accelerators == fact.accelerators
    assert pool.node.accelerator_memory >= 40


def test_what_the_estate_says_stands() -> None:
    before = loads(ESTATE).intent
    after = _completed()
    pool = after.sites["cloud"].pools["own-price"]
    assert pool.price == before.sites["cloud"].pools["own-price"].price
    assert pool.node is not None and pool.node.cpu == 2
    assert after.sites["hall"].carbon_g_per_kwh == 12
    assert after.sites["hall"].storage.price == GbMonthPrice(amount=Decimal("0.01"), currency="EUR")
    assert after.links[2] == before.links[2]


def test_emissions_and_storage_are_filled_in_by_operator_and_country() -> None:
    cloud = _completed().sites["cloud"]
    carbon = FACTS.carbon("aws", None, "US")
    assert carbon is not None
    assert cloud.carbon_g_per_kwh == float(carbon.value)
    assert cloud.storage.price == GbMonthPrice(amount=Decimal("0.023"), currency="USD")


def test_leaving_an_operator_costs_its_tiers_and_staying_its_own_price() -> None:
    leaving, staying, _, own = _completed().links
    egress = FACTS.egress("aws")
    assert egress is not None
    assert [tier.price.amount for tier in leaving.tiers] == [t.price_per_gb_usd for t in egress.tiers]
    assert leaving.free_gb == float(egress.free_gb)
    assert staying.price is not None and staying.price.amount == egress.inter_region_per_gb_usd
    assert own.price is None and not own.tiers


def test_an_estate_that_is_complete_stays_as_it_is() -> None:
    once = _completed()
    assert complete(once, FACTS, AT) == once


def test_an_unknown_sku_is_an_error() -> None:
    text = "sites: {c: {kind: public, country: US, pools: {p: {sku: aws/us-east-1/nothing}}}}"
    with pytest.raises(InputError, match=r"pool c/p.*aws/us-east-1/nothing"):
        _completed(text)


ROUND_TRIP = """
sites:
  cloud: {kind: public, operator: aws, country: US}
  hall: {kind: on_prem, country: DE}
locations: {users: {country: DE}}
links: [%s]
"""


@pytest.mark.parametrize(
    "links",
    [
        '{from: "*", to: "*", latency: 7}',
        "{from: cloud, to: hall, both_ways: true, latency: 7}",
        "{from: hall, to: cloud, both_ways: true, latency: 7}",
        '{from: cloud, to: "*", latency: 7}, {from: "*", to: "*", latency: 7}',
        '{from: "*", to: hall, latency: 7}, {from: "*", to: cloud, latency: 7}',
    ],
)
def test_leaving_costs_and_arriving_does_not_however_links_are_written(links: str) -> None:
    before = loads(ROUND_TRIP % links).intent
    after = complete(before, FACTS, AT)
    network = Network(after.links)
    leaving, arriving = network.link("cloud", "hall"), network.link("hall", "cloud")
    egress = FACTS.egress("aws")
    assert egress is not None and leaving is not None and arriving is not None
    assert [tier.price.amount for tier in leaving.tiers] == [t.price_per_gb_usd for t in egress.tiers]
    assert (arriving.price, arriving.tiers) == (None, ())
    assert (leaving.latency, arriving.latency) == (7, 7)
    # Those of the estate are still there, in their order.
    assert [(link.source, link.target) for link in after.links[-len(before.links) :]] == [
        (link.source, link.target) for link in before.links
    ]
    assert complete(after, FACTS, AT) == after


def test_a_price_that_the_estate_gives_stands_also_for_many_ways() -> None:
    links = '{from: "*", to: users, price: 0.01 EUR/GB, latency: 3}, {from: "*", to: "*", latency: 9}'
    network = Network(complete(loads(ROUND_TRIP % links).intent, FACTS, AT).links)
    to_users, to_hall = network.link("cloud", "users"), network.link("cloud", "hall")
    assert to_users is not None and to_hall is not None
    assert (str(to_users.price), to_users.latency, to_hall.latency) == ("0.01 EUR/GB", 3, 9)
    assert to_hall.tiers
