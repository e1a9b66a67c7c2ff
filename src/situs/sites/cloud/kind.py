"""The kind of site ``cloud``: its options as an estate writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from situs.model import estate
from situs.model.secret import Reference, reference
from situs.sites.adapter import Adapter
from situs.sites.cloud.server import address_of
from situs.sites.cloud.wanted import any_machine, machines, offered
from situs.sites.registry import Kind, Option, Rented

LOCAL = "http://127.0.0.1:46580"
"""Where ``sky api start`` has one listen."""
UNATTENDED_H = 24.0


def _infra(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(/[A-Za-z0-9._-]+){0,2}", text, re.ASCII):
        raise ValueError(
            f"{text!r} is no place of SkyPilot; write it as aws, aws/eu-central-1 or gcp/us-east1/b"
        )
    return text


def _hours(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]+)?", text) or float(text) <= 0:
        raise ValueError(f"{text!r} is no number of hours")
    return float(text)


def _open(name: str, options: Mapping[str, Any], folder: Path) -> Adapter:
    from situs.sites.cloud.machines import Machines
    from situs.sites.cloud.names import Names
    from situs.sites.cloud.server import ApiServer
    from situs.sites.cloud.site import CloudSite
    from situs.sites.cloud.telling import CloudOptions
    from situs.sites.secrets import secret

    names = Names(options.get("name", name))
    token = options.get("token")
    given = (lambda: secret(token, folder)) if isinstance(token, Reference) else None
    server = ApiServer(options.get("server", LOCAL), names.user, given, options.get("workspace"))
    rented = Machines(server, names, options.get("unattended", UNATTENDED_H) * 3600)
    own = CloudOptions(options["machines"], options["otherwise"], options["offered"])
    return CloudSite(server, rented, folder / "sites" / name / "cloud", own)


def _told(site: estate.Site, options: Mapping[str, Any]) -> Mapping[str, Any]:
    infra = options.get("infra")
    return {
        "machines": machines(site, infra),
        "otherwise": any_machine(site, infra),
        "offered": offered(site),
    }


def _rents(site: estate.Site, pool: str, options: Mapping[str, Any]) -> Rented | None:
    machine = machines(site, options.get("infra")).get(pool)
    if machine is None:
        return None
    return Rented(machine.what, machine.infra, machine.spot, machine.price)


CLOUD = Kind(
    {
        "server": Option(f"address of SkyPilot's API server; else {LOCAL}", address_of),
        "token": Option(
            "where that of a service account is kept, as env:NAME, file:NAME or vault:PATH#KEY", reference
        ),
        "infra": Option(
            "where machines are rented, as SkyPilot writes it: aws/eu-central-1; else what pools (sku) or the site's "
            "operator and region say",
            _infra,
        ),
        "workspace": Option("of SkyPilot; else that of the account"),
        "unattended": Option(
            f"hours after which a machine that nobody asks after is given back, busy or not; else {UNATTENDED_H:g}",
            _hours,
        ),
        "name": Option(
            "tells sites apart that share an API server, and must stay the same; else the site's name"
        ),
    },
    _open,
    told=_told,
    rents=_rents,
)
