"""A finding about an estate: what it is about, the evidence, and its money."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import Field, computed_field

from situs.model.amount import Exact
from situs.model.base import Model
from situs.model.plural import counted

EVIDENCE = {
    "only-at": "only at {site}",
    "read-over-link": "read over a link by {workload} at {site}",
    "nothing-reads": "{gb} GB that nothing reads there",
    "copies": "{n} copy|{n} copies",
    "share-paid": "{share} of what is paid to others",
    "paid": "{amount} a month",
    "no-use-case": "no use case",
    "owner": "owner: {owner}",
    "no-owner": "no owner",
    "nodes": "{n} node|{n} nodes",
    "used": "{resource} {share} used",
    "better-at": "at {source}, better at {target}",
    "may-not-stay": "it may not stay where it is",
    "saves": "saves {amount} a month before its bill",
    "highest-class": "treated as the highest class",
}
"""What is behind a finding, in English; reports have the same keys in their languages."""


class Detail(Model):
    """One piece of evidence: a key of ``EVIDENCE`` and the values that go into its sentence."""

    key: str
    values: Mapping[str, str | float] = Field(default_factory=dict)
    """names as text; figures as numbers: amounts in the plan's currency, shares as fractions"""


Kind = Literal["silo", "duplicate", "concentration", "orphan", "idle", "misplaced", "unlabelled"]


class Finding(Model):
    """One thing that looks like an accident."""

    kind: Kind
    what: str
    """name of the dataset, workload, operator or pool"""
    details: tuple[Detail, ...]
    """names and figures behind it"""
    per_month: Exact
    """what it costs, in the plan's currency; 0 where it is a risk and not a cost"""
    at_stake_per_month: Exact
    """what is paid for all that hangs on it: for a risk what goes to the provider, or to the work that reads the
    data; else what it costs"""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def evidence(self) -> tuple[str, ...]:
        """The details as English sentences."""
        return tuple(_said(detail) for detail in self.details)


def costing(kind: Kind, what: str, details: tuple[Detail, ...], per_month: Decimal) -> Finding:
    """A finding that costs, and nothing else hangs on it."""
    return Finding(kind=kind, what=what, details=details, per_month=per_month, at_stake_per_month=per_month)


def _said(detail: Detail) -> str:
    return counted(EVIDENCE[detail.key], detail.values.get("n"), **figures(detail))


def figures(detail: Detail) -> dict[str, str]:
    """What goes into the sentence of a detail, with figures as they are printed."""
    written = {"gb": "{:,.0f}", "n": "{:,.0f}", "amount": "{:,.2f}", "share": "{:.0%}"}
    return {name: written.get(name, "{}").format(value) for name, value in detail.values.items()}
