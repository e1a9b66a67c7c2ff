"""The estate: sites, their pools of capacity, and the links between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from situs.model.base import Country, Instant, Model, Name
from situs.model.money import GbMonthPrice, GbPrice, HourPrice, KwhPrice, MonthPrice, PositiveMoney, YearPrice
from situs.model.quantity import Cores, Gb, GbitPerS, Gib, Hours, Months, Ms, Number, Seconds, Share, Watts


class SiteKind(StrEnum):
    """Who runs the place, in the broadest sense."""

    PUBLIC = "public"
    PRIVATE = "private"
    ON_PREM = "on_prem"
    EDGE = "edge"


class KeyCustody(StrEnum):
    """Who can use the keys that protect data at a site, from least to most of the customer's control."""

    PROVIDER = "provider"
    CUSTOMER_MANAGED = "customer_managed"
    """the customer's key in the provider's key service"""
    HELD_YOUR_OWN = "held_your_own"
    """the key never leaves the customer's own key service"""


class Tenancy(StrEnum):
    """Who else is on the same machines."""

    SHARED = "shared"
    DEDICATED = "dedicated"
    OWN = "own"


class Certificate(Model):
    """A certificate a site holds."""

    scheme: str
    """ISO27001, C5, HDS, SecNumCloud, ..."""
    type: str | None = None
    """level or kind within the scheme, such as 'Type 2'"""
    valid_from: Instant
    valid_until: Instant

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_until <= self.valid_from:
            raise ValueError(f"certificate {self.scheme} ends ({self.valid_until:%Y-%m-%d}) before it begins")
        return self


class Encryption(Model):
    """What is encrypted at a site."""

    at_rest: bool = False
    in_transit: bool = False
    in_use: bool = False
    """confidential computing: memory is encrypted against the operator"""


class Administrators(Model):
    """Who can log in with all rights."""

    employer: Literal["self", "operator", "third_party"] = "operator"
    countries: frozenset[Country] = frozenset()
    """where they sit; empty: unknown"""


class TariffBand(Model):
    """A price for some hours of every day, in the site's local time."""

    from_hour: Annotated[int, Field(ge=0, le=23)]
    to_hour: Annotated[int, Field(ge=1, le=24)]
    """exclusive; less than or equal to ``from_hour`` means past midnight"""
    price: KwhPrice


class Electricity(Model):
    """What a kilowatt-hour costs at a site."""

    price: KwhPrice
    """outside the bands"""
    bands: tuple[TariffBand, ...] = ()
    utc_offset: Annotated[float, Field(ge=-12, le=14)] = 0.0
    """hours that local time is ahead of UTC"""


class Storage(Model):
    """Where data rest at a site."""

    capacity_gb: Gb | None = None
    """None: as much as is paid for"""
    price: GbMonthPrice | None = None
    """None: taken from the facts by operator, else nothing"""


class OnDemand(Model):
    """Rented by the hour, given back at any time."""

    basis: Literal["on_demand"] = "on_demand"
    price: HourPrice
    """per node"""


class Spot(Model):
    """Rented by the hour from what others leave, taken away without much notice."""

    basis: Literal["spot"] = "spot"
    price: HourPrice
    """per node"""
    interruptions_per_hour: Number = 0.05
    """mean rate at which a node is taken away"""


class Reserved(Model):
    """Rented for a term: paid whether used or not."""

    basis: Literal["reserved"] = "reserved"
    price: HourPrice
    """per node, as billed over the term on top of the upfront payment"""
    term: Months
    upfront: PositiveMoney | None = None
    """per node, at the start of the term"""


class Owned(Model):
    """Bought: paid for by purchase, money tied up, and upkeep, whether used or not."""

    basis: Literal["owned"] = "owned"
    purchase_date: Instant | None = None
    price: PositiveMoney
    """per node"""
    life: Months = 60.0
    residual: PositiveMoney | None = None
    """what a node brings at the end of its life"""
    financing_rate: Share = 0.0
    """interest per year"""
    maintenance: YearPrice | None = None
    idle: Watts = 0.0
    busy: Watts = 0.0
    """per node, at full use, before PUE"""
    space: MonthPrice | None = None
    staff: MonthPrice | None = None
    licences: MonthPrice | None = None


PriceBasis = Annotated[OnDemand | Spot | Reserved | Owned, Field(discriminator="basis")]


class Node(Model):
    """The shape of one node of a pool."""

    cpu: Cores
    memory: Gib
    accelerators: Annotated[int, Field(ge=0, le=1024)] = 0
    accelerator_memory: Gib = 0.0
    """per accelerator"""
    disk: Gb = 0.0


