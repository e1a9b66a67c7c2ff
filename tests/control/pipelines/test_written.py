"""A pipeline as it is written: names that lead somewhere, and nothing that belongs into the estate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from situs.control.pipelines.document import kept, read
from situs.control.pipelines.standing import in_order
from situs.model.error import InputError
from tests.control.pipelines.written import stage, three, write
from tests.control.plane import estate

ESTATE = estate({}, datasets={"raw": {"size_gb": 1, "label": {"level": 0}, "replicas": ["a"]}})


def test_its_data_have_names_of_their_own_and_are_called_as_written_where_it_runs(tmp_path: Path) -> None:
    document = three(prepare=stage("pass", ("raw",), ("features",)))
    pipeline, _ = read(write(tmp_path, document), ESTATE, "run-1")
    train, prepare = pipeline.stages["train"], pipeline.stages["prepare"]
    assert [(item.dataset, item.file) for item in train.inputs] == [("run-1.features", "features")]
    assert [(item.dataset, item.file) for item in train.outputs] == [("run-1.model", "model")]
    assert [(item.dataset, item.file) for item in prepare.inputs] == [("raw", "raw")]
    assert pipeline.needs == {"prepare": (), "train": ("prepare",), "check": ("train",)}
    assert in_order(pipeline) == ["prepare", "train", "check"]
    assert pipeline.submission("train", 1) == "run-1.train"
    assert pipeline.submission("train", 3) == "run-1.train.3"
    assert kept("run-1", pipeline.as_values()) == pipeline


WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"sites": {"d": {"kind": "edge", "country": "DE"}}},
        "a pipeline has no sites (they belong into the estate)",
    ),
    ({"train": stage("pass", ("nothing",), ("model",))}, "there is no dataset 'nothing'"),
    ({"train": stage("pass", ("features",), ("raw", "model"))}, "train makes raw, which is the estate's"),
    ({"train": stage("pass", ("features",), ("model",), count=2)}, "so it has no count"),
    (
        {"train": stage("pass", ("features",), ("model",), job={"work": 1, "per_month": 4})},
        "a pipeline runs once",
    ),
    ({"train": stage("pass", ("features",), ("model",), affinity=["check"])}, "so it has no affinity"),
    (
        {"datasets": {"features": {"size_gb": 1}, "model": {"size_gb": 1}, "left": {"size_gb": 1}}},
        "no stage makes left",
    ),
    (
        {"datasets": {"features": {"size_gb": 1, "declassified": {"level": 0}}, "model": {"size_gb": 1}}},
        "has no declassified (only the estate says that)",
    ),
    (
        {"datasets": {"features": {"size_gb": 1, "replicas": ["a"]}, "model": {"size_gb": 1}}},
        "what a pipeline makes has no replicas",
    ),
    (
        {"train": {"stage": "train", "job": {"work": 1}, "outputs": [{"dataset": "model"}]}},
        "says not what is to run",
    ),
    ({"prepare": stage("pass", ("model",), ("features",))}, "features"),
    ({"train": stage("pass", ("features",), ("model",), after=["nobody"])}, "no workload 'nobody'"),
    ({"prepare": stage("pass", (), ("features",), after=["train"])}, "stages wait for each other: "),
    ({"check": stage("pass", (), ("model",))}, "dataset 'model' is made by 'train' and 'check'"),
]


@pytest.mark.parametrize(("changed", "said"), WRONG)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    path = write(tmp_path, three(**changed))
    with pytest.raises(InputError) as error:
        read(path, ESTATE, "run-1")
    assert said in str(error.value) and f"{path.name}:" in str(error.value)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    train = stage("pass", ("features",), ("model",), count=2, affinity=["check"])
    with pytest.raises(InputError) as error:
        read(
            write(tmp_path, three(train=train, sites={"d": {"kind": "edge", "country": "DE"}})),
            ESTATE,
            "run-1",
        )
    assert len(error.value.problems) == 3


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too long for a name"):
        read(write(tmp_path, three()), ESTATE, "n" * 125)
