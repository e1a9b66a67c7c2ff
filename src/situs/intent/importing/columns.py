"""The columns that a table of services may have, with their other names, German ones among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from situs.model.estate import SiteKind
from situs.model.workload import Stage


@dataclass(frozen=True)
class Column:
    """What a column means."""

    about: str
    kind: str
    """text, name, list, whole, number, size, time, share, month_money, date"""
    also: tuple[str, ...] = ()
    """other headings for it"""


COLUMNS: Mapping[str, Column] = {
    "name": Column(
        "the service; each row has its own", "name", ("service", "workload", "dienst", "anwendung")
    ),
    "title": Column("for people", "text", ("description", "beschreibung", "titel")),
    "stage": Column(f"one of {', '.join(Stage)}", "text", ("phase", "stufe")),
    "class": Column("kind of work, for the speed of pools", "text", ("workload_class", "klasse")),
    "owner": Column("who answers for it", "text", ("verantwortlich", "eigner", "team")),
    "use_case": Column(
        "what it is part of; needs a value in one of its rows",
        "name",
        ("anwendungsfall", "project", "projekt"),
    ),
    "purpose": Column("what the data are used for", "text", ("zweck",)),
    "count": Column("how many of the same", "whole", ("anzahl", "instances", "instanzen")),
    "cpu": Column("cores", "number", ("cpus", "cores", "vcpu", "vcpus", "kerne")),
    "memory": Column(
        "GiB unless a unit is given", "size", ("ram", "memory_gib", "arbeitsspeicher", "speicher")
    ),
    "gpus": Column(
        "how many accelerators", "number", ("accelerators", "gpu_count", "anzahl_gpu", "anzahl_gpus")
    ),
    "gpu": Column(
        "acceptable models, separated by /",
        "text",
        ("accelerator", "gpu_model", "gpu_type", "gpu_modell", "gpu_typ"),
    ),
    "gpu_memory": Column("at least, for each accelerator", "size", ("vram", "gpu_ram", "gpu_speicher")),
    "disk": Column("GB unless a unit is given", "size", ("festplatte", "scratch")),
    "nodes": Column("spread evenly over so many", "whole", ("knoten",)),
    "requests_per_s": Column(
        "peak to be answered; makes it a service",
        "number",
        (
            "requests",
            "requests_s",
            "requests_per_second",
            "rps",
            "qps",
            "anfragen_pro_s",
            "anfragen_pro_sekunde",
            "anfragen",
        ),
    ),
    "requests_per_replica": Column(
        "what one replica answers in a second", "number", ("throughput", "durchsatz")
    ),
    "gb_per_month": Column("sent to users", "size", ("egress", "traffic")),
    "hours": Column(
        "length of a run; makes it a job",
        "time",
        ("work", "duration", "runtime", "stunden", "dauer", "laufzeit"),
    ),
    "runs_per_month": Column(
        "how often it runs", "number", ("per_month", "runs", "laeufe_pro_monat", "laeufe")
    ),
    "earliest": Column("not before", "date", ("start", "fruehestens")),
    "deadline": Column("must have ended", "date", ("end", "due", "frist", "spaetestens")),
    "data": Column(
        "datasets it reads, separated by /", "list", ("dataset", "datasets", "inputs", "daten", "datensatz")
    ),
    "data_gb": Column(
        "size of each of them, GB unless a unit is given", "size", ("data_size", "datenmenge", "dataset_size")
    ),
    "level": Column(
        "0 public to 4 special, of its data",
        "whole",
        ("label_level", "label", "confidentiality", "schutzklasse", "stufe_schutz"),
    ),
    "categories": Column("personal, health, ... separated by /", "list", ("kategorien", "data_categories")),
    "jurisdictions": Column(
        "countries or groups (EU) whose law alone may govern the data",
        "list",
        ("jurisdiction", "rechtsraum", "rechtsraeume"),
    ),
    "purposes": Column("what the data may be used for", "list", ("zwecke",)),
    "users_at": Column("where its users are", "name", ("location", "users", "nutzer", "standort_nutzer")),
    "users_country": Column("country of that place, such as DE", "text", ("location_country", "land_nutzer")),
    "latency": Column(
        "limit to these users, ms unless a unit is given", "time", ("latency_ms", "latenz", "max_latency")
    ),
    "availability": Column("fraction or percent", "share", ("sla", "verfuegbarkeit")),
    "site": Column(
        "where it is today", "name", ("current_site", "standort", "ort", "rechenzentrum", "where")
    ),
    "site_kind": Column(f"one of {', '.join(SiteKind)}", "text", ("kind", "art_standort", "standort_art")),
    "site_country": Column("such as DE", "text", ("country", "land", "land_standort", "standort_land")),
    "value": Column("what it is worth a month, with currency", "month_money", ("worth", "wert", "nutzen")),
    "budget": Column("limit a month, with currency", "month_money", ("limit", "budget_per_month")),
    "priority": Column("0 to 100", "whole", ("prioritaet", "prio")),
}
