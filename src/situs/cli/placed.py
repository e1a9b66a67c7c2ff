"""Where one run goes, why, and what that costs: in words and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from situs.cli import rented
from situs.model.plan import Fit

if TYPE_CHECKING:
    from situs.planner.single import Placed
    from situs.sites.registry import Rented

WORDS = {
    "en": {
        "goes": "{name} goes to {site}/{pool}: {why}",
        "cost": "costs about {rate} {currency} an hour", "in-all": "; {cost} {currency} for {hours:g} h",
        "scale": "; it begins once a node is there",
        "refused": "  not {sites}: {text}",
        "full": "  not {sites}: no room there now",
        "later": "no room for {name} now; it may be at {site}, once something there has ended",
        "never": "there is no place for {name}: ",
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
        "and": ", ",
    },
}  # fmt: skip


def say(name: str, placed: Placed, hours: float | None, language: str) -> Iterator[str]:
    """Where it goes, why not elsewhere, and what it costs; or why it can be nowhere."""
    from situs.planner.explain.wording.decisions import DECISIONS

    words = WORDS[language]
    decision = placed.decision
    if decision.assignments:
        at = decision.assignments[0]
        yield words["goes"].format(
            name=name, site=at.site, pool=at.pool, why=DECISIONS[language][decision.reason]
        )
        text = words["cost"].format(rate=_shown(rate(placed)), currency=placed.plan.currency)
        if hours:
            cost = _shown(estimate(placed))
            text += words["in-all"].format(cost=cost, currency=placed.plan.currency, hours=hours)
        yield text + (words["scale"] if placed.fit is Fit.AFTER_SCALE_UP else "")
        if (machine := rented_for(placed)) is not None:
            yield f"  {rented.said(machine, rented.WORDS[language])}"
    elif placed.fit is Fit.AT:
        assert placed.later is not None
        yield words["later"].format(name=name, site=placed.later.assignments[0].site)
    else:
        yield words["never"].format(name=name) + "; ".join(
            reason for _, reason in _refusals(placed, language)
        )
        return
    for sites, text in _refusals(placed, language):
        yield words["refused"].format(sites=sites, text=text)
    if full := sorted({f"{site}/{pool}" for site, pool in placed.full}):
        yield words["full"].format(sites=words["and"].join(full))


def as_values(name: str, placed: Placed, hours: float | None) -> dict[str, object]:
    """The same for programs."""
    decision = placed.decision
    at = decision.assignments[0] if decision.assignments else None
    return {
        "name": name, "fit": placed.fit, "site": at.site if at else None, "pool": at.pool if at else None,
        "reason": decision.reason, "currency": placed.plan.currency,
        "per_hour": str(rate(placed)) if at else None, "estimate": str(estimate(placed)) if at and hours else None,
        "later": placed.later.assignments[0].site if placed.later and placed.later.assignments else None,
        "rents": vars(machine) if (machine := rented_for(placed)) else None,
        "full": [{"site": site, "pool": pool} for site, pool in placed.full],
        "refused": [
            {"site": site, "rule": refusal.rule, "details": refusal.details}
            for site, refusal in placed.refusals.items()
        ],
    }  # fmt: skip


def rented_for(placed: Placed) -> Rented | None:
    """What is rented for it; None: nothing."""
    from situs.sites.registry import rented

    if not placed.decision.assignments:
        return None
    at = placed.decision.assignments[0]
    return rented(placed.intent.sites[at.site], at.pool)


def rate(placed: Placed) -> Decimal:
    """What an hour of it costs."""
    hours = Decimal(str(placed.decision.assignments[0].hours))
    return estimate(placed) / hours if hours else Decimal(0)


def estimate(placed: Placed) -> Decimal:
    """What it costs in all, for as long as it is likely to take."""
    return sum(placed.decision.assignments[0].costs.values(), Decimal(0))


def _refusals(placed: Placed, language: str) -> Iterator[tuple[str, str]]:
    """Sites that are refused, those with one reason together."""
    from situs.planner.explain.wording import say as say_refusal

    by_text: dict[str, list[str]] = {}
    for site, refusal in placed.refusals.items():
        said = say_refusal(refusal, language)
        by_text.setdefault(said, []).append(site)
    for text, sites in by_text.items():
        yield WORDS[language]["and"].join(sites), text


def _shown(amount: Decimal) -> str:
    return f"{amount:.2f}" if amount >= Decimal("0.01") or not amount else f"{amount:.4f}"
