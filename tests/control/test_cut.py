"""The line to a host in a network of its own is cut in the middle of things; the benchmark ``cut`` does it longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cutting.far_host import Cut, NoNetworks
from bench.cutting.story import cut
from bench.sshd import NoServer


@pytest.mark.slow
@pytest.mark.parametrize("how", ["down", "silent"])
def test_a_line_that_is_cut_loses_nothing_and_makes_nothing_run_twice(tmp_path: Path, how: Cut) -> None:
    try:
        found = cut(tmp_path / "situs", 12.0, how, ("start", "logs", "move away"))
    except (NoServer, NoNetworks) as missing:
        pytest.skip(str(missing))
    assert found.cuts == 3
    assert (found.twice, found.lost, found.log_off) == (0, 0, 0)
