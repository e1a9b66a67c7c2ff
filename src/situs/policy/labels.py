"""Effective labels: what went into a thing decides what may be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.label import PUBLIC, UNKNOWN, Label


@dataclass(frozen=True)
class Labels:
    """The label that counts for every dataset and workload."""

    datasets: Mapping[str, Label]
    workloads: Mapping[str, Label]
    declassified: frozenset[str]
    """datasets whose own lower label counts, because a named person has signed for it"""


def effective_labels(intent: Intent, *, unsigned: bool = False) -> Labels:
    """Join labels along the lineage: inputs → workload → outputs. Raises InputError for a cycle.

    A dataset that nobody labelled and nobody here produces is unknown, and unknown is the highest class.
    A declassification counts only when somebody signed it with their name; with ``unsigned`` it counts
    without, which is what switching the rule off means.
    """
    producers: dict[str, list[str]] = {}
    for name in sorted(intent.workloads):
        for output in intent.workloads[name].outputs:
            producers.setdefault(output.dataset, []).append(name)
    lowered = frozenset(
        name
        for name, dataset in intent.datasets.items()
        if dataset.declassified is not None and (unsigned or (dataset.declassified_by or "").strip())
    )
    datasets: dict[str, Label] = {}
    workloads: dict[str, Label] = {}

    def of_workload(name: str) -> Label:
        workload = intent.workloads[name]
        label = workload.label or PUBLIC
        for item in workload.inputs:
            label = label.join(datasets[item.dataset])
        return label

    def of_dataset(name: str) -> Label:
        dataset = intent.datasets[name]
        if dataset.declassified is not None and name in lowered:
            return dataset.declassified
        makers = producers.get(name, ())
        label = dataset.label or (PUBLIC if makers else UNKNOWN)
        for maker in makers:
            label = label.join(workloads[maker])
        return label

    for kind, name in _in_order(intent, producers, lowered):
        if kind == "dataset":
            datasets[name] = of_dataset(name)
        else:
            workloads[name] = of_workload(name)
    return Labels(datasets, workloads, lowered)


def _in_order(
    intent: Intent, producers: Mapping[str, list[str]], lowered: frozenset[str]
) -> list[tuple[str, str]]:
    """Every dataset and workload after all that went into it, without recursion: lineages can be long."""
    done: set[tuple[str, str]] = set()
    order: list[tuple[str, str]] = []
    roots = [("dataset", name) for name in sorted(intent.datasets)] + [
        ("workload", name) for name in sorted(intent.workloads)
    ]
    for root in roots:
        path: list[tuple[str, str]] = []
        on_path: set[tuple[str, str]] = set()
        stack = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                path.pop()
                on_path.discard(node)
                done.add(node)
                order.append(node)
                continue
            if node in done:
                continue
            if node in on_path:
                circle = [*path[path.index(node) :], node]
                raise InputError("data come from themselves: " + " → ".join(name for _, name in circle))
            path.append(node)
            on_path.add(node)
            stack.append((node, True))
            stack.extend(
                (parent, False) for parent in _parents(intent, producers, lowered, node) if parent not in done
            )
    return order


def _parents(
    intent: Intent, producers: Mapping[str, list[str]], lowered: frozenset[str], node: tuple[str, str]
) -> list[tuple[str, str]]:
    kind, name = node
    if kind == "workload":
        return [("dataset", item.dataset) for item in intent.workloads[name].inputs]
    if name in lowered:
        return []
    return [("workload", maker) for maker in producers.get(name, ())]
