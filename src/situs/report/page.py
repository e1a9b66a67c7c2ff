"""What all sections are written from: the decision, the estate, the words and the way figures are written."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from situs.facts import Facts
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.planner.compile.world import World
from situs.planner.decide import Decided
from situs.report.numbers import day, money, number, percent
from situs.report.section import Cell, Section, Table
from situs.report.texts import RULES, TEXTS

MOST_ROWS = 40
"""A page that a board reads; the plan's file has all rows."""
ROUND_FROM = 100
"""Cents say nothing beside amounts of this size where no sum has to tie."""


class Page:
    """One decision in one language."""

    def __init__(self, decided: Decided, intent: Intent, facts: Facts, language: str) -> None:
        self.decided = decided
        self.plan: Plan = decided.plan
        self.world: World = decided.candidates.world
        self.intent = intent
        self.facts = facts
        self.language = language
        self.t = TEXTS[language]
        self.months = Decimal(self.plan.horizon_hours) / 730

    def money(self, value: Decimal | float) -> str:
        """An amount to the cent."""
        return money(value, self.plan.currency, self.language)

    def about(self, value: Decimal | float) -> str:
        """An amount in running text: large ones without cents."""
        digits = 0 if abs(float(value)) >= ROUND_FROM else 2
        return money(value, self.plan.currency, self.language, digits)

    def round(self, value: float) -> str:
        """An amount without cents, for the axis of a chart."""
        return money(value, self.plan.currency, self.language, 0)

    def number(self, value: Decimal | float, digits: int = 0) -> str:
        """A figure."""
        return number(value, self.language, digits)

    def percent(self, value: float, digits: int = 0) -> str:
        """A fraction as per cent."""
        return percent(value, self.language, digits)

    def day(self) -> str:
        """The day that was decided for."""
        return day(self.plan.at, self.language)

    def monthly(self, value: Decimal) -> Decimal:
        """An amount of the whole horizon as one of a month."""
        return value / self.months

    def site(self, name: str) -> str:
        """A site as people call it."""
        site = self.intent.sites.get(name)
        return (site.title if site is not None else None) or name

    def rule(self, rule: str, title: str, anchor: str | None = None) -> tuple[str, str]:
        """Title and anchor of a rule; the built-in ones in the page's language, others as they were written."""
        return RULES[self.language].get(rule, (title, anchor or "—"))

    def table(
        self,
        heads: Sequence[tuple[str, int]],
        rows: Sequence[Sequence[str | Cell]],
        *,
        total: bool = False,
        more: str = "",
        dense: bool = False,
        whole: bool = False,
    ) -> Table:
        """A table with translated headings, cut to what a page can hold unless it must be ``whole``."""
        most = len(rows) if whole else MOST_ROWS
        if len(rows) > most:
            more = f"{more} {self.t['and_more'].format(n=len(rows) - most)}".strip()
        return Table(
            tuple((self.t[head], bool(right)) for head, right in heads),
            tuple(
                tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows[:most]
            ),
            total,
            more,
            dense,
        )

    def section(
        self,
        key: str,
        *tables: Table,
        note: str = "",
        pictures: Sequence[str] = ("", ""),
        more: str = "",
        title: str = "",
    ) -> Section:
        """A section with a translated heading; its picture is drawn for a desk and for a phone."""
        desk, phone = pictures
        return Section(key, title or self.t[key], note, desk, phone, tables=tables, more=more)
