"""Use cases: who in the business wants something, and what it is worth."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from situs.model.base import Model
from situs.model.money import MonthPrice


class UseCase(Model):
    """Owner, value and budget of a group of workloads."""

    owner: str
    title: str | None = None
    value: MonthPrice
    budget: MonthPrice | None = None
    priority: Annotated[int, Field(ge=0, le=100)] = 50
