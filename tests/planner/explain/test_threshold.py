"""The first cut that wins, against all crossings counted out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from situs.planner.explain.threshold import Line, first_win

MARGIN, RESOLUTION = 1e-3, 1e-6
Lines = list[tuple[float, float]]
plans = st.lists(
    st.tuples(st.integers(0, 1000).map(lambda n: n / 10), st.integers(-1000, 0).map(lambda n: n / 10)),
    min_size=1,
    max_size=6,
)
"""(cost at no cut, change of cost with the cut) of each plan; a cut makes nothing dearer"""


def best(lines: Lines, cut: float) -> Line:
    value, slope = min((at + slope * cut, slope) for at, slope in lines)
    return Line(value, slope)


def wins(there: Lines, elsewhere: Lines, cut: float, slack: float = 0.0) -> bool:
    return best(there, cut).value + MARGIN <= best(elsewhere, cut).value + slack


def crossings(there: Lines, elsewhere: Lines) -> list[float]:
    """Every cut at which some plan with it and some plan without it would cost the same."""
    found = [0.0, 1.0]
    for at, slope in there:
        for other_at, other_slope in elsewhere:
            if slope != other_slope:
                found.append((at + MARGIN - other_at) / (other_slope - slope))
    return sorted(cut for cut in found if 0.0 <= cut <= 1.0)


@given(plans, plans)
def test_the_first_win_is_found_and_nothing_before_it_wins(there: Lines, elsewhere: Lines) -> None:
    found = first_win(
        lambda cut: best(there, cut),
        lambda cut: best(elsewhere, cut),
        1.0,
        margin=MARGIN,
        resolution=RESOLUTION,
    )
    first = next((cut for cut in crossings(there, elsewhere) if wins(there, elsewhere, cut, 1e-9)), None)
    if found is None:
        # Nothing wins, or only by a hair at a single point.
        assert first is None or not wins(there, elsewhere, first + 2 * RESOLUTION, -1e-6)
    else:
        assert wins(there, elsewhere, found, 1e-9)
        assert first is not None
        assert first - 1e-9 <= found <= first + 2 * RESOLUTION


def test_what_cannot_be_had_never_wins() -> None:
    found = first_win(lambda cut: None, lambda cut: Line(1.0, 0.0), 1.0, margin=MARGIN, resolution=RESOLUTION)
    assert found is None
