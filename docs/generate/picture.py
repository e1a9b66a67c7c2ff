"""The picture in the README: where the plan puts the example's work and data, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

import situs
from situs.report.numbers import money

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "clinic-group"
CARD, GAP, ROW, TOP = 222, 16, 20, 52
KIND_COLOURS = {"public": "#b45309", "private": "#1d4ed8", "on_prem": "#0f766e", "edge": "#6d28d9"}
INK, SOFT, HOT = "#1c1917", "#57534e", "#0f766e"

WORDS = {
    "en": {
        "title": "Where situs puts the work (▸) and data (▤) of examples/clinic-group",
        "public": "public", "private": "private", "on_prem": "on premises", "edge": "edge",
        "from": "from", "as-it-is": "as it is", "all-public": "all public", "plan": "the plan",
        "month": "a month", "without": "without", "level": "data up to level", "none": "nothing",
    },
    "de": {
        "title": "Wohin situs Arbeit (▸) und Daten (▤) von examples/clinic-group legt",
        "public": "öffentlich", "private": "privat", "on_prem": "im Haus", "edge": "am Rand",
        "from": "aus", "as-it-is": "wie heute", "all-public": "alles öffentlich", "plan": "der Plan",
        "month": "im Monat", "without": "ohne", "level": "Daten bis Stufe", "none": "nichts",
    },
}  # fmt: skip


def picture(estate: situs.Estate, language: str) -> str:
    """The picture as SVG, on white, so that it can be read on a dark page too."""
    words = WORDS[language]
    cards = {site: list(_lines(estate, site, words)) for site in sorted(estate.intent.sites)}
    tall = TOP + 52 + ROW * max(len(lines) for lines in cards.values())
    width = 2 * GAP + len(cards) * CARD + (len(cards) - 1) * GAP
    ways = [way for way in estate.compare() if way.name in ("as-it-is", "all-public", "plan")]
    height = tall + 26 + 30 * len(ways) + 12
    body = [
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{GAP}" y="30" font-size="15" font-weight="600" fill="{INK}">{escape(words["title"])}</text>',
    ]
    for index, (site, lines) in enumerate(cards.items()):
        body.extend(_card(estate, site, GAP + index * (CARD + GAP), tall - TOP, lines, words))
    body.extend(_bars(ways, estate.plan().currency, tall + 26, width, language))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(words["title"])}" '
        'font-family="system-ui, -apple-system, Segoe UI, sans-serif">\n' + "\n".join(body) + "\n</svg>\n"
    )


def pictures() -> dict[str, str]:
    """File name and content of every language's picture."""
    estate = situs.open_estate(EXAMPLE)
    return {"plan.svg": picture(estate, "en"), "plan.de.svg": picture(estate, "de")}


def _lines(estate: situs.Estate, site: str, words: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """(text, note, colour) for everything that the plan has at the site."""
    empty = True
    for decision in estate.plan().decisions:
        current = estate.intent.workloads[decision.workload].current
        if any(assignment.site == site for assignment in decision.assignments):
            moved = current is not None and current.site != site
            note = f"{words['from']} {current.site}" if moved and current else ""
            empty = False
            yield f"▸ {decision.workload}", note, INK
    for replica in estate.plan().replicas:
        if replica.site == site and replica.change != "drop":
            empty = False
            yield f"▤ {replica.dataset}", "", SOFT
    if empty:
        yield words["none"], "", SOFT


def _card(
    estate: situs.Estate,
    name: str,
    x: int,
    tall: int,
    lines: list[tuple[str, str, str]],
    words: dict[str, str],
) -> Iterator[str]:
    site = estate.intent.sites[name]
    colour = KIND_COLOURS[site.kind.value]
    kind = f"{words[site.kind.value]}, {site.country}, {words['level']} {site.clearance}"
    yield (
        f'<rect x="{x}" y="{TOP}" width="{CARD}" height="{tall}" rx="7" fill="#fdfcfa" stroke="{colour}" '
        'stroke-width="1.6"/>'
    )
    yield f'<text x="{x + 12}" y="{TOP + 21}" font-size="14" font-weight="600" fill="{INK}">{escape(name)}</text>'
    yield f'<text x="{x + 12}" y="{TOP + 38}" font-size="11" fill="{colour}">{escape(kind)}</text>'
    for row, (text, note, ink) in enumerate(lines):
        y = TOP + 58 + row * ROW
        yield f'<text x="{x + 12}" y="{y}" font-size="12.5" fill="{ink}">{escape(text)}</text>'
        if note:
            yield (
                f'<text x="{x + CARD - 12}" y="{y}" font-size="11" fill="{HOT}" text-anchor="end">'
                f"{escape(note)}</text>"
            )


def _bars(ways: list[situs.Alternative], currency: str, top: int, width: int, language: str) -> Iterator[str]:
    words = WORDS[language]
    most = max(float(way.cost_per_month) for way in ways)
    for row, way in enumerate(ways):
        y = top + row * 30
        wide = (width - 560) * float(way.cost_per_month) / most
        text = f"{money(way.cost_per_month, currency, language, 0)} {words['month']}"
        if way.left_out:
            text += f", {words['without']} {', '.join(way.left_out)}"
        colour = HOT if way.name == "plan" else "#a8a29e"
        yield f'<text x="{GAP}" y="{y + 14}" font-size="12.5" fill="{INK}">{escape(words[way.name])}</text>'
        yield f'<rect x="130" y="{y}" width="{wide:.0f}" height="19" rx="3" fill="{colour}"/>'
        yield f'<text x="{138 + wide:.0f}" y="{y + 14}" font-size="12.5" fill="{INK}">{escape(text)}</text>'
