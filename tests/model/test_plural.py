"""One is told as one, and many as many."""

from __future__ import annotations

import pytest

from situs.model.plural import counted


@pytest.mark.parametrize(
    ("template", "count", "said"),
    [
        ("{n} site|{n} sites", 0, "0 sites"),
        ("{n} site|{n} sites", 1, "1 site"),
        ("{n} site|{n} sites", 2, "2 sites"),
        ("{n} core|{n} cores", 1.0, "1.0 core"),
        ("{n} core|{n} cores", 0.5, "0.5 cores"),
        ("{n} Fehler", 1, "1 Fehler"),
        ("{n} Fehler", 2, "2 Fehler"),
    ],
)
def test_one_and_many(template: str, count: float, said: str) -> None:
    assert counted(template, count) == said


def test_a_figure_may_be_written_in_another_way() -> None:
    assert counted("{n} node at {site}|{n} nodes at {site}", 1200, n="1,200", site="a") == "1,200 nodes at a"
