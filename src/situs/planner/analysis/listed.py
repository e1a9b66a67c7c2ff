"""Price lists as one more site of an estate, so that what they offer is held to the same measure as its pools."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from situs.facts import Facts, PriceFact
from situs.model.estate import Pool, Site, SiteKind
from situs.model.intent import Intent
from situs.model.workload import Workload


def free_name(intent: Intent, wanted: str) -> str:
    """The name, with something added while a site has it."""
    while wanted in intent.sites:
        wanted += "-x"
    return wanted


def could_hold(facts: Facts, workload: Workload) -> Iterator[PriceFact]:
    """Listed machines that are large enough for some shape: an operator lists thousands that are not."""
    for fact in facts.prices():
        for shape in workload.shapes:
            boards = math.ceil(shape.accelerators / shape.nodes)
            if (
                float(fact.cpus) * shape.nodes + 1e-9 >= shape.cpu
                and float(fact.memory_gib) * shape.nodes + 1e-9 >= shape.memory
                and fact.accelerators >= boards
                and (not boards or shape.accelerator is None or fact.accelerator in shape.accelerator)
            ):
                yield fact
                break


def known_speeds(intent: Intent, facts: Facts, workload: Workload) -> dict[str, float]:
    """How fast accelerators run the workload, by model, as the pools of the estate say; the fastest counts."""
    speeds: dict[str, float] = {}
    for site in intent.sites.values():
        for pool in site.pools.values():
            fact = facts.price(pool.sku) if pool.sku else None
            model = pool.accelerator or (fact.accelerator if fact else None)
            if model:
                speeds[model] = max(pool.speed_of(workload.workload_class), speeds.get(model, 0.0))
    return speeds


def with_price_lists(
    intent: Intent, offers: Iterable[PriceFact], name: str, speeds: dict[str, float]
) -> Intent:
    """The estate with one more site that has every offer as a pool. Of unknown speed is as fast as the reference."""
    pools = {
        f"offer-{number}": Pool(sku=fact.key, speed={"default": speeds.get(fact.accelerator or "", 1.0)})
        for number, fact in enumerate(offers)
    }
    site = Site(kind=SiteKind.PUBLIC, operator=name, country="US", pools=pools)
    return intent.model_copy(update={"sites": {**intent.sites, name: site}})
