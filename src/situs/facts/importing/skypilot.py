"""The layout of SkyPilot's catalogues: one row for each machine type, region and zone, in US dollars.

Columns: InstanceType, AcceleratorName, AcceleratorCount, vCPUs, MemoryGiB, Price, SpotPrice, Region,
AvailabilityZone, GpuInfo.  The file does not say whose prices it holds; its folder in the catalogue does, so the
operator has to be given.
"""

from __future__ import annotations

import re

from situs.facts.fact import PriceFact
from situs.facts.importing.imported import Defaults, Imported
from situs.facts.table import Row, built, read_rows
from situs.model.error import InputError, Problem

COLUMNS = ("InstanceType", "Price", "Region")
_BOARD_MIB = re.compile(r"SizeInMiB\W{1,4}([0-9]+)")
_HOST_ONLY = re.compile(r"(a[2-9]|g[2-9]|ct[0-9])")
"""Machine types of Google that come only with accelerators, while the catalogue prices those apart."""


def read_skypilot(content: bytes, name: str, defaults: Defaults, problems: list[Problem]) -> Imported:
    """Prices by machine type and region; of several zones the cheapest, since who rents may choose."""
    if defaults.operator is None:
        raise InputError("this layout does not say whose prices it holds; give --operator")
    rows, found = read_rows(content, name, COLUMNS)
    problems.extend(found)
    imported = Imported()
    unknown: set[str] = set()
    for row in rows:
        if (why := _no_price(row, defaults.operator)) is not None:
            imported.leave_out(why, row.at)
            continue
        region = row.cells.get("Region", "")
        country = defaults.regions.get((defaults.operator, region)) or defaults.country
        if country is None:
            if region not in unknown:
                problems.append(
                    Problem(
                        f"the country of {defaults.operator}'s region {region!r} is not known",
                        row.at,
                        "give --country for all such regions, or add the region to a regions.csv among your facts",
                    )
                )
            unknown.add(region)
            continue
        fact = built(PriceFact, _fields(row, region, country, defaults), row.at, problems)
        if fact is not None:
            known = imported.prices.get(fact.key)
            imported.prices[fact.key] = fact if known is None else _cheaper(known, fact)
    return imported


def _no_price(row: Row, operator: str) -> str | None:
    """Why a row is no price of a machine; None when it is one."""
    machine = row.cells.get("InstanceType")
    if machine is None:
        return "an accelerator priced apart from any machine"
    if operator == "gcp" and "AcceleratorName" not in row.cells and _HOST_ONLY.match(machine):
        return "a machine priced without the accelerators that it cannot be had without"
    price = row.cells.get("Price")
    if price is None or price.strip("0.") == "":
        return "a machine without a price by the hour"
    return None


def _fields(row: Row, region: str, country: str, defaults: Defaults) -> dict[str, object]:
    cells = row.cells
    board = _BOARD_MIB.search(cells.get("GpuInfo", ""))
    fields: dict[str, object] = {
        "operator": defaults.operator,
        "region": region,
        "country": country,
        "sku": cells["InstanceType"],
        "cpus": cells.get("vCPUs", 0),
        "memory_gib": cells.get("MemoryGiB", 0),
        "accelerator": cells.get("AcceleratorName"),
        "accelerators": cells.get("AcceleratorCount", 0),
        "accelerator_memory_gib": int(board[1]) / 1024 if board else None,
        "per_hour": cells["Price"],
        "per_hour_spot": cells.get("SpotPrice"),
        "as_of": defaults.as_of,
        "source": defaults.source,
    }
    return fields


def _cheaper(one: PriceFact, other: PriceFact) -> PriceFact:
    spots = [fact.per_hour_spot for fact in (one, other) if fact.per_hour_spot is not None]
    return one.model_copy(
        update={
            "per_hour": min(one.per_hour, other.per_hour),
            "per_hour_spot": min(spots, default=None),
        }
    )
