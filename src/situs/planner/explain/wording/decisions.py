"""Decisions and conflicts in words, English and German."""

from __future__ import annotations

from situs.planner.explain.model import Conflict
from situs.planner.explain.wording.reasons import say

DECISIONS = {
    "en": {
        "only-place": "it is the only place it may and can be",
        "cheapest": "it is the cheapest place it may and can be",
        "cheapest-with-data": "it is the cheapest place, counting what it costs to get at the data",
        "stays-move-does-not-pay": "it is there today and moving would not pay",
        "held-by-minimum-runtime": "it is there today and may not move yet",
        "scarce-capacity": "there is not enough room for all, and others are worth more",
        "no-place": "there is no place where it may and can be",
        "shared-constraint": "the whole estate is cheapest that way, though another place lists a lower price",
    },
    "de": {
        "only-place": "es der einzige Ort ist, der erlaubt und möglich ist",
        "cheapest": "es der billigste erlaubte und mögliche Ort ist",
        "cheapest-with-data": "es mit dem Weg zu den Daten der billigste Ort ist",
        "stays-move-does-not-pay": "es heute dort ist und ein Umzug sich nicht lohnt",
        "held-by-minimum-runtime": "es heute dort ist und noch nicht umziehen darf",
        "scarce-capacity": "der Platz nicht für alle reicht und anderes mehr wert ist",
        "no-place": "es keinen Ort gibt, der erlaubt und möglich ist",
        "shared-constraint": "der ganze Bestand so am billigsten ist, auch wenn ein anderer Ort weniger verlangt",
    },
}

ALTERNATIVES = {
    "en": {
        "cost": "dearer",
        "move-bill": "cheaper, but moving there does not pay",
        "capacity": "others need the room there more",
        "data": "cheaper by itself, but not with the copies of data it needs there",
        "nodes": "cheaper by itself, but not with the nodes that it takes",
        "as-good": "no dearer, as far as is proven",
        "budget": "no budget left for it",
        "limit": "a limit on how much may be in one place",
    },
    "de": {
        "cost": "teurer",
        "move-bill": "billiger, aber der Umzug lohnt sich nicht",
        "capacity": "andere brauchen den Platz dort mehr",
        "data": "für sich billiger, aber nicht mit den Datenkopien, die es dort braucht",
        "nodes": "für sich billiger, aber nicht mit den Knoten, die dafür dazukommen",
        "as-good": "soweit bewiesen, nicht teurer",
        "budget": "dafür ist kein Budget mehr da",
        "limit": "eine Grenze, wie viel an einem Ort sein darf",
    },
}
"""Why a place that a workload may have was not taken. What it may not have has its refusal in words."""

CONFLICT = {
    "en": "{left_out} is left out: {workloads} each fit, but not together; what they share: {limits}.",
    "de": "{left_out} bleibt weg: {workloads} passen einzeln, aber nicht zusammen; was sie teilen: {limits}.",
}


def say_conflict(conflict: Conflict, language: str = "en") -> str:
    """One sentence: what does not fit together."""
    limits = "; ".join(say(limit, language) for limit in conflict.limits)
    return CONFLICT[language].format(
        workloads=", ".join(conflict.workloads), limits=limits or "—", left_out=conflict.left_out
    )
