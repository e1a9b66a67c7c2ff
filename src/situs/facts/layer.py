"""Layers: the files that catalogues are made of, packaged ones first, each later one over those before."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from situs.model.error import InputError

CATALOGUES = (
    "prices.csv",
    "egress.json",
    "storage.json",
    "commitments.json",
    "exchange.csv",
    "carbon_regions.csv",
    "carbon_countries.csv",
    "round_trips.csv",
    "countries.csv",
    "regions.csv",
    "groups.json",
    "schemes.json",
)

LARGEST_BYTES = 64 * 2**20
"""The largest public price catalogue of one operator has 3 MiB; a file of twenty times that is something else."""

_DAY = re.compile(rb"(?<![0-9])(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}(?![0-9])")


@dataclass(frozen=True)
class Layer:
    """One file of a catalogue."""

    catalogue: str
    """which of :data:`CATALOGUES` it belongs to"""
    name: str
    """where it came from, for messages"""
    content: bytes

    @property
    def digest(self) -> str:
        """The identity of its content."""
        return hashlib.sha256(self.content).hexdigest()


Layers = Mapping[str, tuple[Layer, ...]]
"""catalogue -> its layers, the first one lowest"""


def packaged() -> Layers:
    """What comes with situs."""
    folder = files("situs.facts") / "data"
    return {name: (Layer(name, f"situs {name}", (folder / name).read_bytes()),) for name in CATALOGUES}


def layers_at(place: Path) -> list[Layer]:
    """The catalogue files at a place: one file, or all of a folder, oldest figures first.

    A file says which catalogue it extends by the beginning of its name: ``prices-hoster-2026-10-01.csv``.
    """
    if place.is_dir():
        paths = [
            path
            for path in sorted(place.iterdir())
            if path.suffix in (".csv", ".json") and path.name[0] != "."
        ]
        return sorted((_layer(path) for path in paths), key=lambda layer: (_newest_day(layer), layer.name))
    return [_layer(place)]


def over(lower: Layers, upper: Sequence[Layer]) -> Layers:
    """Layers with more on top."""
    return {
        name: (*layers, *(layer for layer in upper if layer.catalogue == name))
        for name, layers in lower.items()
    }


def _layer(path: Path) -> Layer:
    known = [
        name
        for name in CATALOGUES
        if path.name.startswith(Path(name).stem) and path.suffix == Path(name).suffix
    ]
    if not known:
        raise InputError(f"{path}: a catalogue's name begins with one of {', '.join(CATALOGUES)}")
    return Layer(max(known, key=len), str(path), read_file(path))


def read_file(path: Path) -> bytes:
    """The content of a file of reasonable size. Raises InputError."""
    try:
        if path.is_file() and path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path}: the file has more than {LARGEST_BYTES // 2**20} MiB; split it")
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a file")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read: {error.strerror}") from None


def _newest_day(layer: Layer) -> bytes:
    return max(_DAY.findall(layer.content), default=b"")
