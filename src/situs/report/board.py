"""The report that a board reads: one self-contained page, in English or German."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

import numpy as np
from jinja2 import Environment

from situs.economics.breakeven import Case, break_even
from situs.facts import Facts
from situs.model.estate import Owned
from situs.model.intent import Intent
from situs.model.plan import Plan
from situs.planner.analysis.changes import with_price
from situs.planner.analysis.compare import compare
from situs.planner.analysis.posture import posture
from situs.planner.analysis.prices import rule_prices
from situs.planner.analysis.usecases import ranked_use_cases
from situs.planner.analysis.whatif import Drill, per_month, rehearse
from situs.planner.compile.world import World
from situs.planner.decide import Decided
from situs.report import pictures
from situs.report.numbers import day, money, number, percent
from situs.report.texts import TEXTS

MOST_ROWS = 40
"""A page that a board reads; the plan's file has all rows."""
MOST_LINES = 9
"""In a box of the picture."""


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, perhaps a picture, perhaps a table."""

    title: str
    note: str = ""
    svg: str = ""
    heads: tuple[tuple[str, bool], ...] = ()
    """(heading, whether its figures stand to the right)"""
    rows: tuple[tuple[str, ...], ...] = ()
    sum: bool = False
    """the last row is the sum"""
    more: str = ""


def board(decided: Decided, intent: Intent, facts: Facts, language: str = "en") -> str:
    """The page as HTML. It makes no request to anywhere: styles and pictures are in it."""
    return _Board(decided, intent, facts, language).html()


class _Board:
    def __init__(self, decided: Decided, intent: Intent, facts: Facts, language: str) -> None:
        self._decided = decided
        self._plan: Plan = decided.plan
        self._world: World = decided.candidates.world
        self._intent = intent
        self._facts = facts
        self._language = language
        self._t = TEXTS[language]
        self._ways = compare(decided, intent, facts)

    def html(self) -> str:
        plan, t = self._plan, self._t
        template = Environment(autoescape=True).from_string(
            (files("situs.report") / "page.html.j2").read_text(encoding="utf-8")
        )
        refused = sum(sum(decision.refused.values()) for decision in plan.decisions)
        return template.render(
            lang=self._language,
            t=t,
            headline=self._headline(),
            proof=t["proof"].format(gap=percent(plan.gap, self._language, 3)),
            refused=t["refused_total"].format(pairs=number(refused, self._language, 0)) if refused else "",
            figures=self._figures(),
            estate_svg=self._estate(),
            sections=[section for section in self._sections() if section.rows or section.svg],
            made=t["made"].format(
                at=day(plan.at, self._language),
                input=plan.provenance.input_hash[:19],
                solver=plan.provenance.solver,
            ),
            plan_id=plan.id,
        )

    def _money(self, value: Decimal | float) -> str:
        return money(value, self._plan.currency, self._language)

    def _placed(self) -> int:
        return sum(1 for decision in self._plan.decisions if not decision.unplaced)

    def _headline(self) -> str:
        values = {
            "plan": self._money(per_month(self._plan)),
            "placed": str(self._placed()),
            "all": str(len(self._plan.decisions)),
        }
        today = next((way for way in self._ways if way.name == "as-it-is"), None)
        if today is None or today.left_out:
            return self._t["headline"].format(**values)
        saving = today.cost_per_month - per_month(self._plan)
        key = "headline_saving" if saving >= 0 else "headline_more"
        return self._t[key].format(saving=self._money(abs(saving)), **values)

    def _figures(self) -> list[tuple[str, str]]:
        plan, t = self._plan, self._t
        months = plan.horizon_hours / 730.0
        return [
            (self._money(per_month(plan)), t["per_month"]),
            (f"{self._placed()} / {len(plan.decisions)}", t["workload"]),
            (f"{number(plan.carbon_kg / months, self._language, 0)} kg", t["emissions"]),
            (percent(plan.control, self._language), t["control"]),
        ]

    def _estate(self) -> str:
        work: dict[str, list[str]] = defaultdict(list)
        flows: set[tuple[str, str, str]] = set()
        for decision in self._plan.decisions:
            for assignment in decision.assignments:
                units = f" ×{assignment.units}" if assignment.units > 1 else ""
                work[assignment.site].append(decision.workload + units)
                flows |= {
                    (source, assignment.site, f"{dataset}: {source} → {assignment.site}")
                    for dataset, source in assignment.reads.items()
                    if source != assignment.site
                }
        data: dict[str, list[str]] = defaultdict(list)
        for replica in self._plan.replicas:
            if replica.change != "drop":
                data[replica.site].append(replica.dataset)
        places = [
            pictures.Place(
                name, site.kind.value, site.title or name, tuple(self._lines(work[name], data[name]))
            )
            for name, site in sorted(self._intent.sites.items())
        ]
        return pictures.estate(places, sorted(flows), self._t, self._t["estate"])

    def _lines(self, work: list[str], data: list[str]) -> Iterator[tuple[str, bool]]:
        lines = [(name, False) for name in work] + [(name, True) for name in data]
        yield from lines[:MOST_LINES]
        if len(lines) > MOST_LINES:
            yield self._t["and_more"].format(n=len(lines) - MOST_LINES), False

    def _sections(self) -> Iterator[Section]:
        yield self._decisions()
        yield self._alternatives()
        yield self._parts()
        yield from self._break_even()
        yield self._rules()
        yield from self._drill()
        yield self._moves()
        yield self._risks()
        yield self._use_cases()
        yield self._sources()

    def _decisions(self) -> Section:
        t = self._t
        rows: list[tuple[str, ...]] = []
        months = Decimal(self._plan.horizon_hours) / 730
        for decision in self._plan.decisions:
            for a in decision.assignments:
                cost = sum(a.costs.values(), Decimal(0)) / months
                rows.append(
                    (decision.workload, f"{a.site} / {a.pool}", self._money(cost), t[decision.reason])
                )
            if decision.unplaced:
                rules = ", ".join(refusal.rule for refusal in decision.needs_lifting)
                why = t[decision.reason] + (f" ({rules})" if rules else "")
                rows.append((decision.workload, t["left_out"], "—", why))
        return self._section("decisions", (("workload", 0), ("site", 0), ("cost", 1), ("reason", 0)), rows)

    def _alternatives(self) -> Section:
        t = self._t
        chart = [
            (t[way.name], float(way.cost_per_month), self._money(way.cost_per_month)) for way in self._ways
        ]
        rows = [
            (
                t[way.name],
                self._money(way.cost_per_month),
                f"{number(way.carbon_kg_per_month, self._language, 0)} kg",
                percent(way.control, self._language),
                ", ".join(way.left_out) or t["none"],
            )
            for way in self._ways
        ]
        heads = (("way", 0), ("cost", 1), ("emissions", 1), ("control", 1), ("not_placed", 0))
        return self._section(
            "alternatives", heads, rows, svg=pictures.bars(chart, t["alternatives"], t["plan"])
        )

    def _parts(self) -> Section:
        """By part; rounded to the cent so that what is shown adds up to what is shown."""
        t, plan = self._t, self._plan
        scale = Decimal(730) / Decimal(plan.horizon_hours)
        rows = [(t[part.value], self._money(cost * scale)) for part, cost in plan.costs.items()]
        rows.append((t["total"], self._money(per_month(plan))))
        more = " ".join(
            t["one_off"].format(n=purchase.nodes, pool=f"{purchase.site}/{purchase.pool}")
            for purchase in plan.purchases
        )
        return self._section("by_part", (("part", 0), ("cost", 1)), rows, total=True, more=more)

    def _break_even(self) -> Iterator[Section]:
        """For the dearest owned pool against the cheapest rented one that is at least as large."""
        world, t = self._world, self._t
        owned = [place for place in world.places if isinstance(place.pool.price, Owned)]
        owned.sort(key=lambda place: -float(world.node_month_cost(place)))
        for place in owned:
            basis = place.pool.price
            assert isinstance(basis, Owned)
            rents = [(_rent_of_its_like(world, place.index, k), k) for k in range(len(world.places))]
            rent_per_hour, rent = min(rents, default=(float("inf"), 0))
            if rent_per_hour == float("inf"):
                continue
            energy = (
                float(basis.busy) / 1000 * world.site(place.site).pue * world.kwh_price(place.site, 0.0, 24.0)
            )
            fixed = sum(world.money(m) for m in (basis.space, basis.staff, basis.licences))
            fixed += world.money(basis.maintenance) / 12
            case = Case(
                price=world.money(basis.price),
                running_per_hour=energy,
                rent_per_hour=rent_per_hour,
                fixed_per_month=fixed,
                life_months=basis.life,
                residual=world.money(basis.residual),
                discount_rate=world.settings.discount_rate,
            )
            answer = break_even(case)
            months = range(int(basis.life) + 1)
            own_line = [case.price + k * (fixed + energy * 730) for k in months]
            rent_line = [k * case.rent_per_hour * 730 for k in months]
            note = t["breakeven_text" if answer.month is not None else "breakeven_never"].format(
                pool=str(place),
                rent=str(world.places[rent]),
                month=number(answer.month, self._language, 1) if answer.month is not None else "",
            )
            svg = pictures.crossing(
                own_line, rent_line, (t["own"], t["rent"]), t["months"], t["breakeven"], answer.month
            )
            yield Section(t["breakeven"], note, svg)
            return

    def _rules(self) -> Section:
        rows = [
            (
                price.title,
                price.anchor or "—",
                number(price.removes, self._language, 0),
                self._money(price.costs_per_month),
            )
            for price in rule_prices(self._decided, self._intent, self._facts)
        ]
        heads = (("rule", 0), ("anchor", 0), ("removes", 1), ("cost", 1))
        return self._section("rules", heads, rows, note=self._t["rules_text"])

    def _drill(self) -> Iterator[Section]:
        spent: dict[str, Decimal] = defaultdict(Decimal)
        for decision in self._plan.decisions:
            for a in decision.assignments:
                operator = self._intent.sites[a.site].operator
                if operator != "self":
                    spent[operator] += sum(a.costs.values(), Decimal(0))
        if not spent:
            return
        operator = max(sorted(spent), key=lambda name: spent[name])
        result = rehearse(
            self._decided,
            self._intent,
            self._facts,
            Drill("+30 %", lambda intent: with_price(intent, operator, Decimal("1.3"))),
        )
        t = self._t
        note = t["drill_text"].format(
            after=self._money(result.cost_per_month_after),
            before=self._money(result.cost_per_month_before),
            moves=len(result.moves),
            bill=self._money(result.bill),
        )
        rows = [
            (t["plan"], self._money(result.cost_per_month_before)),
            ("+30 %", self._money(result.cost_per_month_after)),
        ]
        yield Section(
            t["drill"].format(operator=operator),
            note,
            "",
            ((t["way"], False), (t["cost"], True)),
            tuple(rows),
        )

    def _moves(self) -> Section:
        rows = [
            (
                move.workload,
                move.source,
                move.target,
                self._money(sum(move.bill.values(), Decimal(0))),
                "—" if move.saving_per_month is None else self._money(move.saving_per_month),
            )
            for move in self._plan.moves
        ]
        heads = (("workload", 0), ("from", 0), ("to", 0), ("bill", 1), ("saving", 1))
        return self._section("moves", heads, rows)

    def _risks(self) -> Section:
        found = posture(self._decided, self._intent)
        rows = [
            (self._t[f.kind], f.what, "; ".join(f.evidence), self._money(f.per_month)) for f in found.findings
        ]
        heads = (("finding", 0), ("site", 0), ("evidence", 0), ("cost", 1))
        note = self._t["risks_text"].format(share=percent(found.by_design, self._language))
        return self._section("risks", heads, rows, note=note)

    def _use_cases(self) -> Section:
        t = self._t
        rows = [
            (
                entry.title or entry.use_case,
                self._money(entry.value_per_month),
                self._money(entry.cost_per_month),
                "—" if entry.value_per_scarce is None else number(entry.value_per_scarce, self._language, 1),
                t["yes"] if entry.dropped_at_budget else t["no"],
            )
            for entry in ranked_use_cases(self._decided)
        ]
        heads = (("use_cases", 0), ("value", 1), ("cost", 1), ("ratio", 1), ("dropped", 0))
        return self._section("use_cases", heads, rows)

    def _sources(self) -> Section:
        rows = [(name, version) for name, version in sorted(self._plan.provenance.facts.items())]
        return self._section("sources", (("catalogue", 0), ("version", 0)), rows)

    def _section(
        self,
        key: str,
        heads: tuple[tuple[str, int], ...],
        rows: Sequence[tuple[str, ...]],
        *,
        note: str = "",
        svg: str = "",
        total: bool = False,
        more: str = "",
    ) -> Section:
        t = self._t
        if len(rows) > MOST_ROWS:
            more = f"{more} {t['and_more'].format(n=len(rows) - MOST_ROWS)}".strip()
            rows = rows[:MOST_ROWS]
        return Section(
            t[key],
            note,
            svg,
            tuple((t[head], bool(right)) for head, right in heads),
            tuple(rows),
            total,
            more,
        )


def _rent_of_its_like(world: World, owned: int, rented: int) -> float:
    """What as many rented nodes as replace an owned one cost an hour; inf where they cannot."""
    table = world.pools
    if table.hourly[rented] <= 0:
        return float("inf")
    wanted, there = table.node[owned], table.node[rented]
    if np.any((wanted > 0) & (there <= 0)):
        return float("inf")
    nodes = np.ceil(np.max(wanted[wanted > 0] / there[wanted > 0]) - 1e-9)
    return float(nodes * table.hourly[rented])
