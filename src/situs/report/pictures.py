"""The estate as a picture: sites as boxes by kind, what is in them, and the data that flow between them.

Drawn twice: side by side for a desk and for paper, one below the other for a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from situs.report.svg import BOLD, drawing, fitting, text, wrapped

KINDS = {"public": "#b45309", "private": "#1d4ed8", "on_prem": "#0f766e", "edge": "#6d28d9"}
"""From the most to the least foreign. The colours are told apart by people with any kind of colour vision;
every box also stands under its kind in words."""
COLUMN, GAP, PAD, LINE = 238.0, 42.0, 12.0, 18.0
TITLE, BODY = 13.5, 12.5
LANE = 12.0
"""Between two flows that run below the boxes."""
NARROW_BOX, NARROW_GUTTER = 286.0, 56.0
MOST_BOXES = 8
"""Of one kind; more would be wallpaper. Those with the most work are shown."""
Line = Literal["work", "data", "more"]
MARKS: dict[Line, str] = {"work": "▸", "data": "▤", "more": "…"}


@dataclass(frozen=True)
class Place:
    """A site as a box: a heading and lines of what is there."""

    name: str
    kind: str
    title: str
    subtitle: str
    lines: tuple[tuple[str, Line], ...]
    """(text, what it is about)"""


@dataclass(frozen=True)
class Flow:
    """Data that go from one site to another."""

    source: str
    target: str
    what: str


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    wide: float
    tall: float


def side_by_side(
    places: Sequence[Place], flows: Sequence[Flow], kinds: dict[str, str], and_more: str, label: str
) -> str:
    """A column for each kind."""
    columns = [kind for kind in KINDS if any(place.kind == kind for place in places)]
    boxes: dict[str, _Box] = {}
    parts: list[str] = []
    height = 0.0
    for number, kind in enumerate(columns):
        x, y = 2.0 + number * (COLUMN + GAP), 32.0
        parts.append(text(x, 18, "kind", kinds[kind], colour=KINDS[kind]))
        members = [place for place in places if place.kind == kind]
        for place in members[:MOST_BOXES]:
            box = _Box(x, y, COLUMN, _height(place, COLUMN))
            boxes[place.name] = box
            parts += _drawn(place, box)
            y += box.tall + 20
        if len(members) > MOST_BOXES:
            parts.append(text(x, y + 4, "data", and_more.format(n=len(members) - MOST_BOXES)))
            y += 24
        height = max(height, y)
    lines, lanes = [], 0
    for number, flow in _shown(flows, boxes):
        a, b = boxes[flow.source], boxes[flow.target]
        if abs(a.x - b.x) > COLUMN + 2 * GAP:
            # Not behind the boxes in between, where it would seem to come from them: below all of them.
            lines.append(_below(a, b, flow.what, height + 2 + LANE * lanes, number))
            lanes += 1
        else:
            lines.append(_sideways(a, b, flow.what, number))
    width = 4 + len(columns) * COLUMN + max(0, len(columns) - 1) * GAP
    body = _arrow("wide") + "".join([*lines, *parts])
    return drawing(width, height - 12 + (20 + LANE * lanes if lanes else 0), label, body)


def stacked(
    places: Sequence[Place], flows: Sequence[Flow], kinds: dict[str, str], and_more: str, label: str
) -> str:
    """One below the other, with the flows beside them."""
    boxes: dict[str, _Box] = {}
    parts: list[str] = []
    y = 6.0
    for kind in KINDS:
        members = [place for place in places if place.kind == kind]
        if members:
            parts.append(text(2, y + 12, "kind", kinds[kind], colour=KINDS[kind]))
            y += 22
        for place in members[:MOST_BOXES]:
            box = _Box(2, y, NARROW_BOX, _height(place, NARROW_BOX))
            boxes[place.name] = box
            parts += _drawn(place, box)
            y += box.tall + 16
        if len(members) > MOST_BOXES:
            parts.append(text(2, y + 4, "data", and_more.format(n=len(members) - MOST_BOXES)))
            y += 22
    lines = [_around(boxes[f.source], boxes[f.target], f.what, k) for k, f in _shown(flows, boxes)]
    return drawing(NARROW_BOX + NARROW_GUTTER, y, label, _arrow("narrow") + "".join([*lines, *parts]))


def _height(place: Place, wide: float) -> float:
    titles = len(wrapped(place.title, TITLE * BOLD, wide - 2 * PAD, 2))
    return 12 + 17 * titles + (LINE if place.subtitle else 0) + LINE * len(place.lines) + 10


def _drawn(place: Place, box: _Box) -> list[str]:
    room = box.wide - 2 * PAD
    parts = [
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.wide:.1f}" height="{box.tall:.1f}" rx="7" '
        f'class="box" stroke="{KINDS[place.kind]}"/>'
    ]
    y = box.y + 6
    for line in wrapped(place.title, TITLE * BOLD, room, 2):
        y += 17
        parts.append(text(box.x + PAD, y, "name", line))
    if place.subtitle:
        y += LINE
        parts.append(text(box.x + PAD, y, "tick", fitting(place.subtitle, 11.5, room)))
    for words, about in place.lines:
        y += LINE
        style = "work" if about == "work" else "data"
        parts.append(text(box.x + PAD, y, style, f"{MARKS[about]} {fitting(words, BODY, room - 16)}"))
    return parts


def _shown(flows: Sequence[Flow], boxes: dict[str, _Box]) -> list[tuple[int, Flow]]:
    return list(enumerate(f for f in flows if f.source in boxes and f.target in boxes))


def _sideways(a: _Box, b: _Box, what: str, number: int) -> str:
    """From edge to facing edge; within a column around its right side. Starts are spread, so that lines differ."""
    ay, by = a.y + min(a.tall - 10, 22 + 9 * number), b.y + min(b.tall - 10, 30 + 9 * number)
    if a.x < b.x:
        ax, bx, bend = a.x + a.wide, b.x - 5, (b.x - a.x - a.wide) / 2
        return _line(
            f"M{ax:.1f},{ay:.1f} C{ax + bend:.1f},{ay:.1f} {bx - bend:.1f},{by:.1f} {bx:.1f},{by:.1f}",
            what,
            "wide",
        )
    if a.x > b.x:
        ax, bx, bend = a.x, b.x + b.wide + 5, (a.x - b.x - b.wide) / 2
        return _line(
            f"M{ax:.1f},{ay:.1f} C{ax - bend:.1f},{ay:.1f} {bx + bend:.1f},{by:.1f} {bx:.1f},{by:.1f}",
            what,
            "wide",
        )
    return _around(a, b, what, number, "wide")


def _below(a: _Box, b: _Box, what: str, lane: float, number: int) -> str:
    """Out of the side, down beside the column, along under all boxes, and up into the facing side of the other."""
    side = 1.0 if b.x > a.x else -1.0
    ay, by = a.y + min(a.tall - 10, 22 + 9 * number), b.y + min(b.tall - 10, 30 + 9 * number)
    ax, bx = (a.x + a.wide, b.x) if side > 0 else (a.x, b.x + b.wide)
    beside, turn = 13.0 + 4.0 * (number % 5), 8.0
    out, into = ax + side * beside, bx - side * beside
    return _line(
        f"M{ax:.1f},{ay:.1f} L{out - side * turn:.1f},{ay:.1f} Q{out:.1f},{ay:.1f} {out:.1f},{ay + turn:.1f} "
        f"L{out:.1f},{lane - turn:.1f} Q{out:.1f},{lane:.1f} {out + side * turn:.1f},{lane:.1f} "
        f"L{into - side * turn:.1f},{lane:.1f} Q{into:.1f},{lane:.1f} {into:.1f},{lane - turn:.1f} "
        f"L{into:.1f},{by + turn:.1f} Q{into:.1f},{by:.1f} {into + side * turn:.1f},{by:.1f} "
        f"L{bx - side * 5:.1f},{by:.1f}",
        what, "wide",
    )  # fmt: skip


def _around(a: _Box, b: _Box, what: str, number: int, sheet: str = "narrow") -> str:
    """Out of the right side and back into it."""
    ay, by = a.y + min(a.tall - 8, a.tall / 2 + 7 * number), b.y + min(b.tall - 8, b.tall / 2 + 7 * number)
    x = a.x + a.wide
    out = x + min((NARROW_GUTTER if sheet == "narrow" else GAP) - 8, 22 + 8 * number)
    return _line(
        f"M{x:.1f},{ay:.1f} C{out:.1f},{ay:.1f} {out:.1f},{by:.1f} {x + 5:.1f},{by:.1f}", what, sheet
    )


def _line(path: str, what: str, sheet: str) -> str:
    return (
        f'<path d="{path}" class="flow" marker-end="url(#tip-{sheet})"><title>{escape(what)}</title></path>'
    )


def _arrow(sheet: str) -> str:
    # Both drawings are in one page, and an id may be there only once.
    return (
        f'<defs><marker id="tip-{sheet}" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0,0 L8,4 L0,8 z" class="tip"/></marker></defs>'
    )
