"""Which labels, written down in the estate, make up the label that counts for a thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from situs.model.intent import Intent
from situs.model.label import Label
from situs.policy import Labels

Thing = tuple[str, str]
"""(workload or dataset, name)"""


@dataclass(frozen=True)
class Holder:
    """A label that somebody wrote, and so can change."""

    path: str
    """JSON pointer into the intent"""
    label: Label


def holders(intent: Intent, labels: Labels, start: Thing) -> tuple[Holder, ...]:
    """All labels that flow into ``start``, the nearest first."""
    found = []
    for kind, name in _lineage(intent, labels, start):
        if kind == "workload":
            field, label = "label", intent.workloads[name].label
        elif name in labels.declassified:
            field, label = "declassified", intent.datasets[name].declassified
        else:
            field, label = "label", intent.datasets[name].label
        if label is not None:
            found.append(Holder(f"/{kind}s/{name}/{field}", label))
    return tuple(found)


def unsigned(intent: Intent, labels: Labels, start: Thing) -> tuple[str, ...]:
    """Datasets that flow into ``start`` and have a lower label for which nobody has signed."""
    return tuple(
        name
        for kind, name in _lineage(intent, labels, start)
        if kind == "dataset"
        and intent.datasets[name].declassified is not None
        and name not in labels.declassified
    )


def _lineage(intent: Intent, labels: Labels, start: Thing) -> Iterator[Thing]:
    """``start`` and all whose labels count for it, the nearest first."""
    makers: dict[str, list[str]] = {}
    for name, workload in intent.workloads.items():
        for output in workload.outputs:
            makers.setdefault(output.dataset, []).append(name)
    seen = {start}
    waiting = [start]
    for thing in waiting:
        yield thing
        kind, name = thing
        sources: list[Thing] = []
        if kind == "workload":
            sources = [("dataset", item.dataset) for item in intent.workloads[name].inputs]
        elif name not in labels.declassified:
            sources = [("workload", maker) for maker in makers.get(name, ())]
        waiting.extend(source for source in dict.fromkeys(sources) if source not in seen)
        seen.update(sources)
