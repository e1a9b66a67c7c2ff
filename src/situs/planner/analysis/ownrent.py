"""Own or rent for one workload: machines that could hold it, offers it could use, and when owning wins.

Only what the workload itself occupies is compared: machines, their upkeep and electricity against rent.
Data and moves are the plan's business.  A job that runs once is taken as all that the machine is bought for,
so that buying a machine for one run loses as it should; say more with a utilisation of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import numpy as np

from situs.economics.breakeven import BreakEven, Case, NotNegative, Spread, break_even, npv
from situs.economics.capacity import month_cost, owned_month_cost
from situs.facts import Facts
from situs.model.amount import Exact
from situs.model.base import Model
from situs.model.error import InputError
from situs.model.estate import OnDemand, Owned
from situs.model.intent import Intent
from situs.model.plan import amount
from situs.model.quantity import HOURS_PER_MONTH
from situs.planner.analysis.listed import could_hold, free_name, known_speeds, with_price_lists
from situs.planner.compile.options import Fitting, fittings
from situs.planner.compile.world import Place, World

MOST_OTHERS = 5
"""Offers that are shown beside the chosen one: enough to see how far the rent spreads."""
USUAL_LIFE_MONTHS = 60.0
GIVEN = "given"
"""Stands for a machine or a rent that the question brought along."""
BY_THE_HOUR = OnDemand.model_fields["basis"].default


class Machine(Model):
    """What would be owned: all machines together, money in the plan's currency."""

    name: str
    """pool whose like is bought, ``site/pool``; or ``given``"""
    machines: int
    utilisation: float
    """fraction of what is bought that the workload keeps busy, over time"""
    price: Exact
    residual: Exact
    life_months: float
    fixed_per_month: Exact
    """maintenance, space, staff, licences and electricity of idling"""
    running_per_hour: Exact
    """electricity at full use on top of idling"""
    discount_rate: float
    """per year: the interest on the machine's own money where it has one, else the estate's rate"""


class Offer(Model):
    """One way to rent what the workload needs."""

    name: str
    """pool of the estate, ``site/pool``; sku of a price list, ``operator/region/sku``; or ``given``"""
    basis: str
    listed: bool
    """only in a price list: no site of the estate offers it, so only its country was judged"""
    speed_known: bool
    """False: no pool of the estate has its accelerator, so it is taken to be as fast as the reference"""
    cost: Exact
    """of all units of the workload: a month, or the one run of a job that runs once"""
    source: str
    """where the price comes from"""


class Given(Model):
    """What the question brings along instead of what estate and facts say; money in the plan's currency."""

    machine: str | None = None
    """an owned pool, ``site/pool``"""
    offer: str | None = None
    """an offer by its name"""
    price: NotNegative | None = None
    """of one machine, as are residual, upkeep and running cost"""
    residual: NotNegative | None = None
    fixed_per_month: NotNegative | None = None
    running_per_hour: NotNegative | None = None
    rent_per_hour: NotNegative | None = None
    """for what stands in for one machine"""
    utilisation: NotNegative | None = None
    life_months: NotNegative | None = None
    discount_rate: NotNegative | None = None


class OwnOrRent(Model):
    """The answer for one workload; money in the plan's currency."""

    workload: str
    currency: str
    once: bool
    """it is a job that runs once"""
    own: Machine
    rent: Offer
    others: tuple[Offer, ...]
    """further offers: of the estate, then of price lists, each cheapest first"""
    case: Case
    """what was reckoned with, overrides included"""
    answer: BreakEven
    cheaper: Offer | None
    """the cheapest by the hour from a price list, of known speed, where that is less than ``rent``; None: there is
    none, or ``rent`` was asked for"""
    cheaper_answer: BreakEven | None
    """the same question with that rent"""


def own_or_rent(
    intent: Intent,
    facts: Facts,
    at: datetime,
    name: str,
    *,
    off: frozenset[str] = frozenset(),
    given: Given | None = None,
    spread: Spread | None = None,
    seed: int = 0,
) -> OwnOrRent:
    """When owning beats renting for a workload. Raises InputError where nothing can be owned or rented."""
    given = given or Given()
    if name not in intent.workloads:
        raise InputError(f"there is no workload {name!r}; there are {', '.join(sorted(intent.workloads))}")
    options = Options(intent, facts, at, off, name)
    offers = sorted(options.offers(), key=_rank)
    rent = _chosen(offers, given, name)
    cases = [(machine, _case(machine, rent, given, options.once)) for machine in options.machines(given)]
    if not cases:
        raise InputError(_nothing_to_own(options, given, name))
    own, case = max(cases, key=lambda pair: (npv(pair[1]), pair[0].name))
    cheaper = None if given.offer else _cheaper(offers, rent)
    return OwnOrRent(
        workload=name,
        currency=options.world.settings.currency,
        once=options.once,
        own=own,
        rent=rent,
        others=tuple(offer for offer in offers if offer.name != rent.name)[:MOST_OTHERS],
        case=case,
        answer=break_even(case, spread=spread, seed=seed),
        cheaper=cheaper,
        cheaper_answer=None
        if cheaper is None
        else break_even(_case(own, cheaper, given, options.once), spread=spread, seed=seed),
    )


