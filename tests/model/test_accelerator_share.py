"""A shape may take a share of one accelerator, and nothing between whole ones."""

from __future__ import annotations

import pytest

from situs.model.workload import Shape


@pytest.mark.parametrize("amount", [0, 0.05, 0.81, 1, 2, 8])
def test_shares_of_one_and_whole_ones_are_taken(amount: float) -> None:
    assert Shape(accelerators=amount).accelerators == amount


@pytest.mark.parametrize("amount", [1.5, 8.1, -0.5, float("nan"), float("inf")])
def test_nothing_else_is(amount: float) -> None:
    with pytest.raises(ValueError, match=r"only a share of one|greater than|finite"):
        Shape(accelerators=amount)
