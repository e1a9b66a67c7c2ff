"""The Plan: an immutable answer with its proof, its bill and its reasons.

A plan is so exact that carrying it out leaves no choice.  Its identity is the hash of its content, so two
plans with one id are the same plan, and a plan that was changed by hand no longer has its id.

All amounts are in the plan's currency, for its horizon, and the parts add up to the totals exactly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import Field

from situs.model.base import Instant, Model, Name
from situs.model.refusal import Refusal

WIDE_GAP = 0.5
"""A proven distance of half and more is no statement about how good a plan is."""

CENT = Decimal("0.000001")
"""Amounts are kept to a millionth: a request may cost less than a cent, and sums must still tie."""

Amount = Decimal
"""money in the plan's currency"""


def amount(value: float | Decimal) -> Decimal:
    """A figure as it is kept in plans: rounded half-even to a millionth, without negative zero."""
    return Decimal(value).quantize(CENT) + Decimal(0)


class Part(StrEnum):
    """What a cost is for."""

    COMPUTE = "compute"
    """rented by the hour"""
    ENERGY = "energy"
    """electricity that the work itself draws on owned machines"""
    CAPACITY = "capacity"
    """nodes bought or reserved, whether used or not"""
    STORAGE = "storage"
    TRANSFER = "transfer"
    MOVE = "move"
    """bills of moves, as far as they fall into the horizon"""
    CARBON = "carbon"
    """internal price of emissions"""


Costs = Mapping[Part, Decimal]


class Fit(StrEnum):
    """When a workload can have its place."""

    NOW = "now"
    AFTER_SCALE_UP = "after_scale_up"
    AT = "at"
    NEVER = "never"


class Assignment(Model):
    """Some units of a workload at one place in one way."""

    site: Name
    pool: Name
    basis: Literal["on_demand", "spot", "reserved", "owned"]
    shape: Name
    units: int
    start: Instant | None = None
    """None: at once, or every time it runs"""
    since: Instant | None = None
    """it is there since then, by the estate or by the plans before; None: unknown"""
    moved: Instant | None = None
    """when it was last moved, to here; None: never, or unknown"""
    hours: float
    """busy hours of one unit within the horizon"""
    reads: Mapping[Name, Name] = Field(default_factory=dict)
    """dataset -> site of the replica it reads"""
    writes: Mapping[Name, Name] = Field(default_factory=dict)
    """dataset -> site of the replica it writes"""
    costs: Costs
    """of all the units together"""
    latency_ms: float | None = None
    """to the farthest of the users it has limits for"""
    carbon_kg: float
    control: float
    """0 to 1, see the control score of the site"""


class Alternative(Model):
    """Another place, and the one reason why it is not chosen."""

    site: Name
    pool: Name | None = None
    extra_cost: Decimal | None = None
    """over the chosen place, per unit, for the horizon; None: it may not or cannot be there"""
    reason: Literal[
        "cost", "rule", "capacity", "no-pool", "minimum-runtime", "window", "affinity", "move-bill", "data",
        "budget", "limit", "nodes", "as-good",
    ]  # fmt: skip
    """nodes: some would have to be added; as-good: no dearer, as far as is proven"""
    refusal: Refusal | None = None


class Decision(Model):
    """Where one workload goes."""

    workload: Name
    fit: Fit
    at: Instant | None = None
    """when ``fit`` is ``at``"""
    alone: Fit = Fit.NEVER
    """the answer if there were nothing else: where it is better than ``fit``, others have the room"""
    worth: Decimal | None = None
    """of one unit a month by its value and priority, by which scarce room is given away; None: unknown"""
    assignments: tuple[Assignment, ...] = ()
    unplaced: int = 0
    """units left out"""
    reason: Literal[
        "only-place", "cheapest", "cheapest-with-data", "stays-move-does-not-pay", "held-by-minimum-runtime",
        "scarce-capacity", "no-place", "shared-constraint",
    ]  # fmt: skip
    """the dominant one"""
    refused: Mapping[str, int] = Field(default_factory=dict)
    """rule -> number of sites for which it is the dominant reason"""
    needs_lifting: tuple[Refusal, ...] = ()
    """when it can be nowhere: the smallest set of requirements that stand in the way at the nearest site"""
    owner: str | None = None


