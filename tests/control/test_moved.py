"""A real training run that is moved in the middle of an epoch, also over SSH; the benchmark ``move`` does it longer."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bench.moving.story import moved
from bench.moving.training import reference
from bench.sshd import NoServer


@pytest.mark.slow
def test_the_loss_curve_goes_on_where_it_was(tmp_path: Path) -> None:
    try:
        found = moved(tmp_path / "situs", 80, ("north", "remote", "south"))
    except NoServer as missing:
        pytest.skip(str(missing))
    assert found.sites == ("north", "remote", "south")
    assert found.lost_steps <= found.interval
    assert (found.steps_off, found.outside) == (0, 0)


def test_a_curve_tells_whether_a_step_is_missing() -> None:
    curve = reference(12)
    assert curve[-1] < curve[0], "it learns"
    assert all(abs(one / two - 1) > 1e-6 for one, two in itertools.pairwise(curve))
