"""Datasets: named data, where their copies are, and how they may be handled."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from situs.model.base import Model, Name
from situs.model.label import Label
from situs.model.quantity import Gb, Hours, Share


class Dataset(Model):
    """Named data. A workload's output becomes one, with a label inherited from what went into it."""

    size_gb: Gb
    growth_per_month: Share = 0.0
    """fraction of the size added each month"""
    changes_gb_per_month: Gb = 0.0
    """what a further replica must be sent each month to stay fresh"""
    label: Label | None = None
    """None: unknown, treated as the highest class (or, for an output, inherited)"""
    owner: str | None = None
    replicas: tuple[Name, ...] = ()
    """sites that hold a full copy now"""
    min_copies: Annotated[int, Field(ge=1, le=16)] = 1
    max_copies: Annotated[int, Field(ge=1, le=1000)] | None = None
    may_leave: bool = True
    """False: it stays where it is, and work comes to it"""
    freshness: Hours | None = None
    """how old a copy may be; a link too slow to keep up with the changes refuses the replica"""
    declassified: Label | None = None
    """a lower label its owner has signed for, instead of the inherited one"""
    declassified_by: str | None = None
    """who signed; a declassification without a name counts for nothing"""
    purpose: str | None = None
    title: str | None = None
    """for people"""
