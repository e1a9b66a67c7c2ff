"""The kind of site ``ray``: its options as an estate writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from situs.model.secret import Reference, reference
from situs.sites.adapter import Adapter
from situs.sites.ray.address import address_of
from situs.sites.registry import Kind, Option

LOCAL = "http://127.0.0.1:8265"
"""Where ``ray start --head`` has its dashboard listen."""


def _resource(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", text, re.ASCII) or text in ("CPU", "memory"):
        raise ValueError(f"{text!r} is no resource of accelerators; write it as GPU, TPU or neuron_cores")
    return text


def _file(text: str) -> str:
    if not Path(text).is_absolute():
        raise ValueError(f"{text!r} is no absolute path of a file")
    return text


def _open(name: str, options: Mapping[str, Any], folder: Path) -> Adapter:
    from situs.sites.ray.api import RayApi
    from situs.sites.ray.names import Names
    from situs.sites.ray.site import RayOptions, RaySite
    from situs.sites.secrets import secret

    token = options.get("token")
    given = (lambda: secret(token, folder)) if isinstance(token, Reference) else None
    api = RayApi(options.get("address", LOCAL), given, options.get("ca"))
    names = Names(options.get("name", name))
    return RaySite(api, names, folder / "sites" / name / "ray", RayOptions(options.get("resource", "GPU")))


RAY = Kind(
    {
        "address": Option(f"of Ray's dashboard; else {LOCAL}", address_of),
        "token": Option(
            "where that of the cluster is kept, as env:NAME, file:NAME or vault:PATH#KEY", reference
        ),
        "ca": Option(
            "file with the certificate of who signs the dashboard's; else those of this machine", _file
        ),
        "resource": Option("what Ray calls the accelerators there; else GPU", _resource),
        "name": Option(
            "tells sites apart that share a cluster, and must stay the same; else the site's name"
        ),
    },
    _open,
)
