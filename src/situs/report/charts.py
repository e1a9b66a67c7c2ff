"""Two charts: ways side by side as bars, and two costs that cross over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from situs.report.svg import drawing, fitting, text, width_of

BAR, STEP, LINE = 20.0, 50.0, 16.0
"""Height of a bar, of it with its name above, and of a further line above where both do not fit in one."""


@dataclass(frozen=True)
class Bar:
    """One way: what it costs, and what it leaves undone."""

    name: str
    value: float
    shown: str
    note: str = ""
    """what it leaves undone; such a bar is hatched, because its cost is not that of the whole"""
    hot: bool = False


TICK = 30.0
"""Room that a number beneath the axis needs."""
DESK, PHONE = 640.0, 344.0
"""Widths in which letters keep about their size."""


def bars(rows: Sequence[Bar], label: str, wide: float = DESK) -> str:
    """Horizontal bars from zero, each with its name above and its figure behind."""
    figure = 90.0
    longest = max((row.value for row in rows), default=0.0) or 1.0
    parts = [
        f'<defs><pattern id="hatch-{wide:.0f}" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="6" height="6" class="hatch-ground"/>'
        '<line x1="0" y1="0" x2="0" y2="6" class="hatch-line"/></pattern></defs>'
    ]
    y = 0.0
    for row in rows:
        length = max(2.0, (wide - figure) * max(0.0, row.value) / longest)
        style = "bar hot" if row.hot else "bar"
        fill = f' style="fill:url(#hatch-{wide:.0f})"' if row.note and not row.hot else ""
        for line in _above(row, wide):
            parts.append(text(0, y + 14, "name" if row.hot else "work", line))
            y += LINE
        y -= LINE
        parts.append(
            f'<rect x="0" y="{y + 21:.1f}" width="{length:.1f}" height="{BAR}" rx="3" class="{style}"{fill}/>'
        )
        parts.append(text(length + 8, y + 36, "name" if row.hot else "work", row.shown))
        y += STEP
    return drawing(wide, y, label, "".join(parts))


def _above(row: Bar, wide: float) -> list[str]:
    """The name of a bar and what it leaves undone, in one line where they fit."""
    together = f"{row.name} — {row.note}" if row.note else row.name
    if width_of(together, 13) <= wide or not row.note:
        return [fitting(together, 13, wide)]
    return [fitting(row.name, 13, wide), fitting(row.note, 13, wide)]


def crossing(
    own: Sequence[float],
    rent: Sequence[float],
    names: tuple[str, str],
    months: str,
    mark: str,
    label: str,
    at: float | None,
    money: Callable[[float], str],
    width: float = DESK,
) -> str:
    """Two sums over months, and where they cross."""
    left, top, tall, right = 74.0, 16.0, 230.0, 66.0
    wide = width - left - right
    count = max(1, len(own) - 1)
    step = _round_step(max(*own, *rent, 1.0) / 4)
    most = step * ceil(max(*own, *rent, 1.0) / step)

    def place(month: float, value: float) -> tuple[float, float]:
        return left + wide * month / count, top + tall * (1 - value / most)

    parts = []
    for k in range(int(most / step + 0.5) + 1):
        _, y = place(0, k * step)
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + wide}" y2="{y:.1f}" class="axis"/>')
        parts.append(text(left - 8, y + 4, "tick", money(k * step), anchor="end"))
    for month in range(0, count + 1, 12 * ceil(count / 12 * TICK / wide)):
        x, _ = place(month, 0)
        parts.append(text(x, top + tall + 18, "tick", str(month), anchor="middle"))
    parts.append(text(left + wide + 14, top + tall + 18, "tick", months))
    ends = []
    for series, name, style in ((own, names[0], "own"), (rent, names[1], "rented")):
        points = " ".join("{:.1f},{:.1f}".format(*place(k, value)) for k, value in enumerate(series))
        parts.append(f'<polyline points="{points}" class="{style}"/>')
        ends.append((place(count, series[-1])[1] + 4, name))
    # The names stand at the ends of their lines, never on top of each other.
    (low, first), (high, second) = sorted(ends)
    parts.append(text(left + wide + 8, min(low, high - 16), "work", first))
    parts.append(text(left + wide + 8, high, "work", second))
    if at is not None and at <= count:
        x, _ = place(at, 0)
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + tall}" class="mark"/>')
        anchor = "end" if at > count / 2 else "start"
        parts.append(text(x + (-7 if anchor == "end" else 7), top + 11, "name", mark, anchor=anchor))
    return drawing(left + wide + right, top + tall + 28, label, "".join(parts))


def _round_step(step: float) -> float:
    """The next of 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** floor(log10(step))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= step * 0.999)
