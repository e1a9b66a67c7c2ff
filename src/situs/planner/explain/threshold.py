"""The smallest change of a price that decides a race, found and not only bracketed.

The cheapest way *with* something and the cheapest way *without* it are both concave in a price cut: each is
the least of many straight lines, one for each plan.  Their difference may cross zero several times, because
a cut also serves others who then take the capacity.  So the first crossing is searched from the left:
between two known points a concave function lies above its chord and below its tangents, and an interval
where the chord of "with" stays above the tangents of "without" holds no crossing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

MOST_POINTS = 200
"""Evaluations before giving up; a race between two straight lines takes three."""


@dataclass(frozen=True)
class Line:
    """The cost of the best plan at one cut, and how fast the cost of that same plan changes with the cut."""

    value: float
    slope: float


def first_win(
    with_it: Callable[[float], Line | None],
    without_it: Callable[[float], Line],
    largest: float,
    *,
    margin: float,
    resolution: float,
) -> float | None:
    """The smallest cut in ``[0, largest]`` at which "with" is cheaper than "without" by at least ``margin``.

    ``resolution``: how exactly the cut is wanted, in its own unit.  ``with_it`` may give None where the thing
    cannot be had at any price; then so it is for every cut, and the answer is None.
    """
    first = with_it(0.0)
    if first is None:
        return None

    @cache
    def lead(cut: float) -> tuple[Line, Line]:
        there = with_it(cut)
        assert there is not None
        elsewhere = without_it(cut)
        return Line(there.value + margin, there.slope), elsewhere

    def wins(cut: float) -> bool:
        there, elsewhere = lead(cut)
        return there.value <= elsewhere.value

    if wins(0.0):
        return 0.0
    intervals = [(0.0, largest)]
    while intervals and lead.cache_info().currsize < MOST_POINTS:
        low, high = intervals.pop()
        if not wins(high) and _chord_stays_above(low, high, *lead(low), *lead(high)):
            continue
        if high - low <= resolution:
            if wins(high):
                return high
            continue
        middle = _guess(low, high, *lead(low), *lead(high))
        # The left part is looked at first: the stack's last is the leftmost.
        intervals += [(middle, high), (low, middle)]
    return None


def _chord_stays_above(
    low: float, high: float, there_low: Line, else_low: Line, there_high: Line, else_high: Line
) -> bool:
    """Whether no cut strictly between can win: checked at the ends and at the kink of the two tangents."""

    def chord(cut: float) -> float:
        return there_low.value + (there_high.value - there_low.value) * (cut - low) / (high - low)

    def tangents(cut: float) -> float:
        return min(
            else_low.value + else_low.slope * (cut - low), else_high.value + else_high.slope * (cut - high)
        )

    # Chord minus the least of two lines is convex between kinks, so its minimum is at an end or at the kink.
    points = [low, high]
    if abs(else_low.slope - else_high.slope) > 1e-15:
        kink = (else_high.value - else_high.slope * high - else_low.value + else_low.slope * low) / (
            else_low.slope - else_high.slope
        )
        if low < kink < high:
            points.append(kink)
    return all(chord(cut) > tangents(cut) for cut in points)


def _guess(
    low: float, high: float, there_low: Line, else_low: Line, there_high: Line, else_high: Line
) -> float:
    """Where the two plans known on the right would tie, else where those on the left would, else the middle.

    The guess is set a hair to the right of the tie, so that a race of straight lines is decided by it, and
    kept off the ends, so that the interval always shrinks.
    """
    width = high - low
    for there, elsewhere, at in ((there_high, else_high, high), (there_low, else_low, low)):
        closing = elsewhere.slope - there.slope
        if closing > 1e-15:
            tie = at + (there.value - elsewhere.value) / closing
            if low < tie < high:
                return min(max(tie, low + 1e-3 * width), high - 1e-3 * width)
    return low + width / 2.0
