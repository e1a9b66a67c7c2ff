"""What an estate consists of, counted."""

from __future__ import annotations

from collections.abc import Mapping

from situs.cli.output import Language
from situs.model.plural import counted

PARTS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "sites": "{n} site|{n} sites", "links": "{n} link|{n} links", "locations": "{n} location|{n} locations",
        "datasets": "{n} dataset|{n} datasets", "workloads": "{n} workload|{n} workloads",
        "use_cases": "{n} use case|{n} use cases", "rules": "{n} rule|{n} rules",
    },
    "de": {
        "sites": "{n} Ort|{n} Orte", "links": "{n} Leitung|{n} Leitungen",
        "locations": "{n} Standort|{n} Standorte", "datasets": "{n} Datensatz|{n} Datensätze",
        "workloads": "{n} Arbeitslast|{n} Arbeitslasten", "use_cases": "{n} Anwendungsfall|{n} Anwendungsfälle",
        "rules": "{n} Regel|{n} Regeln",
    },
}  # fmt: skip


def counts_told(counts: Mapping[str, int], language: Language) -> str:
    """``2 sites, 1 link``; by the sections of estate files."""
    return ", ".join(counted(PARTS[language][part], count) for part, count in counts.items())
