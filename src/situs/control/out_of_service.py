"""An estate as it is for now, for whoever plans from it: without sites that are drained or lost, and with workloads
that stay where they are because their move was cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from situs.control.back import because
from situs.control.losses import covered
from situs.control.withdrawn import kept_there, may_leave, withdrawn
from situs.facts import Facts
from situs.model.intent import Intent
from situs.store import holds
from situs.store.holds import Hold

NOBODY: Mapping[str, frozenset[str]] = {}


def without_what_is_out(
    intent: Intent, facts: Facts, off: frozenset[str], held: Sequence[Hold], now: datetime,
    stay: Mapping[str, frozenset[str]] = NOBODY,
) -> Intent:  # fmt: skip
    """The estate with a rule for each site that is out of service, and for each workload that is to stay.

    ``off``: laws and rules that are switched off; ``stay``: workloads that were put back, and where they are.
    """
    drained = {hold.subject: _why(hold) for hold in held if hold.kind == "drain"}
    lost = {hold.subject: _why(hold) for hold in held if hold.kind == "lost"}
    only: dict[str, frozenset[str]] = {}
    if set(lost) - set(drained):
        patience_s = {name: workload.site_loss.after for name, workload in intent.workloads.items()}
        after_s = {name: seconds for name, seconds in patience_s.items() if seconds is not None}
        by_people = holds.lost(held)
        silent = covered(held, after_s)
        hour = now.replace(minute=0, second=0, microsecond=0)
        closed = frozenset({*drained, *lost})
        leaving = may_leave(intent, facts, hour, off, closed)
        for site in set(lost) - set(drained):
            only[site] = leaving if site in by_people else leaving & {n for s, n in silent if s == site}
    orders = {name: because(hold) for name, hold in holds.put_back(held).items() if name in stay}
    whose = {name: f"{name} stays: {cause}" for name, cause in orders.items()}
    return kept_there(withdrawn(intent, lost | drained, only), whose, stay)


def _why(hold: Hold) -> str:
    if hold.kind == "drain":
        return f"{hold.subject} is drained by {hold.by}"
    if hold.after_s is not None:
        return f"{hold.subject} is lost: {hold.reason}"
    return f"{hold.subject} is lost, says {hold.by}" + (f": {hold.reason}" if hold.reason else "")
