"""What the stages of a pipeline have cost so far, by the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from situs.control.pipelines.standing import Standing
from situs.model.amount import Exact
from situs.store import usage
from situs.store.database import Database


@dataclass(frozen=True)
class Bill:
    """Of one stage, with all its attempts."""

    hours: float
    cost: Exact
    transfer: Exact
    """of that, for the way of its data"""
    currency: str | None
    """None: nothing was used yet"""


@dataclass(frozen=True)
class Billed:
    """How a pipeline stands, with its bills."""

    standing: Standing
    bills: Mapping[str, Bill]
    """of each stage"""


def billed(database: Database, found: Standing) -> Billed:
    """With what each stage has cost so far."""
    return Billed(found, bills(database, found))


def bills(database: Database, found: Standing) -> Mapping[str, Bill]:
    """Of each stage."""
    with database.read() as connection:
        return {stage.name: _bill(connection, stage.attempts) for stage in found.stages}


def total(of_stages: Mapping[str, Bill]) -> tuple[Decimal, str | None]:
    """What all of them have cost, and in which currency."""
    currencies = sorted({bill.currency for bill in of_stages.values() if bill.currency is not None})
    return sum((bill.cost for bill in of_stages.values()), Decimal(0)), next(iter(currencies), None)


def _bill(connection: Connection, attempts: tuple[str, ...]) -> Bill:
    lines = [line for name in attempts for line in usage.lines(connection, name)]
    return Bill(
        sum(line.unit_s for line in lines) / 3600,
        sum((line.amount for line in lines), Decimal(0)),
        sum((line.amount for line in lines if line.kind == "transfer"), Decimal(0)),
        lines[0].currency if lines else None,
    )
