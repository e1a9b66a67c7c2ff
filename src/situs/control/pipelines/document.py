"""A pipeline as it is written, and as it is carried out: with names that no other pipeline has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from situs.control.orders import files_of
from situs.intent.loader import NAMED, Loaded, load, loads
from situs.intent.references import circle_text
from situs.model.base import Name
from situs.model.data import Dataset
from situs.model.error import InputError, Problem
from situs.model.intent import Intent, Settings
from situs.model.workload import Workload

SECTIONS = ("workloads", "datasets")


@dataclass(frozen=True)
class Pipeline:
    """Stages and the data that they make. Data have the names that they have in the estate."""

    name: str
    stages: Mapping[str, Workload]
    needs: Mapping[str, tuple[str, ...]]
    """stage -> stages that must have ended well, or serve, before it begins"""
    datasets: Mapping[str, Dataset]
    files: Mapping[str, str]
    """name of a file that stages need -> SHA-256 of its content"""
    places: Mapping[str, str]
    """stage -> site where it would be if all were decided together"""

    def submission(self, stage: str, attempt: int) -> str:
        """What an attempt of a stage is called as a workload of its own."""
        first = f"{self.name}.{stage}"
        return first if attempt == 1 else f"{first}.{attempt}"

    def made_by(self, stage: str) -> Mapping[str, Dataset]:
        """The data that a stage makes."""
        return {item.dataset: self.datasets[item.dataset] for item in self.stages[stage].outputs}

    def as_values(self) -> dict[str, Any]:
        """To be kept."""
        return {
            "stages": {
                name: stage.model_dump(mode="json", by_alias=True, exclude_defaults=True)
                for name, stage in self.stages.items()
            },
            "needs": {name: list(needs) for name, needs in self.needs.items()},
            "datasets": {
                name: made.model_dump(mode="json", exclude_defaults=True)
                for name, made in self.datasets.items()
            },
            "files": dict(self.files),
            "places": dict(self.places),
        }


def kept(name: str, values: Mapping[str, Any]) -> Pipeline:
    """One that was kept."""
    return Pipeline(
        name,
        {stage: Workload.model_validate(given) for stage, given in values["stages"].items()},
        {stage: tuple(needs) for stage, needs in values["needs"].items()},
        {data: Dataset.model_validate(given) for data, given in values["datasets"].items()},
        values["files"],
        values["places"],
    )


def in_order(pipeline: Pipeline) -> list[str]:
    """Stages, each after those that it needs."""
    return list(TopologicalSorter(pipeline.needs).static_order())


def read(path: Path, estate: Intent, name: str) -> tuple[Pipeline, Mapping[str, bytes]]:
    """A pipeline from its file or folder, with the files that its stages need. Raises InputError with all problems."""
    return _read(load(path, beside=estate), path if path.is_dir() else path.parent, estate, name)


def read_text(
    text: str, folder: Path, estate: Intent, name: str
) -> tuple[Pipeline, Mapping[str, bytes]]:  # fmt: skip
    """The same from its text, with files from a folder. Raises InputError with all problems."""
    return _read(loads(text, "pipeline", beside=estate), folder, estate, name)


def _read(
    loaded: Loaded, folder: Path, estate: Intent, name: str
) -> tuple[Pipeline, Mapping[str, bytes]]:  # fmt: skip
    written = loaded.intent
    if problems := [*_problems(loaded, estate, name)]:
        raise InputError(problems)
    full = {data: f"{name}.{data}" for data in written.datasets}
    needs = _needs(written.workloads)
    pipeline = Pipeline(
        name,
        {stage: _renamed(w, full) for stage, w in written.workloads.items()},
        needs,
        {full[data]: made for data, made in written.datasets.items()},
        {},
        {},
    )
    return pipeline, files_of(written, folder)


def _needs(stages: Mapping[str, Workload]) -> dict[str, tuple[str, ...]]:
    makers = {item.dataset: stage for stage, w in stages.items() for item in w.outputs}
    return {
        stage: tuple(
            sorted({*w.after, *(makers[i.dataset] for i in w.inputs if i.dataset in makers)} - {stage})
        )
        for stage, w in stages.items()
    }


def _renamed(workload: Workload, full: Mapping[str, str]) -> Workload:
    """With data by their full names; where it runs, their files are called as they are written."""
    inputs = [
        i.model_copy(update={"dataset": full.get(i.dataset, i.dataset), "called": i.file})
        for i in workload.inputs
    ]
    outputs = [o.model_copy(update={"dataset": full[o.dataset], "called": o.file}) for o in workload.outputs]
    return workload.model_copy(update={"inputs": tuple(inputs), "outputs": tuple(outputs), "after": ()})


def _problems(loaded: Loaded, estate: Intent, name: str) -> Iterator[Problem]:
    """What the words of an estate allow, and a pipeline does not."""
    written = loaded.intent
    for section in (*NAMED, "links"):
        if section not in SECTIONS and getattr(written, section):
            yield Problem(
                f"a pipeline has no {section}", loaded.position(section), "they belong into the estate"
            )
    if written.settings != Settings():
        yield Problem(
            "a pipeline has no settings", loaded.position("settings"), "they belong into the estate"
        )
    if not written.workloads:
        yield Problem("a pipeline has stages", loaded.position(), "write them under workloads:")
    for stage, workload in written.workloads.items():
        yield from _of_stage(loaded, stage, workload, name)
    yield from _of_order(loaded)
    made = {item.dataset for workload in written.workloads.values() for item in workload.outputs}
    for data, dataset in written.datasets.items():
        yield from _of_data(loaded, data, dataset, estate, made)


def _of_order(loaded: Loaded) -> Iterator[Problem]:
    """Whether each stage can ever begin: it may wait for the data of one that comes after it."""
    stages = loaded.intent.workloads
    known = {stage: [other for other in needs if other in stages] for stage, needs in _needs(stages).items()}
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        yield Problem(
            f"stages wait for each other: {circle_text(circle)}", loaded.position("workloads", circle[0]),
            "leave one of the ways out",
        )  # fmt: skip


def _of_stage(loaded: Loaded, stage: str, workload: Workload, name: str) -> Iterator[Problem]:
    at = ("workloads", stage)
    try:
        TypeAdapter(Name).validate_python(f"{name}.{stage}")
    except ValidationError:
        yield Problem(
            f"{name}.{stage} is too long for a name", loaded.position(*at), "shorten one of the two"
        )
    if workload.run is None:
        yield Problem(f"{stage} says not what is to run", loaded.position(*at), "give run: {command: [...]}")
    unfit = {
        "count": workload.count != 1,
        "current": workload.current is not None,
        "affinity": bool(workload.affinity),
        "spread": bool(workload.spread),
        "site_loss": workload.site_loss.after is not None,
    }
    for field, given in unfit.items():
        if given:
            yield Problem(
                f"{stage}: a stage of a pipeline is one unit that is placed when its turn comes, so it has no {field}",
                loaded.position(*at, field), "leave it out, or put the workload into the estate",
            )  # fmt: skip
    if workload.job is not None and workload.job.per_month is not None:
        fix = "leave per_month out, or put the workload into the estate"
        yield Problem(f"{stage}: a pipeline runs once", loaded.position(*at, "job", "per_month"), fix)
    for other in workload.after:
        if other not in loaded.intent.workloads:
            yield Problem(
                f"{stage} comes after {other}, which is no stage of this pipeline", loaded.position(*at, "after"),
                f"there are {', '.join(sorted(loaded.intent.workloads))}",
            )  # fmt: skip
    for number, output in enumerate(workload.outputs):
        if output.dataset not in loaded.intent.datasets:
            yield Problem(
                f"{stage} makes {output.dataset}, which is the estate's",
                loaded.position(*at, "outputs", number, "dataset"), "give what it makes a name under datasets:",
            )  # fmt: skip


def _of_data(
    loaded: Loaded, data: str, dataset: Dataset, estate: Intent, made: set[str]
) -> Iterator[Problem]:
    at = ("datasets", data)
    if data in estate.datasets:
        yield Problem(
            f"the estate has data {data!r} already",
            loaded.position(*at),
            "take another name, or leave it out",
        )
    elif data not in made:
        yield Problem(
            f"no stage makes {data}", loaded.position(*at), "name it under outputs: of one, or leave it out"
        )
    for field, given in (
        ("replicas", bool(dataset.replicas)),
        ("declassified", dataset.declassified is not None),
    ):
        if given:
            yield Problem(
                f"{data}: what a pipeline makes has no {field}", loaded.position(*at, field),
                "only the estate says that" if field == "declassified" else "it will be where its stage puts it",
            )  # fmt: skip
