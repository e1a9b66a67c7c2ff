"""Use cases: who in the business wants something, and what it is worth."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from situs.model.base import Model
from situs.model.estate import SiteKind
from situs.model.money import Money, MonthPrice

Separation = Literal["never", "others", "always"]
"""When a plan needs another person's approval than that of who handed it in: each is stricter than the one before."""


class Automatic(Model):
    """How far the control plane may re-plan a group of workloads by itself; beyond that a person approves."""

    moves_per_day: Annotated[int, Field(ge=1)]
    """units that may change their place within 24 hours"""
    bill_per_day: Money
    """what the moves of 24 hours may cost together"""
    kinds: Annotated[frozenset[SiteKind], Field(min_length=1)]
    """kinds of site that they may move to"""


class UseCase(Model):
    """Owner, value and budget of a group of workloads."""

    owner: str
    title: str | None = None
    value: MonthPrice
    budget: MonthPrice | None = None
    priority: Annotated[int, Field(ge=0, le=100)] = 50
    automatic: Automatic | None = None
    """what may change without a person when prices, sites or the hour change; None: nothing"""
    separation: Separation | None = None
    """whether plans that change where its work is need another person's approval than that of who handed them in:
    never, where others may approve, always; None: as the settings say, which it can only tighten"""
