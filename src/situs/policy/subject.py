"""What rules are asked about: a workload or a dataset, by the few things that rules look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from situs.model.label import Label


@dataclass(frozen=True)
class Subject:
    """A workload or dataset as the rules see it."""

    kind: str
    """workload or dataset"""
    name: str
    label: Label
    until: datetime
    """end of the residence the decision is about"""
    stage: str | None = None
    use_case: str | None = None
    purpose: str | None = None
    latency: tuple[tuple[str, float], ...] = ()
    """(location, limit in ms)"""
    pinned: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(dataset, sites it may not leave): the dataset itself, or what a workload reads"""
