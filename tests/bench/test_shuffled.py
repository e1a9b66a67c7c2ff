"""Shuffled files say the same, and the benchmark would notice if plans did not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.instances.shuffled import write_shuffled
from bench.instances.written import drawn_estate
from bench.suite.determinism import estates, plan_hash
from situs.intent import input_hash, load

SMALL = {"sites": 6, "datasets": 2, "workloads": 4}


def _written(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.mark.parametrize("name", ["demo", "example", "drawn"])
def test_another_order_says_the_same(name: str, tmp_path: Path) -> None:
    sections = estates()[name]
    hashes, texts = set(), []
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        write_shuffled(sections, folder, seed)
        hashes.add(input_hash(load(folder).intent))
        texts.append(_written(folder))
    assert len(hashes) == 1
    assert all(one != other for k, one in enumerate(texts) for other in texts[:k])


def test_nothing_is_lost(tmp_path: Path) -> None:
    sections = drawn_estate(**SMALL, seed=1)
    write_shuffled(sections, tmp_path, seed=5)
    intent = load(tmp_path).intent
    for section in ("sites", "datasets", "workloads", "use_cases", "locations"):
        assert set(getattr(intent, section)) == set(sections[section])
    assert len(intent.links) == len(sections["links"])


@pytest.mark.slow
def test_two_processes_one_hash_and_another_estate_another() -> None:
    estate: dict[str, Any] = drawn_estate(**SMALL, seed=1)
    other: dict[str, Any] = drawn_estate(**SMALL, seed=2)
    assert plan_hash(estate, seed=0) == plan_hash(estate, seed=1) != plan_hash(other, seed=0)


def test_an_estate_that_cannot_be_planned_is_an_error() -> None:
    estate = drawn_estate(**SMALL, seed=1)
    estate["workloads"]["work-000"]["count"] = -1
    with pytest.raises(RuntimeError, match="count"):
        plan_hash(estate, seed=0)
