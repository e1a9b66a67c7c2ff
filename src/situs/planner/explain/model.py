"""What an explanation says, as values: a face turns them into tables and sentences.

Money is in the plan's currency; costs of one workload are per month, as people compare them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from situs.model.amount import Exact
from situs.model.base import Model, Name
from situs.model.plan import Alternative, Decision, Part
from situs.model.refusal import Refusal
from situs.planner.explain.edits import Edit

ChangeKind = Literal[
    "price", "capacity", "rule", "data", "hardware", "window", "latency", "budget", "share", "spread",
    "affinity", "minimum-runtime", "payback", "rival",
]  # fmt: skip


class CostPart(Model):
    """One part of what a workload costs."""

    part: Part
    per_month: Exact


class RefusedSites(Model):
    """A rule and the sites it keeps the workload from."""

    rule: str
    sites: tuple[Name, ...]
    anchor: str | None = None
    example: Refusal
    """at the first of the sites"""


class Binding(Model):
    """A limit that the plan uses to the full and that the workload takes from."""

    limit: Refusal
    """which one, for :func:`situs.planner.explain.wording.say`"""
    used: float
    available: float
    unit: str
    price_per_unit_month: Exact | None = None
    """what the whole plan would save a month with one unit more, at the solver's prices: an estimate that
    holds for small amounts; None: not priced"""


class RankedAlternative(Alternative):
    """Another place. ``extra_cost`` is the difference of list prices."""

    at_least: Exact | None = None
    """what the whole plan would cost more with one unit there, at least (the reduced cost), for the horizon"""


class Conflict(Model):
    """A smallest set of wishes that cannot all be granted: without any one of them the rest can."""

    left_out: Name
    """the workload this is about"""
    workloads: tuple[Name, ...]
    """that all want the same, with the one that is left out"""
    limits: tuple[Refusal, ...]
    """what they cannot share"""


class Explanation(Model):
    """Why a workload is where it is."""

    workload: Name
    currency: str
    horizon_months: float
    """what costs over the horizon are divided by to give costs per month"""
    decision: Decision
    costs_per_month: tuple[CostPart, ...]
    """of all its units together; what is shared (owned nodes, replicas) stands in the plan"""
    total_per_month: Exact
    data_per_month: Exact
    """of the replicas it reads and writes, which others may share"""
    refused: tuple[RefusedSites, ...]
    binding: tuple[Binding, ...]
    alternatives: tuple[RankedAlternative, ...]
    """best first; the chosen sites are not among them"""
    conflict: Conflict | None = None
    """what it does not fit together with, where it was left out although it has places"""


class Change(Model):
    """One thing that would have to be different, and how to write it down."""

    kind: ChangeKind
    rule: str | None = None
    """the rule that is lifted, if one is"""
    edits: tuple[Edit, ...]
    size: float | None = None
    """of a change that has one: the price cut, the nodes, the hours, ..."""
    unit: str | None = None
    details: Mapping[str, str] = Field(default_factory=dict)
    """for the sentence"""


class Counterfactual(Model):
    """Changes that together make the site win."""

    changes: tuple[Change, ...]
    checked: bool
    """the decision was made again: it flips with the changes, and with any smaller ones it does not"""
    objective_change: Exact
    """what the plan would then cost more (negative: less) over the horizon, penalties included"""

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All of them, in the order in which they are made."""
        return tuple(edit for change in self.changes for edit in change.edits)


class WhyNot(Model):
    """Why a workload is not at a site, and what would bring it there."""

    workload: Name
    site: Name
    currency: str
    verdict: Literal["is-there", "tie", "refused", "loses"]
    """refused: it may not or cannot be there; loses: it could, but the plan is worse; tie: it would cost the
    same within what the plan has proven"""
    identical: tuple[Name, ...] = ()
    """other workloads that differ in name only; which of them goes where has no meaning"""
    units_there: int = 0
    """of it and the identical ones, in the plan"""
    reasons: tuple[Refusal, ...]
    """all of them, the dominant one first"""
    extra_cost: Exact | None = None
    """what the whole plan would cost more over the horizon with one more unit there; None: impossible"""
    offers: tuple[Counterfactual, ...] = ()
    """smallest first"""
    nothing_helps: Refusal | None = None
    """why no change was found, when none was"""
    held: int = 0
    """workloads far from the question that were held where the plan has them, so that a large estate can be
    asked; 0: the whole estate was decided each time"""
