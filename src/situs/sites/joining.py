"""Connecting a site: ask the real place what it is, and write down what it said as a site of an estate.

A host that nobody has vouched for is asked nothing.  Its key is shown to whoever connects it, and once believed it
is pinned in the site's own options; with jump hosts that happens hop by hop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from situs.model import estate
from situs.model.error import InputError, SitusError
from situs.sites.adapter import Health, Inventory, Nodes
from situs.sites.discover import LINKS, FoundPool, FoundSite, rented, site_lines
from situs.sites.hostkeys import NotTrusted, ShownKey, pinned, written
from situs.sites.registry import kind, opened

Believe = Callable[[ShownKey], bool]
"""Whether a person, or what a person has said, vouches for the key"""
SKEW_S = 2.0
"""What a bad line and whole seconds can make of clocks that are right."""


@dataclass(frozen=True)
class Probed:
    """What a place said about itself."""

    options: Mapping[str, str]
    """with the keys that were believed"""
    health: Health
    inventory: Inventory
    believed: tuple[ShownKey, ...]


def probe(name: str, kind_name: str, options: Mapping[str, str], believe: Believe) -> Probed:
    """Ask the place. Raises InputError for wrong options, and SitusError when it cannot be worked with."""
    believed: list[ShownKey] = []
    options = dict(options)
    # Opening a site may make folders of this machine: those of one that is only asked go at once.
    with TemporaryDirectory(prefix="situs-") as folder:
        while True:
            site = opened(name, _site(kind_name, options), Path(folder))
            try:
                inventory = site.inventory()
                health = site.health()
            except NotTrusted as error:
                shown = error.shown
                if shown is None or shown.others or "host_keys" not in kind(kind_name).options:
                    raise
                if shown.host in pinned_in(options) or not believe(shown):
                    raise
                believed.append(shown)
                options["host_keys"] = written({**pinned_in(options), shown.host: shown.line})
                continue
            if not health.ok:
                raise SitusError(f"{name}: {health.cause}; {health.next_step}")
            return Probed(options, health, inventory, tuple(believed))


def document(
    name: str, kind_name: str, probed: Probed, *, place: str, country: str, clearance: int,
    electricity: str | None, at: datetime, links: bool,
) -> str:  # fmt: skip
    """The site as commented YAML. ``links``: with a first link, for an estate that has none."""
    source = f"situs site add, {at:%Y-%m-%d}"
    found = FoundSite(
        name, source, kind_name, probed.options, pools_of(probed.inventory), rented(kind_name, probed.options),
        otherwise=place,
    )  # fmt: skip
    apart = ", ".join(probed.inventory.isolation) or "nothing that it tells of"
    lines = [
        f"# Connected by `situs site add` on {at:%Y-%m-%d}. What only a person can know is marked by a comment.",
        f"# It keeps runs apart by: {apart}.",
        *_skew(probed.health.clock_ahead_s),
        "sites:",
        *site_lines(found, country, {}, clearance, electricity),
        *(LINKS if links else ()),
        "",
    ]
    return "\n".join(lines)


def pools_of(inventory: Inventory) -> tuple[FoundPool, ...]:
    """A pool for each shape of node."""
    whole = Nodes(1, inventory.cpus, inventory.memory_gib, inventory.accelerators)
    pools = []
    for number, nodes in enumerate(inventory.nodes or (whole,), start=1):
        # A pool has one model of accelerator; where a node mixes them, the most numerous one counts.
        model = max(nodes.accelerators, key=lambda model: nodes.accelerators[model], default=None)
        pools.append(
            FoundPool(
                "nodes" if number == 1 else f"nodes-{number}", nodes.cpus, round(nodes.memory_gib, 1),
                nodes.count, model, nodes.accelerators[model] if model else 0,
            )
        )  # fmt: skip
    return tuple(pools)


def pinned_in(options: Mapping[str, str]) -> Mapping[str, str]:
    """The keys that options pin. Raises InputError for what is no key."""
    try:
        return pinned(options["host_keys"]) if options.get("host_keys") else {}
    except ValueError as error:
        raise InputError(f"option host_keys: {error}") from None


def _site(kind_name: str, options: Mapping[str, str]) -> estate.Site:
    # Where it is does not matter for how it is reached.
    return estate.Site(
        kind=estate.SiteKind.ON_PREM, country="ZZ", adapter=estate.Adapter(kind=kind_name, options=options)
    )


def _skew(ahead_s: float) -> list[str]:
    if abs(ahead_s) < SKEW_S:
        return []
    return [
        f"# Its clock was {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} ours: have it set by NTP."
    ]