class Options:
    """What the workload could own and rent, held against the pools as the planner does it."""

    def __init__(self, intent: Intent, facts: Facts, at: datetime, off: frozenset[str], name: str) -> None:
        self._lists = free_name(intent, "price-lists")
        workload = intent.workloads[name]
        self._speeds = known_speeds(intent, facts, workload)
        offers = could_hold(facts, workload)
        self.world = World(with_price_lists(intent, offers, self._lists, self._speeds), facts, at, off)
        self._workload = self.world.intent.workloads[name]
        self.once = self._workload.job is not None and self._workload.job.per_month is None
        self._fittings = fittings(self.world, self._workload)
        self._allowed = self.world.policy.workload_mask(name)
        self._countries = self._allowed_countries(name)

    def machines(self, given: Given) -> Iterator[Machine]:
        """Owned pools that could hold it, or one machine that is known by its price alone."""
        found = False
        for place, fitting in self._places():
            basis = place.pool.price
            if isinstance(basis, Owned) and given.machine in (None, str(place)):
                found = True
                yield self._machine(place, basis, fitting)
        if not found and given.machine is None and given.price is not None:
            yield self._one_machine(given)

    def offers(self) -> Iterator[Offer]:
        """Everything that could be rented for it; what is free is a sample and no offer."""
        best: dict[str, Offer] = {}
        for place, fitting in self._places():
            if isinstance(place.pool.price, Owned):
                continue
            offer = self._offer(place, fitting)
            known = best.get(offer.name)
            if offer.cost > 0 and (known is None or offer.cost < known.cost):
                best[offer.name] = offer
        yield from best.values()

    def owned_pools(self) -> list[str]:
        """Names of all owned pools, whether they fit or not."""
        return [str(place) for place in self.world.places if isinstance(place.pool.price, Owned)]

    def _places(self) -> Iterator[tuple[Place, Fitting]]:
        """Every pool it fits and may be at, in every shape it fits in."""
        for fitting in self._fittings:
            for index in np.flatnonzero(fitting.fits):
                place = self.world.places[index]
                if place.site == self._lists:
                    fact = self.world.facts.price(place.pool.sku or "")
                    allowed = self._countries is None or (
                        fact is not None and fact.country in self._countries
                    )
                else:
                    allowed = bool(self._allowed[self.world.pools.site[index]])
                if allowed:
                    yield place, fitting

    def _machine(self, place: Place, basis: Owned, fitting: Fitting) -> Machine:
        world, p = self.world, place.index
        load = float(fitting.node_share[p] * fitting.presence[p]) * self._workload.count
        machines = max(fitting.shape.nodes, math.ceil(load - 1e-9), 1)
        busy = load / machines
        if self.once:
            busy *= float(fitting.duration_h[p]) / (basis.life * HOURS_PER_MONTH)
        month = owned_month_cost(
            basis, world.site(place.site), world.settings.currency, world.facts, world.at
        )
        fixed = month.maintenance + month.energy + month.space + month.staff + month.licences
        running = float(world.pools.busy_kw[p]) * world.kwh_price(place.site, 0.0, 24.0)
        return Machine(
            name=str(place),
            machines=machines,
            utilisation=min(1.0, busy),
            price=amount(world.money(basis.price) * machines),
            residual=amount(world.money(basis.residual) * machines),
            life_months=basis.life,
            fixed_per_month=amount(fixed * machines),
            running_per_hour=amount(running * machines),
            discount_rate=basis.financing_rate or world.settings.discount_rate,
        )

    def _one_machine(self, given: Given) -> Machine:
        """It holds all of the workload, in its first shape, at the reference's speed."""
        job, life = self._workload.job, given.life_months or USUAL_LIFE_MONTHS
        busy = 1.0
        if job is not None:
            runs = 1.0 / life if job.per_month is None else job.per_month
            hours = job.work / self._workload.shapes[0].throughput
            busy = min(1.0, self._workload.count * hours * runs / HOURS_PER_MONTH)
        nothing = Decimal(0)
        return Machine(
            name=GIVEN, machines=1, utilisation=busy, price=nothing, residual=nothing, life_months=life,
            fixed_per_month=nothing, running_per_hour=nothing, discount_rate=self.world.settings.discount_rate,
        )  # fmt: skip

    def _offer(self, place: Place, fitting: Fitting) -> Offer:
        world, p = self.world, place.index
        per = 1.0 if self.once else world.months
        if world.pools.held[p]:
            # Held whether used or not: whole nodes for as long as it runs, or for the month.
            nodes = max(
                fitting.shape.nodes,
                math.ceil(float(fitting.node_share[p] * fitting.presence[p]) * self._workload.count - 1e-9),
            )
            month = month_cost(
                place.pool, world.site(place.site), world.settings.currency, world.facts, world.at
            )
            months = max(1.0, float(fitting.duration_h[p]) / HOURS_PER_MONTH) if self.once else 1.0
            cost = float(month.total) * nodes * months
        else:
            hours = float(fitting.busy_h[p]) * self._workload.count / per
            cost = float(fitting.nodes[p] * world.pools.hourly[p]) * hours
        listed = place.site == self._lists
        fact = world.facts.price(place.pool.sku) if place.pool.sku else None
        basis = place.pool.price
        return Offer(
            name=str(place.pool.sku) if listed else str(place),
            basis="" if basis is None else basis.basis,
            listed=listed,
            speed_known=not listed
            or not fitting.shape.accelerators
            or place.pool.accelerator in self._speeds,
            cost=amount(cost),
            source="the estate" if fact is None else f"{fact.source}, {fact.as_of}",
        )

    def _allowed_countries(self, name: str) -> frozenset[str] | None:
        """Countries the workload's label allows; None for all."""
        allowed = self.world.policy.labels.workloads[name].jurisdictions
        if allowed is None:
            return None
        world = self.world
        groups = (world.facts.group(entry, world.at, world.off) or frozenset({entry}) for entry in allowed)
        return frozenset().union(*groups)


