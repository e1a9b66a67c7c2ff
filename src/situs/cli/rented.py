"""What would be rented where a plan or a run puts work into a cloud: told before anything is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from situs.model.intent import Intent
    from situs.model.plan import Plan
    from situs.sites.registry import Rented

WORDS = {
    "en": {
        "rents": "for each run a machine is rented: {what}{spot} in {where}{price}",
        "at": "{site}/{pool}: ",
        "spot": " (spot)",
        "price": ", {price}",
        "nothing": "nothing was rented",
    },
    "de": {
        "rents": "für jeden Lauf wird ein Rechner gemietet: {what}{spot} in {where}{price}",
        "at": "{site}/{pool}: ",
        "spot": " (Spot)",
        "price": ", {price}",
        "nothing": "gemietet wurde nichts",
    },
}


def of_plan(plan: Plan, intent: Intent, language: str) -> Iterator[str]:
    """A line for each pool that the plan uses and whose machines are rented, and that none was yet."""
    from situs.sites.registry import rented

    words = WORDS[language]
    used = {(a.site, a.pool) for decision in plan.decisions for a in decision.assignments}
    told = False
    for site, pool in sorted(used):
        machine = rented(intent.sites[site], pool)
        if machine is not None:
            told = True
            yield words["at"].format(site=site, pool=pool) + said(machine, words)
    if told:
        yield words["nothing"]


def said(machine: Rented, words: Mapping[str, str]) -> str:
    """One machine."""
    return words["rents"].format(
        what=machine.what, where=machine.where, spot=words["spot"] if machine.spot else "",
        price=words["price"].format(price=machine.price) if machine.price else "",
    )  # fmt: skip
