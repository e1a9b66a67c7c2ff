"""Workloads: what is to run, in which shapes, on which data, by when, and for whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from situs.model.base import Instant, Model, Name
from situs.model.image import ImageName
from situs.model.label import Label
from situs.model.money import MonthPrice, PositiveMoney
from situs.model.quantity import Cores, Gb, Gib, Hours, Ms, Number, Seconds, Share
from situs.model.secret import SecretReference


class Stage(StrEnum):
    """Where in its life a piece of AI work is."""

    DEVELOP = "develop"
    PREPARE = "prepare"
    TRAIN = "train"
    TUNE = "tune"
    SERVE = "serve"
    BATCH = "batch"


class Shape(Model):
    """One acceptable way to size a workload, with the speed it gives."""

    name: Name = "default"
    cpu: Cores = 1.0
    memory: Gib = 1.0
    accelerators: Annotated[float, Field(ge=0, le=65536)] = 0.0
    """in all, over all nodes; less than 1: a share of one, for shared nodes"""
    accelerator: frozenset[str] | None = None
    """acceptable models; None: any"""
    accelerator_memory: Gib = 0.0
    """at least, per accelerator"""
    disk: Gb = 0.0
    nodes: Annotated[int, Field(ge=1, le=4096)] = 1
    """spread evenly over so many nodes of one pool"""
    throughput: Annotated[Number, Field(gt=0)] = 1.0
    """a job: work done per hour (its length is ``work / throughput / pool speed``); a service: requests
    per second that one replica answers"""

    @model_validator(mode="after")
    def _whole_accelerators(self) -> Self:
        if self.accelerators > 1 and not self.accelerators.is_integer():
            raise ValueError(f"{self.accelerators:g} accelerators: only a share of one may be a fraction")
        return self


class Job(Model):
    """Runs to an end."""

    work: Hours
    """hours it takes at throughput 1 on a pool of speed 1"""
    per_month: Number | None = None
    """how often it runs in a month; None: once, in its window"""
    earliest: Instant | None = None
    deadline: Instant | None = None
    """must have ended"""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.earliest and self.deadline and self.deadline <= self.earliest:
            raise ValueError("the deadline is before the earliest start")
        if self.per_month is not None and (self.earliest or self.deadline):
            raise ValueError(
                "a job that runs every month has no single window; leave per_month or the window out"
            )
        return self


class Rolling(Model):
    """How a new version of a service replaces the one before, unit by unit."""

    max_surge: Annotated[int, Field(ge=0, le=1000)] = 1
    """units more than wanted, at most, while that goes on"""
    max_unavailable: Annotated[int, Field(ge=0, le=1000)] = 0
    """units fewer than wanted that serve, at most"""
    deadline: Annotated[Seconds, Field(ge=1.0)] = 600.0
    """when no further unit of the new version has become ready for so long, the version before is put back"""

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if not self.max_surge and not self.max_unavailable:
            raise ValueError(
                "with max_surge 0 and max_unavailable 0 nothing could ever be replaced; give one"
            )
        return self


class Service(Model):
    """Runs on and answers requests."""

    requests_per_s: Number
    """peak that must be answered"""
    gb_per_month: Gb = 0.0
    """sent to users: in equal parts to the locations it has latency limits for, else over the links to ``*``"""
    listen: Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+|\*|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$")] | None = None
    """``host:port`` of the control plane's machine at which requests come in, to be passed to the units that serve,
    wherever they are; needs ``run: {health: ...}``"""
    drain: Seconds = 30.0
    """how long requests under way may take until a unit that gets no more of them is ended"""
    rolling: Rolling = Rolling()
    """of one that carries no state: how a new version takes over in place"""


class Item(Model):
    """Data a workload has to do with."""

    dataset: Name
    called: Name | None = Field(default=None, alias="as")
    """what its file is called where the workload runs; None: as the dataset"""

    @property
    def file(self) -> str:
        """The file's name where the workload runs."""
        return self.called or self.dataset


class Input(Item):
    """Data a workload reads."""

    reads_gb: Gb | None = None
    """per run (a job) or per month (a service); None: all of it once"""
    remote: bool = True
    """may be read over a link; False: a replica must be at the same site"""


