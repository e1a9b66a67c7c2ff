"""Explanations on a terminal: one sentence first, then tables for those who want to know more."""

from __future__ import annotations

import json
from decimal import Decimal

from pydantic import JsonValue

from situs.cli.output import Language, console
from situs.cli.tables import table as new_table
from situs.model.plural import counted
from situs.planner.explain.model import Counterfactual, Explanation, WhyNot
from situs.planner.explain.wording import (
    ALTERNATIVES,
    say,
    say_conflict,
    say_explanation,
    say_offer,
    say_verdict,
)
from situs.report.texts import TEXTS, anchor_of

WORDS = {
    "en": {
        "cost": "cost",
        "month": "month",
        "together": "together",
        "shared-data": "data (shared)",
        "no-cost": "It costs nothing on top of what is paid for anyway.",
        "rule": "rule",
        "anchor": "anchor",
        "refuses": "refuses",
        "full": "used to the full",
        "available": "there is",
        "one-more": "one more saves",
        "alternative": "alternative",
        "impossible": "not possible",
        "pool": "pool",
        "listed": "listed price, more",
        "at-least": "whole plan, at least",
        "reason": "reason",
        "identical": "The same but for the name: {names}.",
        "offers": "What would bring it there, smallest change first:",
        "held": "({n} workload far from this is taken to stay where it is.)|"
        "({n} workloads far from this are taken to stay where they are.)",
        "checked": "checked by deciding again",
        "unchecked": "not confirmed by deciding again",
        "was": "was",
    },
    "de": {
        "cost": "Kosten",
        "month": "Monat",
        "together": "zusammen",
        "shared-data": "Daten (geteilt)",
        "no-cost": "Es kostet nichts zu dem dazu, was ohnehin bezahlt wird.",
        "rule": "Regel",
        "anchor": "Grundlage",
        "refuses": "lehnt ab",
        "full": "ausgeschöpft",
        "available": "vorhanden",
        "one-more": "eines mehr spart",
        "alternative": "Alternative",
        "impossible": "nicht möglich",
        "pool": "Pool",
        "listed": "Listenpreis, mehr",
        "at-least": "ganzer Plan, mindestens",
        "reason": "Grund",
        "identical": "Gleich bis auf den Namen: {names}.",
        "offers": "Was es dorthin brächte, die kleinste Änderung zuerst:",
        "held": "({n} weit entfernte Arbeitslast gilt dabei als unbewegt.)|"
        "({n} weit entfernte Arbeitslasten gelten dabei als unbewegt.)",
        "checked": "durch erneutes Entscheiden geprüft",
        "unchecked": "durch erneutes Entscheiden nicht bestätigt",
        "was": "war",
    },
}

UNITS = {
    "en": {
        "cores": "{shown} core|{shown} cores", "accelerators": "{shown} accelerator|{shown} accelerators",
        "nodes": "{shown} node|{shown} nodes", "units": "{shown} unit|{shown} units", "money": "{shown} {currency}",
    },
    "de": {
        "cores": "{shown} Kern|{shown} Kerne", "accelerators": "{shown} Beschleuniger",
        "nodes": "{shown} Knoten", "units": "{shown} Einheit|{shown} Einheiten", "money": "{shown} {currency}",
    },
}  # fmt: skip


def show(explained: Explanation, lang: Language) -> None:
    """Print why a workload is where it is."""
    words = WORDS[lang]
    money = f"{explained.currency}/{words['month']}"
    _decision(explained, lang)
    _costs(explained, lang, money)
    _refused(explained, lang)
    _binding(explained, lang, money)
    _alternatives(explained, lang, money)


def _decision(explained: Explanation, lang: Language) -> None:
    _line(say_explanation(explained, lang))
    for reason in dict.fromkeys(say(refusal, lang) for refusal in explained.decision.needs_lifting):
        _line(f"  - {reason}")
    if explained.conflict is not None:
        _line(say_conflict(explained.conflict, lang))


