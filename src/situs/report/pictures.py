"""Charts as plain SVG: sharp on paper, readable without colour, and described for those who cannot see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

KIND_COLOURS = {"public": "#b45309", "private": "#1d4ed8", "on_prem": "#0f766e", "edge": "#6d28d9"}
"""Told apart by people with any kind of colour vision; every place also carries its kind as text."""

COLUMN, ROW, GAP = 250, 17, 22


@dataclass(frozen=True)
class Place:
    """A site as a box: a heading and lines of what is there."""

    name: str
    kind: str
    title: str
    lines: tuple[tuple[str, bool], ...]
    """(text, whether it is data)"""


def estate(
    places: Sequence[Place], flows: Sequence[tuple[str, str, str]], kinds: dict[str, str], label: str
) -> str:
    """Sites in columns by kind, and the data that flow between them."""
    columns = [
        kind for kind in ("public", "private", "on_prem", "edge") if any(p.kind == kind for p in places)
    ]
    boxes: dict[str, tuple[float, float, float, float]] = {}
    parts: list[str] = []
    height = 0.0
    for column, kind in enumerate(columns):
        x, y = 10.0 + column * (COLUMN + GAP), 34.0
        parts.append(
            f'<text x="{x}" y="20" class="kind" fill="{KIND_COLOURS[kind]}">{escape(kinds[kind])}</text>'
        )
        for place in (p for p in places if p.kind == kind):
            tall = 34.0 + ROW * max(1, len(place.lines))
            boxes[place.name] = (x, y, COLUMN, tall)
            parts.append(
                f'<rect x="{x}" y="{y}" width="{COLUMN}" height="{tall}" rx="6" class="box" stroke="{KIND_COLOURS[kind]}"/>'
            )
            parts.append(
                f'<text x="{x + 10}" y="{y + 19}" class="name">{escape(_cut(place.title, 34))}</text>'
            )
            for k, (text, is_data) in enumerate(place.lines):
                mark = "▤" if is_data else "▸"
                parts.append(
                    f'<text x="{x + 10}" y="{y + 37 + k * ROW}" class="{"data" if is_data else "work"}">{mark} {escape(_cut(text, 34))}</text>'
                )
            y += tall + GAP
        height = max(height, y)
    lines = [_flow(boxes[a], boxes[b], what) for a, b, what in flows if a in boxes and b in boxes]
    width = 20 + len(columns) * COLUMN + max(0, len(columns) - 1) * GAP
    return _svg(width, height, label, "".join([*lines, *parts]))


def bars(rows: Sequence[tuple[str, float, str]], label: str, highlight: str) -> str:
    """Horizontal bars: name, value, the value as text."""
    most = max((value for _, value, _ in rows), default=1.0) or 1.0
    parts = []
    for k, (name, value, text) in enumerate(rows):
        y = 8 + k * 30
        wide = 330.0 * max(0.0, value) / most
        parts.append(f'<text x="0" y="{y + 14}" class="work">{escape(_cut(name, 24))}</text>')
        parts.append(
            f'<rect x="170" y="{y}" width="{max(wide, 1):.1f}" height="19" rx="3" class="{"bar hot" if name == highlight else "bar"}"/>'
        )
        parts.append(f'<text x="{178 + wide:.1f}" y="{y + 14}" class="work">{escape(text)}</text>')
    return _svg(640, 16 + 30 * len(rows), label, "".join(parts))


def crossing(
    own: Sequence[float],
    rent: Sequence[float],
    names: tuple[str, str],
    months: str,
    label: str,
    at: float | None,
) -> str:
    """Two cumulative costs over months, and where they cross."""
    wide, tall, left, top = 560.0, 220.0, 10.0, 14.0
    most = max(*own, *rent, 1.0)
    count = len(own) - 1

    def point(k: float, value: float) -> str:
        return f"{left + wide * k / count:.1f},{top + tall * (1 - value / most):.1f}"

    parts = [f'<line x1="{left}" y1="{top + tall}" x2="{left + wide}" y2="{top + tall}" class="axis"/>']
    for series, name, style in ((own, names[0], "own"), (rent, names[1], "rented")):
        parts.append(
            f'<polyline points="{" ".join(point(k, v) for k, v in enumerate(series))}" class="{style}"/>'
        )
        end_x, end_y = point(count, series[-1]).split(",")
        parts.append(
            f'<text x="{float(end_x) + 6:.1f}" y="{float(end_y) + 4:.1f}" class="work">{escape(name)}</text>'
        )
    for k in range(0, count + 1, 12):
        x = left + wide * k / count
        parts.append(f'<text x="{x:.1f}" y="{top + tall + 18}" class="tick">{k}</text>')
    parts.append(f'<text x="{left + wide + 6}" y="{top + tall + 18}" class="tick">{escape(months)}</text>')
    if at is not None and at <= count:
        x = left + wide * at / count
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + tall}" class="mark"/>')
    return _svg(660, top + tall + 28, label, "".join(parts))


def _flow(a: tuple[float, float, float, float], b: tuple[float, float, float, float], what: str) -> str:
    ax, ay = a[0] + a[2] / 2, a[1] + a[3] / 2
    bx, by = b[0] + b[2] / 2, b[1] + b[3] / 2
    middle = (ax + bx) / 2
    return f'<path d="M{ax:.0f},{ay:.0f} C{middle:.0f},{ay:.0f} {middle:.0f},{by:.0f} {bx:.0f},{by:.0f}" class="flow"><title>{escape(what)}</title></path>'


def _svg(width: float, height: float, label: str, body: str) -> str:
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label, quote=True)}" style="max-width:{width:.0f}px">{body}</svg>'


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
