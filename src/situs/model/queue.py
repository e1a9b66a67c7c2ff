"""Queues: who may use how much at a time, and who gives way to whom."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from situs.model.base import Model, Name
from situs.model.quantity import Cores, Gib, Hours, Number


class Amounts(Model):
    """So much of each thing that is counted, in use at the same time; None: it is not limited."""

    accelerators: Number | None = None
    cpu: Cores | None = None
    memory: Gib | None = None
    runs: Annotated[int, Field(ge=0)] | None = None


class Preemption(Model):
    """Whose runs may be ended for one that waits; they wait again then, and go on from their state."""

    within: Literal["never", "lower_priority"] = "lower_priority"
    """runs of the same queue"""
    reclaim: Literal["never", "lower_priority", "any"] = "any"
    """runs of others of the cohort that use what this queue lent them"""
    when: Literal["it_pays", "always"] = "it_pays"
    """``it_pays``: only while the work that is lost by it is less than what waiting would cost"""


class Queue(Model):
    """Work that is handed in to it waits until there is quota and room for it."""

    title: str | None = None
    project: Name | None = None
    """use case that all work in it belongs to: who has a role there hands in, stops and sees as that role may; None: it
    is nobody's own, and takes work of all"""
    quota: Amounts = Amounts()
    """what its runs may use together, whatever others do"""
    cohort: Name | None = None
    """queues of one cohort lend each other what they do not use"""
    borrow: Amounts = Amounts()
    """at most so much beyond the quota"""
    lend: Amounts = Amounts()
    """at most so much of the quota, while it is not used"""
    share: Annotated[Number, Field(gt=0)] = 1.0
    """weight among those of the cohort that borrow"""
    preemption: Preemption = Preemption()
    aging: Hours = 1.0
    """who has waited so long counts as one step of priority more, so that nobody waits for ever; 0: never"""
    sites: Annotated[frozenset[Name], Field(min_length=1)] | None = None
    """its runs may be at these alone; None: wherever the rules allow"""

    @model_validator(mode="after")
    def _sound(self) -> Queue:
        for name in Amounts.model_fields:
            quota, lend = getattr(self.quota, name), getattr(self.lend, name)
            if lend is not None and quota is not None and lend > quota:
                raise ValueError(f"it lends {lend:g} of {name} and has {quota:g}; lend at most the quota")
            for what in ("lend", "borrow"):
                if getattr(getattr(self, what), name) is not None and quota is None:
                    raise ValueError(
                        f"{what} says {name}, of which there is no quota; give quota: {{{name}: ...}}"
                    )
        return self
