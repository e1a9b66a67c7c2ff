"""Where one run goes, why, and what that costs: in words and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from situs.cli import rented
from situs.model.amount import plain, shown
from situs.model.plan import Fit

if TYPE_CHECKING:
    from situs.control.foreseen import ForeseenRun

WORDS = {
    "en": {
        "goes": "{name} goes to {site}/{pool}: {why}",
        "cost": "costs about {rate} {currency} an hour", "in-all": "; {cost} {currency} for {hours:g} h",
        "scale": "; it begins once a node is there",
        "refused": "  not {sites}: {text}",
        "full": "  not {sites}: no room there now",
        "later": "no room for {name} now; it may be at {site}, once something there has ended",
        "never": "there is no place for {name}: ",
        "missing": "{dataset} has no data at {site}: `situs data put {dataset} PATH --site {site}`; {name} waits",
        "and": ", ",
    },
    "de": {
        "goes": "{name} kommt nach {site}/{pool}, weil {why}",
        "cost": "kostet etwa {rate} {currency} die Stunde", "in-all": "; {cost} {currency} für {hours:g} h",
        "scale": "; beginnt, sobald ein Rechner da ist",
        "refused": "  nicht {sites}: {text}",
        "full": "  nicht {sites}: dort ist jetzt kein Platz",
        "later": "für {name} ist jetzt kein Platz; es darf nach {site}, sobald dort etwas endet",
        "never": "für {name} gibt es keinen Ort: ",
        "missing": "{dataset} hat keine Daten in {site}: `situs data put {dataset} PFAD --site {site}`; {name} wartet",
        "and": ", ",
    },
}  # fmt: skip


def say(found: ForeseenRun, language: str) -> Iterator[str]:
    """Where it goes, why not elsewhere, and what it costs; or why it can be nowhere."""
    from situs.planner.explain.wording.decisions import DECISIONS

    words, name = WORDS[language], found.name
    if found.per_hour is not None:
        yield words["goes"].format(
            name=name, site=found.site, pool=found.pool, why=DECISIONS[language][found.reason]
        )
        text = words["cost"].format(rate=shown(found.per_hour, found.currency), currency=found.currency)
        if found.estimate is not None and found.hours is not None:
            cost = shown(found.estimate, found.currency)
            text += words["in-all"].format(cost=cost, currency=found.currency, hours=found.hours)
        yield text + (words["scale"] if found.fit is Fit.AFTER_SCALE_UP else "")
        for each in found.missing:
            yield words["missing"].format(name=name, dataset=each.dataset, site=each.site)
        if found.rents is not None:
            yield f"  {rented.said(found.rents, rented.WORDS[language])}"
    elif found.fit is Fit.AT:
        yield words["later"].format(name=name, site=found.later)
    else:
        yield words["never"].format(name=name) + "; ".join(reason for _, reason in _refusals(found, language))
        return
    for sites, text in _refusals(found, language):
        yield words["refused"].format(sites=sites, text=text)
    if full := sorted({f"{site}/{pool}" for site, pool in found.full}):
        yield words["full"].format(sites=words["and"].join(full))


def as_values(found: ForeseenRun) -> dict[str, object]:
    """The same for programs."""
    return {
        "name": found.name, "fit": found.fit, "site": found.site, "pool": found.pool, "reason": found.reason,
        "currency": found.currency, "per_hour": _exact(found.per_hour), "estimate": _exact(found.estimate),
        "later": found.later, "rents": vars(found.rents) if found.rents is not None else None,
        "full": [{"site": site, "pool": pool} for site, pool in found.full],
        "refused": [
            {"site": each.site, "rule": each.refusal.rule, "details": each.refusal.details}
            for each in found.refused
        ],
        "missing": [{"dataset": each.dataset, "site": each.site} for each in found.missing],
    }  # fmt: skip


def _refusals(found: ForeseenRun, language: str) -> Iterator[tuple[str, str]]:
    """Sites that are refused, those with one reason together."""
    from situs.planner.explain.wording import say as say_refusal

    by_text: dict[str, list[str]] = {}
    for each in found.refused:
        by_text.setdefault(say_refusal(each.refusal, language), []).append(each.site)
    for text, sites in by_text.items():
        yield WORDS[language]["and"].join(sites), text


def _exact(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)
