"""What ``situs doctor`` says when an estate tells of other accelerators than there are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from situs.control.doctor.accelerators import accelerators
from situs.model.estate import Site
from tests.cli.conftest import Call
from tests.cli.test_doctor import found
from tests.sites.smi import smi_of

NOW = datetime(2026, 11, 27, tzinfo=UTC)
ON_DEMAND = "{basis: on_demand, price: 1 EUR/h}"


def pool(model: str, each: int, count: int, limit: int | None = None, **more: object) -> dict[str, object]:
    node = {"cpu": 8, "memory": "64GiB", "accelerators": each}
    price = {"basis": "owned", "price": "9000 EUR"}
    return {"node": node, "accelerator": model, "count": count, "limit": limit, "price": price, **more}


def differences(found: Mapping[str, int], *pools: dict[str, object]) -> list[tuple[str, object, object]]:
    """Check, model and how many, for one site."""
    named = {f"p{number}": each for number, each in enumerate(pools)}
    site = Site.model_validate({"kind": "on_prem", "country": "DE", "pools": named})
    return [
        (one.check, one.values["model"], one.values.get("found"))
        for one in accelerators("hall", site, found, NOW)
    ]


@pytest.mark.parametrize(
    ("there", "pools"),
    [
        ({}, ()),
        ({"h100": 8}, (pool("H100", 4, 2),)),
        ({"NVIDIA-H100-80GB-HBM3": 8, "Tesla-T4": 1}, (pool("H100", 4, 2), pool("T4", 1, 1))),
        # A resource of Slurm, Kubernetes or an engine that is not told apart by model.
        ({"gpu": 8}, (pool("H100", 4, 1), pool("A100", 4, 1))),
        ({"A100": 4}, (pool("gpu", 4, 1),)),
        # What may be added is no more than that, and what is not there yet is not missed.
        ({"H100": 6}, (pool("H100", 2, 1, 3),)),
        ({}, (pool("H100", 2, 1, available_from="2027-01-01T00:00:00Z"),)),
        ({"H100": 64}, (pool("H100", 8, 0, price={"basis": "on_demand", "price": "1 EUR/h"}),)),
    ],
)
def test_what_agrees_is_passed_over(there: Mapping[str, int], pools: tuple[dict[str, object], ...]) -> None:
    assert differences(there, *pools) == []


def test_each_model_is_compared_by_itself() -> None:
    assert differences({"A100": 4}, pool("H100", 4, 1)) == [
        ("accelerators-fewer", "H100", 0),
        ("accelerators-more", "A100", 4),
    ]
    assert differences({"H100": 3, "gpu": 2}, pool("H100", 4, 1), pool("A100", 4, 1)) == [
        ("accelerators-fewer", "A100", 1)
    ]
    assert differences({"gpu": 5}, pool("H100", 4, 1)) == [("accelerators-more", "gpu", 5)]
    assert differences({"H100": 7}, pool("H100", 2, 1, 3)) == [("accelerators-more", "H100", 7)]


def test_a_pool_that_grows_is_told_of_while_nothing_is_there() -> None:
    growing = pool("H100", 8, 0, price={"basis": "on_demand", "price": "1 EUR/h"})
    assert differences({}, growing) == [("accelerators-none", "H100", None)]


class TestThisMachine:
    """With the tool of NVIDIA's driver."""

    def findings(self, call: Call, home: Path, each: int) -> dict[str, tuple[str, str, str]]:
        home.mkdir(exist_ok=True)
        (home / "estate.yaml").write_text(
            "sites:\n  lab:\n    kind: on_prem\n    country: DE\n    pools:\n      gpu:\n"
            f"        node: {{cpu: 1, memory: 1GiB, accelerators: {each}}}\n        accelerator: H100\n"
            "        count: 1\n        price: {basis: owned, price: 9000 EUR}\n"
        )
        return {
            check: (one["level"], one["cause"], one["next_step"])
            for (_, check), one in found(call, home).items()
            if check.startswith("accelerators")
        }

    def test_more_fewer_and_as_many_as_declared_are_told_apart(
        self, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tools = smi_of(tmp_path, ("NVIDIA H100 80GB HBM3",) * 2)
        monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
        home = tmp_path / "home"
        assert self.findings(call, home, 2) == {}
        level, cause, next_step = self.findings(call, home, 4)["accelerators-fewer"]
        assert (level, cause) == ("error", "its pools have 4 of H100, and 2 are there now")
        assert "put count, accelerators and accelerator of its pools right" in next_step
        level, cause, _ = self.findings(call, home, 1)["accelerators-more"]
        assert (level, cause) == ("hint", "2 of H100 are there, and its pools have 1")

    def test_a_driver_that_does_not_answer_is_seen(
        self, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tools = smi_of(tmp_path, ())
        monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
        assert self.findings(call, tmp_path / "home", 2)["accelerators-fewer"][0] == "error"