class Output(Item):
    """Data a workload writes; becomes a dataset at the place of the run."""

    writes_gb: Gb | None = None
    """per run or month; None: its whole size"""


def called(items: Iterable[Item]) -> Mapping[str, str]:
    """What the file of each dataset is called where the workload runs."""
    return {item.dataset: item.file for item in items}


def variable_of(file: str) -> str:
    """How the name of a file ends the names of the variables that say where it is."""
    return "".join(c if c.isalnum() else "_" for c in file).upper()


class LatencyLimit(Model):
    """How far from some users a service may be."""

    location: Name
    limit: Ms


class Spread(Model):
    """Units of a workload, or workloads that name the same group, must not all be in one place."""

    over: Literal["site", "operator", "country", "power_zone"] = "site"
    group: Name | None = None
    """None: the copies of this workload alone"""
    at_most: Annotated[int, Field(ge=1)] = 1
    """units of the group in one place"""


class Checkpoint(Model):
    """State that is saved while running, so that a move loses little."""

    size_gb: Gb
    interval: Hours
    kept_at: tuple[Name, ...] = ()
    """sites that the newest one is copied to after each interval, so that it outlives the site of the run: the files
    of ``run: {state: [...]}``, where the rules for the data let them be"""


class SiteLoss(Model):
    """What becomes of a workload whose site is lost."""

    after: Annotated[Seconds, Field(ge=1.0)] | None = None
    """a site that does not answer for so long, while others do, is taken to be lost for it; None: only a person says
    so"""
    restart: bool = False
    """may begin anew where what it has saved stands at the lost site alone; False: it waits for the site, unless it
    carries no state"""


class Current(Model):
    """Where the workload is today."""

    site: Name
    pool: Name | None = None
    """None: any pool of the site"""
    since: Instant | None = None
    last_moved: Instant | None = None


class HealthCheck(Model):
    """How a service goes on being asked for its health after it was ready, and what becomes of it when it fails."""

    period: Annotated[Seconds, Field(ge=1.0)] = 30.0
    """between questions to a unit that was ready; the proxy of ``listen`` asks twice a second besides"""
    timeout: Annotated[Seconds, Field(ge=0.1)] = 2.0
    """an answer that takes longer is none"""
    failures: Annotated[int, Field(ge=1, le=1000)] = 3
    """so many in a row, while its site answers, and the unit is unhealthy: requests go elsewhere until it answers"""
    restart_after: Annotated[Seconds, Field(ge=1.0)] | None = 300.0
    """a unit that is unhealthy for so long is ended and started anew, at most ``retries`` times one after another;
    None: it never is"""


class Run(Model):
    """How the thing is really started, for sites that situs runs."""

    command: tuple[str, ...]
    """no shell: the program and its arguments"""
    env: Mapping[str, str] = Field(default_factory=dict)
    secrets: Mapping[str, SecretReference] = Field(default_factory=dict)
    """variable -> where the control plane finds what it holds, at the last moment: ``env:NAME``, ``file:NAME`` or
    ``vault:PATH#KEY``; the secret itself is kept nowhere"""
    files: tuple[str, ...] = ()
    """sent along, relative to the file this stands in"""
    code: str | None = None
    """a folder, relative to the file this stands in, whose files are sent once to each site and are there when it
    begins; ``.gitignore`` and ``.situsignore`` say what is not"""
    image: ImageName | None = None
    """container image that it runs in, as ``NAME``, ``NAME:TAG`` or ``NAME@sha256:DIGEST``; only for sites of kind
    ``container`` and ``kubernetes``. None: the one of the site"""
    packages: str | None = None
    """a lock file in ``code`` (``uv.lock``, ``pylock.toml``, ``requirements.txt``): what it names is installed once
    at each site"""
    python: str | None = None
    """the interpreter to install ``packages`` for, such as ``python3.12``; None: ``python3``"""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    health: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/?=&%+-]*$")] | None = None
    """path that answers 200, or another code up to 399, when a service is ready, and for as long as it is well; it says
    on the first line of its output where it listens, as in ``http://127.0.0.1:8000``"""
    health_check: HealthCheck = HealthCheck()
    """how ``health`` is asked for once the service was ready"""
    timeout: Seconds | None = None
    grace: Seconds = 10.0
    """between being asked to end and being ended"""
    state: tuple[str, ...] = ()
    """files of its folder, such as checkpoints, that it finds again where it is started next"""
    retries: Annotated[int, Field(ge=0)] = 3
    """how often a job is started again after it failed by itself, and a service after it was unhealthy, one time after
    another"""
    final: tuple[int, ...] = ()
    """exit codes of a job that starting it again would not change"""

    @model_validator(mode="after")
    def _packages_of_code(self) -> Self:
        if self.packages is not None and self.code is None:
            raise ValueError("packages is a lock file in code; say which folder that is (code: .)")
        return self

    @model_validator(mode="after")
    def _secrets_are_variables(self) -> Self:
        for name in self.secrets:
            if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII) or name.startswith("SITUS_"):
                raise ValueError(
                    f"{name!r} is no name of a variable for a secret; use letters, digits and '_'"
                )
            if name in self.env:
                raise ValueError(f"{name} is in env and in secrets; leave it in secrets alone")
        return self


