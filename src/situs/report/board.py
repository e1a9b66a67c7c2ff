"""The report that a board reads: one self-contained page, in English or German."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from jinja2 import Environment

from situs.facts import Facts
from situs.model.intent import Intent
from situs.model.plan import WIDE_GAP, Plan
from situs.planner.analysis.compare import Alternative, compare
from situs.planner.analysis.whatif import per_month
from situs.planner.decide import Decided
from situs.report.costs import alternatives, own_against_rent, parts
from situs.report.decisions import decisions, moves
from situs.report.page import Page
from situs.report.picture import estate
from situs.report.risks import accidents, use_cases
from situs.report.rules import dearer, prices_of_rules
from situs.report.section import Section
from situs.report.sources import sources

NO_GAP = 5e-6
"""What would be written as 0.000 %."""


def board(decided: Decided, intent: Intent, facts: Facts, language: str = "en") -> str:
    """The page as HTML. It makes no request to anywhere: styles and pictures are in it."""
    page = Page(decided, intent, facts, language)
    ways = compare(decided, intent, facts)
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        (files("situs.report") / "page.html.j2").read_text(encoding="utf-8")
    )
    plan, t = page.plan, page.t
    return template.render(
        lang=language,
        t=t,
        headline=_headline(page, ways),
        proof=_proof(page),
        figures=_figures(page, ways),
        sections=[section for section in _sections(page, ways) if not section.empty],
        made=t["made"].format(
            day=page.day(), input=plan.provenance.input_hash.removeprefix("sha256:")[:12], solver=plan.provenance.solver
        ),
        plan_id=plan.id,
    )  # fmt: skip


def _sections(page: Page, ways: tuple[Alternative, ...]) -> Iterator[Section]:
    yield estate(page)
    yield decisions(page)
    yield moves(page)
    yield alternatives(page, ways)
    yield parts(page)
    yield own_against_rent(page)
    yield prices_of_rules(page)
    yield dearer(page)
    yield accidents(page)
    yield use_cases(page)
    yield sources(page)


def _today(ways: tuple[Alternative, ...]) -> Alternative | None:
    """What runs now, if all of it runs: otherwise its cost is that of something else."""
    return next((way for way in ways if way.name == "as-it-is" and not way.left_out), None)


def _headline(page: Page, ways: tuple[Alternative, ...]) -> str:
    values = {
        "plan": page.about(per_month(page.plan)),
        "placed": page.number(_placed(page)),
        "all": page.number(len(page.plan.decisions)),
    }
    today = _today(ways)
    if today is None:
        return page.t["headline"].format(**values)
    saving = today.cost_per_month - per_month(page.plan)
    key = "headline_saving" if saving >= 0 else "headline_more"
    return page.t[key].format(saving=page.about(abs(saving)), **values)


def _how_near(plan: Plan) -> str:
    """Which sentence tells the distance to the best."""
    if plan.objective > plan.cost:
        return "proof_all" if plan.gap_of_all < WIDE_GAP else "proof_wide"
    return "proof_exact" if plan.gap_of_all < NO_GAP else "proof"


def _proof(page: Page) -> str:
    """What is proven, and how much the rules leave to choose from."""
    gap = page.plan.gap_of_all
    sentences = [page.t[_how_near(page.plan)].format(gap=page.percent(gap, 2 if gap >= 1e-4 else 3))]
    if page.plan.status == "best-so-far":
        sentences.append(page.t["cut_off"])
    refused = sum(sum(decision.refused.values()) for decision in page.plan.decisions)
    if refused:
        sentences.append(page.t["refused_total"].format(pairs=page.number(refused)))
    return " ".join(sentences)


def _figures(page: Page, ways: tuple[Alternative, ...]) -> list[tuple[str, str]]:
    t, today = page.t, _today(ways)
    carbon = page.plan.carbon_kg / float(page.months)
    shown = [(page.about(per_month(page.plan)), t["cost_plan"])]
    if today is not None:
        shown.append((page.about(today.cost_per_month), t["cost_today"]))
    return [
        *shown,
        (f"{page.number(_placed(page))} / {page.number(len(page.plan.decisions))}", t["placed"]),
        (f"{page.number(carbon)} kg", t["emissions"]),
        (page.percent(page.plan.control), t["control_long"]),
    ]


def _placed(page: Page) -> int:
    return sum(1 for decision in page.plan.decisions if not decision.unplaced)