def _chosen(offers: list[Offer], given: Given, name: str) -> Offer:
    """The offer asked for; else the first by the hour: a site of the estate comes before a mere price list."""
    if given.rent_per_hour is not None:
        return Offer(name=GIVEN, basis=GIVEN, listed=False, speed_known=True, cost=Decimal(0), source=GIVEN)
    if given.offer is not None:
        for offer in offers:
            if offer.name == given.offer:
                return offer
        known = ", ".join(offer.name for offer in offers[:MOST_OTHERS]) or "none"
        raise InputError(f"{name} cannot use the offer {given.offer!r}; it can use {known}")
    by_the_hour = [offer for offer in offers if offer.basis == BY_THE_HOUR]
    if not by_the_hour:
        raise InputError(
            f"no offer by the hour fits {name} and its label; say what renting costs with --rent"
        )
    return by_the_hour[0]


def _rank(offer: Offer) -> tuple[bool, bool, Decimal, str]:
    """Sites of the estate before price lists, what is known to be as fast as said before what is not."""
    return offer.listed, not offer.speed_known, offer.cost, offer.name


def _cheaper(offers: list[Offer], rent: Offer) -> Offer | None:
    """The first from a price list that is comparable and costs less than what was chosen."""
    if rent.name == GIVEN:
        return None
    return next(
        (
            offer
            for offer in offers
            if offer.listed and offer.speed_known and offer.basis == BY_THE_HOUR and offer.cost < rent.cost
        ),
        None,
    )


def _case(machine: Machine, rent: Offer, given: Given, once: bool) -> Case:
    """Both sides in the measure of one working hour of all the machines together."""
    count = machine.machines
    months = machine.life_months if once else 1.0
    working = machine.utilisation * HOURS_PER_MONTH * months
    per_hour = float(rent.cost) / working if working > 0 else 0.0

    def of_all(value: float | None, known: Decimal) -> float:
        return float(known) if value is None else value * count

    return Case(
        price=of_all(given.price, machine.price),
        running_per_hour=of_all(given.running_per_hour, machine.running_per_hour),
        rent_per_hour=per_hour if given.rent_per_hour is None else given.rent_per_hour * count,
        utilisation=machine.utilisation if given.utilisation is None else min(1.0, given.utilisation),
        fixed_per_month=of_all(given.fixed_per_month, machine.fixed_per_month),
        life_months=given.life_months or machine.life_months,
        residual=of_all(given.residual, machine.residual),
        discount_rate=machine.discount_rate if given.discount_rate is None else given.discount_rate,
    )


def _nothing_to_own(options: Options, given: Given, name: str) -> str:
    pools = options.owned_pools()
    if given.machine is not None and given.machine not in pools:
        return f"there is no owned pool {given.machine!r}; there are {', '.join(pools) or 'none'}"
    if given.machine is not None:
        return f"{name} does not fit {given.machine} or may not be there; `situs explain {name} --why-not` says why"
    return f"no owned pool of the estate can hold {name}; say what a machine costs with --price"