class Replica(Model):
    """A full copy of a dataset at a site."""

    dataset: Name
    site: Name
    change: Literal["keep", "create", "drop"]
    source: Name | None = None
    """where it is copied from when it is created"""
    size_gb: float
    costs: Costs


class Purchase(Model):
    """Nodes to be bought or rented for the horizon on top of what is there."""

    site: Name
    pool: Name
    nodes: int
    costs: Costs


class Holding(Model):
    """Capacity that is there and paid for whether used or not."""

    site: Name
    pool: Name
    nodes: int
    costs: Costs
    used: Mapping[str, float]
    """resource -> used fraction of all nodes that are there or bought, in the fullest time slot"""


class Move(Model):
    """A change of place with its bill."""

    workload: Name
    source: Name
    target: Name
    units: int
    bill: Mapping[Literal["transfer", "downtime", "lost_work", "people"], Decimal]
    """once, of all units together"""
    saving_per_month: Decimal | None
    """against staying; None: it may not or cannot stay"""


class Provenance(Model):
    """What a plan was made from; enough to make it again."""

    situs: str
    solver: str
    input_hash: str
    facts: Mapping[str, str]
    """catalogue -> version"""
    off: frozenset[str] = frozenset()
    """laws and rules that were switched off"""
    gap_wanted: float


class Plan(Model):
    """The whole answer. See the module's text."""

    id: str = ""
    parent: str | None = None
    at: Instant
    expires: Instant | None = None
    """until when it may be relied on"""
    owner: str | None = None
    reason: str | None = None
    horizon_hours: float
    currency: str
    provenance: Provenance
    status: Literal["optimal", "feasible", "best-so-far"]
    """optimal: the gap that was wanted is proven; feasible: it is not, all work is done; best-so-far:
    stopped by time or by hand"""
    cost: Decimal
    """sum of all parts, without the penalties for what is left out"""
    objective: Decimal
    """cost plus penalties: what was minimised"""
    bound: Decimal
    """no plan's objective can be less"""
    gap: float
    """(objective - bound) / cost"""
    costs: Costs
    """of everything below together"""
    shared_transfer: Decimal = Decimal(0)
    """volume bought on links with price tiers, shared by all who send over them"""
    carbon_kg: float
    control: float
    """mean over placed units"""
    decisions: tuple[Decision, ...]
    replicas: tuple[Replica, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    holdings: tuple[Holding, ...] = ()
    moves: tuple[Move, ...] = ()
    unmet: tuple[Refusal, ...] = ()
    """what was asked for data and cannot be had: copies for which there is no room, or no place"""
    notes: tuple[Refusal, ...] = ()
    """what to bear in mind about the figures it was made from, such as old exchange rates"""

    def decision(self, workload: str) -> Decision:
        """The decision about one workload. Raises KeyError for a name the plan does not have."""
        for decision in self.decisions:
            if decision.workload == workload:
                return decision
        raise KeyError(workload)

    @property
    def gap_of_all(self) -> float:
        """The gap as a fraction of the cost and of what leaving out is measured by together: never more than 1."""
        return (
            max(0.0, float((self.objective - self.bound) / self.objective))
            if self.objective > 0
            else self.gap
        )

    def canonical(self) -> bytes:
        """The content as bytes: the same plan gives the same bytes. The id itself is left out."""
        content = self.model_dump(mode="json", exclude={"id"})
        if not self.notes:
            # A plan without notes keeps the id that it had before there were any.
            del content["notes"]
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def sealed(self) -> Plan:
        """The same plan with its id."""
        return self.model_copy(update={"id": "sha256:" + hashlib.sha256(self.canonical()).hexdigest()})
