"""Intent: all that an organisation wrote down, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from situs.model.base import Instant, Model, Name
from situs.model.data import Dataset
from situs.model.estate import Link, Location, Site
from situs.model.money import HourPrice, TonnePrice
from situs.model.quantity import Hours, Months, Number, Seconds, Share
from situs.model.queue import Queue
from situs.model.rule import Rule
from situs.model.usecase import Separation, UseCase
from situs.model.workload import Workload


class Settings(Model):
    """How to plan."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"
    """of all figures that are shown"""
    at: Instant | None = None
    """the instant the plan is made for; None: now"""
    horizon: Hours = 730.0
    """how long the plan is for; its cost is the cost over this time"""
    payback: Months = 6.0
    """a move must save its bill within this time"""
    cooldown: Hours = 72.0
    """what has just moved stays so long"""
    move_hours: Number = 2.0
    """people's hours for each move"""
    staff_rate: HourPrice = HourPrice.model_validate("75 EUR/h")
    """of the people who move things"""
    carbon_price: TonnePrice | None = None
    """internal price of emissions; None: counted, not priced"""
    discount_rate: Share = 0.06
    """per year, for present values"""
    stabilisation: Seconds = 600.0
    """what was taken to be lost must answer for so long without a break before it has work again"""
    fail_back: bool = True
    """what an outage drove away may return when that saves money"""
    separation: Separation = "others"
    """whether a plan needs another person's approval than that of who handed it in: never, where others may approve,
    always. One that makes rules laxer needs it where others may approve, whatever is said here"""


class Intent(Model):
    """Sites, links, data, work, owners and rules. Mappings are by name."""

    sites: Mapping[Name, Site] = Field(default_factory=dict)
    locations: Mapping[Name, Location] = Field(default_factory=dict)
    links: tuple[Link, ...] = ()
    datasets: Mapping[Name, Dataset] = Field(default_factory=dict)
    workloads: Mapping[Name, Workload] = Field(default_factory=dict)
    use_cases: Mapping[Name, UseCase] = Field(default_factory=dict)
    queues: Mapping[Name, Queue] = Field(default_factory=dict)
    rules: Mapping[Name, Rule] = Field(default_factory=dict)
    settings: Settings = Settings()
