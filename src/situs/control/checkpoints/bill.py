"""What the way of a checkpoint costs: by the link that it goes over, as that of a move does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from situs.control.checkpoints.wanting import known
from situs.control.force import Force
from situs.economics.exchange import exchanged
from situs.facts.completion import complete
from situs.model.network import Network
from situs.model.plan import amount
from situs.store.checkpoints import Copy
from situs.store.usage import Line

GB = 10**9


def way(
    force: Force, copy: Copy, generation: int, ends: tuple[str, str], sent_bytes: int, now: datetime
) -> Sequence[Line]:
    """A line of the ledger for so many bytes from one site to another; none for what costs nothing.

    ``generation``: of the run that they are sent for.
    """
    source, target = ends
    if source == target or not sent_bytes:
        return []
    intent, facts = force.kept.intent, force.kept.facts
    link = Network(complete(intent, facts, now).links).link(source, target)
    price = None if link is None else link.tiers[0].price if link.tiers else link.price
    per_gb = exchanged(price, intent.settings.currency, facts, now)
    cost = amount(per_gb * Decimal(sent_bytes) / GB)
    if not cost:
        return []
    workload, _ = known(force, copy.workload)
    use_case = workload.use_case if workload is not None else None
    line = Line(
        "transfer", source, "", now, now, 0.0, cost, intent.settings.currency, copy.workload, copy.unit,
        generation, use_case,
    )  # fmt: skip
    return [line]
