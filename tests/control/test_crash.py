"""The control plane killed at any instant, and frozen and woken: nothing is lost, and nothing is done twice.

The benchmarks ``crash`` and ``frozen`` do the same with more workloads, two hundred kills, and a minute of frost.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.crash.frozen import frozen
from bench.crash.kill import killed
from bench.postgres import Server


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_instants_it_loses_nothing_and_does_nothing_twice(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    found = killed(
        database_url, tmp_path / "situs", workloads=12, kills=24, plans=12, seed=seed, longest_s=6.0
    )
    assert (found.twice, found.lost, found.unexplained) == (0, 0, 0)
    assert found.moves
    assert found.moves + found.cut > 10, "the kills struck where there was something to do"


@pytest.mark.slow
def test_a_control_plane_that_was_frozen_past_its_lease_and_wakes_changes_nothing(
    postgres: Server, tmp_path: Path
) -> None:
    """Stopped at an instant when steps are under way; another takes over, and moves everything somewhere else.

    The benchmark ``frozen`` leaves it so for a minute.
    """
    found = frozen(postgres.new(), tmp_path / "situs", past_lease_s=1.0)
    assert (found.changes, found.by_its_token, found.twice) == ((), 0, 0)
    assert found.cut, "it was frozen in the middle of something"
    assert found.past_lease_s >= 1.0