def _costs(explained: Explanation, lang: Language, money: str) -> None:
    words = WORDS[lang]
    if not explained.decision.assignments:
        return
    if not explained.costs_per_month and not explained.data_per_month:
        _line(words["no-cost"])
        return
    table = new_table(words["cost"], money)
    for part in explained.costs_per_month:
        table.add_row(TEXTS[lang][part.part.value], f"{part.per_month:,.2f}")
    table.add_row(words["together"], f"{explained.total_per_month:,.2f}")
    if explained.data_per_month:
        table.add_row(words["shared-data"], f"{explained.data_per_month:,.2f}")
    console.print(table)


def _refused(explained: Explanation, lang: Language) -> None:
    words = WORDS[lang]
    table = new_table(words["rule"], words["anchor"], words["refuses"])
    for refused in explained.refused:
        table.add_row(refused.rule, anchor_of(refused.rule, refused.anchor, lang), ", ".join(refused.sites))
    if table.row_count:
        console.print(table)


def _binding(explained: Explanation, lang: Language, money: str) -> None:
    words = WORDS[lang]
    priced = any(bound.price_per_unit_month is not None for bound in explained.binding)
    table = new_table(words["full"], words["available"], *([words["one-more"]] if priced else []))
    for bound in explained.binding:
        price = bound.price_per_unit_month
        unit = UNITS[lang].get(bound.unit, f"{{shown}} {bound.unit}")
        saved = "—" if price is None else f"{price:,.2f} {money}"
        table.add_row(
            say(bound.limit, lang),
            counted(unit, bound.available, shown=f"{bound.available:,.6g}", currency=explained.currency),
            *([saved] if priced else []),
        )
    if table.row_count:
        console.print(table)


def _alternatives(explained: Explanation, lang: Language, money: str) -> None:
    words, months = WORDS[lang], explained.horizon_months
    able = new_table(
        words["alternative"], words["pool"], f"{words['listed']} {money}", words["at-least"], words["reason"]
    )
    unable = new_table(words["impossible"], words["reason"])
    for other in explained.alternatives:
        if other.refusal is None:
            # Every plan costs at least as much as this one: a bound of nothing says nothing.
            more, at_least = _more(other.extra_cost, months), _more(other.at_least or None, months) or "—"
            able.add_row(other.site, other.pool or "", more, at_least, ALTERNATIVES[lang][other.reason])
        else:
            unable.add_row(other.site, say(other.refusal, lang))
    for table in (able, unable):
        if table.row_count:
            console.print(table)


def _more(value: Decimal | None, months: float) -> str:
    return "" if value is None else f"{float(value) / months:+,.2f}"


def show_why_not(answer: WhyNot, lang: Language) -> None:
    """Print why a workload is not at a site, and what would bring it there."""
    words = WORDS[lang]
    _line(say_verdict(answer, lang))
    if answer.identical:
        _line(words["identical"].format(names=", ".join(answer.identical)))
    if len(answer.reasons) > 1 or any(reason.anchor for reason in answer.reasons):
        table = new_table(words["reason"], words["rule"], words["anchor"])
        # A workload and the data it reads are often refused in the same words.
        rows = dict.fromkeys(
            (say(reason, lang), reason.rule, anchor_of(reason.rule, reason.anchor, lang))
            for reason in answer.reasons
        )
        for row in rows:
            table.add_row(*row)
        console.print(table)
    if answer.offers:
        _line(words["offers"])
        if answer.held:
            _line(counted(words["held"], answer.held))
    for number, offer in enumerate(answer.offers, 1):
        _offer(number, offer, answer.site, lang)
    if answer.nothing_helps is not None:
        _line(say(answer.nothing_helps, lang))


def _offer(number: int, offer: Counterfactual, site: str, lang: Language) -> None:
    words = WORDS[lang]
    _line(f"{number}. {say_offer(offer, site, lang)} ({words['checked' if offer.checked else 'unchecked']})")
    for edit in offer.edits:
        was = "" if edit.was is None else f"  ({words['was']} {_written(edit.was)})"
        _line(f"     {edit.path.strip('/').replace('/', '.')}: {_written(edit.value)}{was}")


def _written(value: JsonValue) -> str:
    """As it would stand in a file."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