class Workload(Model):
    """One thing to run, or ``count`` identical ones."""

    title: str | None = None
    stage: Stage
    workload_class: str = Field(default="default", alias="class")
    """for the speed factors of pools: llm-train, vision, tabular, ..."""
    use_case: Name | None = None
    purpose: str | None = None
    owner: str | None = None
    count: Annotated[int, Field(ge=1, le=100_000_000)] = 1
    shapes: tuple[Shape, ...] = (Shape(),)
    job: Job | None = None
    service: Service | None = None
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    after: tuple[Name, ...] = ()
    """workloads that must have ended before it begins, of what recurs the first run; what recurs after what
    recurs follows it every time, and what runs on and is there today has begun already"""
    label: Label | None = None
    """joined with the labels of its inputs"""
    latency: tuple[LatencyLimit, ...] = ()
    spread: tuple[Spread, ...] = ()
    affinity: frozenset[Name] = frozenset()
    """workloads that must be at the same site"""
    availability: Share | None = None
    """fraction of the time it must be there; at 99.9 % or more spot capacity is refused"""
    checkpoint: Checkpoint | None = None
    site_loss: SiteLoss = SiteLoss()
    lease: Annotated[Seconds, Field(ge=5.0)] | None = None
    """each of its units must never run twice, also when nobody reaches its site: it is ended there when its lease was
    not renewed for so long; None: it goes on while its site is cut off"""
    min_runtime: Hours = 0.0
    """runs so long at a place before it may be moved"""
    current: Current | None = None
    state_gb: Gb = 0.0
    """what moves with it besides the checkpoint"""
    downtime_cost: PositiveMoney | None = None
    """per hour that it is away"""
    value: MonthPrice | None = None
    """what each unit is worth; None: a share of its use case, else what its dearest place costs; the priority
    adds to either"""
    priority: Annotated[int, Field(ge=0, le=100)] | None = None
    """None: the use case's"""
    budget: MonthPrice | None = None
    """for all its units together"""
    run: Run | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.job is None) == (self.service is None):
            raise ValueError("a workload is either a job or a service; give exactly one of the two")
        if not self.shapes:
            raise ValueError("at least one shape is needed")
        names = [shape.name for shape in self.shapes]
        if len(set(names)) != len(names):
            raise ValueError("two shapes have the same name; give each its own")
        files: dict[str, str] = {}
        items: tuple[Item, ...] = (*self.inputs, *self.outputs)
        for item in items:
            if files.setdefault(item.file, item.dataset) != item.dataset:
                raise ValueError(
                    f"two of its data are called {item.file!r} where it runs; give one another name"
                )
        if self.availability is not None and self.availability > 1:
            raise ValueError("an availability is a fraction of at most 1 (or 100%)")
        kept_at = self.checkpoint.kept_at if self.checkpoint else ()
        if kept_at and not (self.run and self.run.state):
            raise ValueError(
                "checkpoint: {kept_at: ...} copies the files of its state; name them in run: {state: [...]}"
            )
        if len(set(kept_at)) != len(kept_at):
            raise ValueError("checkpoint: {kept_at: ...} names a site twice; name each once")
        if self.service and self.service.listen and self.run and self.run.health is None:
            raise ValueError(
                "requests are passed only to units that say they are ready; give run: {health: ...}"
            )
        return self