class Pool(Model):
    """Interchangeable capacity at a site under one price basis."""

    sku: str | None = None
    """an entry of the price facts, ``operator/region/sku``, that fills in node and price"""
    node: Node | None = None
    accelerator: str | None = None
    """model, such as H100"""
    generation: str | None = None
    """of the hardware, such as Hopper, for your own rules; how fast it is says ``speed``"""
    speed: Mapping[str, Number] = Field(default_factory=dict)
    """how much faster than the reference a workload class runs here; 'default' for all others, else 1"""
    count: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """nodes that are there now"""
    limit: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    """nodes there may be, bought or rented on top of ``count``; None: ``count`` is all (rented by the
    hour: as many as wanted)"""
    startup: Seconds = 0.0
    """until a further node is usable"""
    available_from: Instant | None = None
    """not usable before"""
    packing: bool | None = None
    """several workloads share a node; None: yes for owned and reserved nodes, no for those rented by the hour"""
    price: PriceBasis | None = None
    simulated: bool = False
    """stands for hardware that is not really there"""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.sku is None and (self.node is None or self.price is None):
            raise ValueError("a pool needs either a sku of the price facts or both node and price")
        if self.limit is not None and self.limit < self.count:
            raise ValueError(f"limit {self.limit} is less than the {self.count} nodes that are there")
        if self.node is not None and self.node.accelerators and not self.accelerator:
            raise ValueError("the node has accelerators, but the pool does not say which (accelerator: ...)")
        return self

    def speed_of(self, workload_class: str) -> float:
        """How much faster than the reference this pool runs the class of workload."""
        return self.speed.get(workload_class, self.speed.get("default", 1.0))


class Adapter(Model):
    """How situs reaches the site to run things; the further fields belong to the kind."""

    kind: str = "local"
    options: Mapping[str, str] = Field(default_factory=dict)


class Site(Model):
    """One place: one operator, one jurisdiction, one way to run things."""

    kind: SiteKind
    title: str | None = None
    operator: str = "self"
    """who runs it; sites with one operator are one provider"""
    region: str | None = None
    """the operator's own name of the place, such as eu-central-1"""
    country: Country
    operator_country: Country | None = None
    """where the operator is incorporated; None: unknown, which no data limited to jurisdictions may meet"""
    parent_country: Country | None = None
    """where the operator's ultimate parent is incorporated; None: unknown"""
    certificates: tuple[Certificate, ...] = ()
    encryption: Encryption = Encryption()
    key_custody: KeyCustody = KeyCustody.PROVIDER
    tenancy: Tenancy = Tenancy.SHARED
    administrators: Administrators = Administrators()
    clearance: Annotated[int, Field(ge=0, le=4)] = 0
    """the highest label level the place is approved for"""
    power_zone: str | None = None
    """sites of one zone lose power together"""
    pue: Annotated[Number, Field(ge=1.0)] = 1.0
    electricity: Electricity | None = None
    carbon_g_per_kwh: Number | None = None
    """None: taken from the facts by region or country"""
    storage: Storage = Storage()
    exit_effort: Hours = 0.0
    """people's hours to take one workload away from here for good"""
    pools: Mapping[Name, Pool] = Field(default_factory=dict)
    adapter: Adapter = Adapter()


class Location(Model):
    """A place where users are."""

    country: Country
    title: str | None = None


class Tier(Model):
    """A price for each GB up to a monthly volume; the last tier has no end."""

    up_to_gb: Gb | None = None
    price: GbPrice


class Link(Model):
    """A directed network path between sites, or from a site to a location of users."""

    source: str = Field(alias="from")
    """a site, or ``*`` for all that no other link names"""
    target: str = Field(alias="to")
    """a site, a location, or ``*``"""
    both_ways: bool = False
    latency: Ms | None = None
    """round trip; None: unknown, which no latency limit accepts"""
    bandwidth: GbitPerS | None = None
    """None: not limiting"""
    price: GbPrice | None = None
    """one price for each GB; or give ``tiers``; without either, what leaves a public site costs what its operator
    asks by the facts, and all else nothing"""
    tiers: tuple[Tier, ...] = ()
    """monthly volume tiers; prices may not rise with volume"""
    free_gb: Gb = 0.0
    """per month"""
    crosses: frozenset[Country] = frozenset()
    """countries in between"""

    @model_validator(mode="after")
    def _one_way_to_price(self) -> Self:
        if self.price is not None and self.tiers:
            raise ValueError("give either a price or tiers, not both")
        if self.tiers:
            if any(tier.up_to_gb is None for tier in self.tiers[:-1]) or self.tiers[-1].up_to_gb is not None:
                raise ValueError("each tier but the last needs up_to_gb, and the last must have none")
            ends = [tier.up_to_gb or 0.0 for tier in self.tiers[:-1]]
            if any(late <= early for early, late in pairwise(ends)):
                raise ValueError("tiers must be in rising order of up_to_gb")
            prices = [tier.price for tier in self.tiers]
            if len({price.currency for price in prices}) > 1:
                raise ValueError("the tiers of one link must be in one currency")
            if any(late.amount > early.amount for early, late in pairwise(prices)):
                raise ValueError("tier prices may not rise with volume")
        return self
